/* SPDX-License-Identifier: Apache-2.0 */
/* A sink of `delivery: best_effort`: a circuit breaker around its calls.
 *
 *   up ──failing for longer than its patience──▶ down ──a probe succeeds──▶ up
 *
 * While it is down its rows go to the dead letter, and the flow goes on without it. A row ends in
 * one place: on the way down, what the sink had taken and not staged is shed, too. The sink hands
 * it back (give_back), or, where nothing of it can be visible yet, the runtime has kept it.
 *
 * What was staged is decided and cannot be shed: each checkpoint that is taken while the sink is
 * down carries its last stage on, and the first successful probe finishes it. Until then the mark
 * `committed` is not moved. docs/decisions/0015-required-and-best-effort.md */
#include "runtime/execution.h"

#include "telemetry/log.h"

#include <stdlib.h>

/* A call without a sign of life is cut off after this many times the patience. */
enum { HANG_FACTOR = 3, PROBE_FIRST_MS = 500, PROBE_MOST_MS = 30000, PROBE_LIMIT_MS = 1000 };
/* Probing takes at most one part in so many of the lane's time. */
enum { PROBE_SHARE = 10 };
/* What is kept may be one part in so many of the budget. */
enum { KEPT_SHARE = 8 };

/* Rows that the sink has taken since the last stage. */
struct kept {
    const struct sluice_batch *batch;
    struct kept *next;
};

struct best_effort {
    int64_t patience_ms;
    bool is_down;
    bool was_up;       /* from then on no error stops the flow */
    bool is_probing;
    bool gives_back; /* the sink itself knows which rows it holds */
    bool must_finish; /* another member's output: not to be put off */
    bool has_staged;  /* `staged` is what stage wrote last */
    struct text staged;
    uint64_t staged_number;
    struct sluice_error *why; /* with which rows are shed */
    struct kept *first_kept;
    struct kept **last_kept;
    int64_t kept_bytes;
    int64_t down_since_ms;
    int64_t probe_ms; /* when the next one is due */
    int probe_count;
    int64_t shed_rows;
    atomic_bool has_leftover;   /* `staged` is not committed yet */
    atomic_llong limit_ms;      /* of the call under way */
    atomic_bool is_interrupted; /* the watch cut a call off */
};

enum sluice_status best_effort_create(struct instance *instance)
{
    struct best_effort *effort = calloc(1, sizeof *effort);
    if (!effort || !(effort->why = error_create())) {
        free(effort);
        return error_set(instance->error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                         "no memory for a sink of best effort");
    }
    effort->patience_ms = instance->step->plan->patience_ms;
    effort->last_kept = &effort->first_kept;
    atomic_init(&effort->limit_ms, effort->patience_ms * HANG_FACTOR);
    instance->effort = effort;
    return SLUICE_OK;
}

void best_effort_created(struct instance *instance)
{
    const struct sluice_sink *sink = &instance->step->plan->component->sink;
    instance->effort->gives_back =
        sink->give_back && (!sink->can_give_back || sink->can_give_back(instance->object));
}

static void forget_kept(struct best_effort *effort)
{
    while (effort->first_kept) {
        struct kept *kept = effort->first_kept;
        effort->first_kept = kept->next;
        batch_release(kept->batch);
        free(kept);
    }
    effort->last_kept = &effort->first_kept;
    effort->kept_bytes = 0;
}

void best_effort_destroy(struct instance *instance)
{
    struct best_effort *effort = instance->effort;
    if (!effort)
        return;
    if (effort->is_down)
        atomic_fetch_sub(&instance->step->counters.shedding_count, 1);
    instance->effort = NULL;
    forget_kept(effort);
    text_reset(&effort->staged);
    error_destroy(effort->why);
    free(effort);
}

bool best_effort_is_down(const struct instance *instance)
{
    return instance->effort && instance->effort->is_down && !instance->effort->is_probing;
}

bool best_effort_has_leftover(const struct instance *instance)
{
    return instance->effort && atomic_load(&instance->effort->has_leftover);
}

/* Any thread but the lane's. */
void best_effort_watch(struct instance *instance, int64_t silent_ms)
{
    struct best_effort *effort = instance->effort;
    if (!effort || silent_ms < atomic_load(&effort->limit_ms))
        return;
    pthread_mutex_lock(&instance->object_lock);
    void (*cancel)(void *) = instance->step->plan->component->sink.cancel;
    if (instance->object && cancel) {
        atomic_store(&effort->is_interrupted, true);
        cancel(instance->object);
    }
    pthread_mutex_unlock(&instance->object_lock);
}

