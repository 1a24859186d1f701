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

#include "runtime/instance.h"

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
    int64_t channel_bytes;      /* bound of one channel */
    struct watch *watch;        /* controller only */
    const char *awaited;        /* what the controller waits for, in words; controller only */
    uint64_t claim;             /* of the letters that are replayed; 0: none */
    struct sluice_batch *unsent; /* letters that a lane may hold when it is cancelled */
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
/* First failure wins. Takes a copy of the error; NULL: memory is out. Any thread. */
void execution_fail(struct execution *execution, const struct flow_step *step,
                    const struct sluice_error *error);
/* Sends a command to all lanes and waits until they have done it. False when the execution failed
 * or was cancelled meanwhile. Controller only. */
bool execution_command(struct execution *execution, enum command_kind kind, uint64_t number);
/* COMMAND_REPLAY. False also where the lane may not be done with the batch. */
bool execution_replay(struct execution *execution, const struct replay_rows *rows);
bool execution_recover(struct execution *execution, const struct checkpoint *checkpoint,
                       bool is_committed);
/* Queues a copy of the command on every lane. False without memory. */
bool execution_post(struct execution *execution, const struct command *command);
/* Waits until the lanes have done everything, or something changed, at most until wake_ms
 * (monotonic). Cancels past the deadline of an orderly end. Lock held. */
void execution_wait(struct execution *execution, int64_t wake_ms);
void execution_join(struct execution *execution);

/* ---- run.c: what a run and a replay have in common ---- */

/* Opens everything and settles what past runs staged. `newest` is the flow's newest checkpoint. */
bool run_begin(struct execution *execution, const struct checkpoint *newest,
               struct sluice_error *error);
bool run_begin_reading(struct execution *execution);
bool run_take_checkpoint(struct execution *execution, uint64_t number, struct sluice_error *error);
void run_end(struct execution *execution);
/* Why the execution is over, reported once. */
enum run_outcome run_conclude(struct execution *execution);

/* ---- watch.c: which step blocks another; the controller's calls ---- */

struct watch *watch_create(const struct execution *execution); /* NULL without memory */
void watch_destroy(struct watch *watch);                       /* NULL is allowed */
void watch_look(struct execution *execution);                  /* not more than once a second */

/* Whether a sink of best effort has left something uncommitted. Any thread. */
bool execution_has_leftover(const struct execution *execution);

/* ---- graph.c: lanes, instances, inputs, outputs, channels ---- */

enum sluice_status graph_build(struct execution *execution, struct sluice_error *error);
void graph_free(struct execution *execution);

#endif
