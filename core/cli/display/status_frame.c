/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/display/status_frame.h"

#include <string.h>

#include "cli/display/table.h"

enum { BAR_WIDTH = 20, ROWS_WIDTH = 15, RATE_WIDTH = 11, BYTES_WIDTH = 8 };

static void append_padded(struct text *line, const struct text *cell, size_t width, bool is_number)
{
    size_t used = text_width(text_get(cell));
    if (!is_number) {
        text_append(line, text_get(cell));
    }
    for (size_t i = used; i < width; i++) {
        text_append_char(line, ' ');
    }
    if (is_number) {
        text_append(line, text_get(cell));
    }
}

static bool is_first_byte(char byte)
{
    return ((unsigned char)byte & 0xC0) != 0x80;
}

/* Without what would move the cursor: a server may have had its say in an error. */
static void append_printable(struct text *text, const char *string)
{
    for (const char *at = string; *at; at++) {
        bool is_control = (unsigned char)*at < 0x20 || *at == 0x7F;
        text_append_char(text, is_control ? ' ' : *at);
    }
}

/* Names of the steps that `step` reads, or of those that read it. */
static void append_neighbours(const struct flow_view *flow, size_t step, bool is_readers,
                              struct text *text)
{
    size_t count = 0;
    for (size_t i = 0; i < flow->step_count; i++) {
        size_t reader = is_readers ? i : step;
        size_t read = is_readers ? step : i;
        const struct step_plan *plan = flow->steps[reader].status.plan;
        for (size_t input = 0; input < plan->input_count; input++) {
            if (plan->inputs[input] == read) {
                text_printf(text, "%s%s", count++ > 0 ? ", " : "",
                            flow->steps[i].status.plan->name);
            }
        }
    }
}

void append_activity(const struct flow_view *flow, size_t step, struct text *text)
{
    const struct step_status *status = &flow->steps[step].status;
    if (status->is_shedding) {
        text_append(text, "does not answer: rows go to the dead letter");
        return;
    }
    if (status->blocked_by) {
        text_printf(text, "blocked by %s", status->blocked_by->name);
        return;
    }
    switch (status->activity) {
    case STEP_IDLE:
        break;
    case STEP_WORKING:
        /* A step that nothing reaches is called, but has nothing to do. */
        text_append(text, flow->steps[step].rows_per_s > 0 ? "working" : "");
        break;
    case STEP_WAITING_INPUT:
        text_append(text, "waits for ");
        if (status->plan->input_count == 0) {
            text_append(text, "new data");
        } else {
            append_neighbours(flow, step, false, text);
        }
        break;
    case STEP_WAITING_OUTPUT:
        text_append(text, "waits for room in ");
        append_neighbours(flow, step, true, text);
        break;
    case STEP_WAITING_RETRY:
        text_append(text, "retries: ");
        append_printable(text, status->last_error);
        break;
    }
}

void append_flow_state(const struct flow_view *flow, int64_t wall_ms, struct text *text)
{
    const struct flow_status *status = &flow->status;
    switch (status->state) {
    case FLOW_WAITING:
        if (status->next_run_ms > 0) {
            int64_t left_ms = status->next_run_ms - wall_ms;
            text_append(text, "next run in ");
            append_duration(text, left_ms > 0 ? left_ms : 0);
        } else if (status->plan->trigger == FLOW_AFTER) {
            text_printf(text, "waits for flow %s", status->plan->after);
        } else {
            text_append(text, "waiting");
        }
        break;
    case FLOW_STARTING:
        text_append(text, "starting");
        break;
    case FLOW_RUNNING:
        text_append(text, "running");
        break;
    case FLOW_STOPPING:
        text_append(text, "stopping");
        break;
    case FLOW_ENDED:
        text_append(text, "done");
        break;
    case FLOW_FAILED:
        text_append(text, "failed: ");
        append_printable(text, status->error);
        break;
    }
}

static void append_flow_line(const struct flow_view *flow, int64_t wall_ms, struct text *line)
{
    const struct flow_status *status = &flow->status;
    text_printf(line, "%s  ", status->plan->name);
    append_flow_state(flow, wall_ms, line);
    if (status->run_count > 0) {
        text_printf(line, "  %llu run%s", (unsigned long long)status->run_count,
                    status->run_count == 1 ? "" : "s");
    }
    if (status->plan->trigger == FLOW_CONTINUOUS && status->checkpoint_count > 0) {
        text_printf(line, "  checkpoint %llu (", (unsigned long long)status->checkpoint_number);
        append_duration(line, status->checkpoint_duration_ms);
        text_append_char(line, ')');
    }
    if (status->rejected > 0) {
        text_append(line, "  ");
        append_count(line, status->rejected);
        text_append(line, " rejected");
    }
}

