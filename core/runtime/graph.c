/* SPDX-License-Identifier: Apache-2.0 */
/* From a flow's steps to lanes, instances, inputs, outputs and channels. */
#include "runtime/execution.h"

#include <stdlib.h>
#include <string.h>

enum { CHANNELS_SHARE = 4 };

static enum sluice_status no_memory(struct sluice_error *error)
{
    return error_set(error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                     "no memory to build the flow");
}

/* The lane of a step that runs once. Sources go first and sinks last, so that with two lanes
 * reading and parsing run beside encoding and sending. */
static int home_lane(const struct execution *execution, const int *homes, size_t index,
                     int *next_sink)
{
    const struct step_plan *plan = execution->flow->steps[index].plan;
    if (plan->component->kind == SLUICE_KIND_SINK) {
        int lane = execution->lane_count - 1 - *next_sink % execution->lane_count;
        if (!plan->is_dead_letter)
            (*next_sink)++;
        return plan->is_dead_letter ? execution->lane_count - 1 : lane;
    }
    if (plan->input_count && homes[plan->inputs[0]] >= 0)
        return homes[plan->inputs[0]];
    return 0;
}

static void init_instance(struct execution *execution, struct instance *instance, size_t step,
                          int lane)
{
    struct flow *flow = execution->flow;
    const struct step_plan *plan = flow->steps[step].plan;
    const struct pipeline_run *pipeline = flow->pipeline;
    instance->host.table = &flow->runtime->host_table;
    instance->execution = execution;
    instance->step = &flow->steps[step];
    instance->step_index = step;
    instance->lane = &execution->lanes[lane];
    instance->run = (struct sluice_run){
        .struct_size = sizeof(struct sluice_run),
        .pipeline = pipeline->plan->name,
        .flow = flow->plan->name,
        .step = plan->name,
        .member = pipeline->member.id,
        .member_path = pipeline->member.path,
        .nonce = execution->nonce,
        .run = execution->run_number,
        .is_batch = flow->plan->trigger != FLOW_CONTINUOUS,
        .is_once = flow->runtime->options.is_once,
        .is_replay = flow->runtime->options.replay != NULL || flow->is_resetting,
        .spill_path = pipeline->spill_path,
        .lane = plan->is_parallel ? lane : 0,
        .lane_count = plan->is_parallel ? execution->lane_count : 1,
        .memory_bytes = pipeline->plan->settings.memory_bytes /
                        (int64_t)(execution->instance_count ? execution->instance_count : 1),
    };
    instance->watermark_us = INT64_MIN;
    atomic_init(&instance->shown_watermark_us, INT64_MIN);
    pthread_mutex_init(&instance->object_lock, NULL);
    instance->error = error_create();
}

/* Makes the instances of all steps; homes[step] is the lane of a step that runs once, else -1. */
static enum sluice_status make_instances(struct execution *execution, int *homes,
                                         struct sluice_error *error)
{
    int next_sink = 0;
    size_t count = 0;
    for (size_t i = 0; i < execution->step_count; i++) {
        bool is_parallel = execution->flow->steps[i].plan->is_parallel;
        homes[i] = is_parallel ? -1 : home_lane(execution, homes, i, &next_sink);
        count += is_parallel ? (size_t)execution->lane_count : 1;
    }
    execution->instances = calloc(count, sizeof *execution->instances);
    if (!execution->instances)
        return no_memory(error);
    execution->instance_count = count;
    size_t made = 0;
    for (size_t i = 0; i < execution->step_count; i++) {
        for (int lane = 0; lane < execution->lane_count; lane++) {
            if (homes[i] >= 0 && homes[i] != lane)
                continue;
            struct instance *instance = calloc(1, sizeof *instance);
            if (!instance)
                return no_memory(error);
            execution->instances[made++] = instance;
            init_instance(execution, instance, i, lane);
            if (!instance->error)
                return no_memory(error);
        }
    }
    return SLUICE_OK;
}

static struct instance *find_instance(const struct execution *execution, size_t step, int lane)
{
    for (size_t i = 0; i < execution->instance_count; i++) {
        struct instance *instance = execution->instances[i];
        if (instance && instance->step_index == step && instance->lane->index == lane)
            return instance;
    }
    return NULL;
}

static enum sluice_status fill_lanes(struct execution *execution, struct sluice_error *error)
{
    for (int l = 0; l < execution->lane_count; l++) {
        struct lane *lane = &execution->lanes[l];
        lane->instances = calloc(execution->instance_count, sizeof *lane->instances);
        lane->channels = calloc(execution->instance_count * (size_t)execution->lane_count *
                                    (execution->step_count + 1),
                                sizeof *lane->channels);
        if (!lane->instances || !lane->channels)
            return no_memory(error);
        for (size_t i = 0; i < execution->instance_count; i++)
            if (execution->instances[i]->lane == lane)
                lane->instances[lane->instance_count++] = execution->instances[i];
    }
    return SLUICE_OK;
}

