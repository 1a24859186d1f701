/* SPDX-License-Identifier: Apache-2.0 */
/* "mean(time_on_page)" to a struct aggregate, with messages that point at the item. */
#include "agg.h"

#include <string.h>

static const char *const function_names[] = {"count", "sum", "min", "max", "mean", "distinct"};

static const struct {
    const char *name;
    enum agg_function function;
} functions[] = {
    {"count", AGG_COUNT}, {"sum", AGG_SUM},   {"min", AGG_MIN},
    {"max", AGG_MAX},     {"mean", AGG_MEAN}, {"distinct", AGG_DISTINCT},
};

/* What people know from SQL and other tools. */
static const struct {
    const char *theirs;
    const char *ours;
} other_names[] = {
    {"avg", "mean"},        {"average", "mean"},     {"count_distinct", "distinct"},
    {"unique", "distinct"}, {"nunique", "distinct"},
};

static struct sluice_string trim(struct sluice_string text)
{
    while (text.size && strchr(" \t", text.bytes[0])) {
        text.bytes++;
        text.size--;
    }
    while (text.size && strchr(" \t", text.bytes[text.size - 1]))
        text.size--;
    return text;
}

static bool is_text(struct sluice_string text, const char *expected)
{
    return strlen(expected) == text.size && !memcmp(text.bytes, expected, text.size);
}

static enum sluice_status point_at(const struct sluice_host *host, struct sluice_error *error,
                                   const char *item)
{
    sluice_error_at(host, error, SLUICE_AT_OPTION, "aggregates");
    sluice_error_at(host, error, SLUICE_AT_ITEM, "%s", item);
    return SLUICE_CONFIG;
}

/* Fails with "WHAT `name`; did you mean `nearest`?". */
static enum sluice_status fail_unknown(const struct sluice_host *host, struct sluice_error *error,
                                       const char *what, struct sluice_string name,
                                       const char *nearest)
{
    return sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID, "%s `%.*s`%s%s%s",
                       what, (int)name.size, name.bytes, nearest ? "; did you mean `" : "",
                       nearest ? nearest : "", nearest ? "`?" : "");
}

static enum sluice_status find_function(const struct sluice_host *host, struct sluice_string name,
                                        struct aggregate *aggregate, struct sluice_error *error)
{
    size_t count = sizeof(functions) / sizeof(functions[0]);
    for (size_t i = 0; i < count; i++) {
        if (is_text(name, functions[i].name)) {
            aggregate->function = functions[i].function;
            return SLUICE_OK;
        }
    }
    const char *meant = nearest_name(name.bytes, name.size, function_names, count);
    for (size_t i = 0; i < sizeof(other_names) / sizeof(other_names[0]); i++) {
        if (is_text(name, other_names[i].theirs))
            meant = other_names[i].ours;
    }
    fail_unknown(host, error, "unknown function", name, meant);
    if (!meant)
        sluice_error_because(host, error, "known are count, sum, min, max, mean, distinct");
    return SLUICE_CONFIG;
}

static const char *nearest_column(const struct sluice_schema *input, struct sluice_string name)
{
    const char *nearest = NULL;
    for (size_t i = 0; i < input->field_count; i++) {
        /* A match so far competes with the next column only. */
        const char *pair[] = {sluice_schema_field(input, i)->name, nearest};
        nearest = nearest_name(name.bytes, name.size, pair, nearest ? 2 : 1);
    }
    return nearest;
}

static enum sluice_status find_argument(const struct sluice_host *host, struct sluice_string name,
                                        const struct sluice_schema *input,
                                        struct aggregate *aggregate, struct sluice_error *error)
{
    for (size_t i = 0; i < input->field_count; i++) {
        const struct sluice_field *field = sluice_schema_field(input, i);
        if (is_text(name, field->name)) {
            aggregate->argument = field;
            aggregate->input = (int)i;
            return SLUICE_OK;
        }
    }
    return fail_unknown(host, error, "unknown column", name, nearest_column(input, name));
}

static const char *const type_texts[] = {
    [SLUICE_TYPE_NONE] = "untyped",          [SLUICE_TYPE_BOOL] = "a bool",
    [SLUICE_TYPE_INT64] = "an int64",        [SLUICE_TYPE_FLOAT64] = "a float64",
    [SLUICE_TYPE_STRING] = "a string",       [SLUICE_TYPE_BINARY] = "binary",
    [SLUICE_TYPE_TIMESTAMP] = "a timestamp",
};

