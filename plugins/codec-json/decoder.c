/* SPDX-License-Identifier: Apache-2.0 */
/* The decoder's life: lines or messages in, each through the flat reader or simdjson into slots,
 * from there into columns. */
#include "flat_record.h"
#include "json_options.h"
#include "row_scan.h"
#include "simdjson_shim.h"
#include "slot_value.h"

#include "records/lines.h"

#include <string.h>

enum {
    LEAST_PARSER_BYTES = 64 * 1024,
    REJECTED_EXCERPT_BYTES = 64 * 1024,
    LONGEST_WAITING = 8 * 1024 /* a record that waits in the block */
};

struct json_decoder {
    const struct sluice_host *host;
    size_t max_record_bytes;
    struct lines lines;
    struct json_record record;
    struct json_shape shape; /* of the last record that was as simple as most are */
    bool is_steady;          /* of the last two */
    struct text_reader reader;
    struct record_rows rows;
    struct row_block block; /* of records of the known shape */
    struct json_row_scan scan;
    bool *is_epoch; /* by declared field: a timestamp that numbers fit, too */
    struct json_parser *parser;
    size_t parser_bytes;         /* reserved in it, and charged */
    struct sluice_buffer padded; /* a copy of the record that simdjson reads */
};

static enum sluice_status fail_memory(const struct sluice_host *host, struct sluice_error *error)
{
    return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                       "no memory for the JSON decoder: raise settings.memory, or lower "
                       "max_record_bytes where records are long");
}

static void decoder_destroy(void *instance)
{
    struct json_decoder *decoder = instance;
    if (!decoder) {
        return;
    }
    json_parser_destroy(decoder->parser);
    if (decoder->parser_bytes > 0) {
        sluice_charge(decoder->host, -(int64_t)json_parser_memory(decoder->parser_bytes));
    }
    sluice_buffer_free(decoder->host, &decoder->padded);
    sluice_free(decoder->host, decoder->is_epoch);
    row_block_reset(&decoder->block);
    rows_reset(&decoder->rows);
    json_record_reset(&decoder->record);
    text_reader_reset(&decoder->reader);
    sluice_free(decoder->host, decoder);
}

/* A format that takes a bare number is one of the epoch formats. */
static enum sluice_status find_epochs(struct json_decoder *decoder,
                                      const struct sluice_schema *declared,
                                      struct sluice_error *error)
{
    decoder->is_epoch = sluice_alloc(decoder->host, declared->field_count + 1);
    if (!decoder->is_epoch) {
        return fail_memory(decoder->host, error);
    }
    for (size_t i = 0; i < declared->field_count; i++) {
        const struct sluice_field *field = sluice_schema_field(declared, i);
        int64_t ignored;
        decoder->is_epoch[i] =
            field->type == SLUICE_TYPE_TIMESTAMP &&
            sluice_parse_timestamp(decoder->host, field->time_format, "0", 1, &ignored);
    }
    return SLUICE_OK;
}

static enum sluice_status decoder_open(struct json_decoder *decoder,
                                       const struct sluice_schema *declared,
                                       const struct sluice_schema *produced,
                                       struct sluice_error *error)
{
    decoder->parser = json_parser_create();
    if (!decoder->parser) {
        return fail_memory(decoder->host, error);
    }
    enum sluice_status status = text_reader_init(&decoder->reader, decoder->host, error);
    if (status == SLUICE_OK) {
        status = json_record_init(&decoder->record, decoder->host, declared, error);
    }
    if (status == SLUICE_OK) {
        status = find_epochs(decoder, declared, error);
    }
    if (status == SLUICE_OK) {
        status = rows_init(&decoder->rows, &decoder->reader, declared, produced, error);
    }
    if (status == SLUICE_OK) {
        status = row_block_init(&decoder->block, &decoder->rows, &decoder->reader, error);
    }
    if (status == SLUICE_OK) {
        decoder->block.to_double = json_to_double;
        row_scan_init(&decoder->scan, &decoder->record, &decoder->shape, decoder->is_epoch,
                      &decoder->block);
    }
    return status;
}

