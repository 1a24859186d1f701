/* SPDX-License-Identifier: Apache-2.0 */
/* A deciding source has learned which checkpoint of which member is the newest decided one: finish
 * its staged output in all sinks before anything more is read. */
#include "runtime/execution.h"

#include <string.h>

#include <sluice/service.h>

static bool is_settled(void *user)
{
    struct execution *execution = user;
    pthread_mutex_lock(&execution->lock);
    bool is_done = execution->settling == 0;
    pthread_mutex_unlock(&execution->lock);
    return is_done;
}

static bool has_restorable_transform(const struct execution *execution)
{
    for (size_t i = 0; i < execution->step_count; i++) {
        const struct component *component = execution->flow->steps[i].plan->component;
        if (component->kind == SLUICE_KIND_TRANSFORM && component->transform.restore)
            return true;
    }
    return false;
}

/* The checkpoint, and whether its commit was done already. */
static enum sluice_status load_decided(const struct flow *flow, const char *member,
                                       uint64_t number, struct checkpoint **checkpoint,
                                       bool *is_committed, struct sluice_error *error)
{
    *checkpoint = NULL;
    *is_committed = true;
    if (number == 0)
        return SLUICE_OK;
    uint64_t committed = 0;
    struct text folder = {0};
    text_printf(&folder, "%s/checkpoints/%s/%s", text_get(&flow->pipeline->folder),
                flow->plan->name, member);
    enum sluice_status status =
        store_read_mark(text_get(&folder), "committed", &committed, error);
    *is_committed = number == committed;
    if (status == SLUICE_OK) {
        status = store_load(text_get(&folder), number, checkpoint, error);
        if (status != SLUICE_OK && error_code(error) == SLUICE_CODE_NOT_FOUND)
            error_add_cause(error,
                            "the consumer group names checkpoint %llu of member %s, which is not "
                            "in the state folder: start with the state that belongs to the group, "
                            "or reset the group's offsets",
                            (unsigned long long)number, member);
    }
    text_reset(&folder);
    return status;
}

enum sluice_status settle(struct instance *instance, const char *member, uint64_t number,
                          struct sluice_error *error)
{
    struct execution *execution = instance->execution;
    struct flow *flow = execution->flow;
    bool is_own = strcmp(member, instance->run.member) == 0;
    if (number == SLUICE_CHECKPOINT_RESTORED)
        number = execution->restored;
    if (is_own && number != execution->restored && has_restorable_transform(execution)) {
        flow->restore_from = number;
        atomic_store(&execution->wants_restart, true);
        return error_set(error, SLUICE_FATAL, SLUICE_CODE_CONFLICT,
                         "starting over from checkpoint %llu", (unsigned long long)number);
    }
    struct checkpoint *checkpoint = NULL;
    bool is_committed = true;
    enum sluice_status status =
        load_decided(flow, member, number, &checkpoint, &is_committed, error);
    if (status != SLUICE_OK)
        return status;
    struct command command = {.kind = COMMAND_RECOVER,
                              .number = number,
                              .member = member,
                              .checkpoint = checkpoint,
                              .is_committed = is_committed,
                              .is_settling = true};
    pthread_mutex_lock(&execution->lock);
    execution->settling = (size_t)execution->lane_count;
    execution->settler = instance->lane;
    pthread_mutex_unlock(&execution->lock);
    if (!execution_post(execution, &command))
        status = error_set(error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                           "no memory for a command");
    else if (!lane_wait(instance->lane, is_settled, execution, INT64_MAX))
        status = error_set(error, SLUICE_FATAL, SLUICE_CODE_CANCELLED,
                           "the run is being stopped");
    if (status == SLUICE_OK && is_own && !is_committed)
        status = store_write_mark(text_get(&flow->folder), "committed", number, error);
    if (status == SLUICE_OK)
        checkpoint_destroy(checkpoint);
    else
        execution->unsettled = checkpoint; /* a lane may still read it: goes with the execution */
    return status;
}
