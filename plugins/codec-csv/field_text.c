/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks are copied as they are while they are looked at, to where the field stands if it needs
 * quotes just as the last of its column did. Only quotes inside are doubled one by one. */
#include "field_text.h"

/* What was found in a field. */
struct specials {
    byte_block others; /* a delimiter or a line end */
    byte_block quotes;
};

static inline void look_at(byte_block block, byte_block wanted, struct csv_marks marks,
                           struct specials *found)
{
    uint8_t delimiter = (uint8_t)marks.delimiter;
    uint8_t quote = (uint8_t)marks.quote;
    found->quotes |= (byte_block)(block == quote) & wanted;
    found->others |=
        (byte_block)((block == delimiter) | (block == '\n') | (block == '\r')) & wanted;
}

static struct specials copy_field(char *to, struct sluice_string field, bool is_padded,
                                  struct csv_marks marks)
{
    struct specials found = {0};
    const char *at = field.bytes;
    const char *end = at + field.size;
    const byte_block all = ~(byte_block){0};
    for (; end - at >= BLOCK; at += BLOCK, to += BLOCK) {
        byte_block block = block_load(at);
        block_store(to, block);
        look_at(block, all, marks, &found);
    }
    if (at < end) {
        size_t left = (size_t)(end - at);
        byte_block block = block_load_end(at, left, is_padded);
        block_store(to, block);
        look_at(block, block_first_bytes(left), marks, &found);
    }
    return found;
}

static char *put_doubled(char *to, struct sluice_string field, char quote)
{
    for (size_t i = 0; i < field.size; i++) {
        if (field.bytes[i] == quote) {
            *to++ = quote;
        }
        *to++ = field.bytes[i];
    }
    return to;
}

char *csv_put_field(char *to, struct sluice_string field, bool is_padded, struct csv_marks marks,
                    bool *is_quoted)
{
    size_t guess = *is_quoted ? 1 : 0;
    struct specials found = copy_field(to + guess, field, is_padded, marks);
    bool has_quotes = block_any(found.quotes);
    *is_quoted = has_quotes || field.size == 0 || block_any(found.others);
    if (*is_quoted != (guess == 1)) {
        memmove(to + !guess, to + guess, field.size);
    }
    char *end = to + field.size;
    if (*is_quoted) {
        *to = marks.quote;
        end = has_quotes ? put_doubled(to + 1, field, marks.quote) : end + 1;
        *end++ = marks.quote;
    }
    return end;
}
