/* SPDX-License-Identifier: Apache-2.0 */
/* Which step blocks another, looked at once a second by the controller.
 *
 * A sink is stuck when it has been trying again, or has given no sign of life inside one call, for
 * BLOCKED_MS. It blocks a step that waits for room in its input, or that runs in its lane, or the
 * command under way (a checkpoint, say). A sink that is slow but moves blocks nobody: that is
 * backpressure as it should be. */
#include "runtime/execution.h"

#include "telemetry/log.h"

#include <stdlib.h>

enum { LOOK_EVERY_MS = 1000, BLOCKED_MS = 5000, REPEAT_MS = 30000 };

struct instance_watch {
    uint64_t moves;
    int64_t moved_ms;
};

struct step_watch {
    int64_t stuck_ms;  /* for how long; 0: it moves */
    bool is_failing;   /* rather than silent */
    int64_t told_ms;   /* 0: not told */
    int64_t since_ms;
};

struct watch {
    int64_t looked_ms;
    struct instance_watch *instances;
    struct step_watch *steps;
};

struct watch *watch_create(const struct execution *execution)
{
    struct watch *watch = calloc(1, sizeof *watch);
    if (!watch)
        return NULL;
    watch->instances = calloc(execution->instance_count + 1, sizeof *watch->instances);
    watch->steps = calloc(execution->step_count + 1, sizeof *watch->steps);
    for (size_t i = 0; watch->instances && i < execution->instance_count; i++)
        watch->instances[i].moved_ms = clock_monotonic_ms();
    if (watch->instances && watch->steps)
        return watch;
    watch_destroy(watch);
    return NULL;
}

void watch_destroy(struct watch *watch)
{
    if (!watch)
        return;
    free(watch->instances);
    free(watch->steps);
    free(watch);
}

static bool is_sink(const struct instance *instance)
{
    return instance->step->plan->component->kind == SLUICE_KIND_SINK;
}

static void look_at(struct watch *watch, size_t index, struct instance *instance, int64_t now_ms)
{
    struct instance_watch *seen = &watch->instances[index];
    struct step_watch *step = &watch->steps[instance->step_index];
    uint64_t moves = atomic_load_explicit(&instance->moves, memory_order_relaxed);
    int64_t failing_since_ms = atomic_load(&instance->failing_since_ms);
    bool is_called = atomic_load_explicit(&instance->is_called, memory_order_relaxed);
    if (moves != seen->moves || !is_called)
        *seen = (struct instance_watch){moves, now_ms};
    int64_t silent_ms = now_ms - seen->moved_ms;
    int64_t failing_ms = failing_since_ms ? now_ms - failing_since_ms : 0;
    best_effort_watch(instance, silent_ms);
    if (failing_ms > step->stuck_ms || silent_ms > step->stuck_ms) {
        step->is_failing = failing_ms > 0;
        step->stuck_ms = failing_ms > silent_ms ? failing_ms : silent_ms;
    }
}

/* ---- who waits ---- */

static bool has_waiting_sender(const struct input *input)
{
    if (!input->channel) /* the sender is in the same lane, and so inside the sink's call */
        return true;
    struct lane *lane = input->channel->to;
    pthread_mutex_lock(&lane->lock);
    bool is_waiting = input->channel->is_sender_waiting;
    pthread_mutex_unlock(&lane->lock);
    return is_waiting;
}

/* A step that waits for `step`; SIZE_MAX: none. */
static size_t find_waiting(const struct execution *execution, size_t step)
{
    for (size_t i = 0; i < execution->instance_count; i++) {
        const struct instance *instance = execution->instances[i];
        for (size_t k = 0; instance->step_index == step && k < instance->input_count; k++)
            if (instance->inputs[k].from_step != SIZE_MAX &&
                has_waiting_sender(&instance->inputs[k]))
                return instance->inputs[k].from_step;
    }
    return SIZE_MAX;
}

