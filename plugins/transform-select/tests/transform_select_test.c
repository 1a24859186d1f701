/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions on a batch with nulls, columns that go on, and what a plan refuses. */
#include "condition.h"
#include "select_options.h"
#include "test_host/test_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Rows 0 to 3; the last is null in every column. */
static struct sluice_batch *make_batch(struct test_host *test)
{
    static const char *const countries[] = {"Germany", "France", "Côte d'Ivoire"};
    static const int64_t seconds[] = {-1, 30, INT64_MAX};
    static const double prices[] = {0.5, 2, 1e9};
    struct sluice_builder *builder;
    builder_create(&test->account, NULL, test->input_schema, &builder, test->error);
    builder_origin(builder, "in", -1);
    for (int row = 0; row < 4; row++) {
        for (int column = 0; row == 3 && column < 6; column++) {
            builder_null(builder, column);
        }
        if (row < 3) {
            builder_string(builder, 0, countries[row], strlen(countries[row]));
            builder_int64(builder, 1, seconds[row]);
            builder_float64(builder, 2, prices[row]);
            builder_bool(builder, 3, row == 1);
            builder_int64(builder, 4, INT64_C(1767225600000000) + row * 1000000);
            builder_string(builder, 5, "x", 1);
        }
        builder_end_row(builder, row);
    }
    struct sluice_batch *batch = test_finish(test, builder);
    builder_destroy(builder);
    return batch;
}

static struct test_host *begin(void)
{
    struct test_host *test = test_host_create();
    test->input_schema = test_schema(test, "country:string", "seconds:int64", "price:float64",
                                     "is_new:bool", "time:timestamp", "odd name:binary", NULL);
    return test;
}

static const struct {
    const char *where;
    const char *rows; /* that go on */
} conditions[] = {
    {"country = 'Germany'", "0"},
    {"country != 'Germany'", "12"},
    {"country = \"Germany\" or country = 'France'", "01"},
    {"country in ('Germany', 'France')", "01"},
    {"country NOT IN ('Germany', 'France')", "2"},
    {"country = 'Côte d''Ivoire'", "2"},
    {"country starts with 'Fra'", "1"},
    {"not country starts with 'Fra'", "02"},
    {"country not contains 'an'", "2"},
    {"country contains ''", "012"},
    {"country < 'Dz'", "2"},
    {"country >= 'France'", "01"},
    {"country is null", "3"},
    {"country is not null", "012"},
    {"seconds = 30", "1"},
    {"seconds<=30", "01"},
    {"seconds > -1", "12"},
    {"seconds in (9223372036854775807, -1)", "02"},
    {"price >= 2", "12"},
    {"price = 5e-1", "0"},
    {"price < 1e+9 and price > .5", "1"},
    {"is_new", "1"},
    {"not is_new", "02"},
    {"is_new = false", "02"},
    {"time > '2026-01-01T00:00:00Z'", "12"},
    {"`odd name` is null", "3"},
    {"seconds = 30 or country is null and price is null", "13"},
    {"(seconds = 30 or country is null) and price is null", "3"},
    {"seconds = 30 or not (is_new or price > 1e8)", "01"},
    /* null is neither: not unknown is unknown, unknown or true is true, unknown and false is false
     */
    {"not (seconds = 30 and price = 1)", "012"},
    {"seconds = 30 or country is null", "13"},
    {"not (seconds = 30 and country is not null)", "023"},
    {"((((seconds = 30))))", "1"},
};

