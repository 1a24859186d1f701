/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps a member in the group while its flow is blocked.
 *
 * librdkafka leaves the group when the application has not polled for max.poll.interval.ms. A flow
 * that waits for a slow or absent sink does not poll, but it is healthy; thrown out it would read
 * the same rows again and might never get them through. So a thread polls for it: for no records,
 * which takes nothing from the queue and runs no callback. When the group wants to share out anew,
 * a blocked member still has no more than that interval: the broker goes on without it then.
 *
 * librdkafka waits by the wall clock, and one that is set back by an hour would hold up the lane, and
 * with it the barriers, for that hour, and librdkafka's own thread with the heartbeats, too. So each
 * second the thread ends a wait of the reader, and asks something that the other has to answer. The
 * threads of brokers that are away, which wait before they connect again, are woken after a step of
 * the clock. */
#include "consumer.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define POLL_SECONDS 1
#define STEP_MS 300
#define WAKES_AFTER_STEP 3 /* a wait may just have been begun with the time before the step */

/* New credentials wake the threads of all brokers, and no other call does. These are the same ones
 * as before. */
static void wake_brokers(struct source_kafka *source)
{
    const struct kafka_client_options *kafka = &source->options->client;
    rd_kafka_error_t *error = rd_kafka_sasl_set_credentials(
        source->client.rk, kafka->username ? kafka->username : "",
        kafka->password ? kafka->password : "");
    if (error)
        rd_kafka_error_destroy(error);
}

/* Lock held. */
static void watch_clock(struct source_kafka *source)
{
    struct keeper *keeper = &source->keeper;
    int64_t ahead_ms = sluice_now_ms(source->host) - sluice_monotonic_ms(source->host);
    if (llabs(ahead_ms - keeper->clock_ahead_ms) > STEP_MS)
        keeper->wakes_left = WAKES_AFTER_STEP;
    keeper->clock_ahead_ms = ahead_ms;
    if (keeper->wakes_left > 0) {
        keeper->wakes_left--;
        wake_brokers(source);
    }
}

static void *keep(void *argument)
{
    struct source_kafka *source = argument;
    struct keeper *keeper = &source->keeper;
    rd_kafka_message_t *none[1];
    pthread_mutex_lock(&keeper->lock);
    while (!keeper->is_stopping) {
        struct timespec until;
        (void)rd_kafka_consume_batch_queue(source->queue, 0, none, 0);
        rd_kafka_queue_yield(source->queue);
        rd_kafka_topic_partition_list_t *topics = NULL;
        if (rd_kafka_subscription(source->client.rk, &topics) == RD_KAFKA_RESP_ERR_NO_ERROR)
            rd_kafka_topic_partition_list_destroy(topics);
        watch_clock(source);
        pthread_mutex_unlock(&keeper->lock);
        lag_measure(source);
        pthread_mutex_lock(&keeper->lock);
        if (keeper->is_stopping)
            break;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += POLL_SECONDS;
        pthread_cond_timedwait(&keeper->wake, &keeper->lock, &until);
    }
    pthread_mutex_unlock(&keeper->lock);
    return NULL;
}

enum sluice_status keeper_start(struct source_kafka *source, struct sluice_error *error)
{
    struct keeper *keeper = &source->keeper;
    pthread_condattr_t monotonic;
    pthread_mutex_init(&keeper->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&keeper->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    keeper->is_stopping = false;
    keeper->clock_ahead_ms = sluice_now_ms(source->host) - sluice_monotonic_ms(source->host);
    int code = pthread_create(&keeper->thread, NULL, keep, source);
    keeper->is_started = code == 0;
    if (code == 0)
        return SLUICE_OK;
    pthread_cond_destroy(&keeper->wake);
    pthread_mutex_destroy(&keeper->lock);
    return sluice_fail(source->host, error, SLUICE_FATAL, SLUICE_CODE_INTERNAL,
                       "the system gives no thread: %s", strerror(code));
}

void keeper_stop(struct source_kafka *source)
{
    struct keeper *keeper = &source->keeper;
    if (!keeper->is_started)
        return;
    pthread_mutex_lock(&keeper->lock);
    keeper->is_stopping = true;
    pthread_cond_signal(&keeper->wake);
    pthread_mutex_unlock(&keeper->lock);
    pthread_join(keeper->thread, NULL);
    pthread_cond_destroy(&keeper->wake);
    pthread_mutex_destroy(&keeper->lock);
    keeper->is_started = false;
}
