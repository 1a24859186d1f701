/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "../agg.h"
#include "test_host/test_host.h"

/* One step with its host, and a builder for its input. */
struct step {
    struct test_host *test;
    struct agg_options options;
    void *instance;
    struct sluice_builder *builder;
};

static void begin(struct step *step, const struct agg_options *options,
                  const struct sluice_schema *input)
{
    step->options = *options;
    assert_int_equal(test_plan(step->test, &agg_transform, &step->options, input), SLUICE_OK);
    assert_int_equal(
        agg_transform.create(&step->test->host, &step->options, &step->instance, step->test->error),
        SLUICE_OK);
    assert_int_equal(
        sluice_builder_create(&step->test->host, input, &step->builder, step->test->error),
        SLUICE_OK);
}

static void process(struct step *step, int sender)
{
    assert_int_equal(test_process(step->test, &agg_transform, step->instance,
                                  test_finish(step->test, step->builder), sender),
                     SLUICE_OK);
}

static void end(struct step *step)
{
    agg_transform.destroy(step->instance);
    builder_destroy(step->builder);
    test_host_destroy(step->test);
}

static void add_string(struct step *step, int column, const char *value)
{
    if (value)
        builder_string(step->builder, column, value, strlen(value));
    else
        builder_null(step->builder, column);
}

static void every_function_ignores_nulls_as_sql_does(void **state)
{
    (void)state;
    struct step step = {.test = test_host_create()};
    const char *group[] = {"g"};
    const char *keys[] = {"rows", "n", "s", "least", "most", "avg", "d", "first", "last", "fs"};
    const char *values[] = {"count",   "count(x)",    "sum(x)",    "min(x)",    "max(x)",
                            "mean(x)", "distinct(x)", "min(name)", "max(name)", "sum(f)"};
    const struct agg_options options = {.group_by = {1, group}, .aggregates = {10, keys, values}};
    begin(&step, &options,
          test_schema(step.test, "g:string", "x:int64", "name:string", "f:float64", NULL));
    const struct {
        const char *group;
        int64_t x;
        const char *name;
        double f;
    } rows[] = {
        {"b", 4, "kiwi", 0.5}, {NULL, 7, "", NAN}, {"a", -1, NULL, 0},
        {"b", 4, "fig", 0.25}, {"b", -1, NULL, 0}, {"b", 1, "lime", 0},
    };
    for (size_t i = 0; i < 6; i++) {
        add_string(&step, 0, rows[i].group);
        if (rows[i].x == -1)
            builder_null(step.builder, 1);
        else
            builder_int64(step.builder, 1, rows[i].x);
        add_string(&step, 2, rows[i].name);
        if (rows[i].f == 0)
            builder_null(step.builder, 3);
        else
            builder_float64(step.builder, 3, rows[i].f);
        builder_end_row(step.builder, -1);
        if (i % 2)
            process(&step, 0);
    }
    assert_int_equal(agg_transform.finish(step.instance, step.test->error), SLUICE_OK);
    assert_string_equal(test_rows(step.test, false), "~|1|1|7|7|7|7|1|||NaN\n"
                                                     "a|1|0|~|~|~|~|0|~|~|~\n"
                                                     "b|4|3|9|1|4|3|2|fig|lime|0.75\n");
    end(&step);
}

static void a_global_aggregate_has_one_row_even_without_input(void **state)
{
    (void)state;
    struct step step = {.test = test_host_create()};
    const char *keys[] = {"rows", "avg", "d"};
    const char *values[] = {"count", "mean(x)", "distinct(x)"};
    const struct agg_options options = {.aggregates = {3, keys, values}};
    begin(&step, &options, test_schema(step.test, "x:float64", NULL));
    assert_int_equal(agg_transform.finish(step.instance, step.test->error), SLUICE_OK);
    assert_string_equal(test_rows(step.test, false), "0|~|0\n");
    end(&step);
}

