/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints and marks in a store that other processes write to, with nothing to lock.
 *
 *     …/00000000000000000007.checkpoint    never written twice, never changed
 *     …/00000000000000000008.checkpoint    a claim: "the newest checkpoint is 7, and I go on"
 *     …/00000000000000000009.checkpoint    the next checkpoint of whoever made the claim
 *     …/committed.00000000000000000009     a mark: the largest number counts
 *
 * Keys are consecutive, and each is put only where it is not there yet. A process claims the key
 * after the newest before it touches anything that the member has staged, and writes each
 * checkpoint under the key after its own newest: so of two processes that are the same member, the
 * one that claimed first fails at its next checkpoint. A key that was passed and pruned may be put
 * again, so the newest is looked for after each put: a newer one than ours means the same.
 * docs/decisions/0013-state-in-an-object-store.md goes through the cases.
 *
 * The key of a checkpoint is its number in a continuous flow. In a batch flow the number is the
 * run's, the key counts on its own. */
#include "checkpoint/shared.h"

#include "telemetry/log.h"

#include <inttypes.h>
#include <string.h>

enum { MOST_LOOKS = 20 };

static struct shared_store *store_of(const struct state_folder *folder)
{
    return (struct shared_store *)folder->store;
}

static enum sluice_status newest_key(const struct state_folder *folder, uint64_t *newest,
                                     struct sluice_error *error)
{
    struct key_list list = {0};
    size_t at = 0;
    *newest = 0;
    enum sluice_status status = shared_list_folder(folder, "", &list, error);
    for (const char *key; status == SLUICE_OK && (key = key_list_next(&list, &at));) {
        uint64_t number = shared_checkpoint_of(folder, key);
        if (number > *newest)
            *newest = number;
    }
    key_list_reset(&list);
    return status;
}

/* ---- objects ---- */

/* object->checkpoint is NULL where the key is not there. */
static enum sluice_status read_object(const struct state_folder *folder, uint64_t number,
                                      struct shared_object *object, struct sluice_error *error)
{
    struct text key = {0};
    struct text bytes = {0};
    bool is_there = false;
    *object = (struct shared_object){0};
    shared_print_key(&key, folder, number);
    enum sluice_status status =
        shared_get(store_of(folder), text_get(&key), &bytes, &is_there, error);
    if (status == SLUICE_OK && is_there) {
        status = shared_unseal(&bytes, object, error);
        if (status != SLUICE_OK)
            error_set_field(error, SLUICE_AT_OBJECT, "%s/%s", store_of(folder)->place,
                            text_get(&key));
    }
    text_reset(&key);
    text_reset(&bytes);
    return status;
}

static enum sluice_status write_object(const struct state_folder *folder, uint64_t number,
                                       const struct checkpoint *checkpoint, bool is_claim,
                                       bool *is_done, struct sluice_error *error)
{
    struct text key = {0};
    struct text bytes = {0};
    shared_print_key(&key, folder, number);
    enum sluice_status status = shared_seal(store_of(folder), checkpoint, is_claim, &bytes, error);
    if (status == SLUICE_OK)
        status = shared_put(store_of(folder), text_get(&key), &bytes, true, is_done, error);
    text_reset(&key);
    text_reset(&bytes);
    return status;
}

static enum sluice_status fail_missing(const struct state_folder *folder, uint64_t number,
                                       enum sluice_code code, struct sluice_error *error)
{
    struct text key = {0};
    shared_print_key(&key, folder, number);
    error_set(error, SLUICE_FATAL, code, "there is no checkpoint %" PRIu64 " of member %s in %s",
              number, folder->member, store_of(folder)->place);
    error_set_field(error, SLUICE_AT_OBJECT, "%s/%s", store_of(folder)->place, text_get(&key));
    text_reset(&key);
    return SLUICE_FATAL;
}

/* ---- two processes with one member ---- */

