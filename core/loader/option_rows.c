/* SPDX-License-Identifier: Apache-2.0 */
/* Option and metric rows: a wrong row would write outside the options struct or leave a gap in the
 * reference, so each is checked when the plugin is loaded, not when somebody uses it. */
#include "loader/negotiate.h"

#include <stdalign.h>
#include <string.h>

enum { ROWS_MAX = 1024, OPTIONS_SIZE_MAX = 1 << 20 };

static const struct grown_struct option_shape = {
    .what = "option rows",
    .first_size = offsetof(struct sluice_option, example) + sizeof(void *),
    .own_size = sizeof(struct sluice_option),
};

static const struct grown_struct metric_shape = {
    .what = "metric rows",
    .first_size = offsetof(struct sluice_metric, labels) + sizeof(void *),
    .own_size = sizeof(struct sluice_metric),
};

/* The registry's limits (core/metrics). */
enum { METRIC_LABELS = 8, METRIC_BOUNDS = 24 };

/* The C type that a kind of option writes. */
static const struct {
    size_t size;
    size_t alignment;
} written[] = {
    [SLUICE_OPTION_STRING] = {sizeof(char *), alignof(char *)},
    [SLUICE_OPTION_SECRET] = {sizeof(char *), alignof(char *)},
    [SLUICE_OPTION_PATH] = {sizeof(char *), alignof(char *)},
    [SLUICE_OPTION_BOOL] = {sizeof(bool), alignof(bool)},
    [SLUICE_OPTION_INT] = {sizeof(int64_t), alignof(int64_t)},
    [SLUICE_OPTION_FLOAT] = {sizeof(double), alignof(double)},
    [SLUICE_OPTION_SIZE] = {sizeof(int64_t), alignof(int64_t)},
    [SLUICE_OPTION_DURATION] = {sizeof(int64_t), alignof(int64_t)},
    [SLUICE_OPTION_TIMESTAMP] = {sizeof(int64_t), alignof(int64_t)},
    [SLUICE_OPTION_ENUM] = {sizeof(int), alignof(int)},
    [SLUICE_OPTION_STRINGS] = {sizeof(struct sluice_strings), alignof(struct sluice_strings)},
    [SLUICE_OPTION_MAP] = {sizeof(struct sluice_pairs), alignof(struct sluice_pairs)},
    [SLUICE_OPTION_COLUMN] = {sizeof(char *), alignof(char *)},
    [SLUICE_OPTION_COLUMNS] = {sizeof(struct sluice_strings), alignof(struct sluice_strings)},
    [SLUICE_OPTION_TEMPLATE] = {sizeof(void *), alignof(void *)},
    [SLUICE_OPTION_SCHEMA] = {sizeof(void *), alignof(void *)},
    [SLUICE_OPTION_CODEC] = {sizeof(void *), alignof(void *)},
};

/* Foreign rows of any size into rows of ours, the rest zero. NULL without memory. */
static void *copy_rows(struct arena *arena, const void *foreign, size_t their_size,
                       const struct grown_struct *shape, size_t count)
{
    char *rows = arena_alloc(arena, count * shape->own_size);
    for (size_t i = 0; rows && i < count; i++) {
        memcpy(rows + i * shape->own_size, (const char *)foreign + i * their_size, their_size);
    }
    return rows;
}

static enum sluice_status refuse_memory(const struct negotiation *talk)
{
    return error_set(talk->error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                     "no memory to load plugin %s", talk->path);
}

static enum sluice_status check_place(const struct negotiation *talk,
                                      const struct sluice_option *row, size_t options_size)
{
    size_t size = written[row->kind].size;
    if (row->offset > options_size || size > options_size - row->offset) {
        return negotiate_refuse(talk,
                                "option %s is written at byte %zu (%zu bytes), outside its "
                                "options struct of %zu bytes",
                                row->name, row->offset, size, options_size);
    }
    if (row->offset % written[row->kind].alignment != 0) {
        return negotiate_refuse(talk, "option %s is written at byte %zu, which is not aligned",
                                row->name, row->offset);
    }
    return SLUICE_OK;
}

