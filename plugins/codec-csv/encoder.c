/* SPDX-License-Identifier: Apache-2.0 */
/* Rows to CSV: a header at the start, quotes only where RFC 4180 asks for them and around empty
 * strings, which would be nulls without. */
#include "csv_options.h"

#include "records/byte_block.h"
#include "records/value_text.h"

#include <string.h>

struct csv_encoder {
    const struct sluice_host *host;
    const struct csv_options *options;
    char *header; /* its record, ready to write */
    size_t header_size;
    size_t column_count;
    struct sluice_column *columns; /* of the batch at hand */
};

static enum sluice_status fail_memory(const struct sluice_host *host, struct sluice_error *error)
{
    return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                       "no memory for the CSV encoder: raise settings.memory");
}

void csv_encoder_destroy(void *instance)
{
    struct csv_encoder *encoder = instance;
    if (!encoder) {
        return;
    }
    sluice_free(encoder->host, encoder->header);
    sluice_free(encoder->host, encoder->columns);
    sluice_free(encoder->host, encoder);
}

static bool needs_quotes(const struct csv_options *options, struct sluice_string string)
{
    uint8_t delimiter = (uint8_t)*options->delimiter;
    uint8_t quote = (uint8_t)*options->quote;
    const char *at = string.bytes;
    const char *end = at + string.size;
    for (; end - at >= BLOCK; at += BLOCK) {
        byte_block block = block_load(at);
        if (block_any((byte_block)((block == delimiter) | (block == quote) | (block == '\n') |
                                   (block == '\r')))) {
            return true;
        }
    }
    for (; at < end; at++) {
        uint8_t byte = (uint8_t)*at;
        if (byte == delimiter || byte == quote || byte == '\n' || byte == '\r') {
            return true;
        }
    }
    return string.size == 0;
}

static bool append_string(const struct csv_encoder *encoder, struct sluice_string string,
                          struct sluice_buffer *buffer)
{
    const struct csv_options *options = encoder->options;
    if (!needs_quotes(options, string)) {
        if (!has_room(encoder->host, buffer, string.size)) {
            return false;
        }
        put_bytes(buffer, string.bytes, string.size);
        return true;
    }
    if (!has_room(encoder->host, buffer, string.size * 2 + 2)) {
        return false;
    }
    put_char(buffer, *options->quote);
    for (size_t i = 0; i < string.size; i++) {
        if (string.bytes[i] == *options->quote) {
            put_char(buffer, *options->quote);
        }
        put_char(buffer, string.bytes[i]);
    }
    put_char(buffer, *options->quote);
    return true;
}

static bool append_separator(const struct csv_encoder *encoder, size_t column,
                             struct sluice_buffer *buffer)
{
    if (!has_room(encoder->host, buffer, 2)) {
        return false;
    }
    if (column + 1 < encoder->column_count) {
        put_char(buffer, *encoder->options->delimiter);
    } else if (encoder->options->line_ending == CSV_CRLF) {
        put_bytes(buffer, "\r\n", 2);
    } else {
        put_char(buffer, '\n');
    }
    return true;
}

static enum sluice_status make_header(struct csv_encoder *encoder,
                                      const struct sluice_schema *schema,
                                      struct sluice_error *error)
{
    struct sluice_buffer header = {0};
    for (size_t i = 0; i < schema->field_count; i++) {
        const char *name = sluice_schema_field(schema, i)->name;
        if (!append_string(encoder, (struct sluice_string){name, strlen(name)}, &header) ||
            !append_separator(encoder, i, &header)) {
            sluice_buffer_free(encoder->host, &header);
            return fail_memory(encoder->host, error);
        }
    }
    encoder->header = sluice_alloc(encoder->host, header.size + 1);
    if (encoder->header && header.size > 0) {
        memcpy(encoder->header, header.data, header.size);
        encoder->header_size = header.size;
    }
    sluice_buffer_free(encoder->host, &header);
    return encoder->header ? SLUICE_OK : fail_memory(encoder->host, error);
}

