/* SPDX-License-Identifier: Apache-2.0 */
/* One run of a flow, as its controller sees it: open, recover, read, checkpoints, end.
 *
 * A checkpoint: barriers through the graph → every instance has answered → written durably →
 * decided (by the source, or by being durable) → sinks commit → marked as committed → sources
 * told. A crash before the decision restores the one before; after it, recover finishes it. */
#include "runtime/replay/replay.h"
#include "runtime/shape.h"

#include "telemetry/log.h"

#include <string.h>

enum { KEPT_CHECKPOINTS = 8, LEFTOVER_LEAST_MS = 1000 };

static struct log_scope scope_of(const struct flow *flow)
{
    return (struct log_scope){flow->pipeline->plan->name, flow->plan->name, NULL};
}

static bool is_stopping(const struct flow *flow)
{
    return atomic_load(&flow->runtime->is_stopping);
}

enum run_outcome run_conclude(struct execution *execution)
{
    struct flow *flow = execution->flow;
    if (atomic_load(&execution->wants_restart))
        return RUN_REFUSED;
    if (execution->has_failed) {
        flow_report_failure(flow, execution->failed_step, execution->failure);
        return RUN_FAILED;
    }
    /* A continuous flow that was stopped before it read anything leaves nothing behind. */
    bool is_left = execution->is_reading || execution->has_leftovers ||
                   flow->plan->trigger != FLOW_CONTINUOUS;
    return is_left ? RUN_STOPPED : RUN_COMMITTED;
}

/* A failure of the controller's own. */
static void fail(struct execution *execution, const struct sluice_error *error)
{
    /* The time of an orderly end ran out while a store of state was waited for. */
    if (error_code(error) == SLUICE_CODE_CANCELLED && is_stopping(execution->flow)) {
        execution_cancel(execution);
        return;
    }
    execution_fail(execution, NULL, error);
}

/* What there is to go on from before this process takes a checkpoint of its own. */
static void note_committed(struct flow *flow, uint64_t committed)
{
    pthread_mutex_lock(&flow->lock);
    if (committed > flow->checkpoint_number)
        flow->checkpoint_number = committed;
    pthread_mutex_unlock(&flow->lock);
}

/* The decision. True: decided. False: refused or failed. */
static bool decide(struct execution *execution, uint64_t number)
{
    if (execution->deciding_step == SIZE_MAX)
        return true;
    execution->decision = SLUICE_OK;
    if (!execution_command(execution, COMMAND_DECIDE, number))
        return false;
    if (execution->decision == SLUICE_OK)
        return true;
    atomic_store(&execution->wants_restart, true);
    return false;
}

/* What is the flow's own: its shape, and the claim of the letters that the checkpoint holds. */
static bool add_own_entries(struct execution *execution, struct checkpoint *checkpoint,
                            struct sluice_error *error)
{
    struct text nonce = {0};
    if (execution->claim)
        text_append_bytes(&nonce, (const char *)&execution->claim, sizeof execution->claim);
    pthread_mutex_lock(&execution->lock);
    bool is_added = !nonce.has_failed && shape_add(execution->flow, checkpoint) &&
                    (execution->claim == 0 ||
                     checkpoint_add(checkpoint, CHECKPOINT_REPLAYED, "", 0, &nonce));
    pthread_mutex_unlock(&execution->lock);
    text_reset(&nonce);
    if (!is_added) {
        error_set(error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY, "no memory for a checkpoint");
        fail(execution, error);
    }
    return is_added;
}

static bool attempt_checkpoint(struct execution *execution, uint64_t number, uint64_t after_run,
                               struct sluice_error *error)
{
    struct flow *flow = execution->flow;
    int64_t started_ms = clock_monotonic_ms();
    uint64_t rows = flow_rows_read(flow);
    struct checkpoint *checkpoint = checkpoint_create(number);
    if (!checkpoint) {
        error_set(error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY, "no memory for a checkpoint");
        fail(execution, error);
        return false;
    }
    checkpoint->after_run = after_run;
    pthread_mutex_lock(&execution->lock);
    checkpoint_destroy(execution->gathering);
    execution->gathering = checkpoint;
    pthread_mutex_unlock(&execution->lock);
    fault_point("checkpoint.begun");
    if (!add_own_entries(execution, checkpoint, error) ||
        !execution_command(execution, COMMAND_BARRIER, number))
        return false;
    fault_point("checkpoint.gathered");
    if (store_save(&flow->folder, checkpoint, error) != SLUICE_OK) {
        fail(execution, error);
        return false;
    }
    fault_point("checkpoint.saved");
    if (!decide(execution, number))
        return false;
    fault_point("checkpoint.decided");
    if (!execution_command(execution, COMMAND_COMMIT, number))
        return false;
    fault_point("checkpoint.committed");
    if (!execution_has_leftover(execution) &&
        store_write_mark(&flow->folder, "committed", number, error) != SLUICE_OK) {
        fail(execution, error);
        return false;
    }
    fault_point("checkpoint.marked");
    if (!execution_command(execution, COMMAND_COMMITTED, number))
        return false;
    fault_point("checkpoint.told");
    flow_note_checkpoint(flow, checkpoint, clock_monotonic_ms() - started_ms);
    flow_note_covered(flow, rows, started_ms);
    return true;
}

