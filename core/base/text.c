/* SPDX-License-Identifier: Apache-2.0 */
/* Growable text. A failed allocation is remembered, so that a caller checks once at the end. */
#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 64 };

/* Room for `extra` bytes and the terminator. */
static bool make_room(struct text *text, size_t extra)
{
    if (text->has_failed) {
        return false;
    }
    if (extra < text->capacity - text->size) {
        return true;
    }
    size_t wanted = text->size + extra + 1;
    size_t capacity = text->capacity > 0 ? text->capacity : FIRST_CAPACITY;
    while (capacity < wanted && capacity <= SIZE_MAX / 2) {
        capacity *= 2;
    }
    char *data = wanted > extra && capacity >= wanted ? realloc(text->data, capacity) : NULL;
    if (!data) {
        text->has_failed = true;
        return false;
    }
    text->data = data;
    text->capacity = capacity;
    return true;
}

void text_append_bytes(struct text *text, const char *bytes, size_t size)
{
    if (size == 0 || !make_room(text, size)) {
        return;
    }
    memcpy(text->data + text->size, bytes, size);
    text->size += size;
    text->data[text->size] = '\0';
}

void text_append(struct text *text, const char *string)
{
    text_append_bytes(text, string, strlen(string));
}

void text_append_char(struct text *text, char character)
{
    text_append_bytes(text, &character, 1);
}

void text_printf_list(struct text *text, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int length =
        make_room(text, FIRST_CAPACITY - 1)
            ? vsnprintf(text->data + text->size, text->capacity - text->size, format, arguments)
            : -1;
    if (length < 0) {
        text->has_failed = true;
    } else if ((size_t)length < text->capacity - text->size) {
        text->size += (size_t)length;
    } else if (make_room(text, (size_t)length)) {
        vsnprintf(text->data + text->size, (size_t)length + 1, format, again);
        text->size += (size_t)length;
    }
    if (text->data) {
        text->data[text->size] = '\0';
    }
    va_end(again);
}

void text_printf(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    text_printf_list(text, format, arguments);
    va_end(arguments);
}

void text_clear(struct text *text)
{
    text->size = 0;
    text->has_failed = false;
    if (text->data) {
        text->data[0] = '\0';
    }
}

void text_reset(struct text *text)
{
    free(text->data);
    *text = (struct text){0};
}

const char *text_get(const struct text *text)
{
    return text->data ? text->data : "";
}
