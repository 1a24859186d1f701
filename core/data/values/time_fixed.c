/* SPDX-License-Identifier: Apache-2.0 */
/* The one shape that most timestamps have, eight bytes at a time:
 *
 *     2026-01-31T23:59:59[.mmm|.uuuuuu]Z
 *
 * What does not have it is left to the parser of all shapes, which must agree where both read. */
#include <string.h>

#include "data/values/calendar.h"
#include "data/values/time_format.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first byte is the lowest here");

enum { WHOLE_SECONDS = 20, WITH_MS = 24, WITH_US = 27 };

static const uint64_t high_bits = UINT64_C(0x8080808080808080);

static inline uint64_t load_word(const char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* Turns digits into their values. `zeros` is the text with all digits 0; `beyond` says what to add
 * to a byte so that its high bit tells a wrong one: 0x76 to a digit, 0x7f to anything else. */
static inline bool take_word(const char *bytes, const char zeros[8], uint64_t beyond,
                             uint64_t *values)
{
    *values = load_word(bytes) ^ load_word(zeros);
    return (((*values + beyond) | *values) & high_bits) == 0;
}

/* Byte i becomes ten times itself and byte i + 1. */
static inline uint64_t join_pairs(uint64_t values)
{
    return values * 10 + (values >> 8);
}

static inline int pair_at(uint64_t joined, int byte)
{
    return (int)(joined >> (byte * 8) & 0xff);
}

static inline bool take_digit(char byte, int *value)
{
    *value = (unsigned char)byte - '0';
    return (unsigned)*value <= 9;
}

static bool take_short_fraction(const char *bytes, int digits, int *us)
{
    *us = 0;
    for (int i = 0; i < digits; i++) {
        int digit;
        if (!take_digit(bytes[i], &digit)) {
            return false;
        }
        *us = *us * 10 + digit;
    }
    *us *= digits == 3 ? 1000 : 1;
    return true;
}

static bool take_fraction(const char *bytes, size_t size, int *us)
{
    *us = 0;
    if (size == WHOLE_SECONDS) {
        return bytes[19] == 'Z';
    }
    return (size == WITH_MS || size == WITH_US) && bytes[19] == '.' && bytes[size - 1] == 'Z' &&
           take_short_fraction(bytes + 20, (int)size - 21, us);
}

/* As days_of_date() (calendar.h), for the years 1 to 9999 without 64-bit divisions. */
static int32_t days_of_near_date(int year, int month, int day)
{
    static const int16_t before[] = {306, 337, 0,   31,  61,  92,
                                     122, 153, 184, 214, 245, 275}; /* days since March 1st */
    unsigned march_year = (unsigned)(year - (month <= 2));
    unsigned leap_days = march_year / 4 - march_year / 100 + march_year / 400;
    return (int32_t)(march_year * 365 + leap_days) + before[month - 1] + day - 1 - 719468;
}

bool time_parse_fixed(const char *bytes, size_t size, int64_t *value_us)
{
    uint64_t date;
    uint64_t time;
    int tens;
    int ones;
    int us;
    if (size < WHOLE_SECONDS ||
        !take_word(bytes, "0000-00-", UINT64_C(0x7f76767f76767676), &date) ||
        !take_digit(bytes[8], &tens) || !take_digit(bytes[9], &ones) ||
        (bytes[10] != 'T' && bytes[10] != ' ') ||
        !take_word(bytes + 11, "00:00:00", UINT64_C(0x76767f76767f7676), &time) ||
        !take_fraction(bytes, size, &us)) {
        return false;
    }
    date = join_pairs(date);
    time = join_pairs(time);
    int year = pair_at(date, 0) * 100 + pair_at(date, 2);
    int month = pair_at(date, 5);
    int day = tens * 10 + ones;
    int hour = pair_at(time, 0);
    int minute = pair_at(time, 3);
    int second = pair_at(time, 6);
    if (year < 1 || month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59 ||
        (day > 28 && day > days_in_month(year, month))) {
        return false;
    }
    int64_t seconds = (int64_t)days_of_near_date(year, month, day) * seconds_per_day + hour * 3600 +
                      minute * 60 + second;
    *value_us = seconds * us_per_second + us;
    return true;
}
