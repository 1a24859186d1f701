/* SPDX-License-Identifier: Apache-2.0 */
/* Rows to JSON lines. All that does not change from row to row is prepared: `{"key":`, `,"key":`.
 */
#include "json_options.h"

#include "records/byte_block.h"
#include "records/value_text.h"

#include <string.h>

enum { LONGEST_ESCAPE = 6 };

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

static bool needs_escape(char byte)
{
    return byte == '"' || byte == '\\' || (unsigned char)byte < ' ';
}

/* Bytes from `at` on that can be copied as they are. */
static size_t plain_size(const char *at, const char *end)
{
    const char *begin = at;
    while (end - at >= BLOCK) {
        byte_block block = block_load(at);
        if (block_any((byte_block)((block == '"') | (block == '\\') | (block < ' ')))) {
            break;
        }
        at += BLOCK;
    }
    while (at < end && !needs_escape(*at)) {
        at++;
    }
    return (size_t)(at - begin);
}

static void put_escape(struct sluice_buffer *buffer, char byte)
{
    static const char hex[] = "0123456789abcdef";
    static const char letters[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
                                   ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\'};
    char letter = letters[(unsigned char)byte];
    put_char(buffer, '\\');
    if (letter) {
        put_char(buffer, letter);
        return;
    }
    put_bytes(buffer, "u00", 3);
    put_char(buffer, hex[(unsigned char)byte >> 4]);
    put_char(buffer, hex[byte & 15]);
}

static bool append_string(const struct sluice_host *host, struct sluice_string string,
                          struct sluice_buffer *buffer)
{
    if (!has_room(host, buffer, string.size * LONGEST_ESCAPE + 2)) {
        return false;
    }
    const char *at = string.bytes;
    const char *end = at + string.size;
    put_char(buffer, '"');
    for (;;) {
        size_t plain = plain_size(at, end);
        put_bytes(buffer, at, plain);
        at += plain;
        if (at == end) {
            break;
        }
        put_escape(buffer, *at++);
    }
    put_char(buffer, '"');
    return true;
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
        if (!has_room(host, pieces, 2)) {
            return fail_memory(host, error);
        }
        put_char(pieces, i == 0 ? '{' : ',');
        if (!append_string(host, (struct sluice_string){name, strlen(name)}, pieces) ||
            !has_room(host, pieces, 1)) {
            return fail_memory(host, error);
        }
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

static bool append_value(const struct sluice_host *host, const struct sluice_column *column,
                         int64_t row, struct sluice_buffer *buffer)
{
    if (column->type == SLUICE_TYPE_STRING && !sluice_column_is_null(column, row)) {
        return append_string(host, sluice_column_string(column, row), buffer);
    }
    if (!has_room(host, buffer, 4)) {
        return false;
    }
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

static bool append_row(const struct json_encoder *encoder, int64_t row,
                       struct sluice_buffer *buffer)
{
    const struct sluice_host *host = encoder->host;
    for (size_t i = 0; i < encoder->column_count; i++) {
        struct piece prefix = encoder->prefixes[i];
        if (!has_room(host, buffer, prefix.size)) {
            return false;
        }
        put_bytes(buffer, encoder->pieces.data + prefix.start, prefix.size);
        if (!append_value(host, &encoder->columns[i], row, buffer)) {
            return false;
        }
    }
    if (!has_room(host, buffer, 3)) {
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
