/* SPDX-License-Identifier: Apache-2.0 */
/* One execution: an attempt to run a flow, from opening its instances to closing them.
 *
 * Each lane is a thread with an inbox. Each step has an instance in every lane (is_parallel) or in
 * one. Instances of the same lane call each other directly; between lanes stand channels, bounded
 * in bytes. A channel belongs to one input of one instance and has one sending lane, so order is
 * kept and barriers can be aligned by holding single channels back.
 *
 * What travels: batches, watermarks (TIME_MAX: nothing will come any more, transforms finish) and
 * barriers. The last barrier is the end: an execution is over when its final checkpoint is.
 * Barriers and watermarks are never held up by a channel's bound.
 *
 * Deadlock freedom. A lane that waits for room in a channel (or for a backoff) goes on delivering
 * messages of its own inbox, but only to instances from which no busy instance can be reached: so
 * no instance is entered twice, and since steps are sorted, along any chain of waiting lanes the
 * awaited step lies further downstream; the last one is never waited for in vain. */
#ifndef SLUICE_RUNTIME_EXECUTION_H
#define SLUICE_RUNTIME_EXECUTION_H

#include <pthread.h>

#include "checkpoint/checkpoint.h"
#include "runtime/flow.h"

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

struct instance {
    struct sluice_host host; /* first: what the plugin sees */
    struct execution *execution;
    struct flow_step *step;
    size_t step_index;
    struct lane *lane;
    struct sluice_run run;
    void *object;               /* the plugin's */
    struct sluice_error *error; /* of calls on this instance */
    size_t input_count;
    struct input *inputs;
    size_t output_count;
    struct output *outputs;
    uint64_t passed_barrier; /* newest that it has passed */
    int64_t watermark_us;
    int64_t last_tick_ms;
    bool is_open;
    bool is_busy;
    bool is_finished;
    bool is_exhausted; /* source: END was answered */
    bool has_written;  /* sink: rows came since it was opened */
    enum step_activity activity;
};

/* What the controller asks of a lane. Commands are done in order, between deliveries. */
enum command_kind {
    COMMAND_OPEN = 0,     /* sinks and transforms */
    COMMAND_RECOVER,      /* sinks: finish and drop what `member` staged */
    COMMAND_OPEN_SOURCES,
    COMMAND_RUN,          /* sources may be read */
    COMMAND_STOP_READING,
    COMMAND_BARRIER,      /* sources snapshot and send barrier `number` */
    COMMAND_DECIDE,
    COMMAND_COMMIT,
    COMMAND_COMMITTED,
    COMMAND_QUIT
};

