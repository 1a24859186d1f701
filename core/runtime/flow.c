/* SPDX-License-Identifier: Apache-2.0 */
/* A flow's controller thread: when it runs, and what follows on each outcome. */
#include "runtime/host/state.h"
#include "runtime/replay/replay.h"
#include "runtime/shape.h"

#include "telemetry/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RESTART_PAUSE_MS = 500, POLL_MS = 1000 };

static struct log_scope scope_of(const struct flow *flow)
{
    return (struct log_scope){flow->pipeline->plan->name, flow->plan->name, NULL};
}

void flow_set_state(struct flow *flow, enum flow_state state)
{
    pthread_mutex_lock(&flow->lock);
    flow->state = state;
    pthread_mutex_unlock(&flow->lock);
}

/* file:line:column of the step's option that the error names, else of the step. */
static void print_place(const struct flow *flow, const struct flow_step *step,
                        const struct sluice_error *error, struct text *text)
{
    const char *option = error_field(error, SLUICE_AT_OPTION);
    struct mark mark = flow->plan->mark;
    if (step)
        mark = option ? plan_option_mark(flow->runtime->plan, step->plan, option,
                                         error_field(error, SLUICE_AT_ITEM))
                      : step->plan->mark;
    text_printf(text, "%s:%d:%d: ", mark.file, mark.line, mark.column);
}

void flow_report_failure(struct flow *flow, const struct flow_step *step,
                         const struct sluice_error *error)
{
    struct text text = {0};
    struct text place = {0};
    atomic_fetch_add(&flow->failure_count, 1);
    print_place(flow, step, error, &place);
    text_append(&text, text_get(&place));
    if (step)
        text_printf(&text, "step %s: ", step->plan->name);
    error_format(error, &text);
    pthread_mutex_lock(&flow->lock);
    snprintf(flow->error, sizeof flow->error, "%s", text_get(&text));
    pthread_mutex_unlock(&flow->lock);
    struct log_scope scope = scope_of(flow);
    scope.step = step ? step->plan->name : NULL;
    text_append(&place, "the flow stopped");
    log_error(SLUICE_LOG_ERROR, &scope, error, text_get(&place));
    text_reset(&text);
    text_reset(&place);
}

/* Makes the execution known to the stopper while it runs. */
static void set_execution(struct flow *flow, struct execution *execution)
{
    pthread_mutex_lock(&flow->lock);
    if (!execution)
        flow_keep_times(flow);
    flow->execution = execution;
    pthread_mutex_unlock(&flow->lock);
}

static bool is_stopping(const struct flow *flow)
{
    return atomic_load(&flow->runtime->is_stopping);
}

/* Sleeps for wait_ms, or until a commit of another flow or the stop. */
static void wait_for_change(struct flow *flow, int64_t wait_ms)
{
    struct runtime *runtime = flow->runtime;
    pthread_mutex_lock(&runtime->lock);
    if (!is_stopping(flow))
        condition_wait(&runtime->changed, &runtime->lock, wait_ms);
    pthread_mutex_unlock(&runtime->lock);
}

static void announce_change(struct runtime *runtime)
{
    pthread_mutex_lock(&runtime->lock);
    pthread_cond_broadcast(&runtime->changed);
    pthread_mutex_unlock(&runtime->lock);
}

/* ---- continuous flows ---- */

enum sluice_status flow_prepare(struct flow *flow, struct sluice_error *error)
{
    struct checkpoint *restored = NULL;
    enum sluice_status status = SLUICE_OK;
    flow->restores_newest = flow->restore_from == 0;
    if (flow->restore_from != FLOW_RESTORE_NOTHING && !flow->is_resetting)
        status = store_load(&flow->folder, flow->restore_from, &restored, error);
    if (status == SLUICE_OK)
        status = shape_check(flow, restored, false, error);
    if (status == SLUICE_OK)
        status = execution_create(flow, 0, restored, &flow->prepared, error);
    else
        flow_report_failure(flow, NULL, error);
    checkpoint_destroy(restored);
    return status;
}

