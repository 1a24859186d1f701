/* SPDX-License-Identifier: Apache-2.0 */
/* Records into the columns that the plan asks for, a column at a time. No network. */
#include "columns.h"
#include "headers.h"

#include <string.h>

#define FEW_HEADERS 32
#define ROWS_AT_ONCE 512

/* Timestamps beyond this many milliseconds do not fit in microseconds. */
#define TIMESTAMP_LIMIT_MS (INT64_MAX / 1000)

void columns_find(const struct sluice_schema *schema, int columns[COLUMN_COUNT])
{
    static const char *const names[COLUMN_COUNT] = {
        [COLUMN_KEY] = "key",         [COLUMN_VALUE] = "value",
        [COLUMN_TOPIC] = "topic",     [COLUMN_PARTITION] = "partition",
        [COLUMN_OFFSET] = "offset",   [COLUMN_TIMESTAMP] = "timestamp",
        [COLUMN_HEADERS] = "headers",
    };
    for (int column = 0; column < COLUMN_COUNT; column++) {
        columns[column] = -1;
        for (size_t i = 0; i < schema->field_count; i++) {
            if (strcmp(sluice_schema_field(schema, i)->name, names[column]) == 0)
                columns[column] = (int)i;
        }
    }
}

static struct sluice_string bytes_of(const rd_kafka_message_t *record, bool is_key)
{
    struct sluice_string bytes = {is_key ? record->key : record->payload,
                                  is_key ? record->key_len : record->len};
    return bytes;
}

static enum sluice_status put_bytes(const struct record_columns *to, int column, bool is_key,
                                    rd_kafka_message_t *const *records, size_t count)
{
    struct sluice_raw_column raw;
    size_t size = 0;
    int64_t null_count = 0;
    for (size_t i = 0; i < count; i++)
        size += bytes_of(records[i], is_key).size;
    enum sluice_status status =
        sluice_builder_reserve(to->host, to->builder, column, (int64_t)count, size, &raw);
    if (status != SLUICE_OK)
        return status;
    char *at = raw.bytes;
    int32_t end = raw.offsets[0];
    for (size_t i = 0; i < count; i++) {
        struct sluice_string bytes = bytes_of(records[i], is_key);
        if (bytes.size > 0)
            memcpy(at, bytes.bytes, bytes.size);
        at += bytes.size;
        end += (int32_t)bytes.size;
        raw.offsets[i + 1] = end;
        if (!bytes.bytes) {
            raw.validity[i] = 0;
            null_count++;
        }
    }
    return sluice_builder_commit(to->host, to->builder, column, (int64_t)count, size, null_count);
}

/* False: null. */
static bool number_of(const rd_kafka_message_t *record, enum source_column column, int64_t *number)
{
    if (column == COLUMN_PARTITION) {
        *number = record->partition;
        return true;
    }
    if (column == COLUMN_OFFSET) {
        *number = record->offset;
        return true;
    }
    rd_kafka_timestamp_type_t type;
    int64_t time_ms = rd_kafka_message_timestamp(record, &type);
    bool is_known =
        type != RD_KAFKA_TIMESTAMP_NOT_AVAILABLE && time_ms >= 0 && time_ms <= TIMESTAMP_LIMIT_MS;
    *number = is_known ? time_ms * 1000 : 0;
    return is_known;
}

static enum sluice_status put_numbers(const struct record_columns *to, enum source_column column,
                                      rd_kafka_message_t *const *records, size_t count)
{
    struct sluice_raw_column raw;
    int index = to->columns[column];
    int64_t null_count = 0;
    enum sluice_status status =
        sluice_builder_reserve(to->host, to->builder, index, (int64_t)count, 0, &raw);
    if (status != SLUICE_OK)
        return status;
    int64_t *values = raw.values;
    for (size_t i = 0; i < count; i++) {
        if (!number_of(records[i], column, &values[i])) {
            raw.validity[i] = 0;
            null_count++;
        }
    }
    return sluice_builder_commit(to->host, to->builder, index, (int64_t)count, 0, null_count);
}

