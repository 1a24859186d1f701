/* SPDX-License-Identifier: Apache-2.0 */
/* Which steps run in every lane, how batches get there, and how many lanes there are. */
#include "pipeline/draft.h"

#include <sched.h>

#define MAX_LANES 64

static int processor_count(void)
{
    cpu_set_t processors;
    if (sched_getaffinity(0, sizeof(processors), &processors) != 0)
        return 1;
    int count = CPU_COUNT(&processors);
    return count < 1 ? 1 : count > MAX_LANES ? MAX_LANES : count;
}

static void place_step(const struct draft_flow *flow, struct draft_step *step)
{
    unsigned capabilities = step->component->capabilities;
    bool has_parallel_input = false;
    bool has_single_input = step->input_count == 0;
    for (size_t i = 0; i < step->input_count; i++) {
        bool is_parallel = flow->steps[step->inputs[i]].is_parallel;
        has_parallel_input = has_parallel_input || is_parallel;
        has_single_input = has_single_input || !is_parallel;
    }
    enum sluice_kind kind = step->component->kind;
    bool is_following = (kind == SLUICE_KIND_TRANSFORM && (capabilities & SLUICE_STATELESS)) ||
                        (kind == SLUICE_KIND_SINK && (capabilities & SLUICE_MULTI_LANE_SINK));
    if (kind == SLUICE_KIND_SOURCE) {
        step->edge = EDGE_FORWARD;
        step->is_parallel = flow_is_batch(flow) && (capabilities & SLUICE_PARALLEL);
    } else if (step->keys.count > 0) {
        step->edge = EDGE_HASH;
        step->is_parallel = true;
    } else if (is_following && !has_single_input) {
        step->edge = EDGE_FORWARD;
        step->is_parallel = true;
    } else {
        step->edge = has_parallel_input ? EDGE_GATHER : EDGE_FORWARD;
        step->is_parallel = false;
    }
}

void placement_apply(const struct draft *draft, struct draft_flow *flow)
{
    bool has_parallel = false;
    for (size_t i = 0; i < flow->step_count; i++) {
        struct draft_step *step = &flow->steps[i];
        if (!step->component)
            continue;
        place_step(flow, step);
        has_parallel = has_parallel || step->is_parallel;
    }
    int64_t wanted = flow->lanes ? flow->lanes : draft->settings.lanes;
    /* Without parallel steps a second lane still lets the sink work while the source reads. */
    int most = has_parallel ? MAX_LANES : 2;
    int lanes = wanted ? (int)wanted : has_parallel ? processor_count() : most;
    flow->lane_count = lanes < most ? lanes : most;
}
