/* SPDX-License-Identifier: Apache-2.0 */
/* One scalar into one typed value: numbers, sizes, durations, times, words of a list. */
#include "pipeline/options/options.h"

#include <string.h>

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit size_units[] = {
    {"", 1},
    {"B", 1},
    {"kB", 1000},
    {"KB", 1000},
    {"MB", 1000 * 1000},
    {"GB", 1000 * 1000 * 1000},
    {"TB", INT64_C(1000) * 1000 * 1000 * 1000},
    {"KiB", INT64_C(1) << 10},
    {"MiB", INT64_C(1) << 20},
    {"GiB", INT64_C(1) << 30},
    {"TiB", INT64_C(1) << 40},
    {NULL, 0},
};

static const struct unit duration_units[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}, {NULL, 0},
};

/* "number unit" at *text, which is moved behind it, added to *sum. */
static bool scan_part(const char **text, const struct unit *units, int64_t *sum)
{
    size_t digits = strspn(*text, "0123456789");
    int64_t number = 0;
    if (digits == 0 || !parse_int64(*text, digits, &number))
        return false;
    *text += digits;
    *text += strspn(*text, " ");
    size_t letters = strcspn(*text, "0123456789 ");
    for (; units->name; units++) {
        if (strlen(units->name) == letters && strncmp(units->name, *text, letters) == 0)
            break;
    }
    *text += letters;
    return units->name && !__builtin_mul_overflow(number, units->factor, &number) &&
           !__builtin_add_overflow(*sum, number, sum);
}

bool scan_size(const char *text, int64_t *bytes)
{
    *bytes = 0;
    return scan_part(&text, size_units, bytes) && *text == '\0';
}

bool scan_duration(const char *text, int64_t *milliseconds)
{
    *milliseconds = 0;
    if (strcmp(text, "0") == 0)
        return true;
    do {
        if (!scan_part(&text, duration_units, milliseconds))
            return false;
        text += strspn(text, " ");
    } while (*text);
    return true;
}

bool scan_bool(const char *text, bool *value)
{
    *value = strcmp(text, "true") == 0;
    return *value || strcmp(text, "false") == 0;
}

/* A number as a user would write it for the row's kind. */
static const char *print_number(struct arena *arena, enum sluice_option_kind kind, int64_t number)
{
    const struct unit *units = kind == SLUICE_OPTION_SIZE       ? size_units + 1
                               : kind == SLUICE_OPTION_DURATION ? duration_units
                                                                : NULL;
    const struct unit *best = NULL;
    for (; units && units->name; units++) {
        bool is_whole = number != 0 && number % units->factor == 0;
        if (is_whole && (!best || units->factor > best->factor))
            best = units;
    }
    const char *text =
        arena_print(arena, "%lld%s", (long long)(best ? number / best->factor : number),
                    best ? best->name : "");
    return text ? text : "?";
}

static bool has_range(const struct sluice_option *row)
{
    return row->minimum != 0 || row->maximum != 0;
}

/* The rows' convention: a maximum below the minimum is none. */
static bool check_range(struct option_reader *reader, const struct option_place *place,
                        const struct node *node, int64_t number)
{
    const struct sluice_option *row = place->row;
    bool has_maximum = row->maximum >= row->minimum;
    if (!has_range(row) || (number >= row->minimum && (!has_maximum || number <= row->maximum)))
        return true;
    const char *least = print_number(reader->arena, row->kind, row->minimum);
    const char *most = print_number(reader->arena, row->kind, row->maximum);
    const char *expected = has_maximum && row->maximum < INT64_MAX
                               ? arena_print(reader->arena, "between %s and %s", least, most)
                               : arena_print(reader->arena, "at least %s", least);
    option_complain(reader, place, node, expected ? expected : "in its range");
    return false;
}

static bool scan_timestamp(struct option_reader *reader, const struct node *node, int64_t *value_us)
{
    struct sluice_error *error = error_create();
    struct sluice_time_format *format =
        error ? time_format_create(reader->arena, NULL, NULL, error) : NULL;
    error_destroy(error);
    if (!format)
        diagnostics_fail(reader->diagnostics);
    return format && time_format_parse(format, node->text, node->size, value_us);
}

/* The number of a placeholder: the default, or something in the range. */
static int64_t stand_in(const struct sluice_option *row)
{
    int64_t number = 0;
    if (row->default_text && row->kind == SLUICE_OPTION_SIZE &&
        scan_size(row->default_text, &number))
        return number;
    if (row->default_text && row->kind == SLUICE_OPTION_DURATION &&
        scan_duration(row->default_text, &number))
        return number;
    if (row->default_text && row->kind == SLUICE_OPTION_INT &&
        parse_int64(row->default_text, strlen(row->default_text), &number))
        return number;
    if (row->kind == SLUICE_OPTION_TIMESTAMP)
        return 0;
    number = row->minimum > 1 ? row->minimum : 1;
    return has_range(row) && row->maximum >= row->minimum && row->maximum < number ? row->maximum
                                                                                   : number;
}

