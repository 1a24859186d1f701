/* SPDX-License-Identifier: Apache-2.0 */
/* Groups: key ids to a record that never moves. Open addressing over (hash, number), records in
 * pages. */
#include "agg.h"

#include <string.h>

enum { PAGE_BITS = 8, PAGE_RECORDS = 1 << PAGE_BITS, FIRST_SLOTS = 256, MAX_GROUPS = 1 << 30 };

struct group_slot {
    uint32_t hash;
    uint32_t number; /* plus 1; 0: free */
};

struct group_table {
    const struct sluice_host *host;
    size_t record_size;
    size_t states_offset;

    struct group_slot *slots; /* a power of two, at most half full */
    uint32_t slot_mask;
    uint32_t count;
    char **pages;
    size_t page_capacity;

    /* One batch. */
    size_t batch_rows;
    uint64_t *hashes;
    uint32_t *ids; /* column after column */
    char **records;

    size_t key_count;
    struct group_key {
        int input;
        struct value_ids *values;
    } keys[];
};

static enum sluice_status fail_groups(const struct group_table *groups, struct sluice_error *error)
{
    return fail_over_budget(groups->host, error, "its groups");
}

static enum sluice_status grow_slots(struct group_table *groups, struct sluice_error *error)
{
    uint32_t size = groups->slots ? 2 * (groups->slot_mask + 1) : FIRST_SLOTS;
    if (groups->count >= MAX_GROUPS)
        return fail_over_budget(groups->host, error, "more than 2^30 groups");
    struct group_slot *slots = sluice_alloc(groups->host, size * sizeof(*slots));
    if (!slots)
        return fail_groups(groups, error);
    memset(slots, 0, size * sizeof(*slots));
    for (uint32_t old = 0; groups->slots && old <= groups->slot_mask; old++) {
        if (!groups->slots[old].number)
            continue;
        uint32_t at = groups->slots[old].hash & (size - 1);
        while (slots[at].number)
            at = (at + 1) & (size - 1);
        slots[at] = groups->slots[old];
    }
    sluice_free(groups->host, groups->slots);
    groups->slots = slots;
    groups->slot_mask = size - 1;
    return SLUICE_OK;
}

static enum sluice_status add_page(struct group_table *groups, struct sluice_error *error)
{
    size_t index = groups->count >> PAGE_BITS;
    if (index == groups->page_capacity) {
        size_t capacity = index ? 2 * index : 16;
        char **pages = sluice_resize(groups->host, groups->pages, capacity * sizeof(*pages));
        if (!pages)
            return fail_groups(groups, error);
        groups->pages = pages;
        groups->page_capacity = capacity;
    }
    groups->pages[index] = sluice_alloc(groups->host, PAGE_RECORDS * groups->record_size);
    return groups->pages[index] ? SLUICE_OK : fail_groups(groups, error);
}

char *groups_record(const struct group_table *groups, uint32_t number)
{
    return groups->pages[number >> PAGE_BITS] + (number & (PAGE_RECORDS - 1)) * groups->record_size;
}

/* A zeroed record with its number; keys are the caller's to write. */
static enum sluice_status add_group(struct group_table *groups, char **record,
                                    struct sluice_error *error)
{
    if (!(groups->count & (PAGE_RECORDS - 1))) {
        enum sluice_status status = add_page(groups, error);
        if (status != SLUICE_OK)
            return status;
    }
    *record = groups_record(groups, groups->count);
    memset(*record, 0, groups->record_size);
    ((uint32_t *)(void *)*record)[0] = groups->count++;
    return SLUICE_OK;
}

static enum sluice_status fill_table(struct group_table *groups, const struct sluice_schema *input,
                                     const struct sluice_strings *columns,
                                     struct sluice_error *error)
{
    for (size_t key = 0; key < columns->count; key++) {
        int index = schema_index(input, columns->items[key]);
        enum sluice_type type = sluice_schema_field(input, (size_t)index)->type;
        groups->keys[key].input = index;
        enum sluice_status status =
            value_ids_create(groups->host, type, &groups->keys[key].values, error);
        if (status != SLUICE_OK)
            return status;
    }
    if (columns->count)
        return grow_slots(groups, error);
    /* All rows are one group, which is there even without rows. */
    char *record;
    return add_group(groups, &record, error);
}

enum sluice_status groups_create(const struct sluice_host *host, const struct sluice_schema *input,
                                 const struct sluice_strings *columns, size_t states_size,
                                 struct group_table **groups, struct sluice_error *error)
{
    *groups = NULL;
    size_t size = sizeof(**groups) + columns->count * sizeof((*groups)->keys[0]);
    struct group_table *made = sluice_alloc(host, size);
    if (!made)
        return fail_over_budget(host, error, "its tables");
    memset(made, 0, size);
    made->host = host;
    made->key_count = columns->count;
    made->states_offset = ((1 + columns->count) * sizeof(uint32_t) + 7) & ~(size_t)7;
    made->record_size = made->states_offset + states_size;
    enum sluice_status status = fill_table(made, input, columns, error);
    if (status != SLUICE_OK) {
        groups_destroy(made);
        return status;
    }
    *groups = made;
    return SLUICE_OK;
}

