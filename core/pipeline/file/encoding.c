/* SPDX-License-Identifier: Apache-2.0 */
/* libyaml stops quietly at some bad bytes and speaks of offsets at others: so they are looked for
 * first. */
#include "pipeline/file/encoding.h"

#include <string.h>

struct mark mark_at(const char *file, const char *bytes, size_t size, size_t offset)
{
    struct mark mark = {file, 1, 1};
    size_t at = 0;
    while (at < offset && at < size) {
        size_t line_break = line_break_size(bytes + at, size - at);
        if (line_break) {
            mark.line++;
            mark.column = 1;
            at += line_break;
            continue;
        }
        at++;
        if (at >= size || ((unsigned char)bytes[at] & 0xC0) != 0x80)
            mark.column++;
    }
    return mark;
}

/* Bytes of the character at `bytes`; 0: not UTF-8 (overlong, surrogate, too large, cut off). */
static size_t utf8_size(const unsigned char *bytes, size_t size)
{
    unsigned char first = bytes[0];
    if (first < 0x80)
        return 1;
    size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || length > size)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xC0) != 0x80)
            return 0;
    }
    bool is_overlong = (first == 0xE0 && bytes[1] < 0xA0) || (first == 0xF0 && bytes[1] < 0x90);
    bool is_surrogate = first == 0xED && bytes[1] > 0x9F;
    bool is_too_large = first == 0xF4 && bytes[1] > 0x8F;
    return is_overlong || is_surrogate || is_too_large ? 0 : length;
}

/* Control characters that YAML does not allow in a file. */
static bool is_forbidden(const unsigned char *bytes, size_t size)
{
    if (bytes[0] == 0x7F || (bytes[0] < 0x20 && !strchr("\t\n\r", bytes[0])))
        return true;
    return size == 2 && bytes[0] == 0xC2 && bytes[1] < 0xA0 && bytes[1] != 0x85;
}

bool check_encoding(const char *file, const char *bytes, size_t size,
                    struct diagnostics *diagnostics)
{
    size_t at = 0;
    while (at < size) {
        const unsigned char *here = (const unsigned char *)bytes + at;
        size_t length = utf8_size(here, size - at);
        if (length && !(*here == 0 || is_forbidden(here, length))) {
            at += length;
            continue;
        }
        struct span span = {.mark = mark_at(file, bytes, size, at)};
        span.end_line = span.mark.line;
        span.end_column = span.mark.column + 1;
        if (!length)
            diagnostics_error(diagnostics, &span,
                              "byte 0x%02X is not UTF-8; pipeline files are UTF-8 text", *here);
        else if (*here == 0)
            diagnostics_error(diagnostics, &span, "a NUL byte; pipeline files are UTF-8 text");
        else
            diagnostics_error(diagnostics, &span, "control character 0x%02X is not allowed",
                              here[length - 1]);
        return false;
    }
    return true;
}
