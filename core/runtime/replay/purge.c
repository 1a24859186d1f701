/* SPDX-License-Identifier: Apache-2.0 */
/* Letters that nobody wants any more, while no process runs as the member. */
#include "runtime/replay/replay.h"

#include <string.h>
#include <unistd.h>

/* sink-file keeps a note in the member's folder while bytes of the file may still have to be cut
 * off; its name is sink-file.FLOW.STEP. Lines must not move under it. */
static bool has_open_end(const struct member *member, const struct flow_plan *flow)
{
    struct text note = {0};
    text_printf(&note, "%s/sink-file.%s.%s", member->path, flow->name,
                flow->steps[flow->step_count - 1].name);
    bool is_there = note.has_failed || access(text_get(&note), F_OK) == 0;
    text_reset(&note);
    return is_there;
}

/* Nothing about the file is left for the next start to decide. */
static enum sluice_status check_settled(const struct member *member, const struct flow_plan *flow,
                                        const char *path, struct sluice_error *error)
{
    bool is_claimed = false;
    uint64_t nonce = 0;
    uint64_t checkpoint = 0;
    enum sluice_status status = claim_pending(path, &is_claimed, &nonce, &checkpoint, error);
    if (status != SLUICE_OK || !(is_claimed || has_open_end(member, flow)))
        return status;
    return error_set(error, SLUICE_FATAL, SLUICE_CODE_CONFLICT,
                     "the last process of member '%s' ended in the middle of flow `%s`, and which of "
                     "its letters stay is settled at its next start: start it once (`sluice run` "
                     "or `sluice deadletter replay`), then purge",
                     member->id, flow->name);
}

static enum sluice_status collect(const char *path, const struct letter_filter *filter,
                                  struct letter_ranges *ranges, uint64_t *count,
                                  struct sluice_error *error)
{
    struct letter_reader *reader = NULL;
    struct letter letter;
    enum sluice_status status = letter_reader_open(path, &reader, error);
    while (status == SLUICE_OK) {
        status = letter_reader_next(reader, &letter, error);
        if (status != SLUICE_OK || !letter_matches(&letter, filter))
            continue;
        if (!letter_ranges_add(ranges, &letter))
            status = error_set(error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                               "no memory to note which letters are purged");
        ++*count;
    }
    letter_reader_close(reader);
    return status == SLUICE_END ? SLUICE_OK : status;
}

/* What is meant, out of a box that nobody else takes from. */
static enum sluice_status purge(struct letter_box *box, const struct letter_filter *filter,
                                uint64_t *count, struct sluice_error *error)
{
    struct letter_ranges ranges = {0};
    enum sluice_status status = letter_box_sweep(box, error);
    if (status == SLUICE_OK)
        status = letter_box_fetch(box, error);
    if (status == SLUICE_OK)
        status = collect(letter_box_path(box), filter, &ranges, count, error);
    if (status == SLUICE_OK)
        status = letter_box_remove(box, &ranges, error);
    letter_ranges_reset(&ranges);
    return status;
}

enum sluice_status runtime_purge(const struct flow_letters *letters,
                                 const struct letter_filter *filter, uint64_t *count,
                                 struct sluice_error *error)
{
    const struct pipeline_plan *pipeline = letters->pipeline;
    struct member member;
    struct text folder = {0};
    *count = 0;
    /* Objects are never changed, so that a process which runs meanwhile is not disturbed. */
    if (pipeline->settings.state_store)
        return purge(letters->box, filter, count, error);
    text_printf(&folder, "%s/%s", pipeline->settings.state, pipeline->name);
    enum sluice_status status = member_take(text_get(&folder), letters->member, &member, error);
    if (status == SLUICE_OK) {
        status = check_settled(&member, letters->flow, letter_box_path(letters->box), error);
        if (status == SLUICE_OK)
            status = purge(letters->box, filter, count, error);
        member_drop(&member);
    } else if (error_code(error) == SLUICE_CODE_CONFLICT) {
        error_set(error, status, SLUICE_CODE_CONFLICT,
                  "a process is running as member '%s': stop it first", letters->member);
    }
    text_reset(&folder);
    return status;
}
