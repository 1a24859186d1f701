/* SPDX-License-Identifier: Apache-2.0 */
/* Every allocation fails once in turn: nothing crashes or leaks, and a plan is whole or absent. */
#include "planned.h"

#include <stdlib.h>
#include <string.h>

/* Allocations until the one that fails; negative: none does. */
static long countdown = -1;
static bool has_failed;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

static bool is_next_to_fail(void)
{
    if (countdown < 0)
        return false;
    if (countdown-- > 0)
        return false;
    has_failed = true;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return is_next_to_fail() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return is_next_to_fail() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return is_next_to_fail() ? NULL : __real_realloc(memory, size);
}

static const char good_file[] =
    "pipeline: p\n"
    "settings: {lanes: 3, memory: 1GiB, state: '${SLUICE_T_UNSET:-x}'}\n"
    "schemas: {s: {user: string, url: string, at: {type: timestamp, zone: UTC}, n: int64}}\n"
    "flows:\n"
    "  f:\n"
    "    every: 5m\n"
    "    dead_letter: {sink-any: {id: reason}}\n"
    "    steps:\n"
    "      - source-rows: {schema: s, format: {lines: {separator: ;}}, since: 2024-01-01}\n"
    "      - {name: a, transform-same: {look: user}}\n"
    "      - transform-count: {by: [url, user], distinct: at}\n"
    "      - sink-any: {name: 'x={url}/{user}', id: [url]}\n"
    "      - {from: [a, source-rows], sink-any: {name: '{at:%Y}'}}\n"
    "  g: {after: f, steps: [source-decides, sink-any]}\n";

static const char bad_file[] = "pipeline: p\n"
                               "settings: {lane: 3}\n"
                               "schemas: {s: {user: strin, url: {type: string, zone: UTC}}}\n"
                               "flows:\n"
                               "  f:\n"
                               "    steps:\n"
                               "      - source-rows: {schema: {a: int64}, mode: replce}\n"
                               "      - {name: a, transform-same: {look: usr}}\n"
                               "      - {from: b, sink-any: {name: '{a'}}\n";

/* Plans with the allocation number `failing` failing. False once there is no such allocation. */
static bool plan_failing_at(long failing, enum sluice_status expected)
{
    static const char *const files[] = {"t.yaml"};
    const struct plan_request request = {.files = files, .file_count = 1};
    struct diagnostics *diagnostics = diagnostics_create();
    struct plan *plan = NULL;
    struct text printed = {0};
    assert_non_null(diagnostics);
    countdown = failing;
    has_failed = false;
    enum sluice_status status = plan_create(&request, planned_loader(), diagnostics, &plan);
    countdown = -1;
    assert_true((status == SLUICE_OK) == (plan != NULL));
    assert_true(status == expected || (has_failed && status != SLUICE_OK));
    if (plan)
        assert_int_equal(plan->pipelines[0].flows[0].step_count, 6);
    diagnostics_print(diagnostics, false, &printed);
    assert_true(status == SLUICE_OK || status == SLUICE_FATAL || printed.size > 0);
    text_reset(&printed);
    plan_destroy(plan);
    diagnostics_destroy(diagnostics);
    return has_failed;
}

static void fail_each_allocation(const char *text, enum sluice_status expected)
{
    write_file("t.yaml", text, strlen(text));
    assert_false(plan_failing_at(-1, expected));
    long failing = 0;
    while (plan_failing_at(failing, expected))
        failing++;
    assert_true(failing > 20);
}

static void a_good_file_survives_every_failing_allocation(void **state)
{
    (void)state;
    fail_each_allocation(good_file, SLUICE_OK);
}

static void a_bad_file_survives_every_failing_allocation(void **state)
{
    (void)state;
    fail_each_allocation(bad_file, SLUICE_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_file_survives_every_failing_allocation),
        cmocka_unit_test(a_bad_file_survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, planned_begin, planned_end);
}
