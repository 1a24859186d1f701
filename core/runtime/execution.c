/* SPDX-License-Identifier: Apache-2.0 */
/* Making an execution, commanding its lanes, ending it. */
#include "runtime/execution.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RETRY_LIMIT_MS = 120000, DICTIONARY_ENTRIES = 1 << 20 };

static struct account *dictionary_account(struct flow *flow)
{
    return &flow->pipeline->dictionary_account;
}

static enum sluice_status create_instances(struct execution *execution,
                                           const struct checkpoint *restored,
                                           struct sluice_error *error)
{
    for (size_t i = 0; i < execution->instance_count; i++) {
        struct instance *instance = execution->instances[i];
        if (instance_create(instance, restored) != SLUICE_OK) {
            error_copy(error, instance->error);
            execution->failed_step = instance->step;
            return error_status(error);
        }
    }
    return SLUICE_OK;
}

static enum sluice_status create_rejects(struct execution *execution, struct sluice_error *error)
{
    for (int i = 0; i < execution->lane_count; i++) {
        struct lane *lane = &execution->lanes[i];
        if (!lane->dead_letter)
            continue;
        lane->rejects = reject_buffer_create(lane, error);
        if (!lane->rejects)
            return SLUICE_FATAL;
    }
    return SLUICE_OK;
}

enum sluice_status execution_create(struct flow *flow, uint64_t run_number,
                                    const struct checkpoint *restored,
                                    struct execution **created, struct sluice_error *error)
{
    *created = NULL;
    struct execution *execution = calloc(1, sizeof *execution);
    if (!execution || !(execution->failure = error_create())) {
        free(execution);
        return error_set(error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                         "no memory to build the flow");
    }
    bool is_batch = flow->plan->trigger != FLOW_CONTINUOUS;
    execution->flow = flow;
    execution->nonce = random_seed();
    execution->run_number = run_number;
    execution->restored = restored ? restored->number : 0;
    execution->retry_limit_ms = is_batch || flow->runtime->options.is_once ? RETRY_LIMIT_MS : 0;
    pthread_mutex_init(&execution->lock, NULL);
    condition_init(&execution->changed);
    enum sluice_status status = graph_build(execution, error);
    if (status == SLUICE_OK && !(execution->watch = watch_create(execution)))
        status = error_set(error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                           "no memory to build the flow");
    if (status == SLUICE_OK && is_batch) {
        int64_t cap_bytes = flow->pipeline->plan->settings.memory_bytes / 8;
        execution->dictionaries =
            dictionary_set_create(dictionary_account(flow), DICTIONARY_ENTRIES, cap_bytes);
        if (!execution->dictionaries)
            status = error_set(error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                               "no memory for the flow's dictionaries");
    }
    if (status == SLUICE_OK)
        status = create_rejects(execution, error);
    if (status == SLUICE_OK)
        status = create_instances(execution, restored, error);
    if (status != SLUICE_OK) {
        flow_report_failure(flow, execution->failed_step, error);
        execution_destroy(execution);
        return status;
    }
    *created = execution;
    return SLUICE_OK;
}

void execution_destroy(struct execution *execution)
{
    if (!execution)
        return;
    for (size_t i = 0; execution->instances && i < execution->instance_count; i++)
        if (execution->instances[i])
            instance_destroy(execution->instances[i]);
    for (size_t i = 0; execution->flow && i < execution->step_count; i++)
        atomic_store(&execution->flow->steps[i].counters.blocked_by, 0);
    watch_destroy(execution->watch);
    graph_free(execution);
    dictionary_set_destroy(execution->dictionaries);
    batch_release(execution->unsent);
    checkpoint_destroy(execution->gathering);
    checkpoint_destroy(execution->unsettled);
    error_destroy(execution->failure);
    pthread_mutex_destroy(&execution->lock);
    pthread_cond_destroy(&execution->changed);
    free(execution);
}

enum sluice_status execution_start(struct execution *execution, struct sluice_error *error)
{
    for (int i = 0; i < execution->lane_count; i++) {
        struct lane *lane = &execution->lanes[i];
        int code = pthread_create(&lane->thread, NULL, lane_main, lane);
        if (code != 0)
            return error_set(error, SLUICE_FATAL, SLUICE_CODE_INTERNAL,
                             "the system gives no thread: %s", strerror(code));
        lane->is_started = true;
    }
    return SLUICE_OK;
}

void execution_cancel(struct execution *execution)
{
    if (atomic_exchange(&execution->is_cancelled, true))
        return;
    for (size_t i = 0; i < execution->instance_count; i++) {
        struct instance *instance = execution->instances[i];
        const struct component *component = instance->step->plan->component;
        void (*cancel)(void *) = component->kind == SLUICE_KIND_SOURCE ? component->source.cancel
                                 : component->kind == SLUICE_KIND_TRANSFORM
                                     ? component->transform.cancel
                                     : component->sink.cancel;
        pthread_mutex_lock(&instance->object_lock);
        if (cancel && instance->object)
            cancel(instance->object);
        pthread_mutex_unlock(&instance->object_lock);
    }
    for (int i = 0; i < execution->lane_count; i++)
        lane_wake(&execution->lanes[i]);
    pthread_mutex_lock(&execution->lock);
    pthread_cond_broadcast(&execution->changed);
    pthread_mutex_unlock(&execution->lock);
}