static bool take_checkpoint(struct execution *execution, uint64_t number, uint64_t after_run,
                            struct sluice_error *error)
{
    bool is_taken = attempt_checkpoint(execution, number, after_run, error);
    if (!is_taken && !is_stopping(execution->flow))
        atomic_fetch_add(&execution->flow->checkpoint_failures, 1);
    return is_taken;
}

/* Checkpoints that the group's metadata may still name are kept. */
static void prune(struct execution *execution, uint64_t number)
{
    struct sluice_error *error = error_create();
    bool is_deciding = execution->deciding_step != SIZE_MAX;
    uint64_t spare = is_deciding ? KEPT_CHECKPOINTS : 0;
    fault_point("checkpoint.prune");
    if (error && store_prune(&execution->flow->folder, number, spare, error) != SLUICE_OK) {
        struct log_scope scope = scope_of(execution->flow);
        log_error(SLUICE_LOG_WARN, &scope, error, "old checkpoints were not removed");
    }
    fault_point("checkpoint.pruned");
    error_destroy(error);
}

bool run_take_checkpoint(struct execution *execution, uint64_t number, struct sluice_error *error)
{
    if (!take_checkpoint(execution, number, 0, error))
        return false;
    prune(execution, number);
    return true;
}

/* A start over keeps nothing but what sinks can still finish. */
static enum sluice_status check_shape(const struct flow *flow, const struct checkpoint *newest,
                                      bool is_committed, struct sluice_error *error)
{
    return flow->is_resetting ? SLUICE_OK : shape_check(flow, newest, !is_committed, error);
}

/* A checkpoint is saved before it is marked: where the mark is ahead, a checkpoint was lost, and the
 * one before it would repeat rows. */
static bool is_newest_there(const struct execution *execution, uint64_t newest, uint64_t committed,
                            struct sluice_error *error)
{
    if (committed <= newest)
        return true;
    struct text place = {0};
    state_folder_describe(&execution->flow->folder, &place);
    error_set(error, SLUICE_FATAL, SLUICE_CODE_STATE_CORRUPT,
              "checkpoint %llu was committed, but it is not in %s: restore the folder from a "
              "backup, or remove it to start the flow over, which reads everything again",
              (unsigned long long)committed, text_get(&place));
    text_reset(&place);
    return false;
}

bool run_begin(struct execution *execution, const struct checkpoint *newest,
               struct sluice_error *error)
{
    struct flow *flow = execution->flow;
    uint64_t number = newest ? newest->number : 0;
    uint64_t committed = 0;
    if (execution_start(execution, error) != SLUICE_OK ||
        store_read_mark(&flow->folder, "committed", &committed, error) != SLUICE_OK ||
        !is_newest_there(execution, number, committed, error) ||
        check_shape(flow, newest, number == committed, error) != SLUICE_OK) {
        fail(execution, error);
        return false;
    }
    note_committed(flow, committed);
    fault_point("run.begin");
    if (!execution_command(execution, COMMAND_OPEN, 0))
        return false;
    fault_point("run.opened");
    if (execution->deciding_step == SIZE_MAX) {
        bool is_left = number > 0 && number != committed;
        execution->has_leftovers = is_left;
        /* Opening may have taken long: whoever is the member now must lose nothing by us. */
        if (store_confirm(&flow->folder, error) != SLUICE_OK) {
            fail(execution, error);
            return false;
        }
        if (!execution_recover(execution, newest, !is_left))
            return false;
        fault_point("run.recovered");
        if (is_left && !execution_has_leftover(execution) &&
            store_write_mark(&flow->folder, "committed", number, error) != SLUICE_OK) {
            fail(execution, error);
            return false;
        }
        execution->has_leftovers = false;
        fault_point("run.settled");
        if (replay_resolve(flow, number, newest, error) != SLUICE_OK) {
            fail(execution, error);
            return false;
        }
    }
    return true;
}

