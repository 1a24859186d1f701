/* SPDX-License-Identifier: Apache-2.0 */
/* Groups to batches, in the order of their keys: null first, strings bytewise. */
#include "agg.h"

#include <stdio.h>
#include <string.h>

enum { BATCH_ROWS = 16384, BATCH_BYTES = 8 << 20 };

/* Fills one output column: from a key, or from an aggregate's state. */
struct result_column {
    size_t key;
    const struct aggregate *aggregate; /* NULL: the key */
};

struct result {
    const struct sluice_host *host;
    const struct group_table *groups;
    const struct sluice_strings *group_by;
    struct sluice_builder *builder;
    uint32_t *order; /* group numbers as they are to be sent */
    size_t column_count;
    struct result_column columns[];
};

/* Stable counting sorts by the keys' ranks, last key first. */
static enum sluice_status sort_by_key(struct result *result, size_t key, uint32_t *spare,
                                      struct sluice_error *error)
{
    const struct group_table *groups = result->groups;
    const struct value_ids *values = groups_key_values(groups, key);
    uint32_t count = groups_count(groups);
    size_t rank_count = (size_t)value_ids_count(values) + 1;
    uint32_t *ranks = sluice_alloc(result->host, (2 * rank_count + 1) * sizeof(*ranks));
    if (!ranks)
        return fail_over_budget(result->host, error, "sorting its groups");
    uint32_t *begins = ranks + rank_count;
    memset(begins, 0, (rank_count + 1) * sizeof(*begins));
    enum sluice_status status = value_ids_rank(values, ranks, error);
    if (status == SLUICE_OK) {
        for (uint32_t i = 0; i < count; i++)
            begins[ranks[record_key(groups_record(groups, i), key)] + 1]++;
        for (size_t rank = 0; rank < rank_count; rank++)
            begins[rank + 1] += begins[rank];
        for (uint32_t i = 0; i < count; i++) {
            uint32_t number = result->order[i];
            spare[begins[ranks[record_key(groups_record(groups, number), key)]]++] = number;
        }
        memcpy(result->order, spare, count * sizeof(*spare));
    }
    sluice_free(result->host, ranks);
    return status;
}

static enum sluice_status sort_groups(struct result *result, struct sluice_error *error)
{
    uint32_t count = groups_count(result->groups);
    uint32_t *spare = sluice_alloc(result->host, (count + 1) * sizeof(*spare));
    result->order = sluice_alloc(result->host, (count + 1) * sizeof(*result->order));
    enum sluice_status status = SLUICE_OK;
    if (!spare || !result->order)
        status = fail_over_budget(result->host, error, "sorting its groups");
    for (uint32_t i = 0; status == SLUICE_OK && i < count; i++)
        result->order[i] = i;
    for (size_t key = groups_key_count(result->groups); status == SLUICE_OK && key-- > 0;)
        status = sort_by_key(result, key, spare, error);
    sluice_free(result->host, spare);
    return status;
}

static void describe_value(const struct sluice_host *host, const struct sluice_field *field,
                           const struct value_ids *values, uint32_t id, struct sluice_error *error)
{
    if (!id) {
        sluice_error_because(host, error, "in the group where %s is null", field->name);
        return;
    }
    struct sluice_string value = value_ids_get(values, id);
    char text[64];
    if (field->type == SLUICE_TYPE_STRING) {
        int size = value.size > 200 ? 200 : (int)value.size;
        sluice_error_because(host, error, "in the group where %s is \"%.*s\"", field->name, size,
                             value.bytes);
        return;
    }
    int64_t word = 0;
    double number;
    memcpy(&word, value.bytes, value.size < sizeof(word) ? value.size : sizeof(word));
    memcpy(&number, &word, sizeof(number));
    if (field->type == SLUICE_TYPE_FLOAT64)
        sluice_format_float64(host, number, text);
    else if (field->type == SLUICE_TYPE_TIMESTAMP)
        sluice_format_timestamp(host, word, text);
    else if (field->type == SLUICE_TYPE_BINARY)
        snprintf(text, sizeof(text), "%zu bytes long", value.size);
    else
        snprintf(text, sizeof(text), "%lld", (long long)word);
    sluice_error_because(host, error, "in the group where %s is %s", field->name, text);
}

