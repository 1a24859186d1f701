/* SPDX-License-Identifier: Apache-2.0 */
#include "data/data.h"
#include "data/values/calendar.h"
#include "data/values/time_format.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static struct arena *arena;
static struct sluice_error *error;

static int set_up(void **state)
{
    (void)state;
    arena = arena_create();
    error = error_create();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_destroy(arena);
    error_destroy(error);
    return 0;
}

static const struct sluice_time_format *format(const char *text, const char *zone)
{
    const struct sluice_time_format *made = time_format_create(arena, text, zone, error);
    if (!made) {
        fail_msg("%s", error_message(error));
    }
    return made;
}

/* The value as ISO 8601, or "refused". */
static const char *read_as(const struct sluice_time_format *made, const char *text)
{
    static char result[40];
    int64_t value_us;
    if (time_format_parse(made, text, strlen(text), &value_us)) {
        format_timestamp(value_us, result);
    } else {
        snprintf(result, sizeof result, "refused");
    }
    return result;
}

static void iso_8601_is_read_strictly(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"2024-02-29T23:59:59Z", "2024-02-29T23:59:59Z"},
        {"2024-02-29 23:59:59", "2024-02-29T23:59:59Z"},
        {"2024-02-29", "2024-02-29T00:00:00Z"},
        {"2024-02-29T10:20", "2024-02-29T10:20:00Z"},
        {"2024-02-29T10:20+01:00", "2024-02-29T09:20:00Z"},
        {"2024-01-01T00:30:00+02:00", "2023-12-31T22:30:00Z"},
        {"2024-01-01T00:30:00-0530", "2024-01-01T06:00:00Z"},
        {"2024-01-01T00:30:00+02", "2023-12-31T22:30:00Z"},
        {"2024-01-01t00:30:00.5z", "2024-01-01T00:30:00.500Z"},
        {"2024-01-01T00:30:00,123456Z", "2024-01-01T00:30:00.123456Z"},
        {"2024-01-01T00:30:00.123456789Z", "2024-01-01T00:30:00.123456Z"},
        {"1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"},
        {"0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"},
        {"9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"},
        {"-000001-12-31T00:00:00Z", "-000001-12-31T00:00:00Z"},
        {"+012345-12-31T00:00:00Z", "+012345-12-31T00:00:00Z"},
        {"2023-02-29T00:00:00Z", "refused"},
        {"2100-02-29T00:00:00Z", "refused"},
        {"2024-13-01T00:00:00Z", "refused"},
        {"2024-00-01T00:00:00Z", "refused"},
        {"2024-01-00T00:00:00Z", "refused"},
        {"2024-04-31T00:00:00Z", "refused"},
        {"2024-01-01T24:00:00Z", "refused"},
        {"2024-01-01T23:60:00Z", "refused"},
        {"2024-01-01T23:59:60Z", "refused"},
        {"2024-01-01T23:59:59.Z", "refused"},
        {"2024-01-01T23:59:59.1234567890Z", "refused"},
        {"2024-01-01T23:59:59ZZ", "refused"},
        {"2024-01-01T23:59:59 Z", "refused"},
        {"2024-01-01T23:59:59+24:00", "refused"},
        {"2024-01-01T23:59:59+1:00", "refused"},
        {"2024-01-01T", "refused"},
        {"2024-1-1", "refused"},
        {" 2024-01-01", "refused"},
        {"20240101", "refused"},
        {"+999999-01-01T00:00:00Z", "refused"},
        {"2024-01-0\xd9\xa1", "refused"},
        {"", "refused"},
        {"yesterday", "refused"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_string_equal(read_as(time_format_default(), rows[i][0]), rows[i][1]);
    }
    assert_string_equal(read_as(format("iso8601", "+02:00"), "2024-01-01T00:30:00"),
                        "2023-12-31T22:30:00Z");
    assert_string_equal(read_as(format(NULL, "+02:00"), "2024-01-01T00:30:00Z"),
                        "2024-01-01T00:30:00Z");
}

/* Where the parser of the usual shape reads a text, the parser of all shapes reads the same. */
static bool both_agree(const char *text, size_t size)
{
    int64_t fixed = 0;
    int64_t any = 0;
    static struct time_near near; /* of whatever was read before */
    bool is_fixed = time_parse_fixed(text, size, &near, &fixed);
    bool is_any = time_parse_iso8601(time_format_default(), text, size, &any);
    if (is_fixed && (!is_any || fixed != any)) {
        fail_msg("%.*s: %lld against %lld", (int)size, text, (long long)fixed, (long long)any);
    }
    return is_fixed;
}

