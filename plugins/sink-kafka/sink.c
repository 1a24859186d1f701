/* SPDX-License-Identifier: Apache-2.0 */
/* Lifecycle of sink-kafka, in call order. */
#include "sink.h"

#include <string.h>

#define PATIENCE_MS 5000 /* without progress, before the core is told to come again */
#define POLL_SLICE_MS 50

static enum sluice_status refuse(const struct sluice_host *host, struct sluice_error *error,
                                 const char *option, const char *why)
{
    sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID, "%s", why);
    sluice_error_at(host, error, SLUICE_AT_OPTION, "%s", option);
    return SLUICE_CONFIG;
}

static const struct sluice_field *find_field(const struct sluice_schema *schema, const char *name,
                                             int *index)
{
    *index = -1;
    for (size_t i = 0; name && schema && i < schema->field_count; i++) {
        const struct sluice_field *field = sluice_schema_field(schema, i);
        if (strcmp(field->name, name) == 0) {
            *index = (int)i;
            return field;
        }
    }
    return NULL;
}

enum sluice_status sink_kafka_plan(const struct sluice_host *host, const void *options_,
                                   struct sluice_planning *planning, struct sluice_error *error)
{
    const struct sink_kafka_options *options = options_;
    rd_kafka_conf_t *conf = NULL;
    int index;
    if (!options->format == !options->value)
        return refuse(host, error, options->format ? "format" : "value",
                      "what becomes the record's value is said by `format` (a codec) or `value` (a "
                      "column): give one of them");
    if (options->key && options->key_template)
        return refuse(host, error, "key_template", "give either `key` or `key_template`");
    const struct sluice_field *timestamp =
        find_field(sluice_planning_input(host, planning), options->timestamp, &index);
    if (timestamp && timestamp->type != SLUICE_TYPE_TIMESTAMP)
        return refuse(host, error, "timestamp", "the column is no timestamp");
    enum sluice_status status = producer_configure(host, options, 64 << 20, &conf, error);
    if (status == SLUICE_OK)
        rd_kafka_conf_destroy(conf);
    return status;
}

enum sluice_status sink_kafka_create(const struct sluice_host *host, const void *options,
                                     void **instance, struct sluice_error *error)
{
    enum sluice_status status = SLUICE_OK;
    *instance = NULL;
    struct sink_kafka *sink = sluice_alloc(host, sizeof *sink);
    if (!sink)
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                           "no memory for a Kafka sink");
    memset(sink, 0, sizeof *sink);
    sink->host = host;
    sink->options = options;
    sink->client.host = host;
    sink->client.owner = sink;
    /* Readers of the embedded broker end when its last writer does, so all are known beforehand. */
    if (kafka_is_embedded(&sink->options->client)) {
        status = kafka_embedded_get(host, &sink->embedded, error);
        if (status == SLUICE_OK)
            kafka_embedded_add_writer(sink->embedded);
        sink->is_writer = status == SLUICE_OK;
    }
    if (status == SLUICE_OK && sink->options->format)
        status = sluice_encoder_create(host, sink->options->format, sluice_input_schema(host),
                                       &sink->encoder, error);
    if (status != SLUICE_OK) {
        sink_kafka_destroy(sink);
        return status;
    }
    *instance = sink;
    return SLUICE_OK;
}

/* Records have no head and no tail: what a codec writes around rows is dropped. */
static enum sluice_status begin_encoder(struct sink_kafka *sink, struct sluice_error *error)
{
    struct sluice_buffer head = {0};
    if (!sink->encoder)
        return SLUICE_OK;
    enum sluice_status status = sluice_encoder_begin(sink->host, sink->encoder, &head, error);
    sluice_buffer_free(sink->host, &head);
    return status;
}

enum sluice_status sink_kafka_open(void *instance, struct sluice_error *error)
{
    struct sink_kafka *sink = instance;
    const struct sluice_schema *schema = sluice_input_schema(sink->host);
    atomic_store(&sink->is_cancelled, false);
    sink->error = error;
    (void)find_field(schema, sink->options->key, &sink->key_column);
    (void)find_field(schema, sink->options->value, &sink->value_column);
    (void)find_field(schema, sink->options->timestamp, &sink->timestamp_column);
    if (sink->embedded && !sink->is_writer)
        kafka_embedded_add_writer(sink->embedded);
    sink->is_writer = sink->embedded != NULL;
    enum sluice_status status = begin_encoder(sink, error);
    if (status == SLUICE_OK)
        status = producer_open(sink, error);
    if (status != SLUICE_OK)
        producer_close(sink);
    return status;
}

static enum sluice_status fail_waiting(struct sink_kafka *sink, struct sluice_error *error)
{
    if (sink->client.is_down)
        return sluice_fail(sink->host, error, SLUICE_RETRY, SLUICE_CODE_CONNECT_FAILED,
                           "no Kafka broker can be reached: %s", sink->client.last_reason);
    return sluice_fail(sink->host, error, SLUICE_RETRY, SLUICE_CODE_TIMEOUT,
                       "the Kafka broker has not confirmed %lld records yet",
                       (long long)sink->outstanding);
}

