/* SPDX-License-Identifier: Apache-2.0 */
/* The object behind `struct sluice_error`. It never fails itself: where memory is out, status and
 * code stand and the text is missing. */
#include "base/base.h"

#include <stdlib.h>

struct sluice_error {
    enum sluice_status status;
    enum sluice_code code;
    int64_t retry_after_ms;
    struct text message;
    struct text causes;
    struct text fields[SLUICE_AT_FIELD_COUNT];
    bool has_field[SLUICE_AT_FIELD_COUNT];
};

static const struct {
    const char *name;
    const char *meaning;
} codes[] = {
#define CODE_ROW(enum_name, text, what) [SLUICE_CODE_##enum_name] = {text, what},
    SLUICE_ERROR_CODES(CODE_ROW)
#undef CODE_ROW
};

static const char *const field_names[SLUICE_AT_FIELD_COUNT] = {
    [SLUICE_AT_OPTION] = "option", [SLUICE_AT_ITEM] = "item",
    [SLUICE_AT_TOPIC] = "topic",   [SLUICE_AT_PARTITION] = "partition",
    [SLUICE_AT_OFFSET] = "offset", [SLUICE_AT_OBJECT] = "object",
    [SLUICE_AT_LINE] = "line",     [SLUICE_AT_COLUMN] = "column",
    [SLUICE_AT_URL] = "url",       [SLUICE_AT_HTTP_STATUS] = "http_status",
};

struct sluice_error *error_create(void)
{
    struct sluice_error *error = calloc(1, sizeof(*error));
    if (error) {
        error->retry_after_ms = -1;
    }
    return error;
}

void error_destroy(struct sluice_error *error)
{
    if (!error) {
        return;
    }
    text_reset(&error->message);
    text_reset(&error->causes);
    for (size_t i = 0; i < SLUICE_AT_FIELD_COUNT; i++) {
        text_reset(&error->fields[i]);
    }
    free(error);
}

static void clear_all_but_message(struct sluice_error *error)
{
    error->status = SLUICE_OK;
    error->code = SLUICE_CODE_NONE;
    error->retry_after_ms = -1;
    text_clear(&error->causes);
    for (size_t i = 0; i < SLUICE_AT_FIELD_COUNT; i++) {
        text_clear(&error->fields[i]);
        error->has_field[i] = false;
    }
}

void error_reset(struct sluice_error *error)
{
    clear_all_but_message(error);
    text_clear(&error->message);
}

enum sluice_status error_set_list(struct sluice_error *error, enum sluice_status status,
                                  enum sluice_code code, const char *format, va_list arguments)
{
    /* The arguments may point into this very error: print first, clear after. */
    struct text message = {0};
    text_printf_list(&message, format, arguments);
    clear_all_but_message(error);
    text_reset(&error->message);
    error->message = message;
    error->status = status;
    error->code = code;
    return status;
}

enum sluice_status error_set(struct sluice_error *error, enum sluice_status status,
                             enum sluice_code code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    error_set_list(error, status, code, format, arguments);
    va_end(arguments);
    return status;
}

void error_set_field_list(struct sluice_error *error, enum sluice_error_field field,
                          const char *format, va_list arguments)
{
    if ((unsigned)field >= SLUICE_AT_FIELD_COUNT) {
        return; /* a plugin built against a newer header */
    }
    struct text value = {0};
    text_printf_list(&value, format, arguments);
    text_reset(&error->fields[field]);
    error->fields[field] = value;
    error->has_field[field] = true;
}

void error_set_field(struct sluice_error *error, enum sluice_error_field field, const char *format,
                     ...)
{
    va_list arguments;
    va_start(arguments, format);
    error_set_field_list(error, field, format, arguments);
    va_end(arguments);
}

void error_add_cause_list(struct sluice_error *error, const char *format, va_list arguments)
{
    struct text causes = {0};
    if (error->causes.size > 0) {
        text_append_bytes(&causes, error->causes.data, error->causes.size);
        text_append(&causes, "; ");
    }
    text_printf_list(&causes, format, arguments);
    text_reset(&error->causes);
    error->causes = causes;
}

void error_add_cause(struct sluice_error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    error_add_cause_list(error, format, arguments);
    va_end(arguments);
}

void error_set_retry_after(struct sluice_error *error, int64_t delay_ms)
{
    error->retry_after_ms = delay_ms < 0 ? -1 : delay_ms;
}

void error_copy(struct sluice_error *to, const struct sluice_error *from)
{
    if (to == from) {
        return;
    }
    error_reset(to);
    to->status = from->status;
    to->code = from->code;
    to->retry_after_ms = from->retry_after_ms;
    text_append_bytes(&to->message, from->message.data, from->message.size);
    text_append_bytes(&to->causes, from->causes.data, from->causes.size);
    for (size_t i = 0; i < SLUICE_AT_FIELD_COUNT; i++) {
        to->has_field[i] = from->has_field[i];
        text_append_bytes(&to->fields[i], from->fields[i].data, from->fields[i].size);
    }
}

enum sluice_status error_status(const struct sluice_error *error)
{
    return error->status;
}

enum sluice_code error_code(const struct sluice_error *error)
{
    return error->code;
}

const char *error_message(const struct sluice_error *error)
{
    return text_get(&error->message);
}

const char *error_field(const struct sluice_error *error, enum sluice_error_field field)
{
    return (unsigned)field < SLUICE_AT_FIELD_COUNT && error->has_field[field]
               ? text_get(&error->fields[field])
               : NULL;
}

const char *error_causes(const struct sluice_error *error)
{
    return text_get(&error->causes);
}

int64_t error_retry_after_ms(const struct sluice_error *error)
{
    return error->retry_after_ms;
}

const char *error_code_name(enum sluice_code code)
{
    return (size_t)code < sizeof(codes) / sizeof(codes[0]) ? codes[code].name : "unknown";
}

const char *error_code_meaning(enum sluice_code code)
{
    return (size_t)code < sizeof(codes) / sizeof(codes[0]) ? codes[code].meaning
                                                           : "a code of a newer plugin";
}

const char *error_field_name(enum sluice_error_field field)
{
    return (unsigned)field < SLUICE_AT_FIELD_COUNT ? field_names[field] : "unknown";
}

void error_format(const struct sluice_error *error, struct text *text)
{
    text_append(text, error->message.size > 0 ? text_get(&error->message)
                                              : error_code_meaning(error->code));
    const char *separator = " (";
    for (size_t i = 0; i < SLUICE_AT_FIELD_COUNT; i++) {
        if (error->has_field[i]) {
            text_printf(text, "%s%s=%s", separator, field_names[i], text_get(&error->fields[i]));
            separator = " ";
        }
    }
    if (separator[1] == '\0') {
        text_append_char(text, ')');
    }
    if (error->causes.size > 0) {
        text_append(text, ": ");
        text_append(text, text_get(&error->causes));
    }
}
