/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics of steps: the core's, the same for each, and those that its component declares. */
#include "runtime/observe/observe.h"

#include <math.h>
#include <string.h>

#define STEP_LABELS "pipeline", "flow", "step", "plugin"
enum { STEP_LABEL_COUNT = 4, OWN_LABELS_FIRST = 3 };

static const char *const step_labels[] = {STEP_LABELS, NULL};
static const char *const code_labels[] = {STEP_LABELS, "code", NULL};
static const char *const activity_labels[] = {STEP_LABELS, "activity", NULL};
static const char *const blocked_labels[] = {STEP_LABELS, "blocked_by", NULL};
static const char *const held_labels[] = {STEP_LABELS, "held_back_by", NULL};

enum step_metric {
    STEP_INPUT_ROWS,
    STEP_OUTPUT_ROWS,
    STEP_INPUT_BYTES,
    STEP_OUTPUT_BYTES,
    STEP_DUPLICATES,
    STEP_RETRIES,
    STEP_QUEUE,
    STEP_MEMORY,
    STEP_SPILLED,
    STEP_SOURCE_READ,
    STEP_SOURCE_SIZE,
    STEP_SHEDDING,
    STEP_WATERMARK,
    STEP_SERIES_LEFT_OUT,
    STEP_METRICS
};

static const struct metric_family step_families[STEP_METRICS] = {
    [STEP_INPUT_ROWS] = {.name = "sluice_step_input_rows_total",
                         .kind = SLUICE_METRIC_COUNTER,
                         .unit = "rows",
                         .text = "Rows that the step took.",
                         .labels = step_labels},
    [STEP_OUTPUT_ROWS] = {.name = "sluice_step_output_rows_total",
                          .kind = SLUICE_METRIC_COUNTER,
                          .unit = "rows",
                          .text = "Rows that the step gave: to the next steps, or as a sink to its "
                                  "target.",
                          .labels = step_labels},
    [STEP_INPUT_BYTES] = {.name = "sluice_step_input_bytes_total",
                          .kind = SLUICE_METRIC_COUNTER,
                          .unit = "bytes",
                          .text = "Bytes of the rows that the step took, in memory.",
                          .labels = step_labels},
    [STEP_OUTPUT_BYTES] = {.name = "sluice_step_output_bytes_total",
                           .kind = SLUICE_METRIC_COUNTER,
                           .unit = "bytes",
                           .text = "Bytes of the rows that the step gave to the next steps, in "
                                   "memory.",
                           .labels = step_labels},
    [STEP_DUPLICATES] = {.name = "sluice_step_duplicate_rows_total",
                         .kind = SLUICE_METRIC_COUNTER,
                         .unit = "rows",
                         .text = "Rows that the sink's target had already.",
                         .labels = step_labels},
    [STEP_RETRIES] = {.name = "sluice_step_retries_total",
                      .kind = SLUICE_METRIC_COUNTER,
                      .unit = "retries",
                      .text = "Calls that were made again after a transient error.",
                      .labels = step_labels},
    [STEP_QUEUE] = {.name = "sluice_step_queue_bytes",
                    .kind = SLUICE_METRIC_GAUGE,
                    .unit = "bytes",
                    .text = "Rows that wait in the step's input channels.",
                    .labels = step_labels},
    [STEP_MEMORY] = {.name = "sluice_step_memory_bytes",
                     .kind = SLUICE_METRIC_GAUGE,
                     .unit = "bytes",
                     .text = "Memory of the pipeline's budget that the step's rows and state take.",
                     .labels = step_labels},
    [STEP_SPILLED] = {.name = "sluice_step_spilled_bytes_total",
                      .kind = SLUICE_METRIC_COUNTER,
                      .unit = "bytes",
                      .text = "Bytes that the step moved to disk for want of memory.",
                      .labels = step_labels},
    [STEP_SOURCE_READ] = {.name = "sluice_step_source_read_bytes",
                          .kind = SLUICE_METRIC_GAUGE,
                          .unit = "bytes",
                          .text = "Bytes of its input that a source with an end has read.",
                          .labels = step_labels},
    [STEP_SOURCE_SIZE] = {.name = "sluice_step_source_size_bytes",
                          .kind = SLUICE_METRIC_GAUGE,
                          .unit = "bytes",
                          .text = "Bytes of the input of a source with an end.",
                          .labels = step_labels},
    [STEP_SHEDDING] = {.name = "sluice_step_shedding",
                       .kind = SLUICE_METRIC_GAUGE,
                       .text = "1 while a sink of best effort does not answer, and its rows go to "
                               "the dead letter.",
                       .labels = step_labels},
    [STEP_WATERMARK] = {.name = "sluice_step_watermark_timestamp_seconds",
                        .kind = SLUICE_METRIC_GAUGE,
                        .unit = "seconds",
                        .text = "Event time up to which all rows have come to the step, in seconds "
                                "since 1970.",
                        .labels = step_labels},
    [STEP_SERIES_LEFT_OUT] = {.name = "sluice_step_metrics_dropped_total",
                              .kind = SLUICE_METRIC_COUNTER,
                              .unit = "updates",
                              .text = "Updates of the plugin's own metrics that were left out "
                                      "because of too many sets of labels.",
                              .labels = step_labels},
};

