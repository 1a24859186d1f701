/* SPDX-License-Identifier: Apache-2.0 */
/* Ends of partitions: how far the group is behind them, and whether a --once run is there. */
#include "consumer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LAG_NOTE_MS 500
#define LAG_INTERVAL_MS 2000
#define LAG_TIMEOUT_MS 1000
#define LAG_FAILURES_TOLD 3
#define WAKE_TIMEOUT_MS 100
#define QUEUE_BACKOFF_VERSION 0x020200ff

/* ---- lag ----
 *
 * The lane notes what the group has committed; the keeper's thread asks for the ends, so that lag goes
 * on being told while the flow is blocked. The commit is older than the end: lag is never negative. */

void lag_init(struct lag *lag)
{
    *lag = (struct lag){0};
    pthread_mutex_init(&lag->lock, NULL);
}

void lag_reset(struct lag *lag)
{
    free(lag->entries);
    pthread_mutex_destroy(&lag->lock);
}

static struct lag_entry *find_entry(const struct lag *lag, size_t hint,
                                    const struct position *position)
{
    for (size_t i = 0; i < lag->count; i++) {
        struct lag_entry *entry = &lag->entries[(hint + i) % lag->count];
        if (entry->partition == position->partition && strcmp(entry->topic, position->topic) == 0)
            return entry;
    }
    return NULL;
}

static void show_entry(const struct source_kafka *source, const struct lag_entry *entry,
                       double messages, double seconds)
{
    char partition[16];
    snprintf(partition, sizeof partition, "%" PRId32, entry->partition);
    const char *const labels[] = {entry->topic, partition};
    sluice_metric_set(source->host, METRIC_LAG, labels, messages);
    sluice_metric_set(source->host, METRIC_LAG_SECONDS, labels, seconds);
}

/* Partitions that are gone have no lag. Lag lock held. */
static void hide_gone(const struct source_kafka *source, const struct lag_entry *fresh,
                      size_t count)
{
    const struct lag *lag = &source->lag;
    for (size_t i = 0; i < lag->count; i++) {
        const struct lag_entry *entry = &lag->entries[i];
        bool is_there = false;
        for (size_t k = 0; k < count && !is_there; k++)
            is_there = fresh[(i + k) % count].partition == entry->partition &&
                       strcmp(fresh[(i + k) % count].topic, entry->topic) == 0;
        if (!is_there)
            show_entry(source, entry, NAN, NAN);
    }
}

void lag_note(struct source_kafka *source)
{
    struct lag *lag = &source->lag;
    bool is_assigned = source->phase == PHASE_READING || source->phase == PHASE_REVOKING;
    size_t count = is_assigned ? source->positions.count : 0;
    struct lag_entry *fresh = calloc(count + 1, sizeof *fresh);
    size_t uncommitted = 0;
    if (!fresh)
        return;
    pthread_mutex_lock(&lag->lock);
    for (size_t i = 0; i < count; i++) {
        const struct position *position = &source->positions.items[i];
        const struct lag_entry *known = find_entry(lag, i, position);
        if (known)
            fresh[i] = *known;
        fresh[i].partition = position->partition;
        memcpy(fresh[i].topic, position->topic, sizeof fresh[i].topic);
        fresh[i].committed = position->committed;
        fresh[i].oldest_ms = position->oldest_ms;
        uncommitted += position->committed == NO_OFFSET;
    }
    hide_gone(source, fresh, count);
    free(lag->entries);
    lag->entries = fresh;
    lag->count = count;
    pthread_mutex_unlock(&lag->lock);
    sluice_metric_set(source->host, METRIC_ASSIGNED, NULL, (double)count);
    sluice_metric_set(source->host, METRIC_UNCOMMITTED, NULL, (double)uncommitted);
}

void ends_report(struct source_kafka *source)
{
    int64_t now_ms = sluice_monotonic_ms(source->host);
    if (now_ms < source->next_lag_ms)
        return;
    source->next_lag_ms = now_ms + LAG_NOTE_MS;
    lag_note(source);
}

/* Age of the oldest record that is not committed. As long as none was read since the commit: since when
 * it has been seen to be there. */
static double lag_seconds(const struct source_kafka *source, struct lag_entry *entry, int64_t lag)
{
    int64_t now_ms = sluice_monotonic_ms(source->host);
    int64_t late_ms = 0;
    if (lag == 0)
        entry->behind_since_ms = 0;
    else if (entry->behind_since_ms == 0)
        entry->behind_since_ms = now_ms;
    if (lag > 0)
        late_ms = entry->oldest_ms > 0 ? sluice_now_ms(source->host) - entry->oldest_ms
                                       : now_ms - entry->behind_since_ms;
    return late_ms > 0 ? (double)late_ms / 1000 : 0;
}

