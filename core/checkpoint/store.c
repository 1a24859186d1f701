/* SPDX-License-Identifier: Apache-2.0 */
/* The folder of one flow and member, in whatever store it lies. */
#include "checkpoint/store.h"

#include <stdio.h>

void state_folder_init(struct state_folder *folder, struct state_store *store, const char *path,
                       const char *member)
{
    *folder = (struct state_folder){.store = store};
    text_append(&folder->path, path);
    snprintf(folder->member, sizeof folder->member, "%s", member);
}

void state_folder_reset(struct state_folder *folder)
{
    text_reset(&folder->path);
    *folder = (struct state_folder){0};
}

void state_folder_describe(const struct state_folder *folder, struct text *text)
{
    folder->store->kind->describe(folder, text);
}

enum sluice_status store_claim(struct state_folder *folder, struct checkpoint **newest,
                               struct sluice_error *error)
{
    *newest = NULL;
    return folder->store->kind->claim(folder, newest, error);
}

enum sluice_status store_confirm(struct state_folder *folder, struct sluice_error *error)
{
    return folder->store->kind->confirm(folder, error);
}

uint64_t store_next(const struct state_folder *folder, uint64_t number)
{
    return folder->store->kind->next(folder, number);
}

enum sluice_status store_save(struct state_folder *folder, const struct checkpoint *checkpoint,
                              struct sluice_error *error)
{
    return folder->store->kind->save(folder, checkpoint, error);
}

enum sluice_status store_load(const struct state_folder *folder, uint64_t number,
                              struct checkpoint **checkpoint, struct sluice_error *error)
{
    *checkpoint = NULL;
    return folder->store->kind->load(folder, number, checkpoint, error);
}

enum sluice_status store_newest(const struct state_folder *folder, uint64_t *number,
                                struct sluice_error *error)
{
    *number = 0;
    return folder->store->kind->newest(folder, number, error);
}

enum sluice_status store_prune(const struct state_folder *folder, uint64_t number, uint64_t spare,
                               struct sluice_error *error)
{
    return folder->store->kind->prune(folder, number, spare, error);
}

enum sluice_status store_draw(struct state_folder *folder, uint64_t least, uint64_t *number,
                              struct sluice_error *error)
{
    *number = 0;
    return folder->store->kind->draw(folder, least, number, error);
}

enum sluice_status store_read_mark(const struct state_folder *folder, const char *name,
                                   uint64_t *number, struct sluice_error *error)
{
    *number = 0;
    return folder->store->kind->read_mark(folder, name, number, error);
}

enum sluice_status store_write_mark(const struct state_folder *folder, const char *name,
                                    uint64_t number, struct sluice_error *error)
{
    return folder->store->kind->write_mark(folder, name, number, error);
}
