/* SPDX-License-Identifier: Apache-2.0 */
/* Lifecycle of source-kafka, in call order. */
#include "consumer.h"

#include <stdlib.h>
#include <string.h>

/* A --once run whose patterns match no topic ends after this time. */
#define NO_MATCH_LIMIT_MS 30000
/* A replay waits so long for partitions: session timeout and rebalance of what ran before it. */
#define REPLAY_LIMIT_MS 60000

enum sluice_status source_kafka_plan(const struct sluice_host *host, const void *options,
                                     struct sluice_planning *planning, struct sluice_error *error)
{
    static const struct sluice_field columns[COLUMN_COUNT] = {
        [COLUMN_KEY] = {.name = "key", .type = SLUICE_TYPE_BINARY},
        [COLUMN_VALUE] = {.name = "value", .type = SLUICE_TYPE_BINARY},
        [COLUMN_TOPIC] = {.name = "topic", .type = SLUICE_TYPE_STRING, .is_required = true},
        [COLUMN_PARTITION] = {.name = "partition", .type = SLUICE_TYPE_INT64, .is_required = true},
        [COLUMN_OFFSET] = {.name = "offset", .type = SLUICE_TYPE_INT64, .is_required = true},
        [COLUMN_TIMESTAMP] = {.name = "timestamp", .type = SLUICE_TYPE_TIMESTAMP},
        [COLUMN_HEADERS] = {.name = "headers", .type = SLUICE_TYPE_STRING},
    };
    rd_kafka_conf_t *conf = NULL;
    enum sluice_status status = consumer_configure(host, options, "check", 1 << 20, &conf, error);
    if (status != SLUICE_OK)
        return status;
    rd_kafka_conf_destroy(conf);
    for (size_t i = 0; status == SLUICE_OK && i < COLUMN_COUNT; i++)
        status = sluice_planning_output(host, planning, &columns[i]);
    return status;
}

/* Readers of the embedded broker hold its writers back, so they must be known before any opens. */
static enum sluice_status join_embedded(struct source_kafka *source, struct sluice_error *error)
{
    const struct sluice_strings *topics = &source->options->topics;
    enum sluice_status status = SLUICE_OK;
    if (!source->embedded)
        status = kafka_embedded_get(source->host, &source->embedded, error);
    for (size_t i = 0; status == SLUICE_OK && i < topics->count; i++) {
        bool is_taken = false;
        if (source->readers[i])
            continue;
        source->readers[i] = kafka_embedded_join(source->embedded, topics->items[i],
                                                 source->options->group, &is_taken);
        if (is_taken)
            status = sluice_fail(source->host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                                 "another step of this process reads topic %s in group %s from "
                                 "the embedded broker already: give each its own group",
                                 topics->items[i], source->options->group);
        else if (!source->readers[i])
            status = sluice_fail(source->host, error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                                 "no memory for topic %s of the embedded broker", topics->items[i]);
    }
    return status;
}

enum sluice_status source_kafka_create(const struct sluice_host *host, const void *options,
                                       void **instance, struct sluice_error *error)
{
    *instance = NULL;
    struct source_kafka *source = sluice_alloc(host, sizeof *source);
    if (!source)
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                           "no memory for a Kafka source");
    memset(source, 0, sizeof *source);
    source->host = host;
    source->options = options;
    source->run = sluice_this_run(host);
    source->client.host = host;
    source->client.owner = source;
    positions_init(&source->positions, host);
    positions_init(&source->restored, host);
    lag_init(&source->lag);
    (void)start_parse(source->options->start, &source->start); /* plan has checked it */
    scope_write(source->run->pipeline, source->run->flow, source->own.scope);
    strncpy(source->own.member, source->run->member, sizeof source->own.member - 1);
    instance_id_write(source->own.scope, source->own.member, source->instance_id);
    instance_id_add_topics(source->instance_id, source->options->topics.items,
                           source->options->topics.count);
    process_id_write(source->own.process);
    enum sluice_status status = SLUICE_OK;
    if (kafka_is_embedded(&source->options->client)) {
        source->readers = calloc(source->options->topics.count, sizeof *source->readers);
        status = source->readers ? join_embedded(source, error)
                                 : sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                                               "no memory for a Kafka source");
    }
    if (status != SLUICE_OK) {
        source_kafka_destroy(source);
        return status;
    }
    *instance = source;
    return SLUICE_OK;
}

enum sluice_status source_kafka_restore(void *instance, struct sluice_state_reader *reader,
                                        struct sluice_error *error)
{
    struct source_kafka *source = instance;
    struct sluice_buffer text = {0};
    enum sluice_status status;
    size_t got;
    do {
        status = sluice_buffer_reserve(source->host, &text, 4096);
        if (status != SLUICE_OK) {
            status = sluice_fail(source->host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                                 "no memory for the checkpoint's Kafka positions");
            break;
        }
        got = sluice_state_read(source->host, reader, text.data + text.size, 4096);
        text.size += got;
    } while (got == 4096);
    if (status == SLUICE_OK)
        status = positions_parse(&source->restored, text.data, text.size, error);
    source->has_restored = status == SLUICE_OK;
    sluice_buffer_free(source->host, &text);
    return status;
}

