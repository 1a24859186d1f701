/* SPDX-License-Identifier: Apache-2.0 */
/* A lane's thread: commands first, then messages, then its sources. */
#include "runtime/replay/replay.h"

#include <stdlib.h>
#include <time.h>

enum { TICK_MS = 100, READ_WAIT_MS = 50, EMPTY_READ_PAUSE_MS = 5 };
/* One part in so many of the budget. */
enum { BUDGET_RESERVE = 4, QUEUED_SHARE = 16 };

void lane_wake(struct lane *lane)
{
    pthread_mutex_lock(&lane->lock);
    lane->is_signalled = true;
    pthread_cond_signal(&lane->wake);
    pthread_mutex_unlock(&lane->lock);
}

struct instance *lane_own(struct lane *lane, struct instance *instance,
                          enum step_activity activity)
{
    struct instance *before = lane->owner;
    int64_t now = clock_monotonic_ns();
    atomic_store_explicit(&lane->accounted_ns, now, memory_order_relaxed);
    if (before) {
        struct step_counters *counters = &before->step->counters;
        if (lane->owner_activity == STEP_WORKING)
            before->working_ns += now - lane->owner_since_ns;
        atomic_fetch_add_explicit(&counters->time_ns[lane->owner_activity],
                                  now - lane->owner_since_ns, memory_order_relaxed);
        atomic_store_explicit(&counters->activity, (int)STEP_WAITING_INPUT, memory_order_relaxed);
    }
    lane->owner = instance;
    lane->owner_activity = activity;
    lane->owner_since_ns = now;
    if (instance)
        atomic_store_explicit(&instance->step->counters.activity, (int)activity,
                              memory_order_relaxed);
    return before;
}

static void lane_sleep(struct lane *lane, int64_t wait_ms)
{
    pthread_mutex_lock(&lane->lock);
    if (!lane->is_signalled)
        condition_wait(&lane->wake, &lane->lock, wait_ms);
    lane->is_signalled = false;
    pthread_mutex_unlock(&lane->lock);
}

static bool is_cancelled(const struct lane *lane)
{
    return atomic_load_explicit(&lane->execution->is_cancelled, memory_order_acquire);
}

/* The next command, or NULL. While an instance of the lane is in the middle of a call, only what a
 * waiting source may depend on is done: ahead of the others, which wait for the call to end. */
static struct command *take_command(struct lane *lane, bool is_waiting)
{
    pthread_mutex_lock(&lane->lock);
    struct command **at = &lane->commands;
    while (is_waiting && *at && (*at)->kind != COMMAND_RECOVER)
        at = &(*at)->next;
    struct command *command = *at;
    if (command)
        *at = command->next;
    pthread_mutex_unlock(&lane->lock);
    return command;
}

static enum sluice_status barrier_to_source(struct instance *instance, uint64_t number)
{
    enum sluice_status status = instance_snapshot(instance, number);
    if (status == SLUICE_OK)
        status = output_mark(instance, MESSAGE_BARRIER, 0, number);
    if (status == SLUICE_OK)
        status = barrier_passed(instance, number);
    return status;
}

/* What the command means for one instance. */
static enum sluice_status do_command(struct instance *instance, const struct command *command)
{
    enum sluice_kind kind = instance->step->plan->component->kind;
    bool is_source = kind == SLUICE_KIND_SOURCE;
    bool is_sink = kind == SLUICE_KIND_SINK;
    switch (command->kind) {
    case COMMAND_OPEN:
        return is_source ? SLUICE_OK : instance_open(instance);
    case COMMAND_OPEN_SOURCES:
        return is_source ? instance_open(instance) : SLUICE_OK;
    case COMMAND_RECOVER:
        return is_sink ? instance_recover(instance, command) : SLUICE_OK;
    case COMMAND_BARRIER:
        return is_source ? barrier_to_source(instance, command->number) : SLUICE_OK;
    case COMMAND_DECIDE:
        return is_source ? instance_decide(instance, command->number) : SLUICE_OK;
    case COMMAND_COMMIT:
        return is_sink ? instance_commit(instance, command->number) : SLUICE_OK;
    case COMMAND_REPLAY:
        return instance == command->replay.instance ? replay_deliver(instance, &command->replay)
                                                    : SLUICE_OK;
    case COMMAND_COMMITTED:
        if (is_source)
            instance_committed(instance, command->number);
        return SLUICE_OK;
    case COMMAND_RUN:
    case COMMAND_STOP_READING:
    case COMMAND_QUIT:
        break;
    }
    return SLUICE_OK;
}

static void answer(struct execution *execution, bool is_settling)
{
    pthread_mutex_lock(&execution->lock);
    size_t *pending = is_settling ? &execution->settling : &execution->pending;
    (*pending)--;
    struct lane *settler = is_settling ? execution->settler : NULL;
    pthread_cond_broadcast(&execution->changed);
    pthread_mutex_unlock(&execution->lock);
    if (settler)
        lane_wake(settler);
}

/* Barriers are answered by every instance when it has passed, the other commands by the lane. */
static bool run_command(struct lane *lane, bool is_waiting)
{
    struct command *command = take_command(lane, is_waiting);
    if (!command)
        return false;
    enum command_kind kind = command->kind;
    bool is_settling = command->is_settling;
    enum sluice_status status = SLUICE_OK;
    for (size_t i = 0; i < lane->instance_count && status == SLUICE_OK; i++) {
        struct instance *instance = lane->instances[i];
        status = do_command(instance, command);
        if (status != SLUICE_OK)
            execution_fail(lane->execution, instance->step, instance->error);
    }
    if (kind == COMMAND_RUN)
        lane->is_running = true;
    if (kind == COMMAND_STOP_READING)
        lane->is_running = false;
    if (kind == COMMAND_QUIT)
        lane->has_quit = true;
    free(command);
    if (kind != COMMAND_BARRIER)
        answer(lane->execution, is_settling);
    return true;
}

