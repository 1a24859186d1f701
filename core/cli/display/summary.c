/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/display/summary.h"

#include "cli/display/status_frame.h"
#include "cli/display/table.h"

enum { COLUMN_COUNT = 8 };

static const char *const heads[COLUMN_COUNT] = {"FLOW",     "STEP",    "ROWS IN", "ROWS OUT",
                                                "REJECTED", "RETRIES", "BYTES",   "BUSY"};
static const bool is_number[COLUMN_COUNT] = {false, false, true, true, true, true, true, true};

#define CODE_ENTRY(name, text, meaning) SLUICE_CODE_##name,
static const enum sluice_code codes[] = {SLUICE_ERROR_CODES(CODE_ENTRY)};
#undef CODE_ENTRY

static void add_count(struct table *table, uint64_t count)
{
    struct text cell = {0};
    append_count(&cell, count);
    table_add(table, text_get(&cell));
    text_reset(&cell);
}

static void add_step(struct table *table, const struct flow_view *flow, size_t index)
{
    const struct step_status *status = &flow->steps[index].status;
    struct text cell = {0};
    table_add(table, index == 0 ? flow->status.plan->name : "");
    table_add(table, status->plan->name);
    add_count(table, status->rows_in);
    add_count(table, status->rows_out);
    add_count(table, status->rejected);
    add_count(table, status->retries);
    append_size(&cell, (double)step_bytes(status));
    table_add(table, text_get(&cell));
    text_clear(&cell);
    append_duration(&cell, status->working_ns / 1000000);
    table_add(table, text_get(&cell));
    text_reset(&cell);
}

/* "clicks: 17 rejected rows are in state/…: 12 json_malformed, 5 field_missing" */
static void append_rejects(const struct status_view *view, size_t index, struct text *text)
{
    const struct flow_status *status = &view->flows[index].status;
    if (status->rejected == 0) {
        return;
    }
    text_printf(text, "%s: ", status->plan->name);
    append_count(text, status->rejected);
    text_printf(text, " rejected row%s in %s", status->rejected == 1 ? "" : "s",
                status->dead_letter);
    size_t count = 0;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        uint64_t rejects = runtime_rejects(view->runtime, index, codes[i]);
        if (rejects > 0) {
            text_append(text, count++ == 0 ? ": " : ", ");
            append_count(text, rejects);
            text_printf(text, " %s", error_code_name(codes[i]));
        }
    }
    text_append_char(text, '\n');
}

static void append_notes(const struct status_view *view, size_t index, struct text *text)
{
    const struct flow_view *flow = &view->flows[index];
    append_rejects(view, index, text);
    for (size_t i = 0; i < flow->step_count; i++) {
        const struct step_status *status = &flow->steps[i].status;
        if (status->duplicates > 0) {
            text_printf(text, "%s: %s found ", flow->status.plan->name, status->plan->name);
            append_count(text, status->duplicates);
            text_append(text, " rows already there\n");
        }
        if (status->spilled_bytes > 0) {
            text_printf(text, "%s: %s moved ", flow->status.plan->name, status->plan->name);
            append_size(text, (double)status->spilled_bytes);
            text_append(text, " to disk, for want of memory\n");
        }
    }
    text_printf(text, "%s: ", flow->status.plan->name);
    append_flow_state(flow, view->wall_ms, text);
    text_append_char(text, '\n');
}

void summary_append(const struct status_view *view, struct text *text)
{
    struct table table = {.column_count = COLUMN_COUNT, .is_number = is_number};
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        table_add(&table, heads[i]);
    }
    for (size_t flow = 0; flow < view->flow_count; flow++) {
        for (size_t step = 0; step < view->flows[flow].step_count; step++) {
            const struct step_status *status = &view->flows[flow].steps[step].status;
            if (status->plan->is_dead_letter && status->rows_in == 0) {
                continue;
            }
            add_step(&table, &view->flows[flow], step);
        }
    }
    table_render(&table, "", text);
    table_reset(&table);
    for (size_t flow = 0; flow < view->flow_count; flow++) {
        append_notes(view, flow, text);
    }
}
