/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the flows can do their work now: started, sources assigned, sinks answering, checkpoints
 * fresh. A sink of best effort that is down costs nobody the readiness, but it is told. */
#include "runtime/observe/observe.h"

#include <stdio.h>
#include <string.h>

enum {
    FAILING_MS = 5000,       /* for so long a call may be repeated before somebody is told */
    STALE_LEAST_MS = 60000,  /* … a checkpoint may be late */
    STALE_INTERVALS = 3
};

struct readiness {
    struct text *json;
    bool is_ready;
    size_t count;
    const struct flow *flow;
};

static void append_string(struct text *json, const char *string)
{
    bool is_text = is_utf8(string, strlen(string));
    text_append_char(json, '"');
    for (; *string; string++) {
        unsigned char byte = (unsigned char)*string;
        if (byte == '"' || byte == '\\')
            text_printf(json, "\\%c", byte);
        else if (byte < 0x20)
            text_printf(json, "\\u%04x", byte);
        else
            text_append_char(json, byte >= 0x80 && !is_text ? '?' : (char)byte);
    }
    text_append_char(json, '"');
}

static void append_pair(struct text *json, const char *key, const char *value)
{
    text_printf(json, "\"%s\":", key);
    append_string(json, value);
}

static void add_reason(struct readiness *readiness, const struct flow_step *step, bool is_blocking,
                       const char *reason)
{
    struct text *json = readiness->json;
    text_append(json, readiness->count++ ? ",{" : "{");
    append_pair(json, "pipeline", readiness->flow->pipeline->plan->name);
    text_append_char(json, ',');
    append_pair(json, "flow", readiness->flow->plan->name);
    if (step) {
        text_append_char(json, ',');
        append_pair(json, "step", step->plan->name);
    }
    text_printf(json, ",\"blocking\":%s,", is_blocking ? "true" : "false");
    append_pair(json, "reason", reason);
    text_append_char(json, '}');
    readiness->is_ready = readiness->is_ready && !is_blocking;
}

/* Flow lock held, as in what follows. */
static void judge_state(struct readiness *readiness)
{
    const struct flow *flow = readiness->flow;
    char reason[sizeof flow->error + 32];
    if (flow->state == FLOW_STARTING)
        add_reason(readiness, NULL, true, "the flow is starting");
    if (flow->state == FLOW_STOPPING)
        add_reason(readiness, NULL, true, "the flow is stopping");
    if (flow->error[0]) {
        snprintf(reason, sizeof reason, "%s: %s",
                 flow->state == FLOW_FAILED ? "the flow failed" : "its last run failed",
                 flow->error);
        add_reason(readiness, NULL, true, reason);
    }
    bool is_late = flow->state == FLOW_WAITING && flow->plan->trigger == FLOW_CONTINUOUS;
    if (is_late)
        add_reason(readiness, NULL, true, "the flow has not started yet");
}

static void judge_checkpoint(struct readiness *readiness)
{
    const struct flow *flow = readiness->flow;
    int64_t allowed_ms = flow->pipeline->plan->settings.checkpoint_ms * STALE_INTERVALS;
    int64_t age_ms = flow_checkpoint_age_ms(flow);
    char reason[160];
    if (allowed_ms < STALE_LEAST_MS)
        allowed_ms = STALE_LEAST_MS;
    if (age_ms <= allowed_ms)
        return;
    snprintf(reason, sizeof reason, "no checkpoint has covered what was read for %lld s",
             (long long)(age_ms / 1000));
    add_reason(readiness, NULL, true, reason);
}

static void judge_instance(struct readiness *readiness, struct instance *instance)
{
    struct flow_step *step = instance->step;
    char reason[sizeof step->last_error + 64];
    int64_t since_ms = atomic_load(&instance->failing_since_ms);
    int64_t failing_ms = since_ms ? clock_monotonic_ms() - since_ms : 0;
    pthread_mutex_lock(&step->lock);
    if (instance->waits_for[0]) {
        snprintf(reason, sizeof reason, "waits for %s", instance->waits_for);
        add_reason(readiness, step, true, reason);
    }
    if (failing_ms >= FAILING_MS) {
        snprintf(reason, sizeof reason, "trying again for %lld s: %s",
                 (long long)(failing_ms / 1000), step->last_error);
        add_reason(readiness, step, true, reason);
    }
    pthread_mutex_unlock(&step->lock);
}

static void judge_step(struct readiness *readiness, const struct flow_step *step)
{
    int by = atomic_load(&step->counters.blocked_by);
    char reason[160];
    if (by) {
        snprintf(reason, sizeof reason, "blocked by step %s, which is stuck",
                 readiness->flow->steps[by - 1].plan->name);
        add_reason(readiness, step, true, reason);
    }
    if (atomic_load(&step->counters.shedding_count) > 0)
        add_reason(readiness, step, false,
                   "the sink does not answer: its rows go to the dead letter (best effort)");
}

static void judge_flow(struct readiness *readiness, struct flow *flow)
{
    readiness->flow = flow;
    pthread_mutex_lock(&flow->lock);
    const struct execution *execution = flow->execution;
    judge_state(readiness);
    judge_checkpoint(readiness);
    for (size_t i = 0; i < flow->step_count; i++)
        judge_step(readiness, &flow->steps[i]);
    for (size_t i = 0; execution && i < execution->instance_count; i++)
        judge_instance(readiness, execution->instances[i]);
    pthread_mutex_unlock(&flow->lock);
}

bool runtime_readiness(const struct runtime *runtime, struct text *json)
{
    struct text reasons = {0};
    struct readiness readiness = {.json = &reasons, .is_ready = true};
    for (size_t i = 0; i < runtime->flow_count; i++)
        judge_flow(&readiness, &runtime->flows[i]);
    text_printf(json, "{\"ready\":%s,\"reasons\":[%s]}\n", readiness.is_ready ? "true" : "false",
                text_get(&reasons));
    json->has_failed = json->has_failed || reasons.has_failed;
    text_reset(&reasons);
    return readiness.is_ready;
}
