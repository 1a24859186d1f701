/* SPDX-License-Identifier: Apache-2.0 */
/* Counts by bucket; adding up is the reader's work. */
#include "metrics/numbers.h"

#include <string.h>

double double_of(uint64_t bits)
{
    double value = 0;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

uint64_t bits_of(double value)
{
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

void add_to_double(atomic_uint_least64_t *bits, double value)
{
    uint64_t old = atomic_load_explicit(bits, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(bits, &old, bits_of(double_of(old) + value),
                                                  memory_order_relaxed, memory_order_relaxed)) {
    }
}

void histogram_add(struct histogram *histogram, const double *bounds, size_t bound_count,
                   double value, uint64_t weight)
{
    size_t bucket = 0;
    while (bucket < bound_count && value > bounds[bucket]) {
        bucket++;
    }
    atomic_fetch_add_explicit(&histogram->counts[bucket], weight, memory_order_relaxed);
    add_to_double(&histogram->sum_bits, value * (double)weight);
}

void histogram_observe(struct histogram *histogram, const struct metric_family *family, double value,
                       uint64_t weight)
{
    histogram_add(histogram, family->bounds, family->bound_count, value, weight);
}
