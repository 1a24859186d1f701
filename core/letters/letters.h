/* SPDX-License-Identifier: Apache-2.0 */
/* Room letters: the default dead letter of a flow as a file of letters, one JSON line a rejected
 * row. It is written by the flow's sink and read, taken from and cleaned up here.
 *
 *     deadletter/FLOW.ndjson            letters, oldest first; only ever appended to by a flow
 *     deadletter/FLOW.ndjson.claim      lines that a replay took, until its checkpoint is decided
 *     deadletter/FLOW.ndjson.replayed   the same once it is: those lines are gone for every reader
 *
 * A replay writes its claim before its checkpoint, which names the claim by a random number. Who
 * starts the flow next learns which checkpoint was decided: with that number in it the claim becomes
 * `.replayed`, else it is dropped and the letters are back. So no letter is replayed twice and none
 * is lost, whenever the process dies. Lines are taken out of the file itself later, by a verb that
 * holds the member's lock; a claim knows the bytes that it is about by their hash, so a second
 * cleaning of a file that was cleaned already takes nothing out.
 *
 * With state in a plugin's store letters are objects, and claims notes beside them: boxes, below.
 *
 * One thread at a time; whoever writes here holds the member's lock. */
#ifndef SLUICE_LETTERS_LETTERS_H
#define SLUICE_LETTERS_LETTERS_H

#include "data/data.h"

/* ---- reading ---- */

/* One line. Strings are NULL where the column is null; all live until the next one is read. */
struct letter {
    uint64_t number; /* its place in the file, from 1; taken ones count */
    int64_t begin;   /* its bytes in the file, the line feed included */
    int64_t end;
    const char *line; /* without the line feed */
    size_t line_size;
    bool is_damaged; /* not a letter: no column below is set */
    const char *time;
    const char *flow;
    const char *step;
    const char *code;
    const char *reason;
    const char *origin;
    int64_t partition; /* -1: none */
    int64_t position;  /* -1: none */
    struct sluice_string original;
    bool is_binary; /* the original is not UTF-8 */
    const char *original_column;
    const char *other_columns;
};

struct letter_reader;

/* An absent file has no letters. */
enum sluice_status letter_reader_open(const char *path, struct letter_reader **reader,
                                      struct sluice_error *error);
/* END behind the last whole line. Letters that a decided replay took are left out. */
enum sluice_status letter_reader_next(struct letter_reader *reader, struct letter *letter,
                                      struct sluice_error *error);
int64_t letter_reader_bytes(const struct letter_reader *reader); /* of the file, when opened */
void letter_reader_close(struct letter_reader *reader);          /* NULL is allowed */

/* Which letters are meant. NULL and 0: any. Times are compared with the letter's. */
struct letter_filter {
    const char *step;
    const char *code;
    int64_t from_us;  /* not older; INT64_MIN: any */
    int64_t until_us; /* older than this; INT64_MAX: any */
    uint64_t number;  /* this one alone */
};

bool letter_matches(const struct letter *letter, const struct letter_filter *filter);

/* ---- a letter as a row again ---- */

/* Appends the row that the step got: schema is its input as planned now, builder's. False with the
 * reason in `why` where that cannot be; then the builder has no new row. */
bool letter_append_row(const struct letter *letter, const struct sluice_schema *schema,
                       struct sluice_builder *builder, struct text *why);
/* Whether `original` is all of what came, not its beginning. */
bool letter_is_whole(const struct letter *letter);

/* ---- taking ---- */

/* Lines of a file, in order; neighbours are joined. Zero-initialised is none. */
struct letter_range {
    int64_t begin, end;
};
struct letter_ranges {
    size_t count, capacity;
    struct letter_range *ranges;
};

bool letter_ranges_add(struct letter_ranges *ranges, const struct letter *letter); /* no memory */
void letter_ranges_reset(struct letter_ranges *ranges);

/* Takes the lines out of the file at once (temporary file, rename). For a settled file only: one
 * that no flow's checkpoint still has to cut. */
