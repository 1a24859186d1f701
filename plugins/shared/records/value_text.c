/* SPDX-License-Identifier: Apache-2.0 */
#include "records/value_text.h"

#include "records/base64.h"

enum { INT64_TEXT = 20, NUMBER_TEXT = 48 };

size_t int64_to_text(int64_t value, char *text)
{
    char reversed[INT64_TEXT];
    size_t size = 0;
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        reversed[size++] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (value < 0) {
        reversed[size++] = '-';
    }
    for (size_t i = 0; i < size; i++) {
        text[i] = reversed[size - 1 - i];
    }
    return size;
}

bool append_value_text(const struct sluice_host *host, const struct sluice_column *column,
                       int64_t row, struct sluice_buffer *buffer)
{
    if (column->type == SLUICE_TYPE_BINARY) {
        struct sluice_string bytes = sluice_column_string(column, row);
        size_t size = base64_encoded_size(bytes.size);
        if (!has_room(host, buffer, size)) {
            return false;
        }
        base64_encode(bytes.bytes, bytes.size, buffer->data + buffer->size);
        buffer->size += size;
        return true;
    }
    if (!has_room(host, buffer, NUMBER_TEXT)) {
        return false;
    }
    char *end = buffer->data + buffer->size;
    if (column->type == SLUICE_TYPE_INT64) {
        buffer->size += int64_to_text(sluice_column_int64(column, row), end);
    } else if (column->type == SLUICE_TYPE_TIMESTAMP) {
        buffer->size += sluice_format_timestamp(host, sluice_column_int64(column, row), end);
    } else if (column->type == SLUICE_TYPE_FLOAT64) {
        buffer->size += sluice_format_float64(host, sluice_column_float64(column, row), end);
    } else {
        bool is_true = sluice_column_bool(column, row);
        put_bytes(buffer, is_true ? "true" : "false", is_true ? 4 : 5);
    }
    return true;
}
