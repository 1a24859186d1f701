/* SPDX-License-Identifier: Apache-2.0 */
/* Files of random values, good ones and bad ones, through the fast lane of lines of one shape and
 * without it. */
#include "both_modes.h"
#include "json_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { LINES = 400, LINE_LIMIT = 512, FIELDS = 8 };

static const struct json_options options = {.max_record_bytes = 2000};
static const struct sluice_codec_choice json = {"json", &json_codec, &options};

static const char *const names[FIELDS] = {"id", "time", "n", "f", "ok", "note", "raw", "rest"};
/* By field: two of one shape, one of another, and one that may not do. */
static const char *const values[FIELDS][4] = {
    {"\"u1\"", "\"a longer one: \xc3\x85rhus, of some forty bytes\"", "\"\\u00e9\"", "null"},
    {"\"2026-01-02T03:04:05Z\"", "\"2026-01-02T03:04:05.678Z\"", "\"2026-01-02 03:04\"", "17"},
    {"17", "-9000000000", "null", "\"1\""},
    {"2.5", "-1e300", "17", "1e999"},
    {"true", "false", "null", "\"true\""},
    {"\"with, comma\"", "\"\"", "null", "\"\xff\""},
    {"\"AAEC\"", "\"QQ==\"", "null", "\"no base64!\""},
    {"\"end\"", "\"\xe5\xa4\xa7\xe9\x98\xaa\"", "null", "\"twice\",\"id\":\"u2\""},
};

static struct sluice_string make_line(char *line, uint64_t *random, uint32_t bad)
{
    int size = snprintf(line, LINE_LIMIT, "{");
    uint32_t left_out = test_random(random) % bad == 0 ? test_random(random) % FIELDS : FIELDS;
    for (uint32_t i = 0; i < FIELDS; i++) {
        uint32_t chosen = test_random(random) % bad == 0 ? test_random(random) % 4
                                                         : test_random(random) % 2;
        if (i != left_out) {
            size += snprintf(line + size, (size_t)(LINE_LIMIT - size), "%s\"%s\":%s",
                             size > 1 ? "," : "", names[i], values[i][chosen]);
        }
    }
    size += snprintf(line + size, (size_t)(LINE_LIMIT - size), "}");
    return (struct sluice_string){line, (size_t)size};
}

static void files_and_messages_give_the_same(void **state)
{
    (void)state;
    static char bytes[LINES][LINE_LIMIT];
    struct sluice_string lines[LINES];
    uint64_t random = 6;
    int64_t rows = 0;
    for (int round = 0; round < 60; round++) {
        struct test_host *test = test_host_create();
        uint32_t bad = round % 3 == 0 ? 20 : round % 3 == 1 ? 300 : 100000;
        test->input_schema = both_modes_schema(test);
        for (int i = 0; i < LINES; i++) {
            lines[i] = make_line(bytes[i], &random, bad);
        }
        rows += check_both_modes(test, &json, test->input_schema, lines, LINES);
        check_both_modes(test, &json, both_modes_kept(test, test->input_schema), lines, LINES);
        test_host_destroy(test);
    }
    assert_true(rows > LINES * 60 / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(files_and_messages_give_the_same)};
    return cmocka_run_group_tests_name("both_modes", tests, NULL, NULL);
}
