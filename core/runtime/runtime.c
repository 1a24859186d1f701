/* SPDX-License-Identifier: Apache-2.0 */
/* Making a runtime, starting its flows, stopping them, and how it all ended. */
#include "runtime/host/state.h"
#include "runtime/replay/replay.h"

#include "telemetry/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One part in so many of the budget. */
enum { DICTIONARIES_SHARE = 8 };

static enum sluice_status no_memory(struct sluice_error *error)
{
    return error_set(error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                     "no memory to set up the flows");
}

static enum sluice_status init_pipeline(struct pipeline_run *pipeline,
                                        const struct pipeline_plan *plan, const char *member,
                                        const struct sluice_host_table *table,
                                        struct sluice_error *error)
{
    pipeline->plan = plan;
    pipeline->member.lock = -1;
    account_init(&pipeline->account, plan->settings.memory_bytes, NULL);
    account_init(&pipeline->dictionary_account, plan->settings.memory_bytes / DICTIONARIES_SHARE,
                 &pipeline->account);
    enum sluice_status status =
        pipeline_state_open(pipeline, member ? member : plan->settings.member, table, error);
    const char *temporary = getenv("TMPDIR");
    const char *local = *pipeline->member.path           ? pipeline->member.path
                        : temporary && *temporary ? temporary
                                                  : "/tmp";
    pipeline->spill_path = plan->settings.spill ? plan->settings.spill : local;
    if (status == SLUICE_OK && plan->settings.spill)
        status = folder_create(plan->settings.spill, error);
    return status;
}

static enum sluice_status init_flow(struct flow *flow, struct runtime *runtime,
                                    struct pipeline_run *pipeline, const struct flow_plan *plan,
                                    struct sluice_error *error)
{
    *flow = (struct flow){.runtime = runtime,
                          .pipeline = pipeline,
                          .plan = plan,
                          .is_resetting = runtime->options.is_reset};
    pthread_mutex_init(&flow->lock, NULL);
    flow->steps = calloc(plan->step_count, sizeof *flow->steps);
    pipeline_state_folder(pipeline, plan->name, pipeline->member.id, &flow->folder);
    if (!flow->steps || flow->folder.path.has_failed)
        return no_memory(error);
    flow->step_count = plan->step_count;
    for (size_t i = 0; i < plan->step_count; i++) {
        struct flow_step *step = &flow->steps[i];
        step->plan = &plan->steps[i];
        step->flow = flow;
        account_init(&step->account, 0, &pipeline->account);
        atomic_store(&step->counters.progress_total, -1);
        pthread_mutex_init(&step->lock, NULL);
        step->series = series_create(step->plan->component->metrics,
                                     step->plan->component->metric_count);
        if (!step->series)
            return no_memory(error);
    }
    return SLUICE_OK;
}

static enum sluice_status init_flows(struct runtime *runtime, struct sluice_error *error)
{
    const struct plan *plan = runtime->plan;
    size_t count = 0;
    for (size_t p = 0; p < plan->pipeline_count; p++)
        count += plan->pipelines[p].flow_count;
    runtime->pipelines = calloc(plan->pipeline_count, sizeof *runtime->pipelines);
    runtime->flows = calloc(count ? count : 1, sizeof *runtime->flows);
    if (!runtime->pipelines || !runtime->flows)
        return no_memory(error);
    for (size_t p = 0; p < plan->pipeline_count; p++) {
        struct pipeline_run *pipeline = &runtime->pipelines[runtime->pipeline_count++];
        enum sluice_status status = init_pipeline(pipeline, &plan->pipelines[p], runtime->options.member,
                                                   &runtime->host_table, error);
        for (size_t f = 0; status == SLUICE_OK && f < pipeline->plan->flow_count; f++)
            status = init_flow(&runtime->flows[runtime->flow_count++], runtime, pipeline,
                               &pipeline->plan->flows[f], error);
        if (status != SLUICE_OK)
            return status;
    }
    return SLUICE_OK;
}

