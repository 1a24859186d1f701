/* SPDX-License-Identifier: Apache-2.0 */
/* Times that are measured where the work is done, and how they are added up for those who ask. */
#include "runtime/observe/observe.h"

enum { NS_PER_S = 1000000000, US_PER_S = 1000000 };

/* ---- a lane's part ---- */

void timing_note_batch(struct instance *instance, int64_t working_ns_before)
{
    double seconds = (double)(instance->working_ns - working_ns_before) / NS_PER_S;
    histogram_observe(&instance->step->counters.batch_time, &family_batch_time, seconds, 1);
}

void timing_note_watermark(struct instance *instance)
{
    size_t held_back_by = 0;
    int64_t least_us = INT64_MAX;
    for (size_t i = 0; i < instance->input_count; i++) {
        const struct input *input = &instance->inputs[i];
        if (input->watermark_us < least_us && input->from_step != SIZE_MAX) {
            least_us = input->watermark_us;
            held_back_by = input->from_step + 1;
        }
    }
    atomic_store_explicit(&instance->held_back_by, (int)held_back_by, memory_order_relaxed);
    atomic_store_explicit(&instance->shown_watermark_us, instance->watermark_us,
                          memory_order_relaxed);
}

/* Neighbours become one, with the time of the older: there is room again. Gives their new number. */
static size_t merge_neighbours(struct arrival *items, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i += 2) {
        struct arrival merged = items[i];
        if (i + 1 < count) {
            merged.rows += items[i + 1].rows;
            if (items[i + 1].event_us < merged.event_us)
                merged.event_us = items[i + 1].event_us;
        }
        items[kept++] = merged;
    }
    return kept;
}

static void make_room(struct arrivals *arrivals)
{
    size_t staged = merge_neighbours(arrivals->items, arrivals->staged);
    size_t open = arrivals->count - arrivals->staged;
    for (size_t i = 0; i < open; i++)
        arrivals->items[staged + i] = arrivals->items[arrivals->staged + i];
    arrivals->staged = staged;
    arrivals->count = staged + merge_neighbours(&arrivals->items[staged], open);
}

void arrivals_take(struct instance *instance, const struct sluice_batch *batch)
{
    struct arrivals *arrivals = &instance->arrivals;
    int64_t event_us = batch_event_time(batch);
    if (event_us == 0)
        return;
    if (arrivals->count == ARRIVALS_MAX)
        make_room(arrivals);
    arrivals->items[arrivals->count++] = (struct arrival){event_us, (uint64_t)batch_rows(batch)};
}

void arrivals_stage(struct instance *instance)
{
    instance->arrivals.staged = instance->arrivals.count;
}

void arrivals_show(struct instance *instance)
{
    struct arrivals *arrivals = &instance->arrivals;
    int64_t now_us = clock_wall_us();
    for (size_t i = 0; i < arrivals->staged; i++) {
        int64_t late_us = now_us - arrivals->items[i].event_us;
        histogram_observe(&instance->step->counters.delivery_time, &family_delivery_time,
                          late_us > 0 ? (double)late_us / US_PER_S : 0, arrivals->items[i].rows);
    }
    for (size_t i = arrivals->staged; i < arrivals->count; i++)
        arrivals->items[i - arrivals->staged] = arrivals->items[i];
    arrivals->count -= arrivals->staged;
    arrivals->staged = 0;
}

/* ---- adding up ---- */

static int64_t lane_time_ns(const struct lane *lane)
{
    int64_t started_ns = atomic_load_explicit(&lane->started_ns, memory_order_relaxed);
    int64_t accounted_ns = atomic_load_explicit(&lane->accounted_ns, memory_order_relaxed);
    return started_ns > 0 && accounted_ns > started_ns ? accounted_ns - started_ns : 0;
}

void flow_keep_times(struct flow *flow)
{
    const struct execution *execution = flow->execution;
    for (size_t i = 0; execution && i < execution->instance_count; i++) {
        const struct instance *instance = execution->instances[i];
        atomic_fetch_add(&instance->step->counters.lane_ns, lane_time_ns(instance->lane));
    }
    for (size_t i = 0; i < flow->step_count; i++)
        series_clear_gauges(flow->steps[i].series);
}

