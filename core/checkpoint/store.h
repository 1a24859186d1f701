/* SPDX-License-Identifier: Apache-2.0 */
/* What a kind of state store implements: the calls store_… of checkpoint.h, by the same names. */
#ifndef SLUICE_CHECKPOINT_STORE_H
#define SLUICE_CHECKPOINT_STORE_H

#include "checkpoint/checkpoint.h"

struct state_store_kind {
    enum sluice_status (*claim)(struct state_folder *folder, struct checkpoint **newest,
                                struct sluice_error *error);
    enum sluice_status (*confirm)(struct state_folder *folder, struct sluice_error *error);
    uint64_t (*next)(const struct state_folder *folder, uint64_t number);
    enum sluice_status (*save)(struct state_folder *folder, const struct checkpoint *checkpoint,
                               struct sluice_error *error);
    enum sluice_status (*load)(const struct state_folder *folder, uint64_t number,
                               struct checkpoint **checkpoint, struct sluice_error *error);
    enum sluice_status (*newest)(const struct state_folder *folder, uint64_t *number,
                                 struct sluice_error *error);
    enum sluice_status (*prune)(const struct state_folder *folder, uint64_t number, uint64_t spare,
                                struct sluice_error *error);
    enum sluice_status (*draw)(struct state_folder *folder, uint64_t least, uint64_t *number,
                               struct sluice_error *error);
    enum sluice_status (*read_mark)(const struct state_folder *folder, const char *name,
                                    uint64_t *number, struct sluice_error *error);
    enum sluice_status (*write_mark)(const struct state_folder *folder, const char *name,
                                     uint64_t number, struct sluice_error *error);
    void (*describe)(const struct state_folder *folder, struct text *text);
};

/* The first member of each kind's own struct. */
struct state_store {
    const struct state_store_kind *kind;
};

#endif
