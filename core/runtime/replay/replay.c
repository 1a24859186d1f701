/* SPDX-License-Identifier: Apache-2.0 */
/* open, recover → letters → claim → checkpoint → the claim is decided → end → lines taken out.
 *
 * Before the checkpoint is decided a crash leaves all letters where they are, and recovery drops
 * what was made of them; afterwards recovery finishes it, and the claim keeps the lines away from
 * every reader until they are taken out. */
#include "runtime/replay/replay.h"

#include "telemetry/log.h"

#include <string.h>
#include <sys/stat.h>

static struct log_scope scope_of(const struct flow *flow)
{
    return (struct log_scope){flow->pipeline->plan->name, flow->plan->name, NULL};
}

/* A file in the member's folder; with state in a plugin's store objects. */
static enum sluice_status open_box(const struct flow *flow, struct letter_box **box,
                                   struct sluice_error *error)
{
    const struct pipeline_run *pipeline = flow->pipeline;
    const struct letter_place place = {pipeline->store, pipeline->plan->name, flow->plan->name,
                                       pipeline->member.id};
    struct text path = {0};
    *box = NULL;
    if (pipeline->plan->settings.state_store)
        return letter_box_open_objects(&place, box, error);
    text_printf(&path, "%s/deadletter/%s.ndjson", pipeline->member.path, flow->plan->name);
    enum sluice_status status =
        path.has_failed ? error_set(error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                                    "no memory to look for letters")
                        : letter_box_open_file(text_get(&path), box, error);
    text_reset(&path);
    return status;
}

static bool has_default(const struct flow *flow)
{
    return flow->plan->steps[flow->plan->step_count - 1].is_default;
}

static bool has_letters(const struct letter_box *box)
{
    struct stat facts;
    return stat(letter_box_path(box), &facts) == 0 && facts.st_size > 0;
}

enum sluice_status replay_concerns(const struct flow *flow, bool *is_concerned,
                                   struct sluice_error *error)
{
    struct letter_box *box = NULL;
    *is_concerned = false;
    if (flow->plan->trigger != FLOW_CONTINUOUS || !has_default(flow))
        return SLUICE_OK;
    enum sluice_status status = open_box(flow, &box, error);
    if (status == SLUICE_OK)
        status = letter_box_fetch(box, error);
    *is_concerned = status == SLUICE_OK && has_letters(box);
    letter_box_close(box);
    return status;
}

/* ---- what a start makes of a claim ---- */

/* The entry by which a checkpoint names its claim. */
static bool holds_claim(const struct checkpoint *checkpoint, uint64_t nonce)
{
    const struct checkpoint_entry *entry =
        checkpoint_find_kind(checkpoint, CHECKPOINT_REPLAYED, "", 0);
    return entry && entry->state.size == sizeof nonce &&
           memcmp(entry->state.data, &nonce, sizeof nonce) == 0;
}

enum sluice_status replay_resolve(const struct flow *flow, uint64_t number,
                                  const struct checkpoint *checkpoint, struct sluice_error *error)
{
    struct letter_box *box = NULL;
    bool is_there = false;
    uint64_t nonce = 0;
    uint64_t claimed = 0;
    if (!has_default(flow))
        return SLUICE_OK; /* nothing that a replay reads */
    enum sluice_status status = open_box(flow, &box, error);
    if (status == SLUICE_OK)
        status = letter_box_pending(box, &is_there, &nonce, &claimed, error);
    while (status == SLUICE_OK && is_there) {
        bool is_decided = checkpoint ? holds_claim(checkpoint, nonce)
                                     : number > 0 && number == claimed;
        struct log_scope scope = scope_of(flow);
        log_write(SLUICE_LOG_INFO, &scope, NULL, 0,
                  is_decided ? "a replay of the dead letter that was interrupted is finished"
                             : "a replay of the dead letter that was interrupted is undone: its "
                               "letters are there again");
        status = letter_box_settle(box, nonce, is_decided, error);
        if (status == SLUICE_OK)
            status = letter_box_pending(box, &is_there, &nonce, &claimed, error);
    }
    letter_box_close(box);
    return status;
}

/* ---- the run ---- */

/* A batch for the lane of whoever sends to that step; waits until it is through. */
static enum sluice_status send_batch(void *user, size_t step, struct sluice_batch *batch,
                                     struct sluice_error *error)
{
    struct execution *execution = user;
    struct replay_rows rows;
    enum sluice_status status = SLUICE_OK;
    if (!replay_find_way(execution, step, &rows)) {
        status = error_set(error, SLUICE_FATAL, SLUICE_CODE_INTERNAL,
                           "no way leads to step %s", execution->flow->steps[step].plan->name);
    } else {
        rows.batch = batch;
        if (!execution_replay(execution, &rows))
            status = SLUICE_AGAIN; /* failed or cancelled: told elsewhere */
    }
    if (status != SLUICE_AGAIN) {
        batch_release(batch);
        return status;
    }
    /* The lane may still hold it: it goes with the execution. */
    execution->unsent = batch;
    return error_set(error, SLUICE_FATAL, SLUICE_CODE_CANCELLED, "the replay is being stopped");
}

