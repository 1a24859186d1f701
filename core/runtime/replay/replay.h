/* SPDX-License-Identifier: Apache-2.0 */
/* Letters of the default dead letter back into their flow, exactly once.
 *
 * A replay is a start of the flow as the same member, with one difference: its sources are opened
 * but not read. What stands in the dead letter comes instead, each letter at the input of the step
 * that rejected it, along the same edges as any row, so that lanes, keys and barriers see nothing
 * new. Then one checkpoint is taken as always, and it names the claim (letters.h) that says which
 * letters it holds.
 *
 *     feed.c      letters to batches, and which letters cannot be one
 *     deliver.c   a batch of letters on the lane that has to take it
 *     replay.c    the run, and what a later start makes of a claim
 *     purge.c     letters that are thrown away
 *     reset.c     --reset-state: the same kind of run, with nothing taken in */
#ifndef SLUICE_RUNTIME_REPLAY_H
#define SLUICE_RUNTIME_REPLAY_H

#include "letters/letters.h"
#include "runtime/execution.h"

/* ---- feed.c ---- */

/* From the file to batches. `send` takes each batch; columns are those of the step's input, or one
 * of raw records where the step is a source. */
struct feed {
    const struct flow_plan *plan;
    const struct letter_filter *filter;
    struct account *account;      /* of builders; NULL: none */
    struct letter_ranges *taken;  /* out: lines that went into batches */
    struct replay_report *report; /* out */
    enum sluice_status (*send)(void *user, size_t step, struct sluice_batch *batch,
                               struct sluice_error *error);
    void *user;
};

enum sluice_status feed_letters(const struct feed *feed, const char *path,
                                struct sluice_error *error);
/* The codec with which a source reads records, and their schema. False: it has none, or a record
 * does not tell its columns without the file's header. */
bool feed_source_codec(const struct step_plan *step, const struct sluice_codec_choice **codec,
                       const struct sluice_schema **schema);

/* ---- deliver.c ---- */

/* The way for letters of a step; false where it has none. */
bool replay_find_way(const struct execution *execution, size_t step, struct replay_rows *rows);
enum sluice_status replay_deliver(struct instance *instance, const struct replay_rows *rows);

/* ---- replay.c ---- */

/* Whether a replay starts the flow at all: it is continuous and has letters. */
enum sluice_status replay_concerns(const struct flow *flow, bool *is_concerned,
                                   struct sluice_error *error);
/* A source that decides has to join its group first. False: failed or cancelled meanwhile. */
bool replay_wait_until_decidable(struct execution *execution);
enum run_outcome run_replay(struct flow *flow, struct execution *execution);
/* reset.c: of an execution of a flow with is_resetting, which nothing was restored to. */
enum run_outcome run_reset(struct flow *flow, struct execution *execution);
/* Any start, once the newest decided checkpoint is known and sinks have recovered: the claim that a
 * replay left behind. `checkpoint` NULL: that one is gone already, `number` (0: none) is decided
 * all the same. */
enum sluice_status replay_resolve(const struct flow *flow, uint64_t number,
                                  const struct checkpoint *checkpoint, struct sluice_error *error);

#endif
