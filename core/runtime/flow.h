/* SPDX-License-Identifier: Apache-2.0 */
/* What outlives an execution: the runtime and its flows; step.h has the steps. */
#ifndef SLUICE_RUNTIME_FLOW_H
#define SLUICE_RUNTIME_FLOW_H

#include <pthread.h>

#include "checkpoint/checkpoint.h"
#include "runtime/step.h"

#include <sluice/host.h>

struct execution;

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
    atomic_uint_least64_t failure_count, restart_count;
    atomic_uint_least64_t checkpoint_failures;
    struct histogram checkpoint_time;
    atomic_uint_least64_t committed_run; /* newest committed run of a batch flow */

    pthread_mutex_t lock;
    /* guarded by lock */
    struct execution *execution; /* running now */
    enum flow_state state;
    bool is_uncommitted; /* stopped with something left */
    struct replay_report report;
    uint64_t run_count, checkpoint_count, checkpoint_number;
    int64_t checkpoint_duration_ms, next_run_ms;
    int64_t checkpoint_bytes, checkpoint_wall_ms; /* size of the newest, and when it was committed */
    int64_t run_wall_ms;                          /* batch: when the newest run was committed */
    uint64_t covered_rows; /* continuous: read, and in a committed checkpoint */
    int64_t covered_ms;    /* monotonic: when that was all that had been read; 0: never */
    char error[1024];
};

struct pipeline_run {
    const struct pipeline_plan *plan;
    struct account account; /* limit: settings.memory */
    struct account dictionary_account; /* a part of it, for the dictionaries of all flows */
    const char *spill_path;            /* where steps move what memory has no room for */
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

/* ---- observe/: what is told about a flow ---- */

uint64_t flow_rejects(const struct flow *flow, enum sluice_code code);
/* Rows that sources have read, rejected ones included. */
uint64_t flow_rows_read(const struct flow *flow);
/* All that was read by then is in a committed checkpoint. */
void flow_note_covered(struct flow *flow, uint64_t rows, int64_t now_ms);
void flow_note_checkpoint(struct flow *flow, const struct checkpoint *checkpoint,
                          int64_t duration_ms);
/* The execution is about to go: what its lanes know goes to the steps. Flow lock held. */
void flow_keep_times(struct flow *flow);

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
