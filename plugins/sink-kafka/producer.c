/* SPDX-License-Identifier: Apache-2.0 */
/* The librdkafka producer: idempotent, acks=all, and patient: no record is given up while the
 * brokers are away. Delivery reports come inside poll calls, so on the instance's thread. */
#include "sink.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_TIMEOUT_MS 5000
#define RECORD_OVERHEAD 256 /* librdkafka's own, for each record in its queue */

const char *const sink_kafka_compressions[] = {"none", "gzip", "snappy", "lz4", "zstd", NULL};

static int64_t clamp(int64_t value, int64_t least, int64_t most)
{
    return value < least ? least : value > most ? most : value;
}

static int64_t queue_records(int64_t memory_bytes)
{
    return clamp(memory_bytes / 8 / RECORD_OVERHEAD, 5000, 500000);
}

enum sluice_status producer_configure(const struct sluice_host *host,
                                      const struct sink_kafka_options *options,
                                      int64_t memory_bytes, rd_kafka_conf_t **conf,
                                      struct sluice_error *error)
{
    char linger[24], records[24], kilobytes[24];
    snprintf(linger, sizeof linger, "%" PRId64, options->linger_ms);
    snprintf(records, sizeof records, "%" PRId64, queue_records(memory_bytes));
    snprintf(kilobytes, sizeof kilobytes, "%" PRId64,
             clamp(memory_bytes / 4, 2 << 20, 256 << 20) / 1024);
    const struct kafka_property properties[] = {
        {"acks", "all"},
        {"enable.idempotence", "true"},
        {"message.timeout.ms", "0"},
        {"partitioner", "murmur2_random"}, /* as Kafka's own clients: equal keys meet */
        {"compression.codec", sink_kafka_compressions[options->compression]},
        {"linger.ms", linger},
        {"queue.buffering.max.messages", records},
        {"queue.buffering.max.kbytes", kilobytes},
        {0},
    };
    return kafka_conf_create(host, &options->client, properties, conf, error);
}

/* What the broker will never take, however often it is sent. */
static bool is_refusal(rd_kafka_resp_err_t reason)
{
    return reason == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ||
           reason == RD_KAFKA_RESP_ERR_INVALID_MSG || reason == RD_KAFKA_RESP_ERR_INVALID_RECORD ||
           reason == RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP ||
           reason == RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE;
}

static enum sluice_status fail_refused(const struct sink_kafka *sink, const struct record *record,
                                       rd_kafka_resp_err_t reason, struct sluice_error *error)
{
    sluice_fail(sink->host, error, SLUICE_REJECT, SLUICE_CODE_MESSAGE_REJECTED,
                "the broker does not take the record of %zu bytes: %s",
                record->key_size + record->value_size, rd_kafka_err2str(reason));
    sluice_error_at(sink->host, error, SLUICE_AT_TOPIC, "%s", record->topic->name);
    return SLUICE_REJECT;
}

static void forget(struct sink_kafka *sink, struct sent_batch *sent)
{
    if (sent->following)
        sent->following->preceding = sent->preceding;
    if (sent->preceding)
        sent->preceding->following = sent->following;
    else
        sink->sent = sent->following;
    records_free(sink, sent);
}

static void reject(struct sink_kafka *sink, const struct record *record, rd_kafka_resp_err_t reason)
{
    const struct sluice_rejected rejected = {
        .batch = record->owner->batch, .row = record->row, .position = -1};
    (void)fail_refused(sink, record, reason, sink->error);
    enum sluice_status status = sluice_reject(sink->host, &rejected, sink->error);
    if (sink->reject_status == SLUICE_OK)
        sink->reject_status = status;
}

static void suspect(struct sink_kafka *sink, struct record *record)
{
    record->is_alone = true;
    record->following = sink->suspects;
    sink->suspects = record;
    sink->suspect_count++;
}

static void hear_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    struct sink_kafka *sink = ((struct kafka_client *)opaque)->owner;
    struct record *record = message->_private;
    (void)rk;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        sink->client.is_down = false;
        sluice_metric_add(sink->host, METRIC_DELIVERED, NULL, 1);
        sluice_metric_add(sink->host, METRIC_BYTES, NULL,
                          (double)(record->key_size + record->value_size));
        if (record->topic->embedded)
            kafka_embedded_delivered(sink->embedded, record->topic->embedded, message->partition,
                                     message->offset);
    } else if (message->err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE && !record->is_alone) {
        suspect(sink, record);
        return;
    } else if (is_refusal(message->err)) {
        reject(sink, record, message->err);
    } else if (sink->failure == RD_KAFKA_RESP_ERR_NO_ERROR) {
        sink->failure = message->err;
        snprintf(sink->failed_topic, sizeof sink->failed_topic, "%s", record->topic->name);
    }
    sink->outstanding--;
    producer_release(sink, record->owner);
}

