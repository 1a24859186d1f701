/* SPDX-License-Identifier: Apache-2.0 */
#include "spill/byte_heap.h"

#include <string.h>

enum {
    BLOCK_UNITS = 1 << HEAP_BLOCK_BITS,
    BLOCK_BYTES = BLOCK_UNITS * HEAP_UNIT,
    PIECE_BLOCKS = 16
};

/* One allocation: some blocks in a row. */
struct heap_piece {
    struct heap_piece *next;
    char bytes[];
};

static bool reserve_blocks(struct byte_heap *heap, size_t count)
{
    if (count <= heap->block_capacity - heap->block_count)
        return true;
    size_t capacity = 2 * heap->block_capacity + count + 4;
    char **blocks = sluice_resize(heap->host, heap->blocks, capacity * sizeof(*blocks));
    if (!blocks)
        return false;
    heap->blocks = blocks;
    heap->block_capacity = capacity;
    return true;
}

/* `count` new blocks behind those that are there, next to each other in memory. */
static bool add_piece(struct byte_heap *heap, size_t count)
{
    if ((heap->block_count + count) * BLOCK_UNITS >= HEAP_REF || !reserve_blocks(heap, count))
        return false;
    struct heap_piece *piece = sluice_alloc(heap->host, sizeof(*piece) + count * BLOCK_BYTES);
    if (!piece)
        return false;
    piece->next = heap->pieces;
    heap->pieces = piece;
    for (size_t i = 0; i < count; i++)
        heap->blocks[heap->block_count++] = piece->bytes + i * BLOCK_BYTES;
    return true;
}

/* Moves on to new blocks. The end of the old ones is given up, but goes to disk with them. */
static bool begin_piece(struct byte_heap *heap, size_t units)
{
    size_t first = heap->block_count;
    size_t room = first * BLOCK_UNITS - heap->unit_count;
    size_t needed = (units + BLOCK_UNITS - 1) / BLOCK_UNITS;
    size_t wanted = first / 4 < PIECE_BLOCKS ? first / 4 : PIECE_BLOCKS;
    if (!add_piece(heap, needed > wanted ? needed : wanted))
        return false;
    if (room)
        memset(heap->blocks[heap->unit_count >> HEAP_BLOCK_BITS] +
                   heap->unit_count % BLOCK_UNITS * HEAP_UNIT,
               0, room * HEAP_UNIT);
    heap->unit_count = first * BLOCK_UNITS;
    return true;
}

bool byte_heap_add(struct byte_heap *heap, struct sluice_string value, uint32_t *ref)
{
    size_t units = 1 + (value.size + HEAP_UNIT - 1) / HEAP_UNIT;
    if (value.size >= UINT32_MAX)
        return false;
    if (heap->unit_count + units > heap->block_count * BLOCK_UNITS && !begin_piece(heap, units))
        return false;
    char *entry = heap->blocks[heap->unit_count >> HEAP_BLOCK_BITS] +
                  heap->unit_count % BLOCK_UNITS * HEAP_UNIT;
    uint32_t size = (uint32_t)value.size;
    memset(entry + (units - 1) * HEAP_UNIT, 0, HEAP_UNIT); /* the padding */
    memcpy(entry, &size, sizeof(size));
    if (size)
        memcpy(entry + sizeof(size), value.bytes, size);
    *ref = (uint32_t)heap->unit_count | HEAP_REF;
    heap->unit_count += units;
    return true;
}

void byte_heap_reset(struct byte_heap *heap)
{
    while (heap->pieces) {
        struct heap_piece *next = heap->pieces->next;
        sluice_free(heap->host, heap->pieces);
        heap->pieces = next;
    }
    sluice_free(heap->host, heap->blocks);
    *heap = (struct byte_heap){.host = heap->host};
}

enum sluice_status byte_heap_write(const struct byte_heap *heap, struct spill_file *file,
                                   struct sluice_error *error)
{
    size_t left = byte_heap_size(heap);
    enum sluice_status status = SLUICE_OK;
    for (size_t i = 0; status == SLUICE_OK && left; i++) {
        size_t size = left < BLOCK_BYTES ? left : BLOCK_BYTES;
        status = spill_file_append(file, heap->blocks[i], size, error);
        left -= size;
    }
    return status;
}

enum sluice_status byte_heap_read(struct byte_heap *heap, struct spill_file *file, int64_t offset,
                                  size_t size, uint32_t *base, struct sluice_error *error)
{
    *base = 0;
    if (!size)
        return SLUICE_OK;
    size_t first = heap->block_count;
    if (!add_piece(heap, (size + BLOCK_BYTES - 1) / BLOCK_BYTES))
        return SLUICE_AGAIN;
    *base = (uint32_t)(first * BLOCK_UNITS);
    heap->unit_count = first * BLOCK_UNITS + size / HEAP_UNIT;
    return spill_file_read(file, offset, heap->blocks[first], size, error);
}
