/* SPDX-License-Identifier: Apache-2.0 */
/* A series is found without a lock: lists only grow, at their heads, and what is in them stays. Only
 * the first value of a new one takes the table's lock. */
#include "metrics/numbers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HEADS = 64 };

struct series {
    struct series *next; /* constant once the series can be found */
    uint64_t hash;
    atomic_bool is_set;
    atomic_uint_least64_t bits; /* of a double */
    struct histogram *histogram;
    const char *labels[METRIC_LABELS_MAX + 1]; /* into `text` */
    char text[];
};

struct series_row {
    size_t label_count;
    _Atomic(struct series *) heads[HEADS];
    size_t count; /* guarded by the table's lock */
};

struct series_table {
    size_t row_count;
    const struct sluice_metric *metrics;
    struct series_row *rows;
    atomic_uint_least64_t left_out;
    pthread_mutex_t lock;
};

static const double seconds_bounds[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                        0.5,   1,      2.5,   5,    10,    30,   60};

size_t series_bounds(const struct sluice_metric *row, const double **bounds)
{
    bool has_own = row->bounds && row->bound_count > 0;
    *bounds = has_own ? row->bounds : seconds_bounds;
    return has_own ? row->bound_count : sizeof(seconds_bounds) / sizeof(*seconds_bounds);
}

struct series_table *series_create(const struct sluice_metric *rows, size_t row_count)
{
    struct series_table *table = calloc(1, sizeof(*table));
    if (!table) {
        return NULL;
    }
    pthread_mutex_init(&table->lock, NULL);
    table->metrics = rows;
    table->rows = calloc(row_count + 1, sizeof(*table->rows));
    if (!table->rows) {
        series_destroy(table);
        return NULL;
    }
    table->row_count = row_count;
    for (size_t i = 0; i < row_count; i++) {
        while (rows[i].labels && rows[i].labels[table->rows[i].label_count]) {
            table->rows[i].label_count++;
        }
    }
    return table;
}

static void free_list(struct series *series)
{
    while (series) {
        struct series *next = series->next;
        free(series->histogram);
        free(series);
        series = next;
    }
}

void series_destroy(struct series_table *table)
{
    if (!table) {
        return;
    }
    for (size_t i = 0; i < table->row_count; i++) {
        for (size_t head = 0; head < HEADS; head++) {
            free_list(atomic_load(&table->rows[i].heads[head]));
        }
    }
    pthread_mutex_destroy(&table->lock);
    free(table->rows);
    free(table);
}

static const char *label_of(const char *const *labels, size_t index)
{
    return labels && labels[index] ? labels[index] : "";
}

/* FNV-1a, each value with its end. */
static uint64_t hash_labels(const char *const *labels, size_t count)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < count; i++) {
        const char *at = label_of(labels, i);
        do {
            hash = (hash ^ (unsigned char)*at) * 0x100000001b3u;
        } while (*at++);
    }
    return hash;
}

static bool is_same(const struct series *series, const char *const *labels, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(series->labels[i], label_of(labels, i)) != 0) {
            return false;
        }
    }
    return true;
}

static struct series *look_up(const struct series_row *row, uint64_t hash,
                              const char *const *labels)
{
    struct series *series = atomic_load_explicit(&row->heads[hash % HEADS], memory_order_acquire);
    while (series && (series->hash != hash || !is_same(series, labels, row->label_count))) {
        series = series->next;
    }
    return series;
}

static struct series *create_series(const struct sluice_metric *metric, size_t label_count,
                                    const char *const *labels)
{
    size_t size = 0;
    for (size_t i = 0; i < label_count; i++) {
        size += strlen(label_of(labels, i)) + 1;
    }
    struct series *series = calloc(1, sizeof(*series) + size + 1);
    if (!series) {
        return NULL;
    }
    char *at = series->text;
    for (size_t i = 0; i < label_count; i++) {
        size_t length = strlen(label_of(labels, i)) + 1;
        memcpy(at, label_of(labels, i), length);
        series->labels[i] = at;
        at += length;
    }
    if (metric->kind == SLUICE_METRIC_HISTOGRAM) {
        series->histogram = calloc(1, sizeof(*series->histogram));
        if (!series->histogram) {
            free(series);
            return NULL;
        }
    }
    return series;
}

