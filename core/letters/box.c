/* SPDX-License-Identifier: Apache-2.0 */
/* A box of letters is a file or objects; whoever replays or purges need not know which. */
#include "letters/objects.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct letter_box {
    char *file; /* NULL: objects */
    struct letter_objects objects;
};

enum sluice_status letter_box_open_file(const char *path, struct letter_box **opened,
                                        struct sluice_error *error)
{
    struct letter_box *box = calloc(1, sizeof *box);
    *opened = NULL;
    if (!box || !(box->file = strdup(path))) {
        free(box);
        return letters_fail(error, "open", path, ENOMEM);
    }
    *opened = box;
    return SLUICE_OK;
}

enum sluice_status letter_box_open_objects(const struct letter_place *place,
                                           struct letter_box **opened, struct sluice_error *error)
{
    struct letter_box *box = calloc(1, sizeof *box);
    *opened = NULL;
    if (!box)
        return letter_objects_no_memory(error);
    enum sluice_status status = letter_objects_open(place, &box->objects, error);
    if (status == SLUICE_OK)
        *opened = box;
    else
        letter_box_close(box);
    return status;
}

void letter_box_close(struct letter_box *box)
{
    if (!box)
        return;
    if (!box->file)
        letter_objects_close(&box->objects);
    free(box->file);
    free(box);
}

enum sluice_status letter_box_fetch(struct letter_box *box, struct sluice_error *error)
{
    return box->file ? SLUICE_OK : letter_objects_fetch(&box->objects, error);
}

const char *letter_box_path(const struct letter_box *box)
{
    return box->file ? box->file : text_get(&box->objects.path);
}

enum sluice_status letter_box_claim(struct letter_box *box, const struct letter_ranges *ranges,
                                    uint64_t nonce, uint64_t checkpoint,
                                    struct sluice_error *error)
{
    return box->file ? claim_write(box->file, ranges, nonce, checkpoint, error)
                     : object_claims_write(&box->objects, ranges, nonce, checkpoint, error);
}

enum sluice_status letter_box_pending(struct letter_box *box, bool *is_there, uint64_t *nonce,
                                      uint64_t *checkpoint, struct sluice_error *error)
{
    return box->file ? claim_pending(box->file, is_there, nonce, checkpoint, error)
                     : object_claims_pending(&box->objects, is_there, nonce, checkpoint, error);
}

enum sluice_status letter_box_settle(struct letter_box *box, uint64_t nonce, bool is_decided,
                                     struct sluice_error *error)
{
    return box->file ? claim_settle(box->file, is_decided, error)
                     : object_claims_settle(&box->objects, nonce, is_decided, error);
}

enum sluice_status letter_box_sweep(struct letter_box *box, struct sluice_error *error)
{
    return box->file ? letters_sweep(box->file, error)
                     : object_claims_sweep(&box->objects, error);
}

enum sluice_status letter_box_remove(struct letter_box *box, const struct letter_ranges *ranges,
                                     struct sluice_error *error)
{
    return box->file ? letters_remove(box->file, ranges, error)
                     : object_claims_remove(&box->objects, ranges, error);
}
