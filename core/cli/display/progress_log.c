/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/display/progress_log.h"

#include <stdio.h>

#include "telemetry/log.h"

/* Room for the fields of one line and their numbers as text. */
enum { FIELDS_MAX = 12, NUMBER_SIZE = 32 };
struct fields {
    size_t count;
    struct sluice_log_field fields[FIELDS_MAX];
    char numbers[FIELDS_MAX][NUMBER_SIZE];
};

static void add_number(struct fields *fields, const char *key, double number)
{
    snprintf(fields->numbers[fields->count], NUMBER_SIZE, "%.0f", number);
    fields->fields[fields->count] = (struct sluice_log_field){key, fields->numbers[fields->count]};
    fields->count++;
}

static void add_text(struct fields *fields, const char *key, const char *value)
{
    fields->fields[fields->count++] = (struct sluice_log_field){key, *value ? value : NULL};
}

static void write_flow(const struct flow_view *flow)
{
    struct fields fields = {0};
    double read = 0, read_per_s = 0, written = 0;
    for (size_t i = 0; i < flow->step_count; i++) {
        const struct step_view *step = &flow->steps[i];
        enum sluice_kind kind = step->status.plan->component->kind;
        if (kind == SLUICE_KIND_SOURCE) {
            read += (double)step->status.rows_out;
            read_per_s += step->rows_per_s;
        } else if (kind == SLUICE_KIND_SINK && !step->status.plan->is_dead_letter) {
            written += (double)step->status.rows_in;
        }
    }
    add_number(&fields, "rows_read", read);
    add_number(&fields, "rows_read_per_s", read_per_s);
    add_number(&fields, "rows_written", written);
    add_number(&fields, "rejected", (double)flow->status.rejected);
    add_number(&fields, "checkpoint", (double)flow->status.checkpoint_number);
    for (size_t i = 0; i < flow->step_count; i++) {
        const struct step_plan *blocked_by = flow->steps[i].status.blocked_by;
        if (blocked_by) {
            add_text(&fields, "blocked_by", blocked_by->name);
            break;
        }
    }
    struct log_scope scope = {.pipeline = flow->status.pipeline->name,
                              .flow = flow->status.plan->name};
    log_write(SLUICE_LOG_INFO, &scope, fields.fields, fields.count, "progress");
}

void progress_log_write(const struct status_view *view)
{
    for (size_t i = 0; i < view->flow_count; i++) {
        enum flow_state state = view->flows[i].status.state;
        if (state == FLOW_RUNNING || state == FLOW_STOPPING) {
            write_flow(&view->flows[i]);
        }
    }
}

static void summarize_step(const struct flow_view *flow, const struct step_status *status)
{
    struct fields fields = {0};
    add_number(&fields, "rows_in", (double)status->rows_in);
    add_number(&fields, "rows_out", (double)status->rows_out);
    add_number(&fields, "rejected", (double)status->rejected);
    add_number(&fields, "duplicates", (double)status->duplicates);
    add_number(&fields, "retries", (double)status->retries);
    add_number(&fields, "bytes", (double)step_bytes(status));
    add_number(&fields, "spilled_bytes", (double)status->spilled_bytes);
    add_number(&fields, "working_ms", (double)status->working_ns / 1e6);
    struct log_scope scope = {.pipeline = flow->status.pipeline->name,
                              .flow = flow->status.plan->name,
                              .step = status->plan->name};
    log_write(SLUICE_LOG_INFO, &scope, fields.fields, fields.count, "step summary");
}

static void summarize_flow(const struct status_view *view, size_t index)
{
    static const char *const states[] = {
        [FLOW_WAITING] = "waiting",   [FLOW_STARTING] = "starting", [FLOW_RUNNING] = "running",
        [FLOW_STOPPING] = "stopping", [FLOW_ENDED] = "done",        [FLOW_FAILED] = "failed",
    };
    const struct flow_view *flow = &view->flows[index];
    struct fields fields = {0};
    add_text(&fields, "state", states[flow->status.state]);
    add_text(&fields, "error", flow->status.error);
    add_number(&fields, "checkpoints", (double)flow->status.checkpoint_count);
    add_number(&fields, "rejected", (double)flow->status.rejected);
    if (flow->status.rejected > 0) {
        add_text(&fields, "dead_letter", flow->status.dead_letter);
    }
    struct log_scope scope = {.pipeline = flow->status.pipeline->name,
                              .flow = flow->status.plan->name};
    log_write(SLUICE_LOG_INFO, &scope, fields.fields, fields.count, "flow summary");
    for (size_t step = 0; step < flow->step_count; step++) {
        summarize_step(flow, &flow->steps[step].status);
    }
}

void progress_log_summary(const struct status_view *view)
{
    for (size_t i = 0; i < view->flow_count; i++) {
        summarize_flow(view, i);
    }
}