static void the_usual_shape_is_read_the_same_on_every_day(void **state)
{
    (void)state;
    static const int64_t last_day = 2932896; /* 9999-12-31 */
    for (int64_t day = -719162; day <= last_day; day++) {
        char text[40];
        int64_t value_us = (day * 86400 + (day & 0xffff)) * 1000000 + day % 7 * 1001;
        format_timestamp(value_us, text);
        int64_t read = 0;
        struct time_near near = {.is_known = false};
        assert_true(both_agree(text, strlen(text)));
        assert_true(time_parse_fixed(text, strlen(text), &near, &read));
        assert_int_equal(read, value_us);
    }
}

static void damaged_timestamps_are_read_the_same_or_left(void **state)
{
    (void)state;
    static const char *const seeds[] = {"2024-02-29T23:59:59Z", "1999-12-31 00:00:00.123Z",
                                        "2000-01-31T12:30:45.123456Z"};
    static const char bytes[] = "0123456789-:TZtz .,+/\x80\xb0";
    uint64_t random = 42;
    int read = 0;
    for (int i = 0; i < 600000; i++) {
        char text[32];
        size_t size = strlen(seeds[i % 3]);
        memcpy(text, seeds[i % 3], size);
        for (int changes = i / 3 % 4; changes >= 0; changes--) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            text[(random >> 33) % size] = bytes[(random >> 48) % (sizeof(bytes) - 1)];
        }
        read += both_agree(text, size - (random >> 60 == 0));
    }
    assert_true(read > 30000);
}

static void epochs_are_exact_and_bounded(void **state)
{
    (void)state;
    assert_string_equal(read_as(format("epoch_s", NULL), "1700000000"), "2023-11-14T22:13:20Z");
    assert_string_equal(read_as(format("epoch_s", NULL), "1700000000.123456"),
                        "2023-11-14T22:13:20.123456Z");
    assert_string_equal(read_as(format("epoch_s", NULL), "-0.5"), "1969-12-31T23:59:59.500Z");
    assert_string_equal(read_as(format("epoch_ms", NULL), "1700000000123"),
                        "2023-11-14T22:13:20.123Z");
    assert_string_equal(read_as(format("epoch_us", NULL), "1"), "1970-01-01T00:00:00.000001Z");
    assert_string_equal(read_as(format("epoch_s", NULL), "9223372036855"), "refused");
    assert_string_equal(read_as(format("epoch_us", NULL), "9223372036854775808"), "refused");
    assert_string_equal(read_as(format("epoch_s", NULL), "1e9"), "refused");
    assert_string_equal(read_as(format("epoch_s", NULL), "1."), "refused");
    assert_string_equal(read_as(format("epoch_s", NULL), ""), "refused");
}

static void patterns_are_read(void **state)
{
    (void)state;
    const struct sluice_time_format *apache = format("%d/%b/%Y:%H:%M:%S %z", NULL);
    assert_string_equal(read_as(apache, "10/Oct/2000:13:55:36 -0700"), "2000-10-10T20:55:36Z");
    assert_string_equal(read_as(apache, "10/oct/2000:13:55:36 -0700"), "2000-10-10T20:55:36Z");
    assert_string_equal(read_as(apache, "10/Okt/2000:13:55:36 -0700"), "refused");
    assert_string_equal(read_as(apache, "10/Oct/2000:13:55:36 -0700 "), "refused");
    assert_string_equal(read_as(format("%Y%m%d%H%M%S", NULL), "20240102030405"),
                        "2024-01-02T03:04:05Z");
    assert_string_equal(read_as(format("%F %T.%f", "+01:00"), "2024-01-02 03:04:05.25"),
                        "2024-01-02T02:04:05.250Z");
    assert_string_equal(read_as(format("%m/%d/%Y %%", NULL), "1/2/2024 %"), "2024-01-02T00:00:00Z");
    static const char *const bad[] = {"rfc3339", "%Y-%m", "%Y-%m-%d %Q", "%F %", "", "epoch"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_null(time_format_create(arena, bad[i], NULL, error));
        assert_int_equal(error_status(error), SLUICE_CONFIG);
    }
}