static bool is_allowed(const struct sluice_option *row, const char *value)
{
    for (const char *const *allowed = row->allowed; *allowed; allowed++) {
        if (strcmp(*allowed, value) == 0) {
            return true;
        }
    }
    return false;
}

static enum sluice_status check_values(const struct negotiation *talk,
                                       const struct sluice_option *row)
{
    if (row->kind == SLUICE_OPTION_ENUM && (!row->allowed || !row->allowed[0])) {
        return negotiate_refuse(talk, "option %s is an enum without allowed values", row->name);
    }
    if (row->kind == SLUICE_OPTION_ENUM && row->default_text &&
        !is_allowed(row, row->default_text)) {
        return negotiate_refuse(talk, "option %s has a default that it does not allow: %s",
                                row->name, row->default_text);
    }
    if (row->minimum > row->maximum) {
        return negotiate_refuse(talk, "option %s has a minimum above its maximum", row->name);
    }
    if (row->is_required && row->default_text) {
        return negotiate_refuse(talk, "option %s is required, yet has a default", row->name);
    }
    if (!negotiate_is_text(row->text) || !negotiate_is_text(row->example)) {
        return negotiate_refuse(talk, "option %s lacks the %s", row->name,
                                negotiate_is_text(row->text) ? "example" : "text");
    }
    return SLUICE_OK;
}

static enum sluice_status check_option(const struct negotiation *talk,
                                       const struct sluice_option *row, size_t options_size)
{
    if (!negotiate_is_name(row->name, '_')) {
        return negotiate_refuse(talk,
                                "an option's name must be lower case letters, digits and "
                                "underscores: \"%.64s\"",
                                row->name ? row->name : "");
    }
    if (row->kind < SLUICE_OPTION_STRING || row->kind > SLUICE_OPTION_CODEC) {
        return negotiate_refuse(talk, "option %s has the unknown kind %d", row->name,
                                (int)row->kind);
    }
    enum sluice_status status = check_place(talk, row, options_size);
    return status == SLUICE_OK ? check_values(talk, row) : status;
}

/* Two rows with one name, or in each other's place. */
static enum sluice_status check_clash(const struct negotiation *talk,
                                      const struct sluice_option *rows, size_t index)
{
    const struct sluice_option *row = &rows[index];
    for (size_t i = 0; i < index; i++) {
        const struct sluice_option *earlier = &rows[i];
        if (strcmp(earlier->name, row->name) == 0) {
            return negotiate_refuse(talk, "option %s stands twice in its table", row->name);
        }
        bool is_apart = earlier->offset + written[earlier->kind].size <= row->offset ||
                        row->offset + written[row->kind].size <= earlier->offset;
        if (!is_apart) {
            return negotiate_refuse(talk, "options %s and %s are written to the same place",
                                    earlier->name, row->name);
        }
    }
    return SLUICE_OK;
}

enum sluice_status negotiate_options(const struct negotiation *talk,
                                     const struct sluice_component *theirs,
                                     struct component *component)
{
    if (theirs->options_size > OPTIONS_SIZE_MAX || theirs->option_count > ROWS_MAX) {
        return negotiate_refuse(talk, "it has %zu options in %zu bytes, which cannot be meant",
                                theirs->option_count, theirs->options_size);
    }
    component->options_size = theirs->options_size;
    if (theirs->option_count == 0) {
        return SLUICE_OK;
    }
    if (!theirs->options) {
        return negotiate_refuse(talk, "it counts %zu options, but has no table of them",
                                theirs->option_count);
    }
    enum sluice_status status = negotiate_size(talk, &option_shape, theirs->option_size);
    if (status != SLUICE_OK) {
        return status;
    }
    const struct sluice_option *rows = copy_rows(talk->arena, theirs->options, theirs->option_size,
                                                 &option_shape, theirs->option_count);
    if (!rows) {
        return refuse_memory(talk);
    }
    for (size_t i = 0; status == SLUICE_OK && i < theirs->option_count; i++) {
        status = check_option(talk, &rows[i], theirs->options_size);
        if (status == SLUICE_OK) {
            status = check_clash(talk, rows, i);
        }
    }
    component->options = rows;
    component->option_count = theirs->option_count;
    return status;
}