static void conditions_choose_the_rows_that_fulfil_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof conditions / sizeof conditions[0]; i++) {
        struct test_host *test = begin();
        struct sluice_batch *batch = make_batch(test);
        struct condition *condition;
        int32_t rows[4];
        int64_t count;
        if (condition_create(&test->host, conditions[i].where, test->input_schema, &condition,
                             test->error) != SLUICE_OK) {
            fail_msg("%s: %s", conditions[i].where, error_message(test->error));
        }
        assert_int_equal(condition_rows(condition, batch, rows, &count, test->error), SLUICE_OK);
        char found[5] = "";
        for (int64_t row = 0; row < count; row++) {
            found[row] = (char)('0' + rows[row]);
        }
        if (strcmp(found, conditions[i].rows) != 0) {
            fail_msg("%s: rows \"%s\"", conditions[i].where, found);
        }
        condition_destroy(condition);
        batch_release(batch);
        test_host_destroy(test);
    }
}

static const struct {
    const char *where;
    const char *message; /* a part of it */
} mistakes[] = {
    {"", "character 1, `the end`: expected a column"},
    {"nowhere = 1", "character 1, `nowhere`: expected a column"},
    {"country", "character 8, `the end`: expected ="},
    {"country = Germany", "character 11, `Germany`: expected a text in quotes"},
    {"country = 'Germany", "character 11"},
    {"seconds = 1.5", "expected a whole number"},
    {"seconds = 99999999999999999999", "expected a whole number"},
    {"seconds = '1'", "expected a whole number"},
    {"seconds contains '1'", "expected =, !="},
    {"price = x", "expected a number"},
    {"is_new = 1", "expected true or false"},
    {"time > 'yesterday'", "expected a time in quotes"},
    {"`odd name` = 'x'", "expected is null or is not null"},
    {"seconds in 1", "expected ( and the values"},
    {"seconds in (1 2)", "expected , or )"},
    {"(seconds = 1", "expected and, or, or )"},
    {"seconds = 1 price = 2", "character 13, `price`: expected and, or, or the end"},
    {"country is 'x'", "expected null or not null"},
    {"country not starts 'x'", "character 20"},
    {"seconds == 1", "expected a whole number"},
    {"seconds = 1 & price = 1", "character 13, `&`"},
};

static void a_mistake_is_shown_where_it_stands(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        struct test_host *test = begin();
        struct condition *condition;
        assert_int_equal(condition_create(&test->host, mistakes[i].where, test->input_schema,
                                          &condition, test->error),
                         SLUICE_CONFIG);
        assert_null(condition);
        if (!strstr(error_message(test->error), mistakes[i].message)) {
            fail_msg("%s: %s", mistakes[i].where, error_message(test->error));
        }
        assert_string_equal(error_field(test->error, SLUICE_AT_OPTION), "where");
        test_host_destroy(test);
    }
}

/* `count` times `part`, then `end`. */
static char *repeat(struct test_host *test, const char *part, int count, const char *end)
{
    struct text text = {0};
    for (int i = 0; i < count; i++) {
        text_append(&text, part);
    }
    text_append(&text, end);
    char *copy = arena_copy(test->arena, text_get(&text), text.size);
    text_reset(&text);
    return copy;
}

static void too_large_conditions_are_refused_not_followed(void **state)
{
    (void)state;
    struct test_host *test = begin();
    struct condition *condition;
    const char *const large[] = {
        repeat(test, "(", 100000, "seconds = 1"),
        repeat(test, "not ", 100000, "seconds = 1"),
        repeat(test, "seconds = 1 or ", 1000, "seconds = 1"),
    };
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(
            condition_create(&test->host, large[i], test->input_schema, &condition, test->error),
            SLUICE_CONFIG);
    }
    /* The deepest that is allowed: each level needs truths of its own twice. */
    char *deep = repeat(test, "price > 0 or is_new and (", 31, "seconds = 30");
    deep = repeat(test, deep, 1, repeat(test, ")", 31, ""));
    struct sluice_batch *batch = make_batch(test);
    int32_t rows[4];
    int64_t count;
    assert_int_equal(
        condition_create(&test->host, deep, test->input_schema, &condition, test->error),
        SLUICE_OK);
    assert_int_equal(condition_rows(condition, batch, rows, &count, test->error), SLUICE_OK);
    assert_int_equal(count, 3);
    condition_destroy(condition);
    batch_release(batch);
    test_host_destroy(test);
}

