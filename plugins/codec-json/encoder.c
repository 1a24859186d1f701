/* SPDX-License-Identifier: Apache-2.0 */
/* Rows to JSON lines. All that does not change from row to row is prepared: `{"key":`, `,"key":`.
 */
#include "json_options.h"
#include "string_text.h"

#include "records/byte_block.h"
#include "records/value_text.h"

#include <string.h>

struct piece {
    size_t start; /* in pieces */
    size_t size;
};

struct json_encoder {
    const struct sluice_host *host;
    size_t column_count;
    struct sluice_buffer pieces;
    struct piece *prefixes;
    struct sluice_column *columns; /* of the batch at hand */
};

static enum sluice_status fail_memory(const struct sluice_host *host, struct sluice_error *error)
{
    return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                       "no memory for the JSON encoder: raise settings.memory");
}

void json_encoder_destroy(void *instance)
{
    struct json_encoder *encoder = instance;
    if (!encoder) {
        return;
    }
    sluice_buffer_free(encoder->host, &encoder->pieces);
    sluice_free(encoder->host, encoder->prefixes);
    sluice_free(encoder->host, encoder->columns);
    sluice_free(encoder->host, encoder);
}

static enum sluice_status make_prefixes(struct json_encoder *encoder,
                                        const struct sluice_schema *schema,
                                        struct sluice_error *error)
{
    const struct sluice_host *host = encoder->host;
    for (size_t i = 0; i < schema->field_count; i++) {
        const char *name = sluice_schema_field(schema, i)->name;
        struct sluice_buffer *pieces = &encoder->pieces;
        size_t start = pieces->size;
        struct sluice_string key = {name, strlen(name)};
        if (!has_room(host, pieces, json_string_room(key.size) + 2)) {
            return fail_memory(host, error);
        }
        put_char(pieces, i == 0 ? '{' : ',');
        char *end = json_put_string(pieces->data + pieces->size, key, false);
        pieces->size = (size_t)(end - pieces->data);
        put_char(pieces, ':');
        encoder->prefixes[i] = (struct piece){start, pieces->size - start};
    }
    return SLUICE_OK;
}

enum sluice_status json_encoder_create(const struct sluice_host *host, const void *options,
                                       const struct sluice_schema *schema, void **instance,
                                       struct sluice_error *error)
{
    (void)options;
    *instance = NULL;
    struct json_encoder *encoder = sluice_alloc(host, sizeof *encoder);
    if (!encoder) {
        return fail_memory(host, error);
    }
    memset(encoder, 0, sizeof *encoder);
    encoder->host = host;
    encoder->column_count = schema->field_count;
    encoder->prefixes = sluice_alloc(host, (schema->field_count + 1) * sizeof(struct piece));
    encoder->columns = sluice_alloc(host, (schema->field_count + 1) * sizeof(struct sluice_column));
    enum sluice_status status = encoder->prefixes && encoder->columns
                                    ? make_prefixes(encoder, schema, error)
                                    : fail_memory(host, error);
    if (status != SLUICE_OK) {
        json_encoder_destroy(encoder);
        return status;
    }
    *instance = encoder;
    return SLUICE_OK;
}

enum sluice_status json_encoder_begin(void *encoder, struct sluice_buffer *buffer,
                                      struct sluice_error *error)
{
    (void)encoder;
    (void)buffer;
    (void)error;
    return SLUICE_OK;
}

/* JSON knows neither NaN nor infinities: they are written as null. */
static bool is_written_as_null(const struct sluice_column *column, int64_t row)
{
    if (sluice_column_is_null(column, row)) {
        return true;
    }
    return column->type == SLUICE_TYPE_FLOAT64 &&
           !__builtin_isfinite(sluice_column_float64(column, row));
}

/* A value that is no string, behind its key. */
static bool append_other(const struct sluice_host *host, const struct sluice_column *column,
                         int64_t row, struct sluice_buffer *buffer)
{
    if (is_written_as_null(column, row)) {
        put_bytes(buffer, "null", 4);
        return true;
    }
    bool is_quoted = column->type == SLUICE_TYPE_TIMESTAMP || column->type == SLUICE_TYPE_BINARY;
    if (!is_quoted) {
        return append_value_text(host, column, row, buffer);
    }
    put_char(buffer, '"');
    if (!append_value_text(host, column, row, buffer) || !has_room(host, buffer, 1)) {
        return false;
    }
    put_char(buffer, '"');
    return true;
}

/* `,"key":value`. One look at the room a value: the text is written past the buffer's size, which
 * follows once it stands. */
static bool append_member(const struct json_encoder *encoder, size_t i, int64_t row,
                          struct sluice_buffer *buffer)
{
    const struct sluice_host *host = encoder->host;
    const struct sluice_column *column = &encoder->columns[i];
    struct piece prefix = encoder->prefixes[i];
    bool is_string = column->type == SLUICE_TYPE_STRING && !sluice_column_is_null(column, row);
    struct sluice_string string = {NULL, 0};
    if (is_string) {
        string = sluice_column_string(column, row);
    }
    if (!has_room(host, buffer, prefix.size + json_string_room(string.size))) {
        return false;
    }
    char *to = buffer->data + buffer->size;
    to = copy_blocks(to, encoder->pieces.data + prefix.start, prefix.size);
    if (is_string) {
        to = json_put_string(to, string, column->is_padded);
    }
    buffer->size = (size_t)(to - buffer->data);
    return is_string || append_other(host, column, row, buffer);
}

static bool append_row(const struct json_encoder *encoder, int64_t row,
                       struct sluice_buffer *buffer)
{
    for (size_t i = 0; i < encoder->column_count; i++) {
        if (!append_member(encoder, i, row, buffer)) {
            return false;
        }
    }
    if (!has_room(encoder->host, buffer, 3)) {
        return false;
    }
    put_bytes(buffer, encoder->column_count ? "}\n" : "{}\n", encoder->column_count ? 2 : 3);
    return true;
}

enum sluice_status json_encode(void *instance, const struct sluice_batch *batch,
                               const int32_t *rows, int64_t count, struct sluice_buffer *buffer,
                               struct sluice_error *error)
{
    struct json_encoder *encoder = instance;
    for (size_t i = 0; i < encoder->column_count; i++) {
        sluice_batch_column(encoder->host, batch, (int)i, &encoder->columns[i]);
    }
    for (int64_t i = 0; i < count; i++) {
        if (!append_row(encoder, rows ? rows[i] : i, buffer)) {
            return fail_memory(encoder->host, error);
        }
    }
    return SLUICE_OK;
}

enum sluice_status json_encoder_finish(void *encoder, struct sluice_buffer *buffer,
                                       struct sluice_error *error)
{
    return json_encoder_begin(encoder, buffer, error);
}
