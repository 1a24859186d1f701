/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks are copied as they are while they are looked at: almost every string needs nothing else.
 */
#include "string_text.h"

static char *put_escape(char *to, char byte)
{
    static const char hex[] = "0123456789abcdef";
    static const char letters[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
                                   ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\'};
    char letter = letters[(unsigned char)byte];
    *to++ = '\\';
    if (letter) {
        *to++ = letter;
        return to;
    }
    memcpy(to, "u00", 3);
    to[3] = hex[(unsigned char)byte >> 4];
    to[4] = hex[byte & 15];
    return to + 5;
}

/* One bit for each byte that needs an escape. */
static uint64_t escape_bits(byte_block block)
{
    return block_bits((byte_block)((block == '"') | (block == '\\') | (block < ' ')));
}

char *json_put_string(char *to, struct sluice_string string, bool is_padded)
{
    const char *at = string.bytes;
    const char *end = at + string.size;
    *to++ = '"';
    for (;;) {
        uint64_t bits = 0;
        for (; end - at >= BLOCK; at += BLOCK, to += BLOCK) {
            byte_block block = block_load(at);
            block_store(to, block);
            bits = escape_bits(block);
            if (bits != 0) {
                break;
            }
        }
        size_t left = (size_t)(end - at);
        if (bits == 0 && left > 0) {
            byte_block block = block_load_end(at, left, is_padded);
            block_store(to, block);
            bits = escape_bits(block) & ((UINT64_C(1) << left) - 1);
        }
        if (bits == 0) {
            to[left] = '"';
            return to + left + 1;
        }
        size_t plain = (size_t)__builtin_ctzll(bits);
        to = put_escape(to + plain, at[plain]);
        at += plain + 1;
    }
}
