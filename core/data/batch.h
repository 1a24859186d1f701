/* SPDX-License-Identifier: Apache-2.0 */
/* Private to room data: what a batch is made of.
 *
 *     batch ─▶ schema_object      counted copy of the schema
 *           ─▶ origins ─▶ names   positions a row, runs of equal origin
 *           ─▶ column[] ─▶ storage (buffers, or a foreign array)
 *                       ─▶ storage of the dictionary
 *
 * Invariant of a column's view: its pointers are moved to row 0, bitmaps start at bit_offset, and
 * pointer − bit_offset elements is the start of the buffer. So an export needs no copy. */
#ifndef SLUICE_DATA_BATCH_H
#define SLUICE_DATA_BATCH_H

#include "data/data.h"

/* Counted owner of memory that columns point into. First member of what it owns. */
struct storage {
    atomic_int references;
    int64_t bytes;
    void (*destroy)(struct storage *storage);
};

static inline void storage_init(struct storage *storage, int64_t bytes,
                                void (*destroy)(struct storage *))
{
    atomic_init(&storage->references, 1);
    storage->bytes = bytes;
    storage->destroy = destroy;
}

/* NULL is allowed, as in release. */
static inline struct storage *storage_retain(struct storage *storage)
{
    if (storage) {
        atomic_fetch_add_explicit(&storage->references, 1, memory_order_relaxed);
    }
    return storage;
}

static inline void storage_release(struct storage *storage)
{
    if (storage && atomic_fetch_sub_explicit(&storage->references, 1, memory_order_acq_rel) == 1) {
        storage->destroy(storage);
    }
}

/* Up to three counted buffers of one column. */
enum { COLUMN_BUFFERS = 3 };
struct column_storage {
    struct storage storage;
    void *buffers[COLUMN_BUFFERS];
};

/* Takes the buffers (account_alloc) over; NULL without memory, and then they stay the caller's. */
struct column_storage *column_storage_create(void *const buffers[COLUMN_BUFFERS], int64_t bytes);

struct schema_object {
    struct storage storage;
    struct sluice_schema schema;
    struct sluice_field fields[];
};

/* A counted copy, which refers to nothing of the plan: timestamps get the default time format,
 * as a batch's values are parsed already. NULL without memory. */
struct schema_object *schema_object_create(const struct sluice_schema *schema);

struct origins {
    struct storage storage;
    struct storage *names; /* owner of the strings that runs point to */
    int64_t *positions;
    size_t run_count;
    struct sluice_origin runs[];
};

/* Takes `positions` over. NULL without memory. `names` is retained. */
struct origins *origins_create(struct storage *names, int64_t *positions, int64_t rows,
                               const struct sluice_origin *runs, size_t run_count);
/* Index of the last run that starts at or before `row`, or -1. A run without a name says that the
 * origin of its rows is not known. */
int64_t origins_find(const struct origins *origins, int64_t row);
/* A block of `size` bytes for names; *bytes is where to write. */
struct storage *names_create(size_t size, char **bytes);

struct batch_column {
    struct sluice_column view;
    struct storage *storage;
    struct storage *dictionary;
};

struct sluice_batch {
    atomic_int references;
    int sender;
    int64_t rows;
    int64_t bytes;
    atomic_llong event_us; /* of the oldest event; 0: not known */
    struct schema_object *schema;
    struct origins *origins;  /* NULL: none */
    int64_t origin_first_row; /* row of `origins` that is row 0 here */
    size_t column_count;
    struct batch_column columns[];
};

/* A batch without columns, origins, bytes; retains the schema. NULL without memory. */
struct sluice_batch *batch_create(struct schema_object *schema, int64_t rows);
/* Retains both storages of `column` and puts it at `index`. */
void batch_share_column(struct sluice_batch *batch, size_t index,
                        const struct batch_column *column);
/* Sums up the storages: call when all columns are set. */
void batch_count_bytes(struct sluice_batch *batch);

/* Bits set in [first, first + count). */
int64_t count_bits(const uint8_t *bitmap, int64_t first, int64_t count);

static inline bool is_string_type(enum sluice_type type)
{
    return type == SLUICE_TYPE_STRING || type == SLUICE_TYPE_BINARY;
}

/* FATAL, with over_budget where the account says so for this size, else out_of_memory. */
enum sluice_status fail_memory(const struct account *account, size_t size,
                               struct sluice_error *error);
enum sluice_code memory_code(const struct account *account, size_t size);

/* ---- dictionary ---- */

struct sluice_dictionary {
    struct storage storage;
    const uint64_t *hashes;
    const int32_t *offsets;
    const char *bytes;
};

/* A string to be looked up among others. */
struct dictionary_query {
    uint64_t hash;
    const char *bytes;
    size_t size;
};

/* Has memory fetch what a look-up of that hash reads first. */
void dictionary_expect(const struct sluice_dictionary *dictionary, uint64_t hash);
/* dictionary_code() of many, in order. Fewer codes than `count`: the next one did not fit. */
int dictionary_codes(struct sluice_dictionary *dictionary, const struct dictionary_query *queries,
                     int count, int32_t *codes);
/* The same for up to DICTIONARY_TOGETHER strings whose hashes are not known. */
enum { DICTIONARY_TOGETHER = 64 };
int dictionary_codes_of(struct sluice_dictionary *dictionary, const struct sluice_string *strings,
                        int count, int32_t *codes);

#endif