bool run_begin_reading(struct execution *execution)
{
    if (!execution_command(execution, COMMAND_OPEN_SOURCES, 0))
        return false;
    fault_point("run.sources-opened");
    pthread_mutex_lock(&execution->lock);
    execution->is_reading = true;
    pthread_mutex_unlock(&execution->lock);
    if (!execution_command(execution, COMMAND_RUN, 0))
        return false;
    flow_set_state(execution->flow, FLOW_RUNNING);
    return true;
}

void run_end(struct execution *execution)
{
    execution_command(execution, COMMAND_QUIT, 0);
    execution_cancel(execution);
    execution_join(execution);
}

static size_t source_count(const struct execution *execution)
{
    size_t count = 0;
    for (size_t i = 0; i < execution->instance_count; i++)
        if (execution->instances[i]->step->plan->component->kind == SLUICE_KIND_SOURCE)
            count++;
    return count;
}

enum wake_reason { WAKE_FAILED = 0, WAKE_CHECKPOINT, WAKE_END };

/* Sleeps until a checkpoint is due or the sources have ended or are to stop. */
static enum wake_reason wait_for_work(struct execution *execution, int64_t due_ms, size_t sources)
{
    enum wake_reason reason = WAKE_FAILED;
    pthread_mutex_lock(&execution->lock);
    while (!execution->has_failed && !atomic_load(&execution->is_cancelled)) {
        if (execution->exhausted_count == sources || is_stopping(execution->flow)) {
            reason = WAKE_END;
            break;
        }
        if (atomic_exchange(&execution->wants_checkpoint, false) ||
            clock_monotonic_ms() >= due_ms) {
            reason = WAKE_CHECKPOINT;
            break;
        }
        execution_wait(execution, due_ms);
    }
    pthread_mutex_unlock(&execution->lock);
    return reason;
}

static bool waits_for_leftover(struct execution *execution, int64_t until_ms)
{
    return execution_has_leftover(execution) && !execution->has_failed &&
           !atomic_load(&execution->is_cancelled) && clock_monotonic_ms() < until_ms;
}

/* The end of a run gives a sink of best effort its patience to finish what it had staged. */
static enum run_outcome finish_leftovers(struct execution *execution, uint64_t number,
                                         struct sluice_error *error)
{
    struct flow *flow = execution->flow;
    int64_t patience_ms = LEFTOVER_LEAST_MS;
    if (!execution_has_leftover(execution))
        return RUN_COMMITTED;
    for (size_t i = 0; i < flow->step_count; i++)
        if (flow->steps[i].plan->patience_ms > patience_ms)
            patience_ms = flow->steps[i].plan->patience_ms;
    int64_t until_ms = clock_monotonic_ms() + patience_ms;
    pthread_mutex_lock(&execution->lock);
    while (waits_for_leftover(execution, until_ms))
        execution_wait(execution, until_ms);
    pthread_mutex_unlock(&execution->lock);
    if (execution_has_leftover(execution))
        return RUN_STOPPED;
    if (store_write_mark(&flow->folder, "committed", number, error) == SLUICE_OK)
        return RUN_COMMITTED;
    fail(execution, error);
    return RUN_FAILED;
}

/* Checkpoints until the end; the last one ends the run. */
static enum run_outcome checkpoint_until_end(struct execution *execution, uint64_t number,
                                             uint64_t rows_before, struct sluice_error *error)
{
    struct flow *flow = execution->flow;
    int64_t interval_ms = flow->pipeline->plan->settings.checkpoint_ms;
    size_t sources = source_count(execution);
    int64_t due_ms = clock_monotonic_ms() + interval_ms;
    for (;;) {
        enum wake_reason reason = wait_for_work(execution, due_ms, sources);
        if (reason == WAKE_FAILED)
            return RUN_FAILED;
        if (reason == WAKE_END) {
            flow_set_state(flow, FLOW_STOPPING);
            if (!execution_command(execution, COMMAND_STOP_READING, 0))
                return RUN_FAILED;
        }
        uint64_t rows_now = flow_rows_read(flow);
        bool is_forced = due_ms > clock_monotonic_ms();
        if (reason == WAKE_END || is_forced || rows_now != rows_before) {
            number = store_next(&flow->folder, number);
            if (!take_checkpoint(execution, number, 0, error))
                return RUN_FAILED;
            prune(execution, number);
        } else {
            flow_note_covered(flow, rows_now, clock_monotonic_ms());
        }
        if (reason == WAKE_END)
            return finish_leftovers(execution, number, error);
        rows_before = rows_now;
        due_ms = clock_monotonic_ms() + interval_ms;
    }
}

