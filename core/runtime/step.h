/* SPDX-License-Identifier: Apache-2.0 */
/* A step as it outlives executions: its plan, its memory, and all that is counted about it. */
#ifndef SLUICE_RUNTIME_STEP_H
#define SLUICE_RUNTIME_STEP_H

#include <pthread.h>

#include "metrics/metrics.h"
#include "runtime/runtime.h"

struct flow;

/* Counters of a step, summed over its instances and executions. Written by lanes, read by any. */
struct step_counters {
    atomic_uint_least64_t rows_in, rows_out, bytes_in, bytes_out;
    atomic_uint_least64_t rejected, duplicates, retries;
    atomic_uint_least64_t rejected_by_code[SLUICE_CODE_COUNT];
    atomic_uint_least64_t spilled_bytes; /* moved to disk for want of memory */
    atomic_int_least64_t time_ns[STEP_WAITING_RETRY + 1]; /* by activity */
    atomic_int_least64_t lane_ns; /* how long its lanes ran, in executions that are over */
    atomic_int_least64_t waited_ns; /* for input, as it was shown last: it never shrinks */
    struct histogram batch_time;    /* of one batch in this step alone */
    struct histogram delivery_time; /* sink: from event to visible */
    atomic_int_least64_t queued_bytes;
    atomic_int_least64_t progress_done, progress_total;
    atomic_int activity, shedding_count; /* instances whose rows go to the dead letter */
    atomic_int blocked_by; /* index of the step that it waits for and that is stuck, + 1; 0: none */
};

struct flow_step {
    const struct step_plan *plan;
    struct flow *flow;
    struct account account; /* outlives batches that the step's instances made */
    struct step_counters counters;
    struct series_table *series; /* of its component's own metrics */
    pthread_mutex_t lock;
    /* guarded by lock */
    char last_error[256];
};

#endif
