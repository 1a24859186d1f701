/* SPDX-License-Identifier: Apache-2.0 */
/* An instance of a step in a lane, and the calls on its plugin. */
#ifndef SLUICE_RUNTIME_INSTANCE_H
#define SLUICE_RUNTIME_INSTANCE_H

#include "runtime/lane.h"
#include "runtime/observe/timing.h"

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
    struct best_effort *effort; /* NULL: the step is required */
    int64_t working_ns;         /* without what it waited for */
    int64_t event_us;           /* oldest event of the batch at hand; 0: not known */
    struct arrivals arrivals;
    int64_t called_ms;          /* when the last call began */
    pthread_mutex_t object_lock; /* taken to change `object` and to cancel it */
    /* for watch.c, of sinks */
    atomic_bool is_called;
    atomic_ullong moves; /* signs of life */
    atomic_llong failing_since_ms; /* 0: not trying again */
    atomic_llong shown_watermark_us;
    atomic_int held_back_by; /* index of the step that holds the watermark back, + 1; 0: none */
    char waits_for[100]; /* before it can work, as its plugin says; guarded by step->lock */
};

/* ---- retry.c ---- */

/* One call that may be repeated. */
struct attempt {
    struct instance *instance;
    int count;
    int64_t first_ms;
    int64_t logged_ms;
};

/* Entering and leaving a callback. */
struct call {
    struct instance *instance;
    struct instance *owner;
    bool was_busy;
};

/* After a call: whether to make it again, once the backoff is over. Otherwise *status is what to
 * return. */
bool attempt_repeats(struct attempt *attempt, enum sluice_status *status);
uint64_t lane_random(struct lane *lane);
struct call call_enter(struct instance *instance, enum step_activity activity);
void call_leave(struct call call);

/* ---- instance.c, write.c: calls on plugins, repeated as the policy says ---- */

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

/* ---- best_effort.c: a breaker around the calls on a sink of `delivery: best_effort` ---- */

enum sluice_status best_effort_create(struct instance *instance);
void best_effort_created(struct instance *instance); /* the plugin's object, that is */
void best_effort_destroy(struct instance *instance);
/* Rows are to be shed, other calls to be left out. False for required steps. */
bool best_effort_is_down(const struct instance *instance);
/* Whether something that was staged is not committed yet. Any thread. */
bool best_effort_has_leftover(const struct instance *instance);
/* After a failed call: whether the sink is given up for now; then *status is what to return. */
bool best_effort_takes(struct instance *instance, int64_t first_ms, enum sluice_status *status);
/* A call succeeded that shows that the configuration is good. */
void best_effort_up(struct instance *instance);
enum sluice_status best_effort_shed(struct instance *instance, const struct sluice_batch *batch);
/* The sink has taken these rows. Takes the batch. */
enum sluice_status best_effort_keep(struct instance *instance, const struct sluice_batch *batch);
void best_effort_staged(struct instance *instance, uint64_t checkpoint, const struct text *state);
void best_effort_committed(struct instance *instance);
/* What a checkpoint has instead of a stage while the sink is down. */
enum checkpoint_kind best_effort_carry(const struct instance *instance, struct text *state);
/* The sink is down: leaves the recovery to the next probe, or, where another member's output must
 * be finished, waits for that probe to succeed. True: the recovery is to be done now. */
bool best_effort_recovers(struct instance *instance, const struct command *command,
                          const struct checkpoint_entry *entry, enum sluice_status *status);
void best_effort_recovered(struct instance *instance, const struct command *command,
                           enum sluice_status status);
void best_effort_tick(struct instance *instance); /* while it is down */
/* The call under way has been silent for so long. Any thread. */
void best_effort_watch(struct instance *instance, int64_t silent_ms);

/* ---- dead_letter.c ---- */

struct reject_buffer *reject_buffer_create(struct lane *lane, struct sluice_error *error);
void reject_buffer_destroy(struct reject_buffer *rejects);
enum sluice_status reject_row(struct instance *instance, const struct sluice_rejected *rejected,
                              const struct sluice_error *why);
/* Sends what is held to the dead letter. */
enum sluice_status reject_flush(struct lane *lane);
/* The lane's barrier has gone to the dead letter: rows of the next checkpoint may follow. */
void reject_next_checkpoint(struct lane *lane);

/* ---- settle.c: the deciding source's question what to finish ---- */

enum sluice_status settle(struct instance *instance, const char *member, uint64_t checkpoint,
                          enum sluice_settlement settlement, struct sluice_error *error);

#endif
