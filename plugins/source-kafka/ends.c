/* SPDX-License-Identifier: Apache-2.0 */
/* Ends of partitions: how far the group is behind them, and whether a --once run is there. */
#include "consumer.h"

#include <inttypes.h>
#include <stdio.h>

#define LAG_INTERVAL_MS 5000
#define WAKE_TIMEOUT_MS 100
#define QUEUE_BACKOFF_VERSION 0x020200ff

void ends_report(struct source_kafka *source)
{
    int64_t now_ms = sluice_monotonic_ms(source->host);
    if (now_ms < source->next_lag_ms || source->phase != PHASE_READING)
        return;
    source->next_lag_ms = now_ms + LAG_INTERVAL_MS;
    for (size_t i = 0; i < source->positions.count; i++) {
        const struct position *position = &source->positions.items[i];
        char partition[16];
        /* The group's offset first, the end after it: never negative. */
        int64_t committed = position->committed, low, high = NO_OFFSET;
        snprintf(partition, sizeof partition, "%" PRId32, position->partition);
        const char *const labels[] = {position->topic, partition};
        (void)rd_kafka_get_watermark_offsets(source->client.rk, position->topic,
                                             position->partition, &low, &high);
        if (committed < 0 || high < 0)
            continue;
        int64_t lag = high > committed ? high - committed : 0;
        sluice_metric_set(source->host, METRIC_LAG, labels, (double)lag);
    }
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
