/* SPDX-License-Identifier: Apache-2.0 */
#include "data/data.h"

#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct account account;
static struct sluice_error *error;
static struct dictionary_set *dictionaries;

static struct sluice_field fields[] = {
    {.name = "id", .type = SLUICE_TYPE_INT64, .is_required = true},
    {.name = "name", .type = SLUICE_TYPE_STRING, .path = "user.name", .default_text = "x"},
    {.name = "url", .type = SLUICE_TYPE_STRING, .is_dictionary = true},
    {.name = "ok", .type = SLUICE_TYPE_BOOL},
    {.name = "score", .type = SLUICE_TYPE_FLOAT64},
    {.name = "raw", .type = SLUICE_TYPE_BINARY},
    {.name = "time", .type = SLUICE_TYPE_TIMESTAMP},
};
static const struct sluice_schema schema = {sizeof(fields[0]), 7, fields};

static int set_up(void **state)
{
    (void)state;
    account_init(&account, 0, NULL);
    error = error_create();
    dictionaries = dictionary_set_create(&account, 10, 1000);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    dictionary_set_destroy(dictionaries);
    error_destroy(error);
    /* Everything that was charged was given back. */
    return account.used_bytes == 0 ? 0 : -1;
}

static struct sluice_builder *create(void)
{
    struct sluice_builder *builder;
    assert_int_equal(builder_create(&account, dictionaries, &schema, &builder, error), SLUICE_OK);
    return builder;
}

static struct sluice_batch *finish(struct sluice_builder *builder)
{
    struct sluice_batch *batch;
    if (builder_finish(builder, &batch, error) != SLUICE_OK) {
        fail_msg("%s", error_message(error));
    }
    return batch;
}

/* Values of row i; `name` and `raw` are null every third row. */
static void append(struct sluice_builder *builder, int64_t i)
{
    char text[32];
    size_t size = (size_t)snprintf(text, sizeof(text), "n%lld", (long long)i);
    assert_int_equal(builder_int64(builder, 0, i), SLUICE_OK);
    if (i % 3 == 0) {
        assert_int_equal(builder_null(builder, 1), SLUICE_OK);
        assert_int_equal(builder_null(builder, 5), SLUICE_OK);
    } else {
        assert_int_equal(builder_string(builder, 1, text, size), SLUICE_OK);
        assert_int_equal(builder_string(builder, 5, text, size), SLUICE_OK);
    }
    size = (size_t)snprintf(text, sizeof(text), "/page%lld", (long long)(i % 4));
    assert_int_equal(builder_string(builder, 2, text, size), SLUICE_OK);
    assert_int_equal(builder_bool(builder, 3, i % 2), SLUICE_OK);
    assert_int_equal(builder_float64(builder, 4, (double)i / 2), SLUICE_OK);
    assert_int_equal(builder_int64(builder, 6, i * 1000), SLUICE_OK);
}

static struct sluice_batch *build(int64_t first, int64_t count)
{
    struct sluice_builder *builder = create();
    for (int64_t i = first; i < first + count; i++) {
        append(builder, i);
        assert_int_equal(builder_end_row(builder, i), SLUICE_OK);
    }
    struct sluice_batch *batch = finish(builder);
    builder_destroy(builder);
    return batch;
}

static void check_row(const struct sluice_batch *batch, int64_t row, int64_t i)
{
    struct sluice_builder *builder = create();
    append(builder, i);
    builder_end_row(builder, 0);
    struct sluice_batch *wanted = finish(builder);
    const int all[] = {0, 1, 2, 3, 4, 5, 6};
    if (batch_compare(batch, row, wanted, 0, all, 7) != 0) {
        struct text text = {0};
        format_row_json(batch, row, &text);
        fail_msg("row %lld is %s", (long long)row, text_get(&text));
    }
    batch_release(wanted);
    builder_destroy(builder);
}

static void values_come_out_as_they_went_in(void **state)
{
    (void)state;
    struct sluice_batch *batch = build(0, 1000);
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
    assert_ptr_not_equal(field->name, fields[1].name);
    assert_string_equal(field->path, "user.name");
    assert_non_null(sluice_schema_field(batch_schema(batch), 6)->time_format);
    batch_release(batch);
    batch_release(NULL);
}

