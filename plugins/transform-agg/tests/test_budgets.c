/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever the budget: the answer is the one without any. Random rows, random small budgets, every
 * aggregate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../agg.h"
#include "test_host/test_host.h"

enum { SENDERS = 3, BATCH_ROWS = 700 };

static const char *const groups[] = {"page", "code", "ratio"};
static const char *const keys[] = {"rows",  "n",     "s",     "fs",   "avg",   "avg_f",
                                   "least", "most",  "first", "last", "fmin",  "fmax",
                                   "users", "pages", "yes",   "when", "codes", "days"};
static const char *const values[] = {
    "count",          "count(x)",       "sum(x)",    "sum(f)",    "mean(x)",     "mean(f)",
    "min(x)",         "max(x)",         "min(name)", "max(name)", "min(f)",      "max(f)",
    "distinct(user)", "distinct(name)", "max(flag)", "min(at)",   "distinct(x)", "distinct(at)"};
enum { AGGREGATES = sizeof(values) / sizeof(values[0]) };

struct data {
    size_t row_count;
    uint32_t page_count; /* how different the groups are */
    bool is_coded;
    uint64_t seed;
};

static void append_text(struct sluice_builder *builder, int column, const char *prefix,
                        uint32_t number)
{
    char text[64];
    if (number % 41 == 0)
        builder_null(builder, column);
    else
        builder_string(
            builder, column, text,
            (size_t)snprintf(text, sizeof(text), "%s%u", number % 43 ? prefix : "", number));
}

static void append_double(struct sluice_builder *builder, int column, uint32_t draw)
{
    const double odd[] = {NAN, INFINITY, -INFINITY, -0.0, 0.0, 1e300, 1e-300, -1e300};
    if (draw % 11 == 0)
        builder_null(builder, column);
    else
        builder_float64(builder, column,
                        draw % 97 < 8 ? odd[draw % 97] : (double)(int32_t)draw / 1024);
}

/* Rows of one sender come clustered by user. */
static struct sluice_batch *make_batch(struct test_host *test, struct sluice_builder *builder,
                                       const struct data *data, uint32_t *user, uint64_t *random)
{
    for (int i = 0; i < BATCH_ROWS; i++) {
        *user += test_random(random) % 4 == 0 ? SENDERS : 0;
        append_text(builder, 0, "/shop/product/", test_random(random) % data->page_count);
        if (test_random(random) % 9)
            builder_int64(builder, 1, test_random(random) % 3);
        else
            builder_null(builder, 1);
        append_double(builder, 2, test_random(random) % 3);
        append_text(builder, 3, "u", *user);
        builder_int64(builder, 4, (int64_t)test_random(random) - (INT64_C(1) << 31));
        append_double(builder, 5, test_random(random));
        append_text(builder, 6, "name ", test_random(random) % 500);
        builder_bool(builder, 7, test_random(random) % 2);
        builder_int64(builder, 8, test_random(random) % 100 * INT64_C(86400000000));
        builder_end_row(builder, -1);
    }
    return test_finish(test, builder);
}

/* The answer, its lines sorted, and the bytes that went to disk. */
static char *answer(const struct data *data, int64_t limit, bool is_clustered, int64_t *spilled)
{
    const struct agg_options options = {.group_by = {3, groups},
                                        .aggregates = {AGGREGATES, keys, values}};
    test_dictionaries_create(300);
    struct test_host *test = test_host_create();
    test->memory_limit = limit;
    test->clustered_by = is_clustered ? "user" : NULL;
    const struct sluice_schema *plain =
        test_schema(test, "page:string", "code:int64", "ratio:float64", "user:string", "x:int64",
                    "f:float64", "name:string", "flag:bool", "at:timestamp", NULL);
    const struct sluice_schema *schema = data->is_coded ? test_coded_schema(test, plain) : plain;
    assert_int_equal(test_plan(test, &agg_transform, &options, schema), SLUICE_OK);
    void *instance;
    struct sluice_builder *builder;
    assert_int_equal(agg_transform.create(&test->host, &options, &instance, test->error), 0);
    assert_int_equal(sluice_builder_create(&test->host, schema, &builder, test->error), 0);
    uint64_t random = data->seed;
    uint32_t users[SENDERS] = {1, 2, 3};
    for (size_t row = 0; row < data->row_count; row += BATCH_ROWS) {
        int sender = (int)(test_random(&random) % SENDERS);
        struct sluice_batch *batch = make_batch(test, builder, data, &users[sender], &random);
        assert_int_equal(test_process(test, &agg_transform, instance, batch, sender), SLUICE_OK);
    }
    assert_int_equal(agg_transform.finish(instance, test->error), SLUICE_OK);
    char *rows = test_sort_lines(test_rows(test, false));
    *spilled = test->spilled_bytes;
    agg_transform.destroy(instance);
    builder_destroy(builder);
    test_host_destroy(test);
    test_dictionaries_destroy();
    return rows;
}

