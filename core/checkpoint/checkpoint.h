/* SPDX-License-Identifier: Apache-2.0 */
/* Room checkpoint: what a flow has to remember, durably.
 *
 *     STATE/PIPELINE/checkpoints/FLOW/MEMBER/00000000000000000042.checkpoint
 *                                           /attempted   newest run that was begun (batch flows)
 *                                           /committed   newest checkpoint whose sinks committed
 *     STATE/PIPELINE/members/MEMBER/lock    held while a process is that member
 *                                  /…       what only that member writes (dead letter)
 *
 * STATE is a folder, or a place in a plugin's store (shared_store.c tells what is different there).
 *
 * A checkpoint holds one entry for each instance that has state: source positions, transform
 * state, what sinks staged. It is written to a temp file, synced, renamed, and the folder synced;
 * a hash over everything guards against damage. A file that is there is whole or an error: it is
 * never guessed at. One thread at a time uses a checkpoint. */
#ifndef SLUICE_CHECKPOINT_CHECKPOINT_H
#define SLUICE_CHECKPOINT_CHECKPOINT_H

#include "base/base.h"

#include <sluice/state_store.h>

/* What the state of an entry is. */
enum checkpoint_kind {
    CHECKPOINT_POSITION = 1,
    CHECKPOINT_STATE,
    CHECKPOINT_STAGED,
    CHECKPOINT_REPLAYED, /* of no step (""): the claim of the letters that the checkpoint holds */
    CHECKPOINT_SHAPE,    /* of no step: what the flow looked like */
    CHECKPOINT_WRITER,   /* who wrote it: added and taken away by a shared store */
    CHECKPOINT_COMMITTED /* what a sink had staged for an earlier checkpoint, and committed */
};

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
/* Where one step has entries of several kinds, as the flow itself has (""). */
const struct checkpoint_entry *checkpoint_find_kind(const struct checkpoint *checkpoint,
                                                    enum checkpoint_kind kind, const char *step,
                                                    int lane);

/* Bytes of a checkpoint file and back. Decoding answers FATAL state_corrupt or state_version. */
enum sluice_status checkpoint_encode(const struct checkpoint *checkpoint, struct text *bytes,
                                     struct sluice_error *error);
enum sluice_status checkpoint_decode(const char *bytes, size_t size,
                                     struct checkpoint **checkpoint, struct sluice_error *error);

/* ---- store: the folder of one flow and member ---- */

/* Where a pipeline's state is kept. Any thread. */
struct state_store;

/* Files under a path. There is one, it needs no destruction. */
struct state_store *state_store_files(void);

/* What a plugin offers; the strings are copied, the rest must outlive the store. */
struct state_plugin {
    const struct sluice_state_store *calls;
    void *instance;
    const struct sluice_host *host;
    const char *place;    /* for messages: "s3://bucket/prefix" */
    const char *pipeline; /* for the log */
    int64_t retry_limit_ms; /* of calls that fail for a while; 0: they are repeated for ever */
};

/* A plugin's store, which other processes write to at the same time. NULL without memory. */
struct state_store *state_store_shared(const struct state_plugin *plugin);
void state_store_destroy(struct state_store *store); /* NULL is allowed */
/* Opens the plugin's instance, notes at FOLDER/members/MEMBER/owner who runs, and makes sure that
 * the store refuses to write what is there already. FATAL or CONFIG where it does not. */
enum sluice_status state_store_begin(struct state_store *store, const char *pipeline_folder,
                                     const char *member, struct sluice_error *error);
/* Calls give up from now on. Any thread. */
void state_store_cancel(struct state_store *store);
/* From now on, calls that fail for a while are repeated so long. */
void state_store_limit(struct state_store *store, int64_t retry_limit_ms);

/* The folder of one flow and member. One thread at a time. */
struct state_folder {
    struct state_store *store;
    struct text path;
    char member[65];
    uint64_t own; /* shared store: key of the newest object, while it is ours; 0: not claimed yet */
};

void state_folder_init(struct state_folder *folder, struct state_store *store, const char *path,
                       const char *member);