static size_t deciding_count(const struct execution *execution)
{
    return execution->deciding_step == SIZE_MAX ? 0 : 1;
}

/* A source that decides has to join its group first; the others are not read at all. */
bool replay_wait_until_decidable(struct execution *execution)
{
    pthread_mutex_lock(&execution->lock);
    while (execution->exhausted_count < deciding_count(execution) && !execution->has_failed &&
           !atomic_load(&execution->is_cancelled))
        execution_wait(execution, INT64_MAX);
    bool is_done = !execution->has_failed && !atomic_load(&execution->is_cancelled);
    pthread_mutex_unlock(&execution->lock);
    return is_done;
}

static uint64_t count_rejects(const struct flow *flow)
{
    uint64_t count = 0;
    for (size_t i = 0; i < flow->step_count; i++)
        count += atomic_load(&flow->steps[i].counters.rejected);
    return count;
}

/* Everything between the letters and the decided checkpoint. */
static enum sluice_status replay_letters(struct execution *execution, struct letter_box *box,
                                         uint64_t number, struct sluice_error *error)
{
    struct flow *flow = execution->flow;
    struct letter_ranges taken = {0};
    struct replay_report report = {0};
    uint64_t rejects_before = count_rejects(flow);
    const struct feed feed = {.plan = flow->plan,
                              .filter = flow->runtime->options.replay,
                              .account = &flow->steps[flow->step_count - 1].account,
                              .taken = &taken,
                              .report = &report,
                              .send = send_batch,
                              .user = execution};
    enum sluice_status status = feed_letters(&feed, letter_box_path(box), error);
    fault_point("replay.fed");
    if (status == SLUICE_OK && taken.count > 0) {
        execution->claim = random_seed();
        status = letter_box_claim(box, &taken, execution->claim, number, error);
        fault_point("replay.claimed");
        if (status == SLUICE_OK && !run_take_checkpoint(execution, number, error))
            status = SLUICE_AGAIN; /* told elsewhere */
        if (status == SLUICE_OK)
            status = letter_box_settle(box, execution->claim, true, error);
    }
    letter_ranges_reset(&taken);
    report.rejected = count_rejects(flow) - rejects_before;
    if (status == SLUICE_OK) {
        pthread_mutex_lock(&flow->lock);
        flow->report = report;
        pthread_mutex_unlock(&flow->lock);
    }
    return status;
}

static bool replay(struct execution *execution, const struct checkpoint *newest,
                   struct letter_box *box, struct sluice_error *error)
{
    uint64_t number = newest ? newest->number : 0;
    if (!run_begin(execution, newest, error) || !run_begin_reading(execution) ||
        !replay_wait_until_decidable(execution))
        return false;
    enum sluice_status status = letter_box_sweep(box, error);
    if (status == SLUICE_OK)
        status = letter_box_fetch(box, error);
    if (status == SLUICE_OK)
        status = replay_letters(execution, box, store_next(&execution->flow->folder, number),
                                error);
    if (status != SLUICE_OK && status != SLUICE_AGAIN)
        execution_fail(execution, NULL, error);
    return status == SLUICE_OK;
}

enum run_outcome run_replay(struct flow *flow, struct execution *execution)
{
    struct sluice_error *error = error_create();
    struct checkpoint *newest = NULL;
    struct letter_box *box = NULL;
    bool is_done = false;
    if (!error)
        return RUN_FAILED;
    flow_set_state(flow, FLOW_STARTING);
    if (open_box(flow, &box, error) != SLUICE_OK ||
        store_claim(&flow->folder, &newest, error) != SLUICE_OK)
        execution_fail(execution, NULL, error);
    else
        is_done = replay(execution, newest, box, error);
    run_end(execution);
    enum run_outcome outcome = is_done ? RUN_COMMITTED : run_conclude(execution);
    /* Nothing hangs on it any more: a later verb would do it, too. */
    if (is_done && letter_box_sweep(box, error) != SLUICE_OK) {
        struct log_scope scope = scope_of(flow);
        log_error(SLUICE_LOG_WARN, &scope, error, "replayed letters stay in their place for now");
    }
    checkpoint_destroy(newest);
    letter_box_close(box);
    error_destroy(error);
    return outcome;
}