static void the_answer_is_the_same_whatever_the_budget(void **state)
{
    (void)state;
    const struct data cases[] = {
        {4200, 40, false, 1}, {7000, 2000, true, 2}, {7000, 4000000, false, 3}};
    uint64_t random = 17;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int is_clustered = 0; is_clustered < 2; is_clustered++) {
            int64_t spilled;
            char *expected = answer(&cases[i], 0, is_clustered, &spilled);
            assert_int_equal(spilled, 0);
            for (int round = 0; round < 2; round++) {
                int64_t limit = INT64_C(100000) << test_random(&random) % 5;
                char *rows = answer(&cases[i], limit, is_clustered, &spilled);
                assert_string_equal(rows, expected);
                assert_true(spilled > 0 || cases[i].page_count < 100);
                free(rows);
            }
            free(expected);
        }
    }
}

static void groups_leave_in_the_order_of_their_keys(void **state)
{
    (void)state;
    static const char *const texts[] = {NULL,
                                        "",
                                        "a",
                                        "a\x01",
                                        "aaaaaaa",
                                        "aaaaaaaa",
                                        "aaaaaaab",
                                        "aaaaaaabaaaaaaaaaaaaa",
                                        "aaaaaaabaaaaaaaaaaaab",
                                        "b",
                                        "\xc3\xa9"};
    enum { TEXTS = sizeof(texts) / sizeof(texts[0]) };
    const char *by[] = {"page", "x"};
    const char *key = "rows";
    const char *value = "count";
    const struct agg_options options = {.group_by = {2, by}, .aggregates = {1, &key, &value}};
    struct test_host *test = test_host_create();
    const struct sluice_schema *schema = test_schema(test, "page:string", "x:float64", NULL);
    assert_int_equal(test_plan(test, &agg_transform, &options, schema), SLUICE_OK);
    void *instance;
    struct sluice_builder *builder;
    assert_int_equal(agg_transform.create(&test->host, &options, &instance, test->error), 0);
    assert_int_equal(sluice_builder_create(&test->host, schema, &builder, test->error), 0);
    const double numbers[] = {NAN, 1.5, -INFINITY, -2, 0};
    struct text expected = {0};
    for (int i = 0; i < TEXTS; i++) {
        for (int j = 0; j < 5; j++) {
            const char *text = texts[i * 7 % TEXTS];
            if (text)
                builder_string(builder, 0, text, strlen(text));
            else
                builder_null(builder, 0);
            builder_float64(builder, 1, numbers[j]);
            builder_end_row(builder, -1);
        }
        static const char *const sorted[] = {"-Infinity", "-2", "0", "1.5", "NaN"};
        for (int j = 0; j < 5; j++)
            text_printf(&expected, "%s|%s|1\n", texts[i] ? texts[i] : "~", sorted[j]);
    }
    assert_int_equal(test_process(test, &agg_transform, instance, test_finish(test, builder), 0),
                     SLUICE_OK);
    assert_int_equal(agg_transform.finish(instance, test->error), SLUICE_OK);
    assert_string_equal(test_rows(test, false), text_get(&expected));
    text_reset(&expected);
    agg_transform.destroy(instance);
    builder_destroy(builder);
    test_host_destroy(test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_answer_is_the_same_whatever_the_budget),
        cmocka_unit_test(groups_leave_in_the_order_of_their_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