static enum sluice_status fail_overflow(const struct result *result,
                                        const struct aggregate *aggregate, const char *record,
                                        struct sluice_error *error)
{
    const struct sluice_host *host = result->host;
    const struct sluice_schema *input = sluice_input_schema(host);
    sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_NUMBER_RANGE,
                "%s: %s does not fit an int64; make the column a float64 or take its mean",
                aggregate->name, aggregate->text);
    for (size_t key = 0; key < result->group_by->count; key++) {
        int index = schema_index(input, result->group_by->items[key]);
        describe_value(host, sluice_schema_field(input, (size_t)index),
                       groups_key_values(result->groups, key), record_key(record, key), error);
    }
    return SLUICE_FATAL;
}

static enum sluice_status append_word(const struct result *result, int index, enum sluice_type type,
                                      int64_t word)
{
    if (type == SLUICE_TYPE_BOOL)
        return sluice_builder_bool(result->host, result->builder, index, word != 0);
    if (type != SLUICE_TYPE_FLOAT64)
        return sluice_builder_int64(result->host, result->builder, index, word);
    double number;
    memcpy(&number, &word, sizeof(number));
    return sluice_builder_float64(result->host, result->builder, index, number);
}

static enum sluice_status append_extreme(const struct result *result, int index,
                                         const struct aggregate *aggregate, const char *state)
{
    if (aggregate->result == SLUICE_TYPE_STRING || aggregate->result == SLUICE_TYPE_BINARY) {
        const struct extreme_bytes *bytes = (const struct extreme_bytes *)(const void *)state;
        if (!bytes->bytes)
            return sluice_builder_null(result->host, result->builder, index);
        return sluice_builder_string(result->host, result->builder, index, bytes->bytes,
                                     bytes->size);
    }
    const struct extreme_word *word = (const struct extreme_word *)(const void *)state;
    if (!word->has_value)
        return sluice_builder_null(result->host, result->builder, index);
    return append_word(result, index, aggregate->result, word->word);
}

/* *is_in_range: false where a sum of integers does not fit. */
static enum sluice_status append_sum(const struct result *result, int index,
                                     const struct aggregate *aggregate, const char *state,
                                     bool *is_in_range)
{
    const struct sum_state *sum = (const struct sum_state *)(const void *)state;
    if (!sum->count)
        return sluice_builder_null(result->host, result->builder, index);
    bool is_int64 = aggregate->argument->type == SLUICE_TYPE_INT64;
    if (aggregate->function == AGG_MEAN)
        return sluice_builder_float64(result->host, result->builder, index,
                                      is_int64 ? exact_sum_mean_int64(&sum->sum, sum->count)
                                               : exact_sum_mean(&sum->sum, sum->count));
    if (!is_int64)
        return sluice_builder_float64(result->host, result->builder, index,
                                      exact_sum_value(&sum->sum));
    int64_t value;
    *is_in_range = exact_sum_int64(&sum->sum, &value);
    return sluice_builder_int64(result->host, result->builder, index, value);
}

static enum sluice_status append_result(const struct result *result, int index,
                                        const struct aggregate *aggregate, const char *record,
                                        struct sluice_error *error)
{
    const char *state = record + aggregate->offset;
    enum sluice_status status = SLUICE_OK;
    bool is_in_range = true;
    switch (aggregate->function) {
    case AGG_NONE:
    case AGG_COUNT_ROWS:
    case AGG_COUNT:
    case AGG_DISTINCT:
        status = sluice_builder_int64(result->host, result->builder, index,
                                      *(const int64_t *)(const void *)state);
        break;
    case AGG_SUM:
    case AGG_MEAN:
        status = append_sum(result, index, aggregate, state, &is_in_range);
        break;
    case AGG_MIN:
    case AGG_MAX:
        status = append_extreme(result, index, aggregate, state);
        break;
    }
    if (!is_in_range)
        return fail_overflow(result, aggregate, record, error);
    return status == SLUICE_OK ? status : fail_over_budget(result->host, error, "its output");
}