void state_folder_reset(struct state_folder *folder);
/* Where it is, for people. */
void state_folder_describe(const struct state_folder *folder, struct text *text);

/* The newest checkpoint (NULL: none), and from now on nobody else's are valid: in a shared store
 * whoever claims last is the member. To be called before anything of the member's is finished or
 * dropped. FATAL conflict where another process has claimed the folder since we did. */
enum sluice_status store_claim(struct state_folder *folder, struct checkpoint **newest,
                               struct sluice_error *error);
/* Whether the claim still holds: FATAL conflict where another process has claimed since. */
enum sluice_status store_confirm(struct state_folder *folder, struct sluice_error *error);
/* Number for the checkpoint after `number`, the newest so far. */
uint64_t store_next(const struct state_folder *folder, uint64_t number);
/* Durable, and valid for whoever looks, when this answers OK. FATAL conflict where another process
 * runs as this member: nothing may be decided then. */
enum sluice_status store_save(struct state_folder *folder, const struct checkpoint *checkpoint,
                              struct sluice_error *error);
/* number 0: the newest; *checkpoint is NULL where there is none (OK). */
enum sluice_status store_load(const struct state_folder *folder, uint64_t number,
                              struct checkpoint **checkpoint, struct sluice_error *error);
/* Number of the newest checkpoint; 0 where there is none. */
enum sluice_status store_newest(const struct state_folder *folder, uint64_t *number,
                                struct sluice_error *error);
/* Removes checkpoints older than the one saved as `number` but for the `spare` ones before it, and
 * what crashes left behind. */
enum sluice_status store_prune(const struct state_folder *folder, uint64_t number, uint64_t spare,
                               struct sluice_error *error);
/* A durable number that nobody has drawn in this folder before: `least`, or more. */
enum sluice_status store_draw(struct state_folder *folder, uint64_t least, uint64_t *number,
                              struct sluice_error *error);
/* Marks: one durable number under a name ("attempted", "committed"); 0 where absent. In a shared
 * store a mark never goes back. */
enum sluice_status store_read_mark(const struct state_folder *folder, const char *name,
                                   uint64_t *number, struct sluice_error *error);
enum sluice_status store_write_mark(const struct state_folder *folder, const char *name,
                                    uint64_t number, struct sluice_error *error);

/* ---- other objects of a plugin's store, by its keys; calls are repeated as for checkpoints ---- */

/* Keys of a listing, one behind the other, each with its NUL. Zero-initialised is empty. */
struct key_list {
    struct text keys;
};

/* Instead of state_store_begin: only to look, nothing is written. */
enum sluice_status state_store_open(struct state_store *store, struct sluice_error *error);
enum sluice_status state_store_get(struct state_store *store, const char *key, struct text *bytes,
                                   bool *is_there, struct sluice_error *error);
/* FATAL conflict where the key is there with other bytes. */
enum sluice_status state_store_put_new(struct state_store *store, const char *key,
                                       const struct text *bytes, struct sluice_error *error);
enum sluice_status state_store_list(struct state_store *store, const char *prefix,
                                    struct key_list *list, struct sluice_error *error);
enum sluice_status state_store_remove(struct state_store *store, const char *key,
                                      struct sluice_error *error);
/* The next key, NULL at the end; *at is 0 in the beginning. */
const char *key_list_next(const struct key_list *list, size_t *at);
void key_list_reset(struct key_list *list);

/* ---- member ---- */

/* The static identity of this process in a pipeline's state. */
struct member {
    char id[65];
    char path[4096]; /* absolute folder */
    int lock;        /* file descriptor that holds the lock; -1: none */
};

/* [A-Za-z0-9._-]{1,64}, not beginning with a dot; else CONFIG. */
enum sluice_status member_check(const char *id, struct sluice_error *error);
/* With `wanted` that member, else one that exists and is free, else a new one. FATAL conflict when
 * the wanted one is held by another process. */
enum sluice_status member_take(const char *pipeline_folder, const char *wanted,
                               struct member *member, struct sluice_error *error);
void member_drop(struct member *member);

#endif
