/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "../agg.h"
#include "test_host/test_host.h"

static const char *const group_columns[] = {"url", "country"};

static enum sluice_status parse(struct test_host *test, const char *expression,
                                struct aggregate *aggregate)
{
    const char *key = "out";
    const struct agg_options options = {.group_by = {2, group_columns},
                                        .aggregates = {1, &key, &expression}};
    const struct sluice_schema *input =
        test_schema(test, "url:string", "country:string", "user_id:string", "bytes:int64",
                    "seconds:float64", "at:timestamp", "ok:bool", "raw:binary", NULL);
    return aggregate_parse(&test->host, &options, 0, input, aggregate, test->error);
}

static void expressions_become_functions_arguments_and_types(void **state)
{
    struct test_host *test = *state;
    const struct {
        const char *text;
        enum agg_function function;
        const char *argument;
        enum sluice_type result;
    } cases[] = {
        {"count", AGG_COUNT_ROWS, NULL, SLUICE_TYPE_INT64},
        {" count ( ) ", AGG_COUNT_ROWS, NULL, SLUICE_TYPE_INT64},
        {"count(*)", AGG_COUNT_ROWS, NULL, SLUICE_TYPE_INT64},
        {"count(url)", AGG_COUNT, "url", SLUICE_TYPE_INT64},
        {"distinct( user_id )", AGG_DISTINCT, "user_id", SLUICE_TYPE_INT64},
        {"sum(bytes)", AGG_SUM, "bytes", SLUICE_TYPE_INT64},
        {"sum(seconds)", AGG_SUM, "seconds", SLUICE_TYPE_FLOAT64},
        {"mean(bytes)", AGG_MEAN, "bytes", SLUICE_TYPE_FLOAT64},
        {"min(at)", AGG_MIN, "at", SLUICE_TYPE_TIMESTAMP},
        {"max(ok)", AGG_MAX, "ok", SLUICE_TYPE_BOOL},
        {"max(raw)", AGG_MAX, "raw", SLUICE_TYPE_BINARY},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct aggregate aggregate;
        assert_int_equal(parse(test, cases[i].text, &aggregate), SLUICE_OK);
        assert_int_equal(aggregate.function, cases[i].function);
        assert_int_equal(aggregate.result, cases[i].result);
        assert_int_equal(!aggregate.argument, !cases[i].argument);
        if (cases[i].argument)
            assert_string_equal(aggregate.argument->name, cases[i].argument);
    }
}

static void mistakes_say_what_was_probably_meant_and_where(void **state)
{
    struct test_host *test = *state;
    const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"cuont", "unknown function `cuont`; did you mean `count`?"},
        {"avg(seconds)", "unknown function `avg`; did you mean `mean`?"},
        {"median(seconds)", "unknown function `median`; did you mean `mean`?"},
        {"", "unknown function ``"},
        {"distinct(userid)", "unknown column `userid`; did you mean `user_id`?"},
        {"distinct(zzzzzzzz)", "unknown column `zzzzzzzz`"},
        {"sum", "sum needs a column: sum(COLUMN)"},
        {"sum()", "sum needs a column: sum(COLUMN)"},
        {"sum(bytes", "`sum(bytes` lacks its closing parenthesis at the end"},
        {"sum(bytes) + 1", "`sum(bytes) + 1` lacks its closing parenthesis at the end"},
        {"sum(url)", "sum(url) needs an int64 or float64 column; url is a string"},
        {"mean(at)", "mean(at) needs an int64 or float64 column; at is a timestamp"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct aggregate aggregate;
        assert_int_equal(parse(test, cases[i].text, &aggregate), SLUICE_CONFIG);
        assert_string_equal(error_message(test->error), cases[i].message);
        assert_string_equal(error_field(test->error, SLUICE_AT_OPTION), "aggregates");
        assert_string_equal(error_field(test->error, SLUICE_AT_ITEM), "out");
    }
}

static void an_output_may_not_have_the_name_of_a_group_column(void **state)
{
    struct test_host *test = *state;
    const char *key = "country";
    const char *value = "count";
    const struct agg_options options = {.group_by = {2, group_columns},
                                        .aggregates = {1, &key, &value}};
    const struct sluice_schema *input = test_schema(test, "url:string", "country:string", NULL);
    assert_int_equal(test_plan(test, &agg_transform, &options, input), SLUICE_CONFIG);
    assert_string_equal(error_message(test->error),
                        "the output already has a column country, from group_by");
    assert_string_equal(error_field(test->error, SLUICE_AT_ITEM), "country");
}

static int create_host(void **state)
{
    test_dictionaries_create(10);
    *state = test_host_create();
    return 0;
}

static int destroy_host(void **state)
{
    test_host_destroy(*state);
    test_dictionaries_destroy();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_become_functions_arguments_and_types),
        cmocka_unit_test(mistakes_say_what_was_probably_meant_and_where),
        cmocka_unit_test(an_output_may_not_have_the_name_of_a_group_column),
    };
    return cmocka_run_group_tests(tests, create_host, destroy_host);
}
