/* SPDX-License-Identifier: Apache-2.0 */
/* The frame at the bottom of a terminal, redrawn in place. Log lines scroll above it: the log takes
 * the frame away before each line and puts it back after it. */
#ifndef SLUICE_CLI_DISPLAY_LIVE_DISPLAY_H
#define SLUICE_CLI_DISPLAY_LIVE_DISPLAY_H

#include "cli/display/status_view.h"

struct live_display;

/* NULL without memory. Standard error must be a terminal. */
struct live_display *live_display_create(void);
void live_display_draw(struct live_display *display, const struct status_view *view);
/* Takes the frame away and gives the terminal back. NULL is allowed. */
void live_display_destroy(struct live_display *display);
/* From any thread, right before the process ends: shows the cursor again. NULL is allowed. */
void live_display_abandon(struct live_display *display);

#endif
