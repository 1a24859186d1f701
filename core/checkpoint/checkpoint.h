/* SPDX-License-Identifier: Apache-2.0 */
/* Room checkpoint: what a flow has to remember, durably.
 *
 *     STATE/PIPELINE/checkpoints/FLOW/MEMBER/00000000000000000042.checkpoint
 *                                           /attempted   newest run that was begun (batch flows)
 *                                           /committed   newest checkpoint whose sinks committed
 *     STATE/PIPELINE/members/MEMBER/lock    held while a process is that member
 *                                  /…       what only that member writes (dead letter)
 *
 * A checkpoint holds one entry for each instance that has state: source positions, transform
 * state, what sinks staged. It is written to a temp file, synced, renamed, and the folder synced;
 * a hash over everything guards against damage. A file that is there is whole or an error: it is
 * never guessed at. One thread at a time uses a checkpoint. */
#ifndef SLUICE_CHECKPOINT_CHECKPOINT_H
#define SLUICE_CHECKPOINT_CHECKPOINT_H

#include "base/base.h"

/* What the state of an entry is. */
enum checkpoint_kind { CHECKPOINT_POSITION = 1, CHECKPOINT_STATE, CHECKPOINT_STAGED };

struct checkpoint_entry {
    enum checkpoint_kind kind;
    char *step;
    int lane;
    struct text state;
};

struct checkpoint {
    uint64_t number;
    int64_t created_ms;
    uint64_t after_run; /* batch flow with after: committed run of the other flow that was read */
    size_t entry_count;
    size_t entry_capacity;
    struct checkpoint_entry *entries;
};

struct checkpoint *checkpoint_create(uint64_t number); /* NULL without memory */
void checkpoint_destroy(struct checkpoint *checkpoint); /* NULL is allowed */
/* Takes `state` over (emptied). False without memory. */
bool checkpoint_add(struct checkpoint *checkpoint, enum checkpoint_kind kind, const char *step,
                    int lane, struct text *state);
/* NULL where the instance had no state. */
const struct checkpoint_entry *checkpoint_find(const struct checkpoint *checkpoint,
                                               const char *step, int lane);

/* Bytes of a checkpoint file and back. Decoding answers FATAL state_corrupt or state_version. */
enum sluice_status checkpoint_encode(const struct checkpoint *checkpoint, struct text *bytes,
                                     struct sluice_error *error);
enum sluice_status checkpoint_decode(const char *bytes, size_t size,
                                     struct checkpoint **checkpoint, struct sluice_error *error);

/* ---- store: the folder of one flow and member ---- */

enum sluice_status store_save(const char *folder, const struct checkpoint *checkpoint,
                              struct sluice_error *error);
/* number 0: the newest; *checkpoint is NULL where there is none (OK). */
enum sluice_status store_load(const char *folder, uint64_t number,
                              struct checkpoint **checkpoint, struct sluice_error *error);
/* Number of the newest checkpoint; 0 where there is none. */
enum sluice_status store_newest(const char *folder, uint64_t *number, struct sluice_error *error);
/* Removes checkpoints older than `oldest_kept`, and temp files. */
enum sluice_status store_prune(const char *folder, uint64_t oldest_kept,
                               struct sluice_error *error);
/* Marks: one durable number under a name ("attempted", "committed"); 0 where absent. */
enum sluice_status store_read_mark(const char *folder, const char *name, uint64_t *number,
                                   struct sluice_error *error);
enum sluice_status store_write_mark(const char *folder, const char *name, uint64_t number,
                                    struct sluice_error *error);

/* ---- member ---- */

/* The static identity of this process in a pipeline's state. */
struct member {
    char id[65];
    char path[4096]; /* absolute folder */
    int lock;        /* file descriptor that holds the lock; -1: none */
};

/* With `wanted` that member, else one that exists and is free, else a new one. FATAL conflict when
 * the wanted one is held by another process. */
enum sluice_status member_take(const char *pipeline_folder, const char *wanted,
                               struct member *member, struct sluice_error *error);
void member_drop(struct member *member);

#endif
