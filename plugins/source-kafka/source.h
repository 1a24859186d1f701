/* SPDX-License-Identifier: Apache-2.0 */
/* One instance of source-kafka, and which file does what to it:
 *
 *   source.c       create, open, read, snapshot, restore, close, destroy, in call order
 *   consumer.c     configuration, first contact, whether the topics exist
 *   assignment.c   rebalances: what is assigned, given back, lost; leaving the group in order
 *   group.c        what the group has committed, and whose leftovers that tells to finish
 *   members.c      what the coordinator tells about the group: members, all offsets
 *   begin.c        where to begin in partitions that the group has no offset for
 *   decision.c     the offset commit that decides a checkpoint, or claims partitions
 *   keeper.c       keeps a blocked member in the group, and has its lag measured
 *   records.c      takes records from librdkafka's queue into batches
 *   ends.c         ends of partitions: lag, end of a --once run
 *
 * Pure parts: positions.h, metadata.h, start.h, headers.h.
 *
 * librdkafka's callbacks run inside its consume calls, so on the instance's thread; they only note
 * what happened. `is_cancelled` is the one field that another thread touches; the keeper's thread
 * reads `queue`, which stays as it is while that runs. */
#ifndef SOURCE_KAFKA_SOURCE_H
#define SOURCE_KAFKA_SOURCE_H

#include "metadata.h"
#include "options.h"
#include "positions.h"
#include "start.h"

#include "kafka/embedded.h"

#include <pthread.h>

enum source_phase {
    PHASE_WAITING = 0, /* nothing assigned */
    PHASE_ASSIGNING,   /* partitions were assigned; where to begin is being found out */
    PHASE_READING,
    PHASE_REVOKING, /* partitions are wanted back; waits for the decision about what was read */
    PHASE_LOST      /* partitions are gone with rows undecided: the next decision is a refusal */
};

struct keeper {
    pthread_t thread;
    bool is_started;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool is_stopping; /* guarded by lock */
    int64_t clock_ahead_ms; /* of the wall clock, to the monotonic one */
    int wakes_left;         /* of the brokers' threads, after a step of the wall clock */
};

/* What lag is measured against, for the keeper's thread. */
struct lag_entry {
    char topic[TOPIC_SIZE];
    int32_t partition;
    int64_t committed;
    int64_t oldest_ms;       /* timestamp of the oldest record read and not committed; 0: none */
    int64_t behind_since_ms; /* monotonic; 0: it is not */
};
struct lag {
    pthread_mutex_t lock;
    size_t count;              /* guarded by lock, as the entries are */
    struct lag_entry *entries;
    int64_t next_ms; /* the keeper's, as what follows */
    int failures;
    bool was_failing;
};

struct source_kafka {
    const struct sluice_host *host;
    const struct source_kafka_options *options;
    const struct sluice_run *run;
    atomic_bool is_cancelled;
    struct start start;
    struct decision_record own; /* scope and member; checkpoint: the newest decided here */
    char instance_id[INSTANCE_ID_SIZE];
    struct positions restored; /* of the newest checkpoint known here; empty without one */
    bool has_restored;

    struct kafka_client client;
    rd_kafka_queue_t *queue; /* the consumer's */
    int64_t charged_bytes;
    int64_t queue_bytes; /* what librdkafka may hold in its queue */
    struct keeper keeper;
    struct lag lag;

    /* `brokers: embedded`: all partitions are assigned by hand, there is no group to join. */
    struct kafka_embedded *embedded;
    struct kafka_embedded_reader **readers; /* by topic option */

    /* assignment.c */
    enum source_phase phase;
    struct positions positions;
    rd_kafka_topic_partition_list_t *pending; /* assigned or revoked, not yet acted on */
    bool is_settled;                          /* this member's own leftovers were dealt with */
    bool was_assigned;
    uint64_t epoch;   /* changes when partitions go away */
    char *generation; /* the group metadata at assignment, opaque bytes */
    size_t generation_size;
    int64_t opened_ms;
    bool is_warned; /* about what is being waited for */

    /* decision.c */
    rd_kafka_queue_t *replies;
    uint64_t snapshot_epoch;
    bool has_snapshot_rows; /* rows that no decision covers */
    bool is_commit_pending; /* a commit was sent, its answer is not here */
    uint64_t attempted;     /* checkpoint of the newest commit sent */
    rd_kafka_resp_err_t commit_error;
    uint64_t decided;

    /* records.c */
    struct sluice_builder *builder;
    int columns[COLUMN_COUNT];  /* index in the output schema, or -1 */
    rd_kafka_message_t *failed; /* an error that came behind good records */
    struct sluice_buffer headers;
    int64_t batch_oldest_ms; /* timestamp of the oldest record in the builder; 0: none */
    double message_bytes; /* average, for what the queue holds */
    bool was_full;
    int64_t next_lag_ms;
    bool has_ended;
};

/* ---- callbacks of the component: source.c, and decide in decision.c ---- */

enum sluice_status source_kafka_plan(const struct sluice_host *host, const void *options,
                                     struct sluice_planning *planning, struct sluice_error *error);
enum sluice_status source_kafka_create(const struct sluice_host *host, const void *options,
                                       void **instance, struct sluice_error *error);
enum sluice_status source_kafka_open(void *instance, struct sluice_error *error);
enum sluice_status source_kafka_read(void *instance, int timeout_ms, struct sluice_batch **batch,
                                     struct sluice_error *error);
enum sluice_status source_kafka_snapshot(void *instance, struct sluice_state_writer *writer,
                                         struct sluice_error *error);
enum sluice_status source_kafka_restore(void *instance, struct sluice_state_reader *reader,
                                        struct sluice_error *error);
enum sluice_status source_kafka_decide(void *instance, uint64_t checkpoint,
                                       struct sluice_error *error);
void source_kafka_cancel(void *instance);
void source_kafka_close(void *instance);
void source_kafka_destroy(void *instance);

#endif
