/* SPDX-License-Identifier: Apache-2.0 */
#include "data/data.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A small generator, the same numbers on every machine. */
static uint64_t next_random(uint64_t *seed)
{
    *seed += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t word = (*seed ^ (*seed >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    word = (word ^ (word >> 27)) * UINT64_C(0x94D049BB133111EB);
    return word ^ (word >> 31);
}

static void integers_are_written_exactly(void **state)
{
    (void)state;
    static const int64_t values[] = {0,  1,   -1,   9,         10,        99,       100,
                                     -7, 101, 1000, INT32_MAX, INT64_MAX, INT64_MIN};
    char text[24];
    char wanted[32];
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        snprintf(wanted, sizeof(wanted), "%lld", (long long)values[i]);
        assert_int_equal(format_int64(values[i], text), strlen(wanted));
        assert_string_equal(text, wanted);
    }
}

static void known_doubles_have_their_shortest_text(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } rows[] = {
        {0, "0"},
        {-0.0, "-0"},
        {1, "1"},
        {-42, "-42"},
        {0.1, "0.1"},
        {-0.5, "-0.5"},
        {1.0 / 3, "0.3333333333333333"},
        {2.0 / 3, "0.6666666666666666"},
        {12.25, "12.25"},
        {1e15, "1e+15"},
        {123456789012345, "123456789012345"},
        {9007199254740993.0, "9007199254740992"},
        {0.0001, "0.0001"},
        {0.00001, "1e-05"},
        {1234.000001, "1234.000001"},
        {0.000123, "0.000123"},
        {1e22, "1e+22"},
        {5e-324, "5e-324"},
        {1e-310, "1e-310"},
        {DBL_MAX, "1.7976931348623157e+308"},
        {NAN, "NaN"},
        {INFINITY, "Infinity"},
        {-INFINITY, "-Infinity"},
    };
    char text[32];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(format_float64(rows[i].value, text), strlen(rows[i].text));
        assert_string_equal(text, rows[i].text);
    }
}

/* Significant digits of a number's text. */
static size_t count_digits(const char *text)
{
    size_t count = 0;
    size_t zeros = 0;
    for (; *text != '\0' && *text != 'e'; text++) {
        if (*text == '0') {
            zeros += count > 0;
        } else if (*text >= '1' && *text <= '9') {
            count += zeros + 1;
            zeros = 0;
        }
    }
    return count;
}

static void check_round_trip(double value)
{
    char text[32];
    char shorter[64];
    size_t size = format_float64(value, text);
    double back;
    if (size != strlen(text) || !parse_float64(text, size, &back) || back != value) {
        fail_msg("%a became %s", value, text);
    }
    for (int precision = 14; precision <= 16; precision++) {
        snprintf(shorter, sizeof(shorter), "%.*g", precision, value);
        if (strtod(shorter, NULL) == value && count_digits(text) > count_digits(shorter)) {
            fail_msg("%s is longer than %s", text, shorter);
        }
    }
}

static void random_doubles_come_back_from_their_text(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (int i = 0; i < 200000; i++) {
        uint64_t word = next_random(&seed);
        double value;
        memcpy(&value, &word, sizeof(value));
        if (isfinite(value)) {
            check_round_trip(value);
        }
        int64_t whole = (int64_t)(next_random(&seed) % 2000000000) - 1000000000;
        check_round_trip((double)whole / (double)(1 + next_random(&seed) % 1000));
        check_round_trip((double)whole / 1000);
        check_round_trip((double)whole);
    }
}

static void utf8_is_told_from_everything_else(void **state)
{
    (void)state;
    static const char *const good[] = {"",
                                       "plain",
                                       "\x7f",
                                       "\xc2\x80",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xef\xbf\xbf",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf",
                                       "S\xc3\xa3o Paulo, \xe6\x9d\xb1\xe4\xba\xac"};
    static const char *const bad[] = {
        "\x80",             /* a continuation alone */
        "\xbf",             /* the same */
        "\xc3",             /* cut off */
        "\xe6\x9d",         /* cut off */
        "\xf0\x90\x80",     /* cut off */
        "\xc0\x80",         /* overlong NUL */
        "\xc1\xbf",         /* overlong */
        "\xe0\x9f\xbf",     /* overlong */
        "\xf0\x8f\xbf\xbf", /* overlong */
        "\xed\xa0\x80",     /* surrogate */
        "\xed\xbf\xbf",     /* surrogate */
        "\xf4\x90\x80\x80", /* above U+10FFFF */
        "\xf5\x80\x80\x80", /* the same */
        "\xf8\x88\x80\x80\x80",
        "\xff",
        "\xfe",
        "\xc3\x28",         /* second byte wrong */
        "\xe2\x28\xa1",     /* second byte wrong */
        "\xe2\x82\x28",     /* third byte wrong */
        "\xf0\x90\x80\x28", /* fourth byte wrong */
        "\xf0\x28\x8c\xbc",
    };
    char long_text[200];
    for (size_t pad = 0; pad < 70; pad++) { /* at every place of the fast path's steps */
        memset(long_text, 'a', sizeof(long_text));
        for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
            size_t size = strlen(good[i]);
            memcpy(long_text + pad, good[i], size);
            assert_true(is_utf8(long_text, pad + size));
            memset(long_text + pad, 'a', size);
        }
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
            size_t size = strlen(bad[i]);
            memcpy(long_text + pad, bad[i], size);
            assert_false(is_utf8(long_text, pad + size));
            assert_false(is_utf8(long_text, sizeof(long_text)));
            memset(long_text + pad, 'a', size);
        }
    }
    assert_true(is_utf8("a\0b", 3));
    assert_true(is_utf8(NULL, 0));
}

static void values_of_a_column_are_plain_text(void **state)
{
    (void)state;
    const int64_t numbers[] = {-5, 0};
    const uint8_t bits[] = {1};
    struct sluice_column column = {
        .type = SLUICE_TYPE_INT64, .length = 2, .values = numbers, .validity = bits};
    struct text text = {0};
    format_value(&column, 0, &text);
    format_value(&column, 1, &text); /* null: nothing */
    column.type = SLUICE_TYPE_TIMESTAMP;
    format_value(&column, 0, &text);
    column.type = SLUICE_TYPE_BOOL;
    column.values = bits;
    format_value(&column, 0, &text);
    assert_string_equal(text_get(&text), "-51969-12-31T23:59:59.999995Ztrue");
    text_reset(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_written_exactly),
        cmocka_unit_test(known_doubles_have_their_shortest_text),
        cmocka_unit_test(random_doubles_come_back_from_their_text),
        cmocka_unit_test(utf8_is_told_from_everything_else),
        cmocka_unit_test(values_of_a_column_are_plain_text),
    };
    return cmocka_run_group_tests_name("values", tests, NULL, NULL);
}
