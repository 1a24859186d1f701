/* SPDX-License-Identifier: Apache-2.0 */
/* Objects of a shared store: a checkpoint's bytes with one more entry, the last, that says who
 * wrote it and whether it is a claim. The checkpoint's own hash covers it. */
#include "checkpoint/shared.h"

#include <stdlib.h>
#include <string.h>

static const char claim_name[] = "claim";
static const char checkpoint_name[] = "checkpoint";

enum sluice_status shared_seal(const struct shared_store *store,
                               const struct checkpoint *checkpoint, bool is_claim,
                               struct text *bytes, struct sluice_error *error)
{
    struct checkpoint sealed = *checkpoint;
    char *name = (char *)(uintptr_t)(is_claim ? claim_name : checkpoint_name);
    sealed.entries = calloc(checkpoint->entry_count + 1, sizeof *sealed.entries);
    if (!sealed.entries)
        return error_set(error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                         "no memory to write a checkpoint");
    if (checkpoint->entry_count > 0)
        memcpy(sealed.entries, checkpoint->entries,
               checkpoint->entry_count * sizeof *sealed.entries);
    struct text writer = {0};
    text_append(&writer, store->writer);
    sealed.entries[sealed.entry_count++] =
        (struct checkpoint_entry){.kind = CHECKPOINT_WRITER, .step = name, .state = writer};
    enum sluice_status status = writer.has_failed
                                    ? error_set(error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                                                "no memory to write a checkpoint")
                                    : checkpoint_encode(&sealed, bytes, error);
    text_reset(&writer);
    free(sealed.entries); /* the strings in them are the checkpoint's */
    return status;
}

/* The token is the writer's first word. */
static bool take_writer(struct shared_object *object)
{
    struct checkpoint *checkpoint = object->checkpoint;
    if (checkpoint->entry_count == 0)
        return false;
    struct checkpoint_entry *last = &checkpoint->entries[checkpoint->entry_count - 1];
    const char *text = text_get(&last->state);
    size_t token = strcspn(text, " ");
    if (last->kind != CHECKPOINT_WRITER || token != sizeof object->token - 1)
        return false;
    object->is_claim = strcmp(last->step, claim_name) == 0;
    memcpy(object->token, text, token);
    strncpy(object->who, text + token + strspn(text + token, " "), sizeof object->who - 1);
    free(last->step);
    text_reset(&last->state);
    checkpoint->entry_count--;
    return true;
}

enum sluice_status shared_unseal(const struct text *bytes, struct shared_object *object,
                                 struct sluice_error *error)
{
    *object = (struct shared_object){0};
    enum sluice_status status =
        checkpoint_decode(text_get(bytes), bytes->size, &object->checkpoint, error);
    if (status == SLUICE_OK && !take_writer(object)) {
        shared_object_reset(object);
        status = error_set(error, SLUICE_FATAL, SLUICE_CODE_STATE_CORRUPT,
                           "the object does not say who wrote it: it is no object of a state "
                           "store");
    }
    return status;
}

void shared_object_reset(struct shared_object *object)
{
    checkpoint_destroy(object->checkpoint);
    *object = (struct shared_object){0};
}
