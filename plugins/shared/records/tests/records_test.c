/* SPDX-License-Identifier: Apache-2.0 */
/* Lines, base64, numbers and texts to values. */
#include "records/base64.h"
#include "records/lines.h"
#include "records/text_value.h"
#include "records/value_text.h"
#include "test_host/test_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void base64_is_what_the_rfc_says(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < 7; i++) {
        char text[16];
        char bytes[16];
        size_t size = strlen(pairs[i][0]);
        base64_encode(pairs[i][0], size, text);
        assert_int_equal(base64_encoded_size(size), strlen(pairs[i][1]));
        assert_memory_equal(text, pairs[i][1], strlen(pairs[i][1]));
        assert_true(base64_decode(pairs[i][1], strlen(pairs[i][1]), bytes, &size));
        assert_int_equal(size, strlen(pairs[i][0]));
        assert_memory_equal(bytes, pairs[i][0], size);
    }
}

static void base64_that_is_not_strict_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "Z", "Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zg==Zg==", "Zm9 ", "Zm_v"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char bytes[16];
        size_t size;
        assert_false(base64_decode(texts[i], strlen(texts[i]), bytes, &size));
    }
}

static void integers_are_exact_up_to_their_limits(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum integer_answer answer;
        int64_t value;
    } cases[] = {
        {"0", INTEGER_OK, 0},
        {"-0", INTEGER_OK, 0},
        {"+5", INTEGER_OK, 5},
        {"007", INTEGER_OK, 7},
        {"9007199254740993", INTEGER_OK, 9007199254740993},
        {"9223372036854775807", INTEGER_OK, INT64_MAX},
        {"-9223372036854775808", INTEGER_OK, INT64_MIN},
        {"9223372036854775808", INTEGER_RANGE, 0},
        {"-9223372036854775809", INTEGER_RANGE, 0},
        {"99999999999999999999999999999999999999999", INTEGER_RANGE, 0},
        {"99999999999999999999999999999999999999999x", INTEGER_NOT, 0},
        {"", INTEGER_NOT, 0},
        {"-", INTEGER_NOT, 0},
        {"1.0", INTEGER_NOT, 0},
        {" 1", INTEGER_NOT, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t value = 0;
        assert_int_equal(text_to_int64(cases[i].text, strlen(cases[i].text), &value),
                         cases[i].answer);
        assert_true(value == cases[i].value);
    }
    static const int64_t values[] = {0, -1, 10, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < 5; i++) {
        char text[24];
        int64_t back;
        size_t size = int64_to_text(values[i], text);
        assert_int_equal(text_to_int64(text, size, &back), INTEGER_OK);
        assert_true(back == values[i]);
    }
}

static void texts_become_values_of_their_type_or_say_why_not(void **state)
{
    (void)state;
    struct test_host *test = test_host_create();
    const struct sluice_schema *schema =
        test_schema(test, "f:float64", "b:bool", "t:timestamp", "r:binary", NULL);
    static const struct {
        size_t field;
        const char *text;
        enum sluice_code code;
    } cases[] = {
        {0, "1.5", SLUICE_CODE_NONE},
        {0, "-2E-3", SLUICE_CODE_NONE},
        {0, "1e400", SLUICE_CODE_NUMBER_RANGE},
        {0, "nan", SLUICE_CODE_TYPE_MISMATCH},
        {0, "0x1p3", SLUICE_CODE_TYPE_MISMATCH},
        {0, "1,5", SLUICE_CODE_TYPE_MISMATCH},
        {0, "1.5 ", SLUICE_CODE_TYPE_MISMATCH},
        {0, "", SLUICE_CODE_TYPE_MISMATCH},
        {1, "true", SLUICE_CODE_NONE},
        {1, "TRUE", SLUICE_CODE_TYPE_MISMATCH},
        {2, "2026-01-02T03:04:05Z", SLUICE_CODE_NONE},
        {2, "now", SLUICE_CODE_TIMESTAMP_INVALID},
        {3, "AA==", SLUICE_CODE_NONE},
        {3, "AA", SLUICE_CODE_TYPE_MISMATCH},
    };
    struct text_reader reader;
    assert_int_equal(text_reader_init(&reader, &test->host, test->error), SLUICE_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct value value;
        enum sluice_status status =
            text_to_value(&reader, sluice_schema_field(schema, cases[i].field), cases[i].text,
                          strlen(cases[i].text), &value, test->error);
        assert_int_equal(status, cases[i].code ? SLUICE_REJECT : SLUICE_OK);
        assert_int_equal(cases[i].code ? error_code(test->error) : SLUICE_CODE_NONE, cases[i].code);
    }
    text_reader_reset(&reader);
    test_host_destroy(test);
}

static void lines_are_the_same_whatever_the_pieces(void **state)
{
    (void)state;
    static const char text[] = "\xef\xbb\xbfone\r\n\n \ntwo\rstill\nmuch too long a line\r\nend\r";
    static const char *const want[] = {"one", "two\rstill", "!", "end"};
    static const int64_t want_lines[] = {1, 4, 5, 6};
    for (size_t step = 1; step < sizeof text; step++) {
        struct lines lines;
        lines_begin(&lines, 12);
        size_t at = 0;
        size_t found = 0;
        for (size_t given = step; found < 4; given += step) {
            bool is_last = given >= sizeof text - 1;
            size_t size = is_last ? sizeof text - 1 : given;
            struct sluice_string line;
            enum lines_answer answer;
            while ((answer = lines_next(&lines, text, size, is_last, &at, &line)) != LINES_MORE) {
                assert_true(found < 4);
                assert_int_equal(lines.line, want_lines[found]);
                if (answer == LINES_TOO_LONG) {
                    assert_string_equal(want[found], "!");
                } else {
                    assert_int_equal(line.size, strlen(want[found]));
                    assert_memory_equal(line.bytes, want[found], line.size);
                }
                found++;
            }
            assert_true(!is_last || found == 4);
        }
        assert_int_equal(at, sizeof text - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_is_what_the_rfc_says),
        cmocka_unit_test(base64_that_is_not_strict_is_refused),
        cmocka_unit_test(integers_are_exact_up_to_their_limits),
        cmocka_unit_test(texts_become_values_of_their_type_or_say_why_not),
        cmocka_unit_test(lines_are_the_same_whatever_the_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