static void free_batch_room(struct group_table *groups)
{
    sluice_free(groups->host, groups->hashes);
    sluice_free(groups->host, groups->ids);
    sluice_free(groups->host, groups->records);
    groups->hashes = NULL;
    groups->ids = NULL;
    groups->records = NULL;
    groups->batch_rows = 0;
}

void groups_destroy(struct group_table *groups)
{
    if (!groups)
        return;
    for (uint32_t page = 0; page * PAGE_RECORDS < groups->count; page++)
        sluice_free(groups->host, groups->pages[page]);
    for (size_t key = 0; key < groups->key_count; key++)
        value_ids_destroy(groups->keys[key].values);
    free_batch_room(groups);
    sluice_free(groups->host, groups->pages);
    sluice_free(groups->host, groups->slots);
    sluice_free(groups->host, groups);
}

static enum sluice_status reserve_batch(struct group_table *groups, size_t rows,
                                        struct sluice_error *error)
{
    if (rows <= groups->batch_rows)
        return SLUICE_OK;
    free_batch_room(groups);
    groups->hashes = sluice_alloc(groups->host, rows * sizeof(*groups->hashes));
    groups->ids = sluice_alloc(groups->host, (groups->key_count + 1) * rows * sizeof(*groups->ids));
    groups->records = sluice_alloc(groups->host, rows * sizeof(*groups->records));
    if (!groups->hashes || !groups->ids || !groups->records)
        return fail_groups(groups, error);
    groups->batch_rows = rows;
    return SLUICE_OK;
}

static enum sluice_status map_keys(struct group_table *groups, const struct sluice_batch *batch,
                                   size_t rows, struct sluice_error *error)
{
    memset(groups->hashes, 0, rows * sizeof(*groups->hashes));
    for (size_t key = 0; key < groups->key_count; key++) {
        uint32_t *ids = groups->ids + key * rows;
        enum sluice_status status =
            value_ids_map(groups->keys[key].values, batch, groups->keys[key].input, ids, error);
        if (status != SLUICE_OK)
            return status;
        for (size_t row = 0; row < rows; row++) {
            uint64_t mixed = (groups->hashes[row] ^ ids[row]) * UINT64_C(0x9E3779B97F4A7C15);
            groups->hashes[row] = mixed ^ mixed >> 32;
        }
    }
    return SLUICE_OK;
}

static bool has_keys(const struct group_table *groups, const char *record, size_t rows, size_t row)
{
    for (size_t key = 0; key < groups->key_count; key++) {
        if (record_key(record, key) != groups->ids[key * rows + row])
            return false;
    }
    return true;
}

static enum sluice_status find_row(struct group_table *groups, size_t rows, size_t row,
                                   struct sluice_error *error)
{
    uint32_t hash = (uint32_t)groups->hashes[row];
    uint32_t at = hash & groups->slot_mask;
    for (; groups->slots[at].number; at = (at + 1) & groups->slot_mask) {
        if (groups->slots[at].hash != hash)
            continue;
        char *record = groups_record(groups, groups->slots[at].number - 1);
        if (has_keys(groups, record, rows, row)) {
            groups->records[row] = record;
            return SLUICE_OK;
        }
    }
    char *record;
    enum sluice_status status = add_group(groups, &record, error);
    if (status != SLUICE_OK)
        return status;
    for (size_t key = 0; key < groups->key_count; key++)
        ((uint32_t *)(void *)record)[1 + key] = groups->ids[key * rows + row];
    groups->slots[at] = (struct group_slot){hash, groups->count};
    groups->records[row] = record;
    return 2 * (uint64_t)groups->count > groups->slot_mask ? grow_slots(groups, error) : SLUICE_OK;
}

enum sluice_status groups_find(struct group_table *groups, const struct sluice_batch *batch,
                               char ***records, struct sluice_error *error)
{
    *records = NULL;
    size_t rows = (size_t)sluice_batch_rows(groups->host, batch);
    enum sluice_status status = reserve_batch(groups, rows, error);
    if (status == SLUICE_OK)
        status = map_keys(groups, batch, rows, error);
    if (status != SLUICE_OK)
        return status;
    for (size_t row = 0; row < rows; row++) {
        if (groups->key_count)
            status = find_row(groups, rows, row, error);
        else
            groups->records[row] = groups_record(groups, 0);
        if (status != SLUICE_OK)
            return status;
    }
    *records = groups->records;
    return SLUICE_OK;
}

uint32_t groups_count(const struct group_table *groups)
{
    return groups->count;
}

size_t groups_states_offset(const struct group_table *groups)
{
    return groups->states_offset;
}

size_t groups_key_count(const struct group_table *groups)
{
    return groups->key_count;
}

const struct value_ids *groups_key_values(const struct group_table *groups, size_t key)
{
    return groups->keys[key].values;
}
