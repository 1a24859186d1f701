/* SPDX-License-Identifier: Apache-2.0 */
/* Marks, numbers that are drawn, and the removal of what is passed. */
#include "checkpoint/shared.h"

#include <inttypes.h>
#include <string.h>

static const char drawn_mark[] = "attempted";

static struct shared_store *store_of(const struct state_folder *folder)
{
    return (struct shared_store *)folder->store;
}

/* The key below which nothing is needed: that of the `spare`-th checkpoint before our own. */
static uint64_t oldest_kept(const struct state_folder *folder, const struct key_list *list,
                            uint64_t spare)
{
    uint64_t oldest = folder->own;
    for (; spare > 0; spare--) {
        uint64_t before = 0;
        size_t at = 0;
        for (const char *key; (key = key_list_next(list, &at));) {
            uint64_t number = shared_checkpoint_of(folder, key);
            if (number > before && number < oldest)
                before = number;
        }
        if (before == 0)
            return oldest;
        oldest = before;
    }
    return oldest;
}

/* Whether a later mark of the same name is in the list. */
static bool is_passed(const struct key_list *list, const char *mark)
{
    size_t start = strlen(mark) - SHARED_DIGITS;
    size_t at = 0;
    for (const char *key; (key = key_list_next(list, &at));)
        if (strlen(key) == start + SHARED_DIGITS && strncmp(key, mark, start) == 0 &&
            shared_mark_of(key) > shared_mark_of(mark))
            return true;
    return false;
}

/* Looks at nothing that is newer than what this process has written: a process that was stopped
 * for long may still be at it when another is the member. */
enum sluice_status shared_prune(const struct state_folder *folder, uint64_t number, uint64_t spare,
                                struct sluice_error *error)
{
    (void)number;
    struct key_list list = {0};
    size_t at = 0;
    enum sluice_status status = shared_list_folder(folder, "", &list, error);
    uint64_t oldest = oldest_kept(folder, &list, spare);
    for (const char *key; status == SLUICE_OK && (key = key_list_next(&list, &at));) {
        uint64_t leading = shared_leading_number(folder, key);
        bool is_old =
            leading > 0 ? leading < oldest : shared_mark_of(key) > 0 && is_passed(&list, key);
        if (is_old)
            status = shared_remove(store_of(folder), key, error);
    }
    key_list_reset(&list);
    return status;
}

enum sluice_status shared_read_mark(const struct state_folder *folder, const char *name,
                                    uint64_t *number, struct sluice_error *error)
{
    struct key_list list = {0};
    struct text start = {0};
    size_t at = 0;
    text_printf(&start, "%s.", name);
    enum sluice_status status = shared_list_folder(folder, text_get(&start), &list, error);
    for (const char *key; status == SLUICE_OK && (key = key_list_next(&list, &at));)
        if (shared_mark_of(key) > *number)
            *number = shared_mark_of(key);
    key_list_reset(&list);
    text_reset(&start);
    return status;
}

/* *is_done: with must_be_new, whether it is this process that wrote it. */
static enum sluice_status put_mark(const struct state_folder *folder, const char *name,
                                   uint64_t number, bool must_be_new, bool *is_done,
                                   struct sluice_error *error)
{
    struct text key = {0};
    struct text bytes = {0};
    text_printf(&key, "%s/%s.%0*" PRIu64, text_get(&folder->path), name, SHARED_DIGITS, number);
    text_printf(&bytes, "%s\n", store_of(folder)->writer);
    enum sluice_status status =
        shared_put(store_of(folder), text_get(&key), &bytes, must_be_new, is_done, error);
    text_reset(&key);
    text_reset(&bytes);
    return status;
}

enum sluice_status shared_write_mark(const struct state_folder *folder, const char *name,
                                     uint64_t number, struct sluice_error *error)
{
    bool is_done = false; /* whoever wrote it, it says the same */
    return put_mark(folder, name, number, false, &is_done, error);
}

enum sluice_status shared_draw(struct state_folder *folder, uint64_t least, uint64_t *number,
                               struct sluice_error *error)
{
    enum sluice_status status = SLUICE_OK;
    for (bool is_done = false; status == SLUICE_OK && !is_done;) {
        uint64_t drawn = 0;
        status = shared_read_mark(folder, drawn_mark, &drawn, error);
        *number = drawn + 1 > least ? drawn + 1 : least;
        if (status == SLUICE_OK)
            status = put_mark(folder, drawn_mark, *number, true, &is_done, error);
    }
    return status;
}
