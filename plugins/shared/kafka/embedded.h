/* SPDX-License-Identifier: Apache-2.0 */
/* The broker inside the process: librdkafka's mock cluster, shared by all Kafka steps of the
 * process through a named resource. For demos and tests only: nothing of it outlives the process.
 *
 *     sink-kafka ──reserve──▶ ledger of a partition ◀──read── source-kafka
 *         └─────produce──────▶   mock broker   ──────fetch──────┘
 *
 * The mock broker keeps 5 MiB of a partition and drops the oldest beyond that without a word, so
 * writers are held back by what every reader has taken: at most KAFKA_EMBEDDED_AHEAD bytes of a
 * partition are unread. For that, writers choose the partition themselves, and readers and writers
 * register when their instances are created, before anything opens.
 *
 * All calls are for any thread. */
#ifndef SLUICE_SHARED_KAFKA_EMBEDDED_H
#define SLUICE_SHARED_KAFKA_EMBEDDED_H

#include <librdkafka/rdkafka.h>
#include <sluice/plugin.h>

#define KAFKA_EMBEDDED_PARTITIONS 6
#define KAFKA_EMBEDDED_AHEAD (3 * 1024 * 1024)

struct kafka_embedded;
struct kafka_embedded_topic;
struct kafka_embedded_reader;

/* The broker of this process, made by the first call; one release for each. */
enum sluice_status kafka_embedded_get(const struct sluice_host *host,
                                      struct kafka_embedded **embedded, struct sluice_error *error);
void kafka_embedded_release(const struct sluice_host *host);
const char *kafka_embedded_brokers(const struct kafka_embedded *embedded);

/* The topic of that name, made where it is new; the broker owns it. NULL without memory. */
struct kafka_embedded_topic *kafka_embedded_topic(struct kafka_embedded *embedded,
                                                  const char *name);

/* A reader holds writers back until it has read. NULL: no memory, or the group reads the topic
 * already (*is_taken). */
struct kafka_embedded_reader *kafka_embedded_join(struct kafka_embedded *embedded,
                                                  const char *topic, const char *group,
                                                  bool *is_taken);
void kafka_embedded_leave(struct kafka_embedded *embedded, struct kafka_embedded_reader *reader);
/* The reader has taken all records of the partition below `next`. */
void kafka_embedded_read(struct kafka_embedded *embedded, struct kafka_embedded_reader *reader,
                         int32_t partition, int64_t next);
/* All writers are done and the reader has read everything. */
bool kafka_embedded_is_drained(struct kafka_embedded *embedded,
                               const struct kafka_embedded_reader *reader);

void kafka_embedded_add_writer(struct kafka_embedded *embedded);
void kafka_embedded_remove_writer(struct kafka_embedded *embedded);

enum kafka_embedded_room {
    KAFKA_EMBEDDED_ROOM = 0,
    KAFKA_EMBEDDED_FULL,      /* wait for the readers */
    KAFKA_EMBEDDED_ABANDONED, /* there was a reader; it may come back */
    KAFKA_EMBEDDED_NEVER_READ /* no step of this process reads the topic */
};

/* Before a record of `bytes` (key and value) is produced to the partition. */
enum kafka_embedded_room kafka_embedded_reserve(struct kafka_embedded *embedded,
                                                struct kafka_embedded_topic *topic,
                                                int32_t partition, int64_t bytes);
/* The broker has the record at `offset`. */
void kafka_embedded_delivered(struct kafka_embedded *embedded, struct kafka_embedded_topic *topic,
                              int32_t partition, int64_t offset);

#endif