static enum sluice_status put_topics(const struct record_columns *to,
                                     rd_kafka_message_t *const *records, size_t count)
{
    enum sluice_status status = SLUICE_OK;
    for (size_t i = 0; status == SLUICE_OK && i < count; i++) {
        const char *topic = rd_kafka_topic_name(records[i]->rkt);
        status = sluice_builder_string(to->host, to->builder, to->columns[COLUMN_TOPIC], topic,
                                       strlen(topic));
    }
    return status;
}

static void read_headers(const rd_kafka_headers_t *list, struct header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const void *value = NULL;
        (void)rd_kafka_header_get_all(list, i, &headers[i].name, &value, &headers[i].size);
        headers[i].value = value;
    }
}

static enum sluice_status put_headers_of(const struct record_columns *to,
                                         const rd_kafka_message_t *record)
{
    int column = to->columns[COLUMN_HEADERS];
    rd_kafka_headers_t *list = NULL;
    struct header few[FEW_HEADERS];
    struct header *headers = few;
    if (rd_kafka_message_headers(record, &list) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return sluice_builder_null(to->host, to->builder, column);
    size_t count = rd_kafka_header_cnt(list);
    if (count > FEW_HEADERS)
        headers = sluice_alloc(to->host, count * sizeof *headers);
    if (!headers)
        return SLUICE_FATAL;
    read_headers(list, headers, count);
    to->json->size = 0;
    enum sluice_status status = headers_write(to->host, headers, count, to->json);
    if (headers != few)
        sluice_free(to->host, headers);
    if (status != SLUICE_OK)
        return status;
    return sluice_builder_string(to->host, to->builder, column, to->json->data, to->json->size);
}

static enum sluice_status put_headers(const struct record_columns *to,
                                      rd_kafka_message_t *const *records, size_t count)
{
    enum sluice_status status = SLUICE_OK;
    for (size_t i = 0; status == SLUICE_OK && i < count; i++)
        status = put_headers_of(to, records[i]);
    return status;
}

static bool is_same_partition(const rd_kafka_message_t *one, const rd_kafka_message_t *other)
{
    return one->rkt == other->rkt && one->partition == other->partition;
}

/* Records of one partition come in runs: one origin a run. */
static enum sluice_status end_rows(const struct record_columns *to,
                                   rd_kafka_message_t *const *records, size_t count)
{
    int64_t offsets[ROWS_AT_ONCE];
    enum sluice_status status = SLUICE_OK;
    for (size_t i = 0; status == SLUICE_OK && i < count;) {
        const rd_kafka_message_t *first = records[i];
        size_t rows = 0;
        if (i == 0 || !is_same_partition(first, records[i - 1]))
            status = sluice_builder_origin(to->host, to->builder, rd_kafka_topic_name(first->rkt),
                                           first->partition);
        for (; i < count && rows < ROWS_AT_ONCE && is_same_partition(first, records[i]); i++)
            offsets[rows++] = records[i]->offset;
        if (status == SLUICE_OK)
            status = sluice_builder_end_rows(to->host, to->builder, offsets, (int64_t)rows);
    }
    return status;
}

enum sluice_status columns_append(const struct record_columns *to,
                                  rd_kafka_message_t *const *records, size_t count)
{
    enum sluice_status status = SLUICE_OK;
    for (int column = 0; status == SLUICE_OK && column < COLUMN_COUNT; column++) {
        if (to->columns[column] < 0)
            continue;
        switch ((enum source_column)column) {
        case COLUMN_KEY:
        case COLUMN_VALUE:
            status = put_bytes(to, to->columns[column], column == COLUMN_KEY, records, count);
            break;
        case COLUMN_TOPIC:
            status = put_topics(to, records, count);
            break;
        case COLUMN_PARTITION:
        case COLUMN_OFFSET:
        case COLUMN_TIMESTAMP:
            status = put_numbers(to, (enum source_column)column, records, count);
            break;
        case COLUMN_HEADERS:
            status = put_headers(to, records, count);
            break;
        case COLUMN_COUNT:
            break;
        }
    }
    return status == SLUICE_OK ? end_rows(to, records, count) : status;
}
