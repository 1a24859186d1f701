/* SPDX-License-Identifier: Apache-2.0 */
/* A sum of doubles without any rounding before its end, so that it does not depend on the order.
 *
 * Nearly every value fits a 128-bit fixed-point number that counts in 2^-72. What does not (very
 * large, very small, NaN, infinities) goes to 70 digits of 32 bits, made at first need, that span
 * all doubles. For integers the 128 bits are the sum itself. */
#ifndef SLUICE_AGG_EXACT_SUM_H
#define SLUICE_AGG_EXACT_SUM_H

#include <sluice/plugin.h>

struct wide_sum;

/* Zeroed is 0. */
struct exact_sum {
    uint64_t low;
    int64_t high;
    struct wide_sum *wide;
};

/* False without memory. */
bool exact_sum_add(const struct sluice_host *host, struct exact_sum *sum, double value);
void exact_sum_add_int64(struct exact_sum *sum, int64_t value);
void exact_sum_reset(const struct sluice_host *host, struct exact_sum *sum);

/* The sum as a double, rounded once. */
double exact_sum_value(const struct exact_sum *sum);
/* The sum of doubles, or of integers, over count; rounded in the extended precision of long
 * double, then once more. */
double exact_sum_mean(const struct exact_sum *sum, int64_t count);
double exact_sum_mean_int64(const struct exact_sum *sum, int64_t count);
/* False where the sum of integers is not an int64. */
bool exact_sum_int64(const struct exact_sum *sum, int64_t *value);

#endif
