/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 by the table of well-formed sequences (Unicode 15, table 3-7): no overlong forms, no
 * surrogates, nothing above U+10FFFF. */
#include "data/data.h"

#include <string.h>

static const uint64_t high_bits = UINT64_C(0x8080808080808080);

/* Index of the first byte that is not ASCII, or the size: 32 bytes at a time, then 8. */
static size_t skip_ascii(const unsigned char *bytes, size_t size)
{
    size_t at = 0;
    uint64_t words[4];
    for (; size - at >= sizeof(words); at += sizeof(words)) {
        memcpy(words, bytes + at, sizeof(words));
        if ((words[0] | words[1] | words[2] | words[3]) & high_bits) {
            break;
        }
    }
    for (; size - at >= sizeof(words[0]); at += sizeof(words[0])) {
        memcpy(words, bytes + at, sizeof(words[0]));
        if (words[0] & high_bits) {
            break;
        }
    }
    while (at < size && bytes[at] < 0x80) {
        at++;
    }
    return at;
}

static bool is_continuation(unsigned char byte)
{
    return (byte & 0xC0) == 0x80;
}

/* Length of the well-formed sequence that starts with a byte >= 0x80; 0 where there is none. */
static size_t sequence_length(const unsigned char *bytes, size_t size)
{
    unsigned char first = bytes[0];
    if (first < 0xC2 || first > 0xF4 || size < 2) {
        return 0;
    }
    /* The second byte has a narrower range after four of the first bytes. */
    unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (bytes[1] < low || bytes[1] > high) {
        return 0;
    }
    if (first < 0xE0) {
        return 2;
    }
    if (size < 3 || !is_continuation(bytes[2])) {
        return 0;
    }
    if (first < 0xF0) {
        return 3;
    }
    return size >= 4 && is_continuation(bytes[3]) ? 4 : 0;
}

bool is_utf8(const char *text, size_t size)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t at = 0;
    while ((at += skip_ascii(bytes + at, size - at)) < size) {
        while (at < size && bytes[at] >= 0x80) {
            size_t length = sequence_length(bytes + at, size - at);
            if (length == 0) {
                return false;
            }
            at += length;
        }
    }
    return true;
}
