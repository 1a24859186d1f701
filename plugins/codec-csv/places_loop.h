/* SPDX-License-Identifier: Apache-2.0 */
/* The loop of places.h, for the files that build its versions. */
#include "places.h"

#include "records/byte_chunk.h"

/* Bit i becomes the parity of bits 0 to i: ones from an opening quote up to its closing one. */
static inline uint64_t between(uint64_t quotes)
{
    quotes ^= quotes << 1;
    quotes ^= quotes << 2;
    quotes ^= quotes << 4;
    quotes ^= quotes << 8;
    quotes ^= quotes << 16;
    return quotes ^ quotes << 32;
}

/* The number of bits differs from step to step, and a branch on it is guessed wrongly: so the first
 * two places are written whether they are there or not. */
static inline size_t note_bits(uint16_t *places, size_t count, uint64_t bits, size_t at)
{
    enum { USUAL = 2 };
    const uint64_t never = UINT64_C(1) << 63; /* for the bits that are not there */
    size_t end = count + (size_t)__builtin_popcountll(bits);
    for (size_t i = 0; i < USUAL; i++) {
        places[count + i] = (uint16_t)(at + (size_t)__builtin_ctzll(bits | never));
        bits &= bits - 1;
    }
    for (size_t i = count + USUAL; i < end; i++) {
        places[i] = (uint16_t)(at + (size_t)__builtin_ctzll(bits));
        bits &= bits - 1;
    }
    return end;
}

void LEVEL(csv_find_places)(struct csv_places *places, const char *bytes, size_t size)
{
    char quote = places->quote;
    char delimiter = places->delimiter;
    uint64_t is_inside = 0; /* all ones where a quote is open at the end of a step */
    uint64_t quoted_line_feeds = 0;
    uint64_t nuls = 0;
    size_t count = 0;
    for (size_t at = 0; at < size; at += CHUNK) {
        struct byte_chunk chunk = chunk_load(bytes + at);
        uint64_t quotes = chunk_equal(chunk, quote);
        uint64_t line_feeds = chunk_equal(chunk, '\n');
        uint64_t known = size - at < CHUNK ? (UINT64_C(1) << (size - at)) - 1 : UINT64_MAX;
        uint64_t inside = between(quotes) ^ is_inside;
        uint64_t ends = (chunk_equal(chunk, delimiter) | line_feeds) & ~inside;
        is_inside = (uint64_t)((int64_t)inside >> 63);
        quoted_line_feeds |= line_feeds & inside;
        nuls |= chunk_equal(chunk, '\0');
        places->high[at / CHUNK] = chunk_high(chunk);
        count = note_bits(places->at, count, (quotes | ends) & known, at);
    }
    places->count = count;
    places->has_quoted_line_feed = quoted_line_feeds != 0;
    places->has_nul = nuls != 0;
}
