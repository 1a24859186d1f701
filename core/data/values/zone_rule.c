/* SPDX-License-Identifier: Apache-2.0 */
/* The POSIX TZ rule: NAME OFFSET [NAME [OFFSET] , DATE [/TIME] , DATE [/TIME]], with the range of
 * times that RFC 8536 adds (−167 to 167 hours). Its offsets count west of UTC, ours east. */
#include "data/values/time_zone.h"

#include <string.h>

#include "data/values/calendar.h"

struct cursor {
    const char *at;
    const char *end;
};

static bool take_char(struct cursor *cursor, char wanted)
{
    if (cursor->at < cursor->end && *cursor->at == wanted) {
        cursor->at++;
        return true;
    }
    return false;
}

static bool is_letter(char byte)
{
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

/* At least three letters, or anything in angle brackets. */
static bool skip_name(struct cursor *cursor)
{
    if (take_char(cursor, '<')) {
        while (cursor->at < cursor->end && *cursor->at != '>') {
            cursor->at++;
        }
        return take_char(cursor, '>');
    }
    const char *start = cursor->at;
    while (cursor->at < cursor->end && is_letter(*cursor->at)) {
        cursor->at++;
    }
    return cursor->at - start >= 3;
}

static bool take_number(struct cursor *cursor, int low, int high, int *number)
{
    const char *start = cursor->at;
    *number = 0;
    while (cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9' &&
           cursor->at - start < 4) {
        *number = *number * 10 + (*cursor->at++ - '0');
    }
    return cursor->at > start && *number >= low && *number <= high;
}

/* [+-]h[h[h]][:mm[:ss]] in seconds. */
static bool take_time(struct cursor *cursor, int most_hours, int32_t *seconds)
{
    bool is_negative = take_char(cursor, '-');
    if (!is_negative) {
        take_char(cursor, '+');
    }
    int hours;
    int minutes = 0;
    int rest = 0;
    if (!take_number(cursor, 0, most_hours, &hours)) {
        return false;
    }
    if (take_char(cursor, ':') && !take_number(cursor, 0, 59, &minutes)) {
        return false;
    }
    if (take_char(cursor, ':') && !take_number(cursor, 0, 59, &rest)) {
        return false;
    }
    *seconds = hours * 3600 + minutes * 60 + rest;
    *seconds = is_negative ? -*seconds : *seconds;
    return true;
}

static bool take_date(struct cursor *cursor, struct rule_date *date)
{
    date->time = 2 * 3600;
    bool is_good;
    if (take_char(cursor, 'M')) {
        date->kind = RULE_WEEKDAY;
        is_good = take_number(cursor, 1, 12, &date->month) && take_char(cursor, '.') &&
                  take_number(cursor, 1, 5, &date->week) && take_char(cursor, '.') &&
                  take_number(cursor, 0, 6, &date->day);
    } else if (take_char(cursor, 'J')) {
        date->kind = RULE_JULIAN;
        is_good = take_number(cursor, 1, 365, &date->day);
    } else {
        date->kind = RULE_DAY;
        is_good = take_number(cursor, 0, 365, &date->day);
    }
    return is_good && (!take_char(cursor, '/') || take_time(cursor, 167, &date->time));
}

bool zone_rule_parse(const char *text, size_t size, struct zone_rule *rule)
{
    struct cursor cursor = {text, text + size};
    int32_t west;
    *rule = (struct zone_rule){0};
    if (!skip_name(&cursor) || !take_time(&cursor, 24, &west)) {
        return false;
    }
    rule->standard_offset = -west;
    if (cursor.at == cursor.end) {
        return true;
    }
    rule->has_summer = true;
    rule->summer_offset = rule->standard_offset + 3600;
    if (!skip_name(&cursor)) {
        return false;
    }
    if (cursor.at < cursor.end && *cursor.at != ',') {
        if (!take_time(&cursor, 24, &west)) {
            return false;
        }
        rule->summer_offset = -west;
    }
    return take_char(&cursor, ',') && take_date(&cursor, &rule->start) && take_char(&cursor, ',') &&
           take_date(&cursor, &rule->end) && cursor.at == cursor.end;
}

/* Local seconds since 1970 of a rule's date in a year. */
static int64_t date_in_year(const struct rule_date *date, int64_t year)
{
    int64_t days = days_of_date(year, 1, 1);
    switch (date->kind) {
    case RULE_JULIAN:
        days += date->day - 1 + (is_leap_year(year) && date->day >= 60);
        break;
    case RULE_DAY:
        days += date->day;
        break;
    case RULE_WEEKDAY: {
        int64_t first = days_of_date(year, date->month, 1);
        int weekday = (int)floor_rest(first + 4, 7); /* 1970-01-01 was a Thursday */
        int day = 1 + (date->day - weekday + 7) % 7 + (date->week - 1) * 7;
        while (day > days_in_month(year, date->month)) {
            day -= 7;
        }
        days = first + day - 1;
        break;
    }
    }
    return days * seconds_per_day + date->time;
}

static int64_t year_of(int64_t seconds)
{
    int64_t year;
    int month;
    int day;
    date_of_days(floor_divide(seconds, seconds_per_day), &year, &month, &day);
    return year;
}

int32_t zone_rule_offset(const struct zone_rule *rule, int64_t utc_seconds)
{
    if (!rule->has_summer) {
        return rule->standard_offset;
    }
    int64_t year = year_of(utc_seconds + rule->standard_offset);
    int64_t start = date_in_year(&rule->start, year) - rule->standard_offset;
    int64_t end = date_in_year(&rule->end, year) - rule->summer_offset;
    bool is_summer = start < end ? utc_seconds >= start && utc_seconds < end
                                 : utc_seconds >= start || utc_seconds < end;
    return is_summer ? rule->summer_offset : rule->standard_offset;
}

int64_t zone_rule_next(const struct zone_rule *rule, int64_t utc_seconds)
{
    int64_t next = INT64_MAX;
    int64_t middle = year_of(utc_seconds);
    for (int64_t year = middle - 1; rule->has_summer && year <= middle + 1; year++) {
        int64_t start = date_in_year(&rule->start, year) - rule->standard_offset;
        int64_t end = date_in_year(&rule->end, year) - rule->summer_offset;
        next = start > utc_seconds && start < next ? start : next;
        next = end > utc_seconds && end < next ? end : next;
    }
    return next;
}
