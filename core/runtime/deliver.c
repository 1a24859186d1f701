/* SPDX-License-Identifier: Apache-2.0 */
/* What an instance does with a message, and how its output finds the next instances. */
#include "runtime/execution.h"

#include <stdlib.h>

static void count(atomic_uint_least64_t *counter, int64_t amount)
{
    atomic_fetch_add_explicit(counter, (uint64_t)amount, memory_order_relaxed);
}

enum sluice_status barrier_passed(struct instance *instance, uint64_t checkpoint)
{
    struct lane *lane = instance->lane;
    const struct execution *execution = lane->execution;
    instance->passed_barrier = checkpoint;
    if (!lane->dead_letter || instance->step_index == execution->dead_letter_step)
        return SLUICE_OK;
    bool holds_dead_letter = lane->dead_letter->instance->lane == lane;
    if (++lane->passed_count < lane->instance_count - (holds_dead_letter ? 1 : 0))
        return SLUICE_OK;
    lane->passed_count = 0;
    enum sluice_status status = reject_flush(lane);
    lane->dead_letter_sent = checkpoint;
    if (status == SLUICE_OK)
        status = input_send_mark(instance, lane->dead_letter, MESSAGE_BARRIER, 0, checkpoint);
    reject_next_checkpoint(lane);
    return status;
}

/* Holds the input back until the barrier has come on all of them, then passes it. */
static enum sluice_status take_barrier(struct input *input, uint64_t checkpoint)
{
    struct instance *instance = input->instance;
    input->is_aligned = true;
    for (size_t i = 0; i < instance->input_count; i++)
        if (!instance->inputs[i].is_aligned)
            return SLUICE_OK;
    enum sluice_status status = instance_snapshot(instance, checkpoint);
    if (status == SLUICE_OK)
        status = output_mark(instance, MESSAGE_BARRIER, 0, checkpoint);
    /* Only now: what was held back must not overtake the barrier. */
    for (size_t i = 0; i < instance->input_count; i++)
        instance->inputs[i].is_aligned = false;
    if (status == SLUICE_OK)
        status = barrier_passed(instance, checkpoint);
    return status;
}

/* The watermark of an instance is the least of its inputs'. */
static enum sluice_status take_watermark(struct input *input, int64_t time_us)
{
    struct instance *instance = input->instance;
    if (time_us > input->watermark_us)
        input->watermark_us = time_us;
    int64_t least_us = INT64_MAX;
    for (size_t i = 0; i < instance->input_count; i++)
        if (instance->inputs[i].watermark_us < least_us)
            least_us = instance->inputs[i].watermark_us;
    if (least_us <= instance->watermark_us) {
        timing_note_watermark(instance);
        return SLUICE_OK;
    }
    instance->watermark_us = least_us;
    timing_note_watermark(instance);
    enum sluice_status status = instance_watermark(instance, least_us);
    if (status == SLUICE_OK)
        status = output_mark(instance, MESSAGE_WATERMARK, least_us, 0);
    return status;
}

static enum sluice_status take_batch(struct instance *instance, const struct sluice_batch *batch)
{
    struct step_counters *counters = &instance->step->counters;
    count(&counters->rows_in, batch_rows(batch));
    count(&counters->bytes_in, batch_bytes(batch));
    int64_t working_ns = instance->working_ns;
    instance->event_us = batch_event_time(batch);
    bool is_sink = instance->step->plan->component->kind == SLUICE_KIND_SINK;
    enum sluice_status status =
        is_sink ? instance_write(instance, batch) : instance_process(instance, batch);
    instance->event_us = 0;
    timing_note_batch(instance, working_ns);
    if (is_sink && status == SLUICE_OK)
        arrivals_take(instance, batch);
    return status;
}

enum sluice_status deliver(struct input *input, struct message *message)
{
    struct instance *instance = input->instance;
    enum sluice_status status = SLUICE_OK;
    switch (message->kind) {
    case MESSAGE_BATCH:
        status = take_batch(instance, message->batch);
        break;
    case MESSAGE_WATERMARK:
        status = take_watermark(input, message->watermark_us);
        break;
    case MESSAGE_BARRIER:
        status = take_barrier(input, message->checkpoint);
        break;
    }
    message_destroy(message);
    if (status != SLUICE_OK)
        execution_fail(instance->execution, instance->step, instance->error);
    return status;
}