static enum sluice_status decoder_create(const struct sluice_host *host, const void *options,
                                         const struct sluice_schema *declared,
                                         const struct sluice_schema *produced, void **instance,
                                         struct sluice_error *error)
{
    const struct json_options *json = options;
    *instance = NULL;
    struct json_decoder *decoder = sluice_alloc(host, sizeof *decoder);
    if (!decoder) {
        return fail_memory(host, error);
    }
    memset(decoder, 0, sizeof *decoder);
    decoder->host = host;
    decoder->max_record_bytes = (size_t)json->max_record_bytes;
    lines_begin(&decoder->lines, decoder->max_record_bytes);
    enum sluice_status status = decoder_open(decoder, declared, produced, error);
    if (status != SLUICE_OK) {
        decoder_destroy(decoder);
        return status;
    }
    *instance = decoder;
    return SLUICE_OK;
}

static enum sluice_status decoder_begin(void *instance, const char *name,
                                        struct sluice_error *error)
{
    struct json_decoder *decoder = instance;
    lines_begin(&decoder->lines, decoder->max_record_bytes);
    decoder->is_steady = false; /* what stands at the start of a file is for `lines` */
    return rows_begin(&decoder->rows, name, error);
}

static enum sluice_status reserve_parser(struct json_decoder *decoder, size_t size,
                                         struct sluice_error *error)
{
    if (size <= decoder->parser_bytes) {
        return SLUICE_OK;
    }
    size_t wanted = decoder->parser_bytes ? decoder->parser_bytes : LEAST_PARSER_BYTES;
    while (wanted < size) {
        wanted *= 2;
    }
    int64_t before = decoder->parser_bytes ? (int64_t)json_parser_memory(decoder->parser_bytes) : 0;
    int64_t growth = (int64_t)json_parser_memory(wanted) - before;
    if (!sluice_charge(decoder->host, growth)) {
        return fail_memory(decoder->host, error);
    }
    if (!json_parser_reserve(decoder->parser, wanted)) {
        sluice_charge(decoder->host, -growth);
        return fail_memory(decoder->host, error);
    }
    decoder->parser_bytes = wanted;
    return SLUICE_OK;
}

static int visit_key(void *user, int node, const char *key, size_t size)
{
    return json_record_child(user, node, JSON_NO_NODE, key, size);
}

static void visit_value(void *user, int node, enum json_kind kind, const char *bytes, size_t size)
{
    json_record_put(user, node, kind, bytes, size);
}

/* What the flat reader left: everything unusual, and everything that is wrong. The copy brings
 * padding of zeros, so that nothing behind the record can be taken for a part of it. */
static enum sluice_status read_any_record(struct json_decoder *decoder, const char *bytes,
                                          size_t size, struct sluice_error *error)
{
    const struct sluice_host *host = decoder->host;
    enum sluice_status status = reserve_parser(decoder, size, error);
    if (status != SLUICE_OK) {
        return status;
    }
    decoder->padded.size = 0;
    if (sluice_buffer_reserve(host, &decoder->padded, size + SLUICE_PADDING) != SLUICE_OK) {
        return fail_memory(host, error);
    }
    memcpy(decoder->padded.data, bytes, size);
    memset(decoder->padded.data + size, 0, SLUICE_PADDING);
    json_record_begin(&decoder->record);
    const struct json_visitor visitor = {&decoder->record, visit_key, visit_value};
    const char *reason;
    switch (json_parser_walk(decoder->parser, decoder->padded.data, size, &visitor, &reason)) {
    case JSON_WALKED:
        return SLUICE_OK;
    case JSON_NOT_OBJECT:
        return sluice_fail(host, error, SLUICE_REJECT, SLUICE_CODE_JSON_NOT_OBJECT,
                           "the record is JSON, but not an object");
    case JSON_BAD_UTF8:
        return sluice_fail(host, error, SLUICE_REJECT, SLUICE_CODE_UTF8_INVALID,
                           "the record holds bytes that are not UTF-8");
    case JSON_NO_MEMORY:
        return fail_memory(host, error);
    case JSON_MALFORMED:
        break;
    }
    bool has_nul = memchr(bytes, '\0', size) != NULL;
    return sluice_fail(host, error, SLUICE_REJECT, SLUICE_CODE_JSON_MALFORMED,
                       "the record is not one valid JSON value: %s",
                       has_nul ? "it holds a NUL byte" : reason);
}

