/* SPDX-License-Identifier: Apache-2.0 */
/* Rows into records: topic, key, value and time of each. No network. */
#include "sink.h"

#include <string.h>

/* A row in the making: keys and values that are not in the batch are in the buffer, which moves
 * while it grows, so places in it are noted as offsets first. */
struct making {
    struct sink_kafka *sink;
    struct sent_batch *sent;
    struct sluice_column key, value, timestamp;
    struct sluice_verdicts *verdicts;
    struct sluice_error *error;
};

static const char empty[1] = "";

static enum sluice_status fail_memory(struct making *making)
{
    return sluice_fail(making->sink->host, making->error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                       "no memory for the records of a batch; raise settings.memory");
}

static void reject_row(struct making *making, struct record *record)
{
    record->is_rejected = true;
    sluice_verdict(making->sink->host, making->verdicts, record->row, SLUICE_VERDICT_REJECT,
                   making->error);
}

static bool is_topic_name(const char *name, size_t size)
{
    if (size == 0 || size >= TOPIC_SIZE || (size <= 2 && memcmp(name, "..", size) == 0))
        return false;
    for (size_t i = 0; i < size; i++) {
        char c = name[i];
        bool is_good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '_' || c == '-';
        if (!is_good)
            return false;
    }
    return true;
}

static enum sluice_status find_topic(struct making *making, struct record *record)
{
    struct sink_kafka *sink = making->sink;
    sink->name.size = 0;
    enum sluice_status status = sluice_template_render(
        sink->host, sink->options->topic, making->sent->batch, record->row, false, &sink->name);
    if (status == SLUICE_REJECT ||
        (status == SLUICE_OK && !is_topic_name(sink->name.data, sink->name.size))) {
        sluice_fail(sink->host, making->error, SLUICE_REJECT, SLUICE_CODE_MESSAGE_REJECTED,
                    status == SLUICE_REJECT
                        ? "the topic's name needs a column that is null"
                        : "the row's values do not make the name of a topic (letters, digits, "
                          "dot, underscore, hyphen; up to 249)");
        reject_row(making, record);
        return SLUICE_OK;
    }
    if (status != SLUICE_OK)
        return fail_memory(making);
    size_t size = sink->name.size;
    if (!sink->topic || strncmp(sink->topic->name, sink->name.data, size) != 0 ||
        sink->topic->name[size] != '\0')
        sink->topic = producer_topic(sink, sink->name.data, size);
    record->topic = sink->topic;
    return sink->topic ? SLUICE_OK : fail_memory(making);
}

/* Bytes as they are, or their text form in the buffer: *bytes stays NULL then. */
static enum sluice_status take_column(struct making *making, const struct sluice_column *column,
                                      int64_t row, const char **bytes, size_t *size, bool *is_null)
{
    *is_null = sluice_column_is_null(column, row);
    *bytes = NULL;
    *size = 0;
    if (*is_null)
        return SLUICE_OK;
    if (column->type == SLUICE_TYPE_STRING || column->type == SLUICE_TYPE_BINARY) {
        struct sluice_string string = sluice_column_string(column, row);
        *bytes = string.size > 0 ? string.bytes : empty;
        *size = string.size;
        return SLUICE_OK;
    }
    struct sluice_buffer *buffer = &making->sent->bytes;
    size_t start = buffer->size;
    if (sluice_format_value(making->sink->host, column, row, buffer) != SLUICE_OK)
        return fail_memory(making);
    *size = buffer->size - start;
    return SLUICE_OK;
}

static enum sluice_status make_key(struct making *making, struct record *record, bool *is_null)
{
    const struct sink_kafka_options *options = making->sink->options;
    struct sluice_buffer *buffer = &making->sent->bytes;
    size_t start = buffer->size;
    *is_null = true;
    if (options->key)
        return take_column(making, &making->key, record->row, &record->key, &record->key_size,
                           is_null);
    if (!options->key_template)
        return SLUICE_OK;
    enum sluice_status status = sluice_template_render(
        making->sink->host, options->key_template, making->sent->batch, record->row, false, buffer);
    if (status == SLUICE_REJECT) {
        buffer->size = start;
        sluice_fail(making->sink->host, making->error, SLUICE_REJECT, SLUICE_CODE_MESSAGE_REJECTED,
                    "the key needs a column that is null");
        reject_row(making, record);
        return SLUICE_OK;
    }
    if (status != SLUICE_OK)
        return fail_memory(making);
    record->key_size = buffer->size - start;
    *is_null = false;
    return SLUICE_OK;
}

