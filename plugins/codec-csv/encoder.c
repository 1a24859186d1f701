/* SPDX-License-Identifier: Apache-2.0 */
/* Rows to CSV: a header at the start, quotes only where RFC 4180 asks for them and around empty
 * strings, which would be nulls without. */
#include "csv_options.h"
#include "field_text.h"

#include "records/value_text.h"

#include <string.h>

enum { LONGEST_SEPARATOR = 2 };

struct csv_encoder {
    const struct sluice_host *host;
    const struct csv_options *options;
    char *header; /* its record, ready to write */
    size_t header_size;
    struct csv_marks marks;
    bool is_plain_safe; /* numbers, dates and base64 hold neither delimiter nor quote */
    size_t column_count;
    bool *are_quoted;              /* whether the last string of the column was */
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
    sluice_free(encoder->host, encoder->are_quoted);
    sluice_free(encoder->host, encoder->columns);
    sluice_free(encoder->host, encoder);
}

/* What follows field `column`: room is the caller's. */
static char *put_separator(const struct csv_encoder *encoder, size_t column, char *to)
{
    if (column + 1 < encoder->column_count) {
        *to++ = encoder->marks.delimiter;
        return to;
    }
    if (encoder->options->line_ending == CSV_CRLF) {
        *to++ = '\r';
    }
    *to++ = '\n';
    return to;
}

static bool append_string(const struct csv_encoder *encoder, size_t column,
                          struct sluice_string string, bool is_padded, struct sluice_buffer *buffer)
{
    if (!has_room(encoder->host, buffer, csv_field_room(string.size) + LONGEST_SEPARATOR)) {
        return false;
    }
    char *to = csv_put_field(buffer->data + buffer->size, string, is_padded, encoder->marks,
                             &encoder->are_quoted[column]);
    buffer->size = (size_t)(put_separator(encoder, column, to) - buffer->data);
    return true;
}

static enum sluice_status make_header(struct csv_encoder *encoder,
                                      const struct sluice_schema *schema,
                                      struct sluice_error *error)
{
    struct sluice_buffer header = {0};
    for (size_t i = 0; i < schema->field_count; i++) {
        const char *name = sluice_schema_field(schema, i)->name;
        if (!append_string(encoder, i, (struct sluice_string){name, strlen(name)}, false,
                           &header)) {
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

/* Whether no number, date or base64 text holds the byte: then they never need quotes. */
static bool is_outside_plain_text(char byte)
{
    bool is_letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
    return !is_letter && !(byte >= '0' && byte <= '9') && !strchr("+-./:=", byte);
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
    encoder->marks = (struct csv_marks){*encoder->options->delimiter, *encoder->options->quote};
    encoder->is_plain_safe = is_outside_plain_text(encoder->marks.delimiter) &&
                             is_outside_plain_text(encoder->marks.quote);
    encoder->column_count = schema->field_count;
    encoder->are_quoted = sluice_alloc(host, schema->field_count + 1);
    encoder->columns = sluice_alloc(host, (schema->field_count + 1) * sizeof(struct sluice_column));
    if (encoder->are_quoted && encoder->columns) {
        memset(encoder->are_quoted, 0, schema->field_count);
        status = make_header(encoder, schema, error);
    } else {
        status = fail_memory(host, error);
    }
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

/* Numbers, dates and base64: in quotes where the delimiter is one of their characters. */
static bool append_plain(const struct csv_encoder *encoder, size_t i, int64_t row,
                         struct sluice_buffer *buffer)
{
    const struct sluice_host *host = encoder->host;
    size_t start = buffer->size;
    if (!append_value_text(host, &encoder->columns[i], row, buffer) ||
        !has_room(host, buffer, LONGEST_SEPARATOR)) {
        return false;
    }
    char *end = buffer->data + buffer->size;
    if (encoder->is_plain_safe) {
        buffer->size = (size_t)(put_separator(encoder, i, end) - buffer->data);
        return true;
    }
    struct sluice_buffer copy = {0};
    size_t size = buffer->size - start;
    bool is_done = has_room(host, &copy, size + 1);
    if (is_done) {
        put_bytes(&copy, buffer->data + start, size);
        buffer->size = start;
        is_done = append_string(encoder, i, (struct sluice_string){copy.data, size}, false, buffer);
    }
    sluice_buffer_free(host, &copy);
    return is_done;
}

static bool append_null(const struct csv_encoder *encoder, size_t i, struct sluice_buffer *buffer)
{
    if (!has_room(encoder->host, buffer, LONGEST_SEPARATOR)) {
        return false;
    }
    char *end = put_separator(encoder, i, buffer->data + buffer->size);
    buffer->size = (size_t)(end - buffer->data);
    return true;
}

static bool append_row(const struct csv_encoder *encoder, int64_t row, struct sluice_buffer *buffer)
{
    for (size_t i = 0; i < encoder->column_count; i++) {
        const struct sluice_column *column = &encoder->columns[i];
        bool is_done = true;
        if (is_written_as_null(column, row)) {
            is_done = append_null(encoder, i, buffer);
        } else if (column->type == SLUICE_TYPE_STRING) {
            is_done = append_string(encoder, i, sluice_column_string(column, row),
                                    column->is_padded, buffer);
        } else {
            is_done = append_plain(encoder, i, row, buffer);
        }
        if (!is_done) {
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
