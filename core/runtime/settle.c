/* SPDX-License-Identifier: Apache-2.0 */
/* A deciding source has learned which checkpoint of which member is the newest decided one: finish
 * its staged output in all sinks before anything more is read.
 *
 * Two kinds of marks in a member's folder say that nothing is left to finish: `committed` (up to
 * there the member did it itself) and NUMBER.finished (another member did it for it). The second is
 * also how a member that comes back learns that its newest checkpoint was decided, when the group
 * names it no more. Each has a name of its own, so that members that finish different checkpoints
 * of one never overwrite each other's word. */
#include "runtime/host/state.h"
#include "runtime/replay/replay.h"

#include <stdio.h>
#include <string.h>

#include <sluice/service.h>

/* What is known about the checkpoint to be settled. */
struct decided {
    struct state_folder folder; /* of its member */
    uint64_t number;            /* 0: none */
    uint64_t committed;         /* newest that the member itself has finished */
    bool is_finished;
    struct checkpoint *checkpoint; /* NULL: none, or not needed any more */
};

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

/* ---- marks ---- */

static void finished_name(uint64_t number, char name[40])
{
    snprintf(name, 40, "%020llu.finished", (unsigned long long)number);
}

static enum sluice_status read_finished(const struct state_folder *folder, uint64_t number,
                                        bool *is_finished, struct sluice_error *error)
{
    char name[40];
    uint64_t mark = 0;
    finished_name(number, name);
    enum sluice_status status =
        number > 0 ? store_read_mark(folder, name, &mark, error) : SLUICE_OK;
    *is_finished = number == 0 || mark == number;
    return status;
}

static enum sluice_status write_finished(const struct state_folder *folder, uint64_t number,
                                         struct sluice_error *error)
{
    char name[40];
    finished_name(number, name);
    return store_write_mark(folder, name, number, error);
}

/* ---- what was decided ---- */

/* The group may name an older checkpoint than was decided, or none: others have the partitions now.
 * What is committed was decided, and so was the newest one where another member has finished it. */
static enum sluice_status resolve(const struct execution *execution, struct decided *decided,
                                  struct sluice_error *error)
{
    bool is_restored = decided->number == SLUICE_CHECKPOINT_RESTORED;
    uint64_t newest = 0;
    bool is_finished = false;
    enum sluice_status status =
        store_read_mark(&decided->folder, "committed", &decided->committed, error);
    if (is_restored || decided->number < decided->committed)
        decided->number = decided->committed;
    if (status == SLUICE_OK)
        status = store_newest(&decided->folder, &newest, error);
    if (status == SLUICE_OK && newest > decided->number)
        status = read_finished(&decided->folder, newest, &is_finished, error);
    if (is_finished)
        decided->number = newest;
    /* Neither group nor state knows a decided one: the newest is as good as decided. */
    if (is_restored && decided->number == 0)
        decided->number = execution->restored;
    return status;
}

static enum sluice_status read_marks(struct decided *decided, struct sluice_error *error)
{
    enum sluice_status status =
        store_read_mark(&decided->folder, "committed", &decided->committed, error);
    if (status == SLUICE_OK)
        status = read_finished(&decided->folder, decided->number, &decided->is_finished, error);
    decided->is_finished = decided->is_finished || decided->number <= decided->committed;
    return status;
}

/* Absent is OK here. */
static enum sluice_status load(struct decided *decided, struct sluice_error *error)
{
    if (decided->number == 0)
        return SLUICE_OK;
    enum sluice_status status =
        store_load(&decided->folder, decided->number, &decided->checkpoint, error);
    if (status == SLUICE_OK || error_code(error) != SLUICE_CODE_NOT_FOUND)
        return status;
    error_reset(error);
    return SLUICE_OK;
}

