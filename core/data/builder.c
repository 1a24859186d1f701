/* SPDX-License-Identifier: Apache-2.0 */
/* Appending values and rows. This is the per-event path: an append is a type check, a capacity
 * check and a store; everything rare is behind a call. */
#include "data/builder.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_ROWS = 64, FIRST_BYTES = 1024 };

/* ---- life ---- */

enum sluice_status builder_create(struct account *account, struct dictionary_set *dictionaries,
                                  const struct sluice_schema *schema,
                                  struct sluice_builder **builder, struct sluice_error *error)
{
    *builder = NULL;
    size_t count = schema->field_count;
    struct sluice_builder *made = calloc(1, sizeof(*made) + count * sizeof(struct builder_column));
    struct schema_object *object = schema_object_create(schema);
    if (!made || !object) {
        free(made);
        if (object) {
            storage_release(&object->storage);
        }
        return fail_memory(NULL, sizeof(*made), error);
    }
    made->account = account;
    made->schema = object;
    made->column_count = count;
    for (size_t i = 0; i < count; i++) {
        const struct sluice_field *field = &object->fields[i];
        struct builder_column *column = &made->columns[i];
        column->type = field->type;
        if (dictionaries && field->is_dictionary && field->type == SLUICE_TYPE_STRING) {
            enum sluice_status status =
                dictionary_get(dictionaries, field->name, &column->dictionary, error);
            if (status != SLUICE_OK) {
                builder_destroy(made);
                return status;
            }
            if (!dictionary_is_worthwhile(column->dictionary, 0)) {
                column->dictionary = NULL;
                continue;
            }
            storage_retain(&column->dictionary->storage);
            column->waiting = waiting_create(account);
            column->recent = recent_create(account);
            if (!column->waiting || !column->recent) {
                builder_destroy(made);
                return fail_memory(account, 0, error);
            }
        }
    }
    *builder = made;
    return SLUICE_OK;
}

void builder_destroy(struct sluice_builder *builder)
{
    if (!builder) {
        return;
    }
    for (size_t i = 0; i < builder->column_count; i++) {
        struct builder_column *column = &builder->columns[i];
        account_free(column->values);
        account_free(column->bytes);
        account_free(column->validity);
        account_free(column->waiting);
        account_free(column->recent);
        if (column->dictionary) {
            storage_release(&column->dictionary->storage);
        }
    }
    builder_clear_origins(builder, false);
    account_free(builder->positions);
    free(builder->names);
    free(builder->runs);
    storage_release(&builder->schema->storage);
    free(builder);
}

enum sluice_status builder_fail(struct sluice_builder *builder, enum sluice_code code)
{
    if (builder->failure == SLUICE_CODE_NONE) {
        builder->failure = code;
    }
    return SLUICE_FATAL;
}

/* ---- room ---- */

static enum sluice_status grow_rows(struct sluice_builder *builder, struct builder_column *column,
                                    int64_t wanted)
{
    int64_t capacity = column->capacity > 0 ? column->capacity * 2 : column->expected_rows;
    capacity = capacity < FIRST_ROWS ? FIRST_ROWS : capacity;
    capacity = capacity < wanted ? wanted : capacity;
    if (capacity >= INT32_MAX) {
        return builder_fail(builder, SLUICE_CODE_RECORD_TOO_LONG);
    }
    if (capacity > column->validity_capacity) {
        uint8_t *validity = account_resize(builder->account, column->validity, (size_t)capacity);
        if (!validity) {
            return builder_fail(builder, memory_code(builder->account, (size_t)capacity));
        }
        memset(validity + column->validity_capacity, 1,
               (size_t)(capacity - column->validity_capacity));
        column->validity = validity;
        column->validity_capacity = capacity;
    }
    size_t size = ((size_t)capacity + 1) * value_width(column);
    void *values = account_resize(builder->account, column->values, size);
    if (!values) {
        return builder_fail(builder, memory_code(builder->account, size));
    }
    if (!column->values) {
        memset(values, 0, value_width(column)); /* offsets[0] */
    }
    column->values = values;
    column->capacity = capacity;
    return SLUICE_OK;
}

