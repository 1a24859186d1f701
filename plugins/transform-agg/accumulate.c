/* SPDX-License-Identifier: Apache-2.0 */
/* One batch into the states of one aggregate, column at a time. Distinct values and extremes have
 * files of their own. */
#include "agg.h"

static struct sum_state *sum_of(const struct aggregate *aggregate, char *record)
{
    return (struct sum_state *)(void *)(record + aggregate->offset);
}

static int64_t *count_of(const struct aggregate *aggregate, char *record)
{
    return (int64_t *)(void *)(record + aggregate->offset);
}

static void count_rows(const struct aggregate *aggregate, int64_t rows, char *const *records)
{
    for (int64_t row = 0; row < rows; row++)
        ++*count_of(aggregate, records[row]);
}

static void count_values(const struct aggregate *aggregate, const struct sluice_column *column,
                         char *const *records)
{
    for (int64_t row = 0; row < column->length; row++)
        *count_of(aggregate, records[row]) += !sluice_column_is_null(column, row);
}

static void sum_int64(const struct aggregate *aggregate, const struct sluice_column *column,
                      char *const *records)
{
    for (int64_t row = 0; row < column->length; row++) {
        if (column->null_count && sluice_column_is_null(column, row))
            continue;
        struct sum_state *state = sum_of(aggregate, records[row]);
        exact_sum_add_int64(&state->sum, sluice_column_int64(column, row));
        state->count++;
    }
}

static enum sluice_status sum_float64(const struct sluice_host *host,
                                      const struct aggregate *aggregate,
                                      const struct sluice_column *column, char *const *records,
                                      struct sluice_error *error)
{
    for (int64_t row = 0; row < column->length; row++) {
        if (column->null_count && sluice_column_is_null(column, row))
            continue;
        struct sum_state *state = sum_of(aggregate, records[row]);
        if (!exact_sum_add(host, &state->sum, sluice_column_float64(column, row)))
            return fail_over_budget(host, error, "the sums of its groups");
        state->count++;
    }
    return SLUICE_OK;
}

enum sluice_status accumulate(const struct sluice_host *host, const struct aggregate *aggregate,
                              const struct agg_rows *rows, struct sluice_error *error)
{
    char *const *records = rows->records;
    struct sluice_column column = {.length = sluice_batch_rows(host, rows->batch)};
    if (aggregate->argument)
        sluice_batch_column(host, rows->batch, aggregate->input, &column);
    switch (aggregate->function) {
    case AGG_NONE:
        break;
    case AGG_COUNT_ROWS:
        count_rows(aggregate, column.length, records);
        break;
    case AGG_COUNT:
        count_values(aggregate, &column, records);
        break;
    case AGG_SUM:
    case AGG_MEAN:
        if (column.type == SLUICE_TYPE_FLOAT64)
            return sum_float64(host, aggregate, &column, records, error);
        sum_int64(aggregate, &column, records);
        break;
    case AGG_MIN:
    case AGG_MAX:
        return accumulate_extreme(host, aggregate, &column, records, error);
    case AGG_DISTINCT:
        return distinct_add(aggregate->distinct, aggregate, rows, error);
    }
    return SLUICE_OK;
}

void accumulate_release(const struct sluice_host *host, const struct aggregate *aggregate,
                        char *record)
{
    bool is_sum = aggregate->function == AGG_SUM || aggregate->function == AGG_MEAN;
    bool is_extreme = aggregate->function == AGG_MIN || aggregate->function == AGG_MAX;
    bool is_bytes =
        aggregate->result == SLUICE_TYPE_STRING || aggregate->result == SLUICE_TYPE_BINARY;
    if (is_sum)
        exact_sum_reset(host, &sum_of(aggregate, record)->sum);
    if (is_extreme && is_bytes)
        sluice_free(host, ((struct extreme_bytes *)(void *)(record + aggregate->offset))->bytes);
}
