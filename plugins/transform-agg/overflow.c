/* SPDX-License-Identifier: Apache-2.0 */
/* A row on disk is its sender (4 bytes), then for each column its size (4; all ones: null) and its
 * bytes. Rows of a portion are gathered and written some dozens of KiB at a time. */
#include "overflow.h"

#include "spill/spill_file.h"
#include "value_ids/value_ids.h"

#include <string.h>

enum { LEAST_GATHERED = 1024, MOST_GATHERED = 64 * 1024, BUDGET_SHARE = 4096 };
enum { BATCH_ROWS = 8192, BATCH_BYTES = 1 << 20 };
#define NULL_SIZE UINT32_MAX

struct extent {
    int64_t offset;
    size_t size;
};

struct portion_rows {
    struct sluice_buffer gathered;
    struct extent *extents;
    size_t extent_count;
};

struct overflow {
    const struct sluice_host *host;
    struct spill_file *file;
    size_t gathered_bytes; /* so many are written at once */
    struct portion_rows portions[OVERFLOW_PORTIONS];

    /* The batch at hand. */
    int sender;
    size_t column_count;
    struct sluice_column columns[];
};

static enum sluice_status fail_memory(const struct overflow *overflow, struct sluice_error *error)
{
    return fail_over_budget(overflow->host, error, "moving groups to disk");
}

struct overflow *overflow_create(const struct sluice_host *host)
{
    size_t columns = sluice_input_schema(host)->field_count;
    struct overflow *overflow =
        sluice_alloc(host, sizeof(*overflow) + columns * sizeof(overflow->columns[0]));
    if (!overflow)
        return NULL;
    struct sluice_memory memory;
    sluice_memory(host, &memory);
    int64_t share = memory.limit_bytes / BUDGET_SHARE;
    *overflow = (struct overflow){
        .host = host,
        .column_count = columns,
        .file = spill_file_create(host),
        .gathered_bytes = share < LEAST_GATHERED  ? LEAST_GATHERED
                          : share > MOST_GATHERED ? MOST_GATHERED
                                                  : (size_t)share,
    };
    if (!overflow->file) {
        overflow_destroy(overflow);
        return NULL;
    }
    return overflow;
}

void overflow_destroy(struct overflow *overflow)
{
    if (!overflow)
        return;
    for (size_t i = 0; i < OVERFLOW_PORTIONS; i++) {
        sluice_buffer_free(overflow->host, &overflow->portions[i].gathered);
        sluice_free(overflow->host, overflow->portions[i].extents);
    }
    spill_file_destroy(overflow->file);
    sluice_free(overflow->host, overflow);
}

static enum sluice_status write_extent(struct overflow *overflow, struct portion_rows *rows,
                                       struct sluice_error *error)
{
    size_t count = rows->extent_count;
    if (!rows->gathered.size)
        return SLUICE_OK;
    if (!(count & (count - 1))) {
        size_t capacity = count ? 2 * count : 1;
        struct extent *extents =
            sluice_resize(overflow->host, rows->extents, capacity * sizeof(*extents));
        if (!extents)
            return fail_memory(overflow, error);
        rows->extents = extents;
    }
    rows->extents[count] = (struct extent){spill_file_end(overflow->file), rows->gathered.size};
    enum sluice_status status =
        spill_file_append(overflow->file, rows->gathered.data, rows->gathered.size, error);
    rows->gathered.size = 0;
    rows->extent_count += status == SLUICE_OK;
    return status;
}

static bool gather(const struct overflow *overflow, struct sluice_buffer *buffer, const void *bytes,
                   size_t size)
{
    if (buffer->capacity - buffer->size < size &&
        sluice_buffer_reserve(overflow->host, buffer, size) != SLUICE_OK)
        return false;
    if (size)
        memcpy(buffer->data + buffer->size, bytes, size);
    buffer->size += size;
    return true;
}

static bool gather_value(const struct overflow *overflow, struct sluice_buffer *buffer,
                         const struct sluice_column *column, int64_t row)
{
    uint32_t size = NULL_SIZE;
    uint64_t word;
    struct sluice_string value = {NULL, 0};
    if (!sluice_column_is_null(column, row)) {
        bool is_float = column->type == SLUICE_TYPE_FLOAT64;
        value = column_value(column, row, &word);
        if (is_float) /* as it is, not as it is compared */
            memcpy(&word, (const uint64_t *)column->values + row, sizeof(word));
        size = (uint32_t)value.size;
    }
    return gather(overflow, buffer, &size, sizeof(size)) &&
           gather(overflow, buffer, value.bytes, value.size);
}

void overflow_begin(struct overflow *overflow, const struct sluice_batch *batch, int sender)
{
    overflow->sender = sender;
    for (size_t i = 0; i < overflow->column_count; i++)
        sluice_batch_column(overflow->host, batch, (int)i, &overflow->columns[i]);
}