static void chosen_columns_and_rows_go_on_in_order(void **state)
{
    (void)state;
    static const char *const names[] = {"seconds", "country"};
    const struct select_options options = {.columns = {2, names}, .where = "price < 5"};
    struct test_host *test = begin();
    assert_int_equal(test_plan(test, &select_transform, &options, test->input_schema), SLUICE_OK);
    void *instance;
    assert_int_equal(select_transform.create(&test->host, &options, &instance, test->error),
                     SLUICE_OK);
    test_process(test, &select_transform, instance, make_batch(test), 0);
    select_transform.destroy(instance);
    assert_string_equal(test_rows(test, false), "-1|Germany\n30|France\n");
    int64_t position;
    struct sluice_origin origin;
    assert_true(batch_origin(test->emitted[0], 1, &origin, &position));
    assert_int_equal(position, 1);
    test_host_destroy(test);
}

static void all_rows_go_on_without_a_copy_and_none_as_no_batch(void **state)
{
    (void)state;
    const struct select_options some[] = {{.where = "seconds is null or seconds is not null"},
                                          {.where = "seconds = 31"}};
    for (size_t i = 0; i < 2; i++) {
        struct test_host *test = begin();
        assert_int_equal(test_plan(test, &select_transform, &some[i], test->input_schema),
                         SLUICE_OK);
        void *instance;
        assert_int_equal(select_transform.create(&test->host, &some[i], &instance, test->error),
                         SLUICE_OK);
        test_process(test, &select_transform, instance, make_batch(test), 0);
        select_transform.destroy(instance);
        assert_int_equal(test->emitted_count, i == 0 ? 1 : 0);
        if (i == 0) {
            assert_int_equal(batch_rows(test->emitted[0]), 4);
        }
        test_host_destroy(test);
    }
}

static void a_step_that_changes_nothing_is_a_mistake(void **state)
{
    (void)state;
    const struct select_options options = {.where = NULL};
    struct test_host *test = begin();
    assert_int_equal(test_plan(test, &select_transform, &options, test->input_schema),
                     SLUICE_CONFIG);
    test_host_destroy(test);
}

static void memory_that_runs_out_is_an_error_and_nothing_leaks(void **state)
{
    (void)state;
    static const char *const names[] = {"seconds"};
    const struct select_options options = {.columns = {1, names},
                                           .where = "price < 5 or country in ('a', 'b')"};
    bool is_done = false;
    for (int64_t left = 0; !is_done; left++) {
        struct test_host *test = begin();
        assert_int_equal(test_plan(test, &select_transform, &options, test->input_schema),
                         SLUICE_OK);
        struct sluice_batch *batch = make_batch(test);
        void *instance;
        test->allocations_left = left;
        enum sluice_status status =
            select_transform.create(&test->host, &options, &instance, test->error);
        if (status == SLUICE_OK) {
            status = select_transform.process(instance, batch, test->error);
            select_transform.destroy(instance);
        }
        test->allocations_left = INT64_MAX;
        is_done = status == SLUICE_OK;
        assert_true(is_done || status == SLUICE_FATAL);
        batch_release(batch);
        test_host_destroy(test);
        assert_true(left < 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conditions_choose_the_rows_that_fulfil_them),
        cmocka_unit_test(a_mistake_is_shown_where_it_stands),
        cmocka_unit_test(too_large_conditions_are_refused_not_followed),
        cmocka_unit_test(chosen_columns_and_rows_go_on_in_order),
        cmocka_unit_test(all_rows_go_on_without_a_copy_and_none_as_no_batch),
        cmocka_unit_test(a_step_that_changes_nothing_is_a_mistake),
        cmocka_unit_test(memory_that_runs_out_is_an_error_and_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
