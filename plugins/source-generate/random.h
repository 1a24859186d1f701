/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers and weighted choices that are the same on every machine. */
#ifndef SLUICE_GENERATE_RANDOM_H
#define SLUICE_GENERATE_RANDOM_H

#include <sluice/plugin.h>

struct random {
    uint64_t state[4];
};

/* Different purposes of one seed get independent numbers. */
void random_init(struct random *random, uint64_t seed, uint64_t purpose);
uint64_t random_next(struct random *random);
uint32_t random_below(struct random *random, uint32_t limit); /* 0 .. limit - 1 */
/* True with a share of threshold / 2^32. */
bool random_chance(struct random *random, uint64_t threshold);
uint64_t chance_threshold(double share);

/* The same on every machine; for x > 0. */
double portable_log(double x);
double portable_exp(double x);

/* Walker's alias table: one draw from n weighted choices in constant time. */
struct alias_slot {
    uint32_t threshold;
    uint32_t other;
};
struct alias_table {
    uint32_t count;
    struct alias_slot *slots;
};
/* False without memory. */
bool alias_create(const struct sluice_host *host, const double *weights, uint32_t count,
                  struct alias_table *table);
bool alias_create_zipf(const struct sluice_host *host, double exponent, uint32_t count,
                       struct alias_table *table);
uint32_t alias_draw(const struct alias_table *table, struct random *random);

#endif
