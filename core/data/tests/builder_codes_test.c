/* SPDX-License-Identifier: Apache-2.0 */
/* Strings that wait for their codes: random rows, dropped ones among them, against a list of what
 * the batches must hold, with dictionaries that have room for all, for some, and for few. */
#include "batch_fixture.h"

#include <stdio.h>
#include <string.h>

enum { VALUES = 400, LONGEST = 6000, ROWS = 700, NULL_VALUE = -1 };

static const struct sluice_field word_field = {
    .name = "word", .type = SLUICE_TYPE_STRING, .is_dictionary = true};
static const struct sluice_schema words = {
    .field_count = 1, .field_size = sizeof(struct sluice_field), .fields = &word_field};

static uint64_t random_state;

static uint32_t draw(uint32_t below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((random_state >> 33) % below);
}

/* Most are short, some too long to wait, one is empty. */
static struct sluice_string value_of(int value, char bytes[LONGEST])
{
    size_t size = value % 50 == 49 ? (size_t)(4000 + value) : (size_t)(value * 7 % 90);
    memset(bytes, 'a' + value % 26, size);
    memcpy(bytes, &value, size < sizeof value ? 0 : sizeof value);
    return (struct sluice_string){bytes, size};
}

static void check_batch(const struct sluice_batch *batch, const int *expected, int64_t rows)
{
    struct sluice_column column;
    assert_int_equal(batch_rows(batch), rows);
    batch_column(batch, 0, &column);
    for (int64_t row = 0; row < rows; row++) {
        assert_int_equal(sluice_column_is_null(&column, row), expected[row] == NULL_VALUE);
        if (expected[row] != NULL_VALUE) {
            char bytes[LONGEST];
            struct sluice_string wanted = value_of(expected[row], bytes);
            struct sluice_string got = sluice_column_string(&column, row);
            assert_int_equal(got.size, wanted.size);
            assert_memory_equal(got.bytes, wanted.bytes, wanted.size);
        }
    }
}

static void append(struct sluice_builder *builder, int value)
{
    char bytes[LONGEST];
    if (value == NULL_VALUE) {
        assert_int_equal(builder_null(builder, 0), SLUICE_OK);
        return;
    }
    struct sluice_string string = value_of(value, bytes);
    assert_int_equal(builder_string(builder, 0, string.bytes, string.size), SLUICE_OK);
}

/* Rows by one call for the column and one for the rows. */
static int64_t append_together(struct sluice_builder *builder, int *expected, int64_t most)
{
    enum { TOGETHER = 150 };
    static char bytes[TOGETHER][LONGEST];
    static const int64_t positions[TOGETHER];
    struct sluice_string strings[TOGETHER];
    int64_t count = draw(most < TOGETHER ? (uint32_t)most + 1 : TOGETHER + 1);
    bool has_nulls = draw(2) == 0;
    for (int64_t i = 0; i < count; i++) {
        expected[i] = has_nulls && draw(10) == 0 ? NULL_VALUE : (int)draw(VALUES);
        strings[i] = expected[i] == NULL_VALUE ? (struct sluice_string){NULL, 0}
                                               : value_of(expected[i], bytes[i]);
    }
    assert_int_equal(builder_strings(builder, 0, strings, count), SLUICE_OK);
    assert_int_equal(builder_end_rows(builder, positions, count), SLUICE_OK);
    return count;
}

static void fill_and_check(struct sluice_builder *builder)
{
    int expected[ROWS];
    int64_t rows = 0;
    for (int64_t wanted = draw(ROWS); rows < wanted;) {
        if (draw(30) == 0) {
            rows += append_together(builder, expected + rows, wanted - rows);
            continue;
        }
        int value = draw(10) == 0 ? NULL_VALUE : (int)draw(VALUES);
        append(builder, value);
        if (draw(6) == 0) {
            builder_drop_row(builder);
            continue;
        }
        assert_int_equal(builder_end_row(builder, 0), SLUICE_OK);
        expected[rows++] = value;
        if (draw(100) == 0) {
            struct sluice_raw_column raw;
            assert_int_equal(builder_reserve(builder, 0, 3, 0, &raw), SLUICE_OK);
        }
    }
    if (draw(2)) {
        append(builder, 1); /* a row that nobody closes */
    }
    struct sluice_batch *batch = NULL;
    assert_int_equal(builder_finish(builder, &batch, error), SLUICE_OK);
    if (rows == 0) {
        assert_null(batch);
        return;
    }
    check_batch(batch, expected, rows);
    batch_release(batch);
}

static void waiting_strings_come_out_in_their_rows(void **state)
{
    (void)state;
    static const int64_t caps[] = {100000, 300, 70, 1};
    random_state = 11;
    for (int round = 0; round < 80; round++) {
        struct dictionary_set *set = dictionary_set_create(&account, caps[round % 4], 10000000);
        struct sluice_builder *builder;
        assert_int_equal(builder_create(&account, set, &words, &builder, error), SLUICE_OK);
        for (int batch = 0; batch < 5; batch++) {
            fill_and_check(builder);
        }
        builder_destroy(builder);
        dictionary_set_destroy(set);
    }
}

/* Few that come again and again, then only new ones, then few again. */
static void strings_are_found_whether_they_come_again_or_not(void **state)
{
    (void)state;
    enum { TOGETHER = 100, CALLS = 200, TEXT = 16 };
    struct dictionary_set *set = dictionary_set_create(&account, 100000, 10000000);
    struct sluice_builder *builder;
    assert_int_equal(builder_create(&account, set, &words, &builder, error), SLUICE_OK);
    for (int call = 0; call < CALLS; call++) {
        char texts[TOGETHER][TEXT];
        struct sluice_string strings[TOGETHER];
        static const int64_t positions[TOGETHER];
        bool is_new = call >= CALLS / 3 && call < 2 * CALLS / 3;
        for (int i = 0; i < TOGETHER; i++) {
            int number = is_new ? call * TOGETHER + i : i % 13;
            int size = snprintf(texts[i], TEXT, "%.*s%d", i % 13, "a longer one", number);
            strings[i] = (struct sluice_string){texts[i], (size_t)size};
        }
        assert_int_equal(builder_strings(builder, 0, strings, TOGETHER), SLUICE_OK);
        assert_int_equal(builder_end_rows(builder, positions, TOGETHER), SLUICE_OK);
        struct sluice_batch *batch = finish_batch(builder);
        struct sluice_column column;
        batch_column(batch, 0, &column);
        for (int i = 0; i < TOGETHER; i++) {
            struct sluice_string got = sluice_column_string(&column, i);
            assert_int_equal(got.size, strings[i].size);
            assert_memory_equal(got.bytes, texts[i], got.size);
        }
        batch_release(batch);
    }
    builder_destroy(builder);
    dictionary_set_destroy(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(waiting_strings_come_out_in_their_rows),
        FIXTURE_TEST(strings_are_found_whether_they_come_again_or_not),
    };
    return cmocka_run_group_tests_name("builder_codes", tests, NULL, NULL);
}
