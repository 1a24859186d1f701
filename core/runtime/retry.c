/* SPDX-License-Identifier: Apache-2.0 */
/* Around every call on a plugin: whose time it is, and backoff with full jitter after RETRY. A
 * callback that asks to be opened again (NOT_CONNECTED) makes the flow start over from its last
 * decided checkpoint: what the instance held may be gone. */
#include "runtime/execution.h"

#include "telemetry/log.h"

#include <stdio.h>

enum { BACKOFF_FIRST_MS = 100, BACKOFF_MOST_MS = 20000, BACKOFF_LOG_EVERY_MS = 10000 };

static struct log_scope scope_of(const struct instance *instance)
{
    return (struct log_scope){instance->run.pipeline, instance->run.flow, instance->run.step};
}

static void note_error(struct instance *instance, const char *text)
{
    struct flow_step *step = instance->step;
    pthread_mutex_lock(&step->lock);
    snprintf(step->last_error, sizeof step->last_error, "%s", text);
    pthread_mutex_unlock(&step->lock);
}

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t lane_random(struct lane *lane)
{
    return next_random(&lane->random_state);
}

/* Full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter"): a random time up to a
 * bound that doubles; at least what the server asked for. */
static int64_t backoff_ms(const struct attempt *attempt)
{
    int doublings = attempt->count < 8 ? attempt->count : 8;
    int64_t bound = (int64_t)BACKOFF_FIRST_MS << doublings;
    if (bound > BACKOFF_MOST_MS)
        bound = BACKOFF_MOST_MS;
    int64_t wait =
        1 + (int64_t)(lane_random(attempt->instance->lane) % (uint64_t)bound);
    int64_t asked = error_retry_after_ms(attempt->instance->error);
    return asked > wait ? asked : wait;
}

static void log_retry(struct attempt *attempt, int64_t now_ms)
{
    struct instance *instance = attempt->instance;
    struct text text = {0};
    error_format(instance->error, &text);
    note_error(instance, text_get(&text));
    bool is_due = attempt->count == 0 || now_ms - attempt->logged_ms >= BACKOFF_LOG_EVERY_MS;
    if (is_due) {
        struct log_scope scope = scope_of(instance);
        log_error(SLUICE_LOG_WARN, &scope, instance->error, "trying again");
        attempt->logged_ms = now_ms;
    }
    text_reset(&text);
}

static enum sluice_status give_up(struct instance *instance, int64_t waited_ms)
{
    struct text text = {0};
    error_format(instance->error, &text);
    enum sluice_code code = error_code(instance->error);
    error_set(instance->error, SLUICE_FATAL, code, "gave up after %lld s: %s",
              (long long)(waited_ms / 1000), text_get(&text));
    text_reset(&text);
    return SLUICE_FATAL;
}

static bool end_attempt(const struct attempt *attempt, enum sluice_status status)
{
    struct instance *instance = attempt->instance;
    if (attempt->count && status == SLUICE_OK)
        note_error(instance, "");
    if (attempt->count)
        atomic_store(&instance->failing_since_ms, 0);
    return false;
}

bool attempt_repeats(struct attempt *attempt, enum sluice_status *status)
{
    struct instance *instance = attempt->instance;
    struct execution *execution = instance->execution;
    if (*status == SLUICE_NOT_CONNECTED) {
        struct log_scope scope = scope_of(instance);
        log_error(SLUICE_LOG_WARN, &scope, instance->error,
                  "starting over from the last decided checkpoint");
        atomic_store(&execution->wants_restart, true);
        return false;
    }
    if (attempt->count == 0)
        attempt->first_ms = instance->called_ms;
    if (instance->effort && best_effort_takes(instance, attempt->first_ms, status))
        return end_attempt(attempt, *status);
    if (*status != SLUICE_RETRY)
        return end_attempt(attempt, *status);
    int64_t now_ms = clock_monotonic_ms();
    atomic_store(&instance->failing_since_ms, attempt->first_ms);
    log_retry(attempt, now_ms);
    int64_t waited_ms = now_ms - attempt->first_ms;
    if (execution->retry_limit_ms && waited_ms >= execution->retry_limit_ms) {
        *status = give_up(instance, waited_ms);
        return false;
    }
    atomic_fetch_add_explicit(&instance->step->counters.retries, 1, memory_order_relaxed);
    struct instance *owner = lane_own(instance->lane, instance, STEP_WAITING_RETRY);
    bool was_busy = instance->is_busy;
    instance->is_busy = true;
    bool goes_on = lane_wait(instance->lane, NULL, NULL, now_ms + backoff_ms(attempt));
    instance->is_busy = was_busy;
    lane_own(instance->lane, owner, STEP_WORKING);
    attempt->count++;
    if (!goes_on)
        *status = error_set(instance->error, SLUICE_FATAL, SLUICE_CODE_CANCELLED,
                            "the run is being stopped");
    return goes_on;
}

struct call call_enter(struct instance *instance, enum step_activity activity)
{
    struct call call = {instance, lane_own(instance->lane, instance, activity),
                        instance->is_busy};
    instance->is_busy = true;
    instance->called_ms = instance->lane->owner_since_ns / 1000000;
    atomic_store_explicit(&instance->is_called, true, memory_order_relaxed);
    error_reset(instance->error);
    return call;
}

void call_leave(struct call call)
{
    call.instance->is_busy = call.was_busy;
    atomic_fetch_add_explicit(&call.instance->moves, 1, memory_order_relaxed);
    atomic_store_explicit(&call.instance->is_called, false, memory_order_relaxed);
    lane_own(call.instance->lane, call.owner, STEP_WORKING);
}