static const struct metric_family family_rejects = {
    .name = "sluice_step_rejected_rows_total",
    .kind = SLUICE_METRIC_COUNTER,
    .unit = "rows",
    .text = "Rows that the step rejected, by error code.",
    .labels = code_labels};

static const struct metric_family family_time = {
    .name = "sluice_step_time_seconds_total",
    .kind = SLUICE_METRIC_COUNTER,
    .unit = "seconds",
    .text = "How the step's instances spent their time: working, waiting_input, waiting_output (for "
            "room in a later step's queue), waiting_retry. The step that works all the time is the "
            "slow one.",
    .labels = activity_labels};

static const struct metric_family family_blocked = {
    .name = "sluice_step_blocked",
    .kind = SLUICE_METRIC_GAUGE,
    .text = "1 while the step waits for one that is stuck.",
    .labels = blocked_labels};

static const struct metric_family family_held_back = {
    .name = "sluice_step_watermark_held_back",
    .kind = SLUICE_METRIC_GAUGE,
    .text = "1 for the step before it whose rows hold its watermark back.",
    .labels = held_labels};

static const double batch_bounds[] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                      0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10,
                                      30,     60};

const struct metric_family family_batch_time = {
    .name = "sluice_step_batch_duration_seconds",
    .kind = SLUICE_METRIC_HISTOGRAM,
    .unit = "seconds",
    .text = "Time that the step worked on a batch, without the steps behind it and without waiting.",
    .labels = step_labels,
    .bounds = batch_bounds,
    .bound_count = sizeof batch_bounds / sizeof *batch_bounds};

static const double delivery_bounds[] = {0.1, 0.25, 0.5, 1,   2.5, 5,    10,   20,   30,
                                         60,  120,  300, 600, 1800, 3600, 14400, 86400};

const struct metric_family family_delivery_time = {
    .name = "sluice_step_delivery_latency_seconds",
    .kind = SLUICE_METRIC_HISTOGRAM,
    .unit = "seconds",
    .text = "Sink: time from an event to its row being committed, and so visible, at the target; of "
            "each row, by the oldest event of its batch. Where the source knows when events happened.",
    .labels = step_labels,
    .bounds = delivery_bounds,
    .bound_count = sizeof delivery_bounds / sizeof *delivery_bounds};

#define CODE_ENTRY(name, text, meaning) SLUICE_CODE_##name,
static const enum sluice_code codes[] = {SLUICE_ERROR_CODES(CODE_ENTRY)};
#undef CODE_ENTRY

static void collect_rejects(const struct flow_step *step, const char **labels,
                            struct snapshot *snapshot)
{
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        uint64_t rows = atomic_load(&step->counters.rejected_by_code[codes[i]]);
        labels[STEP_LABEL_COUNT] = error_code_name(codes[i]);
        if (rows > 0)
            snapshot_add(snapshot, &family_rejects, labels, (double)rows);
    }
}

static void collect_times(const struct step_status *status, const char **labels,
                          struct snapshot *snapshot)
{
    const struct {
        const char *activity;
        int64_t ns;
    } times[] = {{"working", status->working_ns},
                 {"waiting_input", status->waiting_input_ns},
                 {"waiting_output", status->waiting_output_ns},
                 {"waiting_retry", status->waiting_retry_ns}};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        labels[STEP_LABEL_COUNT] = times[i].activity;
        snapshot_add(snapshot, &family_time, labels, (double)times[i].ns / 1e9);
    }
}

static double read_watermark(struct flow_step *step, const char **labels,
                             struct snapshot *snapshot)
{
    const struct flow_step *held_back_by = NULL;
    pthread_mutex_lock(&step->flow->lock);
    int64_t watermark_us = step_watermark_us(step, &held_back_by);
    pthread_mutex_unlock(&step->flow->lock);
    /* The last one of a run that ends is no time. */
    if (watermark_us == SLUICE_TIME_MAX)
        return NAN;
    if (held_back_by) {
        labels[STEP_LABEL_COUNT] = held_back_by->plan->name;
        snapshot_add(snapshot, &family_held_back, labels, 1);
    }
    return watermark_us == INT64_MIN ? NAN : (double)watermark_us / 1e6;
}