enum sluice_status overflow_add(struct overflow *overflow, size_t portion, int64_t row,
                                struct sluice_error *error)
{
    struct portion_rows *rows = &overflow->portions[portion];
    struct sluice_buffer *buffer = &rows->gathered;
    bool is_gathered = gather(overflow, buffer, &overflow->sender, sizeof(overflow->sender));
    for (size_t i = 0; is_gathered && i < overflow->column_count; i++)
        is_gathered = gather_value(overflow, buffer, &overflow->columns[i], row);
    if (!is_gathered)
        return fail_memory(overflow, error);
    return rows->gathered.size < overflow->gathered_bytes ? SLUICE_OK
                                                          : write_extent(overflow, rows, error);
}

/* ---- back ---- */

struct reading {
    struct overflow *overflow;
    const struct overflow_reader *reader;
    const struct sluice_schema *schema;
    struct sluice_builder *builder;
    int sender;
};

static enum sluice_status give_batch(struct reading *reading, struct sluice_error *error)
{
    const struct sluice_host *host = reading->overflow->host;
    struct sluice_batch *batch;
    enum sluice_status status = sluice_builder_finish(host, reading->builder, &batch, error);
    if (status != SLUICE_OK || !batch)
        return status;
    status = reading->reader->take(reading->reader->user, batch, reading->sender, error);
    sluice_batch_release(host, batch);
    return status;
}

static uint32_t take_word(const char **at)
{
    uint32_t word;
    memcpy(&word, *at, sizeof(word));
    *at += sizeof(word);
    return word;
}

static enum sluice_status read_row(struct reading *reading, const char **at,
                                   struct sluice_error *error)
{
    const struct sluice_host *host = reading->overflow->host;
    struct sluice_builder *builder = reading->builder;
    int sender = (int)take_word(at);
    enum sluice_status status = SLUICE_OK;
    if (sender != reading->sender || sluice_builder_rows(host, builder) == BATCH_ROWS ||
        sluice_builder_bytes(host, builder) > BATCH_BYTES)
        status = give_batch(reading, error);
    if (status != SLUICE_OK)
        return status;
    reading->sender = sender;
    for (size_t i = 0; status == SLUICE_OK && i < reading->schema->field_count; i++) {
        uint32_t size = take_word(at);
        if (size == NULL_SIZE) {
            status = sluice_builder_null(host, builder, (int)i);
            continue;
        }
        status = value_append(host, sluice_schema_field(reading->schema, i)->type,
                              (struct sluice_string){*at, size}, builder, (int)i);
        *at += size;
    }
    if (status == SLUICE_OK)
        status = sluice_builder_end_row(host, builder, -1);
    return status == SLUICE_OK ? status : fail_memory(reading->overflow, error);
}

static enum sluice_status read_extent(struct reading *reading, const struct extent *extent,
                                      struct sluice_error *error)
{
    const struct sluice_host *host = reading->overflow->host;
    char *bytes = sluice_alloc(host, extent->size);
    if (!bytes)
        return fail_memory(reading->overflow, error);
    const char *at = bytes;
    enum sluice_status status =
        spill_file_read(reading->overflow->file, extent->offset, bytes, extent->size, error);
    while (status == SLUICE_OK && at < bytes + extent->size)
        status = read_row(reading, &at, error);
    sluice_free(host, bytes);
    return status;
}

/* The columns of the input without dictionaries: hardly any value comes twice. NULL without
 * memory. */
static struct sluice_schema *create_plain_schema(const struct sluice_host *host)
{
    const struct sluice_schema *input = sluice_input_schema(host);
    struct sluice_schema *schema =
        sluice_alloc(host, sizeof(*schema) + input->field_count * sizeof(struct sluice_field));
    if (!schema)
        return NULL;
    struct sluice_field *fields = (struct sluice_field *)(void *)(schema + 1);
    for (size_t i = 0; i < input->field_count; i++) {
        fields[i] = *sluice_schema_field(input, i);
        fields[i].is_dictionary = false;
    }
    *schema = (struct sluice_schema){sizeof(*fields), input->field_count, fields};
    return schema;
}

enum sluice_status overflow_read(struct overflow *overflow, size_t portion,
                                 const struct overflow_reader *reader, struct sluice_error *error)
{
    struct portion_rows *rows = &overflow->portions[portion];
    enum sluice_status status = write_extent(overflow, rows, error);
    if (status != SLUICE_OK || !rows->extent_count)
        return status;
    sluice_buffer_free(overflow->host, &rows->gathered);
    struct sluice_schema *schema = create_plain_schema(overflow->host);
    if (!schema)
        return fail_memory(overflow, error);
    struct reading reading = {.overflow = overflow, .reader = reader, .schema = schema};
    status = sluice_builder_create(overflow->host, schema, &reading.builder, error);
    for (size_t i = 0; status == SLUICE_OK && i < rows->extent_count; i++)
        status = read_extent(&reading, &rows->extents[i], error);
    if (status == SLUICE_OK)
        status = give_batch(&reading, error);
    sluice_builder_destroy(overflow->host, reading.builder);
    sluice_free(overflow->host, schema);
    return status;
}
