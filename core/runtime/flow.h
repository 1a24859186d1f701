/* SPDX-License-Identifier: Apache-2.0 */
/* What outlives an execution: the runtime, its flows, and the counters of their steps. */
#ifndef SLUICE_RUNTIME_FLOW_H
#define SLUICE_RUNTIME_FLOW_H

#include <pthread.h>

#include "checkpoint/checkpoint.h"
#include "runtime/runtime.h"

#include <sluice/host.h>

struct execution;

/* Counters of a step, summed over its instances and executions. Written by lanes, read by any. */
struct step_counters {
    atomic_uint_least64_t rows_in, rows_out, bytes_in, bytes_out;
    atomic_uint_least64_t rejected, duplicates, retries;
    atomic_int_least64_t time_ns[STEP_WAITING_RETRY + 1]; /* by activity */
    atomic_int_least64_t queued_bytes;
    atomic_int_least64_t progress_done, progress_total;
    atomic_int activity, shedding_count; /* instances whose rows go to the dead letter */
    atomic_int blocked_by; /* index of the step that it waits for and that is stuck, + 1; 0: none */
};

/* One value of a component's own metric; labels are the values joined by '\x1f'. */
struct metric_value {
    size_t row;
    char *labels;
    double value;
    uint64_t count;
    struct metric_value *next;
};

struct flow_step {
    const struct step_plan *plan;
    struct flow *flow;
    struct account account; /* outlives batches that the step's instances made */
    struct step_counters counters;
    pthread_mutex_t lock;
    /* guarded by lock */
    char last_error[256];
    struct metric_value *metrics;
};

#define FLOW_RESTORE_NOTHING UINT64_MAX

struct flow {
    struct runtime *runtime;
    struct pipeline_run *pipeline;
    const struct flow_plan *plan;
    size_t step_count;
    struct flow_step *steps;
    struct state_folder folder; /* checkpoints of this flow and member */
    bool restores_newest;       /* what `prepared` was made from was the newest checkpoint */
    struct execution *prepared; /* continuous: made before anything opens */
    uint64_t restore_from;      /* checkpoint that the next execution restores; 0: the newest;
                                 * FLOW_RESTORE_NOTHING: none is known as decided */
    bool is_resetting;          /* --reset-state: its next execution only takes a fresh checkpoint */
    pthread_t thread;
    bool is_started;
    atomic_uint_least64_t rejects_by_code[SLUICE_CODE_COUNT];
    atomic_uint_least64_t committed_run; /* newest committed run of a batch flow */

    pthread_mutex_t lock;
    /* guarded by lock */
    struct execution *execution; /* running now */
    enum flow_state state;
    bool is_uncommitted; /* stopped with something left */
    struct replay_report report;
    uint64_t run_count, checkpoint_count, checkpoint_number;
    int64_t checkpoint_duration_ms, next_run_ms;
    char error[1024];
};

struct pipeline_run {
    const struct pipeline_plan *plan;
    struct account account; /* limit: settings.memory */
    struct text folder;     /* STATE/PIPELINE; in a shared store without STATE */
    struct state_store *store;
    struct pipeline_state *shared; /* what a shared store lives from; NULL for a folder */
    struct member member;
};

struct runtime {
    const struct plan *plan;
    struct loader *loader;
    struct runtime_options options;
    struct sluice_host_table host_table;
    size_t pipeline_count;
    struct pipeline_run *pipelines;
    size_t flow_count;
    struct flow *flows;
    struct resource_set *resources;
    atomic_bool is_stopping;
    int stop_pipe[2]; /* a byte here wakes the thread that spreads the stop */
    pthread_t stopper;
    bool has_stopper;
    pthread_t conductor; /* --once: starts the flows in their order */
    bool has_conductor;
    struct sluice_error *error; /* of who starts the flows */

    pthread_mutex_t lock;
    pthread_cond_t changed; /* a flow ended or committed, or the runtime is stopping */
    /* guarded by lock */
    size_t running_count;
};

/* ---- flow.c ---- */

enum sluice_status flow_prepare(struct flow *flow, struct sluice_error *error);
void *flow_main(void *flow); /* controller thread */
void flow_set_state(struct flow *flow, enum flow_state state);
void flow_report_failure(struct flow *flow, const struct flow_step *step,
                         const struct sluice_error *error);
/* ---- run.c: one run of a flow over an execution ---- */

enum run_outcome { RUN_COMMITTED = 0, RUN_STOPPED, RUN_FAILED, RUN_REFUSED };

enum run_outcome run_continuous(struct flow *flow, struct execution *execution);
enum run_outcome run_batch(struct flow *flow, struct execution *execution, uint64_t after_run);
/* Finishes what the newest checkpoint of a batch flow staged, if a crash left that undone. */
enum run_outcome run_recovery(struct flow *flow);

/* ---- resource.c: named objects shared in the process ---- */

struct resource_set *resource_set_create(void);
void resource_set_destroy(struct resource_set *set);
enum sluice_status resource_get(struct resource_set *set, const char *name,
                                enum sluice_status (*create)(void *user, void **resource,
                                                             struct sluice_error *error),
                                void (*destroy)(void *resource), void *user, void **resource,
                                struct sluice_error *error);
void resource_release(struct resource_set *set, const char *name);

/* ---- host.c ---- */

/* Fills the table of services; planning calls are not in it. */
void host_fill(struct sluice_host_table *table);

/* The state streams behind the public opaque types. */
struct sluice_state_writer {
    struct text *text;
};
struct sluice_state_reader {
    const char *bytes;
    size_t size;
};

#endif