static bool read_integer(struct option_reader *reader, const struct option_place *place,
                         const struct node *node)
{
    enum sluice_option_kind kind = place->row->kind;
    int64_t number = 0;
    bool is_good = true;
    const char *expected = "a whole number";
    if (node->is_placeholder) {
        number = stand_in(place->row);
    } else if (kind == SLUICE_OPTION_SIZE) {
        expected = "a size such as 512, 64KiB, 1MB or 2GiB";
        is_good = scan_size(node->text, &number);
    } else if (kind == SLUICE_OPTION_DURATION) {
        expected = "a duration with its unit, such as 500ms, 30s, 5m, 2h or 1d";
        is_good = scan_duration(node->text, &number);
    } else if (kind == SLUICE_OPTION_TIMESTAMP) {
        expected = "a time such as 2024-05-01T12:00:00Z";
        is_good = scan_timestamp(reader, node, &number);
    } else {
        is_good = parse_int64(node->text, node->size, &number);
    }
    if (!is_good)
        option_complain(reader, place, node, expected);
    if (is_good && !node->is_placeholder && kind != SLUICE_OPTION_TIMESTAMP)
        is_good = check_range(reader, place, node, number);
    memcpy(place->target, &number, sizeof(number));
    return is_good;
}

static bool read_enum(struct option_reader *reader, const struct option_place *place,
                      const struct node *node)
{
    const char *const *allowed = place->row->allowed;
    const char *wanted = node->is_placeholder ? place->row->default_text : node->text;
    size_t count = 0;
    int chosen = -1;
    for (; allowed && allowed[count]; count++) {
        if (wanted && strcmp(allowed[count], wanted) == 0)
            chosen = (int)count;
    }
    if (chosen < 0 && node->is_placeholder)
        chosen = 0;
    if (chosen >= 0) {
        memcpy(place->target, &chosen, sizeof(chosen));
        return true;
    }
    const char *list = list_names(reader->arena, allowed, count, 20);
    const char *nearest = node->is_secret ? NULL : nearest_name(node->text, allowed, count);
    reader->has_mistake = true;
    diagnostics_error(reader->diagnostics, &node->span,
                      "option `%s` of %s must be %s, not %s%s%s%s", place->row->name, place->owner,
                      list, node_describe(reader->arena, node), nearest ? "; did you mean `" : "",
                      nearest ? nearest : "", nearest ? "`?" : "");
    return false;
}

static bool read_bool(struct option_reader *reader, const struct option_place *place,
                      const struct node *node)
{
    bool value = false;
    bool is_good = node->is_placeholder || scan_bool(node->text, &value);
    if (!is_good)
        option_complain(reader, place, node, "true or false");
    memcpy(place->target, &value, sizeof(value));
    return is_good;
}

static bool read_float(struct option_reader *reader, const struct option_place *place,
                       const struct node *node)
{
    double value = 0;
    bool is_good = node->is_placeholder || parse_float64(node->text, node->size, &value);
    if (!is_good)
        option_complain(reader, place, node, "a number");
    memcpy(place->target, &value, sizeof(value));
    return is_good;
}

static bool read_text(struct option_reader *reader, const struct option_place *place,
                      const struct node *node)
{
    if (place->row->kind == SLUICE_OPTION_PATH && node->size == 0) {
        option_complain(reader, place, node, "a file name or file: URL");
        return false;
    }
    memcpy(place->target, &node->text, sizeof(node->text));
    return true;
}

bool scalar_read(struct option_reader *reader, const struct option_place *place,
                 const struct node *node)
{
    option_hide(reader, place->row, node);
    if (node->kind != NODE_SCALAR) {
        option_complain(reader, place, node, "a single value");
        return false;
    }
    switch (place->row->kind) {
    case SLUICE_OPTION_BOOL:
        return read_bool(reader, place, node);
    case SLUICE_OPTION_INT:
    case SLUICE_OPTION_SIZE:
    case SLUICE_OPTION_DURATION:
    case SLUICE_OPTION_TIMESTAMP:
        return read_integer(reader, place, node);
    case SLUICE_OPTION_FLOAT:
        return read_float(reader, place, node);
    case SLUICE_OPTION_ENUM:
        return read_enum(reader, place, node);
    case SLUICE_OPTION_STRING:
    case SLUICE_OPTION_SECRET:
    case SLUICE_OPTION_PATH:
        return read_text(reader, place, node);
    case SLUICE_OPTION_NONE:
    case SLUICE_OPTION_STRINGS:
    case SLUICE_OPTION_MAP:
    case SLUICE_OPTION_COLUMN:
    case SLUICE_OPTION_COLUMNS:
    case SLUICE_OPTION_TEMPLATE:
    case SLUICE_OPTION_SCHEMA:
    case SLUICE_OPTION_CODEC:
        break;
    }
    return false;
}
