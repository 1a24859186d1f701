/* SPDX-License-Identifier: Apache-2.0 */
/* Which letters of objects were taken, in notes that are put once:
 *   sluice-claim 2 NONCE CHECKPOINT COUNT
 *   NAME BEGIN END SIZE                            bytes of an object that has SIZE of them
 *   end                                                                                           */
#include "letters/objects.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION = 2, NONCE_DIGITS = 16 };

static const char claimed[] = ".claim";
static const char taken_for_good[] = ".taken";

struct claim {
    uint64_t nonce;
    uint64_t checkpoint;
    struct object_lines_list lines;
};

static bool has_ending(const char *key, const char *ending)
{
    size_t size = strlen(key);
    size_t wanted = strlen(ending);
    return size > wanted && strcmp(key + size - wanted, ending) == 0;
}

static void print_key(const struct letter_objects *objects, uint64_t nonce, const char *ending,
                      struct text *key)
{
    text_printf(key, "%s%0*" PRIx64 "%s", text_get(&objects->claims), NONCE_DIGITS, nonce, ending);
}

/* ---- a note's bytes ---- */

static bool parse_lines(const char **bytes, uint64_t count, struct object_lines_list *lines)
{
    for (uint64_t i = 0; i < count; i++) {
        uint64_t numbers[3];
        size_t size = strcspn(*bytes, " \n");
        char *name = strndup(*bytes, size);
        *bytes += size;
        bool is_good = name && letters_take_numbers(bytes, " ", 3, numbers) &&
                       numbers[0] < numbers[1] && numbers[1] <= numbers[2] &&
                       numbers[2] <= INT64_MAX;
        is_good = is_good &&
                  object_lines_add(lines, &(struct object_lines){name, (int64_t)numbers[2],
                                                                 (int64_t)numbers[0],
                                                                 (int64_t)numbers[1]});
        free(name);
        if (!is_good)
            return false;
    }
    return true;
}

static bool parse(const char *bytes, struct claim *claim)
{
    uint64_t head[4];
    if (!letters_take_numbers(&bytes, "sluice-claim ", 4, head) || head[0] != VERSION)
        return false;
    claim->nonce = head[1];
    claim->checkpoint = head[2];
    return parse_lines(&bytes, head[3], &claim->lines) && strcmp(bytes, "end\n") == 0;
}

static void print(const struct claim *claim, struct text *bytes)
{
    text_printf(bytes, "sluice-claim %d %" PRIu64 " %" PRIu64 " %zu\n", VERSION, claim->nonce,
                claim->checkpoint, claim->lines.count);
    for (size_t i = 0; i < claim->lines.count; i++) {
        const struct object_lines *lines = &claim->lines.lines[i];
        text_printf(bytes, "%s %" PRId64 " %" PRId64 " %" PRId64 "\n", lines->name, lines->begin,
                    lines->end, lines->size);
    }
    text_append(bytes, "end\n");
}

/* *is_there false: somebody has removed it meanwhile. */
static enum sluice_status read_claim(const struct letter_objects *objects, const char *key,
                                     struct claim *claim, bool *is_there,
                                     struct sluice_error *error)
{
    struct text bytes = {0};
    *claim = (struct claim){0};
    enum sluice_status status =
        state_store_get(objects->store, key, &bytes, is_there, error);
    if (status == SLUICE_OK && *is_there && !parse(text_get(&bytes), claim)) {
        object_lines_reset(&claim->lines);
        status = error_set(error, SLUICE_FATAL, SLUICE_CODE_STATE_CORRUPT,
                           "the note of a replay is damaged: it says which letters were taken");
        error_set_field(error, SLUICE_AT_OBJECT, "%s", key);
    }
    text_reset(&bytes);
    return status;
}

/* ---- reading ---- */

static int compare_lines(const void *left, const void *right)
{
    const struct object_lines *a = left;
    const struct object_lines *b = right;
    int names = strcmp(a->name, b->name);
    return names ? names : (a->begin > b->begin) - (a->begin < b->begin);
}

/* Appends the lines of a note. */
static enum sluice_status add_claim(const struct letter_objects *objects, const char *key,
                                    struct object_lines_list *taken, struct sluice_error *error)
{
    struct claim claim;
    bool is_there = false;
    enum sluice_status status = read_claim(objects, key, &claim, &is_there, error);
    for (size_t i = 0; status == SLUICE_OK && i < claim.lines.count; i++)
        if (!object_lines_add(taken, &claim.lines.lines[i]))
            status = letter_objects_no_memory(error);
    object_lines_reset(&claim.lines);
    return status;
}

