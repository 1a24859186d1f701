/* SPDX-License-Identifier: Apache-2.0 */
/* Groups to batches, in the order of their keys: null first, strings bytewise. */
#include "agg.h"

#include <stdio.h>
#include <string.h>

enum { BATCH_ROWS = 16384 };
enum { RECORDS_AHEAD = 16, VALUES_AHEAD = 8 };

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

static void describe_value(const struct sluice_host *host, const struct sluice_field *field,
                           struct sluice_string value, struct sluice_error *error)
{
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
        const struct sluice_field *field = sluice_schema_field(input, (size_t)index);
        struct sluice_string value;
        if (groups_key_value(result->groups, record, key, &value))
            describe_value(host, field, value, error);
        else
            sluice_error_because(host, error, "in the group where %s is null", field->name);
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

static enum sluice_status append_key(const struct result *result, int index, size_t key,
                                     const char *record)
{
    struct sluice_string value;
    if (!groups_key_value(result->groups, record, key, &value))
        return sluice_builder_null(result->host, result->builder, index);
    return value_append(result->host, groups_key_type(result->groups, key), value, result->builder,
                        index);
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
            status = append_key(result, (int)i, column->key, record);
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
    enum sluice_status status =
        groups_in_order(result->host, result->groups, &result->order, error);
    uint32_t count = groups_count(result->groups);
    int64_t batch_bytes = (int64_t)spill_batch_bytes(result->host);
    for (uint32_t i = 0; status == SLUICE_OK && i < count; i++) {
        if (i + RECORDS_AHEAD < count)
            __builtin_prefetch(groups_record(result->groups, result->order[i + RECORDS_AHEAD]));
        if (i + VALUES_AHEAD < count)
            groups_expect(result->groups, result->order[i + VALUES_AHEAD]);
        status = append_group(result, groups_record(result->groups, result->order[i]), error);
        bool is_full = sluice_builder_rows(result->host, result->builder) == BATCH_ROWS ||
                       sluice_builder_bytes(result->host, result->builder) > batch_bytes;
        if (status == SLUICE_OK && is_full)
            status = send_batch(result, error);
    }
    return status == SLUICE_OK ? send_batch(result, error) : status;
}

static void match_columns(struct result *result, const struct sluice_schema *schema,
                          const struct result_request *request)
{
    for (size_t i = 0; i < schema->field_count; i++) {
        const char *name = sluice_schema_field(schema, i)->name;
        for (size_t key = 0; key < result->group_by->count; key++) {
            if (!strcmp(result->group_by->items[key], name))
                result->columns[i].key = key;
        }
        for (size_t j = 0; j < request->aggregate_count; j++) {
            if (!strcmp(request->aggregates[j].name, name))
                result->columns[i].aggregate = &request->aggregates[j];
        }
    }
}

enum sluice_status result_rows_send(const struct sluice_host *host,
                                    const struct result_request *request,
                                    struct sluice_error *error)
{
    const struct sluice_schema *schema = sluice_output_schema(host);
    size_t size = sizeof(struct result) + schema->field_count * sizeof(struct result_column);
    struct result *result = sluice_alloc(host, size);
    if (!result)
        return fail_over_budget(host, error, "its output");
    memset(result, 0, size);
    result->host = host;
    result->groups = request->groups;
    result->group_by = request->group_by;
    result->column_count = schema->field_count;
    match_columns(result, schema, request);
    enum sluice_status status = sluice_builder_create(host, schema, &result->builder, error);
    if (status == SLUICE_OK)
        status = send_groups(result, error);
    sluice_builder_destroy(host, result->builder);
    sluice_free(host, result->order);
    sluice_free(host, result);
    return status;
}
