/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the group table. */
#ifndef SLUICE_AGG_GROUPS_H
#define SLUICE_AGG_GROUPS_H

#include "agg.h"
#include "spill/value_place.h"

enum { PAGE_BITS = 8, PAGE_RECORDS = 1 << PAGE_BITS, MAX_HASHED = 16 };

struct group_slot {
    uint32_t hash;
    uint32_t number; /* plus 1; 0: free */
};

struct group_key {
    int input;
    struct value_ids *values;
    struct sluice_column column; /* of the batch at hand */
};

struct group_table {
    const struct sluice_host *host;
    size_t record_size;
    size_t states_offset;
    bool may_close;
    bool is_closed; /* for want of memory there are no new groups */

    struct group_slot *slots; /* a power of two, at most half full */
    uint32_t slot_mask;
    uint32_t count;
    char **pages;
    size_t page_count;
    size_t page_capacity;
    struct byte_heap heap;

    /* One batch. */
    size_t batch_rows;
    uint64_t *hashes;
    uint32_t *ids; /* column after column */
    char **records;
    int inputs[MAX_HASHED]; /* keys by which rows are hashed */

    size_t key_count;
    struct group_key keys[];
};

#endif
