/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a batch to a sink: verdicts by row, and the rows without one again after a backoff. */
#include "runtime/execution.h"

#include <stdlib.h>

/* Verdicts of the write under way. */
struct sluice_verdicts {
    struct instance *instance;
    const struct sluice_batch *batch;
    int64_t row_count;
    unsigned char *settled; /* enum sluice_verdict by row */
    enum sluice_status status;
};

void verdict_set(struct sluice_verdicts *verdicts, int64_t row, enum sluice_verdict verdict,
                 const struct sluice_error *why)
{
    struct step_counters *counters = &verdicts->instance->step->counters;
    if (row < 0 || row >= verdicts->row_count || verdict == SLUICE_VERDICT_NONE ||
        verdicts->settled[row] != SLUICE_VERDICT_NONE)
        return;
    verdicts->settled[row] = (unsigned char)verdict;
    if (verdict == SLUICE_VERDICT_DUPLICATE)
        atomic_fetch_add_explicit(&counters->duplicates, 1, memory_order_relaxed);
    if (verdict == SLUICE_VERDICT_REJECT) {
        struct sluice_rejected rejected = {
            .batch = verdicts->batch, .row = row, .position = -1};
        enum sluice_status status = reject_row(verdicts->instance, &rejected, why);
        if (status != SLUICE_OK)
            verdicts->status = status;
    }
}

/* The rows that have no verdict yet, for the next try. */
static enum sluice_status take_unsettled(struct sluice_verdicts *verdicts,
                                         struct sluice_batch **left)
{
    struct instance *instance = verdicts->instance;
    int32_t *rows = malloc((size_t)(verdicts->row_count + 1) * sizeof *rows);
    int64_t count = 0;
    if (!rows)
        return error_set(instance->error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                         "no memory to repeat a write");
    for (int64_t row = 0; row < verdicts->row_count; row++)
        if (verdicts->settled[row] == SLUICE_VERDICT_NONE)
            rows[count++] = (int32_t)row;
    enum sluice_status status = batch_take(&instance->step->account, verdicts->batch, rows, count,
                                           left, instance->error);
    free(rows);
    return status;
}

/* One write call. On RETRY *left has the rows to come again. */
static enum sluice_status write_once(struct instance *instance, const struct sluice_batch *batch,
                                     struct sluice_batch **left)
{
    const struct sluice_sink *sink = &instance->step->plan->component->sink;
    struct sluice_verdicts verdicts = {instance, batch, batch_rows(batch), NULL, SLUICE_OK};
    verdicts.settled = calloc(1, (size_t)verdicts.row_count + 1);
    if (!verdicts.settled)
        return error_set(instance->error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                         "no memory for the verdicts of a write");
    struct call call = call_enter(instance, STEP_WORKING);
    enum sluice_status status = sink->write(instance->object, batch, &verdicts, instance->error);
    call_leave(call);
    if (verdicts.status != SLUICE_OK)
        status = verdicts.status;
    int64_t rejected = 0;
    int64_t unsettled = 0;
    for (int64_t row = 0; row < verdicts.row_count; row++) {
        rejected += verdicts.settled[row] == SLUICE_VERDICT_REJECT;
        unsettled += verdicts.settled[row] == SLUICE_VERDICT_NONE;
    }
    int64_t taken = verdicts.row_count - rejected - (status == SLUICE_OK ? 0 : unsettled);
    atomic_fetch_add_explicit(&instance->step->counters.rows_out, (uint64_t)taken,
                              memory_order_relaxed);
    if (status == SLUICE_RETRY && take_unsettled(&verdicts, left) != SLUICE_OK)
        status = SLUICE_FATAL;
    free(verdicts.settled);
    return status;
}

enum sluice_status instance_write(struct instance *instance, const struct sluice_batch *batch)
{
    struct attempt attempt = {.instance = instance};
    struct sluice_batch *kept = NULL;
    enum sluice_status status = SLUICE_OK;
    bool is_again = false;
    instance->has_written = true;
    do {
        struct sluice_batch *left = NULL;
        status = write_once(instance, is_again ? kept : batch, &left);
        batch_release(kept);
        kept = left;
        is_again = true;
    } while (attempt_repeats(&attempt, &status));
    batch_release(kept);
    return status;
}
