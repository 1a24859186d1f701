/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/display/status_view.h"

#include <stdlib.h>

uint64_t step_rows(const struct step_status *status)
{
    bool is_source = status->plan->component->kind == SLUICE_KIND_SOURCE;
    return is_source ? status->rows_out : status->rows_in;
}

uint64_t step_bytes(const struct step_status *status)
{
    bool is_source = status->plan->component->kind == SLUICE_KIND_SOURCE;
    return is_source ? status->bytes_out : status->bytes_in;
}

struct status_view *status_view_create(const struct runtime *runtime)
{
    struct status_view *view = calloc(1, sizeof *view);
    if (!view) {
        return NULL;
    }
    view->runtime = runtime;
    view->flow_count = runtime_flow_count(runtime);
    view->flows = calloc(view->flow_count + 1, sizeof *view->flows);
    for (size_t i = 0; view->flows && i < view->flow_count; i++) {
        struct flow_view *flow = &view->flows[i];
        flow->step_count = runtime_step_count(runtime, i);
        flow->steps = calloc(flow->step_count + 1, sizeof *flow->steps);
        if (!flow->steps) {
            status_view_destroy(view);
            return NULL;
        }
    }
    if (!view->flows) {
        free(view);
        return NULL;
    }
    status_view_update(view);
    return view;
}

void status_view_destroy(struct status_view *view)
{
    if (!view) {
        return;
    }
    for (size_t i = 0; i < view->flow_count; i++) {
        free(view->flows[i].steps);
    }
    free(view->flows);
    free(view);
}

/* Exponential smoothing with a time constant of two seconds; the first look has no rate. */
static double smooth(double rate, double count, double seconds)
{
    const double constant_s = 2.0;
    if (seconds <= 0) {
        return rate;
    }
    double weight = seconds / (constant_s + seconds);
    double now = count / seconds;
    return rate > 0 ? rate + (now - rate) * weight : now;
}

static void update_step(struct status_view *view, size_t flow, size_t step, double seconds)
{
    struct step_view *each = &view->flows[flow].steps[step];
    struct step_status last = each->status;
    runtime_step_status(view->runtime, flow, step, &each->status);
    if (!last.plan) {
        return;
    }
    uint64_t rows = step_rows(&each->status) - step_rows(&last);
    int64_t progress = each->status.progress_done - last.progress_done;
    each->rows_per_s = smooth(each->rows_per_s, (double)rows, seconds);
    /* A new object list or a restart may set progress back. */
    each->progress_per_s =
        smooth(each->progress_per_s, progress > 0 ? (double)progress : 0, seconds);
}

void status_view_update(struct status_view *view)
{
    int64_t now_ms = clock_monotonic_ms();
    double seconds = view->taken_ms > 0 ? (double)(now_ms - view->taken_ms) / 1000 : 0;
    view->taken_ms = now_ms;
    view->wall_ms = clock_wall_ms();
    for (size_t flow = 0; flow < view->flow_count; flow++) {
        runtime_flow_status(view->runtime, flow, &view->flows[flow].status);
        for (size_t step = 0; step < view->flows[flow].step_count; step++) {
            update_step(view, flow, step, seconds);
        }
    }
}
