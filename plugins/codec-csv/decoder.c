/* SPDX-License-Identifier: Apache-2.0 */
/* The decoder's life: bytes or messages to records, header records to a layout, others to rows. */
#include "cell_value.h"
#include "csv_options.h"
#include "record_index.h"

#include <string.h>

enum { REJECTED_EXCERPT_BYTES = 64 * 1024, HEADER_COLUMN_LIMIT = 64 * 1024 };

struct csv_decoder {
    const struct sluice_host *host;
    bool has_header;
    size_t max_record_bytes;
    struct csv_splitter splitter;
    struct csv_layout layout;
    struct text_reader reader;
    struct record_rows rows;
    struct row_block block; /* of ordinary records, which the index cuts */
    struct csv_index index;
    struct sluice_buffer scratch; /* undoubled cells, padded messages */
    /* of the file at hand */
    int64_t line;    /* number of the line that the next record begins on, from 1 */
    bool is_started; /* the place of a BOM is behind us */
    bool needs_header;
    bool is_skipping; /* inside an over-long line that was rejected already */
};

static enum sluice_status fail_memory(const struct sluice_host *host, struct sluice_error *error)
{
    return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                       "no memory for the CSV decoder: raise settings.memory, or lower "
                       "max_record_bytes where records are long");
}

static void decoder_destroy(void *instance)
{
    struct csv_decoder *decoder = instance;
    if (!decoder) {
        return;
    }
    sluice_buffer_free(decoder->host, &decoder->scratch);
    csv_index_reset(&decoder->index);
    row_block_reset(&decoder->block);
    rows_reset(&decoder->rows);
    text_reader_reset(&decoder->reader);
    csv_layout_reset(&decoder->layout);
    csv_splitter_reset(&decoder->splitter);
    sluice_free(decoder->host, decoder);
}

static enum sluice_status decoder_open(struct csv_decoder *decoder,
                                       const struct csv_options *options,
                                       const struct sluice_schema *declared,
                                       const struct sluice_schema *produced,
                                       struct sluice_error *error)
{
    enum sluice_status status = csv_check_options(decoder->host, options, error);
    if (status == SLUICE_OK) {
        decoder->splitter.host = decoder->host;
        decoder->splitter.delimiter = *options->delimiter;
        decoder->splitter.quote = *options->quote;
        status = text_reader_init(&decoder->reader, decoder->host, error);
    }
    if (status == SLUICE_OK) {
        status = csv_layout_init(&decoder->layout, decoder->host, declared, error);
    }
    if (status == SLUICE_OK) {
        status = rows_init(&decoder->rows, &decoder->reader, declared, produced, error);
    }
    if (status == SLUICE_OK) {
        status = row_block_init(&decoder->block, &decoder->rows, &decoder->reader, error);
    }
    if (status == SLUICE_OK) {
        csv_index_init(&decoder->index, &decoder->block, *options->delimiter, *options->quote,
                       decoder->max_record_bytes);
    }
    return status;
}

static enum sluice_status prepare_index(struct csv_decoder *decoder, struct sluice_error *error)
{
    return csv_index_set_layout(&decoder->index, &decoder->layout)
               ? SLUICE_OK
               : fail_memory(decoder->host, error);
}

static enum sluice_status decoder_create(const struct sluice_host *host, const void *options,
                                         const struct sluice_schema *declared,
                                         const struct sluice_schema *produced, void **instance,
                                         struct sluice_error *error)
{
    const struct csv_options *csv = options;
    *instance = NULL;
    struct csv_decoder *decoder = sluice_alloc(host, sizeof *decoder);
    if (!decoder) {
        return fail_memory(host, error);
    }
    memset(decoder, 0, sizeof *decoder);
    decoder->host = host;
    decoder->has_header = csv->header;
    decoder->max_record_bytes = (size_t)csv->max_record_bytes;
    enum sluice_status status = decoder_open(decoder, csv, declared, produced, error);
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
    struct csv_decoder *decoder = instance;
    decoder->line = 1;
    decoder->is_started = false;
    decoder->is_skipping = false;
    decoder->needs_header = decoder->has_header;
    csv_layout_by_position(&decoder->layout);
    enum sluice_status status = prepare_index(decoder, error);
    return status == SLUICE_OK ? rows_begin(&decoder->rows, name, error) : status;
}

