/* SPDX-License-Identifier: Apache-2.0 */
/* What is made from batches, and how their rows compare. */
#include "batch_fixture.h"

#include <math.h>
#include <string.h>

static void schemas_are_equal_by_names_and_types(void **state)
{
    (void)state;
    struct sluice_batch *batch = build_batch(0, 1);
    const struct sluice_schema *copy = batch_schema(batch);
    assert_true(schema_equal(copy, &schema));
    const struct sluice_schema shorter = {copy->field_size, 6, copy->fields};
    assert_false(schema_equal(&shorter, &schema));
    assert_string_equal(sluice_schema_field(copy, 1)->default_text, "x");
    assert_int_equal(schema_find(copy, "time"), 6);
    assert_int_equal(schema_find(&shorter, "time"), -1);
    batch_release(batch);
    assert_int_equal(type_by_name("timestamp"), SLUICE_TYPE_TIMESTAMP);
    assert_int_equal(type_by_name("none"), SLUICE_TYPE_NONE);
    assert_int_equal(type_by_name("varchar"), SLUICE_TYPE_NONE);
    assert_string_equal(type_name(SLUICE_TYPE_FLOAT64), "float64");
}

static void a_plugin_of_an_older_header_has_shorter_fields(void **state)
{
    (void)state;
    struct old_field {
        const char *name;
        enum sluice_type type;
    } old[] = {{"a", SLUICE_TYPE_BOOL}, {"b", SLUICE_TYPE_INT64}};
    const struct sluice_schema older = {sizeof(old[0]), 2,
                                        (const struct sluice_field *)(void *)old};
    struct sluice_builder *builder;
    assert_int_equal(builder_create(&account, NULL, &older, &builder, error), SLUICE_OK);
    builder_bool(builder, 0, true);
    builder_int64(builder, 1, 5);
    builder_end_row(builder, 0);
    struct sluice_batch *batch = finish_batch(builder);
    const struct sluice_field *newer = sluice_schema_field(batch_schema(batch), 1);
    assert_string_equal(newer->name, "b");
    assert_null(newer->path);
    batch_release(batch);
    builder_destroy(builder);
}

static void codes_and_strings_are_equal_in_hash_and_order(void **state)
{
    (void)state;
    struct sluice_batch *coded = build_batch(0, 50);
    struct dictionary_set *kept = dictionaries;
    dictionaries = NULL;
    struct sluice_batch *plain = build_batch(0, 50);
    dictionaries = kept;
    uint64_t one[50];
    uint64_t other[50];
    const int columns[] = {2, 1, 0, 3, 4, 5, 6};
    for (size_t count = 0; count <= 7; count++) {
        assert_int_equal(batch_hash(coded, columns, count, one, error), SLUICE_OK);
        assert_int_equal(batch_hash(plain, columns, count, other, error), SLUICE_OK);
        assert_memory_equal(one, other, sizeof(one));
    }
    assert_int_equal(batch_hash(coded, columns, 1, one, error), SLUICE_OK);
    assert_true(one[1] == hash_bytes("/page1", 6));
    const int swapped[] = {1, 2};
    batch_hash(coded, columns, 2, one, error);
    batch_hash(coded, swapped, 2, other, error);
    assert_true(one[1] != other[1]);
    const int absent[] = {7};
    assert_int_equal(batch_hash(coded, absent, 1, one, error), SLUICE_FATAL);

    const int url[] = {2};
    assert_int_equal(batch_compare(coded, 1, plain, 5, url, 1), 0);
    assert_true(batch_compare(coded, 1, plain, 2, url, 1) < 0);
    assert_true(batch_compare(plain, 3, coded, 2, url, 1) > 0);
    const int name[] = {1};
    assert_int_equal(batch_compare(coded, 0, plain, 3, name, 1), 0); /* null and null */
    assert_true(batch_compare(coded, 0, plain, 1, name, 1) < 0);     /* null goes first */
    assert_true(batch_compare(coded, 1, plain, 10, name, 1) < 0);    /* a prefix goes first */
    batch_release(coded);
    batch_release(plain);
}