/* Continuous flows come before the others; a replay leaves alone what it has no letters for. */
static enum sluice_status prepare_first(struct flow *flow, struct sluice_error *error)
{
    bool is_first = flow->plan->trigger == FLOW_CONTINUOUS;
    enum sluice_status status = SLUICE_OK;
    if (is_first && flow->runtime->options.replay)
        status = replay_concerns(flow, &is_first, error);
    return status == SLUICE_OK && is_first ? flow_prepare(flow, error) : status;
}

enum sluice_status runtime_create(const struct plan *plan, struct loader *loader,
                                  const struct runtime_options *options, struct runtime **created,
                                  struct sluice_error *error)
{
    *created = NULL;
    struct runtime *runtime = calloc(1, sizeof *runtime);
    if (!runtime)
        return no_memory(error);
    runtime->plan = plan;
    runtime->loader = loader;
    runtime->options = *options;
    host_fill(&runtime->host_table);
    pthread_mutex_init(&runtime->lock, NULL);
    condition_init(&runtime->changed);
    runtime->stop_pipe[0] = runtime->stop_pipe[1] = -1;
    runtime->resources = resource_set_create();
    runtime->error = error_create();
    enum sluice_status status =
        runtime->resources && runtime->error ? SLUICE_OK : no_memory(error);
    if (status == SLUICE_OK && pipe2(runtime->stop_pipe, O_CLOEXEC | O_NONBLOCK) != 0)
        status = error_set(error, SLUICE_FATAL, SLUICE_CODE_INTERNAL, "no pipe: %s",
                           strerror(errno));
    if (status == SLUICE_OK)
        status = init_flows(runtime, error);
    for (size_t i = 0; status == SLUICE_OK && i < runtime->flow_count; i++)
        status = prepare_first(&runtime->flows[i], error);
    if (status != SLUICE_OK) {
        runtime_destroy(runtime);
        return status;
    }
    *created = runtime;
    return SLUICE_OK;
}

/* ---- stopping ---- */

void runtime_stop(struct runtime *runtime)
{
    char byte = 1;
    int saved = errno;
    ssize_t written = write(runtime->stop_pipe[1], &byte, 1);
    (void)written; /* a full pipe has been read or will be */
    errno = saved;
}

/* Spreads the stop to whoever sleeps. */
static void spread_stop(struct runtime *runtime)
{
    atomic_store(&runtime->is_stopping, true);
    pthread_mutex_lock(&runtime->lock);
    pthread_cond_broadcast(&runtime->changed);
    pthread_mutex_unlock(&runtime->lock);
    for (size_t i = 0; i < runtime->flow_count; i++) {
        struct flow *flow = &runtime->flows[i];
        pthread_mutex_lock(&flow->lock);
        struct execution *execution = flow->execution;
        if (execution) {
            pthread_mutex_lock(&execution->lock);
            pthread_cond_broadcast(&execution->changed);
            pthread_mutex_unlock(&execution->lock);
        }
        pthread_mutex_unlock(&flow->lock);
    }
}

enum { STOP_BYTE = 1, QUIT_BYTE = 2 };

/* Flows mind the time of an orderly end by themselves, but for one that waits for its store. */
static void give_up_stores(struct runtime *runtime)
{
    for (size_t i = 0; i < runtime->pipeline_count; i++)
        state_store_cancel(runtime->pipelines[i].store);
}

/* Time until the stores are given up; -1: no stop was asked for. */
static int stopping_time_ms(const struct runtime *runtime, int64_t stopped_ms)
{
    int64_t longest_ms = 0;
    for (size_t i = 0; i < runtime->pipeline_count; i++)
        if (runtime->pipelines[i].plan->settings.shutdown_ms > longest_ms)
            longest_ms = runtime->pipelines[i].plan->settings.shutdown_ms;
    int64_t left_ms = stopped_ms + longest_ms - clock_monotonic_ms();
    return stopped_ms == 0 ? -1 : left_ms > 0 ? (int)left_ms : 0;
}

