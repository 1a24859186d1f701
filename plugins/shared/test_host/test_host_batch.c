/* SPDX-License-Identifier: Apache-2.0 */
/* Batch, builder and value calls of the test host, and what tests need to make and show rows. */
#include "test_host/test_host.h"

#include <assert.h>
#include <string.h>

static void host_retain(sluice_host_ref host, const struct sluice_batch *batch)
{
    (void)host;
    batch_retain(batch);
}

static void host_release(sluice_host_ref host, const struct sluice_batch *batch)
{
    (void)host;
    if (batch) {
        batch_release(batch);
    }
}

static int64_t host_rows(sluice_host_ref host, const struct sluice_batch *batch)
{
    (void)host;
    return batch_rows(batch);
}

static int64_t host_bytes(sluice_host_ref host, const struct sluice_batch *batch)
{
    (void)host;
    return batch_bytes(batch);
}

static const struct sluice_schema *host_schema(sluice_host_ref host,
                                               const struct sluice_batch *batch)
{
    (void)host;
    return batch_schema(batch);
}

static int host_find(sluice_host_ref host, const struct sluice_batch *batch, const char *name)
{
    (void)host;
    return batch_find(batch, name);
}

static void host_column(sluice_host_ref host, const struct sluice_batch *batch, int index,
                        struct sluice_column *column)
{
    (void)host;
    batch_column(batch, index, column);
}

static bool host_origin(sluice_host_ref host, const struct sluice_batch *batch, int64_t row,
                        struct sluice_origin *origin, int64_t *position)
{
    (void)host;
    return batch_origin(batch, row, origin, position);
}

static enum sluice_status host_slice(sluice_host_ref host, const struct sluice_batch *batch,
                                     int64_t first, int64_t count, struct sluice_batch **slice,
                                     struct sluice_error *error)
{
    (void)host;
    return batch_slice(batch, first, count, slice, error);
}

static enum sluice_status host_take(sluice_host_ref host, const struct sluice_batch *batch,
                                    const int32_t *rows, int64_t count, struct sluice_batch **taken,
                                    struct sluice_error *error)
{
    return batch_take(&test_host_of(host)->account, batch, rows, count, taken, error);
}

static enum sluice_status host_assemble(sluice_host_ref host, const struct sluice_schema *schema,
                                        const struct sluice_column_source *sources,
                                        struct sluice_batch **batch, struct sluice_error *error)
{
    (void)host;
    return batch_assemble(schema, sources, batch, error);
}

static enum sluice_status host_builder_create(sluice_host_ref host,
                                              const struct sluice_schema *schema,
                                              struct sluice_builder **builder,
                                              struct sluice_error *error)
{
    return builder_create(&test_host_of(host)->account, NULL, schema, builder, error);
}

static void host_builder_destroy(sluice_host_ref host, struct sluice_builder *builder)
{
    (void)host;
    if (builder) {
        builder_destroy(builder);
    }
}

static enum sluice_status host_builder_null(sluice_host_ref host, struct sluice_builder *builder,
                                            int column)
{
    (void)host;
    return builder_null(builder, column);
}

static enum sluice_status host_builder_bool(sluice_host_ref host, struct sluice_builder *builder,
                                            int column, bool value)
{
    (void)host;
    return builder_bool(builder, column, value);
}

static enum sluice_status host_builder_int64(sluice_host_ref host, struct sluice_builder *builder,
                                             int column, int64_t value)
{
    (void)host;
    return builder_int64(builder, column, value);
}

static enum sluice_status host_builder_float64(sluice_host_ref host, struct sluice_builder *builder,
                                               int column, double value)
{
    (void)host;
    return builder_float64(builder, column, value);
}

static enum sluice_status host_builder_string(sluice_host_ref host, struct sluice_builder *builder,
                                              int column, const char *bytes, size_t size)
{
    (void)host;
    return builder_string(builder, column, bytes, size);
}

static enum sluice_status host_builder_end_row(sluice_host_ref host, struct sluice_builder *builder,
                                               int64_t position)
{
    (void)host;
    return builder_end_row(builder, position);
}

static void host_builder_drop_row(sluice_host_ref host, struct sluice_builder *builder)
{
    (void)host;
    builder_drop_row(builder);
}

static enum sluice_status host_builder_origin(sluice_host_ref host, struct sluice_builder *builder,
                                              const char *name, int32_t partition)
{
    (void)host;
    return builder_origin(builder, name, partition);
}

static int64_t host_builder_rows(sluice_host_ref host, const struct sluice_builder *builder)
{
    (void)host;
    return builder_rows(builder);
}

