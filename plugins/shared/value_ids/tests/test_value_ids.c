/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "test_host/test_host.h"
#include "value_ids/value_ids.h"

static struct sluice_builder *create_builder(struct test_host *test,
                                             const struct sluice_schema *schema)
{
    struct sluice_builder *builder;
    assert_int_equal(sluice_builder_create(&test->host, schema, &builder, test->error), SLUICE_OK);
    return builder;
}

static struct sluice_batch *string_batch(struct test_host *test, struct sluice_builder *builder,
                                         const char *const *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (values[i])
            builder_string(builder, 0, values[i], strlen(values[i]));
        else
            builder_null(builder, 0);
        builder_end_row(builder, -1);
    }
    return test_finish(test, builder);
}

static void map_strings(struct test_host *test, struct value_ids *ids,
                        struct sluice_builder *builder, const char *const *values, size_t count,
                        uint32_t *ids_by_row)
{
    struct sluice_batch *batch = string_batch(test, builder, values, count);
    assert_int_equal(value_ids_map(ids, batch, 0, ids_by_row, test->error), SLUICE_OK);
    batch_release(batch);
}

static void equal_strings_get_one_id_whether_plain_or_coded(void **state)
{
    (void)state;
    test_dictionaries_create(3);
    struct test_host *test = test_host_create();
    const struct sluice_schema *plain = test_schema(test, "name:string", NULL);
    struct sluice_builder *coded = create_builder(test, test_coded_schema(test, plain));
    struct sluice_builder *uncoded = create_builder(test, plain);
    struct value_ids *ids;
    assert_int_equal(value_ids_create(&test->host, SLUICE_TYPE_STRING, &ids, test->error),
                     SLUICE_OK);
    uint32_t rows[4];

    map_strings(test, ids, coded, (const char *const[]){"b", "a", NULL, "b"}, 4, rows);
    assert_memory_equal(rows, ((uint32_t[]){1, 2, 0, 1}), sizeof(rows));
    map_strings(test, ids, uncoded, (const char *const[]){"c", "a", NULL, ""}, 4, rows);
    assert_memory_equal(rows, ((uint32_t[]){3, 2, 0, 4}), sizeof(rows));
    /* "c" was first seen plain and now has a code; then the dictionary is full. */
    map_strings(test, ids, coded, (const char *const[]){"c", "a", "c", "b"}, 4, rows);
    assert_memory_equal(rows, ((uint32_t[]){3, 2, 3, 1}), sizeof(rows));
    map_strings(test, ids, coded, (const char *const[]){"d", "c", "", "a"}, 4, rows);
    assert_memory_equal(rows, ((uint32_t[]){5, 3, 4, 2}), sizeof(rows));

    value_ids_destroy(ids);
    builder_destroy(coded);
    builder_destroy(uncoded);
    test_host_destroy(test);
    test_dictionaries_destroy();
}

static void a_foreign_dictionary_is_mapped_by_value(void **state)
{
    (void)state;
    struct test_host *test = test_host_create();
    const struct sluice_schema *plain = test_schema(test, "name:string", NULL);
    struct value_ids *ids;
    assert_int_equal(value_ids_create(&test->host, SLUICE_TYPE_STRING, &ids, test->error),
                     SLUICE_OK);
    /* Two runs with dictionaries of their own, in which the same codes mean other strings. */
    const char *const values[2][2] = {{"x", "y"}, {"y", "x"}};
    const uint32_t expected[2][2] = {{1, 2}, {2, 1}};
    for (int i = 0; i < 2; i++) {
        test_dictionaries_create(10);
        struct sluice_builder *builder = create_builder(test, test_coded_schema(test, plain));
        uint32_t rows[2];
        map_strings(test, ids, builder, values[i], 2, rows);
        assert_memory_equal(rows, expected[i], sizeof(rows));
        builder_destroy(builder);
        test_dictionaries_destroy();
    }
    value_ids_destroy(ids);
    test_host_destroy(test);
}

/* The ids are in ascending order of their values. */
static void expect_order(const struct value_ids *ids, const uint32_t *sorted, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            int order = value_ids_compare(ids, sorted[i], sorted[j]);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
    }
}

