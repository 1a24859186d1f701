/* SPDX-License-Identifier: Apache-2.0 */
/* Strings in blocks against a byte at a time, over random text at every size and both paddings. */
#include "string_text.h"
#include "test_host/test_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static size_t put_slowly(char *to, struct sluice_string string)
{
    static const char names[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    char *at = to;
    *at++ = '"';
    for (size_t i = 0; i < string.size; i++) {
        char byte = string.bytes[i];
        const char *name = names;
        while (*name && *name != byte) {
            name += 2;
        }
        if (*name) {
            *at++ = '\\';
            *at++ = name[1];
        } else if ((unsigned char)byte < ' ') {
            at += snprintf(at, 7, "\\u%04x", byte);
        } else {
            *at++ = byte;
        }
    }
    *at++ = '"';
    return (size_t)(at - to);
}

/* A text in memory that ends with its padding, so that a sanitizer sees every byte read too far. */
static void check(uint64_t *seed, size_t size, size_t padding, unsigned special_share)
{
    static const char specials[] = "\"\\\n\x01\x1f\x7f \xc3\xa9/";
    char *bytes = malloc(size + padding + 1);
    char *want = malloc(size * 6 + 3);
    char *got = malloc(json_string_room(size));
    assert_true(bytes && want && got);
    memset(bytes + size, '"', padding);
    for (size_t i = 0; i < size; i++) {
        bool is_special = test_random(seed) % 100 < special_share;
        bytes[i] = is_special ? specials[test_random(seed) % (sizeof specials - 1)]
                              : (char)('a' + test_random(seed) % 26);
    }
    char *exact = realloc(bytes, size + padding ? size + padding : 1);
    assert_non_null(exact);
    struct sluice_string string = {exact, size};
    size_t want_size = put_slowly(want, string);
    size_t got_size = (size_t)(json_put_string(got, string, padding > 0) - got);
    assert_int_equal(got_size, want_size);
    assert_memory_equal(got, want, want_size);
    free(exact);
    free(want);
    free(got);
}

static void blocks_write_what_single_bytes_would(void **state)
{
    (void)state;
    uint64_t seed = 5;
    for (size_t size = 0; size < 200; size++) {
        for (unsigned share = 0; share <= 100; share += share < 10 ? 2 : 30) {
            check(&seed, size, 0, share);
            check(&seed, size, SLUICE_PADDING, share);
        }
    }
}

static void every_byte_is_written_as_json_wants_it(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        char text[1] = {(char)byte};
        char want[16];
        char *got = malloc(json_string_room(1));
        assert_non_null(got);
        size_t size = put_slowly(want, (struct sluice_string){text, 1});
        char *end = json_put_string(got, (struct sluice_string){text, 1}, false);
        assert_int_equal(end - got, size);
        assert_memory_equal(got, want, size);
        free(got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_write_what_single_bytes_would),
        cmocka_unit_test(every_byte_is_written_as_json_wants_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