/* `number` is under a key that ours would have to be the newest of. */
static enum sluice_status fail_fenced(const struct state_folder *folder, uint64_t number,
                                      struct sluice_error *error)
{
    struct shared_object object;
    struct sluice_error *ignored = error_create();
    bool is_known = ignored && read_object(folder, number, &object, ignored) == SLUICE_OK;
    error_set(error, SLUICE_FATAL, SLUICE_CODE_CONFLICT,
              "another process runs as member `%s` and has taken over its state in %s: give each "
              "process a `member` (or SLUICE_MEMBER) of its own; what this one had not decided "
              "yet is left to the other",
              folder->member, store_of(folder)->place);
    if (is_known && object.checkpoint)
        error_add_cause(error, "it is %s", object.who);
    if (is_known)
        shared_object_reset(&object);
    error_destroy(ignored);
    return SLUICE_FATAL;
}

/* What was put under `key` counts only while it is the newest. */
static enum sluice_status take_as_own(struct state_folder *folder, uint64_t key,
                                      struct sluice_error *error)
{
    uint64_t newest = 0;
    enum sluice_status status = newest_key(folder, &newest, error);
    if (status == SLUICE_OK && newest > key)
        status = fail_fenced(folder, newest, error);
    if (status == SLUICE_OK)
        folder->own = key;
    return status;
}

/* The newest key, and the checkpoint that it stands for: its own, or the one that it claims. */
struct newest {
    uint64_t key;     /* 0: there is nothing */
    uint64_t content; /* key of the checkpoint; 0: there is none */
    bool is_ours;
    struct checkpoint *checkpoint;
};

static enum sluice_status follow_claim(const struct state_folder *folder, uint64_t number,
                                       struct newest *newest, struct sluice_error *error)
{
    struct shared_object object = {0};
    newest->content = number;
    if (number == 0)
        return SLUICE_OK;
    enum sluice_status status = read_object(folder, number, &object, error);
    if (status == SLUICE_OK && !object.checkpoint)
        status = fail_missing(folder, number, SLUICE_CODE_STATE_CORRUPT, error);
    newest->checkpoint = object.checkpoint;
    return status;
}

/* Between a listing and a reading the owner may go on and remove what was listed: then again. */
static enum sluice_status read_newest(const struct state_folder *folder, struct newest *newest,
                                      struct sluice_error *error)
{
    for (int looks = 0; looks < MOST_LOOKS; looks++) {
        *newest = (struct newest){0};
        struct shared_object object = {0};
        enum sluice_status status = newest_key(folder, &newest->key, error);
        if (status == SLUICE_OK && newest->key > 0)
            status = read_object(folder, newest->key, &object, error);
        if (status != SLUICE_OK || newest->key == 0)
            return status;
        if (!object.checkpoint)
            continue;
        newest->is_ours = strcmp(object.token, store_of(folder)->token) == 0;
        if (!object.is_claim) {
            newest->content = newest->key;
            newest->checkpoint = object.checkpoint;
            return SLUICE_OK;
        }
        uint64_t claimed = object.checkpoint->number;
        shared_object_reset(&object);
        return follow_claim(folder, claimed, newest, error);
    }
    return fail_missing(folder, newest->key, SLUICE_CODE_STATE_CORRUPT, error);
}

/* Claims between the newest checkpoint and our own claim say nothing any more. */
static void remove_older_claims(const struct state_folder *folder, uint64_t content)
{
    struct key_list list = {0};
    struct sluice_error *error = error_create();
    size_t at = 0;
    enum sluice_status status = error ? shared_list_folder(folder, "", &list, error) : SLUICE_OK;
    for (const char *key; status == SLUICE_OK && (key = key_list_next(&list, &at));) {
        uint64_t number = shared_checkpoint_of(folder, key);
        if (number > content && number < folder->own)
            status = shared_remove(store_of(folder), key, error);
    }
    if (status != SLUICE_OK) {
        struct log_scope scope = {.pipeline = store_of(folder)->pipeline};
        log_error(SLUICE_LOG_WARN, &scope, error, "older claims were not removed");
    }
    key_list_reset(&list);
    error_destroy(error);
}