/* False where too few bytes are there to tell. */
static bool skip_byte_order_mark(struct csv_decoder *decoder, const char *bytes, size_t size,
                                 bool is_last, size_t *at)
{
    static const char mark[3] = {'\xef', '\xbb', '\xbf'};
    size_t seen = size < sizeof mark ? size : sizeof mark;
    if (!decoder->is_started && size > 0 && memcmp(bytes, mark, seen) == 0) {
        if (seen < sizeof mark && !is_last) {
            return false;
        }
        *at = seen == sizeof mark ? seen : 0;
    }
    decoder->is_started = decoder->is_started || size > 0;
    return true;
}

static enum sluice_status check_text(const struct csv_decoder *decoder, const char *bytes,
                                     size_t size, struct sluice_error *error)
{
    if (!decoder->splitter.is_suspicious) {
        return SLUICE_OK;
    }
    if (!sluice_is_utf8(decoder->host, bytes, size)) {
        return sluice_fail(decoder->host, error, SLUICE_REJECT, SLUICE_CODE_UTF8_INVALID,
                           "the record holds bytes that are not UTF-8");
    }
    if (memchr(bytes, '\0', size)) {
        return sluice_fail(decoder->host, error, SLUICE_REJECT, SLUICE_CODE_CSV_MALFORMED,
                           "the record holds a NUL byte");
    }
    return SLUICE_OK;
}

/* The record in the splitter into one open row. */
static enum sluice_status decode_cells(struct csv_decoder *decoder, const char *bytes, size_t size,
                                       struct sluice_error *error)
{
    enum sluice_status status = check_text(decoder, bytes, size, error);
    if (status == SLUICE_OK) {
        status = csv_layout_check(&decoder->layout, error);
    }
    if (status != SLUICE_OK) {
        return status;
    }
    if (decoder->splitter.cell_count != decoder->layout.cell_count) {
        return sluice_fail(decoder->host, error, SLUICE_REJECT, SLUICE_CODE_CSV_COLUMNS,
                           "the record has %zu fields, not %zu", decoder->splitter.cell_count,
                           decoder->layout.cell_count);
    }
    decoder->scratch.size = 0;
    if (sluice_buffer_reserve(decoder->host, &decoder->scratch, size + 1) != SLUICE_OK) {
        return fail_memory(decoder->host, error);
    }
    return put_cells(&decoder->rows, &decoder->reader, &decoder->layout, &decoder->splitter,
                     decoder->scratch.data, error);
}

static enum sluice_status fail_split(const struct csv_decoder *decoder, enum csv_answer answer,
                                     struct sluice_error *error)
{
    if (answer == CSV_NO_MEMORY) {
        return fail_memory(decoder->host, error);
    }
    if (answer == CSV_MALFORMED) {
        return sluice_fail(decoder->host, error, SLUICE_REJECT, SLUICE_CODE_CSV_MALFORMED,
                           "the record breaks the CSV quoting rules: %s", decoder->splitter.fault);
    }
    return sluice_fail(decoder->host, error, SLUICE_REJECT, SLUICE_CODE_RECORD_TOO_LONG,
                       "the record is longer than max_record_bytes (%zu), or a quote is not closed",
                       decoder->max_record_bytes);
}

static enum sluice_status take_header(struct csv_decoder *decoder, size_t size,
                                      struct sluice_error *error)
{
    decoder->scratch.size = 0;
    if (sluice_buffer_reserve(decoder->host, &decoder->scratch, size + 1) != SLUICE_OK) {
        return fail_memory(decoder->host, error);
    }
    csv_layout_by_header(&decoder->layout, &decoder->splitter, decoder->scratch.data);
    decoder->needs_header = false;
    return prepare_index(decoder, error);
}

/* A record that does not end within max_record_bytes: lets go of the line that it begins on. */
static size_t drop_line(struct csv_decoder *decoder, const char *bytes, size_t size)
{
    const char *line_feed = memchr(bytes, '\n', size);
    decoder->splitter.line_feeds = line_feed != NULL;
    decoder->is_skipping = !line_feed;
    return line_feed ? (size_t)(line_feed - bytes) + 1 : size;
}