/* ---- rows ---- */

static enum sluice_status shed_row(struct instance *instance, const struct sluice_batch *batch,
                                   int64_t row)
{
    struct sluice_rejected rejected = {.batch = batch, .row = row, .position = -1};
    instance->effort->shed_rows++;
    return reject_row(instance, &rejected, instance->effort->why);
}

enum sluice_status best_effort_shed(struct instance *instance, const struct sluice_batch *batch)
{
    enum sluice_status status = SLUICE_OK;
    for (int64_t row = 0; row < batch_rows(batch) && status == SLUICE_OK; row++)
        status = shed_row(instance, batch, row);
    return status;
}

static void ask_checkpoint(struct execution *execution)
{
    atomic_store(&execution->wants_checkpoint, true);
    pthread_mutex_lock(&execution->lock);
    pthread_cond_broadcast(&execution->changed);
    pthread_mutex_unlock(&execution->lock);
}

/* Past its share of the budget a checkpoint is asked for: after it nothing needs to be kept. */
static void limit_kept(struct instance *instance)
{
    struct execution *execution = instance->execution;
    int64_t memory = execution->flow->pipeline->plan->settings.memory_bytes;
    if (instance->effort->kept_bytes >= memory / KEPT_SHARE)
        ask_checkpoint(execution);
}

enum sluice_status best_effort_keep(struct instance *instance, const struct sluice_batch *batch)
{
    struct best_effort *effort = instance->effort;
    if (effort->gives_back || batch_rows(batch) == 0) {
        batch_release(batch);
        return SLUICE_OK;
    }
    struct kept *kept = malloc(sizeof *kept);
    if (!kept) {
        batch_release(batch);
        return error_set(instance->error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                         "no memory to keep rows of a sink of best effort");
    }
    *kept = (struct kept){.batch = batch};
    *effort->last_kept = kept;
    effort->last_kept = &kept->next;
    effort->kept_bytes += batch_bytes(batch);
    limit_kept(instance);
    return SLUICE_OK;
}

/* ---- down ---- */

static void drop_object(struct instance *instance)
{
    pthread_mutex_lock(&instance->object_lock);
    void *object = instance->object;
    instance->object = NULL;
    pthread_mutex_unlock(&instance->object_lock);
    const struct sluice_sink *sink = &instance->step->plan->component->sink;
    if (object && sink->close)
        sink->close(object);
    if (object)
        sink->destroy(object);
}

static enum sluice_status give_back(struct instance *instance)
{
    const struct sluice_sink *sink = &instance->step->plan->component->sink;
    struct best_effort *effort = instance->effort;
    enum sluice_status status = SLUICE_OK;
    if (effort->gives_back && instance->object)
        status = sink->give_back(instance->object, effort->why, instance->error);
    for (struct kept *kept = effort->first_kept; kept && status == SLUICE_OK; kept = kept->next)
        status = best_effort_shed(instance, kept->batch);
    forget_kept(effort);
    return status;
}

static struct log_scope scope_of(const struct instance *instance)
{
    return (struct log_scope){instance->run.pipeline, instance->run.flow, instance->run.step};
}

/* The next probe: a random time up to a bound that doubles, and long enough after one that took
 * `took_ms`. */
static void plan_probe(struct instance *instance, int64_t took_ms)
{
    struct best_effort *effort = instance->effort;
    int64_t bound = (int64_t)PROBE_FIRST_MS << (effort->probe_count < 8 ? effort->probe_count : 8);
    if (bound > PROBE_MOST_MS)
        bound = PROBE_MOST_MS;
    int64_t pause = bound / 2 + (int64_t)(lane_random(instance->lane) % (uint64_t)(bound / 2 + 1));
    if (pause < took_ms * (PROBE_SHARE - 1))
        pause = took_ms * (PROBE_SHARE - 1);
    effort->probe_ms = clock_monotonic_ms() + pause;
    effort->probe_count++;
}

static enum sluice_status go_down(struct instance *instance, int64_t failing_ms)
{
    struct best_effort *effort = instance->effort;
    struct log_scope scope = scope_of(instance);
    struct text reason = {0};
    error_format(instance->error, &reason);
    error_set(effort->why, SLUICE_REJECT, SLUICE_CODE_SINK_UNAVAILABLE,
              "the sink of best effort does not answer: %s (%s)", text_get(&reason),
              error_code_name(error_code(instance->error)));
    log_error(SLUICE_LOG_WARN, &scope, instance->error,
              failing_ms > 0 ? "failing for longer than its patience: rows go to the dead letter "
                               "until the sink answers again"
                             : "failed: rows go to the dead letter until the sink answers again");
    text_reset(&reason);
    effort->is_down = true;
    atomic_fetch_add(&instance->step->counters.shedding_count, 1);
    effort->probe_count = 0;
    effort->shed_rows = 0;
    effort->down_since_ms = clock_monotonic_ms();
    atomic_store(&effort->is_interrupted, false);
    enum sluice_status status = give_back(instance);
    drop_object(instance);
    plan_probe(instance, 0);
    return status;
}