static enum run_outcome run_until_stopped(struct flow *flow)
{
    struct sluice_error *error = error_create();
    enum run_outcome outcome = RUN_FAILED;
    while (error) {
        if (!flow->prepared && flow_prepare(flow, error) != SLUICE_OK) {
            outcome = RUN_FAILED;
            break;
        }
        struct execution *execution = flow->prepared;
        flow->prepared = NULL;
        flow->restore_from = 0;
        set_execution(flow, execution);
        bool was_resetting = flow->is_resetting;
        outcome = was_resetting                   ? run_reset(flow, execution)
                  : flow->runtime->options.replay ? run_replay(flow, execution)
                                                  : run_continuous(flow, execution);
        set_execution(flow, NULL);
        uint64_t restore_from = flow->restore_from;
        execution_destroy(execution);
        flow->restore_from = restore_from;
        if (outcome == RUN_COMMITTED && was_resetting && !is_stopping(flow))
            continue; /* now from the fresh checkpoint */
        if (outcome != RUN_REFUSED || is_stopping(flow))
            break;
        atomic_fetch_add(&flow->restart_count, 1);
        wait_for_change(flow, RESTART_PAUSE_MS);
    }
    error_destroy(error);
    return outcome;
}

/* ---- flows with every or after ---- */

static struct flow *find_flow(const struct flow *flow, const char *name)
{
    struct runtime *runtime = flow->runtime;
    for (size_t i = 0; name && i < runtime->flow_count; i++)
        if (runtime->flows[i].pipeline == flow->pipeline &&
            strcmp(runtime->flows[i].plan->name, name) == 0)
            return &runtime->flows[i];
    return NULL;
}

/* Newest committed run of the flow that this one comes after. Where that flow is not part of this
 * process, its mark in the state folder tells. */
static enum sluice_status read_other_run(const struct flow *flow, uint64_t *number,
                                         struct sluice_error *error)
{
    *number = 0;
    if (flow->plan->trigger != FLOW_AFTER)
        return SLUICE_OK;
    const struct flow *other = find_flow(flow, flow->plan->after);
    if (other) {
        *number = atomic_load(&other->committed_run);
        return SLUICE_OK;
    }
    struct state_folder folder;
    pipeline_state_folder(flow->pipeline, flow->plan->after, flow->pipeline->member.id, &folder);
    enum sluice_status status = store_read_mark(&folder, "committed", number, error);
    state_folder_reset(&folder);
    return status;
}

/* Number of a new attempt: larger than every earlier one, and at least now in milliseconds, so
 * that it can serve as an external version. Durable before the run begins. */
static enum sluice_status draw_run_number(struct flow *flow, uint64_t *number,
                                          struct sluice_error *error)
{
    uint64_t newest = 0;
    enum sluice_status status = store_newest(&flow->folder, &newest, error);
    uint64_t now_ms = (uint64_t)clock_wall_ms();
    fault_point("run.draw");
    if (status == SLUICE_OK)
        status = store_draw(&flow->folder, newest + 1 > now_ms ? newest + 1 : now_ms, number,
                            error);
    fault_point("run.drawn");
    return status;
}

static void note_run(struct flow *flow, uint64_t number)
{
    atomic_store(&flow->committed_run, number);
    pthread_mutex_lock(&flow->lock);
    flow->run_count++;
    flow->run_wall_ms = clock_wall_ms();
    flow->error[0] = '\0';
    pthread_mutex_unlock(&flow->lock);
    struct log_scope scope = scope_of(flow);
    log_write(SLUICE_LOG_INFO, &scope, NULL, 0, "run %llu committed", (unsigned long long)number);
    announce_change(flow->runtime);
}

/* One run, repeated at once where it has to start over. */
static enum run_outcome run_once(struct flow *flow, uint64_t *after_run)
{
    struct sluice_error *error = error_create();
    enum run_outcome outcome = RUN_FAILED;
    while (error) {
        struct execution *execution = NULL;
        uint64_t number = 0;
        if (read_other_run(flow, after_run, error) != SLUICE_OK ||
            draw_run_number(flow, &number, error) != SLUICE_OK) {
            flow_report_failure(flow, NULL, error);
            break;
        }
        if (execution_create(flow, number, NULL, &execution, error) != SLUICE_OK)
            break;
        set_execution(flow, execution);
        outcome = run_batch(flow, execution, *after_run);
        set_execution(flow, NULL);
        execution_destroy(execution);
        if (outcome == RUN_COMMITTED)
            note_run(flow, number);
        if (outcome != RUN_REFUSED || is_stopping(flow))
            break;
        wait_for_change(flow, RESTART_PAUSE_MS);
    }
    error_destroy(error);
    return outcome;
}

static void plan_next_run(struct flow *flow, int64_t next_run_ms)
{
    pthread_mutex_lock(&flow->lock);
    flow->state = FLOW_WAITING;
    flow->next_run_ms = next_run_ms;
    pthread_mutex_unlock(&flow->lock);
}

