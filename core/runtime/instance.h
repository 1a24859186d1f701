/* SPDX-License-Identifier: Apache-2.0 */
/* An instance of a step in a lane, and the calls on its plugin. */
#ifndef SLUICE_RUNTIME_INSTANCE_H
#define SLUICE_RUNTIME_INSTANCE_H

#include "runtime/lane.h"

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
                          struct sluice_error *error);

#endif
