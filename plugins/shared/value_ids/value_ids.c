/* SPDX-License-Identifier: Apache-2.0 */
/* Values in, ids out: the hash table, the copies of the values, and the remapping of codes. */
#include "value_ids/value_ids_private.h"

#include <string.h>

enum { FIRST_ENTRIES = 64, FIRST_BLOCK = 4096, LAST_BLOCK = 1 << 20, MAX_ENTRIES = 1 << 30 };
/* With so many values it is asked how often each came, which must be so often on average. */
enum { JUDGED_VALUES = 1 << 14, LEAST_ROWS = 3 };

static enum sluice_status grow_table(struct value_ids *ids, struct sluice_error *error)
{
    uint32_t capacity = ids->entry_capacity ? ids->entry_capacity * 2 : FIRST_ENTRIES;
    if (capacity > MAX_ENTRIES)
        return fail_over_budget(ids->host, error, "more than 2^30 different values of a column");
    struct value_slot *slots = sluice_alloc(ids->host, 2 * (size_t)capacity * sizeof(*slots));
    struct value_entry *entries =
        slots ? sluice_resize(ids->host, ids->entries, capacity * sizeof(*entries)) : NULL;
    if (!entries) {
        sluice_free(ids->host, slots);
        return fail_over_budget(ids->host, error, "the different values of its columns");
    }
    memset(slots, 0, 2 * (size_t)capacity * sizeof(*slots));
    uint32_t mask = 2 * capacity - 1;
    for (uint32_t old = 0; ids->slots && old <= ids->slot_mask; old++) {
        if (!ids->slots[old].id)
            continue;
        uint32_t at = ids->slots[old].hash & mask;
        while (slots[at].id)
            at = (at + 1) & mask;
        slots[at] = ids->slots[old];
    }
    sluice_free(ids->host, ids->slots);
    ids->slots = slots;
    ids->slot_mask = mask;
    ids->entries = entries;
    ids->entry_capacity = capacity;
    return SLUICE_OK;
}

enum sluice_status value_ids_create(const struct sluice_host *host, enum sluice_type type,
                                    struct value_ids **ids, struct sluice_error *error)
{
    *ids = NULL;
    struct value_ids *made = sluice_alloc(host, sizeof(*made));
    if (!made)
        return fail_over_budget(host, error, "its tables");
    *made = (struct value_ids){.host = host, .type = type};
    enum sluice_status status = grow_table(made, error);
    if (status != SLUICE_OK) {
        value_ids_destroy(made);
        return status;
    }
    *ids = made;
    return SLUICE_OK;
}

void value_ids_destroy(struct value_ids *ids)
{
    if (!ids)
        return;
    const struct sluice_host *host = ids->host;
    while (ids->blocks) {
        struct value_block *next = ids->blocks->next;
        sluice_free(host, ids->blocks);
        ids->blocks = next;
    }
    sluice_batch_release(host, ids->pin);
    sluice_free(host, ids->remap);
    sluice_free(host, ids->slots);
    sluice_free(host, ids->entries);
    sluice_free(host, ids);
}

/* A copy that never moves; NULL without memory. Blocks double, so that few values cost little. */
static const char *keep_bytes(struct value_ids *ids, struct sluice_string value)
{
    if (!ids->blocks || value.size > ids->block_size - ids->block_used) {
        size_t size = ids->block_size ? ids->block_size * 2 : FIRST_BLOCK;
        if (size > LAST_BLOCK)
            size = LAST_BLOCK;
        if (size < value.size)
            size = value.size;
        struct value_block *block = sluice_alloc(ids->host, sizeof(*block) + size);
        if (!block)
            return NULL;
        block->next = ids->blocks;
        ids->blocks = block;
        ids->block_size = size;
        ids->block_used = 0;
        ids->held_bytes += size;
    }
    char *copy = ids->blocks->bytes + ids->block_used;
    if (value.size)
        memcpy(copy, value.bytes, value.size);
    ids->block_used += value.size;
    return copy;
}