static enum sluice_status grow_bytes(struct sluice_builder *builder, struct builder_column *column,
                                     size_t wanted)
{
    if (wanted > INT32_MAX) {
        return builder_fail(builder, SLUICE_CODE_RECORD_TOO_LONG);
    }
    size_t capacity =
        column->bytes_capacity > 0 ? column->bytes_capacity * 2 : column->expected_bytes;
    capacity = capacity < FIRST_BYTES ? FIRST_BYTES : capacity;
    capacity = capacity < wanted ? wanted : capacity;
    char *bytes = account_resize(builder->account, column->bytes, capacity);
    if (!bytes) {
        return builder_fail(builder, memory_code(builder->account, capacity));
    }
    column->bytes = bytes;
    column->bytes_capacity = capacity;
    return SLUICE_OK;
}

enum sluice_status column_reserve(struct sluice_builder *builder, struct builder_column *column,
                                  int64_t rows, size_t bytes)
{
    enum sluice_status status = SLUICE_OK;
    if (rows > column->capacity - column->count) {
        status = rows < INT32_MAX ? grow_rows(builder, column, column->count + rows)
                                  : builder_fail(builder, SLUICE_CODE_RECORD_TOO_LONG);
    }
    if (status == SLUICE_OK && bytes > column->bytes_capacity - column->bytes_size) {
        status = bytes <= INT32_MAX ? grow_bytes(builder, column, column->bytes_size + bytes)
                                    : builder_fail(builder, SLUICE_CODE_RECORD_TOO_LONG);
    }
    return status;
}

/* ---- values ---- */

static inline struct builder_column *find_column(struct sluice_builder *builder, int index)
{
    return (size_t)index < builder->column_count ? &builder->columns[index] : NULL;
}

/* Room for one fixed-size value of the type, or NULL (and then the builder has failed). */
static inline struct builder_column *begin_value(struct sluice_builder *builder, int index,
                                                 enum sluice_type type)
{
    struct builder_column *column = find_column(builder, index);
    if (__builtin_expect(!column || column->type != type, 0)) {
        builder_fail(builder, SLUICE_CODE_INTERNAL);
        return NULL;
    }
    if (__builtin_expect(column->count == column->capacity, 0) &&
        column_reserve(builder, column, 1, 0) != SLUICE_OK) {
        return NULL;
    }
    return column;
}

enum sluice_status builder_bool(struct sluice_builder *builder, int index, bool value)
{
    struct builder_column *column = begin_value(builder, index, SLUICE_TYPE_BOOL);
    if (!column) {
        return SLUICE_FATAL;
    }
    column->bools[column->count++] = value;
    return SLUICE_OK;
}

enum sluice_status builder_int64(struct sluice_builder *builder, int index, int64_t value)
{
    const struct builder_column *known = find_column(builder, index);
    enum sluice_type type =
        known && known->type == SLUICE_TYPE_TIMESTAMP ? SLUICE_TYPE_TIMESTAMP : SLUICE_TYPE_INT64;
    struct builder_column *column = begin_value(builder, index, type);
    if (!column) {
        return SLUICE_FATAL;
    }
    column->ints[column->count++] = value;
    return SLUICE_OK;
}

enum sluice_status builder_float64(struct sluice_builder *builder, int index, double value)
{
    struct builder_column *column = begin_value(builder, index, SLUICE_TYPE_FLOAT64);
    if (!column) {
        return SLUICE_FATAL;
    }
    column->floats[column->count++] = value;
    return SLUICE_OK;
}

enum sluice_status column_append_plain(struct sluice_builder *builder,
                                       struct builder_column *column, const char *bytes,
                                       size_t size)
{
    if (__builtin_expect(column->count == column->capacity ||
                             size > column->bytes_capacity - column->bytes_size,
                         0) &&
        column_reserve(builder, column, 1, size) != SLUICE_OK) {
        return SLUICE_FATAL;
    }
    if (size > 0) {
        memcpy(column->bytes + column->bytes_size, bytes, size);
        column->bytes_size += size;
    }
    column->offsets[++column->count] = (int32_t)column->bytes_size;
    return SLUICE_OK;
}

