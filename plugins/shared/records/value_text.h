/* SPDX-License-Identifier: Apache-2.0 */
/* Typed values to text, the same in every text format: integers exact, floats shortest round trip,
 * timestamps ISO 8601 with Z, binary base64. */
#ifndef SLUICE_RECORDS_VALUE_TEXT_H
#define SLUICE_RECORDS_VALUE_TEXT_H

#include <sluice/service.h>

#include <string.h>

/* Room for `extra` bytes more; a host call only where the buffer is full. */
static inline bool has_room(const struct sluice_host *host, struct sluice_buffer *buffer,
                            size_t extra)
{
    return buffer->capacity - buffer->size >= extra ||
           sluice_buffer_reserve(host, buffer, extra) == SLUICE_OK;
}

/* The caller has made room. */
static inline void put_bytes(struct sluice_buffer *buffer, const char *bytes, size_t size)
{
    memcpy(buffer->data + buffer->size, bytes, size);
    buffer->size += size;
}

static inline void put_char(struct sluice_buffer *buffer, char character)
{
    buffer->data[buffer->size++] = character;
}

/* Writes at most 20 characters and returns how many. */
size_t int64_to_text(int64_t value, char *text);

/* Appends a value that is neither null nor a STRING. False without memory. */
bool append_value_text(const struct sluice_host *host, const struct sluice_column *column,
                       int64_t row, struct sluice_buffer *buffer);

#endif