static bool deliver_next(struct lane *lane)
{
    struct input *input = NULL;
    struct message *message = lane_take(lane, &input);
    if (!message)
        return false;
    deliver(input, message);
    return true;
}

bool lane_wait(struct lane *lane, bool (*is_ready)(void *user), void *user, int64_t deadline_ms)
{
    for (;;) {
        if (is_cancelled(lane))
            return false;
        if (is_ready && is_ready(user))
            return true;
        int64_t left_ms = deadline_ms - clock_monotonic_ms();
        if (left_ms <= 0)
            return true;
        if (run_command(lane, true) || deliver_next(lane))
            continue;
        lane_sleep(lane, left_ms < TICK_MS ? left_ms : TICK_MS);
    }
}

static enum sluice_status end_source(struct instance *instance)
{
    struct execution *execution = instance->execution;
    enum sluice_status status = SLUICE_OK;
    instance->is_exhausted = true;
    if (instance->run.is_batch)
        status = output_mark(instance, MESSAGE_WATERMARK, SLUICE_TIME_MAX, 0);
    pthread_mutex_lock(&execution->lock);
    execution->exhausted_count++;
    pthread_cond_broadcast(&execution->changed);
    pthread_mutex_unlock(&execution->lock);
    return status;
}

static struct instance *next_source(struct lane *lane)
{
    for (size_t i = 0; i < lane->instance_count; i++) {
        size_t at = (lane->next_source + i) % lane->instance_count;
        struct instance *instance = lane->instances[at];
        const struct component *component = instance->step->plan->component;
        bool is_source = component->kind == SLUICE_KIND_SOURCE;
        bool is_read = instance->run.is_replay ? component->source.decide != NULL
                                               : !instance->is_exhausted;
        if (is_source && is_read) {
            lane->next_source = at + 1;
            return instance;
        }
    }
    return NULL;
}

/* Near the end of the budget nothing is read until what is queued has been worked off. Where it is
 * the state of steps that fills the budget, waiting would not help. */
static bool is_held_back(const struct lane *lane)
{
    const struct flow *flow = lane->execution->flow;
    int64_t memory = flow->pipeline->plan->settings.memory_bytes;
    if (atomic_load_explicit(&flow->pipeline->account.used_bytes, memory_order_relaxed) <
        memory - memory / BUDGET_RESERVE)
        return false;
    int64_t queued = 0;
    for (size_t i = 0; i < flow->step_count; i++)
        queued += atomic_load_explicit(&flow->steps[i].counters.queued_bytes,
                                       memory_order_relaxed);
    return queued > memory / QUEUED_SHARE;
}

/* Reads one source once. False where there was nothing to read from. */
static bool read_source(struct lane *lane)
{
    struct instance *instance = lane->is_running ? next_source(lane) : NULL;
    if (!instance)
        return false;
    if (is_held_back(lane)) {
        lane_sleep(lane, EMPTY_READ_PAUSE_MS);
        return true;
    }
    struct sluice_batch *batch = NULL;
    int64_t before_ms = clock_monotonic_ms();
    enum sluice_status status = instance_read(instance, READ_WAIT_MS, &batch);
    if (status == SLUICE_OK)
        status = output_batch(instance, batch);
    else if (status == SLUICE_END) {
        bool is_kept_up = instance->is_exhausted; /* a replay's: to stay in its group */
        status = is_kept_up ? SLUICE_OK : end_source(instance);
        if (is_kept_up)
            lane_sleep(lane, READ_WAIT_MS);
    } else if (status == SLUICE_AGAIN) {
        status = SLUICE_OK;
        if (clock_monotonic_ms() - before_ms < 1)
            lane_sleep(lane, EMPTY_READ_PAUSE_MS);
    }
    if (status != SLUICE_OK)
        execution_fail(lane->execution, instance->step, instance->error);
    return true;
}

static void tick(struct lane *lane)
{
    int64_t now_ms = clock_monotonic_ms();
    lane_own(lane, NULL, STEP_IDLE); /* idle time is counted, too */
    for (size_t i = 0; i < lane->instance_count; i++) {
        struct instance *instance = lane->instances[i];
        if (!instance->is_open || instance->is_busy || now_ms - instance->last_tick_ms < TICK_MS)
            continue;
        instance->last_tick_ms = now_ms;
        if (instance_tick(instance) != SLUICE_OK)
            execution_fail(lane->execution, instance->step, instance->error);
    }
    if (reject_flush(lane) != SLUICE_OK)
        execution_fail(lane->execution, lane->instances[0]->step, lane->instances[0]->error);
}

void *lane_main(void *argument)
{
    struct lane *lane = argument;
    int64_t next_tick_ms = 0;
    atomic_store(&lane->accounted_ns, clock_monotonic_ns());
    atomic_store(&lane->started_ns, atomic_load(&lane->accounted_ns));
    while (!lane->has_quit && !is_cancelled(lane)) {
        bool has_worked = run_command(lane, false) || deliver_next(lane) || read_source(lane);
        if (clock_monotonic_ms() >= next_tick_ms && !is_cancelled(lane)) {
            tick(lane);
            next_tick_ms = clock_monotonic_ms() + TICK_MS;
        }
        if (!has_worked)
            lane_sleep(lane, TICK_MS);
    }
    for (size_t i = 0; i < lane->instance_count; i++)
        instance_close(lane->instances[i]);
    lane_own(lane, NULL, STEP_IDLE);
    return NULL;
}
