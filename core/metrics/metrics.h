/* SPDX-License-Identifier: Apache-2.0 */
/* Room metrics: what a process tells of itself in numbers.
 *
 *     counters where the work is done (relaxed atomics) ─┐
 *     series of plugins (series.c) ──────────────────────┤ collectors
 *     the operating system's view (process.c) ───────────┘    │ registry_collect
 *                                                             ▼
 *                              snapshot: families ─▶ samples ─▶ exposition.c: text for Prometheus
 *                                                             ─▶ whoever else wants numbers
 *
 * Nothing is pushed and nothing is kept twice: a family is a constant row of a table beside the code
 * that counts, its values are read when somebody asks. A snapshot is a copy: it owns all of its text
 * and may be kept, compared and freed on any thread. Writers take no lock, but for the first value of
 * a plugin's series.
 *
 * Names follow Prometheus: base units (seconds, bytes), the unit in the name, `_total` for counters.
 * A family's name is the one of its samples; OpenMetrics' family name is made from it. */
#ifndef SLUICE_METRICS_METRICS_H
#define SLUICE_METRICS_METRICS_H

#include "base/base.h"

#include <sluice/plugin.h>

enum { HISTOGRAM_BOUNDS_MAX = 24, METRIC_LABELS_MAX = 8 };

struct metric_family {
    const char *name;
    enum sluice_metric_kind kind;
    const char *unit;          /* NULL: none */
    const char *text;          /* one sentence */
    const char *const *labels; /* NULL-terminated names; NULL: none */
    const double *bounds;      /* histogram: upper bounds, rising, without infinity */
    size_t bound_count;
};

/* ---- histograms: any thread ---- */

struct histogram {
    atomic_uint_least64_t counts[HISTOGRAM_BOUNDS_MAX + 1]; /* by bucket, not added up */
    atomic_uint_least64_t sum_bits;                         /* of a double */
};

/* `weight` observations of the same value. */
void histogram_observe(struct histogram *histogram, const struct metric_family *family, double value,
                       uint64_t weight);

/* ---- snapshot ---- */

struct metric_sample {
    const char *const *labels; /* values, in the order of the family's names */
    double value;              /* counter, gauge; histogram: sum */
    const uint64_t *buckets;   /* histogram: bound_count + 1, added up: the last one is the count */
};

struct metric_samples {
    struct metric_family family; /* a copy; its text is the snapshot's */
    size_t count;
    struct metric_sample *samples;
    size_t capacity;
};

struct snapshot {
    int64_t taken_ms; /* wall clock */
    size_t family_count;
    struct metric_samples *families; /* by name */
    size_t family_capacity;
    struct arena *arena;
    bool has_failed; /* memory ran out: something is missing */
};

struct snapshot *snapshot_create(void); /* NULL without memory */
void snapshot_destroy(struct snapshot *snapshot); /* NULL is allowed */
/* For collectors. `labels`: one value for each name of the family. A value that is not a number says
 * that there is none: nothing is added. */
void snapshot_add(struct snapshot *snapshot, const struct metric_family *family,
                  const char *const *labels, double value);
void snapshot_add_histogram(struct snapshot *snapshot, const struct metric_family *family,
                            const char *const *labels, const struct histogram *histogram);
/* NULL: no such family has a sample. */
const struct metric_samples *snapshot_find(const struct snapshot *snapshot, const char *name);
/* The value of a sample's label; NULL where the family has none of that name. */
const char *sample_label(const struct metric_samples *samples, size_t index, const char *name);

/* ---- registry: who is asked for a snapshot; set up before the first collect ---- */

enum { COLLECTORS_MAX = 8 };

struct registry {
    size_t count;
    struct {
        void (*collect)(void *user, struct snapshot *snapshot);
        void *user;
    } collectors[COLLECTORS_MAX];
};

void registry_add(struct registry *registry, void (*collect)(void *user, struct snapshot *snapshot),
                  void *user);
/* A new snapshot, families sorted by name. NULL without memory. Any thread, several at once. */
struct snapshot *registry_collect(const struct registry *registry);

/* ---- series: the values of a component's own metrics ---- */

/* What component_family() gives has this behind the labels of the step. */
enum { SERIES_PER_ROW_MAX = 10000 };

struct series_table; /* one a step: a value for each row and set of labels */

/* NULL without memory. `rows` must outlive it. */
struct series_table *series_create(const struct sluice_metric *rows, size_t row_count);
void series_destroy(struct series_table *table); /* NULL is allowed */
/* Any thread; a row or labels beyond the bounds are counted and left out. NULL is allowed. */
void series_add(struct series_table *table, size_t row, const char *const *labels, double value);
void series_set(struct series_table *table, size_t row, const char *const *labels, double value);
void series_observe(struct series_table *table, size_t row, const char *const *labels,
                    double value);
/* Gauges have no value until they are set again. */
void series_clear_gauges(struct series_table *table);
uint64_t series_left_out(const struct series_table *table);
/* Calls back with each series that has a value: `histogram` for those, else NULL. */
void series_visit(const struct series_table *table,
                  void (*visit)(void *user, size_t row, const char *const *labels, double value,
                                const struct histogram *histogram),
                  void *user);
/* Upper bounds of a row: its own, or those that fit seconds. */
size_t series_bounds(const struct sluice_metric *row, const double **bounds);

/* ---- exposition ---- */

enum exposition_format { EXPOSITION_PROMETHEUS = 0, EXPOSITION_OPENMETRICS };

/* What an Accept header asks for; NULL: the first. */
enum exposition_format exposition_choose(const char *accept);
const char *exposition_content_type(enum exposition_format format);
void exposition_append(const struct snapshot *snapshot, enum exposition_format format,
                       struct text *text);

/* ---- process.c ---- */

/* CPU, memory, descriptors, threads, start; under Prometheus' usual names. */
void process_collect(void *user, struct snapshot *snapshot);

#endif