static enum sluice_status claim_after(struct state_folder *folder, const struct newest *newest,
                                      bool *is_done, struct sluice_error *error)
{
    struct checkpoint claim = {.number = newest->content, .created_ms = clock_wall_ms()};
    enum sluice_status status = write_object(folder, newest->key + 1, &claim, true, is_done, error);
    if (status == SLUICE_OK && *is_done)
        status = take_as_own(folder, newest->key + 1, error);
    if (status == SLUICE_OK && *is_done)
        remove_older_claims(folder, newest->content);
    return status;
}

static enum sluice_status claim(struct state_folder *folder, struct checkpoint **checkpoint,
                                struct sluice_error *error)
{
    uint64_t own = folder->own;
    struct newest newest = {0};
    for (int looks = 0; looks < MOST_LOOKS; looks++) {
        bool is_done = false;
        enum sluice_status status = read_newest(folder, &newest, error);
        if (status == SLUICE_OK && own > 0 && newest.key != own && !newest.is_ours)
            status = fail_fenced(folder, newest.key, error);
        if (status == SLUICE_OK)
            status = claim_after(folder, &newest, &is_done, error);
        if (status == SLUICE_OK && is_done) {
            *checkpoint = newest.checkpoint;
            return SLUICE_OK;
        }
        checkpoint_destroy(newest.checkpoint);
        if (status != SLUICE_OK)
            return status;
    }
    return fail_fenced(folder, newest.key + 1, error);
}

/* ---- the calls ---- */

static enum sluice_status confirm(struct state_folder *folder, struct sluice_error *error)
{
    return take_as_own(folder, folder->own, error);
}

static uint64_t next(const struct state_folder *folder, uint64_t number)
{
    (void)number; /* claims take numbers too */
    return folder->own + 1;
}

static enum sluice_status save(struct state_folder *folder, const struct checkpoint *checkpoint,
                               struct sluice_error *error)
{
    uint64_t key = folder->own + 1;
    bool is_done = false;
    if (folder->own == 0)
        return error_set(error, SLUICE_FATAL, SLUICE_CODE_INTERNAL,
                         "a checkpoint is to be written without a claim");
    enum sluice_status status = write_object(folder, key, checkpoint, false, &is_done, error);
    if (status == SLUICE_OK && !is_done)
        return fail_fenced(folder, key, error);
    return status == SLUICE_OK ? take_as_own(folder, key, error) : status;
}

static enum sluice_status load(const struct state_folder *folder, uint64_t number,
                               struct checkpoint **checkpoint, struct sluice_error *error)
{
    if (number == 0) {
        struct newest newest;
        enum sluice_status status = read_newest(folder, &newest, error);
        *checkpoint = newest.checkpoint;
        return status;
    }
    struct shared_object object;
    enum sluice_status status = read_object(folder, number, &object, error);
    if (status != SLUICE_OK)
        return status;
    if (!object.checkpoint || object.is_claim) {
        shared_object_reset(&object);
        return fail_missing(folder, number, SLUICE_CODE_NOT_FOUND, error);
    }
    *checkpoint = object.checkpoint;
    return SLUICE_OK;
}

static enum sluice_status newest_number(const struct state_folder *folder, uint64_t *number,
                                        struct sluice_error *error)
{
    struct newest newest;
    enum sluice_status status = read_newest(folder, &newest, error);
    if (status == SLUICE_OK && newest.checkpoint)
        *number = newest.checkpoint->number;
    checkpoint_destroy(newest.checkpoint);
    return status;
}

static void describe(const struct state_folder *folder, struct text *text)
{
    text_printf(text, "%s/%s", store_of(folder)->place, text_get(&folder->path));
}

const struct state_store_kind shared_kind = {.claim = claim,
                                             .confirm = confirm,
                                             .next = next,
                                             .save = save,
                                             .load = load,
                                             .newest = newest_number,
                                             .prune = shared_prune,
                                             .draw = shared_draw,
                                             .read_mark = shared_read_mark,
                                             .write_mark = shared_write_mark,
                                             .describe = describe};
