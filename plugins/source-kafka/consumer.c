/* SPDX-License-Identifier: Apache-2.0 */
/* The consumer's configuration, its first contact with the cluster, and its end. */
#include "consumer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CONNECT_TIMEOUT_MS 5000
/* What librdkafka keeps for a record besides its bytes: small ones are limited by their number. */
#define RECORD_OVERHEAD 256
#define TOPIC_WAIT_MS 10000

/* librdkafka before this version loses assignments with it (its issue 4059, mended by 4908). */
#define COOPERATIVE_VERSION 0x020a00ff

/* Before this version a consumer whose queue was full sleeps up to a second: see ends_wake(). */
#define QUEUE_BACKOFF_VERSION 0x020200ff

bool is_pattern(const char *topic)
{
    return topic[0] == '^';
}

bool has_pattern(const struct source_kafka_options *options)
{
    for (size_t i = 0; i < options->topics.count; i++) {
        if (is_pattern(options->topics.items[i]))
            return true;
    }
    return false;
}

static enum sluice_status refuse(const struct sluice_host *host, struct sluice_error *error,
                                 const char *option, const char *why)
{
    sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID, "%s", why);
    sluice_error_at(host, error, SLUICE_AT_OPTION, "%s", option);
    return SLUICE_CONFIG;
}

static enum sluice_status check_options(const struct sluice_host *host,
                                        const struct source_kafka_options *options,
                                        struct sluice_error *error)
{
    bool is_embedded = kafka_is_embedded(&options->client);
    struct start start;
    if (!start_parse(options->start, &start))
        return refuse(host, error, "start",
                      "`start` is earliest, latest or a timestamp such as 2026-01-31T00:00:00Z");
    if (is_embedded && start.kind == START_TIME)
        return refuse(host, error, "start", "the embedded broker cannot look up a timestamp");
    if (is_embedded && has_pattern(options))
        return refuse(host, error, "topics", "the embedded broker takes names, no patterns");
    if (options->topics.count == 0)
        return refuse(host, error, "topics", "no topic is named");
    if (options->group[0] == '\0')
        return refuse(host, error, "group", "the name of the group is empty");
    if (options->assignor == ASSIGNOR_COOPERATIVE && rd_kafka_version() < COOPERATIVE_VERSION) {
        sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                    "cooperative-sticky needs librdkafka 2.10.0 or later, this is %s: earlier "
                    "ones lose assignments with it; use eager",
                    rd_kafka_version_str());
        sluice_error_at(host, error, SLUICE_AT_OPTION, "assignor");
        return SLUICE_CONFIG;
    }
    for (size_t i = 0; i < options->topics.count; i++) {
        size_t size = strlen(options->topics.items[i]);
        if (size == 0 || (!is_pattern(options->topics.items[i]) && size >= TOPIC_SIZE))
            return refuse(host, error, "topics", "names of topics have 1 to 249 characters");
    }
    return SLUICE_OK;
}

int64_t consumer_queue_bytes(int64_t memory_bytes)
{
    const int64_t least = 1 << 20, most = 256 << 20;
    /* librdkafka's own bookkeeping takes about as much again as small messages do. */
    int64_t bytes = memory_bytes / 4;
    return bytes < least ? least : bytes > most ? most : bytes;
}

/* Three signs of life within a session, so that one may be lost; librdkafka's default is 3 s. */
static int64_t heartbeat_ms(int64_t session_ms)
{
    return session_ms / 3 < 3000 ? session_ms / 3 : 3000;
}

