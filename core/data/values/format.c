/* SPDX-License-Identifier: Apache-2.0 */
/* Values to text. LC_NUMERIC is "C" in this process. */
#include "data/data.h"
#include "data/values/calendar.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char digit_pairs[] = "00010203040506070809101112131415161718192021222324"
                                  "25262728293031323334353637383940414243444546474849"
                                  "50515253545556575859606162636465666768697071727374"
                                  "75767778798081828384858687888990919293949596979899";

/* Writes the digits so that they end before `end`; returns where they start. */
static char *write_digits(uint64_t value, char *end)
{
    while (value >= 100) {
        end -= 2;
        memcpy(end, digit_pairs + value % 100 * 2, 2);
        value /= 100;
    }
    if (value >= 10) {
        end -= 2;
        memcpy(end, digit_pairs + value * 2, 2);
    } else {
        *--end = (char)('0' + value);
    }
    return end;
}

/* Exactly `width` digits. */
static char *write_padded(uint64_t value, int width, char *at)
{
    for (int i = width; i-- > 0; value /= 10) {
        at[i] = (char)('0' + value % 10);
    }
    return at + width;
}

size_t format_int64(int64_t value, char text[24])
{
    char digits[24];
    char *end = digits + sizeof(digits);
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    char *start = write_digits(magnitude, end);
    if (value < 0) {
        *--start = '-';
    }
    size_t size = (size_t)(end - start);
    memcpy(text, start, size);
    text[size] = '\0';
    return size;
}

__extension__ typedef unsigned __int128 wide;

static const uint64_t powers[] = {
    1,
    10,
    100,
    1000,
    10000,
    100000,
    1000000,
    10000000,
    100000000,
    1000000000,
    10000000000,
    100000000000,
    1000000000000,
    10000000000000,
    100000000000000,
    1000000000000000,
    10000000000000000,
    100000000000000000,
    1000000000000000000,
    10000000000000000000u,
};

/* Decimals that give a number of [1e-4, 1e15) 17 significant digits. The constants below one are
 * doubles above the powers that they stand for, so that no number is taken for a longer one. */
static int count_places(double magnitude)
{
    if (magnitude >= 1) {
        char digits[24];
        return 17 - (int)format_int64((int64_t)magnitude, digits);
    }
    return magnitude >= 0.1 ? 17 : magnitude >= 0.01 ? 18 : magnitude >= 0.001 ? 19 : 20;
}

/* `digits` with a point before the last `places` of them, without zeros at the end. */
static size_t write_decimal(bool is_negative, uint64_t digits, int places, char text[32])
{
    char *at = text;
    if (is_negative) {
        *at++ = '-';
    }
    while (places > 0 && digits % 10 == 0) {
        digits /= 10;
        places--;
    }
    /* `digits` has at most 17 digits. */
    uint64_t whole = places < 18 ? digits / powers[places] : 0;
    at += format_int64((int64_t)whole, at);
    if (places > 0) {
        *at++ = '.';
        at = write_padded(places < 18 ? digits % powers[places] : digits, places, at);
    }
    *at = '\0';
    return (size_t)(at - text);
}

/* Shortest text of numbers of [1e-4, 1e15), by exact arithmetic. The number is m / 2^shift with
 * m < 2^53; times 10^places it fits 128 bits. Rounded to 15, 16 or 17 digits it reads back as the
 * same number if it moved by less than half the distance to the next double, 1 / 2^(shift + 1).
 * (Below a power of two doubles are closer, but those of the range are exact in 15 digits.)
 * 0 where the number is outside the range. */
static size_t format_exact(double value, char text[32])
{
    double magnitude = fabs(value);
    if (!(magnitude >= 1e-4 && magnitude < 1e15)) {
        return 0;
    }
    int exponent;
    uint64_t mantissa = (uint64_t)ldexp(frexp(magnitude, &exponent), 53);
    int shift = 53 - exponent;
    int places = count_places(magnitude);
    wide power = places < 20 ? powers[places] : (wide)powers[19] * 10;
    wide scaled = mantissa * power;
    uint64_t whole = (uint64_t)(scaled >> shift);
    wide fraction = scaled - ((wide)whole << shift);
    uint64_t step = 100;
    for (int dropped = 2; dropped >= 0; dropped--, step /= 10) {
        wide unit = (wide)step << shift;
        wide below = ((wide)(whole % step) << shift) + fraction;
        bool is_up = below * 2 >= unit;
        wide moved = is_up ? unit - below : below;
        if (moved * 2 < power || dropped == 0) {
            return write_decimal(value < 0, whole / step + is_up, places - dropped, text);
        }
    }
    return 0;
}