/* Another thread may have been faster; then it is that one's. */
static struct series *insert(struct series_table *table, size_t index, uint64_t hash,
                             const char *const *labels)
{
    struct series_row *row = &table->rows[index];
    pthread_mutex_lock(&table->lock);
    struct series *series = look_up(row, hash, labels);
    if (!series && row->count < SERIES_PER_ROW_MAX) {
        series = create_series(&table->metrics[index], row->label_count, labels);
        if (series) {
            series->hash = hash;
            series->next = atomic_load(&row->heads[hash % HEADS]);
            atomic_store_explicit(&row->heads[hash % HEADS], series, memory_order_release);
            row->count++;
        }
    }
    pthread_mutex_unlock(&table->lock);
    return series;
}

/* NULL, and counted, where there can be none. */
static struct series *find_series(struct series_table *table, size_t index,
                                  const char *const *labels)
{
    if (!table) {
        return NULL;
    }
    struct series *series = NULL;
    if (index < table->row_count) {
        const struct series_row *row = &table->rows[index];
        uint64_t hash = row->label_count ? hash_labels(labels, row->label_count) : 0;
        series = look_up(row, hash, labels);
        if (!series) {
            series = insert(table, index, hash, labels);
        }
    }
    if (!series) {
        atomic_fetch_add_explicit(&table->left_out, 1, memory_order_relaxed);
    }
    return series;
}

static bool is_of_kind(const struct series_table *table, size_t row, enum sluice_metric_kind kind)
{
    return table && row < table->row_count && table->metrics[row].kind == kind;
}

void series_add(struct series_table *table, size_t row, const char *const *labels, double value)
{
    /* A counter never goes down. */
    bool is_counter = is_of_kind(table, row, SLUICE_METRIC_COUNTER);
    if (isnan(value) || is_of_kind(table, row, SLUICE_METRIC_HISTOGRAM) ||
        (is_counter && value < 0)) {
        return;
    }
    struct series *series = find_series(table, row, labels);
    if (series) {
        add_to_double(&series->bits, value);
        atomic_store_explicit(&series->is_set, true, memory_order_relaxed);
    }
}

void series_set(struct series_table *table, size_t row, const char *const *labels, double value)
{
    if (!is_of_kind(table, row, SLUICE_METRIC_GAUGE)) {
        return;
    }
    struct series *series = find_series(table, row, labels);
    if (!series) {
        return;
    }
    if (!isnan(value)) {
        atomic_store_explicit(&series->bits, bits_of(value), memory_order_relaxed);
    }
    atomic_store_explicit(&series->is_set, !isnan(value), memory_order_relaxed);
}

void series_observe(struct series_table *table, size_t row, const char *const *labels,
                    double value)
{
    if (isnan(value) || !is_of_kind(table, row, SLUICE_METRIC_HISTOGRAM)) {
        return;
    }
    struct series *series = find_series(table, row, labels);
    if (series) {
        const double *bounds = NULL;
        size_t count = series_bounds(&table->metrics[row], &bounds);
        histogram_add(series->histogram, bounds, count, value, 1);
        atomic_store_explicit(&series->is_set, true, memory_order_relaxed);
    }
}

void series_clear_gauges(struct series_table *table)
{
    for (size_t row = 0; table && row < table->row_count; row++) {
        bool is_gauge = is_of_kind(table, row, SLUICE_METRIC_GAUGE);
        for (size_t head = 0; is_gauge && head < HEADS; head++) {
            struct series *series = atomic_load(&table->rows[row].heads[head]);
            for (; series; series = series->next) {
                atomic_store_explicit(&series->is_set, false, memory_order_relaxed);
                atomic_store_explicit(&series->bits, 0, memory_order_relaxed);
            }
        }
    }
}

uint64_t series_left_out(const struct series_table *table)
{
    return table ? atomic_load_explicit(&table->left_out, memory_order_relaxed) : 0;
}

void series_visit(const struct series_table *table,
                  void (*visit)(void *user, size_t row, const char *const *labels, double value,
                                const struct histogram *histogram),
                  void *user)
{
    for (size_t row = 0; table && row < table->row_count; row++) {
        for (size_t head = 0; head < HEADS; head++) {
            const struct series *series =
                atomic_load_explicit(&table->rows[row].heads[head], memory_order_acquire);
            for (; series; series = series->next) {
                if (atomic_load_explicit(&series->is_set, memory_order_relaxed)) {
                    uint64_t bits = atomic_load_explicit(&series->bits, memory_order_relaxed);
                    visit(user, row, series->labels, double_of(bits), series->histogram);
                }
            }
        }
    }
}
