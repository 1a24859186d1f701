/* SPDX-License-Identifier: Apache-2.0 */
/* --reset-state: the flow starts over. Nothing is deleted: what was decided is finished, what was
 * only staged is dropped, and then a checkpoint of fresh instances is taken and decided as always.
 * Until then the old one is in force; from then on the new one is, which says "the beginning". So a
 * crash in between leaves one or the other, no upload is left lying about, and a consumer group
 * names a checkpoint that is there. */
#include "runtime/replay/replay.h"

#include "telemetry/log.h"

#include <dirent.h>
#include <string.h>

static struct log_scope scope_of(const struct flow *flow)
{
    return (struct log_scope){flow->pipeline->plan->name, flow->plan->name, NULL};
}

/* Says what is given up: "position of source-file, state of sessions". */
static void announce(const struct flow *flow, const struct checkpoint *newest, bool is_deciding)
{
    struct text parts = {0};
    for (size_t i = 0; i < newest->entry_count; i++) {
        const struct checkpoint_entry *entry = &newest->entries[i];
        if (entry->kind == CHECKPOINT_POSITION || entry->kind == CHECKPOINT_STATE)
            text_printf(&parts, "%s%s of %s", parts.size ? ", " : "",
                        entry->kind == CHECKPOINT_POSITION ? "position" : "state", entry->step);
    }
    struct log_scope scope = scope_of(flow);
    log_write(SLUICE_LOG_WARN, &scope, NULL, 0, "--reset-state gives up checkpoint %llu: %s%s",
              (unsigned long long)newest->number, parts.size ? text_get(&parts) : "no position",
              is_deciding ? "; where it reads on is where its consumer group is: to read again, set "
                            "the group's offsets with Kafka's own tool"
                          : "; it reads from its beginning");
    text_reset(&parts);
}

/* Another member's state of this flow: then this process is not the one whose state is meant. */
static enum sluice_status check_others(const struct flow *flow, struct sluice_error *error)
{
    struct text folder = {0};
    text_append_bytes(&folder, text_get(&flow->folder.path),
                      flow->folder.path.size - strlen(flow->pipeline->member.id));
    DIR *members = opendir(text_get(&folder));
    enum sluice_status status = SLUICE_OK;
    for (struct dirent *item = members ? readdir(members) : NULL; item && status == SLUICE_OK;
         item = readdir(members))
        if (item->d_name[0] != '.' && strcmp(item->d_name, flow->pipeline->member.id) != 0)
            status = error_set(error, SLUICE_FATAL, SLUICE_CODE_CONFLICT,
                               "the state of flow `%s` is that of member '%s', which is running: "
                               "stop it first, or name another one in settings.member",
                               flow->plan->name, item->d_name);
    if (members)
        closedir(members);
    text_reset(&folder);
    return status;
}

static bool take_fresh_checkpoint(struct execution *execution, const struct checkpoint *newest,
                                  struct sluice_error *error)
{
    struct flow *flow = execution->flow;
    announce(flow, newest, execution->deciding_step != SIZE_MAX);
    bool is_done =
        run_begin(execution, newest, error) && run_begin_reading(execution) &&
        replay_wait_until_decidable(execution) &&
        run_take_checkpoint(execution, store_next(&flow->folder, newest->number), error);
    run_end(execution);
    return is_done;
}

enum run_outcome run_reset(struct flow *flow, struct execution *execution)
{
    struct sluice_error *error = error_create();
    struct checkpoint *newest = NULL;
    bool is_done = false;
    if (!error)
        return RUN_FAILED;
    flow_set_state(flow, FLOW_STARTING);
    enum sluice_status status = store_claim(&flow->folder, &newest, error);
    if (status == SLUICE_OK && !newest)
        status = check_others(flow, error);
    if (status != SLUICE_OK)
        execution_fail(execution, NULL, error);
    else if (!newest)
        is_done = true; /* there is nothing to start over from */
    else
        is_done = take_fresh_checkpoint(execution, newest, error);
    enum run_outcome outcome = is_done ? RUN_COMMITTED : run_conclude(execution);
    flow->is_resetting = !is_done;
    checkpoint_destroy(newest);
    error_destroy(error);
    return outcome;
}
