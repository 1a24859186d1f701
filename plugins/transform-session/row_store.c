/* SPDX-License-Identifier: Apache-2.0 */
/* Rows as they come, in 64 partitions by the hash of their key, in chunks that never move, with
 * the values that hardly repeat in a heap beside them. Short of memory, all of it goes to disk. */
#include "store.h"

#include <string.h>

enum { FIRST_CHUNK_ROWS = 32, LAST_CHUNK_ROWS = 8192, DUE_EIGHTHS = 3, PARTITION_BITS = 6 };
_Static_assert(PARTITION_COUNT == 1 << PARTITION_BITS, "a level takes that many bits of a hash");

static enum sluice_status fail_rows(const struct row_store *store, struct sluice_error *error)
{
    return fail_over_budget(store->host, error, "the rows of its sessions");
}

enum sluice_status store_create(const struct sluice_host *host, struct row_layout *layout,
                                int level, struct row_store **created, struct sluice_error *error)
{
    *created = NULL;
    struct row_store *store = sluice_alloc(host, sizeof(*store));
    if (!store)
        return fail_over_budget(host, error, "its tables");
    *store = (struct row_store){.host = host, .layout = layout, .level = level};
    for (size_t i = 0; i < PARTITION_COUNT; i++)
        store->partitions[i].heap.host = host;
    store->taken.heap.host = host;
    store->file = spill_file_create(host);
    if (!store->file) {
        store_destroy(store);
        return fail_over_budget(host, error, "its tables");
    }
    *created = store;
    return SLUICE_OK;
}

void store_free_chunks(struct row_store *store, struct row_partition *partition)
{
    while (partition->chunks) {
        struct row_chunk *next = partition->chunks->next;
        sluice_free(store->host, partition->chunks);
        partition->chunks = next;
    }
    store->held_bytes -= partition->held_bytes;
    partition->held_bytes = 0;
    partition->chunk_rows = 0;
    partition->row_count = 0;
}

static void free_batch_room(struct row_store *store)
{
    sluice_free(store->host, store->keys);
    sluice_free(store->host, store->hashes);
    sluice_free(store->host, store->ids);
    sluice_free(store->host, store->places);
    sluice_free(store->host, store->homes);
    store->keys = NULL;
    store->hashes = NULL;
    store->ids = NULL;
    store->places = NULL;
    store->homes = NULL;
    store->batch_rows = 0;
}

void store_destroy(struct row_store *store)
{
    if (!store)
        return;
    for (size_t i = 0; i < PARTITION_COUNT; i++) {
        struct row_partition *partition = &store->partitions[i];
        store_free_chunks(store, partition);
        byte_heap_reset(&partition->heap);
        sluice_free(store->host, partition->extents);
    }
    store_drop_taken(store);
    free_batch_room(store);
    spill_file_destroy(store->file);
    sluice_free(store->host, store);
}

static enum sluice_status reserve_batch(struct row_store *store, size_t rows,
                                        struct sluice_error *error)
{
    if (rows <= store->batch_rows)
        return SLUICE_OK;
    free_batch_room(store);
    store->keys = sluice_alloc(store->host, rows * sizeof(*store->keys));
    store->hashes = sluice_alloc(store->host, rows * sizeof(*store->hashes));
    store->ids = sluice_alloc(store->host, rows * sizeof(*store->ids));
    store->places = sluice_alloc(store->host, rows * sizeof(*store->places));
    store->homes = sluice_alloc(store->host, rows * sizeof(*store->homes));
    if (!store->keys || !store->hashes || !store->ids || !store->places || !store->homes)
        return fail_rows(store, error);
    store->batch_rows = rows;
    return SLUICE_OK;
}

static bool add_chunk(struct row_store *store, struct row_partition *partition)
{
    size_t rows = partition->chunks ? partition->chunk_rows * 2 : FIRST_CHUNK_ROWS;
    if (rows > LAST_CHUNK_ROWS)
        rows = LAST_CHUNK_ROWS;
    size_t size = sizeof(struct row_chunk) + rows * store->layout->row_size;
    struct row_chunk *chunk = sluice_alloc(store->host, size);
    if (!chunk)
        return false;
    chunk->next = partition->chunks;
    chunk->row_count = 0;
    partition->chunks = chunk;
    partition->chunk_rows = rows;
    partition->held_bytes += size;
    store->held_bytes += size;
    return true;
}

/* Room for one more row; NULL without memory. */
char *store_place_row(struct row_store *store, struct row_partition *partition)
{
    bool is_full = !partition->chunks || partition->chunks->row_count == partition->chunk_rows;
    if (is_full && !add_chunk(store, partition))
        return NULL;
    struct row_chunk *chunk = partition->chunks;
    partition->row_count++;
    return chunk->rows + chunk->row_count++ * store->layout->row_size;
}

/* Puts a value without id into the partition's heap. */
bool store_keep_value(struct row_store *store, struct row_partition *partition,
                      struct sluice_string value, uint32_t *place)
{
    size_t before = partition->heap.block_count;
    bool is_kept = byte_heap_add(&partition->heap, value, place);
    size_t bytes = (partition->heap.block_count - before) * HEAP_UNIT << HEAP_BLOCK_BITS;
    partition->held_bytes += bytes;
    store->held_bytes += bytes;
    return is_kept;
}

struct row_partition *store_partition_of(struct row_store *store, uint64_t hash)
{
    /* The upper half has chosen the lane. */
    return &store->partitions[hash >> (store->level * PARTITION_BITS) & (PARTITION_COUNT - 1)];
}

