/* SPDX-License-Identifier: Apache-2.0 */
/* Growable text. */
#include "aws/counted_text.h"

#include <stdio.h>
#include <string.h>

void counted_init(struct counted_text *text, const struct sluice_host *host)
{
    *text = (struct counted_text){.host = host};
}

void counted_free(struct counted_text *text)
{
    if (text->host) {
        sluice_buffer_free(text->host, &text->buffer);
        counted_init(text, text->host);
    }
}

void counted_clear(struct counted_text *text)
{
    text->buffer.size = 0;
    text->has_failed = false;
    if (text->buffer.data) {
        text->buffer.data[0] = '\0';
    }
}

void counted_add_bytes(struct counted_text *text, const char *bytes, size_t size)
{
    if (text->has_failed ||
        sluice_buffer_reserve(text->host, &text->buffer, size + 1) != SLUICE_OK) {
        text->has_failed = true;
        return;
    }
    if (size > 0) {
        memcpy(text->buffer.data + text->buffer.size, bytes, size);
    }
    text->buffer.size += size;
    text->buffer.data[text->buffer.size] = '\0';
}

void counted_add(struct counted_text *text, const char *string)
{
    counted_add_bytes(text, string, strlen(string));
}

void counted_print(struct counted_text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (size < 0 || text->has_failed ||
        sluice_buffer_reserve(text->host, &text->buffer, (size_t)size + 1) != SLUICE_OK) {
        text->has_failed = true;
        return;
    }
    va_start(arguments, format);
    vsnprintf(text->buffer.data + text->buffer.size, (size_t)size + 1, format, arguments);
    va_end(arguments);
    text->buffer.size += (size_t)size;
}

const char *counted_get(const struct counted_text *text)
{
    return text->buffer.data && !text->has_failed ? text->buffer.data : "";
}

enum sluice_status counted_check(const struct counted_text *text, struct sluice_error *error)
{
    if (text->has_failed) {
        return sluice_fail(text->host, error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                           "no memory for a text of %zu bytes", text->buffer.size);
    }
    return SLUICE_OK;
}

char *counted_copy(const struct sluice_host *host, const char *bytes, size_t size)
{
    char *copy = sluice_alloc(host, size + 1);
    if (copy) {
        memcpy(copy, bytes, size);
        copy[size] = '\0';
    }
    return copy;
}
