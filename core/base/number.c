/* SPDX-License-Identifier: Apache-2.0 */
/* Decimal text to numbers: strict, without locale surprises for the common case. */
#include "base/base.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

static bool are_digits(const char *bytes, size_t size)
{
    size_t at = 0;
    while (at < size && is_digit(bytes[at])) {
        at++;
    }
    return at == size;
}

bool parse_int64(const char *bytes, size_t size, int64_t *value)
{
    *value = 0;
    size_t at = size > 0 && (bytes[0] == '-' || bytes[0] == '+') ? 1 : 0;
    bool is_negative = at == 1 && bytes[0] == '-';
    if (at == size) {
        return false;
    }
    /* Counts downwards, where INT64_MIN fits. */
    int64_t sum = 0;
    for (; at < size; at++) {
        if (!is_digit(bytes[at]) || __builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_sub_overflow(sum, bytes[at] - '0', &sum)) {
            return false;
        }
    }
    if (!is_negative && sum == INT64_MIN) {
        return false;
    }
    *value = is_negative ? sum : -sum;
    return true;
}

/* What stands in the text: sign, up to 19 digits, power of ten. */
struct decimal {
    uint64_t digits;
    int64_t exponent;
    int digit_count; /* significant ones in `digits` */
    bool is_negative;
    bool is_truncated;
};

/* Reads digits up to the first other byte; returns where it stopped. */
static size_t read_digits(const char *bytes, size_t size, size_t at, bool is_fraction,
                          struct decimal *decimal)
{
    for (; at < size && is_digit(bytes[at]); at++) {
        if (decimal->digit_count < 19) {
            decimal->digits = decimal->digits * 10 + (uint64_t)(bytes[at] - '0');
            decimal->digit_count += decimal->digits > 0;
            decimal->exponent -= is_fraction;
        } else {
            decimal->is_truncated = true;
            decimal->exponent += !is_fraction;
        }
    }
    return at;
}

/* The grammar [+-] digits [. digits] [e [+-] digits], at least one digit before the e. */
static bool read_decimal(const char *bytes, size_t size, struct decimal *decimal)
{
    size_t at = size > 0 && (bytes[0] == '-' || bytes[0] == '+') ? 1 : 0;
    decimal->is_negative = at == 1 && bytes[0] == '-';
    size_t start = at;
    at = read_digits(bytes, size, at, false, decimal);
    size_t count = at - start;
    if (at < size && bytes[at] == '.') {
        start = ++at;
        at = read_digits(bytes, size, at, true, decimal);
        count += at - start;
    }
    if (count == 0) {
        return false;
    }
    if (at < size && (bytes[at] == 'e' || bytes[at] == 'E')) {
        int64_t exponent = 0;
        at++;
        if (!parse_int64(bytes + at, size - at, &exponent)) {
            /* Only a huge exponent may fail here: digits all the way. */
            size_t from = at + (at < size && (bytes[at] == '-' || bytes[at] == '+'));
            if (from == size || !are_digits(bytes + from, size - from)) {
                return false;
            }
            exponent = bytes[at] == '-' ? INT32_MIN : INT32_MAX;
        }
        exponent = exponent > INT32_MAX ? INT32_MAX : exponent;
        decimal->exponent += exponent < INT32_MIN ? INT32_MIN : exponent;
        at = size;
    }
    return at == size;
}

static bool parse_slowly(const char *bytes, size_t size, double *value)
{
    char small[128];
    char *copy = size < sizeof(small) ? small : malloc(size + 1);
    if (!copy) {
        return false;
    }
    memcpy(copy, bytes, size);
    copy[size] = '\0';
    char *end = NULL;
    double parsed = strtod(copy, &end);
    bool is_whole = end == copy + size;
    if (copy != small) {
        free(copy);
    }
    if (!is_whole || isinf(parsed)) {
        return false;
    }
    *value = parsed;
    return true;
}

bool parse_float64(const char *bytes, size_t size, double *value)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    *value = 0;
    struct decimal decimal = {0};
    if (!read_decimal(bytes, size, &decimal)) {
        return false;
    }
    /* Clinger's fast path: both operands are exact, so one operation rounds correctly. */
    if (!decimal.is_truncated && decimal.digits <= (UINT64_C(1) << 53) && decimal.exponent >= -22 &&
        decimal.exponent <= 22) {
        double digits = (double)decimal.digits;
        double magnitude = decimal.exponent < 0 ? digits / powers[-decimal.exponent]
                                                : digits * powers[decimal.exponent];
        *value = decimal.is_negative ? -magnitude : magnitude;
        return true;
    }
    return parse_slowly(bytes, size, value);
}