static enum sluice_status append_group(const struct result *result, const char *record,
                                       struct sluice_error *error)
{
    for (size_t i = 0; i < result->column_count; i++) {
        const struct result_column *column = &result->columns[i];
        enum sluice_status status;
        if (column->aggregate) {
            status = append_result(result, (int)i, column->aggregate, record, error);
        } else {
            status = value_ids_append(groups_key_values(result->groups, column->key),
                                      record_key(record, column->key), result->builder, (int)i);
            if (status != SLUICE_OK)
                fail_over_budget(result->host, error, "its output");
        }
        if (status != SLUICE_OK)
            return status;
    }
    if (sluice_builder_end_row(result->host, result->builder, -1) != SLUICE_OK)
        return fail_over_budget(result->host, error, "its output");
    return SLUICE_OK;
}

static enum sluice_status send_batch(struct result *result, struct sluice_error *error)
{
    struct sluice_batch *batch;
    enum sluice_status status = sluice_builder_finish(result->host, result->builder, &batch, error);
    if (status != SLUICE_OK || !batch)
        return status;
    return sluice_emit(result->host, batch, error);
}

static enum sluice_status send_groups(struct result *result, struct sluice_error *error)
{
    enum sluice_status status = sort_groups(result, error);
    uint32_t count = groups_count(result->groups);
    for (uint32_t i = 0; status == SLUICE_OK && i < count; i++) {
        status = append_group(result, groups_record(result->groups, result->order[i]), error);
        bool is_full = sluice_builder_rows(result->host, result->builder) == BATCH_ROWS ||
                       sluice_builder_bytes(result->host, result->builder) > BATCH_BYTES;
        if (status == SLUICE_OK && is_full)
            status = send_batch(result, error);
    }
    return status == SLUICE_OK ? send_batch(result, error) : status;
}

static void match_columns(struct result *result, const struct sluice_schema *schema,
                          const struct aggregate *aggregates, size_t aggregate_count)
{
    for (size_t i = 0; i < schema->field_count; i++) {
        const char *name = sluice_schema_field(schema, i)->name;
        for (size_t key = 0; key < result->group_by->count; key++) {
            if (!strcmp(result->group_by->items[key], name))
                result->columns[i].key = key;
        }
        for (size_t j = 0; j < aggregate_count; j++) {
            if (!strcmp(aggregates[j].name, name))
                result->columns[i].aggregate = &aggregates[j];
        }
    }
}

enum sluice_status result_rows_send(const struct sluice_host *host,
                                    const struct group_table *groups,
                                    const struct sluice_strings *group_by,
                                    const struct aggregate *aggregates, size_t aggregate_count,
                                    struct sluice_error *error)
{
    const struct sluice_schema *schema = sluice_output_schema(host);
    size_t size = sizeof(struct result) + schema->field_count * sizeof(struct result_column);
    struct result *result = sluice_alloc(host, size);
    if (!result)
        return fail_over_budget(host, error, "its output");
    memset(result, 0, size);
    result->host = host;
    result->groups = groups;
    result->group_by = group_by;
    result->column_count = schema->field_count;
    match_columns(result, schema, aggregates, aggregate_count);
    enum sluice_status status = sluice_builder_create(host, schema, &result->builder, error);
    if (status == SLUICE_OK)
        status = send_groups(result, error);
    sluice_builder_destroy(host, result->builder);
    sluice_free(host, result->order);
    sluice_free(host, result);
    return status;
}