/* Counters are read one after the other while lanes go on: what was shown once is never taken back. */
static int64_t never_less(atomic_int_least64_t *shown, int64_t value)
{
    int_least64_t before = atomic_load(shown);
    while (value > before && !atomic_compare_exchange_weak(shown, &before, value))
        continue;
    return value > before ? value : before;
}

int64_t step_waiting_input_ns(struct flow_step *step)
{
    struct step_counters *counters = &step->counters;
    struct flow *flow = step->flow;
    pthread_mutex_lock(&flow->lock);
    const struct execution *execution = flow->execution;
    int64_t waiting_ns = atomic_load(&counters->lane_ns);
    for (size_t i = 0; execution && i < execution->instance_count; i++)
        if (execution->instances[i]->step == step)
            waiting_ns += lane_time_ns(execution->instances[i]->lane);
    pthread_mutex_unlock(&flow->lock);
    waiting_ns -= atomic_load_explicit(&counters->time_ns[STEP_WORKING], memory_order_relaxed) +
                  atomic_load_explicit(&counters->time_ns[STEP_WAITING_OUTPUT],
                                       memory_order_relaxed) +
                  atomic_load_explicit(&counters->time_ns[STEP_WAITING_RETRY],
                                       memory_order_relaxed);
    return never_less(&counters->waited_ns, waiting_ns);
}

int64_t step_watermark_us(const struct flow_step *step, const struct flow_step **held_back_by)
{
    const struct execution *execution = step->flow->execution;
    int64_t least_us = INT64_MAX;
    *held_back_by = NULL;
    for (size_t i = 0; execution && i < execution->instance_count; i++) {
        const struct instance *instance = execution->instances[i];
        int64_t watermark_us = atomic_load(&instance->shown_watermark_us);
        int by = atomic_load(&instance->held_back_by);
        if (instance->step != step || watermark_us >= least_us)
            continue;
        least_us = watermark_us;
        *held_back_by = by ? &step->flow->steps[by - 1] : NULL;
    }
    return least_us == INT64_MAX ? INT64_MIN : least_us;
}

/* ---- checkpoints ---- */

uint64_t flow_rows_read(const struct flow *flow)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < flow->step_count; i++) {
        const struct step_counters *counters = &flow->steps[i].counters;
        if (flow->steps[i].plan->component->kind == SLUICE_KIND_SOURCE)
            rows += atomic_load(&counters->rows_out) + atomic_load(&counters->rejected);
    }
    return rows;
}

uint64_t flow_rejects(const struct flow *flow, enum sluice_code code)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < flow->step_count; i++)
        rows += atomic_load(&flow->steps[i].counters.rejected_by_code[code]);
    return rows;
}

void flow_note_covered(struct flow *flow, uint64_t rows, int64_t now_ms)
{
    pthread_mutex_lock(&flow->lock);
    flow->covered_rows = rows;
    flow->covered_ms = now_ms;
    pthread_mutex_unlock(&flow->lock);
}

void flow_note_checkpoint(struct flow *flow, const struct checkpoint *checkpoint,
                          int64_t duration_ms)
{
    int64_t bytes = 0;
    for (size_t i = 0; i < checkpoint->entry_count; i++)
        bytes += (int64_t)checkpoint->entries[i].state.size;
    histogram_observe(&flow->checkpoint_time, &family_checkpoint_time, (double)duration_ms / 1000,
                      1);
    pthread_mutex_lock(&flow->lock);
    flow->checkpoint_count++;
    flow->checkpoint_number = checkpoint->number;
    flow->checkpoint_duration_ms = duration_ms;
    flow->checkpoint_bytes = bytes;
    flow->checkpoint_wall_ms = clock_wall_ms();
    pthread_mutex_unlock(&flow->lock);
}

int64_t flow_checkpoint_age_ms(const struct flow *flow)
{
    bool is_reading = flow->plan->trigger == FLOW_CONTINUOUS && flow->covered_ms > 0 &&
                      (flow->state == FLOW_RUNNING || flow->state == FLOW_STOPPING);
    if (!is_reading)
        return -1;
    return flow_rows_read(flow) == flow->covered_rows ? 0
                                                      : clock_monotonic_ms() - flow->covered_ms;
}
