/* SPDX-License-Identifier: Apache-2.0 */
/* min and max of any type: strings bytewise, false before true, NaN after all numbers. */
#include "agg.h"

#include <string.h>

static int compare_words(enum sluice_type type, int64_t one, int64_t other)
{
    if (type != SLUICE_TYPE_FLOAT64)
        return (one > other) - (one < other);
    double a, b;
    memcpy(&a, &one, sizeof(a));
    memcpy(&b, &other, sizeof(b));
    if (a == 0.0 && b == 0.0) /* -0.0 before 0.0, so that the answer has one sign */
        return (one >= 0) - (other >= 0);
    return float64_compare(a, b);
}

static int64_t column_word(const struct sluice_column *column, int64_t row)
{
    if (column->type == SLUICE_TYPE_BOOL)
        return sluice_column_bool(column, row);
    int64_t word;
    memcpy(&word, (const int64_t *)column->values + row, sizeof(word));
    return word;
}

static void add_words(const struct aggregate *aggregate, const struct sluice_column *column,
                      char *const *records)
{
    int sign = aggregate->function == AGG_MAX ? 1 : -1;
    for (int64_t row = 0; row < column->length; row++) {
        if (column->null_count && sluice_column_is_null(column, row))
            continue;
        struct extreme_word *state =
            (struct extreme_word *)(void *)(records[row] + aggregate->offset);
        int64_t word = column_word(column, row);
        if (state->has_value && sign * compare_words(column->type, word, state->word) <= 0)
            continue;
        *state = (struct extreme_word){word, true};
    }
}

static int compare_bytes(struct sluice_string one, const struct extreme_bytes *other)
{
    size_t shorter = one.size < other->size ? one.size : other->size;
    int order = shorter ? memcmp(one.bytes, other->bytes, shorter) : 0;
    return order ? order : (one.size > other->size) - (one.size < other->size);
}

static bool keep_bytes(const struct sluice_host *host, struct extreme_bytes *state,
                       struct sluice_string value)
{
    if (!state->bytes || value.size > state->capacity) {
        char *bytes = sluice_resize(host, state->bytes, value.size + 1);
        if (!bytes)
            return false;
        state->bytes = bytes;
        state->capacity = (uint32_t)value.size;
    }
    if (value.size)
        memcpy(state->bytes, value.bytes, value.size);
    state->size = (uint32_t)value.size;
    return true;
}

static enum sluice_status add_bytes(const struct sluice_host *host,
                                    const struct aggregate *aggregate,
                                    const struct sluice_column *column, char *const *records,
                                    struct sluice_error *error)
{
    int sign = aggregate->function == AGG_MAX ? 1 : -1;
    for (int64_t row = 0; row < column->length; row++) {
        if (column->null_count && sluice_column_is_null(column, row))
            continue;
        struct extreme_bytes *state =
            (struct extreme_bytes *)(void *)(records[row] + aggregate->offset);
        struct sluice_string value = sluice_column_string(column, row);
        int order = state->bytes ? compare_bytes(value, state) : 1;
        if (state->bytes && (order > 0) - (order < 0) != sign)
            continue;
        if (!keep_bytes(host, state, value))
            return fail_over_budget(host, error, "the smallest and largest values of its groups");
    }
    return SLUICE_OK;
}

enum sluice_status accumulate_extreme(const struct sluice_host *host,
                                      const struct aggregate *aggregate,
                                      const struct sluice_column *column, char *const *records,
                                      struct sluice_error *error)
{
    if (column->type == SLUICE_TYPE_STRING || column->type == SLUICE_TYPE_BINARY)
        return add_bytes(host, aggregate, column, records, error);
    add_words(aggregate, column, records);
    return SLUICE_OK;
}