/* The core's own labels come first, and Prometheus keeps some for itself. */
static bool is_own_label(const char *name)
{
    static const char *const taken[] = {"pipeline", "flow", "step", "plugin", "le", "quantile"};
    for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++) {
        if (strcmp(name, taken[i]) == 0) {
            return false;
        }
    }
    return negotiate_is_name(name, '_');
}

static enum sluice_status check_labels(const struct negotiation *talk,
                                       const struct sluice_metric *row)
{
    for (size_t i = 0; row->labels && row->labels[i]; i++) {
        if (!is_own_label(row->labels[i])) {
            return negotiate_refuse(talk,
                                    "metric %s cannot have the label \"%.64s\": it takes lower case "
                                    "letters, digits and underscores, and pipeline, flow, step, "
                                    "plugin, le and quantile are taken",
                                    row->name, row->labels[i]);
        }
        if (i >= METRIC_LABELS) {
            return negotiate_refuse(talk, "metric %s has more than %d labels", row->name,
                                    METRIC_LABELS);
        }
    }
    return SLUICE_OK;
}

static enum sluice_status check_bounds(const struct negotiation *talk,
                                       const struct sluice_metric *row)
{
    bool is_good = row->bound_count <= METRIC_BOUNDS && (row->bounds || row->bound_count == 0);
    for (size_t i = 1; is_good && i < row->bound_count; i++) {
        is_good = row->bounds[i] > row->bounds[i - 1];
    }
    return is_good ? SLUICE_OK
                   : negotiate_refuse(talk, "metric %s must have at most %d bounds, which rise",
                                      row->name, METRIC_BOUNDS);
}

static bool ends_in_total(const char *name)
{
    size_t size = strlen(name);
    return size > strlen("_total") && strcmp(name + size - strlen("_total"), "_total") == 0;
}

static enum sluice_status check_metric(const struct negotiation *talk,
                                       const struct sluice_metric *row)
{
    if (!negotiate_is_name(row->name, '_')) {
        return negotiate_refuse(talk,
                                "a metric's name must be lower case letters, digits and "
                                "underscores: \"%.64s\"",
                                row->name ? row->name : "");
    }
    if (row->kind < SLUICE_METRIC_COUNTER || row->kind > SLUICE_METRIC_HISTOGRAM) {
        return negotiate_refuse(talk, "metric %s has the unknown kind %d", row->name,
                                (int)row->kind);
    }
    if (!negotiate_is_text(row->unit) || !negotiate_is_text(row->text)) {
        return negotiate_refuse(talk, "metric %s lacks the %s", row->name,
                                negotiate_is_text(row->unit) ? "text" : "unit");
    }
    if (ends_in_total(row->name) != (row->kind == SLUICE_METRIC_COUNTER)) {
        return negotiate_refuse(talk, "metric %s: counters, and only they, end in _total",
                                row->name);
    }
    enum sluice_status status = check_labels(talk, row);
    return status == SLUICE_OK ? check_bounds(talk, row) : status;
}

enum sluice_status negotiate_metrics(const struct negotiation *talk,
                                     const struct sluice_component *theirs,
                                     struct component *component)
{
    if (theirs->metric_count == 0) {
        return SLUICE_OK;
    }
    if (!theirs->metrics || theirs->metric_count > ROWS_MAX) {
        return negotiate_refuse(talk, "it counts %zu metrics, but has no such table",
                                theirs->metric_count);
    }
    enum sluice_status status = negotiate_size(talk, &metric_shape, theirs->metric_size);
    if (status != SLUICE_OK) {
        return status;
    }
    const struct sluice_metric *rows = copy_rows(talk->arena, theirs->metrics, theirs->metric_size,
                                                 &metric_shape, theirs->metric_count);
    if (!rows) {
        return refuse_memory(talk);
    }
    for (size_t i = 0; status == SLUICE_OK && i < theirs->metric_count; i++) {
        status = check_metric(talk, &rows[i]);
    }
    component->metrics = rows;
    component->metric_count = theirs->metric_count;
    return status;
}
