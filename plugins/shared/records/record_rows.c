/* SPDX-License-Identifier: Apache-2.0 */
#include "records/record_rows.h"

#include <string.h>

enum { ROWS_A_BATCH = 32 * 1024, BYTES_A_BATCH = 4 * 1024 * 1024, WEIGHED_BYTES = 64 * 1024 };

static enum sluice_status fail_memory(const struct sluice_host *host, struct sluice_error *error)
{
    return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                       "no memory for decoded rows: raise settings.memory");
}

static int find_column(const struct sluice_schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->field_count; i++) {
        if (strcmp(sluice_schema_field(schema, i)->name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

/* Parses the defaults once. Decoded binary is kept in one block behind all of them. */
static enum sluice_status read_defaults(struct record_rows *rows, struct text_reader *reader,
                                        struct sluice_error *error)
{
    size_t total = 0;
    for (size_t i = 0; i < rows->declared->field_count; i++) {
        const char *text = sluice_schema_field(rows->declared, i)->default_text;
        total += text ? strlen(text) : 0;
    }
    rows->default_bytes = sluice_alloc(rows->host, total + 1);
    if (!rows->default_bytes) {
        return fail_memory(rows->host, error);
    }
    char *next = rows->default_bytes;
    for (size_t i = 0; i < rows->declared->field_count; i++) {
        const struct sluice_field *field = sluice_schema_field(rows->declared, i);
        struct value *value = &rows->defaults[i];
        *value = (struct value){.is_null = true};
        if (!field->default_text) {
            continue;
        }
        enum sluice_status status = text_to_value(reader, field, field->default_text,
                                                  strlen(field->default_text), value, error);
        if (status == SLUICE_REJECT) {
            sluice_fail(rows->host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                        "the default `%s` of field `%s` does not fit its type, %s",
                        field->default_text, field->name, type_text(field->type));
            return SLUICE_CONFIG;
        }
        if (status != SLUICE_OK) {
            return status;
        }
        if (field->type == SLUICE_TYPE_BINARY) {
            memcpy(next, value->bytes, value->size);
            value->bytes = next;
            next += value->size;
        }
    }
    return SLUICE_OK;
}

enum sluice_status rows_init(struct record_rows *rows, struct text_reader *reader,
                             const struct sluice_schema *declared,
                             const struct sluice_schema *produced, struct sluice_error *error)
{
    const struct sluice_host *host = reader->host;
    *rows = (struct record_rows){.host = host, .declared = declared};
    rows->columns = sluice_alloc(host, (declared->field_count + 1) * sizeof *rows->columns);
    rows->defaults = sluice_alloc(host, (declared->field_count + 1) * sizeof *rows->defaults);
    if (!rows->columns || !rows->defaults) {
        return fail_memory(host, error);
    }
    size_t found = 0;
    for (size_t i = 0; i < declared->field_count; i++) {
        rows->columns[i] = find_column(produced, sluice_schema_field(declared, i)->name);
        found += rows->columns[i] >= 0;
    }
    if (found != produced->field_count) {
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_INTERNAL,
                           "a decoder was asked for columns that its schema does not declare");
    }
    enum sluice_status status = read_defaults(rows, reader, error);
    if (status != SLUICE_OK) {
        return status;
    }
    return sluice_builder_create(host, produced, &rows->builder, error);
}

void rows_reset(struct record_rows *rows)
{
    if (!rows->host) {
        return;
    }
    sluice_builder_destroy(rows->host, rows->builder);
    sluice_free(rows->host, rows->columns);
    sluice_free(rows->host, rows->defaults);
    sluice_free(rows->host, rows->default_bytes);
    sluice_free(rows->host, rows->name);
    *rows = (struct record_rows){0};
}

enum sluice_status rows_begin(struct record_rows *rows, const char *name,
                              struct sluice_error *error)
{
    char *copy = sluice_alloc(rows->host, strlen(name) + 1);
    if (!copy) {
        return fail_memory(rows->host, error);
    }
    memcpy(copy, name, strlen(name) + 1);
    sluice_free(rows->host, rows->name);
    rows->name = copy;
    if (sluice_builder_origin(rows->host, rows->builder, name, -1) != SLUICE_OK) {
        return fail_memory(rows->host, error);
    }
    return SLUICE_OK;
}

enum sluice_status rows_fail_memory(const struct record_rows *rows, struct sluice_error *error)
{
    return fail_memory(rows->host, error);
}

static enum sluice_status append(const struct record_rows *rows, size_t index, int column,
                                 const struct value *value)
{
    const struct sluice_host *host = rows->host;
    if (value->is_null) {
        return sluice_builder_null(host, rows->builder, column);
    }
    switch (sluice_schema_field(rows->declared, index)->type) {
    case SLUICE_TYPE_BOOL:
        return sluice_builder_bool(host, rows->builder, column, value->boolean);
    case SLUICE_TYPE_INT64:
    case SLUICE_TYPE_TIMESTAMP:
        return sluice_builder_int64(host, rows->builder, column, value->integer);
    case SLUICE_TYPE_FLOAT64:
        return sluice_builder_float64(host, rows->builder, column, value->number);
    case SLUICE_TYPE_STRING:
    case SLUICE_TYPE_BINARY:
        return sluice_builder_string(host, rows->builder, column, value->bytes, value->size);
    case SLUICE_TYPE_NONE:
        break;
    }
    return SLUICE_FATAL;
}

enum sluice_status rows_put(struct record_rows *rows, size_t index, const struct value *value,
                            struct sluice_error *error)
{
    int column = rows->columns[index];
    rows->unweighed += value->size + sizeof(int64_t);
    if (column < 0 || append(rows, index, column, value) == SLUICE_OK) {
        return SLUICE_OK;
    }
    return fail_memory(rows->host, error);
}

enum sluice_status rows_close(struct record_rows *rows, int64_t position,
                              struct sluice_error *error)
{
    if (sluice_builder_end_row(rows->host, rows->builder, position) != SLUICE_OK) {
        return fail_memory(rows->host, error);
    }
    rows->row_count++;
    return SLUICE_OK;
}

enum sluice_status rows_close_many(struct record_rows *rows, const int64_t *positions,
                                   int64_t count, struct sluice_error *error)
{
    if (sluice_builder_end_rows(rows->host, rows->builder, positions, count) != SLUICE_OK) {
        return fail_memory(rows->host, error);
    }
    rows->row_count += count;
    rows->unweighed += WEIGHED_BYTES; /* their bytes were not counted one by one */
    return SLUICE_OK;
}

static enum sluice_status fail_missing(const struct record_rows *rows,
                                       const struct sluice_field *field, const char *what,
                                       struct sluice_error *error)
{
    sluice_fail(rows->host, error, SLUICE_REJECT, SLUICE_CODE_FIELD_MISSING,
                "the required field `%s` is %s", field->path ? field->path : field->name, what);
    sluice_error_at(rows->host, error, SLUICE_AT_COLUMN, "%s", field->name);
    return SLUICE_REJECT;
}

enum sluice_status rows_absent(const struct record_rows *rows, size_t index, struct value *value,
                               struct sluice_error *error)
{
    const struct sluice_field *field = sluice_schema_field(rows->declared, index);
    *value = rows->defaults[index];
    return value->is_null && field->is_required ? fail_missing(rows, field, "absent", error)
                                                : SLUICE_OK;
}

enum sluice_status rows_null(const struct record_rows *rows, size_t index, struct value *value,
                             struct sluice_error *error)
{
    const struct sluice_field *field = sluice_schema_field(rows->declared, index);
    *value = (struct value){.is_null = true};
    return field->is_required ? fail_missing(rows, field, "null", error) : SLUICE_OK;
}

enum sluice_status rows_reject(struct record_rows *rows, const char *bytes, size_t size,
                               int64_t position, struct sluice_error *error)
{
    sluice_builder_drop_row(rows->host, rows->builder);
    struct sluice_rejected rejected = {
        .original = bytes, .original_size = size, .origin_name = rows->name, .position = position};
    return sluice_reject(rows->host, &rejected, error);
}

enum sluice_status rows_reject_message(struct record_rows *rows, const struct sluice_batch *batch,
                                       int64_t row, struct sluice_string message,
                                       struct sluice_error *error)
{
    sluice_builder_drop_row(rows->host, rows->builder);
    struct sluice_rejected rejected = {.batch = batch,
                                       .row = row,
                                       .original = message.bytes,
                                       .original_size = message.size,
                                       .position = -1};
    return sluice_reject(rows->host, &rejected, error);
}

/* The sum of all columns is not asked for at every row. */
bool rows_are_full(struct record_rows *rows)
{
    if (rows->row_count >= ROWS_A_BATCH || rows->unweighed < WEIGHED_BYTES) {
        return rows->row_count >= ROWS_A_BATCH;
    }
    rows->unweighed = 0;
    return sluice_builder_bytes(rows->host, rows->builder) >= BYTES_A_BATCH;
}

enum sluice_status rows_finish(struct record_rows *rows, struct sluice_batch **batch,
                               struct sluice_error *error)
{
    rows->row_count = 0;
    rows->unweighed = 0;
    return sluice_builder_finish(rows->host, rows->builder, batch, error);
}

enum sluice_status rows_follow(struct record_rows *rows, const struct sluice_batch *batch,
                               int64_t row, struct message_origin *origin, int64_t *position,
                               struct sluice_error *error)
{
    struct sluice_origin now;
    *position = -1;
    if (!sluice_batch_origin(rows->host, batch, row, &now, position)) {
        return SLUICE_OK;
    }
    if (origin->is_set && origin->name == now.name && origin->partition == now.partition) {
        return SLUICE_OK;
    }
    if (sluice_builder_origin(rows->host, rows->builder, now.name, now.partition) != SLUICE_OK) {
        return fail_memory(rows->host, error);
    }
    *origin = (struct message_origin){true, now.name, now.partition};
    return SLUICE_OK;
}