/* Values of the component's own metrics, behind the labels of their step. */
struct own_metrics {
    const struct component *component;
    const char *const *step; /* values of pipeline, flow, step */
    struct snapshot *snapshot;
};

static void collect_series(void *user, size_t row, const char *const *values, double value,
                           const struct histogram *histogram)
{
    const struct own_metrics *own = user;
    const struct sluice_metric *metric = &own->component->metrics[row];
    const char *names[OWN_LABELS_FIRST + METRIC_LABELS_MAX + 1] = {STEP_LABELS};
    const char *labels[OWN_LABELS_FIRST + METRIC_LABELS_MAX] = {own->step[0], own->step[1],
                                                               own->step[2]};
    size_t count = OWN_LABELS_FIRST;
    for (size_t i = 0; metric->labels && metric->labels[i] && i < METRIC_LABELS_MAX; i++, count++) {
        names[count] = metric->labels[i];
        labels[count] = values[i];
    }
    names[count] = NULL;
    struct text name = {0};
    component_metric_name(own->component, row, &name);
    struct metric_family family = {.name = text_get(&name),
                                   .kind = metric->kind,
                                   .unit = metric->unit,
                                   .text = metric->text,
                                   .labels = names};
    if (histogram) {
        family.bound_count = series_bounds(metric, &family.bounds);
        snapshot_add_histogram(own->snapshot, &family, labels, histogram);
    } else {
        snapshot_add(own->snapshot, &family, labels, value);
    }
    own->snapshot->has_failed = own->snapshot->has_failed || name.has_failed;
    text_reset(&name);
}

void collect_step(struct runtime *runtime, size_t flow, size_t index, struct snapshot *snapshot)
{
    struct flow_step *step = &runtime->flows[flow].steps[index];
    struct step_status status;
    runtime_step_status(runtime, flow, index, &status);
    const char *labels[STEP_LABEL_COUNT + 1] = {runtime->flows[flow].pipeline->plan->name,
                                                runtime->flows[flow].plan->name, step->plan->name,
                                                step->plan->component->name};
    bool is_source = step->plan->component->kind == SLUICE_KIND_SOURCE;
    bool is_sink = step->plan->component->kind == SLUICE_KIND_SINK;
    const double values[STEP_METRICS] = {
        [STEP_INPUT_ROWS] = is_source ? NAN : (double)status.rows_in,
        [STEP_OUTPUT_ROWS] = (double)status.rows_out,
        [STEP_INPUT_BYTES] = is_source ? NAN : (double)status.bytes_in,
        [STEP_OUTPUT_BYTES] = is_sink ? NAN : (double)status.bytes_out,
        [STEP_DUPLICATES] = is_sink ? (double)status.duplicates : NAN,
        [STEP_RETRIES] = (double)status.retries,
        [STEP_QUEUE] = is_source ? NAN : (double)status.queued_bytes,
        [STEP_MEMORY] = (double)status.memory_bytes,
        [STEP_SPILLED] = (double)status.spilled_bytes,
        [STEP_SOURCE_READ] = status.progress_total >= 0 ? (double)status.progress_done : NAN,
        [STEP_SOURCE_SIZE] = status.progress_total >= 0 ? (double)status.progress_total : NAN,
        [STEP_SHEDDING] = step->plan->is_best_effort ? status.is_shedding : NAN,
        [STEP_WATERMARK] = read_watermark(step, labels, snapshot),
        [STEP_SERIES_LEFT_OUT] = (double)series_left_out(step->series),
    };
    for (size_t i = 0; i < STEP_METRICS; i++)
        snapshot_add(snapshot, &step_families[i], labels, values[i]);
    collect_rejects(step, labels, snapshot);
    collect_times(&status, labels, snapshot);
    if (status.blocked_by) {
        labels[STEP_LABEL_COUNT] = status.blocked_by->name;
        snapshot_add(snapshot, &family_blocked, labels, 1);
    }
    snapshot_add_histogram(snapshot, &family_batch_time, labels, &step->counters.batch_time);
    if (is_sink && !step->plan->is_dead_letter)
        snapshot_add_histogram(snapshot, &family_delivery_time, labels,
                               &step->counters.delivery_time);
    struct own_metrics own = {step->plan->component, labels, snapshot};
    series_visit(step->series, collect_series, &own);
}
