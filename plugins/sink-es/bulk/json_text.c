/* SPDX-License-Identifier: Apache-2.0 */
#include "bulk/json_text.h"

#include <stdio.h>

void json_put_escaped(struct sluice_buffer *buffer, struct sluice_string string)
{
    for (size_t i = 0; i < string.size; i++) {
        unsigned char byte = (unsigned char)string.bytes[i];
        if (byte < ' ') {
            buffer->size += (size_t)snprintf(buffer->data + buffer->size, JSON_ESCAPED_SIZE + 1,
                                             "\\u%04x", byte);
            continue;
        }
        if (byte == '"' || byte == '\\') {
            buffer->data[buffer->size++] = '\\';
        }
        buffer->data[buffer->size++] = (char)byte;
    }
}
