/* SPDX-License-Identifier: Apache-2.0 */
/* Private to room data: the proleptic Gregorian calendar, in UTC. */
#ifndef SLUICE_DATA_CALENDAR_H
#define SLUICE_DATA_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

static const int64_t us_per_second = 1000000;
static const int64_t seconds_per_day = 86400;

/* 0000-03-01 and 9999-12-31 in days since 1970: between them dates need no care for signs. */
static const int64_t first_common_day = -719468;
static const int64_t last_common_day = 2932896;

struct civil_time {
    int64_t year;
    int month; /* 1 .. 12 */
    int day;   /* 1 .. 31 */
    int hour;
    int minute;
    int second;
    int microsecond;
};

/* Division that rounds down, and the rest that is never negative. */
static inline int64_t floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

static inline int64_t floor_rest(int64_t value, int64_t by)
{
    int64_t rest = value % by;
    return rest < 0 ? rest + by : rest;
}

/* Days since 1970-01-01. Years are counted from March, so that the leap day comes last. */
static inline int64_t days_of_date(int64_t year, int month, int day)
{
    int64_t march_year = month <= 2 ? year - 1 : year;
    int64_t era = floor_divide(march_year, 400);
    int64_t year_of_era = march_year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static inline void date_of_days(int64_t days, int64_t *year, int *month, int *day)
{
    int64_t shifted = days + 719468;
    int64_t era = floor_divide(shifted, 146097);
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t march_month = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * march_month + 2) / 5 + 1);
    *month = (int)(march_month < 10 ? march_month + 3 : march_month - 9);
    *year = year_of_era + era * 400 + (*month <= 2);
}

/* The same for days of the years 0 to 9999, by multiplications: a century, a year and a month are
 * each the high half of a product with 2^n / length. Checked against date_of_days for every day. */
static inline void date_of_common_days(int64_t days, int64_t *year, int *month, int *day)
{
    uint32_t quarters = 4 * (uint32_t)(days + 719468) + 3;
    uint32_t century = quarters / 146097;
    uint32_t quarter_of_century = quarters % 146097 | 3;
    uint64_t years = (uint64_t)2939745 * quarter_of_century; /* 2^32 / 1461 */
    uint32_t year_of_century = (uint32_t)(years >> 32);
    uint32_t day_of_year = (uint32_t)years / 2939745 / 4;
    uint32_t months = 2141 * day_of_year + 197913; /* 2^16 / 30.6, from March */
    bool is_next_year = day_of_year >= 306;
    *year = (int64_t)(century * 100 + year_of_century + is_next_year);
    *month = (int)(months >> 16) - (is_next_year ? 12 : 0);
    *day = (int)((months & 0xFFFF) / 2141) + 1;
}

static inline bool is_leap_year(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static inline int days_in_month(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap_year(year) ? 29 : days[month - 1];
}

static inline void civil_of_us(int64_t value_us, struct civil_time *civil)
{
    int64_t seconds = floor_divide(value_us, us_per_second);
    int64_t days = floor_divide(seconds, seconds_per_day);
    int rest = (int)(seconds - days * seconds_per_day);
    if (days >= first_common_day && days <= last_common_day) {
        date_of_common_days(days, &civil->year, &civil->month, &civil->day);
    } else {
        date_of_days(days, &civil->year, &civil->month, &civil->day);
    }
    civil->hour = rest / 3600;
    civil->minute = rest / 60 % 60;
    civil->second = rest % 60;
    /* Unsigned: seconds * us_per_second may lie a little below INT64_MIN. */
    civil->microsecond = (int)((uint64_t)value_us - (uint64_t)seconds * (uint64_t)us_per_second);
}

#endif
