/* SPDX-License-Identifier: Apache-2.0 */
/* Sixteen bytes at a time, by the compiler's own vectors: SSE2 on x86-64, NEON on ARM. Comparisons
 * of blocks give all ones where they hold: (block == '"') | (block < ' '). */
#ifndef SLUICE_RECORDS_BYTE_BLOCK_H
#define SLUICE_RECORDS_BYTE_BLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { BLOCK = 16 };

typedef uint8_t byte_block __attribute__((vector_size(BLOCK)));
typedef uint64_t word_block __attribute__((vector_size(BLOCK)));

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first byte is the lowest here");

static inline byte_block block_load(const char *bytes)
{
    byte_block block;
    memcpy(&block, bytes, BLOCK);
    return block;
}

/* The first `size` bytes of a block, less than all, for text that ends behind them; the others are
 * of no meaning. `is_padded` says that a whole block may be read. */
static inline byte_block block_load_end(const char *bytes, size_t size, bool is_padded)
{
    if (is_padded) {
        return block_load(bytes);
    }
    byte_block block = {0};
    memcpy(&block, bytes, size);
    return block;
}

/* All ones in the first `size` bytes, which are less than a block. */
static inline byte_block block_first_bytes(size_t size)
{
    static const uint8_t ones_and_zeros[2 * BLOCK] = {255, 255, 255, 255, 255, 255, 255, 255,
                                                      255, 255, 255, 255, 255, 255, 255, 255};
    byte_block block;
    memcpy(&block, ones_and_zeros + BLOCK - size, BLOCK);
    return block;
}

/* Writes a whole block, whatever of it is wanted. */
static inline void block_store(char *to, byte_block block)
{
    memcpy(to, &block, BLOCK);
}

/* Copies in whole blocks, which is cheaper than memcpy for short text: what is read and written
 * behind `size` is less than a block and of no meaning. Returns the end of what was wanted. */
static inline char *copy_blocks(char *to, const char *from, size_t size)
{
    for (size_t done = 0; done < size; done += BLOCK) {
        block_store(to + done, block_load(from + done));
    }
    return to + size;
}

static inline bool block_any(byte_block marks)
{
    word_block words = (word_block)marks;
    return (words[0] | words[1]) != 0;
}

/* Index of the first marked byte; one must be. */
static inline int block_first(byte_block marks)
{
    word_block words = (word_block)marks;
    return (words[0] ? __builtin_ctzll(words[0]) : 64 + __builtin_ctzll(words[1])) / 8;
}

/* The high bit of byte i of 8 to bit i: the multiplication brings them together at the top. */
static inline uint64_t word_bits(uint64_t word)
{
    return (word >> 7 & UINT64_C(0x0101010101010101)) * UINT64_C(0x0102040810204080) >> 56;
}

/* The high bit of byte i to bit i: of a comparison, one bit a byte. */
static inline uint64_t block_bits(byte_block block)
{
#ifdef __SSE2__
    typedef char char_block __attribute__((vector_size(BLOCK)));
    return (unsigned)__builtin_ia32_pmovmskb128((char_block)block);
#else
    word_block words = (word_block)block;
    return word_bits(words[0]) | word_bits(words[1]) << 8;
#endif
}

static inline bool block_is_ascii(byte_block block)
{
    word_block words = (word_block)block;
    return ((words[0] | words[1]) & UINT64_C(0x8080808080808080)) == 0;
}

#endif
