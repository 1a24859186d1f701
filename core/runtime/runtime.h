/* SPDX-License-Identifier: Apache-2.0 */
/* Room runtime: runs a plan.
 *
 *     flow (controller thread)      triggers, recovery, checkpoints, end
 *       └ execution                 one attempt: lanes, instances, channels
 *            ├ lane 0 (thread)      source ─▶ parse ─┐ exchange over bounded channels
 *            └ lane 1 (thread)      sink  ◀──────────┘
 *
 * Usage: runtime_create → runtime_start → runtime_wait until true → runtime_result →
 * runtime_destroy. One thread makes these calls; runtime_stop is for any thread and for signal
 * handlers; the status calls are for any thread between create and destroy. */
#ifndef SLUICE_RUNTIME_RUNTIME_H
#define SLUICE_RUNTIME_RUNTIME_H

#include "pipeline/pipeline.h"

struct runtime;

struct letter_box;
struct letter_filter;
struct snapshot;
struct state_store;

struct runtime_options {
    bool is_once; /* take what is there, run the flows in their order, end */
    bool is_reset;                      /* flows start over: their state is given up */
    const char *member;                 /* instead of settings.member; NULL: that one */
    const struct letter_filter *replay; /* instead of reading, continuous flows take in again the
                                         * letters that are meant; NULL: no replay */
};

/* What a replay did. */
enum { REPLAY_REASONS = 8 };
struct replay_reason {
    char text[200];
    uint64_t count;
};
struct replay_report {
    uint64_t replayed; /* letters */
    uint64_t rejected; /* rows, of what was made of them */
    uint64_t left;     /* letters that cannot be replayed */
    struct replay_reason reasons[REPLAY_REASONS]; /* why, as far as there is room */
};

enum runtime_result {
    RUNTIME_DONE = 0,    /* everything was committed */
    RUNTIME_UNCOMMITTED, /* stopped by request with something left for the next start */
    RUNTIME_FAILED       /* a flow stopped with an error */
};

/* Makes state folders, takes the member's lock, creates the instances of continuous flows (so that
 * resources that they share exist before anything opens). `plan` and `loader` must outlive the
 * runtime. */
enum sluice_status runtime_create(const struct plan *plan, struct loader *loader,
                                  const struct runtime_options *options, struct runtime **runtime,
                                  struct sluice_error *error);
enum sluice_status runtime_start(struct runtime *runtime, struct sluice_error *error);
/* True once all flows have ended. */
bool runtime_wait(struct runtime *runtime, int timeout_ms);
/* Stop reading, drain, take a last checkpoint, end. Async-signal-safe. */
void runtime_stop(struct runtime *runtime);
enum runtime_result runtime_result(const struct runtime *runtime);
void runtime_destroy(struct runtime *runtime); /* NULL is allowed */

/* ---- status ---- */

enum flow_state {
    FLOW_WAITING = 0, /* for its trigger */
    FLOW_STARTING,    /* opening, recovering */
    FLOW_RUNNING,
    FLOW_STOPPING,
    FLOW_ENDED,
    FLOW_FAILED
};

struct flow_status {
    const struct pipeline_plan *pipeline;
    const struct flow_plan *plan;
    enum flow_state state;
    uint64_t run_count;             /* batch flows: runs committed by this process */
    uint64_t checkpoint_count;      /* taken by this process */
    uint64_t checkpoint_number;     /* newest that is committed, also of earlier processes */
    int64_t checkpoint_duration_ms; /* of the newest */
    bool is_uncommitted;            /* ended with something left for the next start */
    int64_t next_run_ms;            /* wall clock; 0: none planned */
    uint64_t rejected;
    char dead_letter[512];          /* where rejected rows go, for people */
    char error[1024];               /* why it failed; "" otherwise */
};

enum step_activity {
    STEP_IDLE = 0,
    STEP_WORKING,
    STEP_WAITING_INPUT,
    STEP_WAITING_OUTPUT, /* for room in a later step's channel */
    STEP_WAITING_RETRY   /* backoff after a transient error */
};

/* Sums over the step's instances. Counters are of this process, never reset. */
struct step_status {
    const struct step_plan *plan;
    int instance_count;
    enum step_activity activity; /* of the busiest instance */
    uint64_t rows_in, rows_out;
    uint64_t bytes_in, bytes_out; /* of batches in memory */
    uint64_t rejected, duplicates, retries;
    uint64_t spilled_bytes; /* moved to disk for want of memory */
    int64_t working_ns, waiting_input_ns, waiting_output_ns, waiting_retry_ns;
    int64_t queued_bytes;                /* in its input channels */
    int64_t memory_bytes;                /* charged to its account */
    int64_t progress_done, progress_total; /* sources: bytes; total < 0: unknown */
    char last_error[256];                /* newest transient error while retrying, else "" */
    const struct step_plan *blocked_by;  /* the step that it waits for and that is stuck, or NULL */
    bool is_shedding;                    /* sink of best effort that does not answer */
};

size_t runtime_flow_count(const struct runtime *runtime);
void runtime_flow_status(const struct runtime *runtime, size_t flow, struct flow_status *status);
size_t runtime_step_count(const struct runtime *runtime, size_t flow);
void runtime_step_status(const struct runtime *runtime, size_t flow, size_t step,
                         struct step_status *status);
/* What its replay did; of a dry run what it would do. */
void runtime_replay_report(const struct runtime *runtime, size_t flow,
                           struct replay_report *report);
/* Reads the letters of `path` as a replay would. */
enum sluice_status runtime_preview_replay(const struct flow_plan *plan, const char *path,
                                          const struct letter_filter *filter,
                                          struct replay_report *report, struct sluice_error *error);
/* The default dead letter of one flow and member. */
struct flow_letters {
    const struct pipeline_plan *pipeline;
    const struct flow_plan *flow;
    const char *member;
    struct letter_box *box;
};

/* Removes letters. In a folder of a member that no process runs as: FATAL, conflict, where one
 * does, or where the next start still has to settle which letters stay. */
enum sluice_status runtime_purge(const struct flow_letters *letters,
                                 const struct letter_filter *filter, uint64_t *count,
                                 struct sluice_error *error);

/* A pipeline's state in a plugin's store, for whoever reads letters without running anything. */
struct store_view;

enum sluice_status store_view_open(const struct pipeline_plan *pipeline, struct store_view **view,
                                   struct sluice_error *error);
struct state_store *store_view_get(const struct store_view *view);
void store_view_close(struct store_view *view); /* NULL is allowed */
/* Collector of a registry: all that a runtime counts. `runtime` is a struct runtime. */
void runtime_collect(void *runtime, struct snapshot *snapshot);
/* Whether the flows can do their work, as JSON with the reasons where they cannot. */
bool runtime_readiness(const struct runtime *runtime, struct text *json);
/* Rejected rows of a flow by error code. */
uint64_t runtime_rejects(const struct runtime *runtime, size_t flow, enum sluice_code code);

#endif
