/* SPDX-License-Identifier: Apache-2.0 */
/* The lifecycle of an instance, and the calls on its plugin. */
#include "runtime/execution.h"

#include "telemetry/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    if (instance->step->plan->is_best_effort && best_effort_create(instance) != SLUICE_OK)
        return error_status(instance->error);
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
    case SLUICE_KIND_STATE:
    case SLUICE_KIND_NONE:
        break;
    }
    if (status == SLUICE_OK && instance->effort)
        best_effort_created(instance);
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
        struct call call = call_enter(instance, STEP_WORKING);
        status = open ? open(instance->object, instance->error) : SLUICE_OK;
        call_leave(call);
    } while (attempt_repeats(&attempt, &status));
    instance->is_open = status == SLUICE_OK;
    if (instance->effort && instance->is_open && !best_effort_is_down(instance))
        best_effort_up(instance);
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
    best_effort_destroy(instance);
}

/* ---- the data path ---- */

/* What is there is asked for first: only where that is nothing does the time count as waiting. */
static enum sluice_status read_once(struct instance *instance, int timeout_ms,
                                    struct sluice_batch **batch)
{
    const struct sluice_source *source = &instance->step->plan->component->source;
    struct call call = call_enter(instance, STEP_WORKING);
    enum sluice_status status = source->read(instance->object, 0, batch, instance->error);
    if (status == SLUICE_AGAIN && timeout_ms > 0) {
        lane_own(instance->lane, instance, STEP_WAITING_INPUT);
        status = source->read(instance->object, timeout_ms, batch, instance->error);
    }
    call_leave(call);
    return status;
}

enum sluice_status instance_read(struct instance *instance, int timeout_ms,
                                 struct sluice_batch **batch)
{
    struct attempt attempt = {.instance = instance};
    int64_t working_ns = instance->working_ns;
    enum sluice_status status = SLUICE_OK;
    do {
        status = read_once(instance, timeout_ms, batch);
    } while (attempt_repeats(&attempt, &status));
    if (status == SLUICE_OK)
        timing_note_batch(instance, working_ns);
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
    struct call call = call_enter(instance, STEP_WORKING);
    enum sluice_status status = transform->process(instance->object, batch, instance->error);
    call_leave(call);
    return status;
}

enum sluice_status instance_watermark(struct instance *instance, int64_t time_us)
{
    const struct component *component = instance->step->plan->component;
    if (component->kind != SLUICE_KIND_TRANSFORM)
        return SLUICE_OK;
    const struct sluice_transform *transform = &component->transform;
    struct call call = call_enter(instance, STEP_WORKING);
    enum sluice_status status = SLUICE_OK;
    if (transform->watermark)
        status = transform->watermark(instance->object, time_us, instance->error);
    if (status == SLUICE_OK && time_us == SLUICE_TIME_MAX && transform->finish &&
        !instance->is_finished) {
        instance->is_finished = true;
        status = transform->finish(instance->object, instance->error);
    }
    call_leave(call);
    return status;
}

enum sluice_status instance_tick(struct instance *instance)
{
    const struct component *component = instance->step->plan->component;
    if (best_effort_is_down(instance)) {
        best_effort_tick(instance);
        return SLUICE_OK;
    }
    if (component->kind != SLUICE_KIND_SINK || !component->sink.tick)
        return SLUICE_OK;
    struct attempt attempt = {.instance = instance};
    enum sluice_status status = SLUICE_OK;
    do {
        struct call call = call_enter(instance, STEP_WORKING);
        status = component->sink.tick(instance->object, instance->error);
        call_leave(call);
    } while (attempt_repeats(&attempt, &status));
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
    case SLUICE_KIND_STATE:
    case SLUICE_KIND_NONE:
        break;
    }
    return SLUICE_OK;
}

static enum checkpoint_kind state_kind(const struct instance *instance)
{
    enum sluice_kind kind = instance->step->plan->component->kind;
    return kind == SLUICE_KIND_SOURCE ? CHECKPOINT_POSITION
           : kind == SLUICE_KIND_SINK ? CHECKPOINT_STAGED
                                      : CHECKPOINT_STATE;
}

/* Hands the state to the checkpoint under way and answers the controller. Without its state the
 * instance owes the answer: the checkpoint must not be written before the flow has failed. */
static enum sluice_status answer_barrier(struct instance *instance, enum checkpoint_kind kind,
                                         struct text *state)
{
    struct execution *execution = instance->execution;
    bool is_added = !state->has_failed;
    pthread_mutex_lock(&execution->lock);
    if (is_added && execution->gathering && state->size)
        is_added = checkpoint_add(execution->gathering, kind, instance->run.step,
                                  instance->run.lane, state);
    if (is_added)
        execution->pending--;
    pthread_cond_broadcast(&execution->changed);
    pthread_mutex_unlock(&execution->lock);
    return is_added ? SLUICE_OK
                    : error_set(instance->error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                                "no memory for the checkpoint");
}

