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
    atomic_fetch_add_explicit(&verdicts->instance->moves, 1, memory_order_relaxed);
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

/* The rows with this verdict, as a batch. */
static enum sluice_status take_rows(const struct sluice_verdicts *verdicts,
                                    enum sluice_verdict verdict, struct sluice_batch **taken)
{
    struct instance *instance = verdicts->instance;
    int32_t *rows = malloc((size_t)(verdicts->row_count + 1) * sizeof *rows);
    int64_t count = 0;
    if (!rows)
        return error_set(instance->error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                         "no memory to repeat a write");
    for (int64_t row = 0; row < verdicts->row_count; row++)
        if (verdicts->settled[row] == verdict)
            rows[count++] = (int32_t)row;
    enum sluice_status status = batch_take(&instance->step->account, verdicts->batch, rows, count,
                                           taken, instance->error);
    free(rows);
    return status;
}

/* Best effort: what the sink has taken may have to be shed later. */
static enum sluice_status keep_taken(struct sluice_verdicts *verdicts, int64_t taken)
{
    struct sluice_batch *batch = NULL;
    if (taken == verdicts->row_count) {
        batch_retain(verdicts->batch);
        return best_effort_keep(verdicts->instance, verdicts->batch);
    }
    enum sluice_status status = take_rows(verdicts, SLUICE_VERDICT_DONE, &batch);
    return status == SLUICE_OK ? best_effort_keep(verdicts->instance, batch) : status;
}

/* What becomes of the rows after a call; *left: those without a verdict after a failure. */
static enum sluice_status sort_rows(struct sluice_verdicts *verdicts, enum sluice_status status,
                                    struct sluice_batch **left)
{
    struct instance *instance = verdicts->instance;
    int64_t counts[SLUICE_VERDICT_REJECT + 1] = {0};
    for (int64_t row = 0; row < verdicts->row_count; row++) {
        unsigned char *settled = &verdicts->settled[row];
        if (status == SLUICE_OK && *settled == SLUICE_VERDICT_NONE)
            *settled = SLUICE_VERDICT_DONE;
        counts[*settled]++;
    }
    int64_t done = counts[SLUICE_VERDICT_DONE];
    int64_t taken = done + counts[SLUICE_VERDICT_DUPLICATE];
    atomic_fetch_add_explicit(&instance->step->counters.rows_out, (uint64_t)taken,
                              memory_order_relaxed);
    bool is_left = status == SLUICE_RETRY || (status != SLUICE_OK && instance->effort);
    struct sluice_error *error = instance->error;
    if (is_left && take_rows(verdicts, SLUICE_VERDICT_NONE, left) != SLUICE_OK)
        return error_status(error);
    if (instance->effort && done > 0 && keep_taken(verdicts, done) != SLUICE_OK)
        return error_status(error);
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
    status = sort_rows(&verdicts, status, left);
    free(verdicts.settled);
    return status;
}

enum sluice_status instance_write(struct instance *instance, const struct sluice_batch *batch)
{
    struct attempt attempt = {.instance = instance};
    struct sluice_batch *kept = NULL;
    enum sluice_status status = SLUICE_OK;
    bool is_again = false;
    if (best_effort_is_down(instance))
        return best_effort_shed(instance, batch);
    instance->has_written = true;
    do {
        struct sluice_batch *left = NULL;
        status = write_once(instance, is_again ? kept : batch, &left);
        batch_release(kept);
        kept = left;
        is_again = true;
    } while (attempt_repeats(&attempt, &status));
    if (status == SLUICE_OK && kept && best_effort_is_down(instance))
        status = best_effort_shed(instance, kept);
    batch_release(kept);
    return status;
}
