/* SPDX-License-Identifier: Apache-2.0 */
#include "start.h"

#include <string.h>
#include <time.h>

/* Exactly `digits` digits; moves on behind them. */
static bool parse_digits(const char **at, int digits, int *value)
{
    *value = 0;
    for (int i = 0; i < digits; i++, (*at)++) {
        if (**at < '0' || **at > '9')
            return false;
        *value = *value * 10 + (**at - '0');
    }
    return true;
}

static bool skip(const char **at, char expected)
{
    if (**at != expected)
        return false;
    (*at)++;
    return true;
}

static bool parse_date(const char **at, struct tm *date)
{
    int year, month, day;
    if (!parse_digits(at, 4, &year) || !skip(at, '-') || !parse_digits(at, 2, &month) ||
        !skip(at, '-') || !parse_digits(at, 2, &day))
        return false;
    *date = (struct tm){.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
    struct tm normal = *date;
    return timegm(&normal) != -1 && normal.tm_mon == date->tm_mon && normal.tm_mday == day;
}

static bool parse_clock(const char **at, struct tm *date, int *millis)
{
    if (!parse_digits(at, 2, &date->tm_hour) || !skip(at, ':') ||
        !parse_digits(at, 2, &date->tm_min))
        return false;
    if (skip(at, ':') && !parse_digits(at, 2, &date->tm_sec))
        return false;
    if (skip(at, '.')) {
        int weight = 100;
        const char *start = *at;
        for (; **at >= '0' && **at <= '9'; (*at)++, weight /= 10)
            *millis += (**at - '0') * weight;
        if (*at == start)
            return false;
    }
    return date->tm_hour < 24 && date->tm_min < 60 && date->tm_sec < 61;
}

static bool parse_zone(const char **at, int *offset_minutes)
{
    if (**at == '\0' || skip(at, 'Z'))
        return true;
    int sign = **at == '-' ? -1 : 1;
    if (!skip(at, '+') && !skip(at, '-'))
        return false;
    int hours, minutes;
    if (!parse_digits(at, 2, &hours))
        return false;
    (void)skip(at, ':');
    if (!parse_digits(at, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *offset_minutes = sign * (hours * 60 + minutes);
    return true;
}

static bool parse_time(const char *at, int64_t *time_ms)
{
    struct tm date;
    int millis = 0, offset_minutes = 0;
    if (!parse_date(&at, &date))
        return false;
    if (skip(&at, 'T') || skip(&at, ' ')) {
        if (!parse_clock(&at, &date, &millis) || !parse_zone(&at, &offset_minutes))
            return false;
    }
    if (*at != '\0')
        return false;
    *time_ms = ((int64_t)timegm(&date) - offset_minutes * 60) * 1000 + millis;
    return *time_ms >= 0;
}

bool start_parse(const char *text, struct start *start)
{
    *start = (struct start){0};
    if (strcmp(text, "earliest") == 0)
        return true;
    if (strcmp(text, "latest") == 0) {
        start->kind = START_LATEST;
        return true;
    }
    start->kind = START_TIME;
    return parse_time(text, &start->time_ms);
}