enum sluice_status source_kafka_open(void *instance, struct sluice_error *error)
{
    struct source_kafka *source = instance;
    atomic_store(&source->is_cancelled, false);
    enum sluice_status status = SLUICE_OK;
    if (source->readers)
        status = join_embedded(source, error);
    if (status == SLUICE_OK)
        status = records_init(source, error);
    if (status == SLUICE_OK)
        status = consumer_open(source, error);
    if (status == SLUICE_OK && source->embedded)
        status = assignment_make(source, error);
    source->opened_ms = sluice_monotonic_ms(source->host);
    if (status != SLUICE_OK)
        consumer_close(source);
    return status;
}

/* Only for a --once run. */
static bool has_ended(struct source_kafka *source)
{
    if (!source->run->is_once)
        return false;
    if (source->was_assigned)
        return source->phase == PHASE_READING && ends_are_reached(source);
    bool is_late = sluice_monotonic_ms(source->host) - source->opened_ms > NO_MATCH_LIMIT_MS;
    if (!is_late || !has_pattern(source->options) || source->phase != PHASE_WAITING)
        return false;
    sluice_log(source->host, SLUICE_LOG_WARN, NULL, 0,
               "no topic matches: there is nothing to read");
    return true;
}

/* A replay gives no rows: END says that this member can decide a checkpoint. */
static enum sluice_status await_partitions(struct source_kafka *source, struct sluice_error *error)
{
    if (source->phase == PHASE_READING && source->positions.count > 0)
        return SLUICE_END;
    if (sluice_monotonic_ms(source->host) - source->opened_ms < REPLAY_LIMIT_MS)
        return SLUICE_AGAIN;
    return sluice_fail(source->host, error, SLUICE_FATAL, SLUICE_CODE_UNAVAILABLE,
                       "group %s has given this member no partition within %d s, so it can decide "
                       "no checkpoint: stop another member of the group for the time of the replay",
                       source->options->group, REPLAY_LIMIT_MS / 1000);
}

enum sluice_status source_kafka_read(void *instance, int timeout_ms, struct sluice_batch **batch,
                                     struct sluice_error *error)
{
    struct source_kafka *source = instance;
    *batch = NULL;
    if (source->has_ended)
        return SLUICE_END;
    if (members_are_shut_out(source))
        return members_judge(source, error);
    enum sluice_status status = kafka_client_check(&source->client, error);
    if (status == SLUICE_OK)
        status = assignment_serve(source, error);
    if (status == SLUICE_OK)
        status = records_take(source, source->run->is_replay ? 0 : timeout_ms, batch, error);
    atomic_store(&source->is_cancelled, false);
    ends_report(source);
    if (status != SLUICE_OK || *batch)
        return status;
    if (source->run->is_replay)
        return await_partitions(source, error);
    if (has_ended(source)) {
        source->has_ended = true;
        return SLUICE_END;
    }
    return SLUICE_AGAIN;
}

enum sluice_status source_kafka_snapshot(void *instance, struct sluice_state_writer *writer,
                                         struct sluice_error *error)
{
    struct source_kafka *source = instance;
    for (size_t i = 0; i < source->positions.count; i++) {
        source->positions.items[i].snapshot = source->positions.items[i].next;
        source->positions.items[i].newer_ms = 0;
    }
    source->snapshot_epoch = source->epoch;
    source->has_snapshot_rows = positions_have_undecided(&source->positions);
    /* Before anything is assigned the position is still the one that was restored. */
    const struct positions *positions =
        source->was_assigned || !source->has_restored ? &source->positions : &source->restored;
    if (positions_write(positions, writer) != SLUICE_OK)
        return sluice_fail(source->host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                           "no memory for the Kafka positions of a checkpoint");
    return SLUICE_OK;
}

void source_kafka_cancel(void *instance)
{
    struct source_kafka *source = instance;
    atomic_store(&source->is_cancelled, true);
}

void source_kafka_close(void *instance)
{
    struct source_kafka *source = instance;
    consumer_close(source);
    for (size_t i = 0; source->readers && i < source->options->topics.count; i++) {
        if (source->readers[i])
            kafka_embedded_leave(source->embedded, source->readers[i]);
        source->readers[i] = NULL;
    }
}

void source_kafka_destroy(void *instance)
{
    struct source_kafka *source = instance;
    const struct sluice_host *host = source->host;
    source_kafka_close(source);
    if (source->embedded)
        kafka_embedded_release(host);
    free(source->readers);
    positions_reset(&source->positions);
    positions_reset(&source->restored);
    lag_reset(&source->lag);
    sluice_free(host, source);
}
