/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics of pipelines and flows. */
#include "runtime/observe/observe.h"

#include <math.h>

static const char *const pipeline_label[] = {"pipeline", NULL};
static const char *const flow_labels[] = {"pipeline", "flow", NULL};
static const char *const state_labels[] = {"pipeline", "flow", "state", NULL};

enum pipeline_metric { PIPELINE_MEMORY, PIPELINE_MEMORY_PEAK, PIPELINE_MEMORY_LIMIT };

static const struct metric_family pipeline_families[] = {
    [PIPELINE_MEMORY] = {.name = "sluice_pipeline_memory_bytes",
                         .kind = SLUICE_METRIC_GAUGE,
                         .unit = "bytes",
                         .text = "Memory that the pipeline's rows and state take of its budget.",
                         .labels = pipeline_label},
    [PIPELINE_MEMORY_PEAK] = {.name = "sluice_pipeline_memory_peak_bytes",
                              .kind = SLUICE_METRIC_GAUGE,
                              .unit = "bytes",
                              .text = "The most that the pipeline ever took of its memory budget.",
                              .labels = pipeline_label},
    [PIPELINE_MEMORY_LIMIT] = {.name = "sluice_pipeline_memory_limit_bytes",
                               .kind = SLUICE_METRIC_GAUGE,
                               .unit = "bytes",
                               .text = "Memory budget of the pipeline (settings.memory).",
                               .labels = pipeline_label},
};

enum flow_metric {
    FLOW_METRIC_RUNS,
    FLOW_METRIC_FAILURES,
    FLOW_METRIC_RESTARTS,
    FLOW_METRIC_LAST_RUN,
    FLOW_METRIC_NEXT_RUN,
    FLOW_METRIC_INTERVAL,
    FLOW_METRIC_CHECKPOINTS,
    FLOW_METRIC_CHECKPOINT_FAILURES,
    FLOW_METRIC_CHECKPOINT_NUMBER,
    FLOW_METRIC_CHECKPOINT_BYTES,
    FLOW_METRIC_CHECKPOINT_TIME,
    FLOW_METRIC_CHECKPOINT_AGE,
    FLOW_METRIC_CHECKPOINT_INTERVAL,
    FLOW_METRICS
};

