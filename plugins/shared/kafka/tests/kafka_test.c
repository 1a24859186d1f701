/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct kafka_test kafka_test;

static struct {
    void *resource;
    void (*destroy)(void *);
    int count;
} shared;

static int64_t real_ms(sluice_host_ref host)
{
    struct timespec now;
    (void)host;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static enum sluice_status note_member(sluice_host_ref host, const char *member, uint64_t checkpoint,
                                      enum sluice_settlement settlement,
                                      struct sluice_error *error)
{
    (void)host;
    (void)error;
    struct settled *settled = &kafka_test.settled[kafka_test.settled_count++];
    snprintf(settled->member, sizeof settled->member, "%s", member);
    settled->checkpoint = checkpoint;
    settled->settlement = settlement;
    return SLUICE_OK;
}

static enum sluice_status note_settle(sluice_host_ref host, const char *member, uint64_t checkpoint,
                                      struct sluice_error *error)
{
    return note_member(host, member, checkpoint, SLUICE_SETTLE_OWN, error);
}

static void note_checkpoint(sluice_host_ref host)
{
    (void)host;
    kafka_test.checkpoint_count++;
}

static enum sluice_status
get_resource(sluice_host_ref host, const char *name,
             enum sluice_status (*create)(void *, void **, struct sluice_error *),
             void (*destroy)(void *), void *user, void **resource, struct sluice_error *error)
{
    enum sluice_status status = SLUICE_OK;
    (void)host;
    (void)name;
    if (shared.count == 0)
        status = create(user, &shared.resource, error);
    shared.destroy = destroy;
    shared.count += status == SLUICE_OK;
    *resource = shared.resource;
    return status;
}

static void release_resource(sluice_host_ref host, const char *name)
{
    (void)host;
    (void)name;
    if (--shared.count == 0)
        shared.destroy(shared.resource);
}

static enum sluice_status reserve(sluice_host_ref host, struct sluice_builder *builder, int column,
                                  int64_t rows, size_t bytes, struct sluice_raw_column *raw)
{
    (void)host;
    return builder_reserve(builder, column, rows, bytes, raw);
}

static enum sluice_status commit(sluice_host_ref host, struct sluice_builder *builder, int column,
                                 int64_t rows, size_t bytes, int64_t null_count)
{
    (void)host;
    return builder_commit(builder, column, rows, bytes, null_count);
}

/* Templates of tests are plain text. */
static enum sluice_status render(sluice_host_ref host, const struct sluice_template *text,
                                 const struct sluice_batch *batch, int64_t row, bool is_path,
                                 struct sluice_buffer *buffer)
{
    size_t size = strlen((const char *)text);
    (void)batch;
    (void)row;
    (void)is_path;
    enum sluice_status status = sluice_buffer_reserve(host, buffer, size);
    if (status != SLUICE_OK)
        return status;
    memcpy(buffer->data + buffer->size, text, size);
    buffer->size += size;
    return SLUICE_OK;
}

static void note_verdict(sluice_host_ref host, struct sluice_verdicts *verdicts, int64_t row,
                         enum sluice_verdict verdict, const struct sluice_error *why)
{
    (void)host;
    (void)verdicts;
    (void)row;
    (void)why;
    kafka_test.verdict_count += verdict == SLUICE_VERDICT_REJECT;
}

void kafka_test_start(void)
{
    kafka_test = (struct kafka_test){.test = test_host_create()};
    struct sluice_host_table *table =
        (struct sluice_host_table *)(uintptr_t)kafka_test.test->host.table;
    table->monotonic_ms = real_ms;
    table->builder_reserve = reserve;
    table->builder_commit = commit;
    table->template_render = render;
    table->verdict = note_verdict;
    table->settle = note_settle;
    table->settle_member = note_member;
    table->request_checkpoint = note_checkpoint;
    table->resource_get = get_resource;
    table->resource_release = release_resource;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "log_level", "0", NULL, 0);
    kafka_test.rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, NULL, 0);
    kafka_test.cluster = rd_kafka_mock_cluster_new(kafka_test.rk, 1);
    kafka_test.brokers = rd_kafka_mock_cluster_bootstraps(kafka_test.cluster);
}

void kafka_test_stop(void)
{
    rd_kafka_mock_cluster_destroy(kafka_test.cluster);
    rd_kafka_destroy(kafka_test.rk);
    test_host_destroy(kafka_test.test);
}

static rd_kafka_t *connect_client(rd_kafka_type_t type, const char *group)
{
    char reason[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", kafka_test.brokers, NULL, 0);
    rd_kafka_conf_set(conf, "log_level", "0", NULL, 0);
    if (group)
        rd_kafka_conf_set(conf, "group.id", group, NULL, 0);
    rd_kafka_t *rk = rd_kafka_new(type, conf, reason, sizeof reason);
    assert_non_null(rk);
    return rk;
}

void kafka_test_produce(const char *topic, int partitions, int first, int count)
{
    rd_kafka_t *producer = connect_client(RD_KAFKA_PRODUCER, NULL);
    for (int i = first; i < first + count; i++) {
        char key[32], value[32];
        int key_size = snprintf(key, sizeof key, "key-%d", i);
        int value_size = snprintf(value, sizeof value, "value-%d", i);
        rd_kafka_resp_err_t result = rd_kafka_producev(
            producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(i % partitions),
            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key, (size_t)key_size),
            RD_KAFKA_V_VALUE(value, (size_t)value_size), RD_KAFKA_V_END);
        assert_int_equal(result, 0);
    }
    assert_int_equal(rd_kafka_flush(producer, 10000), 0);
    rd_kafka_destroy(producer);
}

int64_t kafka_test_count(const char *topic, int partitions)
{
    rd_kafka_t *client = connect_client(RD_KAFKA_CONSUMER, NULL);
    int64_t count = 0;
    for (int32_t partition = 0; partition < partitions; partition++) {
        int64_t low, high;
        assert_int_equal(
            rd_kafka_query_watermark_offsets(client, topic, partition, &low, &high, 10000), 0);
        count += high - low;
    }
    rd_kafka_destroy(client);
    return count;
}

int64_t kafka_test_committed(const char *group, const char *topic, int32_t partition,
                             char metadata[512])
{
    rd_kafka_t *client = connect_client(RD_KAFKA_CONSUMER, group);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition);
    assert_int_equal(rd_kafka_committed(client, list, 10000), 0);
    int64_t offset = list->elems[0].offset;
    snprintf(metadata, 512, "%.*s", (int)list->elems[0].metadata_size,
             list->elems[0].metadata ? (char *)list->elems[0].metadata : "");
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(client);
    return offset < 0 ? -1 : offset;
}

void kafka_test_commit(const char *group, const char *topic, int32_t partition, int64_t offset,
                       const char *metadata)
{
    rd_kafka_t *client = connect_client(RD_KAFKA_CONSUMER, group);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *entry = rd_kafka_topic_partition_list_add(list, topic, partition);
    entry->offset = offset;
    entry->metadata = strdup(metadata);
    entry->metadata_size = strlen(metadata);
    assert_int_equal(rd_kafka_commit(client, list, 0), 0);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(client);
}
