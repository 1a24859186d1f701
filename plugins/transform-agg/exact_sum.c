/* SPDX-License-Identifier: Apache-2.0 */
/* Exact sums; see the header. */
#include "exact_sum.h"

#include <math.h>
#include <string.h>

enum {
    DIGIT_COUNT = 70, /* bit 0 of digit 0 is 2^-1074, the last bit of the smallest double */
    LOWEST_EXPONENT = -1074,
    FIXED_EXPONENT = -72, /* of bit 0 of the 128-bit number */
    MANTISSA_BITS = 53,
    MAX_PENDING = 1 << 29 /* additions of up to 2^33 to a digit before carries must move */
};

struct wide_sum {
    int64_t digits[DIGIT_COUNT];
    int64_t pending;
    bool has_nan;
    bool has_plus_infinity;
    bool has_minus_infinity;
};

static __int128 get_fixed(const struct exact_sum *sum)
{
    return (__int128)(((unsigned __int128)(uint64_t)sum->high << 64) | sum->low);
}

static void set_fixed(struct exact_sum *sum, __int128 value)
{
    sum->low = (uint64_t)value;
    sum->high = (int64_t)((unsigned __int128)value >> 64);
}

static bool need_wide(const struct sluice_host *host, struct exact_sum *sum)
{
    if (!sum->wide) {
        sum->wide = sluice_alloc(host, sizeof(*sum->wide));
        if (sum->wide)
            *sum->wide = (struct wide_sum){.pending = 0};
    }
    return sum->wide != NULL;
}

/* Moves carries up; every digit but the last ends in 0 .. 2^32 - 1. */
static void settle_carries(struct wide_sum *wide)
{
    int64_t carry = 0;
    for (int i = 0; i < DIGIT_COUNT; i++) {
        int64_t digit = wide->digits[i] + carry;
        carry = i + 1 < DIGIT_COUNT ? digit >> 32 : 0;
        wide->digits[i] = digit - carry * (INT64_C(1) << 32);
    }
    wide->pending = 0;
}

/* Adds magnitude * 2^exponent with a sign. */
static void add_wide(struct wide_sum *wide, unsigned __int128 magnitude, int exponent,
                     bool is_negative)
{
    int bit = exponent - LOWEST_EXPONENT;
    int digit = bit / 32;
    int shift = bit % 32;
    uint64_t carried = 0;
    for (; magnitude || carried; digit++, magnitude >>= 32) {
        uint64_t part = ((uint64_t)(uint32_t)magnitude << shift) + carried;
        int64_t low = (int64_t)(uint32_t)part;
        carried = part >> 32;
        wide->digits[digit] += is_negative ? -low : low;
    }
    if (++wide->pending == MAX_PENDING)
        settle_carries(wide);
}

static void add_fixed_to_wide(struct wide_sum *wide, __int128 fixed)
{
    unsigned __int128 magnitude = fixed < 0 ? -(unsigned __int128)fixed : (unsigned __int128)fixed;
    add_wide(wide, magnitude, FIXED_EXPONENT, fixed < 0);
}

static bool add_unusual(const struct sluice_host *host, struct exact_sum *sum, double value,
                        uint64_t mantissa, int exponent)
{
    if (!need_wide(host, sum))
        return false;
    if (isnan(value))
        sum->wide->has_nan = true;
    else if (isinf(value) && value > 0)
        sum->wide->has_plus_infinity = true;
    else if (isinf(value))
        sum->wide->has_minus_infinity = true;
    else
        add_wide(sum->wide, mantissa, exponent, value < 0);
    return true;
}

