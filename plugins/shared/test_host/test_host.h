/* SPDX-License-Identifier: Apache-2.0 */
/* A host for unit tests of plugins: the core's real batches, builders and values behind the real
 * table, and everything that a plugin says kept for the test to look at.
 *
 *     struct test_host *test = test_host_create();
 *     … component callbacks with &test->host, options struct filled by hand …
 *     assert_int_equal(test->reject_count, 1);
 *     test_host_destroy(test);          asserts that all memory came back                       */
#ifndef SLUICE_TEST_HOST_H
#define SLUICE_TEST_HOST_H

#include "test_host/test_rows.h"

#include <sluice/codec.h>
#include <sluice/service.h>
#include <sluice/sink.h>

struct test_reject {
    enum sluice_code code;
    char *message;
    char *original;
    size_t original_size;
    char *origin_name;
    int32_t partition;
    int64_t position;
};

struct test_settled {
    char *member;
    uint64_t checkpoint;
    enum sluice_settlement settlement;
};

struct test_resource;

struct test_host {
    struct sluice_host host;  /* first: the table's functions find the rest behind it */
    struct account account;   /* limit_bytes may be set; used_bytes is what the plugin holds */
    int64_t memory_limit;     /* what the plugin is told as the budget, of which emitted batches use
                               * nothing; nothing is refused. 0: the account's */
    int64_t allocations_left; /* so many more succeed; all do unless the test sets it */
    struct arena *arena;
    struct sluice_error *error;
    struct sluice_run run;
    const struct sluice_schema *input_schema;
    const struct sluice_schema *output_schema;
    const char *clustered_by;      /* the input has every property, of this column alone */
    struct sluice_schema *planned; /* what a plan callback declared */
    char *at_least_once;           /* why, where a plan callback said so */
    struct test_reject *rejects;
    size_t reject_count;
    struct sluice_batch **emitted;
    size_t emitted_count;
    enum sluice_verdict *verdicts; /* of the write at hand */
    int64_t verdict_count;
    int checkpoint_requests;
    struct test_settled *settled;
    size_t settled_count;
    struct test_resource *resources;
    struct text state; /* written by snapshot and stage, read back from the start */
    size_t state_read;
    int64_t spilled_bytes;
    int64_t progress_done;
    int64_t progress_total;
    bool is_cancelled;
    int64_t now_ms; /* both clocks; the test moves it */
    uint64_t random;
};

/* What an option of kind CODEC points to in tests. */
struct sluice_codec_choice {
    const char *name;
    const struct sluice_codec *codec;
    const void *options;
};

struct test_host *test_host_create(void);
void test_host_destroy(struct test_host *test);

/* The writer to give to snapshot or stage (empties the state), and a reader from its start. */
struct sluice_state_writer *test_host_writer(struct test_host *test);
struct sluice_state_reader *test_host_reader(struct test_host *test);
/* For a plan callback with an input; what it declares becomes test->planned. */
struct sluice_planning *test_host_planning(struct test_host *test);

/* For write: no row has a verdict yet. What the sink says becomes test->verdicts[row]. */
struct sluice_verdicts *test_host_verdicts(struct test_host *test, int64_t rows);

/* The shared dictionaries of the flow that all hosts belong to, those made later too. */
void test_dictionaries_create(int64_t cap_entries);
void test_dictionaries_destroy(void);

static inline struct test_host *test_host_of(const struct sluice_host *host)
{
    return (struct test_host *)(uintptr_t)host;
}

#endif
