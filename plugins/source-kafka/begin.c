/* SPDX-License-Identifier: Apache-2.0 */
/* Where to begin in newly assigned partitions:
 *
 *   the group has an offset                       there
 *   the group has none at all, the state has one  there
 *   the group has offsets of the topic's others   at the earliest: the partition is new
 *   else                                          as the option `start` says */
#include "consumer.h"

#include <inttypes.h>
#include <string.h>

#define QUERY_TIMEOUT_MS 5000

static enum sluice_status query_range(struct source_kafka *source, const char *topic,
                                      int32_t partition, int64_t *low, int64_t *high,
                                      struct sluice_error *error)
{
    *low = *high = NO_OFFSET;
    rd_kafka_resp_err_t result = rd_kafka_query_watermark_offsets(
        source->client.rk, topic, partition, low, high, QUERY_TIMEOUT_MS);
    if (result == RD_KAFKA_RESP_ERR_NO_ERROR)
        return SLUICE_OK;
    return kafka_fail(source->host, error, result, "the ends of a partition cannot be read");
}

enum sluice_status begin_fail_range(struct source_kafka *source, const char *topic,
                                    int32_t partition, int64_t wanted, struct sluice_error *error)
{
    const struct sluice_host *host = source->host;
    int64_t low, high;
    if (query_range(source, topic, partition, &low, &high, error) != SLUICE_OK)
        sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OFFSET_OUT_OF_RANGE,
                    "offset %" PRId64 " of topic %s, partition %" PRId32 " is gone from the broker",
                    wanted, topic, partition);
    else if (wanted < low)
        sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OFFSET_OUT_OF_RANGE,
                    "records %" PRId64 " to %" PRId64 " of topic %s, partition %" PRId32
                    " are gone from the broker, which has %" PRId64 " to %" PRId64
                    "; to go on without them, set the group's offset to %" PRId64
                    " with Kafka's own tool",
                    wanted, low - 1, topic, partition, low, high - 1, low);
    else
        sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OFFSET_OUT_OF_RANGE,
                    "the group is at offset %" PRId64 " of topic %s, partition %" PRId32
                    ", but the broker has only %" PRId64 " to %" PRId64
                    ": records were lost there or the topic was made anew; set the group's offset "
                    "with Kafka's own tool",
                    wanted, topic, partition, low, high - 1);
    sluice_error_at(host, error, SLUICE_AT_TOPIC, "%s", topic);
    sluice_error_at(host, error, SLUICE_AT_PARTITION, "%" PRId32, partition);
    sluice_error_at(host, error, SLUICE_AT_OFFSET, "%" PRId64, wanted);
    return SLUICE_FATAL;
}

/* Offset of the first record that is not older; NO_OFFSET where all are. */
static enum sluice_status query_time(struct source_kafka *source, const char *topic,
                                     int32_t partition, int64_t *offset, struct sluice_error *error)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = source->start.time_ms;
    rd_kafka_resp_err_t result =
        rd_kafka_offsets_for_times(source->client.rk, list, QUERY_TIMEOUT_MS);
    if (result == RD_KAFKA_RESP_ERR_NO_ERROR)
        result = list->elems[0].err;
    *offset = list->elems[0].offset >= 0 ? list->elems[0].offset : NO_OFFSET;
    rd_kafka_topic_partition_list_destroy(list);
    if (result == RD_KAFKA_RESP_ERR_NO_ERROR)
        return SLUICE_OK;
    return kafka_fail(source->host, error, result, "a start time cannot be looked up");
}

static enum sluice_status find_start(struct source_kafka *source, bool is_new_partition,
                                     const char *topic, int32_t partition, int64_t *offset,
                                     struct sluice_error *error)
{
    int64_t low, high;
    enum start_kind kind = is_new_partition ? START_EARLIEST : source->start.kind;
    enum sluice_status status = SLUICE_OK;
    *offset = NO_OFFSET;
    if (kind == START_TIME)
        status = query_time(source, topic, partition, offset, error);
    if (status != SLUICE_OK || *offset != NO_OFFSET)
        return status;
    status = query_range(source, topic, partition, &low, &high, error);
    *offset = kind == START_EARLIEST ? low : high;
    return status;
}

static enum sluice_status begin_partition(struct source_kafka *source,
                                          rd_kafka_topic_partition_t *pending,
                                          const rd_kafka_topic_partition_list_t *committed,
                                          int64_t *known, struct sluice_error *error)
{
    const rd_kafka_topic_partition_t *entry = group_find(committed, pending);
    const struct position *restored =
        group_has_offsets(committed, NULL)
            ? NULL
            : positions_find(&source->restored, pending->topic, pending->partition);
    *known = entry && entry->offset >= 0 ? entry->offset : NO_OFFSET;
    if (*known != NO_OFFSET) {
        pending->offset = *known;
        return SLUICE_OK;
    }
    if (restored) {
        pending->offset = restored->next;
        return SLUICE_OK;
    }
    return find_start(source, group_has_offsets(committed, pending->topic), pending->topic,
                      pending->partition, &pending->offset, error);
}

enum sluice_status begin_find(struct source_kafka *source, rd_kafka_topic_partition_list_t *pending,
                              const rd_kafka_topic_partition_list_t *committed,
                              struct sluice_error *error)
{
    for (int i = 0; i < pending->cnt; i++) {
        rd_kafka_topic_partition_t *partition = &pending->elems[i];
        int64_t known, low, high = NO_OFFSET;
        enum sluice_status status = begin_partition(source, partition, committed, &known, error);
        if (status == SLUICE_OK && source->run->is_once) {
            status =
                query_range(source, partition->topic, partition->partition, &low, &high, error);
            if (status == SLUICE_OK && partition->offset < low)
                status = begin_fail_range(source, partition->topic, partition->partition,
                                          partition->offset, error);
        }
        if (status != SLUICE_OK)
            return status;
        struct position *position =
            positions_add(&source->positions, partition->topic, partition->partition);
        if (!position)
            return sluice_fail(source->host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                               "no memory for the positions of the assigned partitions");
        position->next = partition->offset;
        position->committed = known;
        position->end = high;
    }
    return SLUICE_OK;
}
