/* SPDX-License-Identifier: Apache-2.0 */
/* The last line of a run: whether anything was left uncommitted, and what the next start does. */
#ifndef SLUICE_CLI_DISPLAY_ENDING_H
#define SLUICE_CLI_DISPLAY_ENDING_H

#include "cli/display/status_view.h"

/* Without "sluice: " and line feed:
 *   done: everything was committed
 *   stopped: flow ingest left something uncommitted: the next start goes on from checkpoint 41
 *   failed: flow ingest; the next start goes on from checkpoint 41 */
void ending_append(const struct status_view *view, enum runtime_result result, struct text *text);
/* The flows that are named in it, for the log: "ingest, index"; "" where none is. */
void ending_append_flows(const struct status_view *view, enum runtime_result result,
                         struct text *text);
/* "done", "stopped", "failed" */
const char *ending_name(enum runtime_result result);

#endif
