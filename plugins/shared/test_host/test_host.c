/* SPDX-License-Identifier: Apache-2.0 */
/* Life of a test host. */
#include "test_host/calls.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A service that is missing would be found by whoever needs it first: better here. */
static void assert_complete(const struct sluice_host_table *table)
{
    void (*calls[(sizeof *table - sizeof table->struct_size) / sizeof(void (*)(void))])(void);
    memcpy(calls, (const char *)table + sizeof table->struct_size, sizeof calls);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        if (!calls[i]) {
            fprintf(stderr, "the test host lacks call %zu of struct sluice_host_table\n", i);
            abort();
        }
    }
}

static const struct sluice_host_table *create_table(void)
{
    struct sluice_host_table *table = calloc(1, sizeof *table);
    assert(table);
    table->struct_size = sizeof *table;
    test_host_fill_services(table);
    test_host_fill_control(table);
    test_host_fill_values(table);
    test_host_fill_codecs(table);
    test_host_fill_batch(table);
    test_host_fill_builder(table);
    test_host_fill_planning(table);
    assert_complete(table);
    return table;
}

struct test_host *test_host_create(void)
{
    struct test_host *test = calloc(1, sizeof *test);
    assert(test);
    test->host.table = create_table();
    account_init(&test->account, 0, NULL);
    test->allocations_left = INT64_MAX;
    test->arena = arena_create();
    test->error = error_create();
    assert(test->arena && test->error);
    test->run = (struct sluice_run){.struct_size = sizeof test->run,
                                    .pipeline = "test",
                                    .flow = "flow",
                                    .step = "step",
                                    .member = "m1",
                                    .member_path = ".",
                                    .spill_path = ".",
                                    .nonce = 7,
                                    .lane_count = 1,
                                    .memory_bytes = 256 << 20};
    return test;
}

void test_host_destroy(struct test_host *test)
{
    for (size_t i = 0; i < test->emitted_count; i++) {
        batch_release(test->emitted[i]);
    }
    free(test->emitted);
    free(test->rejects);
    free(test->verdicts);
    free(test->settled);
    text_reset(&test->state);
    error_destroy(test->error);
    assert(!test->resources);
    arena_destroy(test->arena);
    assert(test->account.used_bytes == 0);
    free((void *)(uintptr_t)test->host.table);
    free(test);
}

struct sluice_state_writer *test_host_writer(struct test_host *test)
{
    text_clear(&test->state);
    return (struct sluice_state_writer *)(void *)test;
}

struct sluice_state_reader *test_host_reader(struct test_host *test)
{
    test->state_read = 0;
    return (struct sluice_state_reader *)(void *)test;
}

struct sluice_planning *test_host_planning(struct test_host *test)
{
    test->planned = NULL;
    return (struct sluice_planning *)(void *)test;
}

struct sluice_verdicts *test_host_verdicts(struct test_host *test, int64_t rows)
{
    free(test->verdicts);
    test->verdicts = calloc((size_t)rows + 1, sizeof *test->verdicts);
    assert(test->verdicts);
    test->verdict_count = rows;
    return (struct sluice_verdicts *)(void *)test->verdicts;
}
