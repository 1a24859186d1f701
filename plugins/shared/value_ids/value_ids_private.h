/* SPDX-License-Identifier: Apache-2.0 */
/* What the two halves of value_ids share: the table itself. */
#ifndef SLUICE_SHARED_VALUE_IDS_PRIVATE_H
#define SLUICE_SHARED_VALUE_IDS_PRIVATE_H

#include "value_ids/value_ids.h"

struct value_entry {
    const char *bytes;
    size_t size;
};

struct value_slot {
    uint32_t hash;
    uint32_t id; /* 0: free */
};

/* Copies of values, in blocks that never move. */
struct value_block {
    struct value_block *next;
    char bytes[];
};

struct value_ids {
    const struct sluice_host *host;
    enum sluice_type type;

    struct value_entry *entries; /* by id - 1 */
    uint32_t entry_count;
    uint32_t entry_capacity;
    struct value_slot *slots; /* a power of two, at most half full */
    uint32_t slot_mask;

    size_t limit_bytes; /* 0: none */
    size_t held_bytes;  /* of blocks */
    uint64_t row_count;
    bool is_closed; /* no more ids */

    struct value_block *blocks;
    size_t block_used;
    size_t block_size;

    /* ids by code of the dictionary that was last seen; 0: not looked up yet. Codes keep their
     * meaning for as long as `pin`, a batch of one row, keeps that dictionary alive; without a
     * pin only for the batch at hand. */
    const int32_t *dictionary;
    struct sluice_batch *pin;
    uint32_t *remap;
    int64_t remap_length;
    int64_t remap_capacity;
};

#endif
