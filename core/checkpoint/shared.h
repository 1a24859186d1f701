/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin's store: its life (shared_life.c), single calls with backoff (shared_calls.c),
 * objects that say who wrote them (shared_object.c), and what keeps two processes apart
 * (shared_store.c). */
#ifndef SLUICE_CHECKPOINT_SHARED_H
#define SLUICE_CHECKPOINT_SHARED_H

#include <pthread.h>

#include "checkpoint/store.h"

struct shared_store {
    struct state_store base;
    const struct sluice_state_store *calls;
    void *instance;
    const struct sluice_host *host;
    char *place;
    char *pipeline;
    char token[33];   /* of this process: two that write the same do not write the same bytes */
    char writer[200]; /* the token, and what tells people who it is */
    atomic_bool is_cancelled;
    atomic_llong retry_limit_ms;
    pthread_mutex_t lock; /* one call at a time */
};

/* ---- shared_keys.c ---- */

enum { SHARED_DIGITS = 20 };

/* Key of the checkpoint with that number, in place of what `key` holds. */
void shared_print_key(struct text *key, const struct state_folder *folder, uint64_t number);
/* Number of a checkpoint's key; 0 for any other key. */
uint64_t shared_checkpoint_of(const struct state_folder *folder, const char *key);
/* Number that the key's name begins with, whatever follows; 0: none. */
uint64_t shared_leading_number(const struct state_folder *folder, const char *key);
/* Number of a mark's key; 0 for any other key. */
uint64_t shared_mark_of(const char *key);
/* Keys of the folder whose names begin with `start`. */
enum sluice_status shared_list_folder(const struct state_folder *folder, const char *start,
                                      struct key_list *list, struct sluice_error *error);

/* ---- shared_marks.c: calls of the store, as in checkpoint.h ---- */

enum sluice_status shared_prune(const struct state_folder *folder, uint64_t number, uint64_t spare,
                                struct sluice_error *error);
enum sluice_status shared_draw(struct state_folder *folder, uint64_t least, uint64_t *number,
                               struct sluice_error *error);
enum sluice_status shared_read_mark(const struct state_folder *folder, const char *name,
                                    uint64_t *number, struct sluice_error *error);
enum sluice_status shared_write_mark(const struct state_folder *folder, const char *name,
                                     uint64_t number, struct sluice_error *error);

/* ---- shared_store.c ---- */

extern const struct state_store_kind shared_kind;

/* ---- shared_calls.c: each repeats RETRY with backoff ---- */

enum sluice_status shared_open(struct shared_store *store, struct sluice_error *error);
enum sluice_status shared_get(struct shared_store *store, const char *key, struct text *bytes,
                              bool *is_there, struct sluice_error *error);
/* must_be_new: *is_done is whether the key holds exactly these bytes now. */
enum sluice_status shared_put(struct shared_store *store, const char *key, const struct text *bytes,
                              bool must_be_new, bool *is_done, struct sluice_error *error);
enum sluice_status shared_list(struct shared_store *store, const char *prefix,
                               struct key_list *list, struct sluice_error *error);
enum sluice_status shared_remove(struct shared_store *store, const char *key,
                                 struct sluice_error *error);

/* ---- shared_object.c ---- */

/* What an object under a checkpoint's key holds. */
struct shared_object {
    struct checkpoint *checkpoint; /* of a claim: its number alone counts */
    bool is_claim;                 /* the newest checkpoint is the one under the key
                                    * checkpoint->number; 0: there is none */
    char token[33];
    char who[160]; /* "host web-1, process 42, since …" */
};

/* Bytes of an object: the checkpoint's, with one more entry that says who wrote it. */
enum sluice_status shared_seal(const struct shared_store *store,
                               const struct checkpoint *checkpoint, bool is_claim,
                               struct text *bytes, struct sluice_error *error);
enum sluice_status shared_unseal(const struct text *bytes, struct shared_object *object,
                                 struct sluice_error *error);
void shared_object_reset(struct shared_object *object);

#endif
