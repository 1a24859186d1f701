/* SPDX-License-Identifier: Apache-2.0 */
/* Groups: the values of their keys to a record that never moves. Open addressing over (hash,
 * number), records in pages; a key's value has an id where it repeats and stands in a heap where
 * it does not. */
#include "groups.h"

#include <string.h>

enum { FIRST_SLOTS = 256, MAX_GROUPS = 1 << 30, IDS_SHARE = 32 };
enum { SLOTS_AHEAD = 16, RECORDS_AHEAD = 8 };

static enum sluice_status fail_groups(const struct group_table *groups, struct sluice_error *error)
{
    return fail_over_budget(groups->host, error, "its groups");
}

static bool grow_slots(struct group_table *groups)
{
    uint32_t size = groups->slots ? 2 * (groups->slot_mask + 1) : FIRST_SLOTS;
    if (groups->count >= MAX_GROUPS)
        return false;
    struct group_slot *slots = sluice_alloc(groups->host, size * sizeof(*slots));
    if (!slots)
        return false;
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
    return true;
}

static bool add_page(struct group_table *groups)
{
    size_t index = groups->count >> PAGE_BITS;
    if (index == groups->page_capacity) {
        size_t capacity = index ? 2 * index : 16;
        char **pages = sluice_resize(groups->host, groups->pages, capacity * sizeof(*pages));
        if (!pages)
            return false;
        groups->pages = pages;
        groups->page_capacity = capacity;
    }
    groups->pages[index] = sluice_alloc(groups->host, PAGE_RECORDS * groups->record_size);
    groups->page_count += groups->pages[index] != NULL;
    return groups->pages[index] != NULL;
}

/* A zeroed record with its number, which counts when its keys are written. NULL without memory. */
static char *begin_group(struct group_table *groups)
{
    if (groups->count >> PAGE_BITS == groups->page_count && !add_page(groups))
        return NULL;
    char *record = groups_record(groups, groups->count);
    memset(record, 0, groups->record_size);
    ((uint32_t *)(void *)record)[0] = groups->count;
    return record;
}

static enum sluice_status create_ids(struct group_table *groups, enum sluice_type type,
                                     bool keeps_ids, struct value_ids **ids,
                                     struct sluice_error *error)
{
    struct sluice_memory memory;
    sluice_memory(groups->host, &memory);
    enum sluice_status status = value_ids_create(groups->host, type, ids, error);
    size_t limit = memory.limit_bytes ? (size_t)memory.limit_bytes / IDS_SHARE : SIZE_MAX;
    if (status == SLUICE_OK)
        value_ids_limit(*ids, keeps_ids ? limit : 1);
    return status;
}

static enum sluice_status fill_table(struct group_table *groups, const struct sluice_schema *input,
                                     const struct sluice_strings *columns, bool keeps_ids,
                                     struct sluice_error *error)
{
    for (size_t key = 0; key < columns->count; key++) {
        int index = schema_index(input, columns->items[key]);
        enum sluice_type type = sluice_schema_field(input, (size_t)index)->type;
        groups->keys[key].input = index;
        enum sluice_status status =
            create_ids(groups, type, keeps_ids, &groups->keys[key].values, error);
        if (status != SLUICE_OK)
            return status;
    }
    /* Without keys all rows are one group, which is there even without rows. */
    bool is_made = columns->count ? grow_slots(groups) : begin_group(groups) != NULL;
    groups->count = is_made && !columns->count;
    return is_made ? SLUICE_OK : fail_groups(groups, error);
}

enum sluice_status groups_create(const struct sluice_host *host, const struct groups_wish *wish,
                                 struct group_table **groups, struct sluice_error *error)
{
    *groups = NULL;
    const struct sluice_strings *columns = wish->columns;
    size_t size = sizeof(**groups) + columns->count * sizeof((*groups)->keys[0]);
    struct group_table *made = sluice_alloc(host, size);
    if (!made)
        return fail_over_budget(host, error, "its tables");
    memset(made, 0, size);
    made->host = host;
    made->heap.host = host;
    made->key_count = columns->count;
    made->may_close = wish->may_close && columns->count;
    made->states_offset = ((1 + columns->count) * sizeof(uint32_t) + 7) & ~(size_t)7;
    made->record_size = made->states_offset + wish->states_size;
    enum sluice_status status =
        fill_table(made, sluice_input_schema(host), columns, wish->keeps_ids, error);
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
    for (size_t page = 0; page < groups->page_count; page++)
        sluice_free(groups->host, groups->pages[page]);
    for (size_t key = 0; key < groups->key_count; key++)
        value_ids_destroy(groups->keys[key].values);
    free_batch_room(groups);
    byte_heap_reset(&groups->heap);
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
    enum sluice_status status = SLUICE_OK;
    for (size_t key = 0; status == SLUICE_OK && key < groups->key_count; key++) {
        struct group_key *at = &groups->keys[key];
        sluice_batch_column(groups->host, batch, at->input, &at->column);
        status = value_ids_map(at->values, batch, at->input, groups->ids + key * rows, error);
        if (key < MAX_HASHED)
            groups->inputs[key] = at->input;
    }
    size_t hashed = groups->key_count < MAX_HASHED ? groups->key_count : MAX_HASHED;
    return status == SLUICE_OK ? sluice_batch_hash(groups->host, batch, groups->inputs, hashed,
                                                   groups->hashes, error)
                               : status;
}

/* Multiplied, as the groups of one lane or portion share some bits of their hashes. */
static uint32_t slot_hash(uint64_t hash)
{
    return (uint32_t)(hash * UINT64_C(0x9E3779B97F4A7C15) >> 32);
}