bool exact_sum_add(const struct sluice_host *host, struct exact_sum *sum, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    uint64_t mantissa = bits & ((UINT64_C(1) << (MANTISSA_BITS - 1)) - 1);
    int biased = (int)(bits >> (MANTISSA_BITS - 1)) & 0x7ff;
    if (biased)
        mantissa |= UINT64_C(1) << (MANTISSA_BITS - 1);
    else
        biased = 1;
    int exponent = biased - 1 + LOWEST_EXPONENT;
    int shift = exponent - FIXED_EXPONENT;
    if (!mantissa)
        return true;
    if (shift < 0 || shift > 126 - MANTISSA_BITS) {
        /* A short fraction may still be a multiple of 2^-72. */
        int zeros = __builtin_ctzll(mantissa);
        if (shift > 0 || zeros < -shift)
            return add_unusual(host, sum, value, mantissa, exponent);
        mantissa >>= -shift;
        shift = 0;
    }
    __int128 term = (__int128)mantissa << shift;
    __int128 total;
    if (value < 0)
        term = -term;
    if (__builtin_add_overflow(get_fixed(sum), term, &total)) {
        if (!need_wide(host, sum))
            return false;
        add_fixed_to_wide(sum->wide, get_fixed(sum));
        total = term;
    }
    set_fixed(sum, total);
    return true;
}

void exact_sum_add_int64(struct exact_sum *sum, int64_t value)
{
    set_fixed(sum, get_fixed(sum) + value);
}

void exact_sum_reset(const struct sluice_host *host, struct exact_sum *sum)
{
    sluice_free(host, sum->wide);
    *sum = (struct exact_sum){0};
}

/* The leading 97 to 128 bits of the sum's magnitude, the last one set where anything follows. */
struct leading {
    unsigned __int128 bits;
    int exponent;
    bool is_negative;
};

static struct leading lead_wide(const struct exact_sum *sum)
{
    struct wide_sum wide = *sum->wide;
    add_fixed_to_wide(&wide, get_fixed(sum));
    settle_carries(&wide);
    struct leading leading = {.is_negative = wide.digits[DIGIT_COUNT - 1] < 0};
    if (leading.is_negative) {
        for (int i = 0; i < DIGIT_COUNT; i++)
            wide.digits[i] = -wide.digits[i];
        settle_carries(&wide);
    }
    int top = DIGIT_COUNT - 1;
    while (top > 3 && !wide.digits[top])
        top--;
    for (int i = top; i > top - 4; i--)
        leading.bits = leading.bits << 32 | (uint32_t)wide.digits[i];
    for (int i = 0; i <= top - 4; i++)
        leading.bits |= wide.digits[i] != 0;
    leading.exponent = 32 * (top - 3) + LOWEST_EXPONENT;
    return leading;
}

static struct leading lead(const struct exact_sum *sum)
{
    if (sum->wide)
        return lead_wide(sum);
    __int128 fixed = get_fixed(sum);
    return (struct leading){
        .bits = fixed < 0 ? -(unsigned __int128)fixed : (unsigned __int128)fixed,
        .exponent = FIXED_EXPONENT,
        .is_negative = fixed < 0,
    };
}

/* True where the sum is not a number on the line. */
static bool is_special(const struct exact_sum *sum, double *value)
{
    const struct wide_sum *wide = sum->wide;
    if (!wide || !(wide->has_nan || wide->has_plus_infinity || wide->has_minus_infinity))
        return false;
    if (wide->has_nan || (wide->has_plus_infinity && wide->has_minus_infinity))
        *value = NAN;
    else
        *value = wide->has_plus_infinity ? INFINITY : -INFINITY;
    return true;
}

double exact_sum_value(const struct exact_sum *sum)
{
    double value;
    if (is_special(sum, &value))
        return value;
    struct leading leading = lead(sum);
    value = ldexp((double)leading.bits, leading.exponent);
    return leading.is_negative ? -value : value;
}

double exact_sum_mean(const struct exact_sum *sum, int64_t count)
{
    double value;
    if (is_special(sum, &value))
        return value;
    struct leading leading = lead(sum);
    value = (double)ldexpl((long double)leading.bits / (long double)count, leading.exponent);
    return leading.is_negative ? -value : value;
}

double exact_sum_mean_int64(const struct exact_sum *sum, int64_t count)
{
    return (double)((long double)get_fixed(sum) / (long double)count);
}

bool exact_sum_int64(const struct exact_sum *sum, int64_t *value)
{
    *value = (int64_t)sum->low;
    return get_fixed(sum) == *value;
}