/* One record, waiting for room as long as there is progress. */
static enum sluice_status send_record(struct sink_kafka *sink, struct record *record,
                                      struct sluice_error *error)
{
    int64_t deadline_ms = 0, outstanding = 0;
    for (;;) {
        enum sluice_status status = producer_send(sink, record, error);
        if (status != SLUICE_AGAIN)
            return status;
        int64_t now_ms = sluice_monotonic_ms(sink->host);
        if (deadline_ms == 0 || sink->outstanding != outstanding)
            deadline_ms = now_ms + PATIENCE_MS;
        outstanding = sink->outstanding;
        if (now_ms >= deadline_ms || atomic_exchange(&sink->is_cancelled, false))
            return fail_waiting(sink, error);
        producer_serve(sink, sink->embedded ? 2 : POLL_SLICE_MS);
        status = producer_check(sink, error);
        if (status != SLUICE_OK)
            return status;
    }
}

static void link_sent(struct sink_kafka *sink, struct sent_batch *sent)
{
    sent->following = sink->sent;
    if (sink->sent)
        sink->sent->preceding = sent;
    sink->sent = sent;
}

/* The core comes again with the others. */
static void settle_sent(struct sink_kafka *sink, const struct sent_batch *sent, int64_t count,
                        struct sluice_verdicts *verdicts)
{
    for (int64_t row = 0; row < count; row++) {
        if (!sent->records[row].is_rejected)
            sluice_verdict(sink->host, verdicts, row, SLUICE_VERDICT_DONE, NULL);
    }
}

enum sluice_status sink_kafka_write(void *instance, const struct sluice_batch *batch,
                                    struct sluice_verdicts *verdicts, struct sluice_error *error)
{
    struct sink_kafka *sink = instance;
    struct sent_batch *sent = NULL;
    sink->error = error;
    producer_serve(sink, 0);
    enum sluice_status status = producer_check(sink, error);
    if (status == SLUICE_OK && sluice_batch_rows(sink->host, batch) > 0)
        status = records_make(sink, batch, verdicts, &sent, error);
    if (status != SLUICE_OK || !sent)
        return status;
    link_sent(sink, sent);
    sent->outstanding = 1; /* keeps it while reports of its first records come in */
    for (int64_t row = 0; status == SLUICE_OK && row < sent->row_count; row++) {
        struct record *record = &sent->records[row];
        if (record->is_rejected)
            continue;
        status = send_record(sink, record, error);
        if (status == SLUICE_REJECT) {
            record->is_rejected = true;
            sluice_verdict(sink->host, verdicts, row, SLUICE_VERDICT_REJECT, error);
            status = SLUICE_OK;
        }
        if (status != SLUICE_OK)
            settle_sent(sink, sent, row, verdicts);
    }
    producer_release(sink, sent);
    return status;
}

enum sluice_status sink_kafka_tick(void *instance, struct sluice_error *error)
{
    struct sink_kafka *sink = instance;
    sink->error = error;
    producer_serve(sink, 0);
    return producer_check(sink, error);
}

enum sluice_status sink_kafka_stage(void *instance, uint64_t checkpoint,
                                    struct sluice_state_writer *writer, struct sluice_error *error)
{
    struct sink_kafka *sink = instance;
    (void)checkpoint;
    (void)writer;
    sink->error = error;
    int64_t deadline_ms = sluice_monotonic_ms(sink->host) + PATIENCE_MS;
    for (;;) {
        enum sluice_status status = producer_check(sink, error);
        if (status != SLUICE_OK)
            return status;
        if (sink->outstanding == 0)
            return SLUICE_OK;
        if (sluice_monotonic_ms(sink->host) >= deadline_ms ||
            atomic_exchange(&sink->is_cancelled, false))
            return fail_waiting(sink, error);
        producer_flush(sink, POLL_SLICE_MS);
    }
}

/* Delivered is visible: there is nothing left to do. */
enum sluice_status sink_kafka_commit(void *instance, uint64_t checkpoint,
                                     struct sluice_state_reader *reader, struct sluice_error *error)
{
    (void)instance;
    (void)checkpoint;
    (void)reader;
    (void)error;
    return SLUICE_OK;
}

void sink_kafka_cancel(void *instance)
{
    struct sink_kafka *sink = instance;
    atomic_store(&sink->is_cancelled, true);
}

void sink_kafka_close(void *instance)
{
    struct sink_kafka *sink = instance;
    producer_close(sink);
    if (sink->is_writer)
        kafka_embedded_remove_writer(sink->embedded);
    sink->is_writer = false;
}

void sink_kafka_destroy(void *instance)
{
    struct sink_kafka *sink = instance;
    const struct sluice_host *host = sink->host;
    sink_kafka_close(sink);
    if (sink->embedded)
        kafka_embedded_release(host);
    sluice_encoder_destroy(host, sink->encoder);
    sluice_buffer_free(host, &sink->name);
    sluice_free(host, sink);
}