static enum sluice_status look_up(const struct execution *execution, const char *member,
                                  enum sluice_settlement settlement, struct decided *decided,
                                  struct sluice_error *error)
{
    enum sluice_status status = SLUICE_OK;
    if (settlement == SLUICE_SETTLE_NOTE)
        decided->number = 0;
    if (settlement == SLUICE_SETTLE_OWN || settlement == SLUICE_SETTLE_TAKE_OVER)
        status = resolve(execution, decided, error);
    /* A member that lives removes old checkpoints once newer ones are committed: so the marks tell
     * only after the look whether one that is missing was needed. */
    if (status == SLUICE_OK)
        status = load(decided, error);
    if (status == SLUICE_OK)
        status = read_marks(decided, error);
    if (status != SLUICE_OK || decided->checkpoint || decided->is_finished)
        return status;
    struct text place = {0};
    state_folder_describe(&decided->folder, &place);
    error_set(error, SLUICE_FATAL, SLUICE_CODE_NOT_FOUND,
              "the consumer group names checkpoint %llu of member %s, which is not in the state "
              "(%s): start with the state that belongs to the group, or reset the group's offsets",
              (unsigned long long)decided->number, member, text_get(&place));
    text_reset(&place);
    return SLUICE_FATAL;
}

/* ---- settling ---- */

/* Positions and states that were restored belong to another checkpoint than the decided one. */
static bool must_start_over(const struct execution *execution, uint64_t asked, uint64_t decided)
{
    return decided != execution->restored && !execution->flow->is_resetting &&
           (asked == SLUICE_CHECKPOINT_RESTORED || has_restorable_transform(execution));
}

static enum sluice_status start_over(struct execution *execution, uint64_t number,
                                     struct sluice_error *error)
{
    execution->flow->restore_from = number > 0 ? number : FLOW_RESTORE_NOTHING;
    atomic_store(&execution->wants_restart, true);
    return error_set(error, SLUICE_FATAL, SLUICE_CODE_CONFLICT,
                     "starting over from checkpoint %llu", (unsigned long long)number);
}

/* Has every lane's sinks recover. */
static enum sluice_status recover(struct instance *instance, const char *member,
                                  enum sluice_settlement settlement,
                                  const struct decided *decided, struct sluice_error *error)
{
    struct execution *execution = instance->execution;
    const struct command command = {.kind = COMMAND_RECOVER,
                                    .number = decided->number,
                                    .member = member,
                                    .checkpoint = decided->checkpoint,
                                    .is_committed = decided->is_finished,
                                    .settlement = settlement,
                                    .is_settling = true};
    pthread_mutex_lock(&execution->lock);
    execution->settling = (size_t)execution->lane_count;
    execution->settler = instance->lane;
    pthread_mutex_unlock(&execution->lock);
    if (!execution_post(execution, &command))
        return error_set(error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                         "no memory for a command");
    if (!lane_wait(instance->lane, is_settled, execution, INT64_MAX))
        return error_set(error, SLUICE_FATAL, SLUICE_CODE_CANCELLED, "the run is being stopped");
    return SLUICE_OK;
}

static enum sluice_status mark(const struct decided *decided, bool is_own,
                               struct sluice_error *error)
{
    if (is_own)
        return decided->number > decided->committed
                   ? store_write_mark(&decided->folder, "committed", decided->number, error)
                   : SLUICE_OK;
    return decided->is_finished ? SLUICE_OK
                                : write_finished(&decided->folder, decided->number, error);
}

enum sluice_status settle(struct instance *instance, const char *member, uint64_t number,
                          enum sluice_settlement settlement, struct sluice_error *error)
{
    struct execution *execution = instance->execution;
    bool is_own = settlement == SLUICE_SETTLE_OWN;
    struct decided decided = {.number = number};
    pipeline_state_folder(execution->flow->pipeline, execution->flow->plan->name, member,
                          &decided.folder);
    fault_point("checkpoint.settle");
    enum sluice_status status = look_up(execution, member, settlement, &decided, error);
    if (status == SLUICE_OK && is_own && must_start_over(execution, number, decided.number))
        status = start_over(execution, decided.number, error);
    bool is_done = settlement == SLUICE_SETTLE_FINISH && decided.is_finished;
    if (status == SLUICE_OK && !is_done)
        status = recover(instance, member, settlement, &decided, error);
    fault_point("checkpoint.recovered");
    if (status == SLUICE_OK && !(is_own && execution_has_leftover(execution)))
        status = mark(&decided, is_own, error);
    fault_point("checkpoint.settled");
    if (status == SLUICE_OK && is_own)
        status = replay_resolve(execution->flow, decided.number, decided.checkpoint, error);
    if (status == SLUICE_OK)
        checkpoint_destroy(decided.checkpoint);
    else
        execution->unsettled = decided.checkpoint; /* a lane may still read it */
    state_folder_reset(&decided.folder);
    return status;
}