static enum sluice_status append_code(struct sluice_builder *builder, struct builder_column *column,
                                      int32_t code)
{
    if (__builtin_expect(column->count == column->capacity, 0) &&
        column_reserve(builder, column, 1, 0) != SLUICE_OK) {
        return SLUICE_FATAL;
    }
    column->codes[column->count++] = code;
    return SLUICE_OK;
}

enum sluice_status builder_string(struct sluice_builder *builder, int index, const char *bytes,
                                  size_t size)
{
    struct builder_column *column = find_column(builder, index);
    if (__builtin_expect(!column || !is_string_type(column->type), 0)) {
        return builder_fail(builder, SLUICE_CODE_INTERNAL);
    }
    if (!column->dictionary) {
        return column_append_plain(builder, column, bytes, size);
    }
    struct sluice_string string = {bytes, size};
    return column_append_code(builder, column, string, hash_bytes(bytes, size));
}

enum sluice_status builder_null(struct sluice_builder *builder, int index)
{
    struct builder_column *column = find_column(builder, index);
    if (!column) {
        return builder_fail(builder, SLUICE_CODE_INTERNAL);
    }
    if (column_reserve(builder, column, 1, 0) != SLUICE_OK) {
        return SLUICE_FATAL;
    }
    int64_t row = column->count++;
    if (is_string_type(column->type) && !column->dictionary) {
        column->offsets[row + 1] = (int32_t)column->bytes_size;
    } else {
        size_t width = value_width(column);
        memset((char *)column->values + (size_t)row * width, 0, width);
    }
    column->validity[row] = 0;
    column->null_count++;
    return SLUICE_OK;
}

/* A string of a batch: codes and hashes that are known already are used as they are. */
static enum sluice_status copy_string(struct sluice_builder *builder, struct builder_column *column,
                                      const struct sluice_column *source, int64_t row)
{
    struct sluice_string string = sluice_column_string(source, row);
    if (!column->dictionary) {
        return column_append_plain(builder, column, string.bytes, string.size);
    }
    if (source->codes && source->hashes == column->dictionary->hashes) {
        return append_code(builder, column, source->codes[row]);
    }
    uint64_t hash = source->codes && source->hashes ? source->hashes[source->codes[row]]
                                                    : hash_bytes(string.bytes, string.size);
    return column_append_code(builder, column, string, hash);
}

enum sluice_status builder_value(struct sluice_builder *builder, int index,
                                 const struct sluice_column *source, int64_t row)
{
    struct builder_column *column = find_column(builder, index);
    if (!column || column->type != source->type) {
        return builder_fail(builder, SLUICE_CODE_INTERNAL);
    }
    if (sluice_column_is_null(source, row)) {
        return builder_null(builder, index);
    }
    switch (source->type) {
    case SLUICE_TYPE_BOOL:
        return builder_bool(builder, index, sluice_column_bool(source, row));
    case SLUICE_TYPE_INT64:
    case SLUICE_TYPE_TIMESTAMP:
        return builder_int64(builder, index, sluice_column_int64(source, row));
    case SLUICE_TYPE_FLOAT64:
        return builder_float64(builder, index, sluice_column_float64(source, row));
    case SLUICE_TYPE_STRING:
    case SLUICE_TYPE_BINARY:
        return copy_string(builder, column, source, row);
    case SLUICE_TYPE_NONE:
        break;
    }
    return builder_fail(builder, SLUICE_CODE_INTERNAL);
}

/* ---- rows ---- */

