/* SPDX-License-Identifier: Apache-2.0 */
/* Takes records from librdkafka's queue until a batch is full or nothing more is there. Rebalance
 * and error callbacks run inside these calls. */
#include "columns.h"
#include "consumer.h"

#include <inttypes.h>
#include <stdio.h>

#define CHUNK_RECORDS 4096
#define BATCH_ROWS 32768
#define BATCH_BYTES (4 << 20)
#define GATHER_MS 5 /* for more, once there is something */

struct chunk {
    size_t count; /* good ones, at the front */
    rd_kafka_message_t *records[CHUNK_RECORDS];
};

enum sluice_status records_init(struct source_kafka *source, struct sluice_error *error)
{
    const struct sluice_schema *schema = sluice_output_schema(source->host);
    columns_find(schema, source->columns);
    source->message_bytes = 256;
    source->was_full = false;
    source->has_ended = false;
    if (source->builder)
        return SLUICE_OK;
    return sluice_builder_create(source->host, schema, &source->builder, error);
}

void records_reset(struct source_kafka *source)
{
    if (source->failed)
        rd_kafka_message_destroy(source->failed);
    source->failed = NULL;
    sluice_builder_destroy(source->host, source->builder);
    source->builder = NULL;
    sluice_buffer_free(source->host, &source->headers);
}

/* Errors of the consumer's queue that no waiting cures; the others librdkafka sees to. */
static bool is_final(const struct source_kafka *source, rd_kafka_resp_err_t reason)
{
    /* Topics that match a pattern come and go. */
    if (reason == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
        reason == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC)
        return !has_pattern(source->options);
    return reason == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
           reason == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE ||
           reason == RD_KAFKA_RESP_ERR__NO_OFFSET ||
           reason == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
           reason == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED ||
           reason == RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL ||
           reason == RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT ||
           reason == RD_KAFKA_RESP_ERR__BAD_MSG || reason == RD_KAFKA_RESP_ERR__BAD_COMPRESSION ||
           reason == RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED;
}

static enum sluice_status fail_record(struct source_kafka *source, const rd_kafka_message_t *record,
                                      struct sluice_error *error)
{
    const struct sluice_host *host = source->host;
    const char *topic = record->rkt ? rd_kafka_topic_name(record->rkt) : NULL;
    switch ((int)record->err) {
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
    case RD_KAFKA_RESP_ERR__NO_OFFSET: {
        const struct position *position =
            topic ? positions_find(&source->positions, topic, record->partition) : NULL;
        int64_t wanted = position ? position->next : record->offset;
        return begin_fail_range(source, topic ? topic : "", record->partition, wanted, error);
    }
    case RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT:
        sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                    "the broker does not accept a session timeout of %" PRId64
                    " ms (group.min.session.timeout.ms and group.max.session.timeout.ms)",
                    source->options->session_timeout_ms);
        sluice_error_at(host, error, SLUICE_AT_OPTION, "session_timeout");
        return SLUICE_CONFIG;
    case RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL:
        sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFLICT,
                    "the other members of group %s use another `assignor`", source->options->group);
        sluice_error_at(host, error, SLUICE_AT_OPTION, "assignor");
        return SLUICE_CONFIG;
    default:
        break;
    }
    kafka_fail(host, error, record->err, "Kafka records cannot be read");
    if (record->payload && record->len > 0)
        sluice_error_because(host, error, "%.*s", (int)record->len, (const char *)record->payload);
    if (topic)
        sluice_error_at(host, error, SLUICE_AT_TOPIC, "%s", topic);
    if (topic && record->partition >= 0)
        sluice_error_at(host, error, SLUICE_AT_PARTITION, "%" PRId32, record->partition);
    return SLUICE_FATAL;
}

static void note_end(struct source_kafka *source, const rd_kafka_message_t *record)
{
    struct position *position =
        positions_find(&source->positions, rd_kafka_topic_name(record->rkt), record->partition);
    /* Control records and aborted transactions stand before it: nothing of them comes up. */
    if (position && position->next < record->offset)
        position->next = record->offset;
}

static void note_trouble(struct source_kafka *source, const rd_kafka_message_t *record)
{
    sluice_log(source->host, SLUICE_LOG_WARN, NULL, 0, "Kafka consumer: %s%s%.*s",
               rd_kafka_err2str(record->err), record->payload ? ": " : "",
               record->payload ? (int)record->len : 0,
               record->payload ? (const char *)record->payload : "");
}

static void note_time(struct source_kafka *source, struct position *position,
                      const rd_kafka_message_t *record)
{
    rd_kafka_timestamp_type_t kind;
    int64_t time_ms = rd_kafka_message_timestamp(record, &kind);
    if (kind == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE || time_ms <= 0)
        return;
    if (position->oldest_ms == 0)
        position->oldest_ms = time_ms;
    if (position->newer_ms == 0)
        position->newer_ms = time_ms;
    if (source->batch_oldest_ms == 0 || time_ms < source->batch_oldest_ms)
        source->batch_oldest_ms = time_ms;
}

/* Keeps what is a record of an assigned partition and not read yet. */
static void sort_out(struct source_kafka *source, struct chunk *chunk, size_t count)
{
    const rd_kafka_topic_t *topic = NULL;
    int32_t partition = -1;
    struct position *position = NULL;
    chunk->count = 0;
    for (size_t i = 0; i < count; i++) {
        rd_kafka_message_t *record = chunk->records[i];
        if (record->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            if (record->rkt != topic || record->partition != partition) {
                topic = record->rkt;
                partition = record->partition;
                position =
                    positions_find(&source->positions, rd_kafka_topic_name(topic), partition);
            }
            if (position && record->offset >= position->next && !source->failed) {
                position->next = record->offset + 1;
                note_time(source, position, record);
                chunk->records[chunk->count++] = record;
                continue;
            }
        } else if (record->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            note_end(source, record);
        } else if (is_final(source, record->err) && !source->failed) {
            source->failed = record;
            continue;
        } else if (!is_final(source, record->err)) {
            note_trouble(source, record);
        }
        rd_kafka_message_destroy(record);
    }
}