static void values_that_hardly_repeat_get_no_ids_any_more(void **state)
{
    (void)state;
    enum { BATCH = 10000 };
    test_dictionaries_create(10);
    struct test_host *test = test_host_create();
    struct sluice_builder *builder = create_builder(test, test_schema(test, "x:int64", NULL));
    struct value_ids *ids;
    assert_int_equal(value_ids_create(&test->host, SLUICE_TYPE_INT64, &ids, test->error),
                     SLUICE_OK);
    value_ids_limit(ids, SIZE_MAX);
    uint32_t *rows = calloc(BATCH, sizeof(*rows));
    for (int64_t value = 0; value < 4 * BATCH; value++) {
        if (value % 7)
            builder_int64(builder, 0, value);
        else
            builder_null(builder, 0);
        builder_end_row(builder, -1);
        if (value % BATCH != BATCH - 1)
            continue;
        struct sluice_batch *batch = test_finish(test, builder);
        assert_int_equal(value_ids_map(ids, batch, 0, rows, test->error), SLUICE_OK);
        batch_release(batch);
    }
    assert_int_equal(rows[BATCH - 1], VALUE_WITHOUT_ID);
    assert_int_equal(rows[(7 - 3 * BATCH % 7) % 7], 0);
    assert_true(value_ids_count(ids) < 4 * BATCH / 2);
    free(rows);
    value_ids_destroy(ids);
    builder_destroy(builder);
    test_host_destroy(test);
    test_dictionaries_destroy();
}

static void values_are_ordered_bytewise_with_null_first(void **state)
{
    (void)state;
    test_dictionaries_create(10);
    struct test_host *test = test_host_create();
    struct sluice_builder *builder = create_builder(test, test_schema(test, "name:string", NULL));
    struct value_ids *ids;
    assert_int_equal(value_ids_create(&test->host, SLUICE_TYPE_STRING, &ids, test->error),
                     SLUICE_OK);
    uint32_t rows[5];
    map_strings(test, ids, builder, (const char *const[]){"b", "\xc3\xa9", "", "ba", "a"}, 5, rows);
    expect_order(ids, (const uint32_t[]){0, 3, 5, 1, 4, 2}, 6);
    value_ids_destroy(ids);
    builder_destroy(builder);
    test_host_destroy(test);
    test_dictionaries_destroy();
}

static void doubles_have_one_zero_and_one_nan_which_is_last(void **state)
{
    (void)state;
    test_dictionaries_create(10);
    struct test_host *test = test_host_create();
    struct sluice_builder *builder = create_builder(test, test_schema(test, "x:float64", NULL));
    const double values[] = {0.0, -0.0, __builtin_nan("1"), -1.5, __builtin_nan("2")};
    for (int i = 0; i < 5; i++) {
        builder_float64(builder, 0, values[i]);
        builder_end_row(builder, -1);
    }
    struct sluice_batch *batch = test_finish(test, builder);
    struct value_ids *ids;
    assert_int_equal(value_ids_create(&test->host, SLUICE_TYPE_FLOAT64, &ids, test->error),
                     SLUICE_OK);
    uint32_t rows[5];
    assert_int_equal(value_ids_map(ids, batch, 0, rows, test->error), SLUICE_OK);
    assert_memory_equal(rows, ((uint32_t[]){1, 1, 2, 3, 2}), sizeof(rows));
    expect_order(ids, (const uint32_t[]){0, 3, 1, 2}, 4);
    batch_release(batch);
    value_ids_destroy(ids);
    builder_destroy(builder);
    test_host_destroy(test);
    test_dictionaries_destroy();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_strings_get_one_id_whether_plain_or_coded),
        cmocka_unit_test(a_foreign_dictionary_is_mapped_by_value),
        cmocka_unit_test(values_that_hardly_repeat_get_no_ids_any_more),
        cmocka_unit_test(values_are_ordered_bytewise_with_null_first),
        cmocka_unit_test(doubles_have_one_zero_and_one_nan_which_is_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