/* Errors of ours, which are not the target's fault. */
static bool is_own_fault(const struct instance *instance)
{
    enum sluice_code code = error_code(instance->error);
    return code == SLUICE_CODE_OUT_OF_MEMORY || code == SLUICE_CODE_OVER_BUDGET ||
           code == SLUICE_CODE_INTERNAL;
}

bool best_effort_takes(struct instance *instance, int64_t first_ms, enum sluice_status *status)
{
    struct best_effort *effort = instance->effort;
    bool is_failure =
        *status == SLUICE_RETRY || *status == SLUICE_FATAL || *status == SLUICE_CONFIG;
    if (!is_failure || atomic_load(&instance->execution->is_cancelled) || is_own_fault(instance))
        return false;
    if (effort->must_finish)
        return false;
    int64_t failing_ms = clock_monotonic_ms() - first_ms;
    bool is_patient = *status == SLUICE_RETRY && failing_ms < effort->patience_ms &&
                      !atomic_load(&effort->is_interrupted);
    if (is_patient || (*status != SLUICE_RETRY && !effort->was_up))
        return false;
    if (atomic_load(&effort->is_interrupted))
        error_set(instance->error, SLUICE_RETRY, SLUICE_CODE_TIMEOUT,
                  "it gave no sign of life for %lld s",
                  (long long)(effort->patience_ms * HANG_FACTOR / 1000));
    *status = go_down(instance, *status == SLUICE_RETRY ? failing_ms : 0);
    return true;
}

/* ---- checkpoints ---- */

void best_effort_up(struct instance *instance)
{
    instance->effort->was_up = true;
}

/* Rows up to here are the sink's. */
void best_effort_staged(struct instance *instance, uint64_t checkpoint, const struct text *state)
{
    struct best_effort *effort = instance->effort;
    forget_kept(effort);
    text_clear(&effort->staged);
    text_append_bytes(&effort->staged, text_get(state), state->size);
    effort->staged_number = checkpoint;
    effort->has_staged = true;
    atomic_store(&effort->has_leftover, true);
}

enum checkpoint_kind best_effort_carry(const struct instance *instance, struct text *state)
{
    const struct best_effort *effort = instance->effort;
    text_clear(state);
    if (effort->has_staged)
        text_append_bytes(state, text_get(&effort->staged), effort->staged.size);
    state->has_failed = state->has_failed || effort->staged.has_failed;
    return best_effort_has_leftover(instance) ? CHECKPOINT_STAGED : CHECKPOINT_COMMITTED;
}

void best_effort_committed(struct instance *instance)
{
    atomic_store(&instance->effort->has_leftover, false);
}

/* ---- up again ---- */

static enum sluice_status make_object(struct instance *instance)
{
    const struct component *component = instance->step->plan->component;
    void *object = NULL;
    instance->run.nonce = random_seed(); /* names of this attempt are not those of the last */
    enum sluice_status status = component->sink.create(
        &instance->host, instance->step->plan->options, &object, instance->error);
    pthread_mutex_lock(&instance->object_lock);
    instance->object = object;
    if (object && atomic_load(&instance->execution->is_cancelled) && component->sink.cancel)
        component->sink.cancel(object);
    pthread_mutex_unlock(&instance->object_lock);
    return status;
}

static enum sluice_status recover_own(struct instance *instance)
{
    const struct sluice_sink *sink = &instance->step->plan->component->sink;
    const struct best_effort *effort = instance->effort;
    struct sluice_state_reader reader = {text_get(&effort->staged), effort->staged.size};
    struct sluice_recovery recovery = {
        .struct_size = sizeof recovery,
        .member = instance->run.member,
        .checkpoint = effort->has_staged ? effort->staged_number : instance->execution->restored,
        .is_committed = !best_effort_has_leftover(instance),
        .settlement = SLUICE_SETTLE_OWN,
    };
    return sink->recover ? sink->recover(instance->object, &recovery,
                                         effort->has_staged ? &reader : NULL, instance->error)
                         : SLUICE_OK;
}