static enum sluice_status add_value(struct value_ids *ids, struct sluice_string value,
                                    struct value_slot *slot, uint32_t hash,
                                    struct sluice_error *error)
{
    const char *copy = keep_bytes(ids, value);
    if (!copy)
        return fail_over_budget(ids->host, error, "the different values of its columns");
    ids->entries[ids->entry_count++] = (struct value_entry){copy, value.size};
    *slot = (struct value_slot){hash, ids->entry_count};
    return SLUICE_OK;
}

void value_ids_limit(struct value_ids *ids, size_t limit_bytes)
{
    ids->limit_bytes = limit_bytes;
}

static size_t held_bytes(const struct value_ids *ids)
{
    return ids->held_bytes + ids->entry_capacity * sizeof(*ids->entries) +
           ((size_t)ids->slot_mask + 1) * sizeof(*ids->slots) +
           (size_t)ids->remap_capacity * sizeof(*ids->remap);
}

/* Decided once a batch; a table with a limit may pass it by one batch. */
static void judge(struct value_ids *ids, const struct sluice_column *column)
{
    ids->row_count += (uint64_t)column->length;
    bool is_rare = !column->codes && ids->entry_count >= JUDGED_VALUES &&
                   ids->row_count / LEAST_ROWS < ids->entry_count;
    if (ids->limit_bytes && (is_rare || held_bytes(ids) > ids->limit_bytes))
        ids->is_closed = true;
}

static enum sluice_status find_or_add(struct value_ids *ids, struct sluice_string value,
                                      uint32_t *id, struct sluice_error *error)
{
    /* Folded, because an exchange has fixed some bits of the hash for all values of this lane. */
    uint64_t whole = sluice_hash_bytes(ids->host, value.bytes, value.size);
    uint32_t hash = (uint32_t)(whole ^ whole >> 32);
    if (ids->entry_count == ids->entry_capacity && !ids->is_closed) {
        enum sluice_status status = grow_table(ids, error);
        if (status != SLUICE_OK)
            return status;
    }
    uint32_t at = hash & ids->slot_mask;
    for (; ids->slots[at].id; at = (at + 1) & ids->slot_mask) {
        if (ids->slots[at].hash != hash)
            continue;
        const struct value_entry *entry = &ids->entries[ids->slots[at].id - 1];
        if (entry->size == value.size && !memcmp(entry->bytes, value.bytes, value.size)) {
            *id = ids->slots[at].id;
            return SLUICE_OK;
        }
    }
    if (ids->is_closed) {
        *id = VALUE_WITHOUT_ID;
        return SLUICE_OK;
    }
    enum sluice_status status = add_value(ids, value, &ids->slots[at], hash, error);
    *id = ids->slots[at].id;
    return status;
}

/* Keeps the column's dictionary alive by a batch of one row, if that works; see value_ids.pin. */
static enum sluice_status pin_dictionary(struct value_ids *ids, const struct sluice_batch *batch,
                                         int index, struct sluice_error *error)
{
    sluice_batch_release(ids->host, ids->pin);
    ids->pin = NULL;
    const int32_t first = 0;
    enum sluice_status status = sluice_batch_take(ids->host, batch, &first, 1, &ids->pin, error);
    if (status != SLUICE_OK)
        return status;
    struct sluice_column pinned;
    sluice_batch_column(ids->host, ids->pin, index, &pinned);
    if (!pinned.codes || pinned.offsets != ids->dictionary) {
        sluice_batch_release(ids->host, ids->pin);
        ids->pin = NULL;
    }
    return SLUICE_OK;
}