static const struct metric_family flow_families[FLOW_METRICS] = {
    [FLOW_METRIC_RUNS] = {.name = "sluice_flow_runs_total",
                          .kind = SLUICE_METRIC_COUNTER,
                          .unit = "runs",
                          .text = "Runs committed by a flow with `every` or `after`.",
                          .labels = flow_labels},
    [FLOW_METRIC_FAILURES] = {.name = "sluice_flow_failures_total",
                              .kind = SLUICE_METRIC_COUNTER,
                              .unit = "failures",
                              .text = "Times that the flow, or a run of it, stopped with an error.",
                              .labels = flow_labels},
    [FLOW_METRIC_RESTARTS] = {.name = "sluice_flow_restarts_total",
                              .kind = SLUICE_METRIC_COUNTER,
                              .unit = "restarts",
                              .text = "Times that a continuous flow started over from its last "
                                      "checkpoint, after a rebalance or a lost connection.",
                              .labels = flow_labels},
    [FLOW_METRIC_LAST_RUN] = {.name = "sluice_flow_last_run_timestamp_seconds",
                              .kind = SLUICE_METRIC_GAUGE,
                              .unit = "seconds",
                              .text = "When the newest run of a flow with `every` or `after` was "
                                      "committed by this process, in seconds since 1970.",
                              .labels = flow_labels},
    [FLOW_METRIC_NEXT_RUN] = {.name = "sluice_flow_next_run_timestamp_seconds",
                              .kind = SLUICE_METRIC_GAUGE,
                              .unit = "seconds",
                              .text = "When a flow with `every` that is waiting runs next, in "
                                      "seconds since 1970.",
                              .labels = flow_labels},
    [FLOW_METRIC_INTERVAL] = {.name = "sluice_flow_interval_seconds",
                              .kind = SLUICE_METRIC_GAUGE,
                              .unit = "seconds",
                              .text = "How often a flow with `every` is to run.",
                              .labels = flow_labels},
    [FLOW_METRIC_CHECKPOINTS] = {.name = "sluice_flow_checkpoints_total",
                                 .kind = SLUICE_METRIC_COUNTER,
                                 .unit = "checkpoints",
                                 .text = "Checkpoints committed by this process.",
                                 .labels = flow_labels},
    [FLOW_METRIC_CHECKPOINT_FAILURES] = {.name = "sluice_flow_checkpoint_failures_total",
                                         .kind = SLUICE_METRIC_COUNTER,
                                         .unit = "failures",
                                         .text = "Checkpoints that failed or were refused.",
                                         .labels = flow_labels},
    [FLOW_METRIC_CHECKPOINT_NUMBER] = {.name = "sluice_flow_checkpoint_number",
                                       .kind = SLUICE_METRIC_GAUGE,
                                       .text = "Number of the newest committed checkpoint.",
                                       .labels = flow_labels},
    [FLOW_METRIC_CHECKPOINT_BYTES] = {.name = "sluice_flow_checkpoint_size_bytes",
                                      .kind = SLUICE_METRIC_GAUGE,
                                      .unit = "bytes",
                                      .text = "State in the newest committed checkpoint.",
                                      .labels = flow_labels},
    [FLOW_METRIC_CHECKPOINT_TIME] = {.name = "sluice_flow_checkpoint_timestamp_seconds",
                                     .kind = SLUICE_METRIC_GAUGE,
                                     .unit = "seconds",
                                     .text = "When the newest checkpoint was committed by this "
                                             "process, in seconds since 1970.",
                                     .labels = flow_labels},
    [FLOW_METRIC_CHECKPOINT_AGE] = {.name = "sluice_flow_checkpoint_age_seconds",
                                    .kind = SLUICE_METRIC_GAUGE,
                                    .unit = "seconds",
                                    .text = "For how long a continuous flow has had rows that no "
                                            "committed checkpoint covers; 0 where there are none, "
                                            "so an idle flow does not grow stale.",
                                    .labels = flow_labels},
    [FLOW_METRIC_CHECKPOINT_INTERVAL] = {.name = "sluice_flow_checkpoint_interval_seconds",
                                         .kind = SLUICE_METRIC_GAUGE,
                                         .unit = "seconds",
                                         .text = "How often a continuous flow is to take a "
                                                 "checkpoint (settings.checkpoint).",
                                         .labels = flow_labels},
};

static const double checkpoint_bounds[] = {0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
                                           2.5,  5,     10,   30,  60,   120, 300};

const struct metric_family family_checkpoint_time = {
    .name = "sluice_flow_checkpoint_duration_seconds",
    .kind = SLUICE_METRIC_HISTOGRAM,
    .unit = "seconds",
    .text = "Time of a checkpoint, from its barrier until all sinks had committed.",
    .labels = flow_labels,
    .bounds = checkpoint_bounds,
    .bound_count = sizeof checkpoint_bounds / sizeof *checkpoint_bounds};

static const struct metric_family family_state = {
    .name = "sluice_flow_state",
    .kind = SLUICE_METRIC_GAUGE,
    .text = "1 for the state that the flow is in, 0 for the others: waiting (for its trigger), "
            "starting, running, stopping, ended, failed.",
    .labels = state_labels};

static const char *const state_names[] = {
    [FLOW_WAITING] = "waiting",   [FLOW_STARTING] = "starting", [FLOW_RUNNING] = "running",
    [FLOW_STOPPING] = "stopping", [FLOW_ENDED] = "ended",       [FLOW_FAILED] = "failed",
};

static double seconds_of(int64_t milliseconds)
{
    return milliseconds > 0 ? (double)milliseconds / 1000 : NAN;
}

