/* SPDX-License-Identifier: Apache-2.0 */
/* Rows as they come, in 64 partitions by key id, in chunks that never move; at the end each
 * partition is counted by key and scattered, so that a key's rows stand together. */
#include "session.h"

#include <string.h>

enum { FIRST_CHUNK_ROWS = 32, LAST_CHUNK_ROWS = 8192 };

struct row_chunk {
    struct row_chunk *next; /* the one before it in time */
    size_t row_count;
    char rows[];
};

struct row_partition {
    struct row_chunk *chunks; /* newest first */
    size_t chunk_rows;        /* room in the newest */
    size_t row_count;
};

struct row_store {
    const struct sluice_host *host;
    const struct row_layout *layout;
    struct row_partition partitions[PARTITION_COUNT];

    /* One batch's ids, and where each of its rows goes (NULL: rejected). */
    size_t batch_rows;
    uint32_t *keys;
    uint32_t *ids;
    char **places;

    /* The partition being taken. */
    char *taken;
    size_t taken_size;
    uint32_t *ends;
};

static enum sluice_status fail_rows(const struct row_store *store, struct sluice_error *error)
{
    return fail_over_budget(store->host, error, "the rows of its sessions");
}

enum sluice_status store_create(const struct sluice_host *host, const struct row_layout *layout,
                                struct row_store **store, struct sluice_error *error)
{
    *store = sluice_alloc(host, sizeof(**store));
    if (!*store)
        return fail_over_budget(host, error, "its tables");
    **store = (struct row_store){.host = host, .layout = layout};
    return SLUICE_OK;
}

static void free_chunks(const struct sluice_host *host, struct row_partition *partition)
{
    while (partition->chunks) {
        struct row_chunk *next = partition->chunks->next;
        sluice_free(host, partition->chunks);
        partition->chunks = next;
    }
    *partition = (struct row_partition){0};
}

static void free_batch_room(struct row_store *store)
{
    sluice_free(store->host, store->keys);
    sluice_free(store->host, store->ids);
    sluice_free(store->host, store->places);
    store->keys = NULL;
    store->ids = NULL;
    store->places = NULL;
    store->batch_rows = 0;
}

void store_destroy(struct row_store *store)
{
    if (!store)
        return;
    for (size_t i = 0; i < PARTITION_COUNT; i++)
        free_chunks(store->host, &store->partitions[i]);
    free_batch_room(store);
    sluice_free(store->host, store->taken);
    sluice_free(store->host, store->ends);
    sluice_free(store->host, store);
}

static enum sluice_status reserve_batch(struct row_store *store, size_t rows,
                                        struct sluice_error *error)
{
    if (rows <= store->batch_rows)
        return SLUICE_OK;
    free_batch_room(store);
    store->keys = sluice_alloc(store->host, rows * sizeof(*store->keys));
    store->ids = sluice_alloc(store->host, rows * sizeof(*store->ids));
    store->places = sluice_alloc(store->host, rows * sizeof(*store->places));
    if (!store->keys || !store->ids || !store->places)
        return fail_rows(store, error);
    store->batch_rows = rows;
    return SLUICE_OK;
}

static enum sluice_status add_chunk(struct row_store *store, struct row_partition *partition,
                                    struct sluice_error *error)
{
    size_t rows = partition->chunks ? partition->chunk_rows * 2 : FIRST_CHUNK_ROWS;
    if (rows > LAST_CHUNK_ROWS)
        rows = LAST_CHUNK_ROWS;
    struct row_chunk *chunk =
        sluice_alloc(store->host, sizeof(*chunk) + rows * store->layout->row_size);
    if (!chunk)
        return fail_rows(store, error);
    chunk->next = partition->chunks;
    chunk->row_count = 0;
    partition->chunks = chunk;
    partition->chunk_rows = rows;
    return SLUICE_OK;
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
                                     const struct sluice_column *times, struct sluice_error *error)
{
    const struct row_layout *layout = store->layout;
    for (int64_t row = 0; row < times->length; row++) {
        uint32_t key = store->keys[row];
        store->places[row] = NULL;
        if (!key || (times->null_count && sluice_column_is_null(times, row))) {
            int column = key ? layout->time_input : layout->key_input;
            enum sluice_status status = reject_row(store, batch, row, column, error);
            if (status != SLUICE_OK)
                return status;
            continue;
        }
        struct row_partition *partition = &store->partitions[key % PARTITION_COUNT];
        if (!partition->chunks || partition->chunks->row_count == partition->chunk_rows) {
            enum sluice_status status = add_chunk(store, partition, error);
            if (status != SLUICE_OK)
                return status;
        }
        struct row_chunk *chunk = partition->chunks;
        char *place = chunk->rows + chunk->row_count++ * layout->row_size;
        partition->row_count++;
        int64_t time_us = sluice_column_int64(times, row);
        memcpy(place + TIME_OFFSET, &time_us, sizeof(time_us));
        memcpy(place + KEY_OFFSET, &key, sizeof(key));
        store->places[row] = place;
    }
    return SLUICE_OK;
}

