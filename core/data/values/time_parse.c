/* SPDX-License-Identifier: Apache-2.0 */
/* Date texts to microseconds since 1970 UTC: ISO 8601, and patterns. Strict: what does not fit
 * exactly is refused. */
#include <string.h>

#include "data/values/calendar.h"
#include "data/values/time_format.h"

struct scan {
    const char *at;
    const char *end;
    struct civil_time civil;
    bool has_offset;
    int32_t offset;
};

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* Exactly `width` digits. */
static bool take_digits(struct scan *scan, int width, int *number)
{
    if (scan->end - scan->at < width) {
        return false;
    }
    *number = 0;
    for (int i = 0; i < width; i++) {
        if (!is_digit(scan->at[i])) {
            return false;
        }
        *number = *number * 10 + (scan->at[i] - '0');
    }
    scan->at += width;
    return true;
}

/* The frequent case of it. */
static inline bool take_two(struct scan *scan, int *number)
{
    if (scan->end - scan->at < 2) {
        return false;
    }
    unsigned tens = (unsigned char)scan->at[0] - (unsigned)'0';
    unsigned ones = (unsigned char)scan->at[1] - (unsigned)'0';
    *number = (int)(tens * 10 + ones);
    scan->at += 2;
    return tens <= 9 && ones <= 9;
}

static inline bool take_char(struct scan *scan, char wanted)
{
    if (scan->at < scan->end && *scan->at == wanted) {
        scan->at++;
        return true;
    }
    return false;
}

/* One to nine digits; those finer than a microsecond are cut off. */
static bool take_fraction(struct scan *scan)
{
    int us = 0;
    int count = 0;
    for (; scan->at < scan->end && is_digit(*scan->at) && count < 9; count++, scan->at++) {
        us = count < 6 ? us * 10 + (*scan->at - '0') : us;
    }
    for (int i = count; i < 6; i++) {
        us *= 10;
    }
    scan->civil.microsecond = us;
    return count > 0 && !(scan->at < scan->end && is_digit(*scan->at));
}

/* Z, ±HH:MM, ±HHMM or ±HH. */
static bool take_offset(struct scan *scan)
{
    scan->has_offset = true;
    scan->offset = 0;
    if (take_char(scan, 'Z') || take_char(scan, 'z')) {
        return true;
    }
    bool is_west = take_char(scan, '-');
    int hours;
    int minutes = 0;
    if ((!is_west && !take_char(scan, '+')) || !take_digits(scan, 2, &hours)) {
        return false;
    }
    bool has_colon = take_char(scan, ':');
    if ((has_colon || (scan->at < scan->end && is_digit(*scan->at))) &&
        !take_digits(scan, 2, &minutes)) {
        return false;
    }
    scan->offset = (hours * 60 + minutes) * (is_west ? -60 : 60);
    return hours <= 23 && minutes <= 59;
}

/* The whole text must be used up. */
static bool finish(const struct scan *scan, const struct time_zone *zone, int64_t *value_us)
{
    const struct civil_time *civil = &scan->civil;
    if (scan->at != scan->end || civil->month < 1 || civil->month > 12 || civil->day < 1 ||
        civil->day > days_in_month(civil->year, civil->month) || civil->hour > 23 ||
        civil->minute > 59 || civil->second > 59) {
        return false;
    }
    int64_t seconds = days_of_date(civil->year, civil->month, civil->day) * seconds_per_day +
                      civil->hour * 3600 + civil->minute * 60 + civil->second;
    if (scan->has_offset) {
        seconds -= scan->offset;
    } else if (zone && !time_zone_to_utc(zone, seconds, &seconds)) {
        return false;
    }
    int64_t us;
    if (__builtin_mul_overflow(seconds, us_per_second, &us) ||
        __builtin_add_overflow(us, civil->microsecond, &us)) {
        return false;
    }
    *value_us = us;
    return true;
}

/* ---- ISO 8601 ---- */

/* Four digits, or a sign and six, as format_timestamp writes far years. */
static bool take_year(struct scan *scan)
{
    int year;
    bool is_negative = take_char(scan, '-');
    if (is_negative || take_char(scan, '+')) {
        if (!take_digits(scan, 6, &year)) {
            return false;
        }
    } else if (!take_digits(scan, 4, &year)) {
        return false;
    }
    scan->civil.year = is_negative ? -year : year;
    return true;
}