static void a_group_by_without_input_has_no_row(void **state)
{
    (void)state;
    struct step step = {.test = test_host_create()};
    const char *group[] = {"x"};
    const char *keys[] = {"rows"};
    const char *values[] = {"count"};
    const struct agg_options options = {.group_by = {1, group}, .aggregates = {1, keys, values}};
    begin(&step, &options, test_schema(step.test, "x:float64", NULL));
    assert_int_equal(agg_transform.finish(step.instance, step.test->error), SLUICE_OK);
    assert_int_equal(step.test->emitted_count, 0);
    end(&step);
}

static void groups_of_any_type_come_in_the_order_of_their_values(void **state)
{
    (void)state;
    struct step step = {.test = test_host_create()};
    const char *group[] = {"ok", "n", "f", "at"};
    const char *keys[] = {"rows"};
    const char *values[] = {"count"};
    const struct agg_options options = {.group_by = {4, group}, .aggregates = {1, keys, values}};
    begin(&step, &options,
          test_schema(step.test, "ok:bool", "n:int64", "f:float64", "at:timestamp", NULL));
    for (int i = 0; i < 64; i++) {
        builder_bool(step.builder, 0, i & 1);
        builder_int64(step.builder, 1, i & 2 ? -5 : INT64_MAX);
        builder_float64(step.builder, 2, i & 4 ? (i & 32 ? 0.0 : -0.0) : -2.5);
        if (i & 8)
            builder_int64(step.builder, 3, 1500000);
        else
            builder_null(step.builder, 3);
        builder_end_row(step.builder, -1);
    }
    process(&step, 0);
    assert_int_equal(agg_transform.finish(step.instance, step.test->error), SLUICE_OK);
    char *rows = test_rows(step.test, false);
    const char *expected = "false|-5|-2.5|~|4\n"
                           "false|-5|-2.5|1970-01-01T00:00:01.500Z|4\n"
                           "false|-5|0|~|4\n";
    assert_memory_equal(rows, expected, strlen(expected));
    assert_int_equal(batch_rows(step.test->emitted[0]), 16);
    end(&step);
}

static void a_sum_of_integers_that_does_not_fit_names_its_group(void **state)
{
    (void)state;
    struct step step = {.test = test_host_create()};
    const char *group[] = {"g", "n"};
    const char *keys[] = {"total"};
    const char *values[] = {"sum(x)"};
    const struct agg_options options = {.group_by = {2, group}, .aggregates = {1, keys, values}};
    begin(&step, &options, test_schema(step.test, "g:string", "n:int64", "x:int64", NULL));
    for (int i = 0; i < 2; i++) {
        add_string(&step, 0,
                   "K\xc3\xb8"
                   "benhavn");
        builder_int64(step.builder, 1, 12);
        builder_int64(step.builder, 2, INT64_MAX);
        builder_end_row(step.builder, -1);
    }
    process(&step, 0);
    assert_int_equal(agg_transform.finish(step.instance, step.test->error), SLUICE_FATAL);
    assert_int_equal(error_code(step.test->error), SLUICE_CODE_NUMBER_RANGE);
    assert_non_null(strstr(error_message(step.test->error), "sum(x) does not fit an int64"));
    assert_non_null(strstr(error_causes(step.test->error), "g is \"K\xc3\xb8"
                                                           "benhavn\""));
    assert_non_null(strstr(error_causes(step.test->error), "n is 12"));
    end(&step);
}

