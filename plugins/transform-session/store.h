/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the row store: row_store.c takes rows in, row_spill.c moves them to disk and back,
 * row_runs.c brings the rows of a key together. */
#ifndef SLUICE_SESSION_STORE_H
#define SLUICE_SESSION_STORE_H

#include "session.h"

struct row_chunk {
    struct row_chunk *next; /* the one before it in time */
    size_t row_count;
    char rows[];
};

/* Rows of a partition that were moved to disk together, and behind them their heap. */
struct row_extent {
    int64_t offset;
    size_t row_count;
    size_t heap_size;
};

struct row_partition {
    struct row_chunk *chunks; /* newest first */
    size_t chunk_rows;        /* room in the newest */
    size_t row_count;         /* in chunks */
    struct byte_heap heap;    /* of the rows in chunks */
    size_t held_bytes;        /* chunks and heap */
    struct row_extent *extents;
    size_t extent_count;
    size_t spilled_rows;
};

/* A partition whose rows are being sorted. */
struct taken_rows {
    char *rows;
    char *spare;
    size_t row_count;
    uint32_t *ends;
    uint32_t *keys;
    struct byte_heap heap;
};

struct row_store {
    const struct sluice_host *host;
    struct row_layout *layout;
    int level; /* which bits of a key's hash choose the partition */
    size_t held_bytes;
    bool has_spilled;
    struct spill_file *file;
    struct row_partition partitions[PARTITION_COUNT];

    /* One batch: keys, hashes and ids, and where each of its rows goes (NULL: rejected). */
    size_t batch_rows;
    uint32_t *keys;
    uint64_t *hashes;
    uint32_t *ids;
    char **places;
    struct row_partition **homes;

    struct taken_rows taken;
};

char *store_place_row(struct row_store *store, struct row_partition *partition);
bool store_keep_value(struct row_store *store, struct row_partition *partition,
                      struct sluice_string value, uint32_t *place);
struct row_partition *store_partition_of(struct row_store *store, uint64_t hash);
void store_free_chunks(struct row_store *store, struct row_partition *partition);
void store_drop_taken(struct row_store *store);

/* Brings all rows of a partition into chunks and one heap. AGAIN without memory for it. */
enum sluice_status store_load(struct row_store *store, struct row_partition *partition,
                              struct sluice_error *error);

#endif