/* One try to bring the sink up, within `limit_ms`. */
static bool probe(struct instance *instance, int64_t limit_ms)
{
    struct best_effort *effort = instance->effort;
    const struct sluice_sink *sink = &instance->step->plan->component->sink;
    int64_t began_ms = clock_monotonic_ms();
    atomic_store(&effort->limit_ms, limit_ms);
    effort->is_probing = true;
    struct call call = call_enter(instance, STEP_WORKING);
    enum sluice_status status = make_object(instance);
    if (status == SLUICE_OK && sink->open)
        status = sink->open(instance->object, instance->error);
    if (status == SLUICE_OK)
        status = recover_own(instance);
    call_leave(call);
    effort->is_probing = false;
    atomic_store(&effort->limit_ms, effort->patience_ms * HANG_FACTOR);
    atomic_store(&effort->is_interrupted, false);
    if (status != SLUICE_OK) {
        drop_object(instance);
        plan_probe(instance, clock_monotonic_ms() - began_ms);
        return false;
    }
    effort->is_down = false;
    atomic_fetch_sub(&instance->step->counters.shedding_count, 1);
    effort->was_up = true;
    atomic_store(&effort->has_leftover, false);
    struct log_scope scope = scope_of(instance);
    log_write(SLUICE_LOG_INFO, &scope, NULL, 0,
              "the sink answers again after %lld s; %lld rows went to the dead letter",
              (long long)((clock_monotonic_ms() - effort->down_since_ms) / 1000),
              (long long)effort->shed_rows);
    ask_checkpoint(instance->execution);
    return true;
}

/* Each failed probe may take longer than the one before: a far server is slow, not down. */
static int64_t probe_limit_ms(const struct best_effort *effort)
{
    int64_t limit_ms = (int64_t)PROBE_LIMIT_MS << (effort->probe_count < 8 ? effort->probe_count : 8);
    return limit_ms < effort->patience_ms ? limit_ms : effort->patience_ms;
}

void best_effort_tick(struct instance *instance)
{
    struct best_effort *effort = instance->effort;
    if (clock_monotonic_ms() >= effort->probe_ms)
        probe(instance, probe_limit_ms(effort));
}

static enum sluice_status await_up(struct instance *instance)
{
    struct best_effort *effort = instance->effort;
    while (effort->is_down) {
        bool was_busy = instance->is_busy;
        instance->is_busy = true;
        bool goes_on = lane_wait(instance->lane, NULL, NULL, effort->probe_ms);
        instance->is_busy = was_busy;
        if (!goes_on)
            return error_set(instance->error, SLUICE_FATAL, SLUICE_CODE_CANCELLED,
                             "the run is being stopped");
        best_effort_tick(instance);
    }
    return SLUICE_OK;
}

/* What the newest decided checkpoint has of this sink, for the next probe and for checkpoints that
 * are taken before the sink stages again. */
static void adopt(struct instance *instance, const struct checkpoint_entry *entry,
                  uint64_t checkpoint, bool is_committed)
{
    struct best_effort *effort = instance->effort;
    if (entry) {
        text_clear(&effort->staged);
        text_append_bytes(&effort->staged, text_get(&entry->state), entry->state.size);
        effort->has_staged = true;
        effort->staged_number = checkpoint;
    }
    atomic_store(&effort->has_leftover,
                 entry && !is_committed && entry->kind != CHECKPOINT_COMMITTED);
}

bool best_effort_recovers(struct instance *instance, const struct command *command,
                          const struct checkpoint_entry *entry, enum sluice_status *status)
{
    struct best_effort *effort = instance->effort;
    bool is_own = command->settlement == SLUICE_SETTLE_OWN;
    *status = SLUICE_OK;
    if (is_own)
        adopt(instance, entry, command->number, command->is_committed);
    effort->must_finish = !is_own;
    if (!effort->is_down)
        return true;
    bool is_needed = !is_own && entry && !command->is_committed &&
                     entry->kind != CHECKPOINT_COMMITTED &&
                     command->settlement != SLUICE_SETTLE_NOTE;
    if (is_needed)
        *status = await_up(instance);
    return is_needed && *status == SLUICE_OK;
}

void best_effort_recovered(struct instance *instance, const struct command *command,
                           enum sluice_status status)
{
    struct best_effort *effort = instance->effort;
    effort->must_finish = false;
    bool is_own = command->settlement == SLUICE_SETTLE_OWN;
    if (is_own && status == SLUICE_OK && !effort->is_down)
        atomic_store(&effort->has_leftover, false);
}