static void local_times_follow_the_zone(void **state)
{
    (void)state;
    const struct sluice_time_format *berlin = format(NULL, "Europe/Berlin");
    assert_string_equal(read_as(berlin, "2024-01-15T12:00:00"), "2024-01-15T11:00:00Z");
    assert_string_equal(read_as(berlin, "2024-07-15T12:00:00"), "2024-07-15T10:00:00Z");
    assert_string_equal(read_as(berlin, "2024-07-15T12:00:00Z"), "2024-07-15T12:00:00Z");
    assert_string_equal(read_as(berlin, "1985-07-15T12:00:00"), "1985-07-15T10:00:00Z");
    assert_string_equal(read_as(berlin, "2500-07-15T12:00:00"), "2500-07-15T10:00:00Z");
    /* Clocks went forward at 02:00 and back at 03:00. */
    assert_string_equal(read_as(berlin, "2024-03-31T01:59:59"), "2024-03-31T00:59:59Z");
    assert_string_equal(read_as(berlin, "2024-03-31T02:00:00"), "refused");
    assert_string_equal(read_as(berlin, "2024-03-31T02:59:59"), "refused");
    assert_string_equal(read_as(berlin, "2024-03-31T03:00:00"), "2024-03-31T01:00:00Z");
    assert_string_equal(read_as(berlin, "2024-10-27T01:59:59"), "2024-10-26T23:59:59Z");
    assert_string_equal(read_as(berlin, "2024-10-27T02:30:00"), "2024-10-27T00:30:00Z");
    assert_string_equal(read_as(berlin, "2024-10-27T03:00:00"), "2024-10-27T02:00:00Z");
    /* The same by the table, before the rule holds. */
    assert_string_equal(read_as(berlin, "1985-03-31T02:30:00"), "refused");
    /* South of the equator, and half an hour. */
    const struct sluice_time_format *howe = format(NULL, "Australia/Lord_Howe");
    assert_string_equal(read_as(howe, "2024-01-15T12:00:00"), "2024-01-15T01:00:00Z");
    assert_string_equal(read_as(howe, "2024-07-15T12:00:00"), "2024-07-15T01:30:00Z");
    assert_string_equal(read_as(howe, "2024-10-06T02:15:00"), "refused");
    assert_string_equal(read_as(howe, "2024-04-07T01:45:00"), "2024-04-06T14:45:00Z");
    /* A whole day left out. */
    assert_string_equal(read_as(format(NULL, "Pacific/Apia"), "2011-12-30T12:00:00"), "refused");
    assert_string_equal(read_as(format(NULL, "Asia/Kolkata"), "2024-01-15T12:00:00"),
                        "2024-01-15T06:30:00Z");
    /* No summer time since 1950; negative summer time; a rule with hours beyond the day. */
    assert_string_equal(read_as(format(NULL, "Europe/Dublin"), "2030-07-01T12:00:00"),
                        "2030-07-01T11:00:00Z");
    assert_string_equal(read_as(format(NULL, "Europe/Dublin"), "2030-01-01T12:00:00"),
                        "2030-01-01T12:00:00Z");
    assert_string_equal(read_as(format(NULL, "America/Nuuk"), "2030-07-01T12:00:00"),
                        "2030-07-01T13:00:00Z");
}

/* Against the C library, hour by hour over years of table and of rule. */
static void zones_agree_with_the_c_library(void **state)
{
    (void)state;
    static const char *const zones[] = {"Europe/Berlin",       "America/New_York",
                                        "Australia/Lord_Howe", "America/Sao_Paulo",
                                        "Europe/Dublin",       "Africa/Casablanca"};
    for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
        const struct sluice_time_format *zone = format(NULL, zones[i]);
        setenv("TZ", zones[i], 1);
        tzset();
        for (time_t utc = 500000007; utc < 2500000000; utc += 3600 * 7 + 13) {
            struct tm local;
            localtime_r(&utc, &local);
            char text[64];
            strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &local);
            int64_t us = 0;
            bool is_read = time_format_parse(zone, text, strlen(text), &us);
            /* Of two times with the same text ours is the earlier. */
            time_t got = (time_t)(us / 1000000);
            struct tm other;
            localtime_r(&got, &other);
            char again[64];
            strftime(again, sizeof(again), "%Y-%m-%dT%H:%M:%S", &other);
            if (!is_read || got > utc || strcmp(text, again) != 0) {
                fail_msg("%s: %s gave %lld, not %lld", zones[i], text, (long long)got,
                         (long long)utc);
            }
        }
    }
    unsetenv("TZ");
    tzset();
}