/* Makes ids->remap fit the column's dictionary. */
static enum sluice_status prepare_remap(struct value_ids *ids, const struct sluice_batch *batch,
                                        int index, const struct sluice_column *column,
                                        struct sluice_error *error)
{
    if (ids->dictionary != column->offsets || !ids->pin) {
        ids->dictionary = column->offsets;
        ids->remap_length = 0;
        enum sluice_status status = pin_dictionary(ids, batch, index, error);
        if (status != SLUICE_OK)
            return status;
    }
    int64_t length = column->dictionary_length;
    if (length > ids->remap_capacity) {
        int64_t capacity = length + length / 2 + 64;
        uint32_t *remap = sluice_resize(ids->host, ids->remap, (size_t)capacity * sizeof(*remap));
        if (!remap)
            return fail_over_budget(ids->host, error, "the codes of a dictionary");
        ids->remap = remap;
        ids->remap_capacity = capacity;
    }
    if (length > ids->remap_length) {
        memset(ids->remap + ids->remap_length, 0,
               (size_t)(length - ids->remap_length) * sizeof(*ids->remap));
        ids->remap_length = length;
    }
    return SLUICE_OK;
}

static enum sluice_status map_codes(struct value_ids *ids, const struct sluice_column *column,
                                    uint32_t *ids_by_row, struct sluice_error *error)
{
    const int32_t *codes = column->codes;
    for (int64_t row = 0; row < column->length; row++) {
        if (column->null_count && sluice_column_is_null(column, row)) {
            ids_by_row[row] = 0;
            continue;
        }
        uint32_t *id = &ids->remap[codes[row]];
        if (!*id) {
            enum sluice_status status =
                find_or_add(ids, sluice_column_string(column, row), id, error);
            if (status != SLUICE_OK)
                return status;
        }
        ids_by_row[row] = *id;
    }
    return SLUICE_OK;
}

/* The eight bytes that stand for a value of fixed width. */
static uint64_t fixed_word(const struct sluice_column *column, int64_t row)
{
    if (column->type == SLUICE_TYPE_BOOL)
        return sluice_column_bool(column, row);
    if (column->type != SLUICE_TYPE_FLOAT64)
        return (uint64_t)sluice_column_int64(column, row);
    double number = sluice_column_float64(column, row);
    if (number == 0.0)
        number = 0.0;
    if (number != number)
        number = __builtin_nan("");
    uint64_t word;
    memcpy(&word, &number, sizeof(word));
    return word;
}

struct sluice_string column_value(const struct sluice_column *column, int64_t row, uint64_t *word)
{
    if (column->type == SLUICE_TYPE_STRING || column->type == SLUICE_TYPE_BINARY)
        return sluice_column_string(column, row);
    *word = fixed_word(column, row);
    return (struct sluice_string){(const char *)word, sizeof(*word)};
}

static enum sluice_status map_values(struct value_ids *ids, const struct sluice_column *column,
                                     uint32_t *ids_by_row, struct sluice_error *error)
{
    for (int64_t row = 0; row < column->length; row++) {
        ids_by_row[row] = 0;
        if (column->null_count && sluice_column_is_null(column, row))
            continue;
        if (ids->is_closed) {
            ids_by_row[row] = VALUE_WITHOUT_ID; /* it may have one: looking would cost more */
            continue;
        }
        uint64_t word;
        struct sluice_string value = column_value(column, row, &word);
        enum sluice_status status = find_or_add(ids, value, &ids_by_row[row], error);
        if (status != SLUICE_OK)
            return status;
    }
    return SLUICE_OK;
}

enum sluice_status value_ids_map(struct value_ids *ids, const struct sluice_batch *batch, int index,
                                 uint32_t *ids_by_row, struct sluice_error *error)
{
    struct sluice_column column;
    sluice_batch_column(ids->host, batch, index, &column);
    judge(ids, &column);
    if (!column.codes || !column.length)
        return map_values(ids, &column, ids_by_row, error);
    enum sluice_status status = prepare_remap(ids, batch, index, &column, error);
    if (status != SLUICE_OK)
        return status;
    return map_codes(ids, &column, ids_by_row, error);
}