static void write_ids(const struct row_store *store, size_t offset, int64_t rows)
{
    for (int64_t row = 0; row < rows; row++) {
        if (store->places[row])
            memcpy(store->places[row] + offset, &store->ids[row], sizeof(store->ids[row]));
    }
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

enum sluice_status store_add(struct row_store *store, const struct sluice_batch *batch,
                             struct sluice_error *error)
{
    const struct row_layout *layout = store->layout;
    int64_t rows = sluice_batch_rows(store->host, batch);
    enum sluice_status status = reserve_batch(store, (size_t)rows, error);
    if (status == SLUICE_OK)
        status = value_ids_map(layout->keys, batch, layout->key_input, store->keys, error);
    if (status != SLUICE_OK)
        return status;
    struct sluice_column times;
    sluice_batch_column(store->host, batch, layout->time_input, &times);
    status = place_rows(store, batch, &times, error);
    for (size_t i = 0; status == SLUICE_OK && i < layout->column_count; i++) {
        const struct held_column *column = &layout->columns[i];
        if (column->ids) {
            status = value_ids_map(column->ids, batch, column->input, store->ids, error);
            if (status == SLUICE_OK)
                write_ids(store, column->offset, rows);
        } else {
            struct sluice_column values;
            sluice_batch_column(store->host, batch, column->input, &values);
            write_values(store, column, &values);
        }
    }
    return status;
}

static enum sluice_status reserve_partition(struct row_store *store, size_t rows, size_t keys,
                                            struct sluice_error *error)
{
    size_t size = 2 * rows * store->layout->row_size;
    if (rows > UINT32_MAX)
        return fail_over_budget(store->host, error, "more than 2^32 rows of a few visitors");
    if (size > store->taken_size) {
        sluice_free(store->host, store->taken);
        store->taken_size = 0;
        store->taken = sluice_alloc(store->host, size);
        if (!store->taken)
            return fail_over_budget(store->host, error, "sorting the rows of its sessions");
        store->taken_size = size;
    }
    sluice_free(store->host, store->ends);
    store->ends = sluice_alloc(store->host, (keys + 1) * sizeof(*store->ends));
    if (!store->ends)
        return fail_over_budget(store->host, error, "sorting the rows of its sessions");
    memset(store->ends, 0, (keys + 1) * sizeof(*store->ends));
    return SLUICE_OK;
}

/* ends[] goes from counts over begins to ends; rows keep their order of arrival within a key. */
static void scatter_rows(struct row_store *store, struct row_partition *partition, size_t keys)
{
    size_t row_size = store->layout->row_size;
    uint32_t *ends = store->ends;
    for (const struct row_chunk *chunk = partition->chunks; chunk; chunk = chunk->next) {
        for (size_t i = 0; i < chunk->row_count; i++)
            ends[row_id(chunk->rows + i * row_size, KEY_OFFSET) / PARTITION_COUNT]++;
    }
    uint32_t end = 0;
    for (size_t key = 0; key < keys; key++)
        ends[key] = end += ends[key];
    /* Newest chunk and last row first, filling each key's run from its end. */
    for (const struct row_chunk *chunk = partition->chunks; chunk; chunk = chunk->next) {
        for (size_t i = chunk->row_count; i-- > 0;) {
            const char *row = chunk->rows + i * row_size;
            size_t at = --ends[row_id(row, KEY_OFFSET) / PARTITION_COUNT];
            uint32_t *to = (uint32_t *)(void *)(store->taken + at * row_size);
            const uint32_t *from = (const uint32_t *)(const void *)row;
            for (size_t word = 0; word < row_size / sizeof(*to); word++)
                to[word] = from[word];
        }
    }
    /* Now ends[key] is where the run begins: move by one. */
    for (size_t key = 0; key + 1 < keys; key++)
        ends[key] = ends[key + 1];
    ends[keys - 1] = (uint32_t)partition->row_count;
}

enum sluice_status store_take_partition(struct row_store *store, size_t partition_index,
                                        struct key_runs *runs, struct sluice_error *error)
{
    struct row_partition *partition = &store->partitions[partition_index];
    *runs = (struct key_runs){0};
    if (!partition->row_count)
        return SLUICE_OK;
    size_t keys = value_ids_count(store->layout->keys) / PARTITION_COUNT + 1;
    enum sluice_status status = reserve_partition(store, partition->row_count, keys, error);
    if (status != SLUICE_OK)
        return status;
    scatter_rows(store, partition, keys);
    *runs =
        (struct key_runs){.rows = store->taken,
                          .spare = store->taken + partition->row_count * store->layout->row_size,
                          .row_count = partition->row_count,
                          .run_count = keys,
                          .ends = store->ends};
    free_chunks(store->host, partition);
    return SLUICE_OK;
}
