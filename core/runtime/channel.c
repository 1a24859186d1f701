/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded channels between lanes, and the choice of the next message of a lane. */
#include "runtime/execution.h"

#include <stdlib.h>

void message_destroy(struct message *message)
{
    if (!message)
        return;
    batch_release(message->batch);
    free(message);
}

static int64_t message_bytes(const struct message *message)
{
    return message->batch ? batch_bytes(message->batch) : 0;
}

/* Channel lock held. Batches wait while others are queued and the bound would be passed: one batch
 * always fits. */
static bool has_room(const struct channel *channel, int64_t bytes)
{
    int64_t bound = channel->from->execution->channel_bytes;
    return channel->queued_bytes == 0 || channel->queued_bytes + bytes <= bound;
}

struct push {
    struct channel *channel;
    struct message *message;
    bool is_pushed;
};

/* Queues the message if there is room, else leaves word that the sender waits. */
static bool try_push(void *user)
{
    struct push *push = user;
    struct channel *channel = push->channel;
    struct message *message = push->message;
    int64_t bytes = message_bytes(message);
    pthread_mutex_lock(&channel->to->lock);
    if (message->kind != MESSAGE_BATCH || has_room(channel, bytes)) {
        message->next = NULL;
        if (channel->last)
            channel->last->next = message;
        else
            channel->first = message;
        channel->last = message;
        channel->queued_bytes += bytes;
        channel->is_sender_waiting = false;
        channel->to->is_signalled = true;
        pthread_cond_signal(&channel->to->wake);
        push->is_pushed = true;
    } else {
        channel->is_sender_waiting = true;
    }
    pthread_mutex_unlock(&channel->to->lock);
    return push->is_pushed;
}

/* For messages over a direct edge: an input whose barrier has come is held until it is aligned. */
static bool is_unheld(void *user)
{
    const struct input *input = user;
    return !input->is_aligned;
}

static enum sluice_status send(struct instance *sender, struct input *input,
                               struct message *message)
{
    struct lane *lane = sender->lane;
    struct instance *owner = lane->owner;
    enum step_activity activity = lane->owner_activity;
    bool is_sent = false;
    if (input->channel) {
        /* The receiver may free the message as soon as it is pushed. */
        int64_t bytes = message_bytes(message);
        atomic_int_least64_t *queued_bytes = &input->instance->step->counters.queued_bytes;
        struct push push = {input->channel, message, false};
        atomic_fetch_add_explicit(queued_bytes, bytes, memory_order_relaxed);
        if (!try_push(&push)) {
            lane_own(lane, sender, STEP_WAITING_OUTPUT);
            lane_wait(lane, try_push, &push, INT64_MAX);
            lane_own(lane, owner, activity);
        }
        is_sent = push.is_pushed;
        if (!is_sent)
            atomic_fetch_sub_explicit(queued_bytes, bytes, memory_order_relaxed);
    } else {
        if (input->is_aligned)
            lane_wait(lane, is_unheld, input, INT64_MAX);
        if (!input->is_aligned)
            return deliver(input, message);
    }
    if (is_sent)
        return SLUICE_OK;
    message_destroy(message);
    return error_set(sender->error, SLUICE_FATAL, SLUICE_CODE_CANCELLED,
                     "the run is being stopped");
}

enum sluice_status input_send_batch(struct instance *sender, struct input *input,
                                    struct sluice_batch *batch)
{
    struct message *message = calloc(1, sizeof *message);
    if (!message) {
        batch_release(batch);
        return error_set(sender->error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                         "no memory for a message");
    }
    message->kind = MESSAGE_BATCH;
    message->batch = batch;
    return send(sender, input, message);
}

enum sluice_status input_send_mark(struct instance *sender, struct input *input,
                                   enum message_kind kind, int64_t watermark_us,
                                   uint64_t checkpoint)
{
    struct message *message = calloc(1, sizeof *message);
    if (!message)
        return error_set(sender->error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                         "no memory for a message");
    message->kind = kind;
    message->watermark_us = watermark_us;
    message->checkpoint = checkpoint;
    return send(sender, input, message);
}

/* Whether a message may be given to the instance now: not through an aligned input, and not where
 * it could lead back to an instance of this lane that is in the middle of a call. */
static bool is_deliverable(const struct lane *lane, const struct input *input)
{
    const struct execution *execution = lane->execution;
    if (input->is_aligned)
        return false;
    size_t step = input->instance->step_index;
    for (size_t i = 0; i < lane->instance_count; i++) {
        const struct instance *other = lane->instances[i];
        if (other->is_busy && execution->reaches[step * execution->step_count + other->step_index])
            return false;
    }
    return true;
}

/* Lane lock held. */
static struct channel *find_deliverable(struct lane *lane)
{
    for (size_t i = 0; i < lane->channel_count; i++) {
        struct channel *channel = lane->channels[(lane->next_channel + i) % lane->channel_count];
        if (channel->first && is_deliverable(lane, channel->input)) {
            lane->next_channel = (lane->next_channel + i + 1) % lane->channel_count;
            return channel;
        }
    }
    return NULL;
}

struct message *lane_take(struct lane *lane, struct input **input)
{
    struct lane *waiting = NULL;
    struct message *message = NULL;
    pthread_mutex_lock(&lane->lock);
    struct channel *channel = find_deliverable(lane);
    if (channel) {
        message = channel->first;
        channel->first = message->next;
        if (!channel->first)
            channel->last = NULL;
        channel->queued_bytes -= message_bytes(message);
        if (channel->is_sender_waiting)
            waiting = channel->from;
        channel->is_sender_waiting = false;
        *input = channel->input;
    }
    pthread_mutex_unlock(&lane->lock);
    if (message)
        atomic_fetch_sub_explicit(&(*input)->instance->step->counters.queued_bytes,
                                  message_bytes(message), memory_order_relaxed);
    if (waiting)
        lane_wake(waiting);
    return message;
}
