/* SPDX-License-Identifier: Apache-2.0 */
#include "bulk/id_set.h"

#include <string.h>

enum sluice_status id_set_init(const struct sluice_host *host, struct id_set *set, size_t limit)
{
    size_t slot_count = 16;
    while (slot_count < limit * 2) {
        slot_count *= 2;
    }
    set->slots = sluice_alloc(host, slot_count * sizeof(uint64_t));
    if (!set->slots) {
        return SLUICE_FATAL;
    }
    set->mask = slot_count - 1;
    set->count = 1; /* so that clear does its work */
    id_set_clear(set);
    return SLUICE_OK;
}

void id_set_reset(const struct sluice_host *host, struct id_set *set)
{
    sluice_free(host, set->slots);
    memset(set, 0, sizeof(*set));
}

void id_set_clear(struct id_set *set)
{
    if (set->count > 0) {
        memset(set->slots, 0, (set->mask + 1) * sizeof(uint64_t));
        set->count = 0;
    }
}

/* Slot of the hash, or the free slot where it belongs. 0 marks a free slot, so 0 counts as 1. */
static size_t find_slot(const struct id_set *set, uint64_t hash)
{
    size_t at = (size_t)hash & set->mask;
    while (set->slots[at] && set->slots[at] != hash) {
        at = (at + 1) & set->mask;
    }
    return at;
}

bool id_set_has(const struct id_set *set, uint64_t hash)
{
    return set->count > 0 && set->slots[find_slot(set, hash ? hash : 1)] != 0;
}

bool id_set_add(struct id_set *set, uint64_t hash)
{
    uint64_t stored = hash ? hash : 1;
    size_t at = find_slot(set, stored);
    if (set->slots[at]) {
        return false;
    }
    set->slots[at] = stored;
    set->count++;
    return true;
}
