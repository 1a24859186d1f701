/* SPDX-License-Identifier: Apache-2.0 */
/* Components and flows in words. Pure. */
#ifndef SLUICE_CLI_DISPLAY_COMPONENT_TEXT_H
#define SLUICE_CLI_DISPLAY_COMPONENT_TEXT_H

#include "pipeline/pipeline.h"

/* What a component adds to a flow's delivery: "exactly once", "replays", … */
const char *component_guarantee(const struct component *component);
/* "source → parse → sink; parse → other" */
void append_graph(const struct flow_plan *flow, struct text *text);
/* "continuous", "every 5:00", "after process" */
void append_trigger(const struct flow_plan *flow, struct text *text);
/* "exactly once", or "at least once" and why. */
void append_delivery(const struct flow_plan *flow, struct text *text);

#endif
