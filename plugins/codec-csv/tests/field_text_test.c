/* SPDX-License-Identifier: Apache-2.0 */
/* Fields in blocks against a byte at a time, over random text at every size, both paddings and both
 * guesses. */
#include "field_text.h"
#include "test_host/test_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool needs_quotes(struct sluice_string field, struct csv_marks marks)
{
    bool needs_them = field.size == 0;
    for (size_t i = 0; i < field.size; i++) {
        char byte = field.bytes[i];
        needs_them = needs_them || byte == marks.delimiter || byte == marks.quote || byte == '\n' ||
                     byte == '\r';
    }
    return needs_them;
}

static size_t put_slowly(char *to, struct sluice_string field, struct csv_marks marks)
{
    char *at = to;
    bool is_quoted = needs_quotes(field, marks);
    if (is_quoted) {
        *at++ = marks.quote;
    }
    for (size_t i = 0; i < field.size; i++) {
        if (field.bytes[i] == marks.quote) {
            *at++ = marks.quote;
        }
        *at++ = field.bytes[i];
    }
    if (is_quoted) {
        *at++ = marks.quote;
    }
    return (size_t)(at - to);
}

/* A field in memory that ends with its padding, so that a sanitizer sees every byte read too far.
 */
static void check(uint64_t *seed, size_t size, size_t padding, unsigned special_share)
{
    static const struct csv_marks all_marks[] = {{',', '"'}, {';', '\''}, {'\t', '"'}};
    struct csv_marks marks = all_marks[test_random(seed) % 3];
    const char specials[] = {marks.delimiter, marks.quote, '\n', '\r', ' ', '\xe9'};
    char *bytes = malloc(size + padding ? size + padding : 1);
    char *want = malloc(size * 2 + 2);
    char *got = malloc(csv_field_room(size));
    assert_true(bytes && want && got);
    memset(bytes + size, marks.quote, padding);
    for (size_t i = 0; i < size; i++) {
        bool is_special = test_random(seed) % 100 < special_share;
        bytes[i] = is_special ? specials[test_random(seed) % sizeof specials]
                              : (char)('a' + test_random(seed) % 26);
    }
    struct sluice_string field = {bytes, size};
    size_t want_size = put_slowly(want, field, marks);
    for (int guess = 0; guess < 2; guess++) {
        bool is_quoted = guess == 1;
        char *end = csv_put_field(got, field, padding > 0, marks, &is_quoted);
        assert_int_equal(end - got, want_size);
        assert_memory_equal(got, want, want_size);
        assert_int_equal(is_quoted, needs_quotes(field, marks));
    }
    free(bytes);
    free(want);
    free(got);
}

static void blocks_write_what_single_bytes_would(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (size_t size = 0; size < 200; size++) {
        for (unsigned share = 0; share <= 100; share += share < 4 ? 1 : 30) {
            check(&seed, size, 0, share);
            check(&seed, size, SLUICE_PADDING, share);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_write_what_single_bytes_would),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