/* HH:MM[:SS[.fraction]] [offset] */
static bool take_time_of_day(struct scan *scan)
{
    if (!take_two(scan, &scan->civil.hour) || !take_char(scan, ':') ||
        !take_two(scan, &scan->civil.minute)) {
        return false;
    }
    if (take_char(scan, ':')) {
        if (!take_two(scan, &scan->civil.second) ||
            ((take_char(scan, '.') || take_char(scan, ',')) && !take_fraction(scan))) {
            return false;
        }
    }
    return scan->at == scan->end || take_offset(scan);
}

bool time_parse_iso8601(const struct sluice_time_format *format, const char *bytes, size_t size,
                        int64_t *value_us)
{
    struct scan scan = {.at = bytes, .end = bytes + size};
    if (!take_year(&scan) || !take_char(&scan, '-') || !take_two(&scan, &scan.civil.month) ||
        !take_char(&scan, '-') || !take_two(&scan, &scan.civil.day)) {
        return false;
    }
    if (scan.at < scan.end) {
        if ((!take_char(&scan, 'T') && !take_char(&scan, ' ') && !take_char(&scan, 't')) ||
            !take_time_of_day(&scan)) {
            return false;
        }
    }
    return finish(&scan, format->zone, value_us);
}

/* ---- patterns ---- */

const char *time_pattern_fault(const char *pattern)
{
    bool has_year = false;
    bool has_month = false;
    bool has_day = false;
    for (const char *at = pattern; *at != '\0'; at++) {
        if (*at != '%') {
            continue;
        }
        at++;
        if (*at == '\0' || !strchr("YmdHMSfzbTF%", *at)) {
            return "it has a conversion other than %Y %m %d %H %M %S %f %z %b %T %F %%";
        }
        has_year |= *at == 'Y' || *at == 'F';
        has_month |= *at == 'm' || *at == 'b' || *at == 'F';
        has_day |= *at == 'd' || *at == 'F';
    }
    return has_year && has_month && has_day ? NULL : "it lacks year, month or day";
}

/* English short names, in any case. */
static bool take_month_name(struct scan *scan)
{
    static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    if (scan->end - scan->at < 3) {
        return false;
    }
    for (int month = 0; month < 12; month++) {
        const char *name = names + month * 3;
        if ((scan->at[0] | 0x20) == name[0] && (scan->at[1] | 0x20) == name[1] &&
            (scan->at[2] | 0x20) == name[2]) {
            scan->civil.month = month + 1;
            scan->at += 3;
            return true;
        }
    }
    return false;
}

/* One or two digits. */
static bool take_short(struct scan *scan, int *number)
{
    return take_digits(scan, 2, number) || take_digits(scan, 1, number);
}

static bool take_conversion(struct scan *scan, char conversion)
{
    struct civil_time *civil = &scan->civil;
    int year;
    switch (conversion) {
    case 'Y':
        if (!take_digits(scan, 4, &year)) {
            return false;
        }
        civil->year = year;
        return true;
    case 'm':
        return take_short(scan, &civil->month);
    case 'd':
        return take_short(scan, &civil->day);
    case 'H':
        return take_short(scan, &civil->hour);
    case 'M':
        return take_short(scan, &civil->minute);
    case 'S':
        return take_short(scan, &civil->second);
    case 'f':
        return take_fraction(scan);
    case 'z':
        return take_offset(scan);
    case 'b':
        return take_month_name(scan);
    case 'T':
        return take_conversion(scan, 'H') && take_char(scan, ':') && take_conversion(scan, 'M') &&
               take_char(scan, ':') && take_conversion(scan, 'S');
    case 'F':
        return take_conversion(scan, 'Y') && take_char(scan, '-') && take_conversion(scan, 'm') &&
               take_char(scan, '-') && take_conversion(scan, 'd');
    default:
        return take_char(scan, conversion);
    }
}

bool time_parse_pattern(const struct sluice_time_format *format, const char *bytes, size_t size,
                        int64_t *value_us)
{
    struct scan scan = {.at = bytes, .end = bytes + size};
    for (const char *at = format->pattern; *at != '\0'; at++) {
        bool is_good = *at == '%' ? take_conversion(&scan, *++at) : take_char(&scan, *at);
        if (!is_good) {
            return false;
        }
    }
    return finish(&scan, format->zone, value_us);
}