static void append_bar(const struct step_view *step, struct text *line)
{
    const struct step_status *status = &step->status;
    if (status->progress_total <= 0) {
        return;
    }
    double share = (double)status->progress_done / (double)status->progress_total;
    share = share < 0 ? 0 : share > 1 ? 1 : share;
    text_append(line, "  [");
    for (int i = 0; i < BAR_WIDTH; i++) {
        text_append_char(line, (double)i < share * BAR_WIDTH ? '#' : '.');
    }
    text_printf(line, "] %3d %%", (int)(share * 100));
    int64_t left = status->progress_total - status->progress_done;
    if (left > 0 && step->progress_per_s > 0) {
        text_append(line, "  ");
        append_duration(line, (int64_t)((double)left / step->progress_per_s * 1000));
        text_append(line, " left");
    }
}

/* Between its runs a flow has counts, but no rates and nothing that it waits for. */
static bool is_under_way(const struct flow_view *flow)
{
    enum flow_state state = flow->status.state;
    return state == FLOW_STARTING || state == FLOW_RUNNING || state == FLOW_STOPPING;
}

static void append_step_line(const struct flow_view *flow, size_t index, size_t name_width,
                             struct text *line)
{
    const struct step_view *step = &flow->steps[index];
    struct text cell = {0};
    text_append(&cell, step->status.plan->name);
    text_append(line, "  ");
    append_padded(line, &cell, name_width, false);

    text_clear(&cell);
    append_count(&cell, step_rows(&step->status));
    append_padded(line, &cell, ROWS_WIDTH, true);
    text_append(line, " rows");

    text_clear(&cell);
    if (is_under_way(flow)) {
        append_short(&cell, step->rows_per_s);
        text_append(&cell, "/s");
    }
    append_padded(line, &cell, RATE_WIDTH, true);
    text_append(line, "  ");

    text_clear(&cell);
    append_size(&cell, (double)step_bytes(&step->status));
    append_padded(line, &cell, BYTES_WIDTH, true);
    append_bar(step, line);

    text_reset(&cell);
    if (is_under_way(flow)) {
        text_append(line, "  ");
        append_activity(flow, index, line);
    }
}

/* Cuts to the terminal's width. */
static void append_cut(struct text *text, const char *line, size_t length, size_t columns)
{
    size_t width = 0;
    size_t kept = 0; /* bytes that leave room for the mark of a cut */
    for (size_t at = 0; at < length; at++) {
        width += is_first_byte(line[at]);
        kept = width < columns ? at + 1 : kept;
    }
    text_append_bytes(text, line, width > columns ? kept : length);
    text_append(text, width > columns ? "…\n" : "\n");
}

static size_t widest_name(const struct status_view *view)
{
    size_t widest = 0;
    for (size_t flow = 0; flow < view->flow_count; flow++) {
        for (size_t step = 0; step < view->flows[flow].step_count; step++) {
            size_t width = text_width(view->flows[flow].steps[step].status.plan->name);
            widest = width > widest ? width : widest;
        }
    }
    return widest;
}

/* Steps of a flow that has not begun say nothing. */
static bool shows_steps(const struct flow_view *flow)
{
    if (is_under_way(flow)) {
        return true;
    }
    for (size_t step = 0; step < flow->step_count; step++) {
        if (step_rows(&flow->steps[step].status) > 0) {
            return true;
        }
    }
    return false;
}

/* A dead letter that got nothing is not worth a line. */
static bool shows_step(const struct flow_view *flow, size_t step)
{
    const struct step_status *status = &flow->steps[step].status;
    return !status->plan->is_dead_letter || status->rows_in > 0;
}

static void append_flow(const struct status_view *view, size_t at, size_t name_width,
                        struct text *text)
{
    const struct flow_view *flow = &view->flows[at];
    append_flow_line(flow, view->wall_ms, text);
    text_append_char(text, '\n');
    for (size_t step = 0; shows_steps(flow) && step < flow->step_count; step++) {
        if (shows_step(flow, step)) {
            append_step_line(flow, step, name_width, text);
            text_append_char(text, '\n');
        }
    }
}

size_t status_frame_render(const struct status_view *view, struct terminal_size size,
                           struct text *text)
{
    size_t lines = 0;
    size_t name_width = widest_name(view);
    struct text whole = {0};
    for (size_t flow = 0; flow < view->flow_count; flow++) {
        append_flow(view, flow, name_width, &whole);
    }
    const char *line = text_get(&whole);
    while (*line && lines < size.lines) {
        size_t length = strcspn(line, "\n");
        append_cut(text, line, length, size.columns);
        line += length + 1;
        lines++;
    }
    text_reset(&whole);
    return lines;
}
