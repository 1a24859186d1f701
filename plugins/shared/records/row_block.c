/* SPDX-License-Identifier: Apache-2.0 */
#include "records/row_block.h"

#include <string.h>

/* ---- life ---- */

static enum sluice_status fail_memory(const struct sluice_host *host, struct sluice_error *error)
{
    return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                       "no memory for decoded rows: raise settings.memory");
}

static enum sluice_type type_of(const struct row_block *block, int slot)
{
    return sluice_schema_field(block->rows->declared, block->fields[slot])->type;
}

static void find_slots(struct row_block *block)
{
    const struct sluice_schema *declared = block->rows->declared;
    for (size_t i = 0; i < declared->field_count; i++) {
        enum sluice_type type = sluice_schema_field(declared, i)->type;
        bool is_wanted = type != SLUICE_TYPE_STRING || block->rows->columns[i] >= 0;
        block->slots[i] = is_wanted ? (int)block->slot_count : ROW_BLOCK_NO_SLOT;
        if (is_wanted) {
            block->fields[block->slot_count++] = i;
        }
    }
}

enum sluice_status row_block_init(struct row_block *block, struct record_rows *rows,
                                  struct text_reader *reader, struct sluice_error *error)
{
    const struct sluice_host *host = rows->host;
    size_t most = rows->declared->field_count + 1;
    *block = (struct row_block){.host = host, .rows = rows, .reader = reader};
    block->slots = sluice_alloc(host, most * sizeof *block->slots);
    block->fields = sluice_alloc(host, most * sizeof *block->fields);
    block->cells = sluice_alloc(host, most * ROW_BLOCK * sizeof *block->cells);
    block->values = sluice_alloc(host, most * ROW_BLOCK * sizeof *block->values);
    block->records = sluice_alloc(host, ROW_BLOCK * sizeof *block->records);
    block->positions = sluice_alloc(host, ROW_BLOCK * sizeof *block->positions);
    if (!block->slots || !block->fields || !block->cells || !block->values || !block->records ||
        !block->positions) {
        return fail_memory(host, error);
    }
    find_slots(block);
    return SLUICE_OK;
}

void row_block_reset(struct row_block *block)
{
    if (!block->host) {
        return;
    }
    sluice_free(block->host, block->slots);
    sluice_free(block->host, block->fields);
    sluice_free(block->host, block->cells);
    sluice_free(block->host, block->values);
    sluice_free(block->host, block->records);
    sluice_free(block->host, block->positions);
    *block = (struct row_block){0};
}

bool row_block_leave_out(struct row_block *block, size_t field)
{
    const struct sluice_field *declared = sluice_schema_field(block->rows->declared, field);
    if (!declared->default_text && declared->is_required) {
        return false;
    }
    struct sluice_string text = {declared->default_text,
                                 declared->default_text ? strlen(declared->default_text) : 0};
    int slot = block->slots[field];
    for (int64_t row = 0; slot != ROW_BLOCK_NO_SLOT && row < ROW_BLOCK; row++) {
        row_block_cells(block, slot)[row] = text;
    }
    return true;
}

/* ---- checks ---- */

/* One after the other: gives the first row before `end` that does not fit. */
static int64_t read_values(struct row_block *block, int slot, int64_t end,
                           struct sluice_error *error)
{
    const struct sluice_field *field =
        sluice_schema_field(block->rows->declared, block->fields[slot]);
    const struct sluice_string *cells = row_block_cells(block, slot);
    int64_t *values = block->values + (size_t)slot * ROW_BLOCK;
    for (int64_t row = block->first; row < end; row++) {
        struct value value = {0};
        values[row] = 0;
        if (!cells[row].bytes) {
            continue;
        }
        bool is_read = field->type == SLUICE_TYPE_FLOAT64 && block->to_double &&
                       block->to_double(cells[row].bytes, cells[row].size, &value.number);
        if (!is_read && text_to_value(block->reader, field, cells[row].bytes, cells[row].size,
                                      &value, error) != SLUICE_OK) {
            return row;
        }
        if (field->type == SLUICE_TYPE_FLOAT64) {
            memcpy(&values[row], &value.number, sizeof values[row]);
        } else {
            values[row] = field->type == SLUICE_TYPE_BOOL ? value.boolean : value.integer;
        }
    }
    return end;
}

/* The first row that does not fit its types; the count where all do. */
static int64_t check_rows(struct row_block *block, struct sluice_error *error)
{
    int64_t end = block->count;
    for (int slot = 0; slot < (int)block->slot_count; slot++) {
        const struct sluice_field *field =
            sluice_schema_field(block->rows->declared, block->fields[slot]);
        if (field->type == SLUICE_TYPE_TIMESTAMP) {
            end = block->first +
                  sluice_parse_timestamps(block->host, field->time_format,
                                          row_block_cells(block, slot) + block->first,
                                          end - block->first,
                                          block->values + (size_t)slot * ROW_BLOCK + block->first);
        } else if (field->type != SLUICE_TYPE_STRING) {
            end = read_values(block, slot, end, error);
        }
    }
    return end;
}

