/* SPDX-License-Identifier: Apache-2.0 */
/* From values to a batch. */
#include "batch_fixture.h"

#include <stdio.h>
#include <string.h>

static void values_come_out_as_they_went_in(void **state)
{
    (void)state;
    struct sluice_batch *batch = build_batch(0, 1000);
    assert_int_equal(batch_rows(batch), 1000);
    assert_true(batch_bytes(batch) > 1000 * 30);
    for (int64_t row = 0; row < 1000; row += 13) {
        check_row(batch, row, row);
    }
    struct sluice_column column;
    batch_column(batch, batch_find(batch, "name"), &column);
    assert_int_equal(column.null_count, 334);
    assert_true(column.is_padded);
    for (int i = 0; i < SLUICE_PADDING; i++) {
        assert_int_equal(column.bytes[column.offsets[1000] + i], 0);
    }
    batch_column(batch, batch_find(batch, "url"), &column);
    assert_non_null(column.codes);
    assert_null(column.validity);
    assert_int_equal(column.dictionary_length, 4);
    assert_int_equal(batch_find(batch, "absent"), -1);
    /* The batch has a schema of its own. */
    const struct sluice_field *field = sluice_schema_field(batch_schema(batch), 1);
    assert_ptr_not_equal(field->name, sluice_schema_field(&schema, 1)->name);
    assert_string_equal(field->path, "user.name");
    assert_non_null(sluice_schema_field(batch_schema(batch), 6)->time_format);
    batch_release(batch);
    batch_release(NULL);
}

static void rows_can_be_dropped_and_must_be_complete(void **state)
{
    (void)state;
    struct sluice_builder *builder = create_builder();
    for (int64_t i = 0; i < 100; i++) {
        append_row(builder, i);
        builder_end_row(builder, i);
        append_row(builder, 3 * i); /* with nulls */
        builder_drop_row(builder);
        builder_null(builder, 2);
        builder_drop_row(builder);
    }
    append_row(builder, 7); /* an incomplete row is dropped by finish */
    struct sluice_batch *batch = finish_batch(builder);
    assert_int_equal(batch_rows(batch), 100);
    for (int64_t row = 0; row < 100; row++) {
        check_row(batch, row, row);
    }
    batch_release(batch);
    assert_null(finish_batch(builder));

    builder_int64(builder, 0, 1);
    assert_int_equal(builder_end_row(builder, 0), SLUICE_FATAL); /* too few values */
    assert_int_equal(builder_finish(builder, &batch, error), SLUICE_FATAL);
    assert_int_equal(error_code(error), SLUICE_CODE_INTERNAL);
    append_row(builder, 1);
    builder_int64(builder, 0, 1);
    assert_int_equal(builder_end_row(builder, 0), SLUICE_FATAL); /* two for one column */
    builder_finish(builder, &batch, error);
    assert_int_equal(builder_string(builder, 0, "x", 1), SLUICE_FATAL); /* wrong type */
    builder_finish(builder, &batch, error);
    assert_int_equal(builder_int64(builder, 7, 1), SLUICE_FATAL); /* no such column */
    assert_int_equal(builder_int64(builder, -1, 1), SLUICE_FATAL);
    builder_finish(builder, &batch, error);
    append_row(builder, 5); /* and it works again */
    builder_end_row(builder, 0);
    batch = finish_batch(builder);
    check_row(batch, 0, 5);
    batch_release(batch);
    builder_destroy(builder);
}

static void a_full_dictionary_makes_the_column_plain(void **state)
{
    (void)state;
    struct sluice_builder *builder = create_builder();
    struct sluice_batch *batches[2] = {NULL, NULL};
    for (int64_t i = 0; i < 40; i++) { /* the cap is 10 entries */
        append_row(builder, i);
        builder_drop_row(builder);
        char text[32];
        int size = snprintf(text, sizeof(text), "entry %d", (int)i);
        for (int column = 0; column < 7; column++) {
            if (column == 2 && i % 5 != 0) {
                builder_string(builder, 2, text, (size_t)size);
            } else {
                builder_null(builder, column);
            }
        }
        builder_end_row(builder, 0);
        if (i == 4) {
            batches[0] = finish_batch(builder);
        }
    }
    batches[1] = finish_batch(builder);
    builder_destroy(builder);
    struct sluice_column column;
    batch_column(batches[0], 2, &column);
    assert_non_null(column.codes);
    assert_int_equal(column.null_count, 1);
    batch_column(batches[1], 2, &column);
    assert_null(column.codes);
    assert_int_equal(column.null_count, 7);
    for (int64_t row = 0; row < 35; row++) {
        char text[32];
        snprintf(text, sizeof(text), "entry %d", (int)(row + 5));
        assert_int_equal(sluice_column_is_null(&column, row), row % 5 == 0);
        if (row % 5 != 0) {
            struct sluice_string value = sluice_column_string(&column, row);
            assert_int_equal(value.size, strlen(text));
            assert_memory_equal(value.bytes, text, value.size);
        }
    }
    batch_release(batches[0]);
    batch_release(batches[1]);
}