void producer_release(struct sink_kafka *sink, struct sent_batch *sent)
{
    if (--sent->outstanding == 0)
        forget(sink, sent);
}

enum sluice_status producer_open(struct sink_kafka *sink, struct sluice_error *error)
{
    rd_kafka_conf_t *conf = NULL;
    int64_t memory_bytes = sluice_this_run(sink->host)->memory_bytes;
    int64_t bytes = queue_records(memory_bytes) * RECORD_OVERHEAD;
    if (!sluice_charge(sink->host, bytes))
        return sluice_fail(sink->host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                           "the memory budget leaves no room for Kafka's send queue; raise "
                           "settings.memory");
    sink->charged_bytes = bytes;
    enum sluice_status status =
        producer_configure(sink->host, sink->options, memory_bytes, &conf, error);
    if (status != SLUICE_OK)
        return status;
    if (sink->embedded)
        rd_kafka_conf_set(conf, "bootstrap.servers", kafka_embedded_brokers(sink->embedded), NULL,
                          0);
    rd_kafka_conf_set_dr_msg_cb(conf, hear_delivery);
    int mechanism = sink->options->client.sasl_mechanism;
    sink->client.uses_scram =
        mechanism == KAFKA_SASL_SCRAM_256 || mechanism == KAFKA_SASL_SCRAM_512;
    status = kafka_client_open(&sink->client, RD_KAFKA_PRODUCER, conf, error);
    if (status == SLUICE_OK)
        status =
            kafka_client_connect(&sink->client, CONNECT_TIMEOUT_MS, &sink->is_cancelled, error);
    return status;
}

struct target_topic *producer_topic(struct sink_kafka *sink, const char *name, size_t size)
{
    struct target_topic *topic = sink->topics;
    while (topic && (strncmp(topic->name, name, size) != 0 || topic->name[size] != '\0'))
        topic = topic->following;
    if (topic)
        return topic;
    topic = sluice_alloc(sink->host, sizeof *topic);
    if (!topic)
        return NULL;
    *topic = (struct target_topic){0};
    memcpy(topic->name, name, size);
    if (sink->embedded)
        topic->embedded = kafka_embedded_topic(sink->embedded, topic->name);
    topic->handle = rd_kafka_topic_new(sink->client.rk, topic->name, NULL);
    if (!topic->handle || (sink->embedded && !topic->embedded)) {
        if (topic->handle)
            rd_kafka_topic_destroy(topic->handle);
        sluice_free(sink->host, topic);
        return NULL;
    }
    topic->following = sink->topics;
    sink->topics = topic;
    return topic;
}

/* The embedded broker is written to no faster than it is read: see kafka/embedded.h. */
static enum sluice_status reserve_embedded(struct sink_kafka *sink, const struct record *record,
                                           int32_t *partition, struct sluice_error *error)
{
    int64_t bytes = (int64_t)(record->key_size + record->value_size);
    uint64_t hash = record->key ? sluice_hash_bytes(sink->host, record->key, record->key_size)
                                : (uint64_t)sink->next_partition;
    *partition = (int32_t)(hash % KAFKA_EMBEDDED_PARTITIONS);
    switch (kafka_embedded_reserve(sink->embedded, record->topic->embedded, *partition, bytes)) {
    case KAFKA_EMBEDDED_ROOM:
        sink->next_partition = (sink->next_partition + 1) % KAFKA_EMBEDDED_PARTITIONS;
        return SLUICE_OK;
    case KAFKA_EMBEDDED_FULL:
        return SLUICE_AGAIN;
    case KAFKA_EMBEDDED_ABANDONED:
        return sluice_fail(sink->host, error, SLUICE_RETRY, SLUICE_CODE_UNAVAILABLE,
                           "nobody reads topic %s of the embedded broker any more",
                           record->topic->name);
    case KAFKA_EMBEDDED_NEVER_READ:
        break;
    }
    sluice_fail(sink->host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                "the embedded broker lives only as long as this process, and no step of this "
                "process reads topic %s: run the pipeline that reads it in the same process "
                "(sluice run A.yaml B.yaml), or name real brokers",
                record->topic->name);
    sluice_error_at(sink->host, error, SLUICE_AT_OPTION, "brokers");
    return SLUICE_CONFIG;
}

static rd_kafka_resp_err_t produce(struct sink_kafka *sink, struct record *record,
                                   int32_t partition)
{
    void *value = (void *)(uintptr_t)record->value; /* librdkafka only reads it */
    if (record->timestamp_ms > 0)
        return rd_kafka_producev(
            sink->client.rk, RD_KAFKA_V_RKT(record->topic->handle), RD_KAFKA_V_PARTITION(partition),
            RD_KAFKA_V_MSGFLAGS(0), RD_KAFKA_V_VALUE(value, record->value_size),
            RD_KAFKA_V_KEY(record->key, record->key_size),
            RD_KAFKA_V_TIMESTAMP(record->timestamp_ms), RD_KAFKA_V_OPAQUE(record), RD_KAFKA_V_END);
    if (rd_kafka_produce(record->topic->handle, partition, 0, value, record->value_size,
                         record->key, record->key_size, record) == 0)
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    return rd_kafka_last_error();
}

