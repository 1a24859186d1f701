/* SPDX-License-Identifier: Apache-2.0 */
/* Which columns a row holds, where, and how two rows of a key are ordered. */
#include "session.h"

#include <string.h>

enum { IDS_SHARE = 32 };

static bool is_held(const struct row_layout *layout, int input)
{
    for (size_t i = 0; i < layout->column_count; i++) {
        if (layout->columns[i].input == input)
            return true;
    }
    return input == layout->key_input || input == layout->time_input;
}

/* Ids never go to disk: they may have a small part of the budget. */
static enum sluice_status create_ids(const struct sluice_host *host, enum sluice_type type,
                                     struct value_ids **ids, struct sluice_error *error)
{
    struct sluice_memory memory;
    sluice_memory(host, &memory);
    enum sluice_status status = value_ids_create(host, type, ids, error);
    if (status == SLUICE_OK)
        value_ids_limit(*ids,
                        memory.limit_bytes ? (size_t)memory.limit_bytes / IDS_SHARE : SIZE_MAX);
    return status;
}

static enum sluice_status hold_column(const struct sluice_host *host, struct row_layout *layout,
                                      const struct sluice_schema *input, int index,
                                      struct sluice_error *error)
{
    if (index < 0 || is_held(layout, index))
        return SLUICE_OK;
    const struct sluice_field *field = sluice_schema_field(input, (size_t)index);
    struct held_column *column = &layout->columns[layout->column_count++];
    *column = (struct held_column){.name = field->name, .type = field->type, .input = index};
    if (field->type == SLUICE_TYPE_STRING || field->type == SLUICE_TYPE_BINARY)
        return create_ids(host, field->type, &column->ids, error);
    return SLUICE_OK;
}

static enum sluice_status hold_columns(const struct sluice_host *host,
                                       const struct session_options *options,
                                       struct row_layout *layout, struct sluice_error *error)
{
    const struct sluice_schema *input = sluice_input_schema(host);
    const struct sluice_schema *output = sluice_output_schema(host);
    layout->key_input = schema_index(input, options->key);
    layout->time_input = schema_index(input, options->time);
    layout->key_type = sluice_schema_field(input, (size_t)layout->key_input)->type;
    enum sluice_status status = create_ids(host, layout->key_type, &layout->keys, error);
    for (size_t i = 0; status == SLUICE_OK && i < options->order.count; i++)
        status =
            hold_column(host, layout, input, schema_index(input, options->order.items[i]), error);
    for (size_t i = 0; status == SLUICE_OK && i < output->field_count; i++) {
        const char *name = sluice_schema_field(output, i)->name;
        if (strcmp(name, options->column))
            status = hold_column(host, layout, input, schema_index(input, name), error);
    }
    return status;
}

/* Time, key, ids, values, null words: in this order nothing needs a gap. */
static void place_columns(struct row_layout *layout)
{
    size_t offset = FIRST_OFFSET;
    int fixed_count = 0;
    for (size_t i = 0; i < layout->column_count; i++) {
        struct held_column *column = &layout->columns[i];
        column->offset = offset;
        column->null_bit = column->ids ? -1 : fixed_count++;
        offset += column->ids ? sizeof(uint32_t) : sizeof(int64_t);
    }
    layout->null_offset = offset;
    layout->row_size = offset + ((size_t)fixed_count + 31) / 32 * sizeof(uint32_t);
}

enum sluice_status layout_create(const struct sluice_host *host,
                                 const struct session_options *options, struct row_layout **layout,
                                 struct sluice_error *error)
{
    *layout = NULL;
    size_t most = sluice_input_schema(host)->field_count;
    struct row_layout *made = sluice_alloc(host, sizeof(*made) + most * sizeof(*made->columns));
    if (!made)
        return fail_over_budget(host, error, "its tables");
    *made = (struct row_layout){.columns = (struct held_column *)(void *)(made + 1)};
    enum sluice_status status = hold_columns(host, options, made, error);
    if (status != SLUICE_OK) {
        layout_destroy(host, made);
        return status;
    }
    place_columns(made);
    *layout = made;
    return SLUICE_OK;
}

void layout_destroy(const struct sluice_host *host, struct row_layout *layout)
{
    if (!layout)
        return;
    for (size_t i = 0; i < layout->column_count; i++)
        value_ids_destroy(layout->columns[i].ids);
    value_ids_destroy(layout->keys);
    sluice_free(host, layout);
}

static int compare_column(const struct row_layout *layout, const struct held_column *column,
                          const char *one, const char *other)
{
    if (column->ids)
        return place_compare(column->ids, layout->heap, row_id(one, column->offset),
                             row_id(other, column->offset));
    bool is_null = row_is_null(layout, column, one);
    bool is_other_null = row_is_null(layout, column, other);
    if (is_null || is_other_null)
        return (int)is_other_null - (int)is_null;
    int64_t a = row_word(one, column->offset);
    int64_t b = row_word(other, column->offset);
    if (column->type != SLUICE_TYPE_FLOAT64)
        return (a > b) - (a < b);
    double x, y;
    memcpy(&x, &a, sizeof(x));
    memcpy(&y, &b, sizeof(y));
    return float64_compare(x, y);
}

int layout_compare(const struct row_layout *layout, const char *one, const char *other)
{
    int64_t a = row_time(one);
    int64_t b = row_time(other);
    int order = (a > b) - (a < b);
    for (size_t i = 0; !order && i < layout->column_count; i++)
        order = compare_column(layout, &layout->columns[i], one, other);
    return order;
}
