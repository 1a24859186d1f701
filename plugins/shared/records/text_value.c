/* SPDX-License-Identifier: Apache-2.0 */
#include "records/text_value.h"

#include "records/base64.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_TEXT_LIMIT = 512, EXCERPT_BYTES = 64 };

enum sluice_status text_reader_init(struct text_reader *reader, const struct sluice_host *host,
                                    struct sluice_error *error)
{
    *reader = (struct text_reader){.host = host};
    reader->number_locale = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    if (!reader->number_locale) {
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                           "no memory for a locale");
    }
    return SLUICE_OK;
}

void text_reader_reset(struct text_reader *reader)
{
    if (reader->number_locale) {
        freelocale(reader->number_locale);
    }
    if (reader->scratch.data) { /* while a flow is planned the host has no buffers */
        sluice_buffer_free(reader->host, &reader->scratch);
    }
    *reader = (struct text_reader){0};
}

const char *type_text(enum sluice_type type)
{
    switch (type) {
    case SLUICE_TYPE_BOOL:
        return "bool";
    case SLUICE_TYPE_INT64:
        return "int64";
    case SLUICE_TYPE_FLOAT64:
        return "float64";
    case SLUICE_TYPE_STRING:
        return "string";
    case SLUICE_TYPE_BINARY:
        return "binary";
    case SLUICE_TYPE_TIMESTAMP:
        return "timestamp";
    case SLUICE_TYPE_NONE:
        break;
    }
    return "unknown";
}

char *excerpt(const char *bytes, size_t size, char text[80])
{
    size_t shown = size < EXCERPT_BYTES ? size : EXCERPT_BYTES;
    for (size_t i = 0; i < shown; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        text[i] = byte < 0x20 || byte >= 0x7f ? '?' : (char)byte;
    }
    memcpy(text + shown, size > shown ? "..." : "", size > shown ? 4 : 1);
    return text;
}

enum integer_answer text_to_int64(const char *text, size_t size, int64_t *value)
{
    size_t at = size > 0 && (text[0] == '-' || text[0] == '+') ? 1 : 0;
    bool is_negative = at == 1 && text[0] == '-';
    if (at == size) {
        return INTEGER_NOT;
    }
    uint64_t limit = (uint64_t)INT64_MAX + (is_negative ? 1 : 0);
    uint64_t sum = 0;
    bool is_beyond = false;
    for (; at < size; at++) {
        unsigned digit = (unsigned)(unsigned char)text[at] - '0';
        if (digit > 9) {
            return INTEGER_NOT;
        }
        is_beyond = is_beyond || sum > (limit - digit) / 10;
        sum = sum * 10 + digit;
    }
    if (is_beyond) {
        return INTEGER_RANGE;
    }
    *value = is_negative ? (int64_t)(0 - sum) : (int64_t)sum;
    return INTEGER_OK;
}

static enum sluice_status fail_value(struct text_reader *reader, const struct sluice_field *field,
                                     enum sluice_code code, const char *what, const char *text,
                                     size_t size, struct sluice_error *error)
{
    char shown[80];
    sluice_fail(reader->host, error, SLUICE_REJECT, code, "field `%s` (%s) %s: `%s`", field->name,
                type_text(field->type), what, excerpt(text, size, shown));
    sluice_error_at(reader->host, error, SLUICE_AT_COLUMN, "%s", field->name);
    return SLUICE_REJECT;
}

static enum sluice_status to_int64(struct text_reader *reader, const struct sluice_field *field,
                                   const char *text, size_t size, struct value *value,
                                   struct sluice_error *error)
{
    switch (text_to_int64(text, size, &value->integer)) {
    case INTEGER_OK:
        return SLUICE_OK;
    case INTEGER_RANGE:
        return fail_value(reader, field, SLUICE_CODE_NUMBER_RANGE, "does not fit 64 bits", text,
                          size, error);
    case INTEGER_NOT:
        break;
    }
    return fail_value(reader, field, SLUICE_CODE_TYPE_MISMATCH, "is not an integer", text, size,
                      error);
}

static bool is_decimal(const char *text, size_t size)
{
    return size > 0 && size < NUMBER_TEXT_LIMIT && strspn(text, "+-.0123456789eE") == size;
}

static enum sluice_status to_float64(struct text_reader *reader, const struct sluice_field *field,
                                     const char *text, size_t size, struct value *value,
                                     struct sluice_error *error)
{
    char copy[NUMBER_TEXT_LIMIT];
    size_t copied = size < sizeof copy ? size : sizeof copy - 1;
    memcpy(copy, text, copied);
    copy[copied] = '\0';
    char *end = copy;
    if (is_decimal(copy, size)) {
        value->number = strtod_l(copy, &end, reader->number_locale);
    }
    if (end != copy + size || size == 0) {
        return fail_value(reader, field, SLUICE_CODE_TYPE_MISMATCH, "is not a number", text, size,
                          error);
    }
    if (!isfinite(value->number)) {
        return fail_value(reader, field, SLUICE_CODE_NUMBER_RANGE, "is beyond float64", text, size,
                          error);
    }
    return SLUICE_OK;
}

static enum sluice_status to_binary(struct text_reader *reader, const struct sluice_field *field,
                                    const char *text, size_t size, struct value *value,
                                    struct sluice_error *error)
{
    reader->scratch.size = 0;
    if (sluice_buffer_reserve(reader->host, &reader->scratch, size + 1) != SLUICE_OK) {
        return sluice_fail(reader->host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                           "no memory for a binary value of %zu bytes", size);
    }
    value->bytes = reader->scratch.data;
    if (!base64_decode(text, size, reader->scratch.data, &value->size)) {
        return fail_value(reader, field, SLUICE_CODE_TYPE_MISMATCH, "is not base64", text, size,
                          error);
    }
    return SLUICE_OK;
}

enum sluice_status text_to_value(struct text_reader *reader, const struct sluice_field *field,
                                 const char *text, size_t size, struct value *value,
                                 struct sluice_error *error)
{
    *value = (struct value){0};
    switch (field->type) {
    case SLUICE_TYPE_BOOL:
        value->boolean = size == 4 && memcmp(text, "true", 4) == 0;
        if (!value->boolean && !(size == 5 && memcmp(text, "false", 5) == 0)) {
            return fail_value(reader, field, SLUICE_CODE_TYPE_MISMATCH, "is not true or false",
                              text, size, error);
        }
        return SLUICE_OK;
    case SLUICE_TYPE_INT64:
        return to_int64(reader, field, text, size, value, error);
    case SLUICE_TYPE_FLOAT64:
        return to_float64(reader, field, text, size, value, error);
    case SLUICE_TYPE_TIMESTAMP:
        if (!sluice_parse_timestamp(reader->host, field->time_format, text, size,
                                    &value->integer)) {
            return fail_value(reader, field, SLUICE_CODE_TIMESTAMP_INVALID,
                              "does not fit its format", text, size, error);
        }
        return SLUICE_OK;
    case SLUICE_TYPE_BINARY:
        return to_binary(reader, field, text, size, value, error);
    case SLUICE_TYPE_STRING:
    case SLUICE_TYPE_NONE:
        break;
    }
    value->bytes = text;
    value->size = size;
    return SLUICE_OK;
}
