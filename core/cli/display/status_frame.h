/* SPDX-License-Identifier: Apache-2.0 */
/* One frame of the live display: a status view as lines of a terminal. Pure. */
#ifndef SLUICE_CLI_DISPLAY_STATUS_FRAME_H
#define SLUICE_CLI_DISPLAY_STATUS_FRAME_H

#include "cli/display/status_view.h"

struct terminal_size {
    size_t columns;
    size_t lines;
};

/* Appends at most size.lines lines of at most size.columns characters, each with its newline, and
 * returns how many. */
size_t status_frame_render(const struct status_view *view, struct terminal_size size,
                           struct text *text);
/* "waits for new data", "waits for room in sink-s3", "retries: …"; "" where there is nothing to
 * say. */
void append_activity(const struct flow_view *flow, size_t step, struct text *text);
/* "running", "next run in 4:12", "failed: …" */
void append_flow_state(const struct flow_view *flow, int64_t wall_ms, struct text *text);

#endif