static void raw_room_is_part_of_the_column_after_commit(void **state)
{
    (void)state;
    const struct sluice_field two[] = {{.name = "n", .type = SLUICE_TYPE_INT64},
                                       {.name = "s", .type = SLUICE_TYPE_STRING}};
    const struct sluice_schema small = {sizeof(two[0]), 2, two};
    struct sluice_builder *builder;
    struct sluice_raw_column raw;
    builder_create(&account, NULL, &small, &builder, error);
    builder_int64(builder, 0, 100);
    builder_string(builder, 1, "first", 5);
    builder_end_row(builder, 0);
    assert_int_equal(builder_reserve(builder, 0, 200, 0, &raw), SLUICE_OK);
    for (int64_t i = 0; i < 200; i++) {
        ((int64_t *)raw.values)[i] = i;
    }
    assert_int_equal(builder_commit(builder, 0, 200, 0, 0), SLUICE_OK);
    assert_int_equal(builder_reserve(builder, 1, 200, 400, &raw), SLUICE_OK);
    int32_t end = raw.offsets[0];
    for (int i = 0; i < 200; i++) {
        assert_int_equal(raw.validity[i], 1);
        if (i % 2) {
            raw.validity[i] = 0;
        } else {
            raw.bytes[end - raw.offsets[0]] = (char)('a' + i % 26);
            end++;
        }
        raw.offsets[i + 1] = end;
    }
    assert_int_equal(builder_commit(builder, 1, 200, 100, 100), SLUICE_OK);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(builder_end_row(builder, 0), SLUICE_OK);
    }
    struct sluice_batch *batch = finish_batch(builder);
    struct sluice_column column;
    batch_column(batch, 1, &column);
    assert_int_equal(column.null_count, 100);
    assert_memory_equal(sluice_column_string(&column, 0).bytes, "first", 5);
    assert_int_equal(sluice_column_string(&column, 3).bytes[0], 'c');
    assert_true(sluice_column_is_null(&column, 2));
    batch_release(batch);
    /* Promises that were not kept. */
    builder_reserve(builder, 1, 1, 5, &raw);
    raw.offsets[1] = raw.offsets[0] + 4;
    assert_int_equal(builder_commit(builder, 1, 1, 5, 0), SLUICE_FATAL);
    assert_int_equal(builder_finish(builder, &batch, error), SLUICE_FATAL);
    assert_int_equal(builder_commit(builder, 0, 1 << 20, 0, 0), SLUICE_FATAL);
    builder_finish(builder, &batch, error);
    builder_destroy(builder);
}

static void columns_and_rows_come_in_many(void **state)
{
    (void)state;
    const struct sluice_field one = {.name = "s", .type = SLUICE_TYPE_STRING};
    const struct sluice_schema small = {sizeof one, 1, &one};
    const struct sluice_string strings[] = {{"ab", 2}, {NULL, 0}, {"", 0}, {"cde", 3}};
    const int64_t positions[] = {7, 8, 9, 11};
    struct sluice_builder *builder;
    builder_create(&account, NULL, &small, &builder, error);
    assert_int_equal(builder_origin(builder, "file", -1), SLUICE_OK);
    assert_int_equal(builder_strings(builder, 0, strings, 4), SLUICE_OK);
    assert_int_equal(builder_end_rows(builder, positions, 4), SLUICE_OK);
    struct sluice_batch *batch = finish_batch(builder);
    struct sluice_column column;
    batch_column(batch, 0, &column);
    assert_int_equal(column.null_count, 1);
    for (int64_t row = 0; row < 4; row++) {
        struct sluice_origin origin;
        int64_t position;
        assert_true(batch_origin(batch, row, &origin, &position));
        assert_int_equal(position, positions[row]);
        assert_int_equal(sluice_column_is_null(&column, row), strings[row].bytes == NULL);
        assert_int_equal(sluice_column_string(&column, row).size, strings[row].size);
    }
    assert_memory_equal(sluice_column_string(&column, 3).bytes, "cde", 3);
    batch_release(batch);
    /* One value short, one too many, and a column that is not there. */
    builder_strings(builder, 0, strings, 3);
    assert_int_equal(builder_end_rows(builder, positions, 4), SLUICE_FATAL);
    assert_int_equal(builder_finish(builder, &batch, error), SLUICE_FATAL);
    builder_strings(builder, 0, strings, 4);
    assert_int_equal(builder_end_rows(builder, positions, 3), SLUICE_FATAL);
    assert_int_equal(builder_finish(builder, &batch, error), SLUICE_FATAL);
    assert_int_equal(builder_strings(builder, 1, strings, 1), SLUICE_FATAL);
    builder_finish(builder, &batch, error);
    builder_destroy(builder);
}