static void rows_can_be_dropped_and_must_be_complete(void **state)
{
    (void)state;
    struct sluice_builder *builder = create();
    for (int64_t i = 0; i < 100; i++) {
        append(builder, i);
        builder_end_row(builder, i);
        append(builder, 3 * i); /* with nulls */
        builder_drop_row(builder);
        builder_null(builder, 2);
        builder_drop_row(builder);
    }
    append(builder, 7); /* an incomplete row is dropped by finish */
    struct sluice_batch *batch = finish(builder);
    assert_int_equal(batch_rows(batch), 100);
    for (int64_t row = 0; row < 100; row++) {
        check_row(batch, row, row);
    }
    batch_release(batch);
    assert_null(finish(builder));

    builder_int64(builder, 0, 1);
    assert_int_equal(builder_end_row(builder, 0), SLUICE_FATAL); /* too few values */
    assert_int_equal(builder_failure(builder), SLUICE_CODE_INTERNAL);
    assert_int_equal(builder_finish(builder, &batch, error), SLUICE_FATAL);
    assert_int_equal(error_code(error), SLUICE_CODE_INTERNAL);
    append(builder, 1);
    builder_int64(builder, 0, 1);
    assert_int_equal(builder_end_row(builder, 0), SLUICE_FATAL); /* two for one column */
    builder_finish(builder, &batch, error);
    assert_int_equal(builder_string(builder, 0, "x", 1), SLUICE_FATAL); /* wrong type */
    builder_finish(builder, &batch, error);
    assert_int_equal(builder_int64(builder, 7, 1), SLUICE_FATAL); /* no such column */
    assert_int_equal(builder_int64(builder, -1, 1), SLUICE_FATAL);
    builder_finish(builder, &batch, error);
    append(builder, 5); /* and it works again */
    builder_end_row(builder, 0);
    batch = finish(builder);
    check_row(batch, 0, 5);
    batch_release(batch);
    builder_destroy(builder);
}

static void a_full_dictionary_makes_the_column_plain(void **state)
{
    (void)state;
    struct sluice_builder *builder = create();
    struct sluice_batch *batches[2] = {NULL, NULL};
    for (int64_t i = 0; i < 40; i++) { /* the cap is 10 entries */
        append(builder, i);
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
            batches[0] = finish(builder);
        }
    }
    batches[1] = finish(builder);
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