static void append_reason(const struct execution *execution, size_t step,
                          const struct step_watch *seen, struct text *text)
{
    struct flow_step *stuck = &execution->flow->steps[step];
    text_printf(text, "; %s: %s since %lld s", stuck->plan->name,
                seen->is_failing ? "trying again" : "no sign of life",
                (long long)(seen->stuck_ms / 1000));
    pthread_mutex_lock(&stuck->lock);
    if (seen->is_failing && stuck->last_error[0])
        text_printf(text, ": %s", stuck->last_error);
    pthread_mutex_unlock(&stuck->lock);
}

static void tell_blocked(const struct execution *execution, size_t step, size_t waiting,
                         const struct step_watch *seen)
{
    const struct flow *flow = execution->flow;
    const struct flow_step *stuck = &flow->steps[step];
    struct log_scope scope = {flow->pipeline->plan->name, flow->plan->name, NULL};
    struct text text = {0};
    if (waiting != SIZE_MAX) {
        int64_t queued = atomic_load(&stuck->counters.queued_bytes);
        scope.step = flow->steps[waiting].plan->name;
        text_printf(&text, "step %s waits for step %s", scope.step, stuck->plan->name);
        if (queued > 0)
            text_printf(&text, ", whose input is full (%.1f MiB queued)",
                        (double)queued / (1 << 20));
    } else {
        text_printf(&text, "the %s waits for step %s", execution->awaited, stuck->plan->name);
    }
    append_reason(execution, step, seen, &text);
    log_write(SLUICE_LOG_WARN, &scope, NULL, 0, "%s", text_get(&text));
    text_reset(&text);
}

static void tell_moving(const struct execution *execution, size_t step,
                        const struct step_watch *seen, int64_t now_ms)
{
    const struct flow *flow = execution->flow;
    struct log_scope scope = {flow->pipeline->plan->name, flow->plan->name,
                              flow->steps[step].plan->name};
    log_write(SLUICE_LOG_INFO, &scope, NULL, 0, "step %s moves again after %lld s", scope.step,
              (long long)((now_ms - seen->since_ms) / 1000));
}

static void judge(struct execution *execution, size_t step, int64_t now_ms)
{
    struct step_watch *seen = &execution->watch->steps[step];
    bool is_stuck = seen->stuck_ms >= BLOCKED_MS;
    size_t waiting = is_stuck ? find_waiting(execution, step) : SIZE_MAX;
    bool is_blocking = is_stuck && (waiting != SIZE_MAX || execution->awaited);
    if (waiting != SIZE_MAX)
        atomic_store(&execution->flow->steps[waiting].counters.blocked_by, (int)step + 1);
    if (is_blocking && (seen->told_ms == 0 || now_ms - seen->told_ms >= REPEAT_MS)) {
        if (seen->told_ms == 0)
            seen->since_ms = now_ms - seen->stuck_ms;
        tell_blocked(execution, step, waiting, seen);
        seen->told_ms = now_ms;
    } else if (!is_stuck && seen->told_ms) {
        tell_moving(execution, step, seen, now_ms);
        seen->told_ms = 0;
    }
}

void watch_look(struct execution *execution)
{
    struct watch *watch = execution->watch;
    int64_t now_ms = clock_monotonic_ms();
    if (!watch || now_ms - watch->looked_ms < LOOK_EVERY_MS)
        return;
    watch->looked_ms = now_ms;
    for (size_t i = 0; i < execution->step_count; i++) {
        watch->steps[i].stuck_ms = 0;
        watch->steps[i].is_failing = false;
    }
    for (size_t i = 0; i < execution->instance_count; i++)
        if (is_sink(execution->instances[i]))
            look_at(watch, i, execution->instances[i], now_ms);
    for (size_t i = 0; i < execution->step_count; i++)
        atomic_store(&execution->flow->steps[i].counters.blocked_by, 0);
    for (size_t i = 0; i < execution->step_count; i++)
        judge(execution, i, now_ms);
}
