/* SPDX-License-Identifier: Apache-2.0 */
/* Components for tests of the runtime, without shared objects: a source of numbers, two transforms
 * and a sink that remembers what was made visible. */
#ifndef SLUICE_RUNTIME_TESTS_COMPONENTS_H
#define SLUICE_RUNTIME_TESTS_COMPONENTS_H

#include "runtime/runtime.h"

#include <pthread.h>

/* What happened outside: shared by all instances of a test. */
struct world {
    int64_t row_count;      /* rows of the source: id 0 .. row_count - 1, by all lanes together */
    int64_t keys;           /* key = id % keys */
    int64_t batch_rows;
    int64_t reject_every;   /* transform pass: rejects ids divisible by this; 0: none */
    int64_t retry_every;    /* sink: every n-th write answers RETRY with half of the rows taken */
    int64_t refuse_decision; /* number of decisions that are refused */
    bool takes_over; /* source_deciding: a member, before every read */
    bool is_endless;        /* the source answers AGAIN at its end */
    bool waits_for_commit;  /* the source gives its second half after a first commit */
    int64_t outage_from;     /* sink_breaking: calls from this one on fail; 0: none */
    int64_t outage_calls;    /* … so many of them */
    bool is_commit_broken;   /* … of commit rather than of write */
    bool is_hanging;         /* … by not coming back before they are cancelled */
    pthread_mutex_t lock;
    /* guarded by lock */
    int64_t calls;           /* of sink_breaking, and failed tries to open it */
    unsigned char *visible; /* how often an id was made visible */
    int64_t visible_rows;
    int64_t visible_sum;    /* of column `value` */
    int64_t rejected_rows;  /* rows that the dead letter made visible */
    int64_t writes;
    int64_t commits;
    int64_t reads;
};

extern const struct sluice_schema number_schema; /* id, key, value: int64 */

extern const struct component source_numbers; /* options: struct world * */
extern const struct component source_deciding;
extern const struct component transform_pass;
extern const struct component transform_sum;
extern const struct component sink_collect;
extern const struct component sink_breaking;
extern const struct component sink_rejects;

/* Every component has this options struct. */
struct test_options {
    struct world *world;
};

#endif