static void *stopper_main(void *argument)
{
    struct runtime *runtime = argument;
    int64_t stopped_ms = 0;
    for (;;) {
        char byte = 0;
        struct pollfd pipe = {.fd = runtime->stop_pipe[0], .events = POLLIN};
        if (poll(&pipe, 1, stopping_time_ms(runtime, stopped_ms)) == 0) {
            give_up_stores(runtime);
            stopped_ms = 0;
            continue;
        }
        ssize_t got = read(runtime->stop_pipe[0], &byte, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got != 1 || byte != STOP_BYTE)
            return NULL;
        spread_stop(runtime);
        stopped_ms = clock_monotonic_ms();
    }
}

/* ---- starting ---- */

static enum sluice_status start_thread(pthread_t *thread, void *(*main)(void *), void *argument,
                                       struct sluice_error *error)
{
    int code = pthread_create(thread, NULL, main, argument);
    if (code == 0)
        return SLUICE_OK;
    return error_set(error, SLUICE_FATAL, SLUICE_CODE_INTERNAL,
                     "the system gives no thread: %s", strerror(code));
}

static void count_running(struct runtime *runtime, size_t count)
{
    pthread_mutex_lock(&runtime->lock);
    runtime->running_count += count;
    pthread_mutex_unlock(&runtime->lock);
}

static void uncount_running(struct runtime *runtime)
{
    pthread_mutex_lock(&runtime->lock);
    runtime->running_count--;
    pthread_cond_broadcast(&runtime->changed);
    pthread_mutex_unlock(&runtime->lock);
}

/* A flow that cannot be started has failed, and the others end in order. */
static bool start_flow(struct flow *flow)
{
    struct runtime *runtime = flow->runtime;
    count_running(runtime, 1);
    enum sluice_status status = start_thread(&flow->thread, flow_main, flow, runtime->error);
    flow->is_started = status == SLUICE_OK;
    if (flow->is_started)
        return true;
    flow_set_state(flow, FLOW_FAILED);
    flow_report_failure(flow, NULL, runtime->error);
    runtime_stop(runtime);
    uncount_running(runtime);
    return false;
}

static bool wait_until_running(struct runtime *runtime, size_t count)
{
    pthread_mutex_lock(&runtime->lock);
    while (runtime->running_count > count)
        pthread_cond_wait(&runtime->changed, &runtime->lock);
    pthread_mutex_unlock(&runtime->lock);
    return !atomic_load(&runtime->is_stopping);
}

/* Whether the flow that this one comes after is in the list and has not been started. */
static bool must_wait(const struct runtime *runtime, const struct flow *flow)
{
    for (size_t i = 0; flow->plan->trigger == FLOW_AFTER && i < runtime->flow_count; i++) {
        const struct flow *other = &runtime->flows[i];
        if (other->pipeline == flow->pipeline && !other->is_started &&
            strcmp(other->plan->name, flow->plan->after) == 0)
            return true;
    }
    return false;
}

static struct flow *next_in_order(struct runtime *runtime)
{
    for (size_t i = 0; i < runtime->flow_count; i++)
        if (!runtime->flows[i].is_started && !must_wait(runtime, &runtime->flows[i]))
            return &runtime->flows[i];
    return NULL;
}

/* --once: the continuous flows side by side to their ends, then the others one by one. Counts as
 * one running thing of its own. */
static void *conduct(void *argument)
{
    struct runtime *runtime = argument;
    bool goes_on = true;
    for (size_t i = 0; i < runtime->flow_count && goes_on; i++)
        if (runtime->flows[i].prepared)
            goes_on = start_flow(&runtime->flows[i]);
    goes_on = wait_until_running(runtime, 1) && goes_on;
    while (goes_on && !runtime->options.replay) {
        struct flow *flow = next_in_order(runtime);
        if (!flow)
            break;
        goes_on = start_flow(flow) && wait_until_running(runtime, 1);
    }
    uncount_running(runtime);
    return NULL;
}