enum sluice_status object_claims_taken(const struct letter_objects *objects,
                                       struct object_lines_list *taken, struct sluice_error *error)
{
    struct key_list list = {0};
    size_t at = 0;
    *taken = (struct object_lines_list){0};
    enum sluice_status status =
        state_store_list(objects->store, text_get(&objects->claims), &list, error);
    for (const char *key = NULL; status == SLUICE_OK && (key = key_list_next(&list, &at));)
        if (has_ending(key, taken_for_good))
            status = add_claim(objects, key, taken, error);
    if (taken->count > 0)
        qsort(taken->lines, taken->count, sizeof *taken->lines, compare_lines);
    key_list_reset(&list);
    return status;
}

/* ---- writing ---- */

/* Stretches of the copy to those of the objects that it was made of. */
static bool find_lines(const struct letter_objects *objects, const struct letter_ranges *ranges,
                       struct object_lines_list *lines)
{
    size_t part = 0;
    for (size_t i = 0; i < ranges->count; i++) {
        struct letter_range left = ranges->ranges[i];
        for (; left.begin < left.end && part < objects->part_count; part++) {
            const struct copied_part *copied = &objects->parts[part];
            if (copied->end <= left.begin)
                continue;
            struct object_lines found = copied->from;
            int64_t end = left.end < copied->end ? left.end : copied->end;
            found.begin = copied->from.begin + left.begin - copied->begin;
            found.end = copied->from.begin + end - copied->begin;
            if (!object_lines_add(lines, &found))
                return false;
            left.begin = end;
            if (end < copied->end)
                break; /* there is more of this part */
        }
    }
    return true;
}

static enum sluice_status write_note(const struct letter_objects *objects,
                                     const struct claim *claim, const char *ending,
                                     struct sluice_error *error)
{
    struct text key = {0};
    struct text bytes = {0};
    print_key(objects, claim->nonce, ending, &key);
    print(claim, &bytes);
    enum sluice_status status =
        key.has_failed || bytes.has_failed
            ? letter_objects_no_memory(error)
            : state_store_put_new(objects->store, text_get(&key), &bytes, error);
    text_reset(&key);
    text_reset(&bytes);
    return status;
}

static enum sluice_status note_ranges(const struct letter_objects *objects,
                                      const struct letter_ranges *ranges, struct claim *claim,
                                      const char *ending, struct sluice_error *error)
{
    enum sluice_status status = find_lines(objects, ranges, &claim->lines)
                                    ? write_note(objects, claim, ending, error)
                                    : letter_objects_no_memory(error);
    object_lines_reset(&claim->lines);
    return status;
}

enum sluice_status object_claims_write(const struct letter_objects *objects,
                                       const struct letter_ranges *ranges, uint64_t nonce,
                                       uint64_t checkpoint, struct sluice_error *error)
{
    struct claim claim = {.nonce = nonce, .checkpoint = checkpoint};
    return note_ranges(objects, ranges, &claim, claimed, error);
}

enum sluice_status object_claims_remove(const struct letter_objects *objects,
                                        const struct letter_ranges *ranges,
                                        struct sluice_error *error)
{
    struct claim claim = {.nonce = random_seed()};
    if (ranges->count == 0)
        return SLUICE_OK;
    enum sluice_status status = note_ranges(objects, ranges, &claim, taken_for_good, error);
    fault_point("letters.noted");
    return status == SLUICE_OK ? object_claims_sweep(objects, error) : status;
}

/* ---- settling ---- */

enum sluice_status object_claims_pending(const struct letter_objects *objects, bool *is_there,
                                         uint64_t *nonce, uint64_t *checkpoint,
                                         struct sluice_error *error)
{
    struct key_list list = {0};
    size_t at = 0;
    *is_there = false;
    *nonce = *checkpoint = 0;
    enum sluice_status status =
        state_store_list(objects->store, text_get(&objects->claims), &list, error);
    for (const char *key = NULL;
         status == SLUICE_OK && !*is_there && (key = key_list_next(&list, &at));) {
        struct claim claim = {0};
        if (has_ending(key, claimed))
            status = read_claim(objects, key, &claim, is_there, error);
        *nonce = claim.nonce;
        *checkpoint = claim.checkpoint;
        object_lines_reset(&claim.lines);
    }
    key_list_reset(&list);
    return status;
}

