/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of a partition, key by key: keys are numbered as they first appear, rows counted by
 * number and scattered. */
#include "store.h"

#include <string.h>

/* Numbers of the keys of one partition: by id, and by value for those that have none. */
struct key_numbers {
    const struct row_store *store;
    const struct byte_heap *heap;
    uint32_t *by_id; /* plus 1; 0: none yet. NULL: no key has an id */
    uint32_t *slots; /* plus 1; NULL: all keys have ids */
    uint32_t mask;
    uint32_t *keys; /* place of the value by number */
    uint32_t *hashes;
    uint32_t count;
};

void store_drop_taken(struct row_store *store)
{
    struct taken_rows *taken = &store->taken;
    sluice_free(store->host, taken->rows);
    sluice_free(store->host, taken->spare);
    sluice_free(store->host, taken->ends);
    sluice_free(store->host, taken->keys);
    byte_heap_reset(&taken->heap);
    *taken = (struct taken_rows){.heap.host = store->host};
}

static void free_numbers(struct key_numbers *numbers)
{
    const struct sluice_host *host = numbers->store->host;
    sluice_free(host, numbers->by_id);
    sluice_free(host, numbers->slots);
    sluice_free(host, numbers->hashes);
}

static bool create_numbers(struct key_numbers *numbers, size_t rows, bool has_heap_keys)
{
    const struct sluice_host *host = numbers->store->host;
    size_t ids = (size_t)value_ids_count(numbers->store->layout->keys) + 1;
    numbers->by_id = sluice_alloc(host, ids * sizeof(*numbers->by_id));
    numbers->keys = sluice_alloc(host, rows * sizeof(*numbers->keys));
    if (numbers->by_id)
        memset(numbers->by_id, 0, ids * sizeof(*numbers->by_id));
    if (!has_heap_keys)
        return numbers->by_id && numbers->keys;
    size_t slots = 64;
    while (slots < 2 * rows)
        slots *= 2;
    numbers->mask = (uint32_t)slots - 1;
    numbers->slots = sluice_alloc(host, slots * sizeof(*numbers->slots));
    numbers->hashes = sluice_alloc(host, rows * sizeof(*numbers->hashes));
    if (numbers->slots)
        memset(numbers->slots, 0, slots * sizeof(*numbers->slots));
    return numbers->by_id && numbers->keys && numbers->slots && numbers->hashes;
}

static uint32_t add_number(struct key_numbers *numbers, uint32_t key)
{
    numbers->keys[numbers->count] = key;
    return numbers->count++;
}

/* The number of a key by its value: it may be there with an id and without. */
static uint32_t number_by_value(struct key_numbers *numbers, uint32_t key)
{
    const struct value_ids *ids = numbers->store->layout->keys;
    struct sluice_string value = place_value(ids, numbers->heap, key);
    uint64_t whole = sluice_hash_bytes(numbers->store->host, value.bytes, value.size);
    uint32_t hash = (uint32_t)(whole ^ whole >> 32) * UINT32_C(0x9E3779B1);
    uint32_t at = (hash ^ hash >> 16) & numbers->mask;
    for (; numbers->slots[at]; at = (at + 1) & numbers->mask) {
        uint32_t number = numbers->slots[at] - 1;
        if (numbers->hashes[number] == hash &&
            place_is_equal(place_value(ids, numbers->heap, numbers->keys[number]), value))
            return number;
    }
    uint32_t number = add_number(numbers, key);
    numbers->hashes[number] = hash;
    numbers->slots[at] = number + 1;
    return number;
}

static uint32_t number_of(struct key_numbers *numbers, uint32_t key)
{
    if (key & HEAP_REF)
        return number_by_value(numbers, key);
    uint32_t *number = &numbers->by_id[key];
    if (!*number)
        *number = 1 + (numbers->slots ? number_by_value(numbers, key) : add_number(numbers, key));
    return *number - 1;
}

static bool has_heap_keys(const struct row_store *store, const struct row_partition *partition)
{
    for (const struct row_chunk *chunk = partition->chunks; chunk; chunk = chunk->next) {
        for (size_t i = 0; i < chunk->row_count; i++) {
            if (row_id(chunk->rows + i * store->layout->row_size, KEY_OFFSET) & HEAP_REF)
                return true;
        }
    }
    return false;
}