static void codes_and_strings_are_equal_in_hash_and_order(void **state)
{
    (void)state;
    struct sluice_batch *coded = build(0, 50);
    struct dictionary_set *kept = dictionaries;
    dictionaries = NULL;
    struct sluice_batch *plain = build(0, 50);
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
    struct sluice_batch *batch = finish(builder);
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

static void slices_and_taken_rows_keep_values_and_origins(void **state)
{
    (void)state;
    struct sluice_builder *builder = create();
    for (int64_t i = 0; i < 90; i++) {
        if (i == 10) {
            builder_origin(builder, "topic", 0);
        } else if (i == 40 || i == 41) {
            builder_origin(builder, "topic", 1);
        } else if (i == 70) {
            builder_origin(builder, "unused", 9);
            builder_origin(builder, "file.json", -1);
        }
        append(builder, i);
        builder_end_row(builder, 1000 + i);
    }
    struct sluice_batch *batch = finish(builder);
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

    append(builder, 0); /* the origin is kept over finish */
    builder_end_row(builder, 77);
    batch = finish(builder);
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
    struct sluice_batch *one = build(0, 30);
    struct sluice_batch *other = build(100, 30);
    struct sluice_batch *shorter = build(0, 29);
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
    struct sluice_batch *batch = finish(builder);
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

static void values_are_copied_from_batch_to_builder(void **state)
{
    (void)state;
    struct sluice_batch *batch = build(0, 60);
    struct sluice_builder *builder = create();
    for (int64_t row = 0; row < 60; row++) {
        for (int i = 0; i < 7; i++) {
            struct sluice_column column;
            batch_column(batch, i, &column);
            assert_int_equal(builder_value(builder, i, &column, row), SLUICE_OK);
        }
        builder_end_row(builder, 0);
    }
    struct sluice_batch *copy = finish(builder);
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

static void schemas_are_copied_and_narrowed(void **state)
{
    (void)state;
    struct arena *arena = arena_create();
    const bool keep[7] = {false, true, false, false, false, false, true};
    struct sluice_schema *all = schema_copy(arena, &schema, NULL);
    struct sluice_schema *some = schema_copy(arena, &schema, keep);
    assert_true(schema_equal(all, &schema));
    assert_false(schema_equal(some, &schema));
    assert_int_equal(some->field_count, 2);
    assert_string_equal(sluice_schema_field(some, 0)->default_text, "x");
    assert_int_equal(schema_find(some, "time"), 1);
    assert_int_equal(schema_find(some, "id"), -1);
    assert_int_equal(type_by_name("timestamp"), SLUICE_TYPE_TIMESTAMP);
    assert_int_equal(type_by_name("none"), SLUICE_TYPE_NONE);
    assert_int_equal(type_by_name("varchar"), SLUICE_TYPE_NONE);
    assert_string_equal(type_name(SLUICE_TYPE_FLOAT64), "float64");
    /* A plugin of an older header has shorter fields. */
    struct old_field {
        const char *name;
        enum sluice_type type;
    } old[] = {{"a", SLUICE_TYPE_BOOL}, {"b", SLUICE_TYPE_INT64}};
    const struct sluice_schema older = {sizeof(old[0]), 2,
                                        (const struct sluice_field *)(void *)old};
    struct sluice_schema *newer = schema_copy(arena, &older, NULL);
    assert_string_equal(newer->fields[1].name, "b");
    assert_null(newer->fields[1].path);
    arena_destroy(arena);
}

static void a_row_is_one_json_object(void **state)
{
    (void)state;
    struct sluice_builder *builder = create();
    builder_int64(builder, 0, -7);
    builder_string(builder, 1, "a\"b\\c\n\t\r\x01\xc3\xa9/", 12);
    builder_null(builder, 2);
    builder_bool(builder, 3, true);
    builder_float64(builder, 4, INFINITY);
    builder_string(builder, 5, "\0\xff\x10z", 4);
    builder_int64(builder, 6, 1500000);
    builder_end_row(builder, 0);
    struct sluice_batch *batch = finish(builder);
    struct text text = {0};
    format_row_json(batch, 0, &text);
    assert_string_equal(text_get(&text),
                        "{\"id\":-7,\"name\":\"a\\\"b\\\\c\\n\\t\\r\\u0001\xc3\xa9/\",\"url\":null,"
                        "\"ok\":true,\"score\":\"Infinity\",\"raw\":\"AP8Qeg==\","
                        "\"time\":\"1970-01-01T00:00:01.500Z\"}");
    text_reset(&text);
    batch_release(batch);
    builder_destroy(builder);
}

static void assert_prefix(const struct sluice_template *made, const char *expected)
{
    struct sluice_string prefix, suffix;
    template_ends(made, &prefix, &suffix);
    assert_int_equal(prefix.size, strlen(expected));
    assert_memory_equal(prefix.bytes, expected, prefix.size);
}

static void templates_render_rows(void **state)
{
    (void)state;
    struct arena *arena = arena_create();
    struct sluice_builder *builder = create();
    for (int i = 0; i < 2; i++) {
        append(builder, 1);
        builder_drop_row(builder);
        builder_int64(builder, 0, 12);
        builder_null(builder, 1);
        if (i == 0) {
            builder_string(builder, 2, "../a/b%\n.c\\", 11);
        } else {
            builder_null(builder, 2);
        }
        builder_bool(builder, 3, false);
        builder_float64(builder, 4, 1.5);
        builder_string(builder, 5, "\xff.", 2);
        builder_int64(builder, 6, 1709251199000000);
        builder_end_row(builder, 0);
    }
    struct sluice_batch *batch = finish(builder);
    struct sluice_template *made =
        template_parse(arena, "{{x}}/dt={time:%Y-%m/%d}/{url}-{id}-{raw}.{score}", error);
    assert_non_null(made);
    assert_int_equal(template_column_count(made), 5);
    assert_string_equal(template_column(made, 1), "url");
    assert_null(template_column(made, 5));
    assert_string_equal(template_column_pattern(made, 0), "%Y-%m/%d");
    assert_null(template_column_pattern(made, 1));
    assert_prefix(made, "{x}/dt=");
    struct text text = {0};
    assert_int_equal(template_render(made, batch, 0, true, &text, error), SLUICE_OK);
    assert_string_equal(text_get(&text), "{x}/dt=2024-02/29/%2E.%2Fa%2Fb%25%0A.c%5C-12-%FF..1.5");
    text_clear(&text);
    assert_int_equal(template_render(made, batch, 0, false, &text, error), SLUICE_OK);
    assert_string_equal(text_get(&text), "{x}/dt=2024-02/29/../a/b%\n.c\\-12-\xff..1.5");
    assert_int_equal(template_render(made, batch, 1, true, &text, error), SLUICE_REJECT);
    assert_string_equal(error_field(error, SLUICE_AT_COLUMN), "url");
    made = template_parse(arena, "{absent}", error);
    assert_int_equal(template_render(made, batch, 0, true, &text, error), SLUICE_FATAL);
    made = template_parse(arena, "", error);
    assert_prefix(made, "");
    text_reset(&text);
    batch_release(batch);
    builder_destroy(builder);
    arena_destroy(arena);
}

static void template_mistakes_name_their_place(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"a{", "character 2"},    {"abc{url", "character 4"}, {"{}", "character 2"},
        {"{:%Y}", "character 2"}, {"{time:}", "character 6"}, {"{time:%Q}", "character 7"},
        {"a}b", "character 2"},   {"{a{b}}", "character 1"},  {"{{{", "character 3"},
    };
    struct arena *arena = arena_create();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_null(template_parse(arena, rows[i][0], error));
        assert_int_equal(error_status(error), SLUICE_CONFIG);
        if (!strstr(error_message(error), rows[i][1])) {
            fail_msg("%s: %s", rows[i][0], error_message(error));
        }
    }
    arena_destroy(arena);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(values_come_out_as_they_went_in),
        TEST(rows_can_be_dropped_and_must_be_complete),
        TEST(a_full_dictionary_makes_the_column_plain),
        TEST(codes_and_strings_are_equal_in_hash_and_order),
        TEST(floats_that_are_equal_hash_equally),
        TEST(slices_and_taken_rows_keep_values_and_origins),
        TEST(columns_are_assembled_without_a_copy),
        TEST(raw_room_is_part_of_the_column_after_commit),
        TEST(values_are_copied_from_batch_to_builder),
        TEST(a_batch_over_the_budget_is_lost_with_a_clear_error),
        TEST(schemas_are_copied_and_narrowed),
        TEST(a_row_is_one_json_object),
        TEST(templates_render_rows),
        TEST(template_mistakes_name_their_place),
    };
    return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
