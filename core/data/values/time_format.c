/* SPDX-License-Identifier: Apache-2.0 */
/* Time formats: made from their texts, and the epoch ones, which are numbers. */
#include "data/values/time_format.h"

#include <string.h>

static const struct {
    const char *name;
    int64_t us_per_unit;
} epochs[] = {{"epoch_s", 1000000}, {"epoch_ms", 1000}, {"epoch_us", 1}};

const struct sluice_time_format *time_format_default(void)
{
    static const struct sluice_time_format iso8601_in_utc = {.kind = FORMAT_ISO8601};
    return &iso8601_in_utc;
}

/* False with a CONFIG error. */
static bool set_kind(struct sluice_time_format *format, struct arena *arena, const char *text,
                     struct sluice_error *error)
{
    if (!text || strcmp(text, "iso8601") == 0) {
        return true;
    }
    for (size_t i = 0; i < sizeof(epochs) / sizeof(epochs[0]); i++) {
        if (strcmp(text, epochs[i].name) == 0) {
            format->kind = FORMAT_EPOCH;
            format->us_per_unit = epochs[i].us_per_unit;
            return true;
        }
    }
    const char *fault = strchr(text, '%') ? time_pattern_fault(text) : "it names no known format";
    if (fault) {
        error_set(error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                  "time format `%s`: %s; expected iso8601, epoch_s, epoch_ms, epoch_us, or a "
                  "pattern such as `%%d/%%b/%%Y:%%H:%%M:%%S %%z`",
                  text, fault);
        return false;
    }
    format->kind = FORMAT_PATTERN;
    format->pattern = arena_copy(arena, text, strlen(text));
    if (!format->pattern) {
        error_set(error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY, "no memory for a time format");
    }
    return format->pattern != NULL;
}

struct sluice_time_format *time_format_create(struct arena *arena, const char *text,
                                              const char *zone, struct sluice_error *error)
{
    struct sluice_time_format *format = arena_alloc(arena, sizeof(*format));
    if (!format) {
        error_set(error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY, "no memory for a time format");
        return NULL;
    }
    if (!set_kind(format, arena, text, error)) {
        return NULL;
    }
    if (zone && strcmp(zone, "UTC") != 0) {
        format->zone = time_zone_create(arena, zone, error);
        if (!format->zone) {
            return NULL;
        }
    }
    return format;
}

/* Digits behind the point in microseconds; those finer than one are cut off. */
static bool parse_fraction(const char *bytes, size_t size, int64_t us_per_unit, int64_t *us)
{
    int64_t worth = us_per_unit;
    *us = 0;
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] < '0' || bytes[i] > '9') {
            return false;
        }
        worth /= 10;
        *us += worth * (bytes[i] - '0');
    }
    return size > 0;
}

/* Decimal text without exponent, exact to the microsecond. */
static bool parse_epoch(int64_t us_per_unit, const char *bytes, size_t size, int64_t *value_us)
{
    const char *point = memchr(bytes, '.', size);
    size_t whole_size = point ? (size_t)(point - bytes) : size;
    int64_t whole;
    int64_t fraction_us = 0;
    if (!parse_int64(bytes, whole_size, &whole) ||
        (point && !parse_fraction(point + 1, size - whole_size - 1, us_per_unit, &fraction_us))) {
        return false;
    }
    if (bytes[0] == '-') {
        fraction_us = -fraction_us;
    }
    return !__builtin_mul_overflow(whole, us_per_unit, value_us) &&
           !__builtin_add_overflow(*value_us, fraction_us, value_us);
}

bool time_format_parse(const struct sluice_time_format *format, const char *bytes, size_t size,
                       int64_t *value_us)
{
    struct time_near near = {.is_known = false};
    *value_us = 0;
    switch (format->kind) {
    case FORMAT_ISO8601:
        return time_parse_fixed(bytes, size, &near, value_us) ||
               time_parse_iso8601(format, bytes, size, value_us);
    case FORMAT_EPOCH:
        return size > 0 && parse_epoch(format->us_per_unit, bytes, size, value_us);
    case FORMAT_PATTERN:
        return time_parse_pattern(format, bytes, size, value_us);
    }
    return false;
}

int64_t time_format_parse_many(const struct sluice_time_format *format,
                               const struct sluice_string *texts, int64_t count,
                               int64_t *values_us)
{
    bool is_iso8601 = format->kind == FORMAT_ISO8601;
    struct time_near near = {.is_known = false};
    for (int64_t i = 0; i < count; i++) {
        const char *bytes = texts[i].bytes;
        size_t size = texts[i].size;
        values_us[i] = 0;
        if (bytes && !(is_iso8601 && time_parse_fixed(bytes, size, &near, &values_us[i])) &&
            !time_format_parse(format, bytes, size, &values_us[i])) {
            return i;
        }
    }
    return count;
}