enum sluice_status builder_end_row(struct sluice_builder *builder, int64_t position)
{
    if (builder->failure != SLUICE_CODE_NONE) {
        return SLUICE_FATAL;
    }
    int64_t wanted = builder->rows + 1;
    for (size_t i = 0; i < builder->column_count; i++) {
        int64_t count = builder->columns[i].count;
        if (__builtin_expect(count != wanted, 0) && (count < wanted || !builder->has_raw)) {
            return builder_fail(builder, SLUICE_CODE_INTERNAL);
        }
    }
    if (builder->run_count > 0) {
        if (__builtin_expect(builder->rows >= builder->positions_capacity, 0) &&
            builder_reserve_positions(builder, wanted) != SLUICE_OK) {
            return SLUICE_FATAL;
        }
        builder->positions[builder->rows] = position;
    }
    builder->rows = wanted;
    return SLUICE_OK;
}

void builder_drop_row(struct sluice_builder *builder)
{
    for (size_t i = 0; i < builder->column_count; i++) {
        struct builder_column *column = &builder->columns[i];
        if (column->waiting) {
            column_drop_waiting(column, builder->rows);
        }
        while (column->count > builder->rows) {
            uint8_t *is_valid = &column->validity[--column->count];
            column->null_count -= !*is_valid;
            *is_valid = 1;
        }
        if (is_string_type(column->type) && !column->dictionary && column->offsets) {
            column->bytes_size = (size_t)column->offsets[column->count];
        }
    }
}

int64_t builder_rows(const struct sluice_builder *builder)
{
    return builder->rows;
}

int64_t builder_bytes(const struct sluice_builder *builder)
{
    size_t bytes = 0;
    for (size_t i = 0; i < builder->column_count; i++) {
        const struct builder_column *column = &builder->columns[i];
        bytes += (size_t)column->count * value_width(column) + column->bytes_size;
    }
    return (int64_t)bytes;
}

/* ---- raw room ---- */

enum sluice_status builder_reserve(struct sluice_builder *builder, int index, int64_t rows,
                                   size_t bytes, struct sluice_raw_column *raw)
{
    *raw = (struct sluice_raw_column){0};
    struct builder_column *column = find_column(builder, index);
    if (!column || rows < 0) {
        return builder_fail(builder, SLUICE_CODE_INTERNAL);
    }
    if (column->waiting && column_settle_codes(builder, column) != SLUICE_OK) {
        return SLUICE_FATAL;
    }
    bool has_bytes = is_string_type(column->type) && !column->dictionary;
    /* A column of empty strings still gets its pointers. */
    enum sluice_status status =
        column_reserve(builder, column, rows > 0 ? rows : 1, has_bytes ? bytes + (bytes == 0) : 0);
    if (status != SLUICE_OK) {
        return status;
    }
    raw->validity = column->validity + column->count;
    memset(raw->validity, 1, (size_t)rows); /* an earlier reserve may not have been committed */
    if (column->dictionary) {
        raw->codes = column->codes + column->count;
    } else if (has_bytes) {
        raw->offsets = column->offsets + column->count;
        raw->bytes = column->bytes + column->bytes_size;
    } else if (column->type != SLUICE_TYPE_BOOL) {
        raw->values = column->ints + column->count;
    }
    return SLUICE_OK;
}

enum sluice_status builder_commit(struct sluice_builder *builder, int index, int64_t rows,
                                  size_t bytes, int64_t null_count)
{
    struct builder_column *column = find_column(builder, index);
    bool has_bytes = column && is_string_type(column->type) && !column->dictionary;
    if (!column || column->type == SLUICE_TYPE_BOOL || rows < 0 ||
        rows > column->capacity - column->count || null_count < 0 || null_count > rows ||
        (has_bytes &&
         (bytes > column->bytes_capacity - column->bytes_size ||
          (size_t)column->offsets[column->count + rows] != column->bytes_size + bytes))) {
        return builder_fail(builder, SLUICE_CODE_INTERNAL);
    }
    column->count += rows;
    column->null_count += null_count;
    column->bytes_size += has_bytes ? bytes : 0;
    builder->has_raw = true;
    return SLUICE_OK;
}
