/* SPDX-License-Identifier: Apache-2.0 */
/* A snapshot as text: Prometheus 0.0.4 or OpenMetrics 1.0.0. Pure. They differ in how a counter's
 * family is called, in UNIT and EOF lines, and in how bounds are written. */
#include "metrics/metrics.h"

#include "data/data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LABEL_BYTES_MAX = 256 };

static const char *const content_types[] = {
    [EXPOSITION_PROMETHEUS] = "text/plain; version=0.0.4; charset=utf-8",
    [EXPOSITION_OPENMETRICS] = "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

const char *exposition_content_type(enum exposition_format format)
{
    return content_types[format];
}

/* ---- Accept ---- */

static double read_quality(const char *range, size_t size)
{
    double quality = 1;
    for (size_t i = 0; i + 3 < size; i++) {
        bool is_parameter = range[i] == ';' || range[i] == ' ';
        if (is_parameter && range[i + 1] == 'q' && range[i + 2] == '=') {
            size_t digits = strspn(range + i + 3, "0123456789.");
            digits = digits < size - i - 3 ? digits : size - i - 3;
            if (!parse_float64(range + i + 3, digits, &quality)) {
                quality = 0;
            }
        }
    }
    return quality;
}

static bool begins_with(const char *text, size_t size, const char *prefix)
{
    return size >= strlen(prefix) && strncmp(text, prefix, strlen(prefix)) == 0;
}

enum exposition_format exposition_choose(const char *accept)
{
    double open = 0;
    double plain = 0;
    while (accept && *accept) {
        accept += strspn(accept, " \t,");
        size_t size = strcspn(accept, ",");
        double quality = read_quality(accept, size);
        if (begins_with(accept, size, "application/openmetrics-text")) {
            open = quality > open ? quality : open;
        } else if (begins_with(accept, size, "text/plain") || begins_with(accept, size, "*/*") ||
                   begins_with(accept, size, "text/*")) {
            plain = quality > plain ? quality : plain;
        }
        accept += size;
    }
    return open > 0 && open >= plain ? EXPOSITION_OPENMETRICS : EXPOSITION_PROMETHEUS;
}

/* ---- pieces ---- */

static void append_number(struct text *text, double value)
{
    const double exact = 9007199254740992.0; /* 2^53 */
    char plain[32];
    if (isnan(value)) {
        text_append(text, "NaN");
    } else if (isinf(value)) {
        text_append(text, value > 0 ? "+Inf" : "-Inf");
    } else if (value == floor(value) && fabs(value) < exact) {
        text_printf(text, "%.0f", value == 0 ? 0.0 : value);
    } else {
        text_append_bytes(text, plain, format_float64(value, plain));
    }
}

/* Texts of ours and of plugins: one line, backslashes escaped. OpenMetrics escapes quotes, too. */
static void append_help(struct text *text, const char *help, bool escapes_quotes)
{
    for (; *help; help++) {
        if (*help == '\\' || (*help == '"' && escapes_quotes)) {
            text_append_char(text, '\\');
        }
        text_append_char(text, (unsigned char)*help < 0x20 ? ' ' : *help);
    }
}

/* Bytes of the whole characters of `value` that fit; *is_text: all of them are UTF-8. */
static size_t fitting_size(const char *value, bool *is_text)
{
    size_t size = strlen(value);
    *is_text = is_utf8(value, size);
    if (size <= LABEL_BYTES_MAX) {
        return size;
    }
    size = LABEL_BYTES_MAX;
    while (size > 0 && ((unsigned char)value[size] & 0xC0) == 0x80) {
        size--;
    }
    return size;
}

static void append_label_value(struct text *text, const char *value)
{
    bool is_text = true;
    size_t size = fitting_size(value, &is_text);
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)value[i];
        if (byte == '\n') {
            text_append(text, "\\n");
        } else if (byte == '"' || byte == '\\') {
            text_printf(text, "\\%c", byte);
        } else if (byte < 0x20 || byte == 0x7F || (byte >= 0x80 && !is_text)) {
            text_append_char(text, '?');
        } else {
            text_append_char(text, (char)byte);
        }
    }
}