/* The key field of every row becomes the key's number. */
static void number_rows(const struct row_store *store, struct row_partition *partition,
                        struct key_numbers *numbers)
{
    for (struct row_chunk *chunk = partition->chunks; chunk; chunk = chunk->next) {
        for (size_t i = 0; i < chunk->row_count; i++) {
            char *key = chunk->rows + i * store->layout->row_size + KEY_OFFSET;
            uint32_t number = number_of(numbers, row_id(key, 0));
            memcpy(key, &number, sizeof(number));
        }
    }
}

/* ends[] goes from counts over begins to ends; rows keep their order of arrival within a key. */
static void scatter_rows(struct row_store *store, const struct row_partition *partition,
                         size_t keys)
{
    size_t row_size = store->layout->row_size;
    uint32_t *ends = store->taken.ends;
    memset(ends, 0, (keys + 1) * sizeof(*ends));
    for (const struct row_chunk *chunk = partition->chunks; chunk; chunk = chunk->next) {
        for (size_t i = 0; i < chunk->row_count; i++)
            ends[row_id(chunk->rows + i * row_size, KEY_OFFSET)]++;
    }
    uint32_t end = 0;
    for (size_t key = 0; key < keys; key++)
        ends[key] = end += ends[key];
    /* Newest chunk and last row first, filling each key's run from its end. */
    for (const struct row_chunk *chunk = partition->chunks; chunk; chunk = chunk->next) {
        for (size_t i = chunk->row_count; i-- > 0;) {
            const char *row = chunk->rows + i * row_size;
            size_t at = --ends[row_id(row, KEY_OFFSET)];
            uint32_t *to = (uint32_t *)(void *)(store->taken.rows + at * row_size);
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

static bool reserve_taken(struct row_store *store, size_t rows, size_t keys)
{
    struct taken_rows *taken = &store->taken;
    taken->rows = sluice_alloc(store->host, rows * store->layout->row_size);
    taken->ends = sluice_alloc(store->host, (keys + 1) * sizeof(*taken->ends));
    return taken->rows && taken->ends;
}

/* Room to sort the longest run; the partition's chunks are gone by now. */
static bool reserve_spare(struct row_store *store, size_t keys)
{
    struct taken_rows *taken = &store->taken;
    uint32_t longest = 0;
    uint32_t first = 0;
    for (size_t key = 0; key < keys; first = taken->ends[key++]) {
        if (taken->ends[key] - first > longest)
            longest = taken->ends[key] - first;
    }
    taken->spare = sluice_alloc(store->host, longest * store->layout->row_size);
    return taken->spare != NULL;
}

enum sluice_status store_take_partition(struct row_store *store, size_t index,
                                        struct key_runs *runs, struct sluice_error *error)
{
    static const char what[] = "sorting the rows of its sessions";
    struct row_partition *partition = &store->partitions[index];
    struct taken_rows *taken = &store->taken;
    store_drop_taken(store);
    *runs = (struct key_runs){0};
    enum sluice_status status = store_load(store, partition, error);
    if (status != SLUICE_OK || !partition->row_count)
        return status;
    size_t rows = partition->row_count;
    if (rows > UINT32_MAX / 2)
        return fail_over_budget(store->host, error, "more than 2^31 rows of a few visitors");
    struct key_numbers numbers = {.store = store, .heap = &partition->heap};
    bool is_made = create_numbers(&numbers, rows, has_heap_keys(store, partition));
    if (is_made)
        number_rows(store, partition, &numbers);
    taken->keys = numbers.keys;
    free_numbers(&numbers);
    if (!is_made || !reserve_taken(store, rows, numbers.count))
        return fail_over_budget(store->host, error, what);
    scatter_rows(store, partition, numbers.count);
    store_free_chunks(store, partition);
    taken->heap = partition->heap;
    partition->heap = (struct byte_heap){.host = store->host};
    if (!reserve_spare(store, numbers.count))
        return fail_over_budget(store->host, error, what);
    store->layout->heap = &taken->heap;
    *runs = (struct key_runs){.rows = taken->rows,
                              .spare = taken->spare,
                              .keys = taken->keys,
                              .row_count = rows,
                              .run_count = numbers.count,
                              .ends = taken->ends};
    return SLUICE_OK;
}
