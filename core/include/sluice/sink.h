/* SPDX-License-Identifier: Apache-2.0 */
/* A sink takes rows out, exactly once.
 *
 *   create → open → recover → (write … stage → commit)… → close → destroy
 *
 * stage(n) comes at barrier n: everything written so far becomes durable but not yet visible (or
 * visible idempotently), and the sink writes down what commit needs. Rows written after stage(n)
 * belong to n + 1. commit(n) makes stage n visible. Between stage and commit the process may die:
 * then a new instance gets recover with the newest decided checkpoint's stage. commit and recover
 * are idempotent: they may come again with the same state.
 *
 * One thread at a time calls an instance; only cancel may come from another. */
#ifndef SLUICE_SINK_H
#define SLUICE_SINK_H

#include <sluice/planning.h>
#include <sluice/service.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What recover is told. */
struct sluice_recovery {
    size_t struct_size;
    const char *member;  /* whose staged output this is about: sluice_this_run()->member, or a member
                          * whose input this process has taken over */
    uint64_t checkpoint; /* newest decided checkpoint; 0: none was decided */
    bool is_committed;   /* its commit is known to have been done: nothing is left to finish */
    bool is_running;     /* this instance has rows of its own under way (a takeover in a running
                          * flow): leave those alone */
    enum sluice_settlement settlement; /* what to do; OWN for sluice_this_run()->member */
};

struct sluice_sink {
    size_t struct_size;

    /* Optional. Checks options against the input schema; declares columns read (default: all). */
    enum sluice_status (*plan)(const struct sluice_host *host, const void *options,
                               struct sluice_planning *planning, struct sluice_error *error);

    /* Required. As for a source. */
    enum sluice_status (*create)(const struct sluice_host *host, const void *options,
                                 void **instance, struct sluice_error *error);

    /* Optional. As for a source. */
    enum sluice_status (*open)(void *instance, struct sluice_error *error);

    /* Required. Takes rows.
     *   OK     rows without a verdict are DONE: the sink holds or has sent them, and answers for
     *          them at the next stage (a later refusal goes by sluice_reject())
     *   RETRY  after a backoff write comes again with the rows that have no verdict yet, in a new
     *          batch; possibly with zero rows: go on with what is held
     * `batch` is borrowed. */
    enum sluice_status (*write)(void *instance, const struct sluice_batch *batch,
                                struct sluice_verdicts *verdicts, struct sluice_error *error);

    /* Optional. Called every 100 ms or so while no other call is under way: age limits, answers of
     * requests in flight. RETRY is repeated after a backoff. */
    enum sluice_status (*tick)(void *instance, struct sluice_error *error);

    /* Required. All rows written so far are durable when this answers OK. RETRY: the core calls
     * again (with an emptied writer). `checkpoint` > every earlier one of this flow and member. */
    enum sluice_status (*stage)(void *instance, uint64_t checkpoint,
                                struct sluice_state_writer *writer, struct sluice_error *error);

    /* Required. Makes visible what stage wrote down. RETRY: the core calls again with a reader at
     * the beginning. */
    enum sluice_status (*commit)(void *instance, uint64_t checkpoint,
                                 struct sluice_state_reader *reader, struct sluice_error *error);

    /* Optional. After open and before the first write of every run, and when a member is taken
     * over: finish what `reader` says was staged at recovery->checkpoint (the reader is NULL where
     * that is 0, or where the sink had no part in it), drop what that member staged or wrote
     * later, as far as recovery->settlement says so. Two processes may finish the same checkpoint
     * at once. RETRY as for commit. */
    enum sluice_status (*recover)(void *instance, const struct sluice_recovery *recovery,
                                  struct sluice_state_reader *reader, struct sluice_error *error);

    void (*cancel)(void *instance); /* optional, any thread */
    void (*close)(void *instance);  /* optional; what is neither staged nor committed is dropped */
    void (*destroy)(void *instance);

    /* Optional; for `delivery: best_effort`, when the core gives up on the sink for now: hands each
     * row that was taken, and is not at the target as far as the sink knows, to sluice_reject()
     * with `why`, and forgets it. No I/O; close follows. A sink whose rows cannot be seen before
     * commit needs none: the core keeps them itself until stage. */
    enum sluice_status (*give_back)(void *instance, const struct sluice_error *why,
                                    struct sluice_error *error);
    /* Optional. Whether this instance gives back; without it, each does that has the callback. */
    bool (*can_give_back)(void *instance);
};

#ifdef __cplusplus
}
#endif

#endif
