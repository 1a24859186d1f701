/* SPDX-License-Identifier: Apache-2.0 */
/* A run's counters as log lines, for runs that nobody watches on a terminal. */
#ifndef SLUICE_CLI_DISPLAY_PROGRESS_LOG_H
#define SLUICE_CLI_DISPLAY_PROGRESS_LOG_H

#include "cli/display/status_view.h"

/* One line for each flow that is running. */
void progress_log_write(const struct status_view *view);
/* One line for each step of each flow, at the end of a run. */
void progress_log_summary(const struct status_view *view);

#endif
