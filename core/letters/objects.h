/* SPDX-License-Identifier: Apache-2.0 */
/* Private to room letters: letters as objects of a plugin's store. */
#ifndef SLUICE_LETTERS_OBJECTS_H
#define SLUICE_LETTERS_OBJECTS_H

#include "checkpoint/checkpoint.h"
#include "letters/letters.h"

/* Lines of one object, neighbours joined. */
struct object_lines {
    char *name; /* behind the prefix of letters */
    int64_t size; /* of the object */
    int64_t begin, end;
};
/* By name, then begin, once it was sorted. Zero-initialised is none. */
struct object_lines_list {
    size_t count, capacity;
    struct object_lines *lines;
};

/* Where a stretch of the local copy came from. */
struct copied_part {
    int64_t begin, end; /* in the copy */
    struct object_lines from;
};

struct letter_objects {
    struct state_store *store;
    char *flow, *member;
    struct text letters; /* prefixes of keys */
    struct text claims;
    struct state_folder folder; /* of the checkpoints that the letters belong to */
    int copy;                   /* descriptor; -1: nothing was fetched */
    struct text path;           /* of the copy */
    size_t part_count, part_capacity;
    struct copied_part *parts;
};

/* ---- objects.c ---- */

enum sluice_status letter_objects_open(const struct letter_place *place,
                                       struct letter_objects *objects, struct sluice_error *error);
void letter_objects_close(struct letter_objects *objects);
enum sluice_status letter_objects_fetch(struct letter_objects *objects, struct sluice_error *error);
/* Names of the member's objects, sorted; free each and the array with letter_names_free. */
enum sluice_status letter_objects_names(const struct letter_objects *objects, char ***names,
                                        size_t *count, struct sluice_error *error);
void letter_names_free(char **names, size_t count);
bool object_lines_add(struct object_lines_list *list, const struct object_lines *lines);
void object_lines_reset(struct object_lines_list *list);
enum sluice_status letter_objects_no_memory(struct sluice_error *error);

/* ---- object_claims.c: as in letters.h ---- */

/* Everything that was taken, sorted. */
enum sluice_status object_claims_taken(const struct letter_objects *objects,
                                       struct object_lines_list *taken, struct sluice_error *error);
enum sluice_status object_claims_write(const struct letter_objects *objects,
                                       const struct letter_ranges *ranges, uint64_t nonce,
                                       uint64_t checkpoint, struct sluice_error *error);
enum sluice_status object_claims_pending(const struct letter_objects *objects, bool *is_there,
                                         uint64_t *nonce, uint64_t *checkpoint,
                                         struct sluice_error *error);
enum sluice_status object_claims_settle(const struct letter_objects *objects, uint64_t nonce,
                                        bool is_decided, struct sluice_error *error);
enum sluice_status object_claims_sweep(const struct letter_objects *objects,
                                       struct sluice_error *error);
enum sluice_status object_claims_remove(const struct letter_objects *objects,
                                        const struct letter_ranges *ranges,
                                        struct sluice_error *error);

#endif