/* What is read before the controller comes to look needs a checkpoint, too, and perhaps nothing
 * follows for long. */
static enum run_outcome read_to_the_end(struct execution *execution, uint64_t number,
                                        struct sluice_error *error)
{
    uint64_t rows_before = flow_rows_read(execution->flow);
    flow_note_covered(execution->flow, rows_before, clock_monotonic_ms());
    return run_begin_reading(execution)
               ? checkpoint_until_end(execution, number, rows_before, error)
               : RUN_FAILED;
}

/* Another process was the member between the making of the instances and our claim. */
static bool is_outdated(const struct execution *execution, const struct checkpoint *newest)
{
    return execution->flow->restores_newest &&
           execution->restored != (newest ? newest->number : 0);
}

enum run_outcome run_continuous(struct flow *flow, struct execution *execution)
{
    struct sluice_error *error = error_create();
    struct checkpoint *newest = NULL;
    enum run_outcome outcome = RUN_FAILED;
    if (!error)
        return RUN_FAILED;
    flow_set_state(flow, FLOW_STARTING);
    if (store_claim(&flow->folder, &newest, error) != SLUICE_OK)
        fail(execution, error);
    else if (is_outdated(execution, newest))
        atomic_store(&execution->wants_restart, true);
    else if (run_begin(execution, newest, error))
        outcome = read_to_the_end(execution, newest ? newest->number : 0, error);
    run_end(execution);
    if (outcome != RUN_COMMITTED)
        outcome = run_conclude(execution);
    checkpoint_destroy(newest);
    error_destroy(error);
    return outcome;
}

/* Waits for all sources to end. */
static bool wait_for_sources(struct execution *execution)
{
    size_t sources = source_count(execution);
    pthread_mutex_lock(&execution->lock);
    while (execution->exhausted_count < sources && !execution->has_failed &&
           !atomic_load(&execution->is_cancelled))
        execution_wait(execution, INT64_MAX);
    bool is_done = !execution->has_failed && !atomic_load(&execution->is_cancelled);
    pthread_mutex_unlock(&execution->lock);
    return is_done;
}

enum run_outcome run_batch(struct flow *flow, struct execution *execution, uint64_t after_run)
{
    struct sluice_error *error = error_create();
    struct checkpoint *newest = NULL;
    bool is_done = false;
    if (!error)
        return RUN_FAILED;
    flow_set_state(flow, FLOW_STARTING);
    if (store_claim(&flow->folder, &newest, error) != SLUICE_OK)
        fail(execution, error);
    else
        is_done = run_begin(execution, newest, error) && run_begin_reading(execution) &&
                  wait_for_sources(execution) &&
                  take_checkpoint(execution, execution->run_number, after_run, error);
    if (is_done)
        prune(execution, execution->run_number);
    run_end(execution);
    enum run_outcome outcome = is_done ? RUN_COMMITTED : run_conclude(execution);
    checkpoint_destroy(newest);
    error_destroy(error);
    return outcome;
}

enum run_outcome run_recovery(struct flow *flow)
{
    struct sluice_error *error = error_create();
    struct checkpoint *newest = NULL;
    struct execution *execution = NULL;
    uint64_t committed = 0;
    enum run_outcome outcome = RUN_FAILED;
    if (!error)
        return RUN_FAILED;
    if (store_claim(&flow->folder, &newest, error) != SLUICE_OK ||
        store_read_mark(&flow->folder, "committed", &committed, error) != SLUICE_OK) {
        flow_report_failure(flow, NULL, error);
    } else if (!newest || newest->number == committed) {
        outcome = RUN_COMMITTED;
    } else if (execution_create(flow, newest->number, NULL, &execution, error) == SLUICE_OK) {
        bool is_done = run_begin(execution, newest, error);
        run_end(execution);
        outcome = is_done ? RUN_COMMITTED : run_conclude(execution);
        execution_destroy(execution);
    }
    if (outcome == RUN_COMMITTED)
        atomic_store(&flow->committed_run, newest ? newest->number : 0);
    checkpoint_destroy(newest);
    error_destroy(error);
    return outcome;
}
