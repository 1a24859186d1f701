/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers that many threads add to without a lock. */
#ifndef SLUICE_METRICS_NUMBERS_H
#define SLUICE_METRICS_NUMBERS_H

#include "metrics/metrics.h"

/* A double kept in an atomic word. */
double double_of(uint64_t bits);
uint64_t bits_of(double value);
void add_to_double(atomic_uint_least64_t *bits, double value);

/* histogram_observe() for bounds that belong to no family. At most HISTOGRAM_BOUNDS_MAX of them. */
void histogram_add(struct histogram *histogram, const double *bounds, size_t bound_count,
                   double value, uint64_t weight);

#endif
