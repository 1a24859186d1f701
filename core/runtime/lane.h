/* SPDX-License-Identifier: Apache-2.0 */
/* A lane, what travels between lanes, and who receives it. The rules are in execution.h. */
#ifndef SLUICE_RUNTIME_LANE_H
#define SLUICE_RUNTIME_LANE_H

#include "runtime/flow.h"

struct instance;

enum message_kind { MESSAGE_BATCH = 0, MESSAGE_WATERMARK, MESSAGE_BARRIER };

struct message {
    enum message_kind kind;
    struct sluice_batch *batch; /* BATCH: owned */
    int64_t watermark_us;
    uint64_t checkpoint;
    struct message *next;
};

struct channel {
    struct lane *from;
    struct lane *to;
    struct input *input; /* of the receiving instance */
    /* guarded by to->lock */
    struct message *first;
    struct message *last;
    int64_t queued_bytes;
    bool is_sender_waiting;
};

/* One stream that an instance receives. */
struct input {
    struct instance *instance;
    struct channel *channel; /* NULL: direct calls from the same lane */
    size_t from_step;
    int64_t watermark_us;
    bool is_aligned; /* its barrier has come, the others' have not: nothing is taken from it */
};

/* Where an instance's output goes, one per reading step. */
struct output {
    enum edge_kind kind;
    size_t key_count;
    int *keys;              /* EDGE_HASH: column indexes */
    size_t target_count;    /* EDGE_HASH: lanes in order; else 1 */
    struct input **targets; /* inputs of the receiving instances */
};

/* What the controller asks of a lane. Commands are done in order, between deliveries. */
enum command_kind {
    COMMAND_OPEN = 0,     /* sinks and transforms */
    COMMAND_RECOVER,      /* sinks: finish and drop what `member` staged */
    COMMAND_OPEN_SOURCES,
    COMMAND_RUN,          /* sources may be read */
    COMMAND_REPLAY,       /* one instance: takes rejected rows in again */
    COMMAND_STOP_READING,
    COMMAND_BARRIER,      /* sources snapshot and send barrier `number` */
    COMMAND_DECIDE,
    COMMAND_COMMIT,
    COMMAND_COMMITTED,
    COMMAND_QUIT
};

/* Letters that are replayed. */
struct replay_rows {
    struct instance *instance;   /* a source, or one that the letters' step reads from */
    const struct output *output; /* which way; NULL: raw records of a source */
    struct sluice_batch *batch;
};

struct command {
    enum command_kind kind;
    uint64_t number;
    const char *member;
    const struct checkpoint *checkpoint; /* RECOVER: NULL where nothing was decided */
    bool is_committed;                   /* RECOVER */
    enum sluice_settlement settlement;   /* RECOVER */
    struct replay_rows replay;           /* REPLAY */
    bool is_settling; /* asked by a source, not by the controller */
    struct command *next;
};

struct lane {
    struct execution *execution;
    int index;
    pthread_t thread;
    bool is_started;
    size_t instance_count;
    struct instance **instances; /* in step order */
    size_t channel_count;
    struct channel **channels; /* that lead here */
    size_t next_channel;       /* fairness */
    size_t next_source;
    bool is_running; /* sources may be read */
    bool has_quit;
    struct instance *owner; /* whose time it is */
    enum step_activity owner_activity;
    int64_t owner_since_ns;
    atomic_llong started_ns;   /* monotonic; 0: not yet */
    atomic_llong accounted_ns; /* until when its time is counted for somebody */
    uint64_t random_state;
    struct reject_buffer *rejects; /* dead-letter rows not sent yet */
    size_t passed_count;       /* instances that the barrier under way has passed */
    uint64_t dead_letter_sent; /* newest barrier sent to the dead letter */
    struct input *dead_letter; /* this lane's input of the dead letter's instance, or NULL */

    pthread_mutex_t lock;
    pthread_cond_t wake;
    /* guarded by lock */
    bool is_signalled;
    struct command *commands;
};

/* ---- lane.c: a lane's thread ---- */

void *lane_main(void *lane);
void lane_wake(struct lane *lane); /* any thread */
/* Waits until `is_ready(user)`, delivering meanwhile what may be delivered. deadline_ms: monotonic,
 * INT64_MAX: none. False: cancelled. True also when the deadline has passed. */
bool lane_wait(struct lane *lane, bool (*is_ready)(void *user), void *user, int64_t deadline_ms);
/* From here on the lane's time counts for this instance and activity; returns what was before. */
struct instance *lane_own(struct lane *lane, struct instance *instance,
                          enum step_activity activity);

/* ---- channel.c ---- */

/* Takes the batch. Blocks while the channel is full. CANCELLED: FATAL. */
enum sluice_status input_send_batch(struct instance *sender, struct input *input,
                                    struct sluice_batch *batch);
enum sluice_status input_send_mark(struct instance *sender, struct input *input,
                                   enum message_kind kind, int64_t watermark_us,
                                   uint64_t checkpoint);
/* Next message of a deliverable input; NULL: none. */
struct message *lane_take(struct lane *lane, struct input **input);
void message_destroy(struct message *message);

/* ---- deliver.c: what instances do with messages ---- */

enum sluice_status deliver(struct input *input, struct message *message); /* takes it */
enum sluice_status output_batch(struct instance *instance, struct sluice_batch *batch);
/* One way of it; the batch stays the caller's. */
enum sluice_status output_send(struct instance *instance, const struct output *output,
                               struct sluice_batch *batch);
enum sluice_status output_mark(struct instance *instance, enum message_kind kind,
                               int64_t watermark_us, uint64_t checkpoint);
/* After the barrier has passed the instance: sends it to the dead letter when it was the last. */
enum sluice_status barrier_passed(struct instance *instance, uint64_t checkpoint);

#endif
