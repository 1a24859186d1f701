/* SPDX-License-Identifier: Apache-2.0 */
/* Option tables as help text and as Markdown. */
#include "pipeline/reference/kinds.h"

#include <string.h>

static const char *const kind_names[] = {
    [SLUICE_OPTION_NONE] = "?",
    [SLUICE_OPTION_STRING] = "text",
    [SLUICE_OPTION_SECRET] = "secret",
    [SLUICE_OPTION_PATH] = "path",
    [SLUICE_OPTION_BOOL] = "true or false",
    [SLUICE_OPTION_INT] = "whole number",
    [SLUICE_OPTION_FLOAT] = "number",
    [SLUICE_OPTION_SIZE] = "size",
    [SLUICE_OPTION_DURATION] = "duration",
    [SLUICE_OPTION_TIMESTAMP] = "timestamp",
    [SLUICE_OPTION_ENUM] = "one of",
    [SLUICE_OPTION_STRINGS] = "list of texts",
    [SLUICE_OPTION_MAP] = "mapping of texts",
    [SLUICE_OPTION_COLUMN] = "column",
    [SLUICE_OPTION_COLUMNS] = "list of columns",
    [SLUICE_OPTION_TEMPLATE] = "template",
    [SLUICE_OPTION_SCHEMA] = "schema",
    [SLUICE_OPTION_CODEC] = "codec",
};

const char *option_kind_name(enum sluice_option_kind kind)
{
    size_t count = sizeof(kind_names) / sizeof(kind_names[0]);
    return (size_t)kind < count && kind_names[kind] ? kind_names[kind] : "?";
}

struct capability_text {
    unsigned capability;
    const char *text;
};

/* What a capability means to whoever writes a pipeline file. */
static const struct capability_text capability_texts[] = {
    {SLUICE_STATELESS, "Stateless: copies run side by side."},
    {SLUICE_PARALLEL, "Runs in every lane of a flow with `every` or `after`."},
    {SLUICE_PROJECTS, "Leaves out columns that no later step reads."},
    {SLUICE_BATCH_ONLY, "For flows with `every` or `after` only: its state has no snapshot yet."},
    {SLUICE_CONTINUOUS_ONLY, "For continuous flows only."},
    {SLUICE_MULTI_LANE_SINK, "Runs in every lane."},
};

static const char *guarantee(const struct component *component)
{
    if (component->kind != SLUICE_KIND_SINK)
        return NULL;
    return component->capabilities & SLUICE_EXACTLY_ONCE
               ? "Delivery: exactly once."
               : "Delivery: at least once; after a crash rows may come twice.";
}

static const char *lanes_text(const struct component *component, size_t index)
{
    const struct capability_text *text = &capability_texts[index];
    return component->capabilities & text->capability ? text->text : NULL;
}

#define CAPABILITY_COUNT (sizeof(capability_texts) / sizeof(capability_texts[0]))

/* "duration, required" · "one of `a`, `b`, default `a`". `quote` stands around values. */
static void print_kind(const struct sluice_option *row, const char *quote, struct text *text)
{
    text_append(text, option_kind_name(row->kind));
    for (size_t i = 0; row->kind == SLUICE_OPTION_ENUM && row->allowed && row->allowed[i]; i++)
        text_printf(text, "%s %s%s%s", i ? "," : "", quote, row->allowed[i], quote);
    bool is_number = row->kind == SLUICE_OPTION_INT || row->kind == SLUICE_OPTION_FLOAT;
    if (row->unit && is_number)
        text_printf(text, " (%s)", row->unit);
    if (row->is_secret && row->kind != SLUICE_OPTION_SECRET)
        text_append(text, ", secret");
    if (row->is_required)
        text_append(text, ", required");
    else if (row->default_text && *row->default_text)
        text_printf(text, ", default %s%s%s", quote, row->default_text, quote);
}

static void print_range(const struct sluice_option *row, struct text *text)
{
    if (row->kind != SLUICE_OPTION_INT || (row->minimum == 0 && row->maximum == 0))
        return;
    if (row->maximum < row->minimum || row->maximum == INT64_MAX)
        text_printf(text, ", at least %lld", (long long)row->minimum);
    else
        text_printf(text, ", %lld to %lld", (long long)row->minimum, (long long)row->maximum);
}