enum sluice_status letters_remove(const char *path, const struct letter_ranges *ranges,
                                  struct sluice_error *error);

/* ---- claims of replays ---- */

/* Durable when it answers OK. */
enum sluice_status claim_write(const char *path, const struct letter_ranges *ranges, uint64_t nonce,
                               uint64_t checkpoint, struct sluice_error *error);
/* The claim that waits for its decision; *is_there false: none. */
enum sluice_status claim_pending(const char *path, bool *is_there, uint64_t *nonce,
                                 uint64_t *checkpoint, struct sluice_error *error);
/* It was decided, or not. Both are durable and may be repeated. */
enum sluice_status claim_settle(const char *path, bool is_decided, struct sluice_error *error);
/* Takes out what a decided claim is about, if there is one. For a settled file only. */
enum sluice_status letters_sweep(const char *path, struct sluice_error *error);

/* ---- boxes: where the letters of one flow and member are ---- */

/* A file, as above, or the objects that the flow's sink puts where state lies in a plugin's store:
 *
 *     PIPELINE/deadletter/FLOW/FLOW-MEMBER-…                  letters
 *     PIPELINE/members/MEMBER/deadletter/FLOW/NONCE.claim     those that a replay took …
 *                                            /NONCE.taken     … and whose checkpoint is decided,
 *                                                             or that were purged
 *
 * No object is ever changed. What was taken is gone for every reader, and an object is removed once
 * all its letters were taken and its checkpoint is committed. */
struct letter_box;
struct state_store;

struct letter_place {
    struct state_store *store;
    const char *pipeline, *flow, *member;
};

enum sluice_status letter_box_open_file(const char *path, struct letter_box **box,
                                        struct sluice_error *error);
enum sluice_status letter_box_open_objects(const struct letter_place *place,
                                           struct letter_box **box, struct sluice_error *error);
void letter_box_close(struct letter_box *box); /* NULL is allowed */

/* Copies what objects hold now; of a file nothing. */
enum sluice_status letter_box_fetch(struct letter_box *box, struct sluice_error *error);
/* What letter_reader_open takes, and ranges are of: the file, or the copy. */
const char *letter_box_path(const struct letter_box *box);
/* As claim_…, letters_sweep and letters_remove, for either kind. Of objects there may be several
 * claims: each pending one is told until it is settled. */
enum sluice_status letter_box_claim(struct letter_box *box, const struct letter_ranges *ranges,
                                    uint64_t nonce, uint64_t checkpoint,
                                    struct sluice_error *error);
enum sluice_status letter_box_pending(struct letter_box *box, bool *is_there, uint64_t *nonce,
                                      uint64_t *checkpoint, struct sluice_error *error);
enum sluice_status letter_box_settle(struct letter_box *box, uint64_t nonce, bool is_decided,
                                     struct sluice_error *error);
enum sluice_status letter_box_sweep(struct letter_box *box, struct sluice_error *error);
enum sluice_status letter_box_remove(struct letter_box *box, const struct letter_ranges *ranges,
                                     struct sluice_error *error);

/* Gets each member that has letters of the flow in the store, in order. */
typedef enum sluice_status (*letter_member_visit)(void *user, const char *member,
                                                  struct sluice_error *error);
enum sluice_status letter_members(const struct letter_place *flow, letter_member_visit visit,
                                  void *user, struct sluice_error *error);

/* ---- private to the room ---- */

/* Numbers of one line behind `prefix`, in decimal and one space apart; *bytes is moved behind it. */
bool letters_take_numbers(const char **bytes, const char *prefix, size_t count, uint64_t *numbers);

/* A claim's lines, where it is about this very file; else none. */
enum sluice_status claim_ranges(const char *path, struct letter_ranges *ranges,
                                struct sluice_error *error);
enum sluice_status letters_fail(struct sluice_error *error, const char *what, const char *path,
                                int number);

#endif