static rd_kafka_topic_partition_list_t *list_committed(struct lag *lag)
{
    pthread_mutex_lock(&lag->lock);
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)lag->count + 1);
    for (size_t i = 0; i < lag->count; i++) {
        const struct lag_entry *entry = &lag->entries[i];
        if (entry->committed >= 0)
            rd_kafka_topic_partition_list_add(list, entry->topic, entry->partition)->offset =
                RD_KAFKA_OFFSET_END;
    }
    pthread_mutex_unlock(&lag->lock);
    return list;
}

/* A commit that came while the ends were asked for may be ahead of them: then there is no lag. */
static void show_lag(struct source_kafka *source, const rd_kafka_topic_partition_list_t *ends)
{
    struct lag *lag = &source->lag;
    pthread_mutex_lock(&lag->lock);
    for (size_t i = 0; i < lag->count; i++) {
        struct lag_entry *entry = &lag->entries[i];
        const rd_kafka_topic_partition_t *end = rd_kafka_topic_partition_list_find(
            (rd_kafka_topic_partition_list_t *)(uintptr_t)ends, entry->topic, entry->partition);
        bool is_known = entry->committed >= 0 && end && end->offset >= 0 &&
                        end->err == RD_KAFKA_RESP_ERR_NO_ERROR;
        int64_t messages = is_known && end->offset > entry->committed
                               ? end->offset - entry->committed
                               : 0;
        if (is_known)
            show_entry(source, entry, (double)messages, lag_seconds(source, entry, messages));
        else if (entry->committed < 0)
            show_entry(source, entry, NAN, NAN);
    }
    pthread_mutex_unlock(&lag->lock);
}

void lag_measure(struct source_kafka *source)
{
    struct lag *lag = &source->lag;
    int64_t now_ms = sluice_monotonic_ms(source->host);
    if (now_ms < lag->next_ms)
        return;
    lag->next_ms = now_ms + LAG_INTERVAL_MS;
    rd_kafka_topic_partition_list_t *list = list_committed(lag);
    rd_kafka_resp_err_t result = RD_KAFKA_RESP_ERR_NO_ERROR;
    if (list->cnt > 0)
        result = rd_kafka_offsets_for_times(source->client.rk, list, LAG_TIMEOUT_MS);
    if (result == RD_KAFKA_RESP_ERR_NO_ERROR)
        show_lag(source, list);
    lag->failures = result == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : lag->failures + 1;
    if (lag->failures == LAG_FAILURES_TOLD)
        sluice_readiness(source->host, "the Kafka brokers to answer");
    if (lag->failures == 0 && lag->was_failing)
        sluice_readiness(source->host, NULL);
    lag->was_failing = lag->failures >= LAG_FAILURES_TOLD;
    rd_kafka_topic_partition_list_destroy(list);
}

/* librdkafka before 2.2 lets a fetching thread sleep up to a second once the queue is full, however
 * soon it runs empty; any request to the broker wakes it. A look at the ends is one to each. */
void ends_wake(struct source_kafka *source)
{
    if (rd_kafka_version() >= QUEUE_BACKOFF_VERSION || source->phase != PHASE_READING)
        return;
    double held = (double)rd_kafka_queue_length(source->queue) * source->message_bytes;
    if (held > (double)source->queue_bytes * 0.7)
        source->was_full = true;
    if (!source->was_full || held > (double)source->queue_bytes * 0.5)
        return;
    source->was_full = false;
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)source->positions.count);
    for (size_t i = 0; i < source->positions.count; i++) {
        const struct position *position = &source->positions.items[i];
        rd_kafka_topic_partition_list_add(list, position->topic, position->partition)->offset =
            RD_KAFKA_OFFSET_END;
    }
    (void)rd_kafka_offsets_for_times(source->client.rk, list, WAKE_TIMEOUT_MS);
    rd_kafka_topic_partition_list_destroy(list);
}

bool ends_are_reached(const struct source_kafka *source)
{
    if (!source->embedded)
        return positions_at_end(&source->positions);
    for (size_t i = 0; i < source->options->topics.count; i++) {
        if (!kafka_embedded_is_drained(source->embedded, source->readers[i]))
            return false;
    }
    return true;
}