enum sluice_status consumer_configure(const struct sluice_host *host,
                                      const struct source_kafka_options *options,
                                      const char *instance_id, int64_t queue_bytes,
                                      rd_kafka_conf_t **conf, struct sluice_error *error)
{
    char session[24], heartbeat[24], queue[24], records[24], fetch[24], interval[24];
    int64_t fetch_bytes = queue_bytes / 2;
    bool is_embedded = kafka_is_embedded(&options->client);
    bool is_cooperative = options->assignor == ASSIGNOR_COOPERATIVE;
    *conf = NULL;
    enum sluice_status status = check_options(host, options, error);
    if (status != SLUICE_OK)
        return status;
    snprintf(session, sizeof session, "%" PRId64, options->session_timeout_ms);
    snprintf(heartbeat, sizeof heartbeat, "%" PRId64, heartbeat_ms(options->session_timeout_ms));
    snprintf(queue, sizeof queue, "%" PRId64, queue_bytes / 1024);
    snprintf(records, sizeof records, "%" PRId64, queue_bytes / RECORD_OVERHEAD);
    snprintf(fetch, sizeof fetch, "%" PRId64, fetch_bytes < 1000000 ? 1000000 : fetch_bytes);
    snprintf(interval, sizeof interval, "%" PRId64,
             options->session_timeout_ms > 300000 ? options->session_timeout_ms : 300000);
    const struct kafka_property properties[] = {
        {"group.id", options->group},
        {"session.timeout.ms", session},
        {"heartbeat.interval.ms", heartbeat},
        {"max.poll.interval.ms", interval},
        {"partition.assignment.strategy",
         is_cooperative ? "cooperative-sticky" : "range,roundrobin"},
        {"isolation.level",
         options->isolation == ISOLATION_COMMITTED ? "read_committed" : "read_uncommitted"},
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"auto.offset.reset", "error"},
        {"enable.partition.eof", "true"},
        {"topic.metadata.refresh.interval.ms", "60000"},
        {"queued.min.messages", records},
        {"queued.max.messages.kbytes", queue},
        {"fetch.message.max.bytes", "262144"},
        {"fetch.max.bytes", fetch},
        {rd_kafka_version() >= QUEUE_BACKOFF_VERSION ? "fetch.queue.backoff.ms"
                                                     : "fetch.error.backoff.ms",
         rd_kafka_version() >= QUEUE_BACKOFF_VERSION ? "10" : "500"},
        {is_embedded ? "fetch.wait.max.ms" : "group.instance.id", is_embedded ? "10" : instance_id},
        {0},
    };
    return kafka_conf_create(host, &options->client, properties, conf, error);
}

/* Memory of librdkafka's queue, taken from the budget beforehand; as much as can be had. */
static enum sluice_status charge_queue(struct source_kafka *source, struct sluice_error *error)
{
    int64_t bytes = consumer_queue_bytes(source->run->memory_bytes);
    while (!sluice_charge(source->host, 2 * bytes)) {
        bytes /= 2;
        if (bytes < 1 << 19)
            return sluice_fail(source->host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                               "the memory budget leaves no room for Kafka's receive queue; raise "
                               "settings.memory");
    }
    source->queue_bytes = bytes;
    source->charged_bytes = 2 * bytes;
    return SLUICE_OK;
}

/* OK: the topic is there. AGAIN: not known yet. */
static enum sluice_status check_topic(struct source_kafka *source, const char *name,
                                      struct sluice_error *error)
{
    const struct sluice_host *host = source->host;
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(source->client.rk, name, NULL);
    rd_kafka_resp_err_t result = RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION;
    if (topic)
        result = rd_kafka_metadata(source->client.rk, 0, topic, &metadata, 1000);
    if (result == RD_KAFKA_RESP_ERR_NO_ERROR) {
        result = metadata->topic_cnt > 0 ? metadata->topics[0].err
                                         : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
        rd_kafka_metadata_destroy(metadata);
    }
    if (topic)
        rd_kafka_topic_destroy(topic);
    enum sluice_status status = SLUICE_OK;
    if (result == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
        status = sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_PERMISSION_DENIED,
                             "topic %s may not be read by this user", name);
    else if (result == RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION)
        status = sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                             "%s cannot be the name of a topic", name);
    else if (result != RD_KAFKA_RESP_ERR_NO_ERROR)
        status = SLUICE_AGAIN;
    if (status != SLUICE_OK && status != SLUICE_AGAIN)
        sluice_error_at(host, error, SLUICE_AT_TOPIC, "%s", name);
    return status;
}

