/* SPDX-License-Identifier: Apache-2.0 */
#include "records/lines.h"

#include <string.h>

static const char byte_order_mark[3] = {'\xef', '\xbb', '\xbf'};

void lines_begin(struct lines *lines, size_t max_bytes)
{
    *lines = (struct lines){.max_bytes = max_bytes};
}

/* False where too few bytes are there to tell. */
static bool skip_byte_order_mark(struct lines *lines, const char *bytes, size_t size, bool is_last,
                                 size_t *at)
{
    size_t left = size - *at;
    size_t seen = left < sizeof byte_order_mark ? left : sizeof byte_order_mark;
    if (memcmp(bytes + *at, byte_order_mark, seen) == 0) {
        if (seen < sizeof byte_order_mark && !is_last) {
            return false;
        }
        *at += seen == sizeof byte_order_mark ? seen : 0;
    }
    lines->is_started = true;
    return true;
}

static bool is_blank(const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != ' ' && bytes[i] != '\t') {
            return false;
        }
    }
    return true;
}

/* No line end in sight: hold the piece, or tell that it is too long and let it go. */
static enum lines_answer end_of_input(struct lines *lines, const char *bytes, size_t size,
                                      size_t *at, struct sluice_string *record)
{
    size_t left = size - *at;
    if (lines->is_skipping) {
        *at = size;
        return LINES_MORE;
    }
    if (left <= lines->max_bytes + 1) { /* + 1: a CR whose LF is still to come */
        return LINES_MORE;
    }
    *record = (struct sluice_string){bytes + *at, left};
    *at = size;
    lines->line++;
    lines->is_skipping = true;
    return LINES_TOO_LONG;
}

enum lines_answer lines_next(struct lines *lines, const char *bytes, size_t size, bool is_last,
                             size_t *at, struct sluice_string *record)
{
    if (!lines->is_started && *at < size &&
        !skip_byte_order_mark(lines, bytes, size, is_last, at)) {
        return LINES_MORE;
    }
    while (*at < size) {
        const char *begin = bytes + *at;
        const char *end = memchr(begin, '\n', size - *at);
        if (!end && !is_last) {
            return end_of_input(lines, bytes, size, at, record);
        }
        size_t length = end ? (size_t)(end - begin) : size - *at;
        *at += end ? length + 1 : length;
        if (lines->is_skipping) {
            lines->is_skipping = false;
            continue;
        }
        lines->line++;
        if (length > 0 && begin[length - 1] == '\r') {
            length--;
        }
        *record = (struct sluice_string){begin, length};
        if (length > lines->max_bytes) {
            return LINES_TOO_LONG;
        }
        if (!is_blank(begin, length)) {
            return LINES_RECORD;
        }
    }
    return LINES_MORE;
}
