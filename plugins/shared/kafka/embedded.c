/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/embedded.h"
#include "kafka/ledger.h"

#include <librdkafka/rdkafka_mock.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define RESOURCE_NAME "kafka-embedded"

/* What a record takes in the mock broker besides key and value, at worst alone in its batch. */
#define RECORD_OVERHEAD 96

struct kafka_embedded_reader {
    struct kafka_embedded_topic *topic;
    char *group;
    int64_t next[KAFKA_EMBEDDED_PARTITIONS];
    struct kafka_embedded_reader *following;
};

struct kafka_embedded_topic {
    char *name;
    bool was_read;
    struct kafka_embedded_reader *readers;
    int64_t end[KAFKA_EMBEDDED_PARTITIONS]; /* behind the last record that the broker has */
    struct ledger ledgers[KAFKA_EMBEDDED_PARTITIONS];
    struct kafka_embedded_topic *following;
};

/* Two plugins share one, each with its own copy of this code: size says whether they agree. */
struct kafka_embedded {
    size_t size;
    rd_kafka_t *rk;
    rd_kafka_mock_cluster_t *cluster;
    pthread_mutex_t lock;
    /* guarded by lock */
    int writer_count;
    struct kafka_embedded_topic *topics;
};

struct creation {
    const struct sluice_host *host;
};

static void keep_quiet(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    (void)rk;
    (void)level;
    (void)facility;
    (void)text;
}

static enum sluice_status create_embedded(void *user, void **resource, struct sluice_error *error)
{
    const struct creation *creation = user;
    char reason[256] = "out of memory";
    *resource = NULL;
    struct kafka_embedded *embedded = calloc(1, sizeof *embedded);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, keep_quiet);
    if (embedded)
        embedded->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    if (!embedded || !embedded->rk) {
        rd_kafka_conf_destroy(conf);
        free(embedded);
        return sluice_fail(creation->host, error, SLUICE_FATAL, SLUICE_CODE_INTERNAL,
                           "the embedded broker cannot be started: %s", reason);
    }
    embedded->cluster = rd_kafka_mock_cluster_new(embedded->rk, 1);
    if (!embedded->cluster) {
        rd_kafka_destroy(embedded->rk);
        free(embedded);
        return sluice_fail(creation->host, error, SLUICE_FATAL, SLUICE_CODE_INTERNAL,
                           "the embedded broker cannot listen on the loopback address");
    }
    embedded->size = sizeof *embedded;
    pthread_mutex_init(&embedded->lock, NULL);
    *resource = embedded;
    return SLUICE_OK;
}

static void destroy_embedded(void *resource)
{
    struct kafka_embedded *embedded = resource;
    rd_kafka_mock_cluster_destroy(embedded->cluster);
    rd_kafka_destroy(embedded->rk);
    while (embedded->topics) {
        struct kafka_embedded_topic *topic = embedded->topics;
        embedded->topics = topic->following;
        free(topic->name);
        free(topic);
    }
    pthread_mutex_destroy(&embedded->lock);
    free(embedded);
}

enum sluice_status kafka_embedded_get(const struct sluice_host *host,
                                      struct kafka_embedded **embedded, struct sluice_error *error)
{
    struct creation creation = {.host = host};
    void *resource = NULL;
    *embedded = NULL;
    enum sluice_status status = sluice_resource_get(host, RESOURCE_NAME, create_embedded,
                                                    destroy_embedded, &creation, &resource, error);
    if (status != SLUICE_OK)
        return status;
    struct kafka_embedded *got = resource;
    if (got->size != sizeof *got) {
        sluice_resource_release(host, RESOURCE_NAME);
        return sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_PLUGIN_LOAD,
                           "source-kafka and sink-kafka are of different builds and cannot share "
                           "the embedded broker");
    }
    *embedded = got;
    return SLUICE_OK;
}

void kafka_embedded_release(const struct sluice_host *host)
{
    sluice_resource_release(host, RESOURCE_NAME);
}

const char *kafka_embedded_brokers(const struct kafka_embedded *embedded)
{
    return rd_kafka_mock_cluster_bootstraps(embedded->cluster);
}

static struct kafka_embedded_topic *find_topic(const struct kafka_embedded *embedded,
                                               const char *name)
{
    struct kafka_embedded_topic *topic = embedded->topics;
    while (topic && strcmp(topic->name, name) != 0)
        topic = topic->following;
    return topic;
}

struct kafka_embedded_topic *kafka_embedded_topic(struct kafka_embedded *embedded, const char *name)
{
    pthread_mutex_lock(&embedded->lock);
    struct kafka_embedded_topic *topic = find_topic(embedded, name);
    if (!topic) {
        topic = calloc(1, sizeof *topic);
        char *copy = topic ? strdup(name) : NULL;
        if (copy && rd_kafka_mock_topic_create(embedded->cluster, name, KAFKA_EMBEDDED_PARTITIONS,
                                               1) == RD_KAFKA_RESP_ERR_NO_ERROR) {
            topic->name = copy;
            topic->following = embedded->topics;
            embedded->topics = topic;
        } else {
            free(copy);
            free(topic);
            topic = NULL;
        }
    }
    pthread_mutex_unlock(&embedded->lock);
    return topic;
}

