/* SPDX-License-Identifier: Apache-2.0 */
/* Private to room data: whether a string is the entry of a dictionary that somebody takes it for. */
#ifndef SLUICE_DATA_ENTRY_H
#define SLUICE_DATA_ENTRY_H

#include "data/batch.h"

#include <string.h>

/* 0 where eight bytes are the same. */
static inline uint64_t differ(const char *one, const char *other)
{
    uint64_t a;
    uint64_t b;
    memcpy(&a, one, sizeof a);
    memcpy(&b, other, sizeof b);
    return a ^ b;
}

/* Whether two strings of `size` bytes are the same; most have fewer than a call would cost. Words
 * from the front and words up to the end overlap. */
static inline bool is_same(const char *one, const char *other, size_t size)
{
    enum { HALF = 4, WORD = 8 };
    if (size >= WORD && size <= 2 * WORD) {
        size_t last = size - WORD;
        return (differ(one, other) | differ(one + last, other + last)) == 0;
    }
    if (size > 2 * WORD && size <= 4 * WORD) {
        size_t last = size - 2 * WORD;
        return (differ(one, other) | differ(one + WORD, other + WORD) |
                differ(one + last, other + last) |
                differ(one + last + WORD, other + last + WORD)) == 0;
    }
    if (size >= HALF && size < WORD) {
        uint32_t halves[4];
        memcpy(&halves[0], one, HALF);
        memcpy(&halves[1], other, HALF);
        memcpy(&halves[2], one + size - HALF, HALF);
        memcpy(&halves[3], other + size - HALF, HALF);
        return ((halves[0] ^ halves[1]) | (halves[2] ^ halves[3])) == 0;
    }
    return memcmp(one, other, size) == 0;
}

static inline bool is_entry(const struct sluice_dictionary *shared, int32_t code, const char *bytes,
                            size_t size)
{
    int32_t start = shared->offsets[code];
    return (size_t)(shared->offsets[code + 1] - start) == size &&
           is_same(shared->bytes + start, bytes, size);
}

#endif
