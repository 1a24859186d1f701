/* SPDX-License-Identifier: Apache-2.0 */
/* What is told about a running runtime. Its numbers stand in the counters of steps and flows; whoever
 * asks takes the lock of a flow for a moment, never one of a lane. */
#ifndef SLUICE_RUNTIME_OBSERVE_H
#define SLUICE_RUNTIME_OBSERVE_H

#include "runtime/execution.h"

/* How long the step's instances had nothing to do. Takes the flow's lock. */
int64_t step_waiting_input_ns(struct flow_step *step);

/* Event time up to which all rows have come to the step, INT64_MIN: not known; *held_back_by is the
 * step whose rows are waited for, NULL: none. Flow lock held. */
int64_t step_watermark_us(const struct flow_step *step, const struct flow_step **held_back_by);

/* Since when rows have been read that no committed checkpoint covers, in milliseconds; 0: there are
 * none; -1: the flow is not reading. Flow lock held. */
int64_t flow_checkpoint_age_ms(const struct flow *flow);

/* Histograms that others count for. */
extern const struct metric_family family_batch_time;
extern const struct metric_family family_delivery_time;
extern const struct metric_family family_checkpoint_time;

void collect_flow(struct flow *flow, struct snapshot *snapshot);
void collect_step(struct runtime *runtime, size_t flow, size_t step, struct snapshot *snapshot);

#endif
