/* SPDX-License-Identifier: Apache-2.0 */
/* splitmix64, xoshiro256**, series for log and exp, and alias tables; see the header. */
#include "random.h"

#include <math.h>

/* splitmix64: spreads a seed over the generator's state. */
static uint64_t spread(uint64_t *seed)
{
    uint64_t mixed = *seed += UINT64_C(0x9E3779B97F4A7C15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94D049BB133111EB);
    return mixed ^ mixed >> 31;
}

void random_init(struct random *random, uint64_t seed, uint64_t purpose)
{
    uint64_t state = seed;
    state = spread(&state) + purpose;
    for (int i = 0; i < 4; i++)
        random->state[i] = spread(&state);
}

static uint64_t rotate(uint64_t bits, int by)
{
    return bits << by | bits >> (64 - by);
}

/* xoshiro256** */
uint64_t random_next(struct random *random)
{
    uint64_t *s = random->state;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate(s[3], 45);
    return result;
}

uint32_t random_below(struct random *random, uint32_t limit)
{
    return (uint32_t)((random_next(random) >> 32) * limit >> 32);
}

bool random_chance(struct random *random, uint64_t threshold)
{
    return random_next(random) >> 32 < threshold;
}

uint64_t chance_threshold(double share)
{
    return (uint64_t)(share * 4294967296.0);
}

double portable_log(double x)
{
    const double ln2 = 0.693147180559945309417;
    int exponent;
    double mantissa = frexp(x, &exponent);
    if (mantissa < 0.70710678118654752440) {
        mantissa *= 2;
        exponent--;
    }
    double t = (mantissa - 1) / (mantissa + 1);
    double power = t;
    double sum = 0;
    for (int i = 1; i < 27; i += 2) {
        sum += power / i;
        power *= t * t;
    }
    return 2 * sum + exponent * ln2;
}

double portable_exp(double x)
{
    const double ln2 = 0.693147180559945309417;
    double whole = floor(x / ln2 + 0.5);
    double rest = x - whole * ln2;
    double term = 1;
    double sum = 1;
    for (int i = 1; i < 20; i++) {
        term *= rest / i;
        sum += term;
    }
    return ldexp(sum, (int)whole);
}

/* Vose's method: slots short of their share are filled up by one that has more. */
static void fill_slots(struct alias_table *table, double *shares, uint32_t *queue)
{
    uint32_t count = table->count;
    uint32_t small_count = 0;
    uint32_t large_begin = count;
    for (uint32_t i = count; i-- > 0;) {
        if (shares[i] < 1)
            queue[small_count++] = i;
        else
            queue[--large_begin] = i;
    }
    while (small_count && large_begin < count) {
        uint32_t small = queue[--small_count];
        uint32_t large = queue[large_begin];
        table->slots[small] = (struct alias_slot){(uint32_t)(shares[small] * 4294967295.0), large};
        shares[large] -= 1 - shares[small];
        if (shares[large] < 1) {
            large_begin++;
            queue[small_count++] = large;
        }
    }
    /* What is left is full, but for rounding. */
    while (small_count)
        table->slots[queue[--small_count]].threshold = UINT32_MAX;
    for (; large_begin < count; large_begin++)
        table->slots[queue[large_begin]].threshold = UINT32_MAX;
}

bool alias_create(const struct sluice_host *host, const double *weights, uint32_t count,
                  struct alias_table *table)
{
    *table = (struct alias_table){.count = count};
    table->slots = sluice_alloc(host, count * sizeof(*table->slots));
    double *shares = sluice_alloc(host, count * sizeof(*shares));
    uint32_t *queue = sluice_alloc(host, count * sizeof(*queue));
    bool has_memory = table->slots && shares && queue;
    if (has_memory) {
        double total = 0;
        for (uint32_t i = 0; i < count; i++)
            total += weights[i];
        for (uint32_t i = 0; i < count; i++) {
            shares[i] = weights[i] * count / total;
            table->slots[i].other = i;
        }
        fill_slots(table, shares, queue);
    }
    sluice_free(host, shares);
    sluice_free(host, queue);
    return has_memory;
}

bool alias_create_zipf(const struct sluice_host *host, double exponent, uint32_t count,
                       struct alias_table *table)
{
    *table = (struct alias_table){0};
    double *weights = sluice_alloc(host, count * sizeof(*weights));
    if (!weights)
        return false;
    for (uint32_t i = 0; i < count; i++)
        weights[i] = portable_exp(-exponent * portable_log(i + 1.0));
    bool has_memory = alias_create(host, weights, count, table);
    sluice_free(host, weights);
    return has_memory;
}

uint32_t alias_draw(const struct alias_table *table, struct random *random)
{
    uint64_t bits = random_next(random);
    uint32_t index = (uint32_t)((bits >> 32) * table->count >> 32);
    const struct alias_slot *slot = &table->slots[index];
    return (uint32_t)bits <= slot->threshold ? index : slot->other;
}
