/* SPDX-License-Identifier: Apache-2.0 */
/* Hash and order of rows. Equal values hash equally whatever their encoding: -0 and 0 are one
 * value, all NaNs are one value (after every number). */
#include "data/batch.h"
#include "data/hash.h"

#include <math.h>
#include <string.h>

static const uint64_t null_hash = UINT64_C(0x9E6C63D0876A9A47);

uint64_t hash_bytes(const void *bytes, size_t size)
{
    return hash_here(bytes, size);
}

/* Both halves of a 64 × 64 bit product, folded. */
static uint64_t fold(uint64_t one, uint64_t other)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)one * other;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_word(uint64_t word)
{
    return fold(word ^ UINT64_C(0xA0761D6478BD642F), UINT64_C(0xE7037ED1A0B428DB)) ^ word;
}

/* Order matters: (a, b) and (b, a) differ. */
static uint64_t combine(uint64_t hash, uint64_t next)
{
    return fold(hash ^ UINT64_C(0x8EBC6AF09C88C6E3), UINT64_C(0x589965CC75374CC3)) +
           next * UINT64_C(0x9E3779B97F4A7C15);
}

static uint64_t hash_float64(double value)
{
    uint64_t word;
    value = value == 0 ? 0 : isnan(value) ? (double)NAN : value;
    memcpy(&word, &value, sizeof(word));
    return hash_word(word);
}

static uint64_t hash_string(const struct sluice_column *column, int64_t row)
{
    if (column->codes && column->hashes) {
        return column->hashes[column->codes[row]];
    }
    struct sluice_string string = sluice_column_string(column, row);
    return hash_bytes(string.bytes, string.size);
}

static uint64_t hash_value(const struct sluice_column *column, int64_t row)
{
    if (sluice_column_is_null(column, row)) {
        return null_hash;
    }
    switch (column->type) {
    case SLUICE_TYPE_BOOL:
        return hash_word(sluice_column_bool(column, row));
    case SLUICE_TYPE_INT64:
    case SLUICE_TYPE_TIMESTAMP:
        return hash_word((uint64_t)sluice_column_int64(column, row));
    case SLUICE_TYPE_FLOAT64:
        return hash_float64(sluice_column_float64(column, row));
    case SLUICE_TYPE_STRING:
    case SLUICE_TYPE_BINARY:
        return hash_string(column, row);
    case SLUICE_TYPE_NONE:
        break;
    }
    return 0;
}

/* The loop of a frequent case without its branches: dictionary codes without nulls. */
static void hash_codes(const struct sluice_column *column, uint64_t *hashes)
{
    for (int64_t row = 0; row < column->length; row++) {
        hashes[row] = column->hashes[column->codes[row]];
    }
}

enum sluice_status batch_hash(const struct sluice_batch *batch, const int *columns,
                              size_t column_count, uint64_t *hashes, struct sluice_error *error)
{
    for (size_t i = 0; i < column_count; i++) {
        if (columns[i] < 0 || (size_t)columns[i] >= batch->column_count) {
            return error_set(error, SLUICE_FATAL, SLUICE_CODE_INTERNAL,
                             "column %d cannot be hashed: the batch has %zu columns", columns[i],
                             batch->column_count);
        }
    }
    if (column_count == 0) {
        memset(hashes, 0, (size_t)batch->rows * sizeof(*hashes));
    }
    for (size_t i = 0; i < column_count; i++) {
        const struct sluice_column *column = &batch->columns[columns[i]].view;
        if (i > 0) {
            for (int64_t row = 0; row < batch->rows; row++) {
                hashes[row] = combine(hashes[row], hash_value(column, row));
            }
        } else if (column->codes && column->hashes && !column->validity) {
            hash_codes(column, hashes);
        } else {
            for (int64_t row = 0; row < batch->rows; row++) {
                hashes[row] = hash_value(column, row);
            }
        }
    }
    return SLUICE_OK;
}

/* ---- order ---- */

static int compare_strings(const struct sluice_column *one, int64_t row,
                           const struct sluice_column *other, int64_t other_row)
{
    if (one->codes && other->codes && one->codes[row] == other->codes[other_row] &&
        one->offsets == other->offsets) {
        return 0; /* the same entry of the same dictionary */
    }
    struct sluice_string left = sluice_column_string(one, row);
    struct sluice_string right = sluice_column_string(other, other_row);
    size_t common = left.size < right.size ? left.size : right.size;
    int order = common > 0 ? memcmp(left.bytes, right.bytes, common) : 0;
    return order != 0 ? order : (left.size > right.size) - (left.size < right.size);
}

static int compare_floats(double left, double right)
{
    if (isnan(left) || isnan(right)) {
        return (isnan(left) != 0) - (isnan(right) != 0);
    }
    return (left > right) - (left < right);
}

static int compare_values(const struct sluice_column *one, int64_t row,
                          const struct sluice_column *other, int64_t other_row)
{
    bool is_null = sluice_column_is_null(one, row);
    bool is_other_null = sluice_column_is_null(other, other_row);
    if (is_null || is_other_null) {
        return is_other_null - is_null;
    }
    switch (one->type) {
    case SLUICE_TYPE_BOOL:
        return sluice_column_bool(one, row) - sluice_column_bool(other, other_row);
    case SLUICE_TYPE_INT64:
    case SLUICE_TYPE_TIMESTAMP: {
        int64_t left = sluice_column_int64(one, row);
        int64_t right = sluice_column_int64(other, other_row);
        return (left > right) - (left < right);
    }
    case SLUICE_TYPE_FLOAT64:
        return compare_floats(sluice_column_float64(one, row),
                              sluice_column_float64(other, other_row));
    case SLUICE_TYPE_STRING:
    case SLUICE_TYPE_BINARY:
        return compare_strings(one, row, other, other_row);
    case SLUICE_TYPE_NONE:
        break;
    }
    return 0;
}

int batch_compare(const struct sluice_batch *batch, int64_t row, const struct sluice_batch *other,
                  int64_t other_row, const int *columns, size_t column_count)
{
    int order = 0;
    for (size_t i = 0; i < column_count && order == 0; i++) {
        order = compare_values(&batch->columns[columns[i]].view, row,
                               &other->columns[columns[i]].view, other_row);
    }
    return order;
}