struct command {
    enum command_kind kind;
    uint64_t number;
    const char *member;
    const struct checkpoint *checkpoint; /* RECOVER: NULL where nothing was decided */
    bool is_committed;                   /* RECOVER */
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

struct execution {
    struct flow *flow;
    uint64_t nonce;
    uint64_t run_number;
    int lane_count;
    struct lane *lanes;
    size_t step_count;
    size_t instance_count;
    struct instance **instances; /* all */
    size_t channel_count;
    struct channel **channels;
    bool *reaches;             /* [from * step_count + to] */
    size_t deciding_step;      /* SIZE_MAX: none */
    size_t dead_letter_step;   /* SIZE_MAX: none */
    struct dictionary_set *dictionaries;
    uint64_t restored;         /* checkpoint whose state was restored; 0: none */
    atomic_bool is_cancelled;
    atomic_bool wants_checkpoint;
    atomic_bool wants_restart;  /* from the newest decided checkpoint, in a new execution */
    int64_t retry_limit_ms;     /* of one call; 0: for ever */
    bool has_leftovers;         /* a decided checkpoint is not committed yet; controller only */

    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* guarded by lock */
    size_t pending;            /* lanes or instances that have not answered the controller */
    size_t settling;           /* lanes that have not answered the deciding source */
    struct lane *settler;      /* its lane, while it waits */
    bool is_reading;           /* sources may have been read: a stop has to drain */
    int64_t deadline_ms;       /* of an orderly end, monotonic; 0: none */
    size_t exhausted_count;    /* sources that have ended */
    bool has_failed;
    struct sluice_error *failure;
    const struct flow_step *failed_step;
    enum sluice_status decision;
    struct checkpoint *gathering; /* entries of the checkpoint under way */
    struct checkpoint *unsettled; /* left by a settle that was cut off */
};

/* ---- execution.c: making and ending ---- */

enum sluice_status execution_create(struct flow *flow, uint64_t run_number,
                                    const struct checkpoint *restored,
                                    struct execution **execution, struct sluice_error *error);
void execution_destroy(struct execution *execution); /* NULL is allowed; lanes have ended */
enum sluice_status execution_start(struct execution *execution, struct sluice_error *error);
/* Makes every blocking call return and every lane quit. Any thread. */
void execution_cancel(struct execution *execution);
/* First failure wins. Takes a copy of the error. Any thread. */
void execution_fail(struct execution *execution, const struct flow_step *step,
                    const struct sluice_error *error);
/* Sends a command to all lanes and waits until they have done it. False when the execution failed
 * or was cancelled meanwhile. Controller only. */
bool execution_command(struct execution *execution, enum command_kind kind, uint64_t number);
bool execution_recover(struct execution *execution, const struct checkpoint *checkpoint,
                       bool is_committed);
/* Queues a copy of the command on every lane. False without memory. */
bool execution_post(struct execution *execution, const struct command *command);
/* Waits until the lanes have done everything, or something changed, at most until wake_ms
 * (monotonic). Cancels past the deadline of an orderly end. Lock held. */
void execution_wait(struct execution *execution, int64_t wake_ms);
void execution_join(struct execution *execution);

/* ---- settle.c: the deciding source's question what to finish ---- */

enum sluice_status settle(struct instance *instance, const char *member, uint64_t checkpoint,
                          struct sluice_error *error);

/* ---- graph.c: lanes, instances, inputs, outputs, channels ---- */

enum sluice_status graph_build(struct execution *execution, struct sluice_error *error);
void graph_free(struct execution *execution);

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
bool lane_has_deliverable(struct lane *lane);
void message_destroy(struct message *message);

/* ---- deliver.c: what instances do with messages ---- */

enum sluice_status deliver(struct input *input, struct message *message); /* takes it */
enum sluice_status output_batch(struct instance *instance, struct sluice_batch *batch);
enum sluice_status output_mark(struct instance *instance, enum message_kind kind,
                               int64_t watermark_us, uint64_t checkpoint);
/* After the barrier has passed the instance: sends it to the dead letter when it was the last. */
enum sluice_status barrier_passed(struct instance *instance, uint64_t checkpoint);

/* ---- instance.c: calls on plugins, with backoff, reopening and time accounting ---- */

enum sluice_status instance_create(struct instance *instance, const struct checkpoint *restored);
enum sluice_status instance_open(struct instance *instance);
enum sluice_status instance_read(struct instance *instance, int timeout_ms,
                                 struct sluice_batch **batch);
enum sluice_status instance_process(struct instance *instance, const struct sluice_batch *batch);
enum sluice_status instance_watermark(struct instance *instance, int64_t time_us);
enum sluice_status instance_write(struct instance *instance, const struct sluice_batch *batch);
void verdict_set(struct sluice_verdicts *verdicts, int64_t row, enum sluice_verdict verdict,
                 const struct sluice_error *why);
enum sluice_status instance_tick(struct instance *instance);
enum sluice_status instance_snapshot(struct instance *instance, uint64_t checkpoint);
enum sluice_status instance_recover(struct instance *instance, const struct command *command);
enum sluice_status instance_decide(struct instance *instance, uint64_t checkpoint);
enum sluice_status instance_commit(struct instance *instance, uint64_t checkpoint);
void instance_committed(struct instance *instance, uint64_t checkpoint);
void instance_close(struct instance *instance);
void instance_destroy(struct instance *instance);

/* ---- dead_letter.c ---- */

struct reject_buffer *reject_buffer_create(struct lane *lane, struct sluice_error *error);
void reject_buffer_destroy(struct reject_buffer *rejects);
enum sluice_status reject_row(struct instance *instance, const struct sluice_rejected *rejected,
                              const struct sluice_error *why);
/* Sends what is held to the dead letter. */
enum sluice_status reject_flush(struct lane *lane);
/* The lane's barrier has gone to the dead letter: rows of the next checkpoint may follow. */
void reject_next_checkpoint(struct lane *lane);

#endif
