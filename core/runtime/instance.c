/* SPDX-License-Identifier: Apache-2.0 */
/* Calls on plugins: lifecycle, backoff with full jitter after RETRY, and whose time it is. A
 * callback that asks to be opened again (NOT_CONNECTED) makes the flow start over from its last
 * decided checkpoint: what the instance held may be gone. */
#include "runtime/execution.h"

#include "telemetry/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BACKOFF_FIRST_MS = 100, BACKOFF_MOST_MS = 20000, BACKOFF_LOG_EVERY_MS = 10000 };

/* One call that may be repeated. */
struct attempt {
    struct instance *instance;
    int count;
    int64_t first_ms;
    int64_t logged_ms;
};

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

/* Full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter"): a random time up to a
 * bound that doubles; at least what the server asked for. */
static int64_t backoff_ms(const struct attempt *attempt)
{
    int doublings = attempt->count < 8 ? attempt->count : 8;
    int64_t bound = (int64_t)BACKOFF_FIRST_MS << doublings;
    if (bound > BACKOFF_MOST_MS)
        bound = BACKOFF_MOST_MS;
    int64_t wait =
        1 + (int64_t)(next_random(&attempt->instance->lane->random_state) % (uint64_t)bound);
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

/* After a call: whether to make it again. Otherwise *status is what to return. */
static bool repeats(struct attempt *attempt, enum sluice_status *status)
{
    struct instance *instance = attempt->instance;
    struct execution *execution = instance->execution;
    if (*status == SLUICE_NOT_CONNECTED) {
        atomic_store(&execution->wants_restart, true);
        return false;
    }
    if (*status != SLUICE_RETRY) {
        if (attempt->count && *status == SLUICE_OK)
            note_error(instance, "");
        return false;
    }
    int64_t now_ms = clock_monotonic_ms();
    if (attempt->count == 0)
        attempt->first_ms = now_ms;
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

/* Entering and leaving a callback. */
struct call {
    struct instance *instance;
    struct instance *owner;
    bool was_busy;
};

static struct call enter(struct instance *instance, enum step_activity activity)
{
    struct call call = {instance, lane_own(instance->lane, instance, activity),
                        instance->is_busy};
    instance->is_busy = true;
    error_reset(instance->error);
    return call;
}

static void leave(struct call call)
{
    call.instance->is_busy = call.was_busy;
    lane_own(call.instance->lane, call.owner, STEP_WORKING);
}

/* ---- lifecycle ---- */

enum sluice_status instance_create(struct instance *instance, const struct checkpoint *restored)
{
    const struct component *component = instance->step->plan->component;
    const void *options = instance->step->plan->options;
    const struct checkpoint_entry *entry =
        restored ? checkpoint_find(restored, instance->run.step, instance->run.lane) : NULL;
    enum sluice_status (*restore)(void *, struct sluice_state_reader *, struct sluice_error *) =
        NULL;
    enum sluice_status status = SLUICE_FATAL;
    switch (component->kind) {
    case SLUICE_KIND_SOURCE:
        status = component->source.create(&instance->host, options, &instance->object,
                                          instance->error);
        restore = component->source.restore;
        break;
    case SLUICE_KIND_TRANSFORM:
        status = component->transform.create(&instance->host, options, &instance->object,
                                             instance->error);
        restore = component->transform.restore;
        break;
    case SLUICE_KIND_SINK:
        status = component->sink.create(&instance->host, options, &instance->object,
                                        instance->error);
        break;
    case SLUICE_KIND_CODEC:
    case SLUICE_KIND_NONE:
        break;
    }
    if (status == SLUICE_OK && restore && entry) {
        struct sluice_state_reader reader = {text_get(&entry->state), entry->state.size};
        status = restore(instance->object, &reader, instance->error);
    }
    return status;
}

enum sluice_status instance_open(struct instance *instance)
{
    const struct component *component = instance->step->plan->component;
    enum sluice_status (*open)(void *, struct sluice_error *) =
        component->kind == SLUICE_KIND_SOURCE      ? component->source.open
        : component->kind == SLUICE_KIND_TRANSFORM ? component->transform.open
                                                   : component->sink.open;
    struct attempt attempt = {.instance = instance};
    enum sluice_status status = SLUICE_OK;
    do {
        struct call call = enter(instance, STEP_WORKING);
        status = open ? open(instance->object, instance->error) : SLUICE_OK;
        leave(call);
    } while (repeats(&attempt, &status));
    instance->is_open = status == SLUICE_OK;
    return status;
}

void instance_close(struct instance *instance)
{
    const struct component *component = instance->step->plan->component;
    void (*close)(void *) = component->kind == SLUICE_KIND_SOURCE      ? component->source.close
                            : component->kind == SLUICE_KIND_TRANSFORM ? component->transform.close
                                                                       : component->sink.close;
    if (instance->object && close)
        close(instance->object);
    instance->is_open = false;
}

void instance_destroy(struct instance *instance)
{
    const struct component *component = instance->step->plan->component;
    void (*destroy)(void *) = component->kind == SLUICE_KIND_SOURCE ? component->source.destroy
                              : component->kind == SLUICE_KIND_TRANSFORM
                                  ? component->transform.destroy
                                  : component->sink.destroy;
    if (instance->object)
        destroy(instance->object);
    instance->object = NULL;
}

/* ---- the data path ---- */

enum sluice_status instance_read(struct instance *instance, int timeout_ms,
                                 struct sluice_batch **batch)
{
    const struct sluice_source *source = &instance->step->plan->component->source;
    struct attempt attempt = {.instance = instance};
    enum sluice_status status = SLUICE_OK;
    do {
        struct call call = enter(instance, STEP_WORKING);
        status = source->read(instance->object, timeout_ms, batch, instance->error);
        leave(call);
    } while (repeats(&attempt, &status));
    if (status == SLUICE_OK &&
        !schema_equal(batch_schema(*batch), instance->step->plan->output_schema)) {
        batch_release(*batch);
        *batch = NULL;
        status = error_set(instance->error, SLUICE_FATAL, SLUICE_CODE_INTERNAL,
                           "the plugin gave out columns other than it had planned");
    }
    if (status == SLUICE_AGAIN)
        atomic_store_explicit(&instance->step->counters.activity, (int)STEP_WAITING_INPUT,
                              memory_order_relaxed);
    return status;
}

enum sluice_status instance_process(struct instance *instance, const struct sluice_batch *batch)
{
    const struct sluice_transform *transform = &instance->step->plan->component->transform;
    struct call call = enter(instance, STEP_WORKING);
    enum sluice_status status = transform->process(instance->object, batch, instance->error);
    leave(call);
    return status;
}

enum sluice_status instance_watermark(struct instance *instance, int64_t time_us)
{
    const struct component *component = instance->step->plan->component;
    if (component->kind != SLUICE_KIND_TRANSFORM)
        return SLUICE_OK;
    const struct sluice_transform *transform = &component->transform;
    struct call call = enter(instance, STEP_WORKING);
    enum sluice_status status = SLUICE_OK;
    if (transform->watermark)
        status = transform->watermark(instance->object, time_us, instance->error);
    if (status == SLUICE_OK && time_us == SLUICE_TIME_MAX && transform->finish &&
        !instance->is_finished) {
        instance->is_finished = true;
        status = transform->finish(instance->object, instance->error);
    }
    leave(call);
    return status;
}

/* Verdicts of the write under way. */
struct sluice_verdicts {
    struct instance *instance;
    const struct sluice_batch *batch;
    int64_t row_count;
    unsigned char *settled; /* enum sluice_verdict by row */
    enum sluice_status status;
};

void verdict_set(struct sluice_verdicts *verdicts, int64_t row, enum sluice_verdict verdict,
                 const struct sluice_error *why)
{
    struct step_counters *counters = &verdicts->instance->step->counters;
    if (row < 0 || row >= verdicts->row_count || verdict == SLUICE_VERDICT_NONE ||
        verdicts->settled[row] != SLUICE_VERDICT_NONE)
        return;
    verdicts->settled[row] = (unsigned char)verdict;
    if (verdict == SLUICE_VERDICT_DUPLICATE)
        atomic_fetch_add_explicit(&counters->duplicates, 1, memory_order_relaxed);
    if (verdict == SLUICE_VERDICT_REJECT) {
        struct sluice_rejected rejected = {
            .batch = verdicts->batch, .row = row, .position = -1};
        enum sluice_status status = reject_row(verdicts->instance, &rejected, why);
        if (status != SLUICE_OK)
            verdicts->status = status;
    }
}

/* The rows that have no verdict yet, for the next try. */
static enum sluice_status take_unsettled(struct sluice_verdicts *verdicts,
                                         struct sluice_batch **left)
{
    struct instance *instance = verdicts->instance;
    int32_t *rows = malloc((size_t)(verdicts->row_count + 1) * sizeof *rows);
    int64_t count = 0;
    if (!rows)
        return error_set(instance->error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                         "no memory to repeat a write");
    for (int64_t row = 0; row < verdicts->row_count; row++)
        if (verdicts->settled[row] == SLUICE_VERDICT_NONE)
            rows[count++] = (int32_t)row;
    enum sluice_status status = batch_take(&instance->step->account, verdicts->batch, rows, count,
                                           left, instance->error);
    free(rows);
    return status;
}

/* One write call. On RETRY *left has the rows to come again. */
static enum sluice_status write_once(struct instance *instance, const struct sluice_batch *batch,
                                     struct sluice_batch **left)
{
    const struct sluice_sink *sink = &instance->step->plan->component->sink;
    struct sluice_verdicts verdicts = {instance, batch, batch_rows(batch), NULL, SLUICE_OK};
    verdicts.settled = calloc(1, (size_t)verdicts.row_count + 1);
    if (!verdicts.settled)
        return error_set(instance->error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                         "no memory for the verdicts of a write");
    struct call call = enter(instance, STEP_WORKING);
    enum sluice_status status = sink->write(instance->object, batch, &verdicts, instance->error);
    leave(call);
    if (verdicts.status != SLUICE_OK)
        status = verdicts.status;
    int64_t rejected = 0;
    int64_t unsettled = 0;
    for (int64_t row = 0; row < verdicts.row_count; row++) {
        rejected += verdicts.settled[row] == SLUICE_VERDICT_REJECT;
        unsettled += verdicts.settled[row] == SLUICE_VERDICT_NONE;
    }
    int64_t taken = verdicts.row_count - rejected - (status == SLUICE_OK ? 0 : unsettled);
    atomic_fetch_add_explicit(&instance->step->counters.rows_out, (uint64_t)taken,
                              memory_order_relaxed);
    if (status == SLUICE_RETRY && take_unsettled(&verdicts, left) != SLUICE_OK)
        status = SLUICE_FATAL;
    free(verdicts.settled);
    return status;
}

enum sluice_status instance_write(struct instance *instance, const struct sluice_batch *batch)
{
    struct attempt attempt = {.instance = instance};
    struct sluice_batch *kept = NULL;
    enum sluice_status status = SLUICE_OK;
    bool is_again = false;
    instance->has_written = true;
    do {
        struct sluice_batch *left = NULL;
        status = write_once(instance, is_again ? kept : batch, &left);
        batch_release(kept);
        kept = left;
        is_again = true;
    } while (repeats(&attempt, &status));
    batch_release(kept);
    return status;
}

enum sluice_status instance_tick(struct instance *instance)
{
    const struct component *component = instance->step->plan->component;
    if (component->kind != SLUICE_KIND_SINK || !component->sink.tick)
        return SLUICE_OK;
    struct attempt attempt = {.instance = instance};
    enum sluice_status status = SLUICE_OK;
    do {
        struct call call = enter(instance, STEP_WORKING);
        status = component->sink.tick(instance->object, instance->error);
        leave(call);
    } while (repeats(&attempt, &status));
    return status;
}

/* ---- checkpoints ---- */

/* Writes the instance's part of a checkpoint: position, state or staged output. */
static enum sluice_status write_state(struct instance *instance, uint64_t checkpoint,
                                      struct text *state)
{
    const struct component *component = instance->step->plan->component;
    struct sluice_state_writer writer = {state};
    void *object = instance->object;
    switch (component->kind) {
    case SLUICE_KIND_SOURCE:
        return component->source.snapshot
                   ? component->source.snapshot(object, &writer, instance->error)
                   : SLUICE_OK;
    case SLUICE_KIND_TRANSFORM:
        return component->transform.snapshot
                   ? component->transform.snapshot(object, &writer, instance->error)
                   : SLUICE_OK;
    case SLUICE_KIND_SINK:
        return component->sink.stage(object, checkpoint, &writer, instance->error);
    case SLUICE_KIND_CODEC:
    case SLUICE_KIND_NONE:
        break;
    }
    return SLUICE_OK;
}

/* Hands the state to the checkpoint under way and answers the controller. */
static enum sluice_status answer_barrier(struct instance *instance, struct text *state)
{
    struct execution *execution = instance->execution;
    bool is_added = true;
    pthread_mutex_lock(&execution->lock);
    if (execution->gathering && state->size)
        is_added = checkpoint_add(execution->gathering, instance->run.step, instance->run.lane,
                                  state);
    execution->pending--;
    pthread_cond_broadcast(&execution->changed);
    pthread_mutex_unlock(&execution->lock);
    return is_added ? SLUICE_OK
                    : error_set(instance->error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                                "no memory for the checkpoint");
}

enum sluice_status instance_snapshot(struct instance *instance, uint64_t checkpoint)
{
    struct attempt attempt = {.instance = instance};
    struct text state = {0};
    enum sluice_status status = SLUICE_OK;
    do {
        text_clear(&state);
        struct call call = enter(instance, STEP_WORKING);
        status = write_state(instance, checkpoint, &state);
        leave(call);
        if (status == SLUICE_OK && state.has_failed)
            status = error_set(instance->error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                               "no memory for the step's state");
    } while (repeats(&attempt, &status));
    if (status == SLUICE_OK)
        status = answer_barrier(instance, &state);
    text_reset(&state);
    return status;
}

enum sluice_status instance_recover(struct instance *instance, const struct command *command)
{
    const struct sluice_sink *sink = &instance->step->plan->component->sink;
    if (!sink->recover)
        return SLUICE_OK;
    const struct checkpoint_entry *entry =
        command->checkpoint
            ? checkpoint_find(command->checkpoint, instance->run.step, instance->run.lane)
            : NULL;
    struct sluice_recovery recovery = {.struct_size = sizeof recovery,
                                       .member = command->member,
                                       .checkpoint = command->number,
                                       .is_committed = command->is_committed,
                                       .is_running = instance->has_written};
    struct attempt attempt = {.instance = instance};
    enum sluice_status status = SLUICE_OK;
    do {
        struct sluice_state_reader reader = {entry ? text_get(&entry->state) : "",
                                             entry ? entry->state.size : 0};
        struct call call = enter(instance, STEP_WORKING);
        status = sink->recover(instance->object, &recovery, entry ? &reader : NULL,
                               instance->error);
        leave(call);
    } while (repeats(&attempt, &status));
    return status;
}

enum sluice_status instance_decide(struct instance *instance, uint64_t checkpoint)
{
    const struct sluice_source *source = &instance->step->plan->component->source;
    struct execution *execution = instance->execution;
    if (!source->decide)
        return SLUICE_OK;
    struct attempt attempt = {.instance = instance};
    enum sluice_status status = SLUICE_OK;
    do {
        struct call call = enter(instance, STEP_WORKING);
        status = source->decide(instance->object, checkpoint, instance->error);
        leave(call);
    } while (repeats(&attempt, &status));
    if (status != SLUICE_OK && status != SLUICE_REJECT)
        return status;
    pthread_mutex_lock(&execution->lock);
    execution->decision = status;
    pthread_mutex_unlock(&execution->lock);
    if (status == SLUICE_REJECT) {
        struct log_scope scope = scope_of(instance);
        log_error(SLUICE_LOG_WARN, &scope, instance->error, "checkpoint refused, starting over");
    }
    return SLUICE_OK;
}

enum sluice_status instance_commit(struct instance *instance, uint64_t checkpoint)
{
    const struct sluice_sink *sink = &instance->step->plan->component->sink;
    const struct checkpoint_entry *entry = checkpoint_find(
        instance->execution->gathering, instance->run.step, instance->run.lane);
    struct attempt attempt = {.instance = instance};
    enum sluice_status status = SLUICE_OK;
    do {
        struct sluice_state_reader reader = {entry ? text_get(&entry->state) : "",
                                             entry ? entry->state.size : 0};
        struct call call = enter(instance, STEP_WORKING);
        status = sink->commit(instance->object, checkpoint, &reader, instance->error);
        leave(call);
    } while (repeats(&attempt, &status));
    return status;
}

void instance_committed(struct instance *instance, uint64_t checkpoint)
{
    const struct sluice_source *source = &instance->step->plan->component->source;
    if (!source->committed)
        return;
    struct call call = enter(instance, STEP_WORKING);
    source->committed(instance->object, checkpoint);
    leave(call);
}