/* Tells the ledger what all readers have read. Under the lock. */
static void settle_ledger(struct kafka_embedded_topic *topic, int32_t partition)
{
    int64_t next = INT64_MAX;
    for (const struct kafka_embedded_reader *reader = topic->readers; reader;
         reader = reader->following) {
        if (reader->next[partition] < next)
            next = reader->next[partition];
    }
    if (topic->readers)
        ledger_read(&topic->ledgers[partition], next);
}

struct kafka_embedded_reader *kafka_embedded_join(struct kafka_embedded *embedded,
                                                  const char *topic_name, const char *group,
                                                  bool *is_taken)
{
    *is_taken = false;
    struct kafka_embedded_topic *topic = kafka_embedded_topic(embedded, topic_name);
    struct kafka_embedded_reader *reader = topic ? calloc(1, sizeof *reader) : NULL;
    char *copy = reader ? strdup(group) : NULL;
    if (!copy) {
        free(reader);
        return NULL;
    }
    reader->topic = topic;
    reader->group = copy;
    pthread_mutex_lock(&embedded->lock);
    for (const struct kafka_embedded_reader *other = topic->readers; other;
         other = other->following) {
        if (strcmp(other->group, group) == 0)
            *is_taken = true;
    }
    if (!*is_taken) {
        reader->following = topic->readers;
        topic->readers = reader;
        topic->was_read = true;
    }
    pthread_mutex_unlock(&embedded->lock);
    if (*is_taken) {
        free(reader->group);
        free(reader);
        return NULL;
    }
    return reader;
}

void kafka_embedded_leave(struct kafka_embedded *embedded, struct kafka_embedded_reader *reader)
{
    pthread_mutex_lock(&embedded->lock);
    struct kafka_embedded_reader **at = &reader->topic->readers;
    while (*at != reader)
        at = &(*at)->following;
    *at = reader->following;
    for (int32_t partition = 0; partition < KAFKA_EMBEDDED_PARTITIONS; partition++)
        settle_ledger(reader->topic, partition);
    pthread_mutex_unlock(&embedded->lock);
    free(reader->group);
    free(reader);
}

void kafka_embedded_read(struct kafka_embedded *embedded, struct kafka_embedded_reader *reader,
                         int32_t partition, int64_t next)
{
    if (partition < 0 || partition >= KAFKA_EMBEDDED_PARTITIONS)
        return;
    pthread_mutex_lock(&embedded->lock);
    reader->next[partition] = next;
    settle_ledger(reader->topic, partition);
    pthread_mutex_unlock(&embedded->lock);
}

bool kafka_embedded_is_drained(struct kafka_embedded *embedded,
                               const struct kafka_embedded_reader *reader)
{
    pthread_mutex_lock(&embedded->lock);
    bool is_drained = embedded->writer_count == 0;
    for (int32_t partition = 0; partition < KAFKA_EMBEDDED_PARTITIONS; partition++)
        is_drained = is_drained && reader->next[partition] >= reader->topic->end[partition];
    pthread_mutex_unlock(&embedded->lock);
    return is_drained;
}

void kafka_embedded_add_writer(struct kafka_embedded *embedded)
{
    pthread_mutex_lock(&embedded->lock);
    embedded->writer_count++;
    pthread_mutex_unlock(&embedded->lock);
}

void kafka_embedded_remove_writer(struct kafka_embedded *embedded)
{
    pthread_mutex_lock(&embedded->lock);
    embedded->writer_count--;
    pthread_mutex_unlock(&embedded->lock);
}

enum kafka_embedded_room kafka_embedded_reserve(struct kafka_embedded *embedded,
                                                struct kafka_embedded_topic *topic,
                                                int32_t partition, int64_t bytes)
{
    enum kafka_embedded_room room = KAFKA_EMBEDDED_FULL;
    pthread_mutex_lock(&embedded->lock);
    if (!topic->readers)
        room = topic->was_read ? KAFKA_EMBEDDED_ABANDONED : KAFKA_EMBEDDED_NEVER_READ;
    else if (ledger_add(&topic->ledgers[partition], bytes + RECORD_OVERHEAD, KAFKA_EMBEDDED_AHEAD))
        room = KAFKA_EMBEDDED_ROOM;
    pthread_mutex_unlock(&embedded->lock);
    return room;
}

void kafka_embedded_delivered(struct kafka_embedded *embedded, struct kafka_embedded_topic *topic,
                              int32_t partition, int64_t offset)
{
    if (partition < 0 || partition >= KAFKA_EMBEDDED_PARTITIONS)
        return;
    pthread_mutex_lock(&embedded->lock);
    if (topic->end[partition] <= offset)
        topic->end[partition] = offset + 1;
    pthread_mutex_unlock(&embedded->lock);
}
