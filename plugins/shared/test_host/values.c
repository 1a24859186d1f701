/* SPDX-License-Identifier: Apache-2.0 */
/* Values, hashes and templates as text, by the core's own functions. */
#include "test_host/calls.h"

#include <string.h>

/* Appends what the text holds and frees it. */
static enum sluice_status move_text(sluice_host_ref host, struct text *text,
                                    struct sluice_buffer *buffer)
{
    enum sluice_status status = host->table->buffer_reserve(host, buffer, text->size);
    if (status == SLUICE_OK && text->size > 0) {
        memcpy(buffer->data + buffer->size, text->data, text->size);
        buffer->size += text->size;
    }
    text_reset(text);
    return status;
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

static enum sluice_status host_format_value(sluice_host_ref host,
                                            const struct sluice_column *column, int64_t row,
                                            struct sluice_buffer *buffer)
{
    struct text text = {0};
    format_value(column, row, &text);
    return move_text(host, &text, buffer);
}

static bool host_parse_timestamp(sluice_host_ref host, const struct sluice_time_format *format,
                                 const char *bytes, size_t size, int64_t *value_us)
{
    (void)host;
    return time_format_parse(format, bytes, size, value_us);
}

static int64_t host_parse_timestamps(sluice_host_ref host, const struct sluice_time_format *format,
                                     const struct sluice_string *texts, int64_t count,
                                     int64_t *values_us)
{
    (void)host;
    return time_format_parse_many(format, texts, count, values_us);
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

static enum sluice_status host_template_render(sluice_host_ref host,
                                               const struct sluice_template *template_,
                                               const struct sluice_batch *batch, int64_t row,
                                               bool is_path, struct sluice_buffer *buffer)
{
    struct text text = {0};
    struct sluice_error *error = error_create();
    enum sluice_status status = template_render(template_, batch, row, is_path, &text, error);
    error_destroy(error);
    if (status != SLUICE_OK) {
        text_reset(&text);
        return status;
    }
    return move_text(host, &text, buffer);
}

static bool host_template_ends(sluice_host_ref host, const struct sluice_template *template_,
                               struct sluice_string *prefix, struct sluice_string *suffix)
{
    (void)host;
    return template_ends(template_, prefix, suffix);
}

void test_host_fill_values(struct sluice_host_table *table)
{
    table->format_float64 = host_format_float64;
    table->format_timestamp = host_format_timestamp;
    table->format_value = host_format_value;
    table->parse_timestamp = host_parse_timestamp;
    table->parse_timestamps = host_parse_timestamps;
    table->is_utf8 = host_is_utf8;
    table->hash_bytes = host_hash_bytes;
    table->template_render = host_template_render;
    table->template_ends = host_template_ends;
}