void reference_print_text(const struct component *component, struct text *text)
{
    text_printf(text, "%s (%s)\n  %s\n", component->name, kind_name(component->kind),
                component->summary);
    if (guarantee(component))
        text_printf(text, "  %s\n", guarantee(component));
    for (size_t i = 0; i < CAPABILITY_COUNT; i++) {
        if (lanes_text(component, i))
            text_printf(text, "  %s\n", lanes_text(component, i));
    }
    text_printf(text, "  Plugin %s %s (%s), %s\n", component->plugin_name,
                component->plugin_version, component->plugin_licence, component->path);
    text_append(text, component->option_count ? "\nOptions\n" : "\nIt takes no options.\n");
    for (size_t i = 0; i < component->option_count; i++) {
        const struct sluice_option *row = &component->options[i];
        text_printf(text, "  %s: ", row->name);
        print_kind(row, "", text);
        print_range(row, text);
        text_printf(text, "\n      %s\n", row->text);
        if (row->example)
            text_printf(text, "      Example: %s: %s\n", row->name, row->example);
    }
    if (component->metric_count)
        text_append(text, "\nMetrics\n");
    for (size_t i = 0; i < component->metric_count; i++) {
        text_append(text, "  ");
        component_metric_name(component, i, text);
        text_printf(text, ": %s\n", component->metrics[i].text);
    }
}

static const char *const metric_kind_names[] = {
    [SLUICE_METRIC_NONE] = "",
    [SLUICE_METRIC_COUNTER] = "counter",
    [SLUICE_METRIC_GAUGE] = "gauge",
    [SLUICE_METRIC_HISTOGRAM] = "histogram",
};

/* A table cell: a bar would end it. */
static void print_cell(const char *cell, struct text *text)
{
    for (; *cell; cell++) {
        if (*cell == '|')
            text_append_char(text, '\\');
        text_append_char(text, *cell == '\n' ? ' ' : *cell);
    }
}

void reference_print_markdown(const struct component *component, struct text *text)
{
    text_printf(text, "# %s\n\n%s\n", component->name, component->summary);
    if (guarantee(component))
        text_printf(text, "\n%s\n", guarantee(component));
    for (size_t i = 0; i < CAPABILITY_COUNT; i++) {
        if (lanes_text(component, i))
            text_printf(text, "\n%s\n", lanes_text(component, i));
    }
    text_append(text, "\n## Options\n\n");
    if (component->option_count)
        text_append(text, "| Option | Value | Meaning | Example |\n|---|---|---|---|\n");
    else
        text_append(text, "None.\n");
    for (size_t i = 0; i < component->option_count; i++) {
        const struct sluice_option *row = &component->options[i];
        struct text kind = {0};
        print_kind(row, "`", &kind);
        print_range(row, &kind);
        text_printf(text, "| `%s` | ", row->name);
        print_cell(text_get(&kind), text);
        text_append(text, " | ");
        print_cell(row->text, text);
        text_append(text, row->example ? " | `" : " | ");
        print_cell(row->example ? row->example : "", text);
        text_append(text, row->example ? "` |\n" : "|\n");
        text->has_failed = text->has_failed || kind.has_failed;
        text_reset(&kind);
    }
    if (component->metric_count)
        text_append(text, "\n## Metrics\n\nBeside [those of every step](metrics.md).\n\n| Metric | "
                          "Kind | Labels | Unit | Meaning |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < component->metric_count; i++) {
        const struct sluice_metric *metric = &component->metrics[i];
        text_append(text, "| `");
        component_metric_name(component, i, text);
        text_printf(text, "` | %s | ", metric_kind_names[metric->kind]);
        for (size_t k = 0; metric->labels && metric->labels[k]; k++)
            text_printf(text, "%s`%s`", k ? ", " : "", metric->labels[k]);
        text_printf(text, " | %s | ", metric->unit ? metric->unit : "");
        print_cell(metric->text, text);
        text_append(text, " |\n");
    }
}
