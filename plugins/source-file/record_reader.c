/* SPDX-License-Identifier: Apache-2.0 */
#include "record_reader.h"

#include <string.h>

enum {
    ROWS_A_BATCH = 32 * 1024,
    BYTES_A_BATCH = 4 * 1024 * 1024,
    REJECTED_EXCERPT_BYTES = 64 * 1024,
    BLANK_LINES = 4096
};

static enum sluice_status fail_memory(const struct sluice_host *host, struct sluice_error *error)
{
    return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                       "no memory for rows: raise settings.memory");
}

enum sluice_status record_reader_init(struct record_reader *reader, const struct sluice_host *host,
                                      const struct file_options *options,
                                      struct sluice_error *error)
{
    const struct sluice_schema *output = sluice_output_schema(host);
    *reader = (struct record_reader){.host = host, .options = options, .value_column = -1};
    if (options->format) {
        return sluice_decoder_create(host, options->format, options->schema, output,
                                     &reader->decoder, error);
    }
    reader->value_column = output->field_count > 0 ? 0 : -1;
    return sluice_builder_create(host, output, &reader->builder, error);
}

void record_reader_reset(struct record_reader *reader)
{
    if (!reader->host) {
        return;
    }
    sluice_decoder_destroy(reader->host, reader->decoder);
    sluice_builder_destroy(reader->host, reader->builder);
    *reader = (struct record_reader){0};
}

bool record_reader_needs_head(const struct record_reader *reader)
{
    return reader->options->format &&
           strcmp(sluice_codec_name(reader->host, reader->options->format), "json") != 0;
}

enum sluice_status record_reader_begin(struct record_reader *reader, const char *path,
                                       struct sluice_error *error)
{
    reader->path = path;
    if (reader->decoder) {
        return sluice_decoder_begin(reader->host, reader->decoder, path, error);
    }
    lines_begin(&reader->lines, (size_t)reader->options->max_record_bytes);
    if (sluice_builder_origin(reader->host, reader->builder, path, -1) != SLUICE_OK) {
        return fail_memory(reader->host, error);
    }
    return SLUICE_OK;
}

/* Feeds bytes whose rows are not wanted. */
static enum sluice_status feed(struct record_reader *reader, const char *bytes, size_t size,
                               struct sluice_error *error)
{
    while (size > 0) {
        size_t consumed;
        struct sluice_batch *batch;
        enum sluice_status status = sluice_decoder_decode(reader->host, reader->decoder, bytes,
                                                          size, false, &consumed, &batch, error);
        if (status != SLUICE_OK) {
            return status;
        }
        sluice_batch_release(reader->host, batch);
        if (consumed == 0) {
            return SLUICE_OK;
        }
        bytes += consumed;
        size -= consumed;
    }
    return SLUICE_OK;
}

static int64_t count_line_feeds(struct sluice_string text)
{
    int64_t count = 0;
    for (size_t i = 0; i < text.size; i++) {
        count += text.bytes[i] == '\n';
    }
    return count;
}

/* A decoder learns its line number by reading lines, and skips blank ones: it gets the header and
 * then as many blank lines as there were. */
static enum sluice_status resume_decoder(struct record_reader *reader, int64_t lines,
                                         struct sluice_string head, struct sluice_error *error)
{
    char blank[BLANK_LINES + SLUICE_PADDING];
    memset(blank, '\n', BLANK_LINES);
    memset(blank + BLANK_LINES, 0, SLUICE_PADDING);
    enum sluice_status status = feed(reader, head.bytes, head.size, error);
    int64_t left = lines - count_line_feeds(head);
    while (status == SLUICE_OK && left > 0) {
        int64_t fed = left < BLANK_LINES ? left : BLANK_LINES;
        status = feed(reader, blank + BLANK_LINES - fed, (size_t)fed, error);
        left -= fed;
    }
    return status;
}

enum sluice_status record_reader_resume(struct record_reader *reader, const char *path,
                                        int64_t lines, struct sluice_string head,
                                        struct sluice_error *error)
{
    enum sluice_status status = record_reader_begin(reader, path, error);
    if (status != SLUICE_OK) {
        return status;
    }
    if (reader->decoder) {
        return resume_decoder(reader, lines, head, error);
    }
    reader->lines.line = lines;
    reader->lines.is_started = true;
    return SLUICE_OK;
}

static enum sluice_status append_line(struct record_reader *reader, struct sluice_string line,
                                      struct sluice_error *error)
{
    enum sluice_status status = SLUICE_OK;
    if (reader->value_column >= 0) {
        status = sluice_builder_string(reader->host, reader->builder, reader->value_column,
                                       line.bytes, line.size);
    }
    if (status == SLUICE_OK) {
        status = sluice_builder_end_row(reader->host, reader->builder, reader->lines.line);
    }
    return status == SLUICE_OK ? SLUICE_OK : fail_memory(reader->host, error);
}

static enum sluice_status reject_line(struct record_reader *reader, struct sluice_string line,
                                      struct sluice_error *error)
{
    sluice_fail(reader->host, error, SLUICE_REJECT, SLUICE_CODE_RECORD_TOO_LONG,
                "the line is longer than max_record_bytes (%lld)",
                (long long)reader->options->max_record_bytes);
    struct sluice_rejected rejected = {
        .original = line.bytes,
        .original_size = line.size < REJECTED_EXCERPT_BYTES ? line.size : REJECTED_EXCERPT_BYTES,
        .origin_name = reader->path,
        .position = reader->lines.line};
    return sluice_reject(reader->host, &rejected, error);
}

static bool is_full(const struct record_reader *reader)
{
    return sluice_builder_rows(reader->host, reader->builder) >= ROWS_A_BATCH ||
           sluice_builder_bytes(reader->host, reader->builder) >= BYTES_A_BATCH;
}

static enum sluice_status decode_lines(struct record_reader *reader, const char *bytes, size_t size,
                                       bool is_last, size_t *consumed, struct sluice_batch **batch,
                                       struct sluice_error *error)
{
    *consumed = 0;
    *batch = NULL;
    while (!is_full(reader)) {
        struct sluice_string line;
        enum lines_answer answer =
            lines_next(&reader->lines, bytes, size, is_last, consumed, &line);
        if (answer == LINES_MORE) {
            break;
        }
        enum sluice_status status = answer == LINES_TOO_LONG ? reject_line(reader, line, error)
                                                             : append_line(reader, line, error);
        if (status != SLUICE_OK) {
            return status;
        }
    }
    return sluice_builder_finish(reader->host, reader->builder, batch, error);
}

enum sluice_status record_reader_decode(struct record_reader *reader, const char *bytes,
                                        size_t size, bool is_last, size_t *consumed,
                                        struct sluice_batch **batch, struct sluice_error *error)
{
    if (reader->decoder) {
        return sluice_decoder_decode(reader->host, reader->decoder, bytes, size, is_last, consumed,
                                     batch, error);
    }
    return decode_lines(reader, bytes, size, is_last, consumed, batch, error);
}