static enum sluice_status reject_row(const struct row_store *store,
                                     const struct sluice_batch *batch, int64_t row, int column,
                                     struct sluice_error *error)
{
    const char *name =
        sluice_schema_field(sluice_batch_schema(store->host, batch), (size_t)column)->name;
    sluice_fail(store->host, error, SLUICE_REJECT, SLUICE_CODE_FIELD_MISSING,
                "column %s is null, but sessions need it", name);
    sluice_error_at(store->host, error, SLUICE_AT_COLUMN, "%s", name);
    const struct sluice_rejected rejected = {.batch = batch, .row = row, .position = -1};
    return sluice_reject(store->host, &rejected, error);
}

/* Gives every row its place, and writes time and key there. */
static enum sluice_status place_rows(struct row_store *store, const struct sluice_batch *batch,
                                     struct sluice_error *error)
{
    const struct row_layout *layout = store->layout;
    struct sluice_column times;
    struct sluice_column keys;
    sluice_batch_column(store->host, batch, layout->time_input, &times);
    sluice_batch_column(store->host, batch, layout->key_input, &keys);
    for (int64_t row = 0; row < times.length; row++) {
        uint32_t key = store->keys[row];
        store->places[row] = NULL;
        if (!key || (times.null_count && sluice_column_is_null(&times, row))) {
            int column = key ? layout->time_input : layout->key_input;
            enum sluice_status status = reject_row(store, batch, row, column, error);
            if (status != SLUICE_OK)
                return status;
            continue;
        }
        struct row_partition *partition = store_partition_of(store, store->hashes[row]);
        uint64_t word;
        if (key == VALUE_WITHOUT_ID &&
            !store_keep_value(store, partition, column_value(&keys, row, &word), &key))
            return fail_rows(store, error);
        char *place = store_place_row(store, partition);
        if (!place)
            return fail_rows(store, error);
        int64_t time_us = sluice_column_int64(&times, row);
        memcpy(place + TIME_OFFSET, &time_us, sizeof(time_us));
        memcpy(place + KEY_OFFSET, &key, sizeof(key));
        store->places[row] = place;
        store->homes[row] = partition;
    }
    return SLUICE_OK;
}

static bool write_ids(struct row_store *store, size_t offset, const struct sluice_column *values)
{
    for (int64_t row = 0; row < values->length; row++) {
        if (!store->places[row])
            continue;
        uint64_t word;
        uint32_t id = store->ids[row];
        if (id == VALUE_WITHOUT_ID &&
            !store_keep_value(store, store->homes[row], column_value(values, row, &word), &id))
            return false;
        memcpy(store->places[row] + offset, &id, sizeof(id));
    }
    return true;
}

static void write_values(const struct row_store *store, const struct held_column *column,
                         const struct sluice_column *values)
{
    size_t null_offset = store->layout->null_offset + (size_t)column->null_bit / 32 * 4;
    uint32_t bit = UINT32_C(1) << (column->null_bit % 32);
    for (int64_t row = 0; row < values->length; row++) {
        char *place = store->places[row];
        if (!place)
            continue;
        bool is_null = values->null_count && sluice_column_is_null(values, row);
        int64_t word = 0;
        if (!is_null && values->type == SLUICE_TYPE_BOOL)
            word = sluice_column_bool(values, row);
        else if (!is_null)
            memcpy(&word, (const int64_t *)values->values + row, sizeof(word));
        memcpy(place + column->offset, &word, sizeof(word));
        /* The first column of a null word clears it. */
        uint32_t nulls = column->null_bit % 32 ? row_id(place, null_offset) : 0;
        nulls |= is_null ? bit : 0;
        memcpy(place + null_offset, &nulls, sizeof(nulls));
    }
}

static enum sluice_status add_columns(struct row_store *store, const struct sluice_batch *batch,
                                      struct sluice_error *error)
{
    const struct row_layout *layout = store->layout;
    enum sluice_status status = SLUICE_OK;
    for (size_t i = 0; status == SLUICE_OK && i < layout->column_count; i++) {
        const struct held_column *column = &layout->columns[i];
        struct sluice_column values;
        sluice_batch_column(store->host, batch, column->input, &values);
        if (!column->ids) {
            write_values(store, column, &values);
            continue;
        }
        status = value_ids_map(column->ids, batch, column->input, store->ids, error);
        if (status == SLUICE_OK && !write_ids(store, column->offset, &values))
            status = fail_rows(store, error);
    }
    return status;
}

enum sluice_status store_relieve(struct row_store *store, struct sluice_error *error)
{
    return spill_is_due(store->host, store->held_bytes, DUE_EIGHTHS) ? store_spill(store, error)
                                                                     : SLUICE_OK;
}

enum sluice_status store_add(struct row_store *store, const struct sluice_batch *batch,
                             struct sluice_error *error)
{
    const struct row_layout *layout = store->layout;
    enum sluice_status status = store_relieve(store, error);
    if (status == SLUICE_OK)
        status = reserve_batch(store, (size_t)sluice_batch_rows(store->host, batch), error);
    if (status == SLUICE_OK)
        status = value_ids_map(layout->keys, batch, layout->key_input, store->keys, error);
    if (status == SLUICE_OK)
        status = sluice_batch_hash(store->host, batch, &layout->key_input, 1, store->hashes, error);
    if (status == SLUICE_OK)
        status = place_rows(store, batch, error);
    return status == SLUICE_OK ? add_columns(store, batch, error) : status;
}