static void values_are_copied_from_batch_to_builder(void **state)
{
    (void)state;
    struct sluice_batch *batch = build_batch(0, 60);
    struct sluice_builder *builder = create_builder();
    for (int64_t row = 0; row < 60; row++) {
        for (int i = 0; i < 7; i++) {
            struct sluice_column column;
            batch_column(batch, i, &column);
            assert_int_equal(builder_value(builder, i, &column, row), SLUICE_OK);
        }
        builder_end_row(builder, 0);
    }
    struct sluice_batch *copy = finish_batch(builder);
    for (int64_t row = 0; row < 60; row++) {
        check_row(copy, row, row);
    }
    struct sluice_column column;
    batch_column(copy, 0, &column);
    assert_int_equal(builder_value(builder, 1, &column, 0), SLUICE_FATAL);
    builder_destroy(builder);
    batch_release(copy);
    batch_release(batch);
}

/* The budget runs out at every possible place; nothing leaks and the builder stays usable. */
static void a_batch_over_the_budget_is_lost_with_a_clear_error(void **state)
{
    (void)state;
    bool has_passed = false;
    for (int64_t limit = 1000; !has_passed && limit < 4000000; limit += 7000) {
        struct account small;
        account_init(&small, limit, &account);
        struct sluice_builder *builder;
        struct sluice_batch *batch = NULL;
        struct sluice_batch *taken = NULL;
        int32_t rows[700];
        builder_create(&small, NULL, &schema, &builder, error);
        builder_origin(builder, "somewhere", 0);
        for (int64_t i = 0; i < 700; i++) {
            rows[i] = (int32_t)(699 - i);
            for (int column = 0; column < 7; column++) {
                if (column == i % 7) {
                    builder_null(builder, column);
                } else if (column == 1 || column == 2 || column == 5) {
                    builder_string(builder, column, "some text that is longer", 24);
                } else if (column == 3) {
                    builder_bool(builder, column, true);
                } else if (column == 4) {
                    builder_float64(builder, column, 1);
                } else {
                    builder_int64(builder, column, i);
                }
            }
            builder_end_row(builder, i);
        }
        enum sluice_status status = builder_finish(builder, &batch, error);
        if (status == SLUICE_OK) {
            status = batch_take(&small, batch, rows, 700, &taken, error);
        }
        has_passed = status == SLUICE_OK;
        if (!has_passed) {
            assert_int_equal(status, SLUICE_FATAL);
            assert_true(error_code(error) == SLUICE_CODE_OVER_BUDGET ||
                        error_code(error) == SLUICE_CODE_OUT_OF_MEMORY);
        }
        batch_release(batch);
        batch_release(taken);
        builder_destroy(builder);
        assert_int_equal(small.used_bytes, 0);
    }
    assert_true(has_passed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(values_come_out_as_they_went_in),
        FIXTURE_TEST(rows_can_be_dropped_and_must_be_complete),
        FIXTURE_TEST(a_full_dictionary_makes_the_column_plain),
        FIXTURE_TEST(raw_room_is_part_of_the_column_after_commit),
        FIXTURE_TEST(columns_and_rows_come_in_many),
        FIXTURE_TEST(values_are_copied_from_batch_to_builder),
        FIXTURE_TEST(a_batch_over_the_budget_is_lost_with_a_clear_error),
    };
    return cmocka_run_group_tests_name("builder", tests, NULL, NULL);
}