static void zone_names_lead_nowhere_else(void **state)
{
    (void)state;
    static const char *const bad[] = {"Europe/Berlinn",
                                      "../../../etc/passwd",
                                      "/etc/localtime",
                                      "Europe/../Europe/Berlin",
                                      "./UTC",
                                      "Europe//Berlin",
                                      "Europe/",
                                      "",
                                      "+25:00",
                                      "+1:00",
                                      "zone.tab",
                                      "Europe",
                                      "right/Europe/Berlin",
                                      "a b",
                                      "\xff"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (time_format_create(arena, NULL, bad[i], error)) {
            fail_msg("taken: %s", bad[i]);
        }
        assert_int_equal(error_status(error), SLUICE_CONFIG);
        assert_null(error_field(error, SLUICE_AT_OBJECT));
    }
}

static void times_are_printed_in_utc(void **state)
{
    (void)state;
    struct text text = {0};
    assert_true(time_print("dt=%Y-%m-%d/%H:%M:%S %j %F %T %s %%", 1709251199500000, &text));
    assert_string_equal(text_get(&text),
                        "dt=2024-02-29/23:59:59 060 2024-02-29 23:59:59 1709251199 %");
    text_clear(&text);
    assert_true(time_print("%s", -1, &text));
    assert_string_equal(text_get(&text), "-1");
    assert_false(time_print("%Q", 0, &text));
    assert_false(time_print("%", 0, &text));
    text_reset(&text);
    char plain[40];
    format_timestamp(INT64_MIN, plain);
    assert_string_equal(plain, "-290308-12-21T19:59:05.224192Z");
    format_timestamp(INT64_MAX, plain);
    assert_string_equal(plain, "+294247-01-10T04:00:54.775807Z");
    assert_string_equal(read_as(time_format_default(), plain), plain);
}

/* The calendar by multiplications against the one by divisions, and the text against printf's. */
static void every_day_of_ten_thousand_years_is_printed_as_the_slow_calendar_says(void **state)
{
    (void)state;
    for (int64_t days = first_common_day - 1; days <= last_common_day + 1; days++) {
        int64_t value_us = (days * seconds_per_day + (days * 7919 % seconds_per_day)) * 1000000 +
                           (days % 3 ? days * 104729 % 1000 * (days % 2 ? 1000 : 1) : 0);
        struct civil_time civil;
        int64_t year;
        int month;
        int day;
        civil_of_us(value_us, &civil);
        date_of_days(floor_divide(floor_divide(value_us, us_per_second), seconds_per_day), &year,
                     &month, &day);
        assert_true(civil.year == year && civil.month == month && civil.day == day);
        if (days % 97 != 0 || year < 0 || year > 9999) {
            continue;
        }
        char want[80];
        char got[40];
        int size = snprintf(want, sizeof want, "%04d-%02d-%02dT%02d:%02d:%02d", (int)year, month,
                            day, civil.hour, civil.minute, civil.second);
        int fraction = (int)floor_rest(value_us, us_per_second);
        bool is_short = fraction % 1000 == 0;
        if (fraction != 0) {
            size += snprintf(want + size, 20, is_short ? ".%03d" : ".%06d",
                             is_short ? fraction / 1000 : fraction);
        }
        memcpy(want + size, "Z", 2);
        assert_int_equal(format_timestamp(value_us, got), size + 1);
        assert_string_equal(got, want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(iso_8601_is_read_strictly),
        cmocka_unit_test(the_usual_shape_is_read_the_same_on_every_day),
        cmocka_unit_test(damaged_timestamps_are_read_the_same_or_left),
        cmocka_unit_test(epochs_are_exact_and_bounded),
        cmocka_unit_test(patterns_are_read),
        cmocka_unit_test(local_times_follow_the_zone),
        cmocka_unit_test(zones_agree_with_the_c_library),
        cmocka_unit_test(zone_names_lead_nowhere_else),
        cmocka_unit_test(times_are_printed_in_utc),
        cmocka_unit_test(every_day_of_ten_thousand_years_is_printed_as_the_slow_calendar_says),
    };
    return cmocka_run_group_tests_name("time", tests, set_up, tear_down);
}