/* A new input of `instance` that `from` sends to; a channel is put between lanes. */
static struct input *add_input(struct execution *execution, struct instance *instance,
                               size_t from_step, struct lane *from)
{
    struct input *input = &instance->inputs[instance->input_count++];
    *input = (struct input){
        .instance = instance, .from_step = from_step, .watermark_us = INT64_MIN};
    if (from == instance->lane)
        return input;
    struct channel *channel = calloc(1, sizeof *channel);
    if (!channel)
        return NULL;
    *channel = (struct channel){.from = from, .to = instance->lane, .input = input};
    input->channel = channel;
    execution->channels[execution->channel_count++] = channel;
    instance->lane->channels[instance->lane->channel_count++] = channel;
    return input;
}

static enum sluice_status set_keys(struct output *output, const struct step_plan *from,
                                   const struct step_plan *to, struct sluice_error *error)
{
    output->keys = calloc(to->key_count, sizeof *output->keys);
    if (!output->keys)
        return no_memory(error);
    output->key_count = to->key_count;
    for (size_t i = 0; i < to->key_count; i++) {
        output->keys[i] = schema_find(from->output_schema, to->keys[i]);
        if (output->keys[i] < 0)
            return error_set(error, SLUICE_FATAL, SLUICE_CODE_INTERNAL,
                             "key column %s of step %s is not in its input", to->keys[i],
                             to->name);
    }
    return SLUICE_OK;
}

/* Joins one sending instance with the instances of the step that reads it. */
static enum sluice_status connect_output(struct execution *execution, struct instance *sender,
                                         size_t to_step, struct sluice_error *error)
{
    const struct step_plan *from = sender->step->plan;
    const struct step_plan *to = execution->flow->steps[to_step].plan;
    struct output *output = &sender->outputs[sender->output_count++];
    bool is_hashed = to->is_parallel && to->key_count > 0 && execution->lane_count > 1;
    output->kind = is_hashed ? EDGE_HASH : to->is_parallel ? EDGE_FORWARD : EDGE_GATHER;
    output->targets = calloc((size_t)execution->lane_count, sizeof(struct input *));
    if (!output->targets)
        return no_memory(error);
    enum sluice_status status = SLUICE_OK;
    if (is_hashed)
        status = set_keys(output, from, to, error);
    for (int lane = 0; status == SLUICE_OK && lane < execution->lane_count; lane++) {
        struct instance *receiver = find_instance(execution, to_step, lane);
        bool is_target = receiver && (output->kind != EDGE_FORWARD || receiver->lane == sender->lane);
        if (!is_target)
            continue;
        struct input *input = add_input(execution, receiver, sender->step_index, sender->lane);
        if (!input)
            return no_memory(error);
        output->targets[output->target_count++] = input;
    }
    return status;
}

static enum sluice_status connect_steps(struct execution *execution, struct sluice_error *error)
{
    struct flow *flow = execution->flow;
    enum sluice_status status = SLUICE_OK;
    for (size_t to = 0; to < execution->step_count; to++) {
        const struct step_plan *plan = flow->steps[to].plan;
        for (size_t k = 0; k < plan->input_count; k++)
            for (size_t i = 0; status == SLUICE_OK && i < execution->instance_count; i++)
                if (execution->instances[i]->step_index == plan->inputs[k])
                    status = connect_output(execution, execution->instances[i], to, error);
    }
    return status;
}

/* Every lane that runs anything else sends its rejects to the dead letter's one instance. */
static enum sluice_status connect_dead_letter(struct execution *execution,
                                              struct sluice_error *error)
{
    if (execution->dead_letter_step == SIZE_MAX)
        return SLUICE_OK;
    struct instance *dead_letter = NULL;
    for (int lane = 0; lane < execution->lane_count && !dead_letter; lane++)
        dead_letter = find_instance(execution, execution->dead_letter_step, lane);
    for (int l = 0; l < execution->lane_count; l++) {
        struct lane *lane = &execution->lanes[l];
        if (lane->instance_count == (lane == dead_letter->lane ? 1u : 0u))
            continue;
        lane->dead_letter = add_input(execution, dead_letter, SIZE_MAX, lane);
        if (!lane->dead_letter)
            return no_memory(error);
    }
    return SLUICE_OK;
}

/* reaches[a][b]: a batch at step a can lead to a call of step b. */
static void mark_reachable(struct execution *execution)
{
    size_t count = execution->step_count;
    bool *reaches = execution->reaches;
    for (size_t to = 0; to < count; to++) {
        const struct step_plan *plan = execution->flow->steps[to].plan;
        reaches[to * count + to] = true;
        for (size_t k = 0; k < plan->input_count; k++)
            for (size_t from = 0; from < count; from++)
                if (reaches[from * count + plan->inputs[k]])
                    reaches[from * count + to] = true;
    }
    if (execution->dead_letter_step != SIZE_MAX)
        for (size_t from = 0; from < count; from++)
            reaches[from * count + execution->dead_letter_step] = true;
}