enum sluice_status object_claims_settle(const struct letter_objects *objects, uint64_t nonce,
                                        bool is_decided, struct sluice_error *error)
{
    struct text key = {0};
    struct claim claim = {0};
    bool is_there = true;
    enum sluice_status status = SLUICE_OK;
    print_key(objects, nonce, claimed, &key);
    if (key.has_failed)
        status = letter_objects_no_memory(error);
    fault_point("claim.settle");
    if (status == SLUICE_OK && is_decided)
        status = read_claim(objects, text_get(&key), &claim, &is_there, error);
    if (status == SLUICE_OK && is_decided && is_there)
        status = write_note(objects, &claim, taken_for_good, error);
    fault_point("claim.noted");
    if (status == SLUICE_OK && is_there)
        status = state_store_remove(objects->store, text_get(&key), error);
    fault_point("claim.settled");
    object_lines_reset(&claim.lines);
    text_reset(&key);
    return status;
}

/* ---- cleaning up ---- */

/* Whether all of the object was taken. */
static bool is_empty(const struct object_lines_list *taken, const char *name)
{
    int64_t at = 0;
    int64_t size = -1;
    for (size_t i = 0; i < taken->count; i++) {
        const struct object_lines *lines = &taken->lines[i];
        if (strcmp(lines->name, name) != 0 || lines->begin > at)
            continue;
        at = lines->end > at ? lines->end : at;
        size = lines->size;
    }
    return at == size;
}

/* Nothing is left to finish of what the member's sink has staged: a start that completes an upload
 * once more must find its object. The objects were listed before, so they belong to checkpoints that
 * were decided by then. */
static enum sluice_status check_settled(const struct letter_objects *objects, bool *is_settled,
                                        struct sluice_error *error)
{
    uint64_t newest = 0;
    uint64_t committed = 0;
    enum sluice_status status = store_newest(&objects->folder, &newest, error);
    if (status == SLUICE_OK)
        status = store_read_mark(&objects->folder, "committed", &committed, error);
    *is_settled = status == SLUICE_OK && newest <= committed;
    return status;
}

static enum sluice_status remove_empty(const struct letter_objects *objects, char **names,
                                       size_t *count, const struct object_lines_list *taken,
                                       struct sluice_error *error)
{
    enum sluice_status status = SLUICE_OK;
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        struct text key = {0};
        if (status != SLUICE_OK || !is_empty(taken, names[i])) {
            names[kept++] = names[i];
            continue;
        }
        text_printf(&key, "%s%s", text_get(&objects->letters), names[i]);
        status = key.has_failed ? letter_objects_no_memory(error)
                                : state_store_remove(objects->store, text_get(&key), error);
        fault_point("letters.removed");
        text_reset(&key);
        free(names[i]);
    }
    *count = kept;
    return status;
}

/* A note about objects that are all gone has nothing to say any more. */
static enum sluice_status remove_note(const struct letter_objects *objects, const char *key,
                                      char **names, size_t count, struct sluice_error *error)
{
    struct claim claim;
    bool is_there = false;
    bool is_needed = false;
    enum sluice_status status = read_claim(objects, key, &claim, &is_there, error);
    for (size_t i = 0; i < claim.lines.count; i++)
        for (size_t k = 0; k < count; k++)
            is_needed = is_needed || strcmp(claim.lines.lines[i].name, names[k]) == 0;
    object_lines_reset(&claim.lines);
    if (status == SLUICE_OK && is_there && !is_needed)
        status = state_store_remove(objects->store, key, error);
    return status;
}

enum sluice_status object_claims_sweep(const struct letter_objects *objects,
                                       struct sluice_error *error)
{
    char **names = NULL;
    size_t count = 0;
    size_t at = 0;
    bool is_settled = false;
    struct object_lines_list taken = {0};
    struct key_list notes = {0};
    /* Notes first: each speaks of objects that were there before it. */
    enum sluice_status status =
        state_store_list(objects->store, text_get(&objects->claims), &notes, error);
    if (status == SLUICE_OK && notes.keys.size > 0)
        status = letter_objects_names(objects, &names, &count, error);
    if (status == SLUICE_OK && notes.keys.size > 0)
        status = check_settled(objects, &is_settled, error);
    if (status == SLUICE_OK && is_settled)
        status = object_claims_taken(objects, &taken, error);
    if (status == SLUICE_OK && is_settled)
        status = remove_empty(objects, names, &count, &taken, error);
    for (const char *key = NULL;
         status == SLUICE_OK && is_settled && (key = key_list_next(&notes, &at));)
        if (has_ending(key, taken_for_good))
            status = remove_note(objects, key, names, count, error);
    fault_point("letters.swept");
    letter_names_free(names, count);
    object_lines_reset(&taken);
    key_list_reset(&notes);
    return status;
}
