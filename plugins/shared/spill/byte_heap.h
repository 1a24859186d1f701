/* SPDX-License-Identifier: Apache-2.0 */
/* Values that stand by themselves: each kept once a row, in blocks that are only appended to and
 * that go to disk and come back as they are.
 *
 *     add("abc") ─▶ ref ─▶ [size][bytes] in block 0 | block 1 | …
 *
 * A ref counts units of four bytes from the heap's start, so it survives the way over the disk; the
 * upper bit tells it from the number of a value (value_ids). A value never crosses the end of an
 * allocation. For one thread at a time; memory is the host's and counted. */
#ifndef SLUICE_SHARED_BYTE_HEAP_H
#define SLUICE_SHARED_BYTE_HEAP_H

#include <sluice/plugin.h>

#include "spill/spill_file.h"

enum { HEAP_BLOCK_BITS = 10, HEAP_UNIT = 4 }; /* blocks of 4 KiB */
#define HEAP_REF UINT32_C(0x80000000)

struct heap_piece;

/* Zeroed but for the host is empty. */
struct byte_heap {
    const struct sluice_host *host;
    char **blocks;
    size_t block_count;
    size_t block_capacity;
    size_t unit_count;
    struct heap_piece *pieces;
};

/* False without memory, or past 8 GiB. */
bool byte_heap_add(struct byte_heap *heap, struct sluice_string value, uint32_t *ref);
void byte_heap_reset(struct byte_heap *heap);

/* Bytes on disk. */
static inline size_t byte_heap_size(const struct byte_heap *heap)
{
    return heap->unit_count * HEAP_UNIT;
}
/* Appends the heap to the file; it stays as it is. */
enum sluice_status byte_heap_write(const struct byte_heap *heap, struct spill_file *file,
                                   struct sluice_error *error);
/* Appends what was written at `offset`. What its refs must be raised by becomes *base. AGAIN
 * without memory. */
enum sluice_status byte_heap_read(struct byte_heap *heap, struct spill_file *file, int64_t offset,
                                  size_t size, uint32_t *base, struct sluice_error *error);

static inline struct sluice_string byte_heap_get(const struct byte_heap *heap, uint32_t ref)
{
    uint32_t unit = ref & ~HEAP_REF;
    const char *entry = heap->blocks[unit >> HEAP_BLOCK_BITS] +
                        (unit & ((UINT32_C(1) << HEAP_BLOCK_BITS) - 1)) * HEAP_UNIT;
    uint32_t size;
    __builtin_memcpy(&size, entry, sizeof(size));
    return (struct sluice_string){entry + sizeof(size), size};
}

#endif