static enum sluice_status find_result(const struct sluice_host *host, struct aggregate *aggregate,
                                      struct sluice_error *error)
{
    enum sluice_type type = aggregate->argument->type;
    bool is_number = type == SLUICE_TYPE_INT64 || type == SLUICE_TYPE_FLOAT64;
    switch (aggregate->function) {
    case AGG_NONE:
    case AGG_COUNT_ROWS:
    case AGG_COUNT:
    case AGG_DISTINCT:
        aggregate->result = SLUICE_TYPE_INT64;
        return SLUICE_OK;
    case AGG_MIN:
    case AGG_MAX:
        aggregate->result = type;
        return SLUICE_OK;
    case AGG_SUM:
        aggregate->result = type;
        break;
    case AGG_MEAN:
        aggregate->result = SLUICE_TYPE_FLOAT64;
        break;
    }
    if (is_number)
        return SLUICE_OK;
    return sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                       "%s needs an int64 or float64 column; %s is %s", aggregate->text,
                       aggregate->argument->name, type_texts[type]);
}

static enum sluice_status parse_expression(const struct sluice_host *host,
                                           const struct sluice_schema *input,
                                           struct aggregate *aggregate, struct sluice_error *error)
{
    struct sluice_string text =
        trim((struct sluice_string){aggregate->text, strlen(aggregate->text)});
    const char *open = memchr(text.bytes, '(', text.size);
    struct sluice_string name = text;
    struct sluice_string argument = {"", 0};
    if (open) {
        if (text.bytes[text.size - 1] != ')')
            return sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                               "`%s` lacks its closing parenthesis at the end", aggregate->text);
        name.size = (size_t)(open - text.bytes);
        argument.bytes = open + 1;
        argument.size = text.size - name.size - 2;
    }
    name = trim(name);
    argument = trim(argument);
    enum sluice_status status = find_function(host, name, aggregate, error);
    if (status != SLUICE_OK)
        return status;
    if (aggregate->function == AGG_COUNT && (!argument.size || is_text(argument, "*"))) {
        aggregate->function = AGG_COUNT_ROWS;
        aggregate->result = SLUICE_TYPE_INT64;
        return SLUICE_OK;
    }
    if (!argument.size)
        return sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                           "%.*s needs a column: %.*s(COLUMN)", (int)name.size, name.bytes,
                           (int)name.size, name.bytes);
    status = find_argument(host, argument, input, aggregate, error);
    return status == SLUICE_OK ? find_result(host, aggregate, error) : status;
}

enum sluice_status aggregate_parse(const struct sluice_host *host,
                                   const struct agg_options *options, size_t index,
                                   const struct sluice_schema *input, struct aggregate *aggregate,
                                   struct sluice_error *error)
{
    *aggregate = (struct aggregate){
        .name = options->aggregates.keys[index],
        .text = options->aggregates.values[index] ? options->aggregates.values[index] : "",
        .input = -1,
    };
    enum sluice_status status = parse_expression(host, input, aggregate, error);
    for (size_t i = 0; status == SLUICE_OK && i < options->group_by.count; i++) {
        if (!strcmp(options->group_by.items[i], aggregate->name))
            status =
                sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                            "the output already has a column %s, from group_by", aggregate->name);
    }
    return status == SLUICE_OK ? status : point_at(host, error, aggregate->name);
}

size_t aggregate_state_size(const struct aggregate *aggregate)
{
    switch (aggregate->function) {
    case AGG_NONE:
        return 0;
    case AGG_COUNT_ROWS:
    case AGG_COUNT:
    case AGG_DISTINCT:
        return sizeof(int64_t);
    case AGG_SUM:
    case AGG_MEAN:
        return sizeof(struct sum_state);
    case AGG_MIN:
    case AGG_MAX:
        return aggregate->result == SLUICE_TYPE_STRING || aggregate->result == SLUICE_TYPE_BINARY
                   ? sizeof(struct extreme_bytes)
                   : sizeof(struct extreme_word);
    }
    return 0;
}