static void over_the_budget_the_step_and_the_setting_are_named(void **state)
{
    (void)state;
    /* With every budget, small to large: an error or the whole answer, never a crash or a leak. */
    int failures = 0;
    for (int64_t budget = 1000; budget < 4000000; budget += budget / 7) {
        struct test_host *test = test_host_create();
        struct test_host *feeder = test_host_create();
        const char *group[] = {"g"};
        const char *keys[] = {"d", "most"};
        const char *values[] = {"distinct(x)", "max(g)"};
        const struct agg_options options = {.group_by = {1, group},
                                            .aggregates = {2, keys, values}};
        const struct sluice_schema *input = test_schema(feeder, "g:string", "x:int64", NULL);
        struct sluice_builder *builder;
        assert_int_equal(sluice_builder_create(&feeder->host, input, &builder, feeder->error),
                         SLUICE_OK);
        for (int i = 0; i < 5000; i++) {
            char text[24];
            size_t size = format_int64(i % 1000, text);
            builder_string(builder, 0, text, size);
            builder_int64(builder, 1, i);
            builder_end_row(builder, -1);
        }
        assert_int_equal(test_plan(test, &agg_transform, &options, input), SLUICE_OK);
        test->account.limit_bytes = budget;
        void *instance;
        enum sluice_status status =
            agg_transform.create(&test->host, &options, &instance, test->error);
        struct sluice_batch *batch = test_finish(feeder, builder);
        if (status == SLUICE_OK)
            status = agg_transform.process(instance, batch, test->error);
        if (status == SLUICE_OK)
            status = agg_transform.finish(instance, test->error);
        batch_release(batch);
        if (status != SLUICE_OK) {
            failures++;
            assert_int_equal(status, SLUICE_FATAL);
            assert_int_equal(error_code(test->error), SLUICE_CODE_OVER_BUDGET);
            assert_non_null(strstr(error_message(test->error), "settings.memory"));
        } else {
            assert_int_equal(batch_rows(test->emitted[0]), 1000);
        }
        agg_transform.destroy(instance);
        builder_destroy(builder);
        test_host_destroy(feeder);
        test_host_destroy(test);
    }
    assert_in_range(failures, 20, 60);
}

static void columns_that_nobody_reads_are_not_computed(void **state)
{
    (void)state;
    struct step step = {.test = test_host_create()};
    const char *group[] = {"g", "h"};
    const char *keys[] = {"rows", "d"};
    const char *values[] = {"count", "distinct(x)"};
    const struct agg_options options = {.group_by = {2, group}, .aggregates = {2, keys, values}};
    const struct sluice_schema *input =
        test_schema(step.test, "g:int64", "h:int64", "x:int64", NULL);
    assert_int_equal(test_plan(step.test, &agg_transform, &options, input), SLUICE_OK);
    const bool keep[] = {false, true, true, false};
    step.test->output_schema = test_kept_schema(step.test, step.test->planned, keep);
    assert_int_equal(
        agg_transform.create(&step.test->host, &options, &step.instance, step.test->error),
        SLUICE_OK);
    assert_int_equal(
        sluice_builder_create(&step.test->host, input, &step.builder, step.test->error), SLUICE_OK);
    for (int i = 0; i < 12; i++) {
        for (int column = 0; column < 3; column++)
            builder_int64(step.builder, column, column == 1 ? i % 2 : i % 3);
        builder_end_row(step.builder, -1);
    }
    process(&step, 0);
    assert_int_equal(agg_transform.finish(step.instance, step.test->error), SLUICE_OK);
    assert_string_equal(test_rows(step.test, true), "0|2\n0|2\n0|2\n1|2\n1|2\n1|2\n");
    end(&step);
}

static int create_dictionaries(void **state)
{
    (void)state;
    test_dictionaries_create(1000);
    return 0;
}

static int destroy_dictionaries(void **state)
{
    (void)state;
    test_dictionaries_destroy();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_function_ignores_nulls_as_sql_does),
        cmocka_unit_test(a_global_aggregate_has_one_row_even_without_input),
        cmocka_unit_test(a_group_by_without_input_has_no_row),
        cmocka_unit_test(groups_of_any_type_come_in_the_order_of_their_values),
        cmocka_unit_test(a_sum_of_integers_that_does_not_fit_names_its_group),
        cmocka_unit_test(over_the_budget_the_step_and_the_setting_are_named),
        cmocka_unit_test(columns_that_nobody_reads_are_not_computed),
    };
    return cmocka_run_group_tests(tests, create_dictionaries, destroy_dictionaries);
}
