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

#include "data/data.h"

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

struct test_host {
    struct sluice_host host; /* first: the table's functions find the rest behind it */
    struct account account;
    struct arena *arena;
    struct sluice_error *error;
    struct sluice_run run;
    const struct sluice_schema *input_schema;
    const struct sluice_schema *output_schema;
    struct sluice_schema *planned; /* what a plan callback declared */
    struct test_reject *rejects;
    size_t reject_count;
    struct sluice_batch **emitted;
    size_t emitted_count;
    struct text state; /* written by snapshot and stage, read back from the start */
    size_t state_read;
    int64_t progress_done;
    int64_t progress_total;
    bool is_cancelled;
    int64_t now_ms;
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

/* "name:type", '!' behind the type: required; "=text": default; "@path"; "%format" for
 * timestamps; in arena memory. Ends with NULL. */
const struct sluice_schema *test_schema(struct test_host *test, ...);

/* One row as text, fields separated by '|', null as "~". In arena memory. */
const char *test_row(struct test_host *test, const struct sluice_batch *batch, int64_t row);

void test_host_fill_batch_calls(struct sluice_host_table *table);
void test_host_fill_codec_calls(struct sluice_host_table *table);

static inline struct test_host *test_host_of(const struct sluice_host *host)
{
    return (struct test_host *)(uintptr_t)host;
}

#endif