static void floats_that_are_equal_hash_equally(void **state)
{
    (void)state;
    const struct sluice_field field = {.name = "x", .type = SLUICE_TYPE_FLOAT64};
    const struct sluice_schema one = {sizeof(field), 1, &field};
    static const double values[] = {0.0, -0.0, NAN, -NAN, 1, INFINITY};
    struct sluice_builder *builder;
    builder_create(&account, NULL, &one, &builder, error);
    for (int i = 0; i < 6; i++) {
        builder_float64(builder, 0, values[i]);
        builder_end_row(builder, 0);
    }
    struct sluice_batch *batch = finish_batch(builder);
    const int column[] = {0};
    uint64_t hashes[6];
    batch_hash(batch, column, 1, hashes, error);
    assert_true(hashes[0] == hashes[1] && hashes[2] == hashes[3] && hashes[0] != hashes[4]);
    assert_int_equal(batch_compare(batch, 0, batch, 1, column, 1), 0);
    assert_int_equal(batch_compare(batch, 2, batch, 3, column, 1), 0);
    assert_true(batch_compare(batch, 2, batch, 5, column, 1) > 0); /* NaN goes last */
    batch_release(batch);
    builder_destroy(builder);
}

static void rows_taken_of_one_origin_keep_it(void **state)
{
    (void)state;
    struct sluice_builder *builder = create_builder();
    for (int64_t i = 0; i < 60; i++) {
        if (i % 20 == 0) {
            builder_origin(builder, "topic", (int32_t)(i / 20));
        }
        append_row(builder, i);
        builder_end_row(builder, 1000 + i);
    }
    struct sluice_batch *batch = finish_batch(builder);
    for (int64_t first = 0; first <= 40; first += 4) { /* within one origin, and over two */
        static const int32_t rows[] = {15, 0, 7, 7};
        struct sluice_batch *slice;
        struct sluice_batch *taken;
        assert_int_equal(batch_slice(batch, first, 16, &slice, error), SLUICE_OK);
        assert_int_equal(batch_take(&account, slice, rows, 4, &taken, error), SLUICE_OK);
        for (int64_t row = 0; row < 4; row++) {
            struct sluice_origin origin;
            int64_t position;
            assert_true(batch_origin(taken, row, &origin, &position));
            assert_int_equal(position, 1000 + first + rows[row]);
            assert_int_equal(origin.partition, (first + rows[row]) / 20);
        }
        batch_release(slice);
        batch_release(taken);
    }
    batch_release(batch);
    builder_destroy(builder);
}