/* One record into one open row. */
static enum sluice_status decode_record(struct json_decoder *decoder, const char *bytes,
                                        size_t size, bool is_padded, struct sluice_error *error)
{
    if (!is_padded || !flat_record_read(&decoder->record, &decoder->shape, bytes, size)) {
        enum sluice_status status = read_any_record(decoder, bytes, size, error);
        if (status != SLUICE_OK) {
            return status;
        }
    }
    if (decoder->record.duplicate != JSON_NO_NODE) {
        const struct json_node *node = &decoder->record.nodes[decoder->record.duplicate];
        return sluice_fail(decoder->host, error, SLUICE_REJECT, SLUICE_CODE_FIELD_DUPLICATE,
                           "the key `%.*s` occurs twice", (int)node->key_size, node->key);
    }
    return put_record(&decoder->rows, &decoder->reader, &decoder->record, decoder->is_epoch, error);
}

static enum sluice_status fail_too_long(const struct json_decoder *decoder,
                                        struct sluice_error *error)
{
    return sluice_fail(decoder->host, error, SLUICE_REJECT, SLUICE_CODE_RECORD_TOO_LONG,
                       "the record is longer than max_record_bytes (%zu)",
                       decoder->max_record_bytes);
}

static enum sluice_status settle_line(struct json_decoder *decoder, enum sluice_status status,
                                      struct sluice_string line, int64_t number,
                                      struct sluice_error *error)
{
    if (status == SLUICE_REJECT) {
        return rows_reject(&decoder->rows, line.bytes, line.size, number, error);
    }
    return status == SLUICE_OK ? rows_close(&decoder->rows, number, error) : status;
}

/* The next line, whatever it is. */
static enum sluice_status take_any(struct json_decoder *decoder, struct sluice_string line,
                                   bool is_too_long, struct sluice_error *error)
{
    if (is_too_long) {
        enum sluice_status status = fail_too_long(decoder, error);
        line.size = line.size < REJECTED_EXCERPT_BYTES ? line.size : REJECTED_EXCERPT_BYTES;
        return settle_line(decoder, status, line, decoder->lines.line, error);
    }
    uint64_t learned = decoder->shape.learned;
    enum sluice_status status = decode_record(decoder, line.bytes, line.size, true, error);
    decoder->is_steady = decoder->shape.learned == learned;
    return settle_line(decoder, status, line, decoder->lines.line, error);
}

/* One that looked as it should until its values were read. */
static enum sluice_status settle_waiting(void *user, struct sluice_string line, int64_t number,
                                         struct sluice_error *error)
{
    struct json_decoder *decoder = user;
    enum sluice_status status = decode_record(decoder, line.bytes, line.size, true, error);
    return settle_line(decoder, status, line, number, error);
}

/* The line at *at into the block, if it is of the known shape. */
static inline bool take_known(struct json_decoder *decoder, const char *bytes, size_t size,
                              size_t *at)
{
    size_t used = decoder->scan.take(&decoder->scan, bytes + *at, size - *at);
    size_t end = *at + used;
    end += end < size && bytes[end] == '\r';
    if (used == 0 || end >= size || bytes[end] != '\n' || used > LONGEST_WAITING ||
        used > decoder->max_record_bytes) {
        return false;
    }
    row_block_add(&decoder->block, (struct sluice_string){bytes + *at, used},
                  ++decoder->lines.line);
    *at = end + 1;
    return true;
}

