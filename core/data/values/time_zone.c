/* SPDX-License-Identifier: Apache-2.0 */
/* Zones by name, and local time to UTC. */
#include "data/values/time_zone.h"

#include <string.h>

enum { FILE_LIMIT = 1 << 20, WINDOW_SECONDS = 26 * 3600 };

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* ±HH:MM, ±HHMM or ±HH. */
static bool parse_offset(const char *name, int32_t *seconds)
{
    size_t size = strlen(name);
    bool has_colon = size == 6 && name[3] == ':';
    if ((name[0] != '+' && name[0] != '-') || (size != 3 && size != 5 && !has_colon)) {
        return false;
    }
    const char *minutes = has_colon ? name + 4 : size == 5 ? name + 3 : "00";
    if (!is_digit(name[1]) || !is_digit(name[2]) || !is_digit(minutes[0]) ||
        !is_digit(minutes[1])) {
        return false;
    }
    int hour = (name[1] - '0') * 10 + name[2] - '0';
    int minute = (minutes[0] - '0') * 10 + minutes[1] - '0';
    *seconds = (hour * 60 + minute) * (name[0] == '-' ? -60 : 60);
    return hour <= 23 && minute <= 59;
}

/* Words of letters, digits, "_+-." with single slashes between them; none begins with a dot, so
 * no name leads out of the folder. */
static bool is_zone_name(const char *name)
{
    bool is_start = true;
    for (const char *at = name; *at != '\0'; at++) {
        bool is_word = (*at >= 'A' && *at <= 'Z') || (*at >= 'a' && *at <= 'z') || is_digit(*at) ||
                       (*at != '\0' && strchr("_+-.", *at));
        if (*at == '/' ? is_start : !is_word || (is_start && *at == '.')) {
            return false;
        }
        is_start = *at == '/';
    }
    return !is_start && strlen(name) < 256;
}

static const struct time_zone *fail(struct sluice_error *error, const char *name,
                                    const char *reason)
{
    error_set(error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
              "time zone `%s` cannot be used: %s; expected UTC, an offset such as +02:00, or a "
              "name such as Europe/Berlin",
              name, reason);
    return NULL;
}

static const struct time_zone *load(struct arena *arena, const char *name, struct time_zone *zone,
                                    struct sluice_error *error)
{
    static const char *const folders[] = {"/usr/share/zoneinfo", "/usr/lib/zoneinfo"};
    struct text path = {0};
    struct text content = {0};
    enum sluice_status status = SLUICE_FATAL;
    const char *reason = "no such zone in /usr/share/zoneinfo (is the tzdata package installed?)";
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]) && status != SLUICE_OK; i++) {
        text_clear(&path);
        text_printf(&path, "%s/%s", folders[i], name);
        status = path.has_failed ? SLUICE_FATAL
                                 : file_read_all(text_get(&path), FILE_LIMIT, &content, error);
    }
    bool is_good = status == SLUICE_OK && zone_file_read(arena, content.data ? content.data : "",
                                                         content.size, zone, &reason);
    text_reset(&path);
    text_reset(&content);
    error_reset(error);
    return is_good ? zone : fail(error, name, reason);
}

const struct time_zone *time_zone_create(struct arena *arena, const char *name,
                                         struct sluice_error *error)
{
    struct time_zone *zone = arena_alloc(arena, sizeof(*zone));
    if (!zone) {
        error_set(error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY, "no memory for a time zone");
        return NULL;
    }
    if (strcmp(name, "UTC") == 0 || strcmp(name, "Z") == 0 ||
        parse_offset(name, &zone->first_offset)) {
        return zone;
    }
    return is_zone_name(name) ? load(arena, name, zone, error)
                              : fail(error, name, "it is not a zone's name");
}

/* ---- local time to UTC ---- */

/* Number of transitions at or before a time. */
static size_t count_transitions(const struct time_zone *zone, int64_t utc_seconds)
{
    size_t low = 0;
    size_t high = zone->transition_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (zone->times[middle] <= utc_seconds) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static int32_t offset_at(const struct time_zone *zone, int64_t utc_seconds)
{
    size_t passed = count_transitions(zone, utc_seconds);
    if (zone->has_rule && passed == zone->transition_count) {
        return zone_rule_offset(&zone->rule, utc_seconds);
    }
    return passed > 0 ? zone->offsets[passed - 1] : zone->first_offset;
}

static int64_t next_transition(const struct time_zone *zone, int64_t utc_seconds)
{
    size_t passed = count_transitions(zone, utc_seconds);
    if (passed < zone->transition_count) {
        return zone->times[passed];
    }
    return zone->has_rule ? zone_rule_next(&zone->rule, utc_seconds) : INT64_MAX;
}

bool time_zone_to_utc(const struct time_zone *zone, int64_t local_seconds, int64_t *utc_seconds)
{
    if (zone->transition_count == 0 && !zone->has_rule) {
        *utc_seconds = local_seconds - zone->first_offset;
        return true;
    }
    /* Stretches of one offset, in order of time: the first that holds the time that it leads to
     * gives the earlier answer. */
    int64_t end = local_seconds + WINDOW_SECONDS;
    for (int64_t at = local_seconds - WINDOW_SECONDS; at <= end;) {
        int64_t next = next_transition(zone, at);
        int64_t utc = local_seconds - offset_at(zone, at);
        if (utc >= at && utc < next) {
            *utc_seconds = utc;
            return true;
        }
        at = next;
    }
    return false;
}