/* NAN: not there. */
static void read_flow(struct flow *flow, double values[FLOW_METRICS], enum flow_state *state)
{
    bool is_continuous = flow->plan->trigger == FLOW_CONTINUOUS;
    int64_t interval_ms = flow->pipeline->plan->settings.checkpoint_ms;
    pthread_mutex_lock(&flow->lock);
    int64_t age_ms = flow_checkpoint_age_ms(flow);
    *state = flow->state;
    values[FLOW_METRIC_RUNS] = is_continuous ? NAN : (double)flow->run_count;
    values[FLOW_METRIC_LAST_RUN] = seconds_of(flow->run_wall_ms);
    values[FLOW_METRIC_NEXT_RUN] =
        flow->state == FLOW_WAITING ? seconds_of(flow->next_run_ms) : NAN;
    values[FLOW_METRIC_CHECKPOINTS] = (double)flow->checkpoint_count;
    values[FLOW_METRIC_CHECKPOINT_NUMBER] =
        flow->checkpoint_number > 0 ? (double)flow->checkpoint_number : NAN;
    values[FLOW_METRIC_CHECKPOINT_BYTES] =
        flow->checkpoint_count > 0 ? (double)flow->checkpoint_bytes : NAN;
    values[FLOW_METRIC_CHECKPOINT_TIME] = seconds_of(flow->checkpoint_wall_ms);
    values[FLOW_METRIC_CHECKPOINT_AGE] = age_ms >= 0 ? (double)age_ms / 1000 : NAN;
    pthread_mutex_unlock(&flow->lock);
    values[FLOW_METRIC_FAILURES] = (double)atomic_load(&flow->failure_count);
    values[FLOW_METRIC_RESTARTS] = is_continuous ? (double)atomic_load(&flow->restart_count) : NAN;
    values[FLOW_METRIC_CHECKPOINT_FAILURES] = (double)atomic_load(&flow->checkpoint_failures);
    values[FLOW_METRIC_INTERVAL] = seconds_of(flow->plan->every_ms);
    values[FLOW_METRIC_CHECKPOINT_INTERVAL] = is_continuous ? seconds_of(interval_ms) : NAN;
}

void collect_flow(struct flow *flow, struct snapshot *snapshot)
{
    double values[FLOW_METRICS];
    enum flow_state now = FLOW_WAITING;
    const char *labels[3] = {flow->pipeline->plan->name, flow->plan->name};
    read_flow(flow, values, &now);
    for (size_t i = 0; i < FLOW_METRICS; i++)
        snapshot_add(snapshot, &flow_families[i], labels, values[i]);
    snapshot_add_histogram(snapshot, &family_checkpoint_time, labels, &flow->checkpoint_time);
    for (size_t state = 0; state < sizeof state_names / sizeof *state_names; state++) {
        labels[2] = state_names[state];
        snapshot_add(snapshot, &family_state, labels, state == (size_t)now);
    }
}

static void collect_pipeline(const struct pipeline_run *pipeline, struct snapshot *snapshot)
{
    const char *const labels[] = {pipeline->plan->name};
    const struct account *account = &pipeline->account;
    const double values[] = {
        [PIPELINE_MEMORY] = (double)atomic_load(&account->used_bytes),
        [PIPELINE_MEMORY_PEAK] = (double)atomic_load(&account->peak_bytes),
        [PIPELINE_MEMORY_LIMIT] = (double)account->limit_bytes,
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        snapshot_add(snapshot, &pipeline_families[i], labels, values[i]);
}

void runtime_collect(void *user, struct snapshot *snapshot)
{
    struct runtime *runtime = user;
    for (size_t i = 0; i < runtime->pipeline_count; i++)
        collect_pipeline(&runtime->pipelines[i], snapshot);
    for (size_t flow = 0; flow < runtime->flow_count; flow++) {
        collect_flow(&runtime->flows[flow], snapshot);
        for (size_t step = 0; step < runtime->flows[flow].step_count; step++)
            collect_step(runtime, flow, step, snapshot);
    }
}