static void append_labels(struct text *text, const struct metric_samples *samples,
                          const struct metric_sample *sample, const char *bound)
{
    const char *const *names = samples->family.labels;
    bool has_any = names[0] || bound;
    if (!has_any) {
        return;
    }
    text_append_char(text, '{');
    for (size_t i = 0; names[i]; i++) {
        text_printf(text, "%s%s=\"", i ? "," : "", names[i]);
        append_label_value(text, sample->labels[i]);
        text_append_char(text, '"');
    }
    if (bound) {
        text_printf(text, "%sle=\"%s\"", names[0] ? "," : "", bound);
    }
    text_append_char(text, '}');
}

static void append_sample(struct text *text, const struct metric_samples *samples,
                          const struct metric_sample *sample, const char *suffix, double value)
{
    text_printf(text, "%s%s", samples->family.name, suffix);
    append_labels(text, samples, sample, NULL);
    text_append_char(text, ' ');
    append_number(text, value);
    text_append_char(text, '\n');
}

/* OpenMetrics wants bounds as it writes floats: 1.0, not 1. Prometheus takes them so, too. */
static void print_bound(double bound, struct text *text)
{
    text_clear(text);
    append_number(text, bound);
    if (bound == floor(bound)) {
        text_append(text, ".0");
    }
}

static void append_histogram(struct text *text, const struct metric_samples *samples,
                             const struct metric_sample *sample)
{
    const struct metric_family *family = &samples->family;
    struct text bound = {0};
    for (size_t i = 0; i <= family->bound_count; i++) {
        if (i < family->bound_count) {
            print_bound(family->bounds[i], &bound);
        }
        text_printf(text, "%s_bucket", family->name);
        append_labels(text, samples, sample, i < family->bound_count ? text_get(&bound) : "+Inf");
        text_printf(text, " %llu\n", (unsigned long long)sample->buckets[i]);
    }
    text->has_failed = text->has_failed || bound.has_failed;
    text_reset(&bound);
    append_sample(text, samples, sample, "_sum", sample->value);
    append_sample(text, samples, sample, "_count", (double)sample->buckets[family->bound_count]);
}

/* ---- families ---- */

static const char *kind_word(enum sluice_metric_kind kind)
{
    return kind == SLUICE_METRIC_COUNTER     ? "counter"
           : kind == SLUICE_METRIC_HISTOGRAM ? "histogram"
                                             : "gauge";
}

static bool ends_with(const char *text, size_t size, const char *ending)
{
    size_t length = strlen(ending);
    return size > length && strncmp(text + size - length, ending, length) == 0 &&
           text[size - length - 1] == '_';
}

static void append_head(struct text *text, const struct metric_family *family,
                        enum exposition_format format)
{
    bool is_open = format == EXPOSITION_OPENMETRICS;
    size_t size = strlen(family->name);
    if (is_open && family->kind == SLUICE_METRIC_COUNTER && ends_with(family->name, size, "total")) {
        size -= strlen("_total");
    }
    int shown = (int)size;
    text_printf(text, "# HELP %.*s ", shown, family->name);
    append_help(text, family->text ? family->text : "", is_open);
    text_printf(text, "\n# TYPE %.*s %s\n", shown, family->name, kind_word(family->kind));
    /* A unit is told where the name ends in it, as OpenMetrics demands. */
    if (is_open && family->unit && ends_with(family->name, size, family->unit)) {
        text_printf(text, "# UNIT %.*s %s\n", shown, family->name, family->unit);
    }
}

void exposition_append(const struct snapshot *snapshot, enum exposition_format format,
                       struct text *text)
{
    for (size_t i = 0; i < snapshot->family_count; i++) {
        const struct metric_samples *samples = &snapshot->families[i];
        append_head(text, &samples->family, format);
        for (size_t k = 0; k < samples->count; k++) {
            const struct metric_sample *sample = &samples->samples[k];
            if (samples->family.kind == SLUICE_METRIC_HISTOGRAM) {
                append_histogram(text, samples, sample);
            } else {
                append_sample(text, samples, sample, "", sample->value);
            }
        }
    }
    if (format == EXPOSITION_OPENMETRICS) {
        text_append(text, "# EOF\n");
    }
}