static void slices_and_taken_rows_keep_values_and_origins(void **state)
{
    (void)state;
    struct sluice_builder *builder = create_builder();
    for (int64_t i = 0; i < 90; i++) {
        if (i == 10) {
            builder_origin(builder, "topic", 0);
        } else if (i == 40 || i == 41) {
            builder_origin(builder, "topic", 1);
        } else if (i == 70) {
            builder_origin(builder, "unused", 9);
            builder_origin(builder, "file.json", -1);
        }
        append_row(builder, i);
        builder_end_row(builder, 1000 + i);
    }
    struct sluice_batch *batch = finish_batch(builder);
    struct sluice_batch *slice;
    struct sluice_batch *inner;
    struct sluice_batch *taken;
    assert_int_equal(batch_slice(batch, 5, 80, &slice, error), SLUICE_OK);
    assert_int_equal(batch_slice(slice, 3, 60, &inner, error), SLUICE_OK); /* rows 8 .. 67 */
    assert_int_equal(batch_slice(slice, 3, 78, &taken, error), SLUICE_FATAL);
    assert_int_equal(batch_slice(slice, -1, 2, &taken, error), SLUICE_FATAL);
    static const int32_t rows[] = {59, 0, 1, 2, 3, 40, 40, 2, 1};
    assert_int_equal(batch_take(&account, inner, rows, 9, &taken, error), SLUICE_OK);
    batch_release(batch);
    batch_release(slice);
    struct sluice_origin origin;
    int64_t position;
    for (int64_t row = 0; row < 9; row++) {
        int64_t i = 8 + rows[row];
        check_row(inner, rows[row], i);
        check_row(taken, row, i);
        bool is_known = batch_origin(taken, row, &origin, &position);
        assert_int_equal(is_known, i >= 10);
        assert_int_equal(position, is_known ? 1000 + i : -1);
        assert_int_equal(origin.partition, !is_known ? -1 : i < 40 ? 0 : 1);
        assert_true(!is_known || strcmp(origin.name, "topic") == 0);
        assert_int_equal(batch_origin(inner, rows[row], &origin, &position), i >= 10);
    }
    assert_true(batch_origin(inner, 30, &origin, &position));
    assert_int_equal(origin.first_row, 2);
    assert_false(batch_origin(inner, 60, &origin, &position));
    batch_release(inner);
    batch_release(taken);

    append_row(builder, 0); /* the origin is kept over finish */
    builder_end_row(builder, 77);
    batch = finish_batch(builder);
    assert_true(batch_origin(batch, 0, &origin, &position));
    assert_string_equal(origin.name, "file.json");
    assert_int_equal(position, 77);
    static const int32_t wrong[] = {1};
    assert_int_equal(batch_take(&account, batch, wrong, 1, &taken, error), SLUICE_FATAL);
    assert_int_equal(batch_take(&account, batch, NULL, 0, &taken, error), SLUICE_OK);
    assert_int_equal(batch_rows(taken), 0);
    batch_release(taken);
    batch_release(batch);
    builder_destroy(builder);
}

static void columns_are_assembled_without_a_copy(void **state)
{
    (void)state;
    struct sluice_batch *one = build_batch(0, 30);
    struct sluice_batch *other = build_batch(100, 30);
    struct sluice_batch *shorter = build_batch(0, 29);
    const struct sluice_field wanted[] = {{.name = "page", .type = SLUICE_TYPE_STRING},
                                          {.name = "id", .type = SLUICE_TYPE_INT64}};
    const struct sluice_schema two = {sizeof(wanted[0]), 2, wanted};
    const struct sluice_column_source sources[] = {{one, 2}, {other, 0}};
    struct sluice_batch *made;
    assert_int_equal(batch_assemble(&two, sources, &made, error), SLUICE_OK);
    struct sluice_column column;
    struct sluice_column source;
    batch_column(made, 0, &column);
    batch_column(one, 2, &source);
    assert_ptr_equal(column.codes, source.codes);
    batch_column(made, 1, &column);
    assert_int_equal(sluice_column_int64(&column, 29), 129);
    assert_int_equal(batch_find(made, "page"), 0);
    struct sluice_batch *sent;
    assert_int_equal(batch_with_sender(made, 3, &sent, error), SLUICE_OK);
    assert_int_equal(batch_sender(sent), 3);
    assert_int_equal(batch_sender(made), 0);
    batch_release(sent);
    const struct sluice_column_source bad[][2] = {
        {{one, 2}, {shorter, 0}}, {{one, 2}, {other, 1}}, {{one, 7}, {other, 0}}};
    for (size_t i = 0; i < 3; i++) {
        struct sluice_batch *none;
        assert_int_equal(batch_assemble(&two, bad[i], &none, error), SLUICE_FATAL);
        assert_null(none);
    }
    batch_release(one);
    batch_release(other);
    batch_release(shorter);
    batch_column(made, 0, &column);
    assert_memory_equal(sluice_column_string(&column, 1).bytes, "/page1", 6);
    batch_release(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(schemas_are_equal_by_names_and_types),
        FIXTURE_TEST(a_plugin_of_an_older_header_has_shorter_fields),
        FIXTURE_TEST(codes_and_strings_are_equal_in_hash_and_order),
        FIXTURE_TEST(floats_that_are_equal_hash_equally),
        FIXTURE_TEST(rows_taken_of_one_origin_keep_it),
        FIXTURE_TEST(slices_and_taken_rows_keep_values_and_origins),
        FIXTURE_TEST(columns_are_assembled_without_a_copy),
    };
    return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
