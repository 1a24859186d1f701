/* SPDX-License-Identifier: Apache-2.0 */
/* The table at the end of a run. */
#ifndef SLUICE_CLI_DISPLAY_SUMMARY_H
#define SLUICE_CLI_DISPLAY_SUMMARY_H

#include "cli/display/status_view.h"

void summary_append(const struct status_view *view, struct text *text);

#endif