static void point_before(const struct instance *instance)
{
    enum checkpoint_kind kind = state_kind(instance);
    fault_point(kind == CHECKPOINT_POSITION ? "source.snapshot"
                : kind == CHECKPOINT_STATE  ? "transform.snapshot"
                                            : "sink.stage");
}

static void point_after(const struct instance *instance)
{
    enum checkpoint_kind kind = state_kind(instance);
    fault_point(kind == CHECKPOINT_POSITION ? "source.snapshot-done"
                : kind == CHECKPOINT_STATE  ? "transform.snapshot-done"
                                            : "sink.stage-done");
}

enum sluice_status instance_snapshot(struct instance *instance, uint64_t checkpoint)
{
    struct attempt attempt = {.instance = instance};
    struct text state = {0};
    enum sluice_status status = SLUICE_OK;
    enum checkpoint_kind kind = state_kind(instance);
    while (!best_effort_is_down(instance)) {
        text_clear(&state);
        struct call call = call_enter(instance, STEP_WORKING);
        point_before(instance);
        status = write_state(instance, checkpoint, &state);
        point_after(instance);
        call_leave(call);
        if (status == SLUICE_OK && state.has_failed)
            status = error_set(instance->error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                               "no memory for the step's state");
        if (!attempt_repeats(&attempt, &status))
            break;
    }
    if (kind == CHECKPOINT_STAGED && status == SLUICE_OK)
        arrivals_stage(instance);
    if (best_effort_is_down(instance))
        kind = best_effort_carry(instance, &state);
    else if (instance->effort && status == SLUICE_OK)
        best_effort_staged(instance, checkpoint, &state);
    if (status == SLUICE_OK)
        status = answer_barrier(instance, kind, &state);
    text_reset(&state);
    return status;
}

enum sluice_status instance_recover(struct instance *instance, const struct command *command)
{
    const struct sluice_sink *sink = &instance->step->plan->component->sink;
    const struct checkpoint_entry *entry =
        command->checkpoint
            ? checkpoint_find(command->checkpoint, instance->run.step, instance->run.lane)
            : NULL;
    enum sluice_status status = SLUICE_OK;
    if (instance->effort && !best_effort_recovers(instance, command, entry, &status))
        return status;
    if (!sink->recover)
        return SLUICE_OK;
    struct sluice_recovery recovery = {.struct_size = sizeof recovery,
                                       .member = command->member,
                                       .checkpoint = command->number,
                                       .is_committed =
                                           command->is_committed ||
                                           (entry && entry->kind == CHECKPOINT_COMMITTED),
                                       .is_running = instance->has_written,
                                       .settlement = command->settlement};
    struct attempt attempt = {.instance = instance};
    do {
        struct sluice_state_reader reader = {entry ? text_get(&entry->state) : "",
                                             entry ? entry->state.size : 0};
        struct call call = call_enter(instance, STEP_WORKING);
        fault_point("sink.recover");
        status = sink->recover(instance->object, &recovery, entry ? &reader : NULL,
                               instance->error);
        fault_point("sink.recover-done");
        call_leave(call);
    } while (attempt_repeats(&attempt, &status));
    if (instance->effort)
        best_effort_recovered(instance, command, status);
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
        struct call call = call_enter(instance, STEP_WORKING);
        fault_point("source.decide");
        status = source->decide(instance->object, checkpoint, instance->error);
        fault_point("source.decide-done");
        call_leave(call);
    } while (attempt_repeats(&attempt, &status));
    if (status != SLUICE_OK && status != SLUICE_REJECT)
        return status;
    pthread_mutex_lock(&execution->lock);
    execution->decision = status;
    pthread_mutex_unlock(&execution->lock);
    if (status == SLUICE_REJECT) {
        struct log_scope scope = {instance->run.pipeline, instance->run.flow, instance->run.step};
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
    /* A sink that is or was down had nothing staged for this checkpoint, or its probe did it. */
    if (instance->effort &&
        (best_effort_is_down(instance) || !best_effort_has_leftover(instance)))
        return SLUICE_OK;
    do {
        struct sluice_state_reader reader = {entry ? text_get(&entry->state) : "",
                                             entry ? entry->state.size : 0};
        struct call call = call_enter(instance, STEP_WORKING);
        fault_point("sink.commit");
        status = sink->commit(instance->object, checkpoint, &reader, instance->error);
        fault_point("sink.commit-done");
        call_leave(call);
    } while (attempt_repeats(&attempt, &status));
    if (instance->effort && status == SLUICE_OK && !best_effort_is_down(instance))
        best_effort_committed(instance);
    if (status == SLUICE_OK)
        arrivals_show(instance);
    return status;
}

void instance_committed(struct instance *instance, uint64_t checkpoint)
{
    const struct sluice_source *source = &instance->step->plan->component->source;
    if (!source->committed)
        return;
    struct call call = call_enter(instance, STEP_WORKING);
    fault_point("source.committed");
    source->committed(instance->object, checkpoint);
    fault_point("source.committed-done");
    call_leave(call);
}