void execution_fail(struct execution *execution, const struct flow_step *step,
                    const struct sluice_error *error)
{
    bool is_first = false;
    pthread_mutex_lock(&execution->lock);
    if (!execution->has_failed && !atomic_load(&execution->is_cancelled)) {
        is_first = true;
        execution->has_failed = true;
        execution->failed_step = step;
        if (error)
            error_copy(execution->failure, error);
        else
            error_set(execution->failure, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                      "no memory for a command");
        if (!*error_message(execution->failure) &&
            error_code(execution->failure) == SLUICE_CODE_NONE)
            error_set(execution->failure, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                      "the step failed without a reason; most likely it found no memory: raise "
                      "settings.memory");
        pthread_cond_broadcast(&execution->changed);
    }
    pthread_mutex_unlock(&execution->lock);
    if (is_first)
        execution_cancel(execution);
}

bool execution_post(struct execution *execution, const struct command *command)
{
    for (int i = 0; i < execution->lane_count; i++) {
        struct lane *lane = &execution->lanes[i];
        struct command *copy = malloc(sizeof *copy);
        if (!copy)
            return false;
        *copy = *command;
        copy->next = NULL;
        pthread_mutex_lock(&lane->lock);
        struct command **last = &lane->commands;
        while (*last)
            last = &(*last)->next;
        *last = copy;
        lane->is_signalled = true;
        pthread_cond_signal(&lane->wake);
        pthread_mutex_unlock(&lane->lock);
    }
    return true;
}

/* An orderly end has its time: shutdown_ms from when the stop was noticed, none where nothing was
 * read yet. A continuous flow drains meanwhile; a batch run may come to its end. Lock held. */
static void set_deadline(struct execution *execution)
{
    const struct flow *flow = execution->flow;
    if (execution->deadline_ms == 0 && atomic_load(&flow->runtime->is_stopping))
        execution->deadline_ms =
            clock_monotonic_ms() +
            (execution->is_reading ? flow->pipeline->plan->settings.shutdown_ms : 0);
}

void execution_wait(struct execution *execution, int64_t wake_ms)
{
    set_deadline(execution);
    if (execution->deadline_ms && execution->deadline_ms < wake_ms)
        wake_ms = execution->deadline_ms;
    int64_t wait_ms = wake_ms - clock_monotonic_ms();
    if (wait_ms > 0)
        condition_wait(&execution->changed, &execution->lock, wait_ms < 1000 ? wait_ms : 1000);
    pthread_mutex_unlock(&execution->lock);
    watch_look(execution);
    pthread_mutex_lock(&execution->lock);
    if (execution->deadline_ms && clock_monotonic_ms() >= execution->deadline_ms) {
        pthread_mutex_unlock(&execution->lock);
        execution_cancel(execution);
        pthread_mutex_lock(&execution->lock);
    }
}

static bool run_command(struct execution *execution, const struct command *command)
{
    pthread_mutex_lock(&execution->lock);
    execution->pending += command->kind == COMMAND_BARRIER ? execution->instance_count
                                                           : (size_t)execution->lane_count;
    pthread_mutex_unlock(&execution->lock);
    if (!execution_post(execution, command))
        execution_fail(execution, NULL, NULL);
    pthread_mutex_lock(&execution->lock);
    while (execution->pending > 0 && !execution->has_failed &&
           !atomic_load(&execution->is_cancelled))
        execution_wait(execution, INT64_MAX);
    bool is_done = !execution->has_failed && !atomic_load(&execution->is_cancelled);
    pthread_mutex_unlock(&execution->lock);
    return is_done;
}

bool execution_command(struct execution *execution, enum command_kind kind, uint64_t number)
{
    struct command command = {.kind = kind, .number = number};
    execution->awaited = kind == COMMAND_BARRIER || kind == COMMAND_COMMIT ? "checkpoint" : NULL;
    bool is_done = run_command(execution, &command);
    execution->awaited = NULL;
    return is_done;
}

bool execution_has_leftover(const struct execution *execution)
{
    for (size_t i = 0; i < execution->instance_count; i++)
        if (best_effort_has_leftover(execution->instances[i]))
            return true;
    return false;
}

bool execution_replay(struct execution *execution, const struct replay_rows *rows)
{
    const struct command command = {.kind = COMMAND_REPLAY, .replay = *rows};
    return run_command(execution, &command);
}

bool execution_recover(struct execution *execution, const struct checkpoint *checkpoint,
                       bool is_committed)
{
    struct command command = {.kind = COMMAND_RECOVER,
                              .number = checkpoint ? checkpoint->number : 0,
                              .member = execution->flow->pipeline->member.id,
                              .checkpoint = checkpoint,
                              .is_committed = is_committed};
    return run_command(execution, &command);
}

void execution_join(struct execution *execution)
{
    for (int i = 0; i < execution->lane_count; i++)
        if (execution->lanes[i].is_started)
            pthread_join(execution->lanes[i].thread, NULL);
}