/* When the next run is due, by the monotonic clock: `every` after the last one began, now where that
 * has passed or the flow never ran. Missed ticks fold into one. The last run's number tells when it
 * began by the wall clock; where that has been set back since, it counts as just begun. */
static int64_t first_due_ms(const struct flow *flow)
{
    int64_t ago_ms = clock_wall_ms() - (int64_t)atomic_load(&flow->committed_run);
    int64_t left_ms = flow->plan->every_ms - (ago_ms > 0 ? ago_ms : 0);
    return clock_monotonic_ms() + (left_ms > 0 ? left_ms : 0);
}

/* Runs by the trigger until the stop. A failed run is tried again at its next trigger. */
static enum run_outcome run_by_trigger(struct flow *flow, uint64_t after_run)
{
    bool is_every = flow->plan->trigger == FLOW_EVERY;
    int64_t due_ms = is_every ? first_due_ms(flow) : 0;
    const struct flow *other = find_flow(flow, flow->plan->after);
    while (!is_stopping(flow)) {
        int64_t now_ms = clock_monotonic_ms();
        bool is_due = is_every ? now_ms >= due_ms
                               : other && atomic_load(&other->committed_run) > after_run;
        if (!is_due) {
            int64_t left_ms = is_every ? due_ms - now_ms : POLL_MS;
            plan_next_run(flow, is_every ? clock_wall_ms() + left_ms : 0);
            wait_for_change(flow, left_ms < POLL_MS ? left_ms : POLL_MS);
            continue;
        }
        due_ms = now_ms + flow->plan->every_ms;
        if (run_once(flow, &after_run) == RUN_STOPPED)
            return RUN_STOPPED;
    }
    /* The stop finds the flow between runs: nothing is left undone by it. */
    return RUN_COMMITTED;
}

/* What the flow's newest checkpoint says of the run of the other flow that it read. */
static enum sluice_status read_after_run(struct flow *flow, uint64_t *after_run,
                                         struct sluice_error *error)
{
    struct checkpoint *newest = NULL;
    enum sluice_status status = store_load(&flow->folder, 0, &newest, error);
    *after_run = newest ? newest->after_run : 0;
    checkpoint_destroy(newest);
    if (status != SLUICE_OK)
        flow_report_failure(flow, NULL, error);
    return status;
}

static enum run_outcome run_triggered(struct flow *flow)
{
    uint64_t after_run = 0;
    struct sluice_error *error = error_create();
    enum run_outcome outcome = error ? run_recovery(flow) : RUN_FAILED;
    flow->is_resetting = false; /* nothing else is kept between runs */
    announce_change(flow->runtime);
    if (outcome == RUN_COMMITTED && read_after_run(flow, &after_run, error) != SLUICE_OK)
        outcome = RUN_FAILED;
    error_destroy(error);
    if (outcome != RUN_COMMITTED)
        return outcome;
    return flow->runtime->options.is_once ? run_once(flow, &after_run)
                                          : run_by_trigger(flow, after_run);
}

/* Where not even an error could be made to say why a flow failed. */
static void explain_silence(struct flow *flow)
{
    pthread_mutex_lock(&flow->lock);
    bool is_silent = flow->error[0] == '\0';
    if (is_silent)
        snprintf(flow->error, sizeof flow->error, "no memory to run the flow");
    pthread_mutex_unlock(&flow->lock);
    struct log_scope scope = scope_of(flow);
    if (is_silent)
        log_write(SLUICE_LOG_ERROR, &scope, NULL, 0, "no memory to run the flow: it stopped");
}

void *flow_main(void *argument)
{
    struct flow *flow = argument;
    struct runtime *runtime = flow->runtime;
    pipeline_state_begin_runs(flow);
    enum run_outcome outcome = flow->plan->trigger == FLOW_CONTINUOUS ? run_until_stopped(flow)
                                                                      : run_triggered(flow);
    if (outcome == RUN_FAILED)
        explain_silence(flow);
    pthread_mutex_lock(&flow->lock);
    flow->state = outcome == RUN_FAILED ? FLOW_FAILED : FLOW_ENDED;
    flow->is_uncommitted = outcome == RUN_STOPPED || outcome == RUN_REFUSED;
    pthread_mutex_unlock(&flow->lock);
    /* Half a pipeline is no pipeline: the others end in order, and whoever supervises the process
     * sees its exit code. */
    if (outcome == RUN_FAILED)
        runtime_stop(runtime);
    pthread_mutex_lock(&runtime->lock);
    runtime->running_count--;
    pthread_cond_broadcast(&runtime->changed);
    pthread_mutex_unlock(&runtime->lock);
    return NULL;
}
