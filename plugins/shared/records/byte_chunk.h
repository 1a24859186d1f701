/* SPDX-License-Identifier: Apache-2.0 */
/* Sixty-four bytes at a time, as bits: with the widest registers that the including file is compiled
 * for. Loops over input are compiled three times (vector_level.h); all of them read the same. */
#ifndef SLUICE_RECORDS_BYTE_CHUNK_H
#define SLUICE_RECORDS_BYTE_CHUNK_H

#include "records/byte_block.h"

#if defined(__AVX2__) || defined(__AVX512BW__)
#include <immintrin.h>
#endif

enum { CHUNK = 64 };

#if defined(__AVX512BW__)

struct byte_chunk {
    __m512i bytes;
};

static inline struct byte_chunk chunk_load(const char *bytes)
{
    return (struct byte_chunk){_mm512_loadu_si512(bytes)};
}

/* Bit i: whether byte i is this one. */
static inline uint64_t chunk_equal(struct byte_chunk chunk, char byte)
{
    return _mm512_cmpeq_epi8_mask(chunk.bytes, _mm512_set1_epi8(byte));
}

/* Bit i: whether byte i, taken as unsigned, is less than `limit`. */
static inline uint64_t chunk_below(struct byte_chunk chunk, char limit)
{
    return _mm512_cmplt_epu8_mask(chunk.bytes, _mm512_set1_epi8(limit));
}

/* Bit i: whether byte i is not ASCII. */
static inline uint64_t chunk_high(struct byte_chunk chunk)
{
    return _mm512_movepi8_mask(chunk.bytes);
}

#elif defined(__AVX2__)

struct byte_chunk {
    __m256i low;
    __m256i high;
};

static inline uint64_t chunk_bits(__m256i low, __m256i high)
{
    return (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high)
                                                     << 32;
}

static inline struct byte_chunk chunk_load(const char *bytes)
{
    const __m256i *words = (const __m256i *)(const void *)bytes;
    return (struct byte_chunk){_mm256_loadu_si256(words), _mm256_loadu_si256(words + 1)};
}

static inline uint64_t chunk_equal(struct byte_chunk chunk, char byte)
{
    __m256i wanted = _mm256_set1_epi8(byte);
    return chunk_bits(_mm256_cmpeq_epi8(chunk.low, wanted),
                      _mm256_cmpeq_epi8(chunk.high, wanted));
}

static inline uint64_t chunk_below(struct byte_chunk chunk, char limit)
{
    __m256i most = _mm256_set1_epi8((char)(limit - 1));
    return chunk_bits(_mm256_cmpeq_epi8(_mm256_min_epu8(chunk.low, most), chunk.low),
                      _mm256_cmpeq_epi8(_mm256_min_epu8(chunk.high, most), chunk.high));
}

static inline uint64_t chunk_high(struct byte_chunk chunk)
{
    return chunk_bits(chunk.low, chunk.high);
}

#else

struct byte_chunk {
    byte_block blocks[4];
};

static inline uint64_t chunk_bits(byte_block one, byte_block two, byte_block three,
                                  byte_block four)
{
    return block_bits(one) | block_bits(two) << BLOCK | block_bits(three) << 2 * BLOCK |
           block_bits(four) << 3 * BLOCK;
}

static inline struct byte_chunk chunk_load(const char *bytes)
{
    return (struct byte_chunk){{block_load(bytes), block_load(bytes + BLOCK),
                                block_load(bytes + 2 * BLOCK), block_load(bytes + 3 * BLOCK)}};
}

static inline uint64_t chunk_equal(struct byte_chunk chunk, char byte)
{
    uint8_t wanted = (uint8_t)byte;
    return chunk_bits(
        (byte_block)(chunk.blocks[0] == wanted), (byte_block)(chunk.blocks[1] == wanted),
        (byte_block)(chunk.blocks[2] == wanted), (byte_block)(chunk.blocks[3] == wanted));
}

static inline uint64_t chunk_below(struct byte_chunk chunk, char limit)
{
    uint8_t least = (uint8_t)limit;
    return chunk_bits(
        (byte_block)(chunk.blocks[0] < least), (byte_block)(chunk.blocks[1] < least),
        (byte_block)(chunk.blocks[2] < least), (byte_block)(chunk.blocks[3] < least));
}

static inline uint64_t chunk_high(struct byte_chunk chunk)
{
    return chunk_bits(chunk.blocks[0], chunk.blocks[1], chunk.blocks[2], chunk.blocks[3]);
}

#endif

#endif