/* Room for every list, sized for the worst case: the graphs are small. */
static enum sluice_status reserve(struct execution *execution, struct sluice_error *error)
{
    size_t lanes = (size_t)execution->lane_count;
    size_t links = execution->instance_count * lanes * (execution->step_count + 1);
    execution->channels = calloc(links + 1, sizeof *execution->channels);
    execution->reaches = calloc(execution->step_count * execution->step_count + 1, sizeof(bool));
    if (!execution->channels || !execution->reaches)
        return no_memory(error);
    for (size_t i = 0; i < execution->instance_count; i++) {
        struct instance *instance = execution->instances[i];
        instance->inputs =
            calloc(lanes * (instance->step->plan->input_count + 1), sizeof *instance->inputs);
        instance->outputs = calloc(execution->step_count + 1, sizeof *instance->outputs);
        if (!instance->inputs || !instance->outputs)
            return no_memory(error);
    }
    return SLUICE_OK;
}

/* All channels together hold no more than a part of the budget, however many there are. */
static void bound_channels(struct execution *execution)
{
    const struct settings_plan *settings = &execution->flow->pipeline->plan->settings;
    int64_t count = execution->channel_count ? (int64_t)execution->channel_count : 1;
    int64_t share = settings->memory_bytes / CHANNELS_SHARE / count;
    execution->channel_bytes =
        settings->channel_bytes < share ? settings->channel_bytes : share;
}

enum sluice_status graph_build(struct execution *execution, struct sluice_error *error)
{
    struct flow *flow = execution->flow;
    execution->step_count = flow->step_count;
    execution->lane_count = flow->plan->lane_count;
    execution->deciding_step = SIZE_MAX;
    execution->dead_letter_step = SIZE_MAX;
    execution->lanes = calloc((size_t)execution->lane_count, sizeof *execution->lanes);
    int *homes = calloc(execution->step_count + 1, sizeof *homes);
    enum sluice_status status = execution->lanes && homes ? SLUICE_OK : no_memory(error);
    for (int i = 0; status == SLUICE_OK && i < execution->lane_count; i++) {
        struct lane *lane = &execution->lanes[i];
        lane->execution = execution;
        lane->index = i;
        lane->random_state = execution->nonce + (uint64_t)i * 0x9e3779b97f4a7c15u;
        pthread_mutex_init(&lane->lock, NULL);
        condition_init(&lane->wake);
    }
    for (size_t i = 0; i < execution->step_count; i++) {
        const struct step_plan *plan = flow->steps[i].plan;
        if (plan->component->kind == SLUICE_KIND_SOURCE && plan->component->source.decide)
            execution->deciding_step = i;
        if (plan->is_dead_letter)
            execution->dead_letter_step = i;
    }
    if (status == SLUICE_OK)
        status = make_instances(execution, homes, error);
    if (status == SLUICE_OK)
        status = fill_lanes(execution, error);
    if (status == SLUICE_OK)
        status = reserve(execution, error);
    if (status == SLUICE_OK)
        status = connect_steps(execution, error);
    if (status == SLUICE_OK)
        status = connect_dead_letter(execution, error);
    if (status == SLUICE_OK) {
        mark_reachable(execution);
        bound_channels(execution);
    }
    free(homes);
    return status;
}

static void free_instance(struct instance *instance)
{
    if (!instance)
        return;
    for (size_t i = 0; i < instance->output_count; i++) {
        free(instance->outputs[i].keys);
        free(instance->outputs[i].targets);
    }
    free(instance->outputs);
    free(instance->inputs);
    error_destroy(instance->error);
    pthread_mutex_destroy(&instance->object_lock);
    free(instance);
}

void graph_free(struct execution *execution)
{
    for (size_t i = 0; i < execution->channel_count; i++) {
        struct channel *channel = execution->channels[i];
        while (channel->first) {
            struct message *message = channel->first;
            channel->first = message->next;
            message_destroy(message);
        }
        free(channel);
    }
    for (size_t i = 0; execution->instances && i < execution->instance_count; i++)
        free_instance(execution->instances[i]);
    for (int i = 0; execution->lanes && i < execution->lane_count; i++) {
        struct lane *lane = &execution->lanes[i];
        reject_buffer_destroy(lane->rejects);
        while (lane->commands) {
            struct command *command = lane->commands;
            lane->commands = command->next;
            free(command);
        }
        free(lane->instances);
        free(lane->channels);
        pthread_mutex_destroy(&lane->lock);
        pthread_cond_destroy(&lane->wake);
    }
    free(execution->channels);
    free(execution->instances);
    free(execution->reaches);
    free(execution->lanes);
}