/* One whole record of `size` bytes: header, row or reject. */
static enum sluice_status settle_record(struct csv_decoder *decoder, enum csv_answer answer,
                                        const char *bytes, size_t size, struct sluice_error *error)
{
    enum sluice_status status;
    if (answer == CSV_RECORD && decoder->needs_header) {
        return take_header(decoder, size, error);
    }
    if (answer == CSV_RECORD) {
        status = decode_cells(decoder, bytes, size, error);
    } else {
        status = fail_split(decoder, answer, error);
    }
    if (status == SLUICE_OK) {
        return rows_close(&decoder->rows, decoder->line, error);
    }
    if (status != SLUICE_REJECT) {
        return status;
    }
    size_t shown = size;
    while (shown > 0 && (bytes[shown - 1] == '\n' || bytes[shown - 1] == '\r')) {
        shown--;
    }
    shown = answer == CSV_MORE && shown > REJECTED_EXCERPT_BYTES ? REJECTED_EXCERPT_BYTES : shown;
    return rows_reject(&decoder->rows, bytes, shown, decoder->line, error);
}

/* The rest of an over-long line. True when it is behind us. */
static bool skip_line(struct csv_decoder *decoder, const char *bytes, size_t size, size_t *at)
{
    const char *line_feed = memchr(bytes + *at, '\n', size - *at);
    *at = line_feed ? (size_t)(line_feed - bytes) + 1 : size;
    decoder->line += line_feed != NULL;
    decoder->is_skipping = !line_feed;
    return line_feed != NULL;
}

/* A record that looked ordinary until its values were read. */
static enum sluice_status settle_waiting(void *user, struct sluice_string record, int64_t line,
                                         struct sluice_error *error)
{
    struct csv_decoder *decoder = user;
    int64_t reached = decoder->line;
    size_t used;
    decoder->splitter.keep_limit = decoder->layout.cell_count;
    enum csv_answer answer =
        csv_split(&decoder->splitter, record.bytes, record.size, true, &used);
    decoder->line = line;
    enum sluice_status status = settle_record(decoder, answer, record.bytes, record.size, error);
    decoder->line = reached;
    return status;
}

/* The bytes of one call. */
struct csv_input {
    const char *bytes;
    size_t size;
    bool is_last;
    size_t at; /* what lies before it is done with */
    bool is_cut; /* the record there does not end here */
};

static bool has_next(struct csv_decoder *decoder, const struct csv_input *input)
{
    return input->at < input->size && !input->is_cut && !rows_are_full(&decoder->rows);
}

/* The ordinary records that come next. */
static enum sluice_status take_ordinary(struct csv_decoder *decoder, struct csv_input *input,
                                        struct sluice_error *error)
{
    enum sluice_status status = SLUICE_OK;
    bool is_full = !decoder->needs_header;
    while (status == SLUICE_OK && is_full && has_next(decoder, input)) {
        input->at += csv_index_rows(&decoder->index, input->bytes + input->at,
                                    input->size - input->at, &decoder->line);
        is_full = row_block_is_full(&decoder->block);
        status = row_block_flush(&decoder->block, settle_waiting, decoder, error);
    }
    return status;
}

/* The next record, whatever it is. */
static enum sluice_status take_any(struct csv_decoder *decoder, struct csv_input *input,
                                   struct sluice_error *error)
{
    const char *record = input->bytes + input->at;
    size_t left = input->size - input->at;
    size_t window = left > decoder->max_record_bytes ? decoder->max_record_bytes + 1 : left;
    size_t used;
    decoder->splitter.keep_limit =
        decoder->needs_header ? HEADER_COLUMN_LIMIT : decoder->layout.cell_count;
    enum csv_answer answer =
        csv_split(&decoder->splitter, record, window, input->is_last && window == left, &used);
    if (answer == CSV_MORE && window == left && left <= decoder->max_record_bytes) {
        input->is_cut = true;
        return SLUICE_OK;
    }
    if (answer == CSV_MORE) {
        used = drop_line(decoder, record, window);
    }
    enum sluice_status status =
        answer == CSV_BLANK ? SLUICE_OK : settle_record(decoder, answer, record, used, error);
    input->at += used;
    decoder->line += decoder->splitter.line_feeds;
    return status;
}

