/* SPDX-License-Identifier: Apache-2.0 */
/* Groups the rows of a batch by the text that the partition template gives each of them. */
#include "sink.h"

#include <string.h>

#define NO_GROUP (-1)

void row_groups_init(struct row_groups *groups, const struct sluice_host *host)
{
    *groups = (struct row_groups){.host = host};
    counted_init(&groups->names, host);
}

void row_groups_free(struct row_groups *groups)
{
    counted_free(&groups->names);
    sluice_free(groups->host, groups->groups);
    sluice_free(groups->host, groups->slots);
    sluice_free(groups->host, groups->group_of_row);
    sluice_free(groups->host, groups->rows);
    row_groups_init(groups, groups->host);
}

static enum sluice_status no_memory(const struct row_groups *groups, struct sluice_error *error)
{
    return sluice_fail(groups->host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                       "no memory to sort rows into partitions: raise settings.memory");
}

static bool reserve_rows(struct row_groups *groups, int64_t count)
{
    if (count <= groups->row_capacity) {
        return true;
    }
    size_t size = (size_t)count * sizeof(int32_t);
    int32_t *group_of_row = sluice_resize(groups->host, groups->group_of_row, size);
    if (group_of_row) {
        groups->group_of_row = group_of_row;
    }
    int32_t *rows = sluice_resize(groups->host, groups->rows, size);
    if (rows) {
        groups->rows = rows;
    }
    if (!group_of_row || !rows) {
        return false;
    }
    groups->row_capacity = count;
    return true;
}

static bool grow_slots(struct row_groups *groups)
{
    size_t count = groups->slot_count > 0 ? groups->slot_count * 2 : 64;
    int32_t *slots = sluice_alloc(groups->host, count * sizeof *slots);
    if (!slots) {
        return false;
    }
    memset(slots, 0, count * sizeof *slots);
    for (size_t i = 0; i < groups->count; i++) {
        size_t slot = groups->groups[i].hash & (count - 1);
        while (slots[slot] != 0) {
            slot = (slot + 1) & (count - 1);
        }
        slots[slot] = (int32_t)i + 1;
    }
    sluice_free(groups->host, groups->slots);
    groups->slots = slots;
    groups->slot_count = count;
    return true;
}

static bool push_group(struct row_groups *groups, size_t name, uint64_t hash)
{
    if (groups->count == groups->capacity) {
        size_t capacity = groups->capacity > 0 ? groups->capacity * 2 : 16;
        void *grown =
            sluice_resize(groups->host, groups->groups, capacity * sizeof *groups->groups);
        if (!grown) {
            return false;
        }
        groups->groups = grown;
        groups->capacity = capacity;
    }
    groups->groups[groups->count++] = (struct row_group){.name = name, .hash = hash};
    return true;
}

static bool is_group(const struct row_groups *groups, int32_t group, const char *name, size_t size)
{
    const char *other = counted_get(&groups->names) + groups->groups[group].name;
    return memcmp(other, name, size) == 0 && other[size] == '\0';
}

/* The text of the row stands at `name`, at the end of names; it stays there for a new group. */
static int32_t find_group(struct row_groups *groups, size_t name, int32_t previous)
{
    size_t size = groups->names.buffer.size - name - 1;
    const char *text = counted_get(&groups->names) + name;
    if (previous != NO_GROUP && is_group(groups, previous, text, size)) {
        groups->names.buffer.size = name;
        return previous;
    }
    if ((groups->count + 1) * 2 > groups->slot_count && !grow_slots(groups)) {
        return NO_GROUP;
    }
    uint64_t hash = sluice_hash_bytes(groups->host, text, size);
    size_t slot = hash & (groups->slot_count - 1);
    for (; groups->slots[slot] != 0; slot = (slot + 1) & (groups->slot_count - 1)) {
        int32_t group = groups->slots[slot] - 1;
        if (groups->groups[group].hash == hash && is_group(groups, group, text, size)) {
            groups->names.buffer.size = name;
            return group;
        }
    }
    if (!push_group(groups, name, hash)) {
        return NO_GROUP;
    }
    groups->slots[slot] = (int32_t)groups->count;
    return (int32_t)groups->count - 1;
}

static enum sluice_status render_row(struct row_groups *groups, const struct sluice_batch *batch,
                                     const struct sluice_template *partition, int64_t row,
                                     int32_t *previous, struct sluice_error *error)
{
    size_t name = groups->names.buffer.size;
    enum sluice_status status =
        sluice_template_render(groups->host, partition, batch, row, true, &groups->names.buffer);
    if (status == SLUICE_REJECT) {
        groups->names.buffer.size = name;
        groups->group_of_row[row] = NO_GROUP;
        return SLUICE_OK;
    }
    counted_add_bytes(&groups->names, "", 1);
    if (status != SLUICE_OK || groups->names.has_failed) {
        return no_memory(groups, error);
    }
    int32_t group = find_group(groups, name, *previous);
    if (group == NO_GROUP) {
        return no_memory(groups, error);
    }
    groups->group_of_row[row] = group;
    groups->groups[group].count++;
    *previous = group;
    return SLUICE_OK;
}

/* `rows` gets each group's rows behind each other, in their order. */
static void collect_rows(struct row_groups *groups, int64_t count)
{
    int32_t *next = groups->rows;
    for (size_t i = 0; i < groups->count; i++) {
        groups->groups[i].rows = next;
        next += groups->groups[i].count;
        groups->groups[i].count = 0;
    }
    for (int64_t row = 0; row < count; row++) {
        int32_t group = groups->group_of_row[row];
        if (group != NO_GROUP) {
            struct row_group *found = &groups->groups[group];
            groups->rows[(found->rows - groups->rows) + found->count++] = (int32_t)row;
        }
    }
}

enum sluice_status row_groups_fill(struct row_groups *groups, const struct sluice_batch *batch,
                                   const struct sluice_template *partition,
                                   struct sluice_error *error)
{
    int64_t count = sluice_batch_rows(groups->host, batch);
    groups->count = 0;
    counted_clear(&groups->names);
    if (groups->slots) {
        memset(groups->slots, 0, groups->slot_count * sizeof *groups->slots);
    }
    if (!reserve_rows(groups, count > 0 ? count : 1)) {
        return no_memory(groups, error);
    }
    if (!partition) {
        counted_add_bytes(&groups->names, "", 1);
        if (groups->names.has_failed || !push_group(groups, 0, 0)) {
            return no_memory(groups, error);
        }
        memset(groups->group_of_row, 0, (size_t)count * sizeof(int32_t));
        groups->groups[0].count = count;
    }
    int32_t previous = NO_GROUP;
    enum sluice_status status = SLUICE_OK;
    for (int64_t row = 0; partition && row < count && status == SLUICE_OK; row++) {
        status = render_row(groups, batch, partition, row, &previous, error);
    }
    if (status == SLUICE_OK) {
        collect_rows(groups, count);
    }
    return status;
}
