/* SPDX-License-Identifier: Apache-2.0 */
/* Which keys are read: visible ones, with the suffix, of a partition that is recent enough. */
#include "source.h"

#include <string.h>
#include <time.h>

bool key_is_hidden(const char *key)
{
    for (const char *segment = key; segment; segment = strchr(segment, '/')) {
        segment += *segment == '/';
        if (*segment == '_' || *segment == '.' || *segment == '\0') {
            return true;
        }
    }
    return false;
}

bool key_has_suffix(const char *key, const char *suffix)
{
    size_t size = strlen(key);
    size_t suffix_size = strlen(suffix);
    return size >= suffix_size && strcmp(key + size - suffix_size, suffix) == 0;
}

/* Calendar fields, from the largest; the smallest that is there says how much a partition holds. */
enum unit { UNIT_NONE = 0, UNIT_YEAR, UNIT_MONTH, UNIT_DAY, UNIT_HOUR, UNIT_MINUTE, UNIT_SECOND };

struct moment {
    int fields[UNIT_SECOND + 1];
    enum unit smallest;
};

struct matching {
    const char *key;
    struct moment moment;
};

static bool take_digits(struct matching *matching, enum unit unit, int width)
{
    int value = 0;
    for (int i = 0; i < width; i++) {
        char digit = matching->key[i];
        if (digit < '0' || digit > '9') {
            return false;
        }
        value = value * 10 + (digit - '0');
    }
    matching->key += width;
    matching->moment.fields[unit] = value;
    if (unit > matching->moment.smallest) {
        matching->moment.smallest = unit;
    }
    return true;
}

static bool take_text(struct matching *matching, char expected)
{
    bool is_there = *matching->key == expected;
    matching->key += is_there;
    return is_there;
}

static bool take_conversion(struct matching *matching, char conversion)
{
    switch (conversion) {
    case 'Y':
        return take_digits(matching, UNIT_YEAR, 4);
    case 'm':
        return take_digits(matching, UNIT_MONTH, 2);
    case 'd':
        return take_digits(matching, UNIT_DAY, 2);
    case 'H':
        return take_digits(matching, UNIT_HOUR, 2);
    case 'M':
        return take_digits(matching, UNIT_MINUTE, 2);
    case 'S':
        return take_digits(matching, UNIT_SECOND, 2);
    case 'F':
        return take_conversion(matching, 'Y') && take_text(matching, '-') &&
               take_conversion(matching, 'm') && take_text(matching, '-') &&
               take_conversion(matching, 'd');
    case 'T':
        return take_conversion(matching, 'H') && take_text(matching, ':') &&
               take_conversion(matching, 'M') && take_text(matching, ':') &&
               take_conversion(matching, 'S');
    case '%':
        return take_text(matching, '%');
    }
    return false;
}

/* What stands behind the colon of {column:FORMAT}. */
static bool take_time(struct matching *matching, const char *format, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        bool fits;
        if (format[i] == '%' && i + 1 < size) {
            fits = take_conversion(matching, format[++i]);
        } else {
            fits = take_text(matching, format[i]);
        }
        if (!fits) {
            return false;
        }
    }
    return true;
}

/* The value of {column} reaches up to what follows in the template, or to the next slash. */
static void take_value(struct matching *matching, char following)
{
    while (*matching->key && *matching->key != '/' &&
           (following == '\0' || *matching->key != following)) {
        matching->key++;
    }
}

/* Takes one piece of the template at `at`; returns what is behind it, or NULL. */
static const char *take_piece(struct matching *matching, const char *at)
{
    bool is_escaped = (at[0] == '{' && at[1] == '{') || (at[0] == '}' && at[1] == '}');
    if (at[0] != '{' || is_escaped) {
        return take_text(matching, at[0]) ? at + (is_escaped ? 2 : 1) : NULL;
    }
    const char *end = strchr(at, '}');
    if (!end) {
        return NULL;
    }
    const char *colon = memchr(at, ':', (size_t)(end - at));
    if (!colon) {
        take_value(matching, end[1]);
        return end + 1;
    }
    return take_time(matching, colon + 1, (size_t)(end - colon - 1)) ? end + 1 : NULL;
}

static bool match(const char *partition, const char *key, struct moment *moment)
{
    struct matching matching = {.key = key};
    for (const char *at = partition; *at;) {
        at = take_piece(&matching, at);
        if (!at) {
            return false;
        }
    }
    *moment = matching.moment;
    size_t size = strlen(partition);
    bool ends_with_slash = size > 0 && partition[size - 1] == '/';
    return ends_with_slash || *matching.key == '/';
}

bool partition_end_ms(const char *partition, const char *key, int64_t *end_ms)
{
    struct moment moment;
    *end_ms = 0;
    if (!match(partition, key, &moment) || moment.fields[UNIT_YEAR] == 0) {
        return false;
    }
    moment.fields[moment.smallest]++; /* timegm carries what overflows */
    const int *fields = moment.fields;
    struct tm parts = {
        .tm_year = fields[UNIT_YEAR] - 1900,
        .tm_mon = moment.smallest >= UNIT_MONTH ? fields[UNIT_MONTH] - 1 : 0,
        .tm_mday = moment.smallest >= UNIT_DAY ? fields[UNIT_DAY] : 1,
        .tm_hour = fields[UNIT_HOUR],
        .tm_min = fields[UNIT_MINUTE],
        .tm_sec = fields[UNIT_SECOND],
    };
    *end_ms = (int64_t)timegm(&parts) * 1000;
    return true;
}

const char *partition_check(const char *partition)
{
    bool has_year = false;
    for (const char *at = partition; *at; at++) {
        if (*at == '{' && at[1] != '{' && !strchr(at, '}')) {
            return "has a { without a }";
        }
        if (*at != '%') {
            continue;
        }
        at++;
        if (*at == '\0' || !strchr("YmdHMSFT%", *at)) {
            return "may use %Y %m %d %H %M %S %F and %T only";
        }
        has_year = has_year || *at == 'Y' || *at == 'F';
    }
    return has_year ? NULL : "must say the year, as in dt={timestamp:%Y-%m-%d}";
}
