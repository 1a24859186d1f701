/* SPDX-License-Identifier: Apache-2.0 */
/* Rows to disk and back: a partition's rows as they are, then its heap. What comes back is brought
 * into one heap, for which the places in its rows are raised. A partition that has become too large
 * is divided by further bits of its keys' hashes. */
#include "store.h"

#include <string.h>

enum { MAX_LEVEL = 4, LOADED_SHARE = 8 };

static enum sluice_status fail_rows(const struct row_store *store, struct sluice_error *error)
{
    return fail_over_budget(store->host, error, "the rows of its sessions");
}

static enum sluice_status spill_partition(struct row_store *store, struct row_partition *partition,
                                          struct sluice_error *error)
{
    size_t count = partition->extent_count;
    if (!(count & (count - 1))) {
        size_t capacity = count ? 2 * count : 1;
        struct row_extent *extents =
            sluice_resize(store->host, partition->extents, capacity * sizeof(*extents));
        if (!extents)
            return fail_rows(store, error);
        partition->extents = extents;
    }
    struct row_extent *extent = &partition->extents[count];
    *extent = (struct row_extent){.offset = spill_file_end(store->file),
                                  .row_count = partition->row_count,
                                  .heap_size = byte_heap_size(&partition->heap)};
    enum sluice_status status = SLUICE_OK;
    for (const struct row_chunk *chunk = partition->chunks; status == SLUICE_OK && chunk;
         chunk = chunk->next)
        status = spill_file_append(store->file, chunk->rows,
                                   chunk->row_count * store->layout->row_size, error);
    if (status == SLUICE_OK)
        status = byte_heap_write(&partition->heap, store->file, error);
    if (status != SLUICE_OK)
        return status;
    partition->extent_count++;
    partition->spilled_rows += partition->row_count;
    store_free_chunks(store, partition);
    byte_heap_reset(&partition->heap);
    return SLUICE_OK;
}

enum sluice_status store_spill(struct row_store *store, struct sluice_error *error)
{
    enum sluice_status status = SLUICE_OK;
    store->has_spilled = true;
    for (size_t i = 0; status == SLUICE_OK && i < PARTITION_COUNT; i++) {
        if (store->partitions[i].row_count)
            status = spill_partition(store, &store->partitions[i], error);
    }
    return status;
}

bool store_has_spilled(const struct row_store *store)
{
    return store->has_spilled;
}

/* The heap of the rows begins at `base` now. */
static void raise_places(const struct row_layout *layout, struct row_chunk *chunk, uint32_t base)
{
    for (size_t i = 0; base && i < chunk->row_count; i++) {
        char *row = chunk->rows + i * layout->row_size;
        uint32_t key = row_id(row, KEY_OFFSET);
        key += key & HEAP_REF ? base : 0;
        memcpy(row + KEY_OFFSET, &key, sizeof(key));
        for (size_t c = 0; c < layout->column_count; c++) {
            const struct held_column *column = &layout->columns[c];
            uint32_t place = column->ids ? row_id(row, column->offset) : 0;
            if (!(place & HEAP_REF))
                continue;
            place += base;
            memcpy(row + column->offset, &place, sizeof(place));
        }
    }
}

static enum sluice_status load_extent(struct row_store *store, struct row_partition *partition,
                                      const struct row_extent *extent, struct sluice_error *error)
{
    size_t size = extent->row_count * store->layout->row_size;
    struct row_chunk *chunk = sluice_alloc(store->host, sizeof(*chunk) + size);
    if (!chunk)
        return SLUICE_AGAIN;
    chunk->next = partition->chunks;
    chunk->row_count = extent->row_count;
    partition->chunks = chunk;
    partition->chunk_rows = extent->row_count;
    partition->row_count += extent->row_count;
    partition->held_bytes += sizeof(*chunk) + size;
    store->held_bytes += sizeof(*chunk) + size;
    size_t blocks = partition->heap.block_count;
    uint32_t base;
    enum sluice_status status =
        spill_file_read(store->file, extent->offset, chunk->rows, size, error);
    if (status == SLUICE_OK)
        status = byte_heap_read(&partition->heap, store->file, extent->offset + (int64_t)size,
                                extent->heap_size, &base, error);
    if (status != SLUICE_OK)
        return status;
    size_t bytes = (partition->heap.block_count - blocks) * HEAP_UNIT << HEAP_BLOCK_BITS;
    partition->held_bytes += bytes;
    store->held_bytes += bytes;
    raise_places(store->layout, chunk, base);
    return SLUICE_OK;
}