enum sluice_status producer_send(struct sink_kafka *sink, struct record *record,
                                 struct sluice_error *error)
{
    int32_t partition = RD_KAFKA_PARTITION_UA;
    /* The ledger of the embedded broker cannot take a reservation back: ask for room first. */
    if (sink->embedded) {
        if (sink->outstanding >= queue_records(sluice_this_run(sink->host)->memory_bytes))
            return SLUICE_AGAIN;
        enum sluice_status status = reserve_embedded(sink, record, &partition, error);
        if (status != SLUICE_OK)
            return status;
    }
    rd_kafka_resp_err_t result = produce(sink, record, partition);
    while (sink->embedded && result == RD_KAFKA_RESP_ERR__QUEUE_FULL &&
           !sluice_is_cancelled(sink->host)) {
        rd_kafka_poll(sink->client.rk, 10);
        result = produce(sink, record, partition);
    }
    if (result == RD_KAFKA_RESP_ERR_NO_ERROR) {
        record->owner->outstanding++;
        sink->outstanding++;
        return SLUICE_OK;
    }
    if (result == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        return SLUICE_AGAIN;
    if (is_refusal(result))
        return fail_refused(sink, record, result, error);
    kafka_fail(sink->host, error, result, "a record cannot be sent");
    return sluice_fail(sink->host, error, SLUICE_FATAL, SLUICE_CODE_DELIVERY_FAILED,
                       "a record for topic %s cannot be sent: %s", record->topic->name,
                       rd_kafka_err2str(result));
}

void producer_serve(struct sink_kafka *sink, int timeout_ms)
{
    rd_kafka_poll(sink->client.rk, timeout_ms);
}

static void resend_suspect(struct sink_kafka *sink)
{
    struct record *record = sink->suspects;
    rd_kafka_resp_err_t result = produce(sink, record, RD_KAFKA_PARTITION_UA);
    if (result == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        return;
    sink->suspects = record->following;
    sink->suspect_count--;
    if (result != RD_KAFKA_RESP_ERR_NO_ERROR) {
        reject(sink, record, result);
        sink->outstanding--;
        producer_release(sink, record->owner);
    }
}

void producer_flush(struct sink_kafka *sink, int timeout_ms)
{
    if (sink->suspects && sink->outstanding == sink->suspect_count)
        resend_suspect(sink);
    (void)rd_kafka_flush(sink->client.rk, timeout_ms);
}

enum sluice_status producer_check(struct sink_kafka *sink, struct sluice_error *error)
{
    const struct sluice_host *host = sink->host;
    enum sluice_status status = kafka_client_check(&sink->client, error);
    if (status != SLUICE_OK)
        return status;
    if (sink->reject_status != SLUICE_OK)
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_INTERNAL,
                           "a record that the broker refused could not be put aside");
    if (sink->failure == RD_KAFKA_RESP_ERR_NO_ERROR)
        return SLUICE_OK;
    bool is_missing = sink->failure == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
                      sink->failure == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    bool is_forbidden = sink->failure == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
    sluice_fail(host, error, SLUICE_FATAL,
                is_missing     ? SLUICE_CODE_NOT_FOUND
                : is_forbidden ? SLUICE_CODE_PERMISSION_DENIED
                               : SLUICE_CODE_DELIVERY_FAILED,
                is_missing ? "topic %s does not exist and the broker does not create it (%s)"
                           : "the broker did not take records for topic %s: %s",
                sink->failed_topic, rd_kafka_err2str(sink->failure));
    sluice_error_at(host, error, SLUICE_AT_TOPIC, "%s", sink->failed_topic);
    return SLUICE_FATAL;
}

void producer_close(struct sink_kafka *sink)
{
    if (sink->client.rk)
        rd_kafka_purge(sink->client.rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
                                            RD_KAFKA_PURGE_F_NON_BLOCKING);
    while (sink->topics) {
        struct target_topic *topic = sink->topics;
        sink->topics = topic->following;
        rd_kafka_topic_destroy(topic->handle);
        sluice_free(sink->host, topic);
    }
    sink->topic = NULL;
    kafka_client_close(&sink->client);
    while (sink->sent)
        forget(sink, sink->sent);
    sink->outstanding = 0;
    sink->suspects = NULL;
    sink->suspect_count = 0;
    sink->failure = RD_KAFKA_RESP_ERR_NO_ERROR;
    sink->reject_status = SLUICE_OK;
    if (sink->charged_bytes)
        (void)sluice_charge(sink->host, -sink->charged_bytes);
    sink->charged_bytes = 0;
}
