/* SPDX-License-Identifier: Apache-2.0 */
#include "records/base64.h"

#include <stdint.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(const char *bytes, size_t size, char *text)
{
    const unsigned char *in = (const unsigned char *)bytes;
    size_t at = 0;
    for (; at + 3 <= size; at += 3) {
        uint32_t group = (uint32_t)in[at] << 16 | (uint32_t)in[at + 1] << 8 | in[at + 2];
        *text++ = digits[group >> 18];
        *text++ = digits[group >> 12 & 63];
        *text++ = digits[group >> 6 & 63];
        *text++ = digits[group & 63];
    }
    if (at < size) {
        bool has_two = at + 1 < size;
        uint32_t group = (uint32_t)in[at] << 16 | (has_two ? (uint32_t)in[at + 1] << 8 : 0);
        *text++ = digits[group >> 18];
        *text++ = digits[group >> 12 & 63];
        *text++ = has_two ? digits[group >> 6 & 63] : '=';
        *text++ = '=';
    }
}

static int digit_value(char digit)
{
    if (digit >= 'A' && digit <= 'Z') {
        return digit - 'A';
    }
    if (digit >= 'a' && digit <= 'z') {
        return digit - 'a' + 26;
    }
    if (digit >= '0' && digit <= '9') {
        return digit - '0' + 52;
    }
    return digit == '+' ? 62 : digit == '/' ? 63 : -1;
}

bool base64_decode(const char *text, size_t text_size, char *bytes, size_t *size)
{
    *size = 0;
    if (text_size % 4 != 0) {
        return false;
    }
    for (size_t at = 0; at < text_size; at += 4) {
        bool is_end = at + 4 == text_size;
        int padding = !is_end || text[at + 3] != '=' ? 0 : text[at + 2] == '=' ? 2 : 1;
        uint32_t group = 0;
        for (int i = 0; i < 4; i++) {
            int value = i >= 4 - padding ? 0 : digit_value(text[at + (size_t)i]);
            if (value < 0) {
                return false;
            }
            group = group << 6 | (uint32_t)value;
        }
        if ((padding == 1 && (group & 0xff)) || (padding == 2 && (group & 0xffff))) {
            return false; /* bits that belong to no byte: two texts would mean the same */
        }
        for (int i = 0; i < 3 - padding; i++) {
            bytes[(*size)++] = (char)(group >> (16 - 8 * i) & 0xff);
        }
    }
    return true;
}