static enum sluice_status decode(void *instance, const char *bytes, size_t size, bool is_last,
                                 size_t *consumed, struct sluice_batch **batch,
                                 struct sluice_error *error)
{
    struct csv_decoder *decoder = instance;
    struct csv_input input = {.bytes = bytes, .size = size, .is_last = is_last};
    *consumed = 0;
    *batch = NULL;
    if (!skip_byte_order_mark(decoder, bytes, size, is_last, &input.at)) {
        return SLUICE_OK;
    }
    csv_index_begin(&decoder->index);
    enum sluice_status status = SLUICE_OK;
    while (status == SLUICE_OK && has_next(decoder, &input)) {
        if (decoder->is_skipping && !skip_line(decoder, bytes, size, &input.at)) {
            break;
        }
        status = take_ordinary(decoder, &input, error);
        if (status == SLUICE_OK && has_next(decoder, &input)) {
            status = take_any(decoder, &input, error);
        }
    }
    *consumed = input.at;
    return status == SLUICE_OK ? rows_finish(&decoder->rows, batch, error) : status;
}

/* The splitter reads over the end: a message that nothing readable follows is copied. */
static enum sluice_status pad_message(struct csv_decoder *decoder, struct sluice_buffer *padded,
                                      struct sluice_string *message, struct sluice_error *error)
{
    padded->size = 0;
    if (sluice_buffer_reserve(decoder->host, padded, message->size + SLUICE_PADDING) != SLUICE_OK) {
        return fail_memory(decoder->host, error);
    }
    memcpy(padded->data, message->bytes, message->size);
    message->bytes = padded->data;
    return SLUICE_OK;
}

static enum sluice_status decode_message(struct csv_decoder *decoder,
                                         const struct sluice_column *column,
                                         struct sluice_buffer *padded, int64_t row,
                                         struct sluice_string *message, struct sluice_error *error)
{
    if (sluice_column_is_null(column, row)) {
        return sluice_fail(decoder->host, error, SLUICE_REJECT, SLUICE_CODE_FIELD_MISSING,
                           "the message is null");
    }
    *message = sluice_column_string(column, row);
    if (message->size > decoder->max_record_bytes) {
        return fail_split(decoder, CSV_MORE, error);
    }
    if (!column->is_padded) {
        enum sluice_status status = pad_message(decoder, padded, message, error);
        if (status != SLUICE_OK) {
            return status;
        }
    }
    size_t used;
    decoder->splitter.keep_limit = decoder->layout.cell_count;
    enum csv_answer answer =
        csv_split(&decoder->splitter, message->bytes, message->size, true, &used);
    if (answer == CSV_RECORD && used < message->size) {
        decoder->splitter.fault = "more than one record in the message";
        answer = CSV_MALFORMED;
    }
    if (answer != CSV_RECORD && answer != CSV_BLANK) {
        return fail_split(decoder, answer, error);
    }
    return decode_cells(decoder, message->bytes, message->size, error);
}

static enum sluice_status decode_rows(struct csv_decoder *decoder, const struct sluice_batch *input,
                                      int column_index, struct sluice_buffer *padded, int32_t *rows,
                                      int64_t *row_count, struct sluice_error *error)
{
    struct sluice_column column;
    sluice_batch_column(decoder->host, input, column_index, &column);
    struct message_origin origin = {0};
    for (int64_t row = 0; row < column.length; row++) {
        int64_t position;
        enum sluice_status status =
            rows_follow(&decoder->rows, input, row, &origin, &position, error);
        struct sluice_string message = {NULL, 0};
        if (status == SLUICE_OK) {
            status = decode_message(decoder, &column, padded, row, &message, error);
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
    return SLUICE_OK;
}

static enum sluice_status decode_values(void *instance, const struct sluice_batch *input,
                                        int column_index, struct sluice_batch **batch,
                                        int32_t *rows, int64_t *row_count,
                                        struct sluice_error *error)
{
    struct csv_decoder *decoder = instance;
    *batch = NULL;
    *row_count = 0;
    csv_layout_by_position(&decoder->layout);
    struct sluice_buffer padded = {0};
    enum sluice_status status =
        decode_rows(decoder, input, column_index, &padded, rows, row_count, error);
    sluice_buffer_free(decoder->host, &padded);
    return status == SLUICE_OK ? rows_finish(&decoder->rows, batch, error) : status;
}

const struct sluice_codec csv_codec = {
    .struct_size = sizeof(struct sluice_codec),
    .decoder_create = decoder_create,
    .decoder_begin = decoder_begin,
    .decode = decode,
    .decode_values = decode_values,
    .decoder_destroy = decoder_destroy,
    .encoder_create = csv_encoder_create,
    .encoder_begin = csv_encoder_begin,
    .encode = csv_encode,
    .encoder_finish = csv_encoder_finish,
    .encoder_destroy = csv_encoder_destroy,
    .file_extension = "csv",
};