static enum sluice_status await_topic(struct source_kafka *source, const char *name,
                                      struct sluice_error *error)
{
    const struct sluice_host *host = source->host;
    int64_t deadline_ms = sluice_monotonic_ms(host) + TOPIC_WAIT_MS;
    for (;;) {
        enum sluice_status status = check_topic(source, name, error);
        if (status != SLUICE_AGAIN)
            return status;
        rd_kafka_poll(source->client.rk, 200);
        status = kafka_client_check(&source->client, error);
        if (status != SLUICE_OK)
            return status;
        if (atomic_load(&source->is_cancelled) || sluice_is_cancelled(host))
            return sluice_fail(host, error, SLUICE_RETRY, SLUICE_CODE_CANCELLED,
                               "the search for topic %s was cancelled", name);
        if (sluice_monotonic_ms(host) >= deadline_ms)
            break;
    }
    if (source->client.is_down)
        return sluice_fail(host, error, SLUICE_RETRY, SLUICE_CODE_CONNECT_FAILED,
                           "the Kafka brokers went away");
    sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_NOT_FOUND,
                "topic %s does not exist; create it, or correct `topics` (a pattern that begins "
                "with ^ may match nothing yet)",
                name);
    sluice_error_at(host, error, SLUICE_AT_TOPIC, "%s", name);
    return SLUICE_FATAL;
}

static enum sluice_status subscribe(struct source_kafka *source, struct sluice_error *error)
{
    const struct sluice_strings *topics = &source->options->topics;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)topics->count);
    for (size_t i = 0; i < topics->count; i++)
        rd_kafka_topic_partition_list_add(list, topics->items[i], RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t result = rd_kafka_subscribe(source->client.rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (result == RD_KAFKA_RESP_ERR_NO_ERROR)
        return SLUICE_OK;
    sluice_fail(source->host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                "the topics cannot be subscribed to: %s", rd_kafka_err2str(result));
    sluice_error_at(source->host, error, SLUICE_AT_OPTION, "topics");
    return SLUICE_CONFIG;
}

enum sluice_status consumer_open(struct source_kafka *source, struct sluice_error *error)
{
    rd_kafka_conf_t *conf = NULL;
    enum sluice_status status = charge_queue(source, error);
    if (status == SLUICE_OK)
        status = consumer_configure(source->host, source->options, source->instance_id,
                                    source->queue_bytes, &conf, error);
    if (status != SLUICE_OK)
        return status;
    if (source->embedded)
        rd_kafka_conf_set(conf, "bootstrap.servers", kafka_embedded_brokers(source->embedded), NULL,
                          0);
    rd_kafka_conf_set_rebalance_cb(conf, assignment_note);
    int mechanism = source->options->client.sasl_mechanism;
    source->client.uses_scram =
        mechanism == KAFKA_SASL_SCRAM_256 || mechanism == KAFKA_SASL_SCRAM_512;
    status = kafka_client_open(&source->client, RD_KAFKA_CONSUMER, conf, error);
    if (status == SLUICE_OK)
        status =
            kafka_client_connect(&source->client, CONNECT_TIMEOUT_MS, &source->is_cancelled, error);
    const struct sluice_strings *topics = &source->options->topics;
    for (size_t i = 0; status == SLUICE_OK && i < topics->count; i++) {
        if (!is_pattern(topics->items[i]))
            status = await_topic(source, topics->items[i], error);
    }
    if (status != SLUICE_OK)
        return status;
    rd_kafka_poll_set_consumer(source->client.rk);
    source->queue = rd_kafka_queue_get_consumer(source->client.rk);
    source->replies = rd_kafka_queue_new(source->client.rk);
    if (source->embedded)
        return SLUICE_OK;
    status = subscribe(source, error);
    sluice_readiness(source->host, "the group to assign partitions");
    return status == SLUICE_OK ? keeper_start(source, error) : status;
}

void consumer_close(struct source_kafka *source)
{
    keeper_stop(source);
    assignment_end(source);
    records_reset(source);
    assignment_reset(source);
    if (source->queue)
        rd_kafka_queue_destroy(source->queue);
    if (source->replies)
        rd_kafka_queue_destroy(source->replies);
    source->queue = NULL;
    source->replies = NULL;
    kafka_client_close(&source->client);
    if (source->charged_bytes)
        (void)sluice_charge(source->host, -source->charged_bytes);
    source->charged_bytes = 0;
}
