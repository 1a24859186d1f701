/* SPDX-License-Identifier: Apache-2.0 */
/* What the outside may see of a running runtime. */
#include "runtime/observe/observe.h"

#include <stdio.h>
#include <string.h>

size_t runtime_flow_count(const struct runtime *runtime)
{
    return runtime->flow_count;
}

static void print_dead_letter(const struct flow *flow, struct flow_status *status)
{
    const struct step_plan *plan = flow->steps[flow->step_count - 1].plan;
    if (!plan->is_dead_letter)
        return;
    const struct settings_plan *settings = &flow->pipeline->plan->settings;
    if (plan->is_default && settings->state_store)
        snprintf(status->dead_letter, sizeof status->dead_letter, "%s/%s/deadletter/%s/",
                 settings->state, flow->pipeline->plan->name, flow->plan->name);
    else if (plan->is_default)
        snprintf(status->dead_letter, sizeof status->dead_letter,
                 "%s/members/%s/deadletter/%s.ndjson", text_get(&flow->pipeline->folder),
                 flow->pipeline->member.id, flow->plan->name);
    else
        snprintf(status->dead_letter, sizeof status->dead_letter, "%s (%s:%d)", plan->name,
                 plan->mark.file, plan->mark.line);
}

void runtime_flow_status(const struct runtime *runtime, size_t index, struct flow_status *status)
{
    struct flow *flow = &runtime->flows[index];
    *status = (struct flow_status){.pipeline = flow->pipeline->plan, .plan = flow->plan};
    for (size_t i = 0; i < flow->step_count; i++)
        status->rejected += atomic_load_explicit(&flow->steps[i].counters.rejected,
                                                 memory_order_relaxed);
    pthread_mutex_lock(&flow->lock);
    status->state = flow->state;
    status->run_count = flow->run_count;
    status->checkpoint_count = flow->checkpoint_count;
    status->checkpoint_number = flow->checkpoint_number;
    status->checkpoint_duration_ms = flow->checkpoint_duration_ms;
    status->next_run_ms = flow->next_run_ms;
    status->is_uncommitted = flow->is_uncommitted;
    snprintf(status->error, sizeof status->error, "%s", flow->error);
    pthread_mutex_unlock(&flow->lock);
    print_dead_letter(flow, status);
}

size_t runtime_step_count(const struct runtime *runtime, size_t flow)
{
    return runtime->flows[flow].step_count;
}

static uint64_t get(const atomic_uint_least64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static int64_t get_signed(const atomic_int_least64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void runtime_step_status(const struct runtime *runtime, size_t flow, size_t index,
                         struct step_status *status)
{
    struct flow_step *step = &runtime->flows[flow].steps[index];
    const struct step_counters *counters = &step->counters;
    int64_t waiting_input_ns = step_waiting_input_ns(step);
    int blocked_by = atomic_load(&counters->blocked_by);
    *status = (struct step_status){
        .plan = step->plan,
        .instance_count = step->plan->is_parallel ? runtime->flows[flow].plan->lane_count : 1,
        .activity = (enum step_activity)atomic_load(&counters->activity),
        .rows_in = get(&counters->rows_in),
        .rows_out = get(&counters->rows_out),
        .bytes_in = get(&counters->bytes_in),
        .bytes_out = get(&counters->bytes_out),
        .rejected = get(&counters->rejected),
        .duplicates = get(&counters->duplicates),
        .retries = get(&counters->retries),
        .spilled_bytes = get(&counters->spilled_bytes),
        .working_ns = get_signed(&counters->time_ns[STEP_WORKING]),
        .waiting_input_ns = waiting_input_ns,
        .waiting_output_ns = get_signed(&counters->time_ns[STEP_WAITING_OUTPUT]),
        .waiting_retry_ns = get_signed(&counters->time_ns[STEP_WAITING_RETRY]),
        .queued_bytes = get_signed(&counters->queued_bytes),
        .memory_bytes = (int64_t)atomic_load(&step->account.used_bytes),
        .progress_done = get_signed(&counters->progress_done),
        .progress_total = get_signed(&counters->progress_total),
        .blocked_by = blocked_by ? runtime->flows[flow].steps[blocked_by - 1].plan : NULL,
        .is_shedding = atomic_load(&counters->shedding_count) > 0,
    };
    pthread_mutex_lock(&step->lock);
    snprintf(status->last_error, sizeof status->last_error, "%s", step->last_error);
    pthread_mutex_unlock(&step->lock);
}

void runtime_replay_report(const struct runtime *runtime, size_t index,
                           struct replay_report *report)
{
    struct flow *flow = &runtime->flows[index];
    pthread_mutex_lock(&flow->lock);
    *report = flow->report;
    pthread_mutex_unlock(&flow->lock);
}

uint64_t runtime_rejects(const struct runtime *runtime, size_t flow, enum sluice_code code)
{
    return flow_rejects(&runtime->flows[flow], code);
}