static int64_t host_builder_bytes(sluice_host_ref host, const struct sluice_builder *builder)
{
    (void)host;
    return builder_bytes(builder);
}

static enum sluice_status host_builder_finish(sluice_host_ref host, struct sluice_builder *builder,
                                              struct sluice_batch **batch,
                                              struct sluice_error *error)
{
    (void)host;
    return builder_finish(builder, batch, error);
}

static size_t host_format_float64(sluice_host_ref host, double value, char text[32])
{
    (void)host;
    return format_float64(value, text);
}

static size_t host_format_timestamp(sluice_host_ref host, int64_t value_us, char text[40])
{
    (void)host;
    return format_timestamp(value_us, text);
}

static bool host_parse_timestamp(sluice_host_ref host, const struct sluice_time_format *format,
                                 const char *bytes, size_t size, int64_t *value_us)
{
    (void)host;
    return time_format_parse(format, bytes, size, value_us);
}

static bool host_is_utf8(sluice_host_ref host, const char *bytes, size_t size)
{
    (void)host;
    return is_utf8(bytes, size);
}

static uint64_t host_hash_bytes(sluice_host_ref host, const void *bytes, size_t size)
{
    (void)host;
    return hash_bytes(bytes, size);
}

void test_host_fill_batch_calls(struct sluice_host_table *table)
{
    table->batch_retain = host_retain;
    table->batch_release = host_release;
    table->batch_rows = host_rows;
    table->batch_bytes = host_bytes;
    table->batch_schema = host_schema;
    table->batch_find = host_find;
    table->batch_column = host_column;
    table->batch_origin = host_origin;
    table->batch_slice = host_slice;
    table->batch_take = host_take;
    table->batch_assemble = host_assemble;
    table->builder_create = host_builder_create;
    table->builder_destroy = host_builder_destroy;
    table->builder_null = host_builder_null;
    table->builder_bool = host_builder_bool;
    table->builder_int64 = host_builder_int64;
    table->builder_float64 = host_builder_float64;
    table->builder_string = host_builder_string;
    table->builder_end_row = host_builder_end_row;
    table->builder_drop_row = host_builder_drop_row;
    table->builder_origin = host_builder_origin;
    table->builder_rows = host_builder_rows;
    table->builder_bytes = host_builder_bytes;
    table->builder_finish = host_builder_finish;
    table->format_float64 = host_format_float64;
    table->format_timestamp = host_format_timestamp;
    table->parse_timestamp = host_parse_timestamp;
    table->is_utf8 = host_is_utf8;
    table->hash_bytes = host_hash_bytes;
}

/* Where `mark` occurs in text, its rest is cut off and returned. */
static char *cut_at(char *text, char mark)
{
    char *found = strchr(text, mark);
    if (!found) {
        return NULL;
    }
    *found = '\0';
    return found + 1;
}

static void read_field(struct test_host *test, const char *text, struct sluice_field *field)
{
    char *name = arena_copy(test->arena, text, strlen(text));
    field->default_text = cut_at(name, '=');
    field->path = cut_at(name, '@');
    char *format = cut_at(name, '%');
    char *type = cut_at(name, ':');
    field->is_required = cut_at(type, '!') != NULL;
    field->name = name;
    field->type = type_by_name(type);
    if (field->type == SLUICE_TYPE_TIMESTAMP) {
        field->time_format = time_format_create(test->arena, format, NULL, test->error);
        assert(field->time_format);
    }
}

const struct sluice_schema *test_schema(struct test_host *test, ...)
{
    enum { MOST_FIELDS = 16 };
    struct sluice_field *fields = arena_alloc(test->arena, MOST_FIELDS * sizeof *fields);
    struct sluice_schema *schema = arena_alloc(test->arena, sizeof *schema);
    size_t count = 0;
    va_list arguments;
    va_start(arguments, test);
    for (const char *text = va_arg(arguments, const char *); text;
         text = va_arg(arguments, const char *)) {
        assert(count < MOST_FIELDS);
        read_field(test, text, &fields[count++]);
    }
    va_end(arguments);
    *schema = (struct sluice_schema){sizeof *fields, count, fields};
    return schema;
}

const char *test_row(struct test_host *test, const struct sluice_batch *batch, int64_t row)
{
    struct text text = {0};
    for (size_t i = 0; i < batch_schema(batch)->field_count; i++) {
        struct sluice_column column;
        batch_column(batch, (int)i, &column);
        text_append(&text, i > 0 ? "|" : "");
        if (sluice_column_is_null(&column, row)) {
            text_append(&text, "~");
        } else {
            format_value(&column, row, &text);
        }
    }
    char *copy = arena_copy(test->arena, text_get(&text), text.size);
    text_reset(&text);
    return copy;
}