/* Has memory fetch what later rows will look at: their slots, then the records behind them. */
static void expect_rows(const struct group_table *groups, size_t rows, size_t row)
{
    if (row + SLOTS_AHEAD < rows)
        __builtin_prefetch(
            &groups->slots[slot_hash(groups->hashes[row + SLOTS_AHEAD]) & groups->slot_mask]);
    if (row + RECORDS_AHEAD >= rows)
        return;
    uint32_t hash = slot_hash(groups->hashes[row + RECORDS_AHEAD]);
    const struct group_slot *slot = &groups->slots[hash & groups->slot_mask];
    if (slot->number && slot->hash == hash)
        __builtin_prefetch(groups_record(groups, slot->number - 1));
}

/* Ids of equal values can only differ where one of the two is a place in the heap. */
static bool has_value(const struct group_table *groups, const struct group_key *key, uint32_t place,
                      uint32_t id, int64_t row)
{
    if (place == id || !place || !id)
        return place == id;
    if (id != VALUE_WITHOUT_ID && !(place & HEAP_REF))
        return false;
    uint64_t word;
    return place_is_equal(place_value(key->values, &groups->heap, place),
                          column_value(&key->column, row, &word));
}

static bool has_keys(const struct group_table *groups, const char *record, size_t rows, size_t row)
{
    for (size_t key = 0; key < groups->key_count; key++) {
        if (!has_value(groups, &groups->keys[key], record_key(record, key),
                       groups->ids[key * rows + row], (int64_t)row))
            return false;
    }
    return true;
}

/* A group for the row's keys; NULL without memory. */
static char *make_group(struct group_table *groups, size_t rows, size_t row)
{
    char *record = begin_group(groups);
    for (size_t key = 0; record && key < groups->key_count; key++) {
        const struct group_key *at = &groups->keys[key];
        uint32_t place = groups->ids[key * rows + row];
        uint64_t word;
        if (place == VALUE_WITHOUT_ID &&
            !byte_heap_add(&groups->heap, column_value(&at->column, (int64_t)row, &word), &place))
            return NULL;
        ((uint32_t *)(void *)record)[1 + key] = place;
    }
    groups->count += record != NULL;
    return record;
}

void groups_close(struct group_table *groups)
{
    if (!groups->may_close)
        return;
    groups->is_closed = true;
    for (size_t key = 0; key < groups->key_count; key++)
        value_ids_limit(groups->keys[key].values, 1); /* values of groups that are not here */
}

/* The record of the row's group; NULL where it has none and gets none. */
static enum sluice_status find_row(struct group_table *groups, size_t rows, size_t row,
                                   struct sluice_error *error)
{
    uint32_t hash = slot_hash(groups->hashes[row]);
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
    groups->records[row] = NULL;
    if (groups->is_closed)
        return SLUICE_OK;
    bool has_room = 2 * (uint64_t)groups->count <= groups->slot_mask || grow_slots(groups);
    char *record = has_room ? make_group(groups, rows, row) : NULL;
    if (!record) {
        groups_close(groups);
        return groups->may_close ? SLUICE_OK : fail_groups(groups, error);
    }
    at = hash & groups->slot_mask; /* the table may have grown */
    while (groups->slots[at].number)
        at = (at + 1) & groups->slot_mask;
    groups->slots[at] = (struct group_slot){hash, groups->count};
    groups->records[row] = record;
    return SLUICE_OK;
}

enum sluice_status groups_find(struct group_table *groups, const struct sluice_batch *batch,
                               struct group_rows *found, struct sluice_error *error)
{
    *found = (struct group_rows){0};
    size_t rows = (size_t)sluice_batch_rows(groups->host, batch);
    enum sluice_status status = reserve_batch(groups, rows, error);
    if (status == SLUICE_OK)
        status = map_keys(groups, batch, rows, error);
    for (size_t row = 0; status == SLUICE_OK && row < rows; row++) {
        if (!groups->key_count) {
            groups->records[row] = groups_record(groups, 0);
            continue;
        }
        expect_rows(groups, rows, row);
        status = find_row(groups, rows, row, error);
    }
    if (status == SLUICE_OK)
        *found = (struct group_rows){groups->records, groups->hashes};
    return status;
}

bool groups_are_closed(const struct group_table *groups)
{
    return groups->is_closed;
}

size_t groups_held_bytes(const struct group_table *groups)
{
    return groups->count * groups->record_size + byte_heap_size(&groups->heap) +
           ((size_t)groups->slot_mask + 1) * sizeof(*groups->slots);
}

uint32_t groups_count(const struct group_table *groups)
{
    return groups->count;
}

char *groups_record(const struct group_table *groups, uint32_t number)
{
    return groups->pages[number >> PAGE_BITS] + (number & (PAGE_RECORDS - 1)) * groups->record_size;
}

void groups_expect(const struct group_table *groups, uint32_t number)
{
    const char *record = groups_record(groups, number);
    struct sluice_string value;
    for (size_t key = 0; key < groups->key_count; key++) {
        if (groups_key_value(groups, record, key, &value))
            __builtin_prefetch(value.bytes);
    }
}

size_t groups_states_offset(const struct group_table *groups)
{
    return groups->states_offset;
}

size_t groups_key_count(const struct group_table *groups)
{
    return groups->key_count;
}

enum sluice_type groups_key_type(const struct group_table *groups, size_t key)
{
    return value_ids_type(groups->keys[key].values);
}

bool groups_key_value(const struct group_table *groups, const char *record, size_t key,
                      struct sluice_string *value)
{
    uint32_t place = record_key(record, key);
    if (place)
        *value = place_value(groups->keys[key].values, &groups->heap, place);
    return place != 0;
}
