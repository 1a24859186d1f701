/* SPDX-License-Identifier: Apache-2.0 */
#include "scalar.h"

#include <string.h>

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && *at >= '0' && *at <= '9') {
        at++;
    }
    return at;
}

/* number = [ "-" ] int [ frac ] [ exp ] */
static enum json_kind scan_number(const char *bytes, const char *end, size_t *size)
{
    enum json_kind kind = JSON_INTEGER;
    const char *at = bytes + (*bytes == '-');
    const char *digits = at;
    at = skip_digits(at, end);
    if (at == digits || (*digits == '0' && at > digits + 1)) {
        return JSON_INVALID;
    }
    if (at < end && *at == '.') {
        kind = JSON_DECIMAL;
        digits = ++at;
        at = skip_digits(at, end);
        if (at == digits) {
            return JSON_INVALID;
        }
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        kind = JSON_DECIMAL;
        at++;
        at += at < end && (*at == '+' || *at == '-');
        digits = at;
        at = skip_digits(at, end);
        if (at == digits) {
            return JSON_INVALID;
        }
    }
    *size = (size_t)(at - bytes);
    return kind;
}

static enum json_kind scan_word(const char *bytes, const char *end, const char *word,
                                enum json_kind kind, size_t *size)
{
    size_t length = strlen(word);
    if ((size_t)(end - bytes) < length || memcmp(bytes, word, length) != 0) {
        return JSON_INVALID;
    }
    *size = length;
    return kind;
}

enum json_kind json_scan_scalar(const char *bytes, const char *end, size_t *size)
{
    *size = 0;
    if (bytes >= end) {
        return JSON_INVALID;
    }
    switch (*bytes) {
    case 't':
        return scan_word(bytes, end, "true", JSON_TRUE, size);
    case 'f':
        return scan_word(bytes, end, "false", JSON_FALSE, size);
    case 'n':
        return scan_word(bytes, end, "null", JSON_NULL, size);
    default:
        return scan_number(bytes, end, size);
    }
}