enum sluice_status csv_encoder_create(const struct sluice_host *host, const void *options,
                                      const struct sluice_schema *schema, void **instance,
                                      struct sluice_error *error)
{
    *instance = NULL;
    enum sluice_status status = csv_check_options(host, options, error);
    if (status != SLUICE_OK) {
        return status;
    }
    struct csv_encoder *encoder = sluice_alloc(host, sizeof *encoder);
    if (!encoder) {
        return fail_memory(host, error);
    }
    memset(encoder, 0, sizeof *encoder);
    encoder->host = host;
    encoder->options = options;
    encoder->column_count = schema->field_count;
    encoder->columns = sluice_alloc(host, (schema->field_count + 1) * sizeof(struct sluice_column));
    status = encoder->columns ? make_header(encoder, schema, error) : fail_memory(host, error);
    if (status != SLUICE_OK) {
        csv_encoder_destroy(encoder);
        return status;
    }
    *instance = encoder;
    return SLUICE_OK;
}

enum sluice_status csv_encoder_begin(void *instance, struct sluice_buffer *buffer,
                                     struct sluice_error *error)
{
    struct csv_encoder *encoder = instance;
    if (!encoder->options->header || encoder->header_size == 0) {
        return SLUICE_OK;
    }
    if (!has_room(encoder->host, buffer, encoder->header_size)) {
        return fail_memory(encoder->host, error);
    }
    put_bytes(buffer, encoder->header, encoder->header_size);
    return SLUICE_OK;
}

/* CSV has no agreed text for NaN and infinities: they are written as null. */
static bool is_written_as_null(const struct sluice_column *column, int64_t row)
{
    if (sluice_column_is_null(column, row)) {
        return true;
    }
    return column->type == SLUICE_TYPE_FLOAT64 &&
           !__builtin_isfinite(sluice_column_float64(column, row));
}

/* Numbers, dates and base64 need quotes only where the delimiter is one of their characters. */
static bool append_plain(const struct csv_encoder *encoder, const struct sluice_column *column,
                         int64_t row, struct sluice_buffer *buffer)
{
    size_t start = buffer->size;
    if (!append_value_text(encoder->host, column, row, buffer)) {
        return false;
    }
    struct sluice_string text = {buffer->data + start, buffer->size - start};
    if (!needs_quotes(encoder->options, text)) {
        return true;
    }
    struct sluice_buffer copy = {0};
    bool is_done = has_room(encoder->host, &copy, text.size + 1);
    if (is_done) {
        put_bytes(&copy, text.bytes, text.size);
        buffer->size = start;
        is_done = append_string(encoder, (struct sluice_string){copy.data, copy.size}, buffer);
    }
    sluice_buffer_free(encoder->host, &copy);
    return is_done;
}

static bool append_row(const struct csv_encoder *encoder, int64_t row, struct sluice_buffer *buffer)
{
    for (size_t i = 0; i < encoder->column_count; i++) {
        const struct sluice_column *column = &encoder->columns[i];
        bool is_done = true;
        if (is_written_as_null(column, row)) {
            is_done = true;
        } else if (column->type == SLUICE_TYPE_STRING) {
            is_done = append_string(encoder, sluice_column_string(column, row), buffer);
        } else {
            is_done = append_plain(encoder, column, row, buffer);
        }
        if (!is_done || !append_separator(encoder, i, buffer)) {
            return false;
        }
    }
    return true;
}

enum sluice_status csv_encode(void *instance, const struct sluice_batch *batch, const int32_t *rows,
                              int64_t count, struct sluice_buffer *buffer,
                              struct sluice_error *error)
{
    struct csv_encoder *encoder = instance;
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

enum sluice_status csv_encoder_finish(void *encoder, struct sluice_buffer *buffer,
                                      struct sluice_error *error)
{
    (void)encoder;
    (void)buffer;
    (void)error;
    return SLUICE_OK;
}