/* The lines of the known shape that come next. A shape is tried once it was met twice. */
static enum sluice_status take_all_known(struct json_decoder *decoder, const char *bytes,
                                         size_t size, size_t *at, struct sluice_error *error)
{
    enum sluice_status status = SLUICE_OK;
    bool has_more = decoder->is_steady && !decoder->lines.is_skipping &&
                    row_scan_prepare(&decoder->scan);
    while (status == SLUICE_OK && has_more && !rows_are_full(&decoder->rows)) {
        while (has_more && !row_block_is_full(&decoder->block)) {
            has_more = *at < size && take_known(decoder, bytes, size, at);
        }
        status = row_block_flush(&decoder->block, settle_waiting, decoder, error);
    }
    return status;
}

static enum sluice_status decode(void *instance, const char *bytes, size_t size, bool is_last,
                                 size_t *consumed, struct sluice_batch **batch,
                                 struct sluice_error *error)
{
    struct json_decoder *decoder = instance;
    *consumed = 0;
    *batch = NULL;
    enum sluice_status status = SLUICE_OK;
    while (status == SLUICE_OK && !rows_are_full(&decoder->rows)) {
        struct sluice_string line;
        status = take_all_known(decoder, bytes, size, consumed, error);
        if (status != SLUICE_OK || rows_are_full(&decoder->rows)) {
            break;
        }
        enum lines_answer answer =
            lines_next(&decoder->lines, bytes, size, is_last, consumed, &line);
        if (answer == LINES_MORE) {
            break;
        }
        status = take_any(decoder, line, answer == LINES_TOO_LONG, error);
    }
    return status == SLUICE_OK ? rows_finish(&decoder->rows, batch, error) : status;
}

static enum sluice_status decode_message(struct json_decoder *decoder,
                                         const struct sluice_column *column, int64_t row,
                                         struct sluice_string *message, struct sluice_error *error)
{
    if (sluice_column_is_null(column, row)) {
        return sluice_fail(decoder->host, error, SLUICE_REJECT, SLUICE_CODE_FIELD_MISSING,
                           "the message is null");
    }
    *message = sluice_column_string(column, row);
    if (message->size > decoder->max_record_bytes) {
        return fail_too_long(decoder, error);
    }
    return decode_record(decoder, message->bytes, message->size, column->is_padded, error);
}

static enum sluice_status decode_values(void *instance, const struct sluice_batch *input,
                                        int column_index, struct sluice_batch **batch,
                                        int32_t *rows, int64_t *row_count,
                                        struct sluice_error *error)
{
    struct json_decoder *decoder = instance;
    *batch = NULL;
    *row_count = 0;
    struct sluice_column column;
    sluice_batch_column(decoder->host, input, column_index, &column);
    struct message_origin origin = {0};
    for (int64_t row = 0; row < column.length; row++) {
        int64_t position;
        enum sluice_status status =
            rows_follow(&decoder->rows, input, row, &origin, &position, error);
        struct sluice_string message = {NULL, 0};
        if (status == SLUICE_OK) {
            status = decode_message(decoder, &column, row, &message, error);
        }
        if (status == SLUICE_OK) {
            rows[(*row_count)++] = (int32_t)row;
            status = rows_close(&decoder->rows, position, error);
        } else if (status == SLUICE_REJECT) {
            status = rows_reject_message(&decoder->rows, input, row, message, error);
        }
        if (status != SLUICE_OK) {
            return status;
        }
    }
    return rows_finish(&decoder->rows, batch, error);
}

const struct sluice_codec json_codec = {
    .struct_size = sizeof(struct sluice_codec),
    .decoder_create = decoder_create,
    .decoder_begin = decoder_begin,
    .decode = decode,
    .decode_values = decode_values,
    .decoder_destroy = decoder_destroy,
    .encoder_create = json_encoder_create,
    .encoder_begin = json_encoder_begin,
    .encode = json_encode,
    .encoder_finish = json_encoder_finish,
    .encoder_destroy = json_encoder_destroy,
    .file_extension = "json",
};