enum sluice_status output_mark(struct instance *instance, enum message_kind kind,
                               int64_t watermark_us, uint64_t checkpoint)
{
    for (size_t i = 0; i < instance->output_count; i++) {
        const struct output *output = &instance->outputs[i];
        for (size_t t = 0; t < output->target_count; t++) {
            enum sluice_status status =
                input_send_mark(instance, output->targets[t], kind, watermark_us, checkpoint);
            if (status != SLUICE_OK)
                return status;
        }
    }
    return SLUICE_OK;
}

/* Sends rows of a batch on as coming from this lane. */
static enum sluice_status send_rows(struct instance *instance, struct input *target,
                                    const struct sluice_batch *batch, const int32_t *rows,
                                    int64_t row_count)
{
    struct sluice_batch *part = NULL;
    struct sluice_batch *sent = NULL;
    enum sluice_status status = SLUICE_OK;
    if (row_count < batch_rows(batch)) {
        status = batch_take(&instance->step->account, batch, rows, row_count, &part,
                            instance->error);
        batch = part;
    }
    if (status == SLUICE_OK)
        status = batch_with_sender(batch, instance->lane->index, &sent, instance->error);
    batch_release(part);
    if (status == SLUICE_OK)
        status = input_send_batch(instance, target, sent);
    return status;
}

/* Lane of a key: the upper bits of its hash, scaled. */
static size_t lane_of(uint64_t hash, size_t lane_count)
{
    return (size_t)(((hash >> 32) * lane_count) >> 32);
}

/* Lists for each target the rows of the batch that belong to it, in order. */
static void scatter(const uint64_t *hashes, int64_t row_count, size_t target_count, int32_t *rows,
                    int64_t *counts)
{
    for (int64_t row = 0; row < row_count; row++) {
        size_t target = lane_of(hashes[row], target_count);
        rows[(int64_t)target * row_count + counts[target]++] = (int32_t)row;
    }
}

static enum sluice_status send_by_hash(struct instance *instance, const struct output *output,
                                       const struct sluice_batch *batch)
{
    int64_t row_count = batch_rows(batch);
    size_t targets = output->target_count;
    uint64_t *hashes = malloc((size_t)row_count * sizeof *hashes);
    int32_t *rows = malloc((size_t)row_count * targets * sizeof *rows);
    int64_t *counts = calloc(targets, sizeof *counts);
    enum sluice_status status = SLUICE_OK;
    if (!hashes || !rows || !counts)
        status = error_set(instance->error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                           "no memory to split a batch between lanes");
    if (status == SLUICE_OK)
        status = batch_hash(batch, output->keys, output->key_count, hashes, instance->error);
    if (status == SLUICE_OK)
        scatter(hashes, row_count, targets, rows, counts);
    for (size_t t = 0; t < targets && status == SLUICE_OK; t++)
        if (counts[t])
            status = send_rows(instance, output->targets[t], batch,
                               rows + (int64_t)t * row_count, counts[t]);
    free(hashes);
    free(rows);
    free(counts);
    return status;
}

enum sluice_status output_send(struct instance *instance, const struct output *output,
                               struct sluice_batch *batch)
{
    if (output->kind == EDGE_HASH)
        return send_by_hash(instance, output, batch);
    if (output->kind == EDGE_GATHER)
        return send_rows(instance, output->targets[0], batch, NULL, batch_rows(batch));
    batch_retain(batch);
    return input_send_batch(instance, output->targets[0], batch);
}

enum sluice_status output_batch(struct instance *instance, struct sluice_batch *batch)
{
    struct step_counters *counters = &instance->step->counters;
    enum sluice_status status = SLUICE_OK;
    if (instance->event_us)
        batch_set_event_time(batch, instance->event_us);
    count(&counters->rows_out, batch_rows(batch));
    count(&counters->bytes_out, batch_bytes(batch));
    for (size_t i = 0; i < instance->output_count && status == SLUICE_OK; i++)
        status = output_send(instance, &instance->outputs[i], batch);
    batch_release(batch);
    return status;
}