/* ---- to the builder ---- */

static enum sluice_status append_bools(struct row_block *block, int slot, int column, int64_t end)
{
    const struct sluice_string *cells = row_block_cells(block, slot);
    const int64_t *values = block->values + (size_t)slot * ROW_BLOCK;
    struct sluice_builder *builder = block->rows->builder;
    enum sluice_status status = SLUICE_OK;
    for (int64_t row = block->first; row < end && status == SLUICE_OK; row++) {
        status = cells[row].bytes
                     ? sluice_builder_bool(block->host, builder, column, values[row] != 0)
                     : sluice_builder_null(block->host, builder, column);
    }
    return status;
}

/* Decoded binary has no place to wait at: it is read once more. */
static enum sluice_status append_binaries(struct row_block *block, int slot, int column,
                                          int64_t end, struct sluice_error *error)
{
    const struct sluice_field *field =
        sluice_schema_field(block->rows->declared, block->fields[slot]);
    const struct sluice_string *cells = row_block_cells(block, slot);
    struct sluice_builder *builder = block->rows->builder;
    enum sluice_status status = SLUICE_OK;
    for (int64_t row = block->first; row < end && status == SLUICE_OK; row++) {
        struct value value;
        if (!cells[row].bytes) {
            status = sluice_builder_null(block->host, builder, column);
            continue;
        }
        status = text_to_value(block->reader, field, cells[row].bytes, cells[row].size, &value,
                               error);
        if (status == SLUICE_OK) {
            status = sluice_builder_string(block->host, builder, column, value.bytes, value.size);
        }
    }
    return status;
}

static enum sluice_status append_words(struct row_block *block, int slot, int column, int64_t end)
{
    int64_t count = end - block->first;
    const struct sluice_string *cells = row_block_cells(block, slot) + block->first;
    struct sluice_builder *builder = block->rows->builder;
    struct sluice_raw_column raw;
    enum sluice_status status =
        sluice_builder_reserve(block->host, builder, column, count, 0, &raw);
    if (status != SLUICE_OK) {
        return status;
    }
    memcpy(raw.values, block->values + (size_t)slot * ROW_BLOCK + block->first,
           (size_t)count * sizeof *block->values);
    int64_t null_count = 0;
    for (int64_t i = 0; i < count; i++) {
        raw.validity[i] = cells[i].bytes != NULL;
        null_count += cells[i].bytes == NULL;
    }
    return sluice_builder_commit(block->host, builder, column, count, 0, null_count);
}

static enum sluice_status append_slot(struct row_block *block, int slot, int64_t end,
                                      struct sluice_error *error)
{
    int column = block->rows->columns[block->fields[slot]];
    if (column < 0) {
        return SLUICE_OK;
    }
    switch (type_of(block, slot)) {
    case SLUICE_TYPE_STRING:
        return sluice_builder_strings(block->host, block->rows->builder, column,
                                      row_block_cells(block, slot) + block->first,
                                      end - block->first);
    case SLUICE_TYPE_BINARY:
        return append_binaries(block, slot, column, end, error);
    case SLUICE_TYPE_BOOL:
        return append_bools(block, slot, column, end);
    default:
        return append_words(block, slot, column, end);
    }
}

/* Rows up to `end`, all of which fit. */
static enum sluice_status append_rows(struct row_block *block, int64_t end,
                                      struct sluice_error *error)
{
    enum sluice_status status = SLUICE_OK;
    for (int slot = 0; slot < (int)block->slot_count && status == SLUICE_OK; slot++) {
        status = append_slot(block, slot, end, error);
    }
    if (status != SLUICE_OK) {
        return rows_fail_memory(block->rows, error);
    }
    status = rows_close_many(block->rows, block->positions + block->first, end - block->first,
                             error);
    block->first = end;
    return status;
}

enum sluice_status row_block_flush(struct row_block *block, row_block_general general, void *user,
                                   struct sluice_error *error)
{
    enum sluice_status status = SLUICE_OK;
    while (status == SLUICE_OK && block->first < block->count) {
        int64_t end = check_rows(block, error);
        if (end > block->first) {
            status = append_rows(block, end, error);
        }
        if (status == SLUICE_OK && end < block->count) {
            block->first = end + 1;
            status = general(user, block->records[end], block->positions[end], error);
        }
    }
    block->first = 0;
    block->count = 0;
    return status;
}
