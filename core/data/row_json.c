/* SPDX-License-Identifier: Apache-2.0 */
/* One row as a JSON object. Always valid JSON: NaN and infinities become strings. */
#include "data/data.h"

#include <math.h>
#include <string.h>

static void append_string(const char *bytes, size_t size, struct text *text)
{
    static const char hex[] = "0123456789abcdef";
    size_t start = 0; /* of the bytes that are copied as they are */
    text_append_char(text, '"');
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        if (byte >= 0x20 && byte != '"' && byte != '\\') {
            continue;
        }
        text_append_bytes(text, bytes + start, i - start);
        start = i + 1;
        switch (byte) {
        case '"':
        case '\\':
            text_append_char(text, '\\');
            text_append_char(text, (char)byte);
            break;
        case '\n':
            text_append(text, "\\n");
            break;
        case '\r':
            text_append(text, "\\r");
            break;
        case '\t':
            text_append(text, "\\t");
            break;
        default: {
            const char escaped[] = {'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]};
            text_append_bytes(text, escaped, sizeof(escaped));
        }
        }
    }
    text_append_bytes(text, bytes + start, size - start);
    text_append_char(text, '"');
}

static void append_base64(const char *bytes, size_t size, struct text *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    text_append_char(text, '"');
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t word = (uint32_t)(unsigned char)bytes[i] << 16;
        word |= left > 1 ? (uint32_t)(unsigned char)bytes[i + 1] << 8 : 0;
        word |= left > 2 ? (uint32_t)(unsigned char)bytes[i + 2] : 0;
        const char group[] = {digits[word >> 18], digits[word >> 12 & 63],
                              left > 1 ? digits[word >> 6 & 63] : '=',
                              left > 2 ? digits[word & 63] : '='};
        text_append_bytes(text, group, sizeof(group));
    }
    text_append_char(text, '"');
}

static void append_value(const struct sluice_column *column, int64_t row, struct text *text)
{
    if (sluice_column_is_null(column, row)) {
        text_append(text, "null");
        return;
    }
    switch (column->type) {
    case SLUICE_TYPE_STRING:
    case SLUICE_TYPE_BINARY: {
        struct sluice_string string = sluice_column_string(column, row);
        (column->type == SLUICE_TYPE_STRING ? append_string : append_base64)(string.bytes,
                                                                             string.size, text);
        return;
    }
    case SLUICE_TYPE_NONE:
    case SLUICE_TYPE_BOOL:
    case SLUICE_TYPE_INT64:
        format_value(column, row, text);
        return;
    case SLUICE_TYPE_FLOAT64:
        if (isfinite(sluice_column_float64(column, row))) {
            format_value(column, row, text);
            return;
        }
        break;
    case SLUICE_TYPE_TIMESTAMP:
        break;
    }
    text_append_char(text, '"');
    format_value(column, row, text);
    text_append_char(text, '"');
}

void format_row_json(const struct sluice_batch *batch, int64_t row, struct text *text)
{
    format_columns_json(batch, row, -1, text);
}

void format_columns_json(const struct sluice_batch *batch, int64_t row, int left_out,
                         struct text *text)
{
    const struct sluice_schema *schema = batch_schema(batch);
    const char *separator = "";
    text_append_char(text, '{');
    for (size_t i = 0; i < schema->field_count; i++) {
        const char *name = sluice_schema_field(schema, i)->name;
        struct sluice_column column;
        if ((int)i == left_out)
            continue;
        batch_column(batch, (int)i, &column);
        text_append(text, separator);
        separator = ",";
        append_string(name, strlen(name), text);
        text_append_char(text, ':');
        append_value(&column, row, text);
    }
    text_append_char(text, '}');
}
