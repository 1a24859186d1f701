/* SPDX-License-Identifier: Apache-2.0 */
/* Private to room data: time zones, from local time to UTC.
 *
 *   time_zone.c   name → zone; look-up in the table of transitions or by the rule after it
 *   zone_file.c   bytes of a TZif file (RFC 8536) → zone
 *   zone_rule.c   the POSIX rule in its footer ("CET-1CEST,M3.5.0,M10.5.0/3") */
#ifndef SLUICE_DATA_TIME_ZONE_H
#define SLUICE_DATA_TIME_ZONE_H

#include "base/base.h"

/* A day of the year and a time on it, in local seconds (may be negative or over a day). */
struct rule_date {
    enum { RULE_JULIAN, RULE_DAY, RULE_WEEKDAY } kind;
    int month; /* RULE_WEEKDAY: month, week 1 .. 5 (5: the last), weekday 0 = Sunday */
    int week;
    int day; /* RULE_JULIAN: 1 .. 365, never 29 February; RULE_DAY: 0 .. 365 */
    int32_t time;
};

struct zone_rule {
    int32_t standard_offset; /* seconds east of UTC */
    int32_t summer_offset;
    bool has_summer;
    struct rule_date start; /* in standard time */
    struct rule_date end;   /* in summer time */
};

struct time_zone {
    int32_t first_offset; /* before the first transition; of fixed zones: always */
    size_t transition_count;
    const int64_t *times;   /* UTC seconds, ascending */
    const int32_t *offsets; /* from times[i] on */
    bool has_rule;          /* for everything from the last transition on */
    struct zone_rule rule;
};

/* name: "UTC", "Z", "+02:00", or an IANA name. NULL with a CONFIG error. */
const struct time_zone *time_zone_create(struct arena *arena, const char *name,
                                         struct sluice_error *error);
/* The earlier of two, where the local time occurs twice; false where it does not exist. */
bool time_zone_to_utc(const struct time_zone *zone, int64_t local_seconds, int64_t *utc_seconds);

/* False with a reason where the bytes are not a TZif file that can be used. */
bool zone_file_read(struct arena *arena, const char *bytes, size_t size, struct time_zone *zone,
                    const char **reason);

bool zone_rule_parse(const char *text, size_t size, struct zone_rule *rule);
int32_t zone_rule_offset(const struct zone_rule *rule, int64_t utc_seconds);
/* The first change after a time; INT64_MAX where there is none. */
int64_t zone_rule_next(const struct zone_rule *rule, int64_t utc_seconds);

#endif