enum sluice_status runtime_start(struct runtime *runtime, struct sluice_error *error)
{
    /* The stopper waits in read; only writers must not block. */
    int flags = fcntl(runtime->stop_pipe[0], F_GETFL);
    fcntl(runtime->stop_pipe[0], F_SETFL, flags & ~O_NONBLOCK);
    enum sluice_status status = start_thread(&runtime->stopper, stopper_main, runtime, error);
    runtime->has_stopper = status == SLUICE_OK;
    if (status == SLUICE_OK && runtime->options.is_once) {
        count_running(runtime, 1);
        status = start_thread(&runtime->conductor, conduct, runtime, error);
        runtime->has_conductor = status == SLUICE_OK;
        if (status != SLUICE_OK)
            uncount_running(runtime);
        return status;
    }
    for (size_t i = 0; i < runtime->flow_count && status == SLUICE_OK; i++)
        if (!start_flow(&runtime->flows[i]))
            break;
    return status;
}

bool runtime_wait(struct runtime *runtime, int timeout_ms)
{
    int64_t until_ms = clock_monotonic_ms() + timeout_ms;
    pthread_mutex_lock(&runtime->lock);
    while (runtime->running_count > 0 &&
           condition_wait(&runtime->changed, &runtime->lock, until_ms - clock_monotonic_ms()))
        continue;
    bool is_over = runtime->running_count == 0;
    pthread_mutex_unlock(&runtime->lock);
    return is_over;
}

enum runtime_result runtime_result(const struct runtime *runtime)
{
    enum runtime_result result = RUNTIME_DONE;
    for (size_t i = 0; i < runtime->flow_count; i++) {
        const struct flow *flow = &runtime->flows[i];
        if (flow->state == FLOW_FAILED)
            return RUNTIME_FAILED;
        if (flow->is_uncommitted)
            result = RUNTIME_UNCOMMITTED;
    }
    return result;
}

/* ---- ending ---- */

static void free_flow(struct flow *flow)
{
    execution_destroy(flow->prepared);
    for (size_t i = 0; i < flow->step_count; i++) {
        struct flow_step *step = &flow->steps[i];
        series_destroy(step->series);
        pthread_mutex_destroy(&step->lock);
    }
    free(flow->steps);
    state_folder_reset(&flow->folder);
    pthread_mutex_destroy(&flow->lock);
}

void runtime_destroy(struct runtime *runtime)
{
    if (!runtime)
        return;
    if (runtime->has_conductor)
        pthread_join(runtime->conductor, NULL);
    for (size_t i = 0; i < runtime->flow_count; i++)
        if (runtime->flows[i].is_started)
            pthread_join(runtime->flows[i].thread, NULL);
    if (runtime->has_stopper) {
        char byte = QUIT_BYTE;
        while (write(runtime->stop_pipe[1], &byte, 1) < 0 && errno == EINTR)
            ;
        pthread_join(runtime->stopper, NULL);
    }
    for (size_t i = 0; i < runtime->flow_count; i++)
        free_flow(&runtime->flows[i]);
    resource_set_destroy(runtime->resources);
    for (size_t i = 0; i < runtime->pipeline_count; i++) {
        pipeline_state_close(&runtime->pipelines[i]);
        member_drop(&runtime->pipelines[i].member);
        text_reset(&runtime->pipelines[i].folder);
    }
    for (int i = 0; i < 2; i++)
        if (runtime->stop_pipe[i] >= 0)
            close(runtime->stop_pipe[i]);
    error_destroy(runtime->error);
    free(runtime->flows);
    free(runtime->pipelines);
    pthread_mutex_destroy(&runtime->lock);
    pthread_cond_destroy(&runtime->changed);
    free(runtime);
}
