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

/* "123Z" */
static inline bool take_ms(const char *bytes, int *us)
{
    uint32_t word;
    uint32_t zeros;
    memcpy(&word, bytes, sizeof word);
    memcpy(&zeros, "000Z", sizeof zeros);
    uint32_t values = word ^ zeros;
    *us = (int)((values & 0xff) * 100000 + (values >> 8 & 0xff) * 10000 + (values >> 16) * 1000);
    return (((values + UINT32_C(0x7f767676)) | values) & UINT32_C(0x80808080)) == 0;
}

/* ".123456Z" */
static inline bool take_us(const char *bytes, int *us)
{
    uint64_t values;
    bool is_right = take_word(bytes, ".000000Z", UINT64_C(0x7f7676767676767f), &values);
    uint64_t joined = join_pairs(values);
    *us = pair_at(joined, 1) * 10000 + pair_at(joined, 3) * 100 + pair_at(joined, 5);
    return is_right;
}

static inline bool take_fraction(const char *bytes, size_t size, int *us)
{
    *us = 0;
    if (size == WITH_MS) {
        return bytes[19] == '.' && take_ms(bytes + 20, us);
    }
    return size == WHOLE_SECONDS ? bytes[19] == 'Z' : size == WITH_US && take_us(bytes + 19, us);
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

/* "2026-01-31" to days since 1970. */
static bool take_date(const char *bytes, int32_t *days)
{
    uint64_t date;
    int tens;
    int ones;
    if (!take_word(bytes, "0000-00-", UINT64_C(0x7f76767f76767676), &date) ||
        !take_digit(bytes[8], &tens) || !take_digit(bytes[9], &ones)) {
        return false;
    }
    date = join_pairs(date);
    int year = pair_at(date, 0) * 100 + pair_at(date, 2);
    int month = pair_at(date, 5);
    int day = tens * 10 + ones;
    if (year < 1 || month < 1 || month > 12 || day < 1 ||
        (day > 28 && day > days_in_month(year, month))) {
        return false;
    }
    *days = days_of_near_date(year, month, day);
    return true;
}

/* Events that come together are mostly of one day. */
static inline bool take_date_near(const char *bytes, struct time_near *near)
{
    uint64_t first = load_word(bytes);
    uint16_t last;
    memcpy(&last, bytes + sizeof first, sizeof last);
    if (near->is_known && first == near->first && last == near->last) {
        return true;
    }
    near->is_known = take_date(bytes, &near->days);
    near->first = first;
    near->last = last;
    return near->is_known;
}

bool time_parse_fixed(const char *bytes, size_t size, struct time_near *near, int64_t *value_us)
{
    uint64_t time;
    int us;
    if (size < WHOLE_SECONDS || !take_date_near(bytes, near) ||
        (bytes[10] != 'T' && bytes[10] != ' ') ||
        !take_word(bytes + 11, "00:00:00", UINT64_C(0x76767f76767f7676), &time) ||
        !take_fraction(bytes, size, &us)) {
        return false;
    }
    time = join_pairs(time);
    int hour = pair_at(time, 0);
    int minute = pair_at(time, 3);
    int second = pair_at(time, 6);
    if (hour > 23 || minute > 59 || second > 59) {
        return false;
    }
    int64_t seconds =
        (int64_t)near->days * seconds_per_day + hour * 3600 + minute * 60 + second;
    *value_us = seconds * us_per_second + us;
    return true;
}
