/* SPDX-License-Identifier: Apache-2.0 */
/* What a run looks like at a moment: counters of the runtime, and rates made from two looks. The
 * rest of the room shows it: on a terminal (status_frame), in the log, in the summary. */
#ifndef SLUICE_CLI_DISPLAY_STATUS_VIEW_H
#define SLUICE_CLI_DISPLAY_STATUS_VIEW_H

#include "runtime/runtime.h"

struct step_view {
    struct step_status status;
    double rows_per_s;     /* smoothed over about two seconds */
    double progress_per_s; /* bytes of the source's input */
};

struct flow_view {
    struct flow_status status;
    size_t step_count;
    struct step_view *steps;
};

struct status_view {
    const struct runtime *runtime;
    int64_t taken_ms; /* monotonic; 0: not yet */
    int64_t wall_ms;
    size_t flow_count;
    struct flow_view *flows;
};

/* NULL without memory. */
struct status_view *status_view_create(const struct runtime *runtime);
void status_view_destroy(struct status_view *view); /* NULL is allowed */
void status_view_update(struct status_view *view);

/* Rows that passed the step: what a source gave, what any other took. */
uint64_t step_rows(const struct step_status *status);
uint64_t step_bytes(const struct step_status *status);

#endif