static size_t format_integer(double value, char text[32])
{
    if (!(fabs(value) < 1e15) || value != (double)(int64_t)value) {
        return 0;
    }
    if (value == 0 && signbit(value)) {
        memcpy(text, "-0", 3);
        return 2;
    }
    return format_int64((int64_t)value, text);
}

size_t format_float64(double value, char text[32])
{
    if (isnan(value)) {
        memcpy(text, "NaN", 4);
        return 3;
    }
    if (isinf(value)) {
        memcpy(text, value < 0 ? "-Infinity" : "Infinity", value < 0 ? 10 : 9);
        return value < 0 ? 9 : 8;
    }
    size_t size = format_integer(value, text);
    if (size == 0) {
        size = format_exact(value, text);
    }
    /* 17 digits always suffice, 15 always survive the way through a double; subnormal numbers have
     * fewer. */
    for (int precision = fabs(value) < DBL_MIN ? 1 : 15; size == 0 && precision <= 17;
         precision++) {
        int length = snprintf(text, 32, "%.*g", precision, value);
        if (precision == 17 || strtod(text, NULL) == value) {
            size = (size_t)length;
        }
    }
    return size;
}

static char *write_pair(int value, char *at)
{
    memcpy(at, digit_pairs + value * 2, 2);
    return at + 2;
}

/* ".123" or ".123456", nothing for none. */
static char *write_fraction(int microsecond, char *at)
{
    if (microsecond == 0) {
        return at;
    }
    int millisecond = microsecond / 1000;
    int rest = microsecond % 1000;
    *at++ = '.';
    *at++ = (char)('0' + millisecond / 100);
    at = write_pair(millisecond % 100, at);
    if (rest != 0) {
        *at++ = (char)('0' + rest / 100);
        at = write_pair(rest % 100, at);
    }
    return at;
}

size_t format_timestamp(int64_t value_us, char text[40])
{
    struct civil_time civil;
    civil_of_us(value_us, &civil);
    char *at = text;
    if (civil.year >= 0 && civil.year <= 9999) {
        at = write_pair((int)(civil.year / 100), at);
        at = write_pair((int)(civil.year % 100), at);
    } else { /* ISO 8601's expanded form: a sign and six digits */
        *at++ = civil.year < 0 ? '-' : '+';
        at = write_padded((uint64_t)(civil.year < 0 ? -civil.year : civil.year), 6, at);
    }
    memcpy(at, "-00-00T00:00:00", 15);
    write_pair(civil.month, at + 1);
    write_pair(civil.day, at + 4);
    write_pair(civil.hour, at + 7);
    write_pair(civil.minute, at + 10);
    write_pair(civil.second, at + 13);
    at = write_fraction(civil.microsecond, at + 15);
    *at++ = 'Z';
    *at = '\0';
    return (size_t)(at - text);
}

void format_value(const struct sluice_column *column, int64_t row, struct text *text)
{
    char plain[40];
    if (sluice_column_is_null(column, row)) {
        return;
    }
    switch (column->type) {
    case SLUICE_TYPE_BOOL:
        text_append(text, sluice_column_bool(column, row) ? "true" : "false");
        return;
    case SLUICE_TYPE_INT64:
        text_append_bytes(text, plain, format_int64(sluice_column_int64(column, row), plain));
        return;
    case SLUICE_TYPE_FLOAT64:
        text_append_bytes(text, plain, format_float64(sluice_column_float64(column, row), plain));
        return;
    case SLUICE_TYPE_TIMESTAMP:
        text_append_bytes(text, plain, format_timestamp(sluice_column_int64(column, row), plain));
        return;
    case SLUICE_TYPE_STRING:
    case SLUICE_TYPE_BINARY: {
        struct sluice_string string = sluice_column_string(column, row);
        text_append_bytes(text, string.bytes, string.size);
        return;
    }
    case SLUICE_TYPE_NONE:
        return;
    }
}