static enum sluice_status append(struct source_kafka *source, struct chunk *chunk,
                                 struct sluice_error *error)
{
    const struct record_columns to = {.host = source->host,
                                      .builder = source->builder,
                                      .columns = source->columns,
                                      .json = &source->headers};
    size_t bytes = 0;
    if (chunk->count == 0)
        return SLUICE_OK;
    enum sluice_status status = columns_append(&to, chunk->records, chunk->count);
    for (size_t i = 0; i < chunk->count; i++) {
        bytes += chunk->records[i]->len + chunk->records[i]->key_len;
        rd_kafka_message_destroy(chunk->records[i]);
    }
    double average = (double)bytes / (double)chunk->count;
    source->message_bytes += (average - source->message_bytes) / 8;
    sluice_metric_add(source->host, METRIC_MESSAGES, NULL, (double)chunk->count);
    sluice_metric_add(source->host, METRIC_BYTES, NULL, (double)bytes);
    chunk->count = 0;
    if (status == SLUICE_OK)
        return SLUICE_OK;
    return sluice_fail(source->host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                       "no memory for a batch of Kafka records; raise settings.memory");
}

/* Adds what is there to the builder; *got is how many came, errors included. */
static enum sluice_status take_chunk(struct source_kafka *source, int timeout_ms, size_t limit,
                                     size_t *got, struct sluice_error *error)
{
    struct chunk chunk;
    ssize_t count = rd_kafka_consume_batch_queue(source->queue, timeout_ms, chunk.records, limit);
    *got = count > 0 ? (size_t)count : 0;
    sort_out(source, &chunk, *got);
    if (*got > 0)
        source->client.is_down = false;
    return append(source, &chunk, error);
}

/* A batch must not empty the queue, or reading and fetching would take turns. */
static int64_t batch_bytes(const struct source_kafka *source)
{
    return source->queue_bytes / 4 < BATCH_BYTES ? source->queue_bytes / 4 : BATCH_BYTES;
}

static bool is_full(const struct source_kafka *source)
{
    return sluice_builder_rows(source->host, source->builder) >= BATCH_ROWS - CHUNK_RECORDS ||
           sluice_builder_bytes(source->host, source->builder) >= batch_bytes(source);
}

/* At most so many that the batch does not outgrow its bytes by much. */
static size_t chunk_limit(const struct source_kafka *source)
{
    double limit = (double)batch_bytes(source) / (source->message_bytes + 1);
    return limit >= CHUNK_RECORDS ? CHUNK_RECORDS : limit < 1 ? 1 : (size_t)limit;
}

/* What is there is taken at once; the first of nothing is waited for in slices, so that a cancel
 * is heard; then a moment for its neighbours. */
static enum sluice_status gather(struct source_kafka *source, int timeout_ms,
                                 struct sluice_error *error)
{
    const struct sluice_host *host = source->host;
    int64_t deadline_ms = sluice_monotonic_ms(host) + timeout_ms;
    enum source_phase phase = source->phase;
    size_t got = 0, limit = chunk_limit(source);
    enum sluice_status status = take_chunk(source, 0, limit, &got, error);
    while (status == SLUICE_OK && got == 0 && source->phase == phase &&
           !atomic_load(&source->is_cancelled)) {
        int64_t left_ms = deadline_ms - sluice_monotonic_ms(host);
        if (left_ms <= 0)
            break;
        status = take_chunk(source, left_ms < 100 ? (int)left_ms : 100, 1, &got, error);
        if (status == SLUICE_OK && got > 0)
            status = take_chunk(source, GATHER_MS, limit, &got, error);
    }
    while (status == SLUICE_OK && got > 0 && !source->failed && source->phase == phase &&
           !is_full(source))
        status = take_chunk(source, 0, chunk_limit(source), &got, error);
    return status;
}

static void tell_embedded(struct source_kafka *source)
{
    for (size_t i = 0; source->readers && i < source->options->topics.count; i++) {
        for (size_t j = 0; j < source->positions.count; j++) {
            const struct position *position = &source->positions.items[j];
            if (__builtin_strcmp(position->topic, source->options->topics.items[i]) == 0)
                kafka_embedded_read(source->embedded, source->readers[i], position->partition,
                                    position->next);
        }
    }
}

static enum sluice_status finish_batch(struct source_kafka *source, struct sluice_batch **batch,
                                       struct sluice_error *error)
{
    enum sluice_status status =
        sluice_builder_finish(source->host, source->builder, batch, error);
    if (status == SLUICE_OK && source->batch_oldest_ms > 0)
        sluice_batch_set_event_time(source->host, *batch, source->batch_oldest_ms * 1000);
    source->batch_oldest_ms = 0;
    return status;
}

enum sluice_status records_take(struct source_kafka *source, int timeout_ms,
                                struct sluice_batch **batch, struct sluice_error *error)
{
    *batch = NULL;
    if (source->failed && sluice_builder_rows(source->host, source->builder) == 0)
        return fail_record(source, source->failed, error);
    ends_wake(source);
    enum sluice_status status = gather(source, timeout_ms, error);
    if (status != SLUICE_OK)
        return status;
    ends_wake(source);
    tell_embedded(source);
    if (sluice_builder_rows(source->host, source->builder) > 0)
        return finish_batch(source, batch, error);
    return source->failed ? fail_record(source, source->failed, error) : SLUICE_OK;
}