enum sluice_status store_load(struct row_store *store, struct row_partition *partition,
                              struct sluice_error *error)
{
    enum sluice_status status = SLUICE_OK;
    for (size_t i = 0; status == SLUICE_OK && i < partition->extent_count; i++)
        status = load_extent(store, partition, &partition->extents[i], error);
    if (status == SLUICE_OK) {
        partition->extent_count = 0;
        partition->spilled_rows = 0;
    }
    return status == SLUICE_AGAIN
               ? fail_over_budget(store->host, error, "all rows of one visitor, or a few, at once")
               : status;
}

bool store_is_too_large(const struct row_store *store, size_t index)
{
    const struct row_partition *partition = &store->partitions[index];
    struct sluice_memory memory;
    sluice_memory(store->host, &memory);
    size_t size = 2 * partition->spilled_rows * store->layout->row_size;
    for (size_t i = 0; i < partition->extent_count; i++)
        size += partition->extents[i].heap_size;
    return partition->extent_count && store->level < MAX_LEVEL && memory.limit_bytes &&
           (int64_t)size > memory.limit_bytes / LOADED_SHARE;
}

static bool move_value(struct row_store *into, struct row_partition *target,
                       const struct byte_heap *heap, char *place)
{
    uint32_t value = row_id(place, 0);
    if (!(value & HEAP_REF))
        return true;
    if (!store_keep_value(into, target, byte_heap_get(heap, value), &value))
        return false;
    memcpy(place, &value, sizeof(value));
    return true;
}

/* Copies a row with its values. */
static bool move_row(struct row_store *into, const struct byte_heap *heap, const char *row)
{
    const struct row_layout *layout = into->layout;
    struct sluice_string key = place_value(layout->keys, heap, row_id(row, KEY_OFFSET));
    uint64_t hash = sluice_hash_bytes(into->host, key.bytes, key.size);
    struct row_partition *target = store_partition_of(into, hash);
    char *place = store_place_row(into, target);
    if (!place)
        return false;
    memcpy(place, row, layout->row_size);
    bool is_moved = move_value(into, target, heap, place + KEY_OFFSET);
    for (size_t i = 0; is_moved && i < layout->column_count; i++) {
        if (layout->columns[i].ids)
            is_moved = move_value(into, target, heap, place + layout->columns[i].offset);
    }
    return is_moved;
}

static enum sluice_status move_chunks(struct row_store *into, const struct row_partition *from,
                                      struct sluice_error *error)
{
    size_t size = into->layout->row_size;
    for (const struct row_chunk *chunk = from->chunks; chunk; chunk = chunk->next) {
        for (size_t i = 0; i < chunk->row_count; i++) {
            if (!move_row(into, &from->heap, chunk->rows + i * size))
                return fail_rows(into, error);
        }
    }
    return store_relieve(into, error);
}

enum sluice_status store_divide(struct row_store *store, size_t index, struct row_store **divided,
                                struct sluice_error *error)
{
    struct row_partition *partition = &store->partitions[index];
    enum sluice_status status =
        store_create(store->host, store->layout, store->level + 1, divided, error);
    if (status == SLUICE_OK && partition->chunks)
        status = spill_partition(store, partition, error);
    for (size_t i = 0; status == SLUICE_OK && i < partition->extent_count; i++) {
        status = load_extent(store, partition, &partition->extents[i], error);
        if (status == SLUICE_AGAIN)
            status = fail_rows(store, error);
        if (status == SLUICE_OK)
            status = move_chunks(*divided, partition, error);
        store_free_chunks(store, partition);
        byte_heap_reset(&partition->heap);
    }
    partition->extent_count = 0;
    partition->spilled_rows = 0;
    if (status == SLUICE_OK)
        return store_spill(*divided, error);
    store_destroy(*divided);
    *divided = NULL;
    return status;
}