static enum sluice_status make_value(struct making *making, struct record *record, bool *is_null)
{
    struct sink_kafka *sink = making->sink;
    struct sluice_buffer *buffer = &making->sent->bytes;
    size_t start = buffer->size;
    if (sink->options->value)
        return take_column(making, &making->value, record->row, &record->value, &record->value_size,
                           is_null);
    *is_null = false;
    enum sluice_status status = sluice_encoder_encode(
        sink->host, sink->encoder, making->sent->batch, &record->row, 1, buffer, making->error);
    /* A record is not a line. */
    if (buffer->size > start && buffer->data[buffer->size - 1] == '\n')
        buffer->size--;
    if (buffer->size > start && buffer->data[buffer->size - 1] == '\r')
        buffer->size--;
    record->value_size = buffer->size - start;
    return status;
}

static enum sluice_status make_record(struct making *making, struct record *record, size_t *key_at,
                                      size_t *value_at)
{
    bool has_no_key = true, has_no_value = true;
    enum sluice_status status = find_topic(making, record);
    *key_at = making->sent->bytes.size;
    if (status == SLUICE_OK && !record->is_rejected)
        status = make_key(making, record, &has_no_key);
    *value_at = making->sent->bytes.size;
    if (status == SLUICE_OK && !record->is_rejected)
        status = make_value(making, record, &has_no_value);
    if (making->sink->timestamp_column >= 0 &&
        !sluice_column_is_null(&making->timestamp, record->row)) {
        int64_t time_us = sluice_column_int64(&making->timestamp, record->row);
        record->timestamp_ms = time_us > 0 ? time_us / 1000 : 0;
    }
    *key_at = has_no_key ? SIZE_MAX : *key_at;
    *value_at = has_no_value ? SIZE_MAX : *value_at;
    return status;
}

/* Where the buffer has come to rest: offsets into pointers. */
static void place(struct sent_batch *sent, const size_t *places)
{
    const char *bytes = sent->bytes.data ? sent->bytes.data : empty;
    for (int64_t row = 0; row < sent->row_count; row++) {
        struct record *record = &sent->records[row];
        if (!record->key && places[2 * row] != SIZE_MAX)
            record->key = bytes + places[2 * row];
        if (!record->value && places[2 * row + 1] != SIZE_MAX)
            record->value = bytes + places[2 * row + 1];
    }
}

static struct sent_batch *allocate(struct sink_kafka *sink, const struct sluice_batch *batch)
{
    int64_t row_count = sluice_batch_rows(sink->host, batch);
    struct sent_batch *sent = sluice_alloc(sink->host, sizeof *sent);
    if (!sent)
        return NULL;
    memset(sent, 0, sizeof *sent);
    sent->records = sluice_alloc(sink->host, ((size_t)row_count + 1) * sizeof *sent->records);
    if (!sent->records) {
        sluice_free(sink->host, sent);
        return NULL;
    }
    sluice_batch_retain(sink->host, batch);
    sent->batch = batch;
    sent->row_count = row_count;
    return sent;
}

void records_free(struct sink_kafka *sink, struct sent_batch *sent)
{
    sluice_batch_release(sink->host, sent->batch);
    sluice_buffer_free(sink->host, &sent->bytes);
    sluice_free(sink->host, sent->records);
    sluice_free(sink->host, sent);
}

enum sluice_status records_make(struct sink_kafka *sink, const struct sluice_batch *batch,
                                struct sluice_verdicts *verdicts, struct sent_batch **sent,
                                struct sluice_error *error)
{
    struct making making = {.sink = sink, .verdicts = verdicts, .error = error};
    enum sluice_status status = SLUICE_OK;
    *sent = NULL;
    making.sent = allocate(sink, batch);
    if (!making.sent)
        return fail_memory(&making);
    size_t row_count = (size_t)making.sent->row_count;
    size_t *places = sluice_alloc(sink->host, (2 * row_count + 1) * sizeof *places);
    if (!places)
        status = fail_memory(&making);
    if (sink->key_column >= 0)
        sluice_batch_column(sink->host, batch, sink->key_column, &making.key);
    if (sink->value_column >= 0)
        sluice_batch_column(sink->host, batch, sink->value_column, &making.value);
    if (sink->timestamp_column >= 0)
        sluice_batch_column(sink->host, batch, sink->timestamp_column, &making.timestamp);
    for (size_t row = 0; status == SLUICE_OK && row < row_count; row++) {
        struct record *record = &making.sent->records[row];
        *record = (struct record){.owner = making.sent, .row = (int32_t)row};
        status = make_record(&making, record, &places[2 * row], &places[2 * row + 1]);
    }
    if (status == SLUICE_OK) {
        place(making.sent, places);
        *sent = making.sent;
    } else {
        records_free(sink, making.sent);
    }
    sluice_free(sink->host, places);
    return status;
}
