/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/host/host.h"
#include "runtime/replay/replay.h"

#include <stdlib.h>

static struct instance *first_instance(const struct execution *execution, size_t step)
{
    for (size_t i = 0; i < execution->instance_count; i++)
        if (execution->instances[i]->step_index == step)
            return execution->instances[i];
    return NULL;
}

/* An instance has an output for each step that reads from it. */
static const struct output *output_to(const struct instance *instance, size_t step)
{
    for (size_t i = 0; i < instance->output_count; i++) {
        const struct output *output = &instance->outputs[i];
        if (output->target_count > 0 && output->targets[0]->instance->step_index == step)
            return output;
    }
    return NULL;
}

bool replay_find_way(const struct execution *execution, size_t step, struct replay_rows *rows)
{
    const struct step_plan *plan = execution->flow->steps[step].plan;
    *rows = (struct replay_rows){0};
    if (plan->component->kind == SLUICE_KIND_SOURCE) {
        rows->instance = first_instance(execution, step);
        return rows->instance != NULL;
    }
    if (plan->input_count > 0)
        rows->instance = first_instance(execution, plan->inputs[0]);
    rows->output = rows->instance ? output_to(rows->instance, step) : NULL;
    return rows->output != NULL;
}

/* Records that the source's codec rejected, through the same codec as it is declared now; what it
 * rejects again becomes a letter again, with the place that the record had. */
static enum sluice_status decode(struct instance *instance, const struct sluice_batch *records,
                                 struct sluice_batch **batch)
{
    const struct sluice_codec_choice *codec = NULL;
    const struct sluice_schema *declared = NULL;
    struct sluice_decoder *decoder = NULL;
    int64_t count = 0;
    int32_t *rows = malloc(((size_t)batch_rows(records) + 1) * sizeof *rows);
    *batch = NULL;
    enum sluice_status status = SLUICE_OK;
    if (!rows)
        status = error_set(instance->error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                           "no memory to read records again");
    else if (!feed_source_codec(instance->step->plan, &codec, &declared))
        status = error_set(instance->error, SLUICE_FATAL, SLUICE_CODE_INTERNAL,
                           "the source has no codec for the records of its letters");
    if (status == SLUICE_OK)
        status = host_decoder_create(&instance->host, codec, declared,
                                     instance->step->plan->output_schema, &decoder,
                                     instance->error);
    if (status == SLUICE_OK)
        status = host_decoder_values(&instance->host, decoder, records, 0, batch, rows, &count,
                                     instance->error);
    host_decoder_destroy(&instance->host, decoder);
    free(rows);
    return status;
}

enum sluice_status replay_deliver(struct instance *instance, const struct replay_rows *rows)
{
    struct call call = call_enter(instance, STEP_WORKING);
    enum sluice_status status = SLUICE_OK;
    if (rows->output) {
        status = output_send(instance, rows->output, rows->batch);
    } else {
        struct sluice_batch *batch = NULL;
        status = decode(instance, rows->batch, &batch);
        if (status == SLUICE_OK && batch)
            status = output_batch(instance, batch);
    }
    call_leave(call);
    return status;
}
