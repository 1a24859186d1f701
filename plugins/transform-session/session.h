/* SPDX-License-Identifier: Apache-2.0 */
/* Visits of a user, from rows in any order.
 *
 *   process: columns ─▶ places ─▶ fixed-size rows in 64 partitions by key hash (layout, row_store)
 *                                    └─ short of memory ─▶ disk ─▶ back         (row_spill)
 *   finish:  partition ─count by key─▶ runs of one key ─sort by time─▶ rows + time on page
 *                                              (row_runs, user_sort, visit_rows)
 *
 * A row is time (8 bytes), place of the key (4), then per column the place of a string (4) or a
 * value (8): 20 bytes for the DataCo flow. A place is the string's id where it repeats, else a ref
 * into the heap of its partition. Everything is counted by the host. */
#ifndef SLUICE_SESSION_H
#define SLUICE_SESSION_H

#include <sluice/plugin.h>

#include "spill/value_place.h"

struct session_options {
    const char *key;
    const char *time;
    struct sluice_strings order;
    int64_t gap_ms;
    const char *column;
};

extern const struct sluice_transform session_transform;

enum { PARTITION_COUNT = 64, TIME_OFFSET = 0, KEY_OFFSET = 8, FIRST_OFFSET = 12 };

/* ---- layout: where a column's value stands in a row ---- */

struct held_column {
    const char *name;
    enum sluice_type type;
    int input;             /* index in the input schema */
    size_t offset;         /* in the row */
    int null_bit;          /* fixed-width columns: bit in the row's null words; else -1 */
    struct value_ids *ids; /* strings: the row holds the place; else NULL */
};

struct row_layout {
    int key_input;
    int time_input;
    enum sluice_type key_type;
    struct value_ids *keys;
    const struct byte_heap *heap; /* of the rows that are being sorted */
    size_t column_count;
    struct held_column *columns; /* those compared on equal times first, in their order */
    size_t null_offset;          /* of the words of null bits */
    size_t row_size;             /* a multiple of 4 */
};

/* Columns to hold: the order columns, then whatever of the input the output still has. */
enum sluice_status layout_create(const struct sluice_host *host,
                                 const struct session_options *options, struct row_layout **layout,
                                 struct sluice_error *error);
void layout_destroy(const struct sluice_host *host, struct row_layout *layout);

/* Order of two rows of one key, taken from the store: time, order columns, then all other columns,
 * so that the answer never depends on how rows came. */
int layout_compare(const struct row_layout *layout, const char *one, const char *other);

static inline int64_t row_time(const char *row)
{
    int64_t time_us;
    __builtin_memcpy(&time_us, row + TIME_OFFSET, sizeof(time_us));
    return time_us;
}

static inline uint32_t row_id(const char *row, size_t offset)
{
    uint32_t id;
    __builtin_memcpy(&id, row + offset, sizeof(id));
    return id;
}

static inline int64_t row_word(const char *row, size_t offset)
{
    int64_t word;
    __builtin_memcpy(&word, row + offset, sizeof(word));
    return word;
}

static inline bool row_is_null(const struct row_layout *layout, const struct held_column *column,
                               const char *row)
{
    if (column->null_bit < 0)
        return !row_id(row, column->offset);
    uint32_t word = row_id(row, layout->null_offset + (size_t)column->null_bit / 32 * 4);
    return word >> (column->null_bit % 32) & 1;
}

/* ---- row store: rows by partition ---- */

struct row_store;

/* `level`: 0, or how often the rows have been divided already. */
enum sluice_status store_create(const struct sluice_host *host, struct row_layout *layout,
                                int level, struct row_store **created, struct sluice_error *error);
void store_destroy(struct row_store *store); /* NULL is allowed */
/* Takes a batch; moves what is held to disk before that, where the pipeline is short of memory. */
enum sluice_status store_add(struct row_store *store, const struct sluice_batch *batch,
                             struct sluice_error *error);
/* Moves everything to disk; always, or where memory is short. */
enum sluice_status store_spill(struct row_store *store, struct sluice_error *error);
enum sluice_status store_relieve(struct row_store *store, struct sluice_error *error);
bool store_has_spilled(const struct row_store *store);

/* Whether a partition on disk should not be brought back as a whole, and its rows as a store of
 * their own, which is the caller's; the partition is empty then. */
bool store_is_too_large(const struct row_store *store, size_t index);
enum sluice_status store_divide(struct row_store *store, size_t index, struct row_store **divided,
                                struct sluice_error *error);

/* Rows of one partition, those of a key together. */
struct key_runs {
    char *rows;           /* with the key's number in the key's place */
    char *spare;          /* room to sort the longest run */
    const uint32_t *keys; /* place of the value by number */
    size_t row_count;
    size_t run_count;
    const uint32_t *ends; /* run i, of key i, is rows ends[i - 1] .. ends[i] - 1 */
};

/* Takes the rows out of a partition, whose memory is freed. The buffers are the store's, good
 * until the next call. */
enum sluice_status store_take_partition(struct row_store *store, size_t index,
                                        struct key_runs *runs, struct sluice_error *error);

/* ---- sorting and sending ---- */

/* Sorts one key's rows; nearly sorted input costs one pass. `spare` holds as many rows. */
void sort_user_rows(const struct row_layout *layout, char *rows, char *spare, size_t count);

struct visit_rows;

enum sluice_status visit_rows_create(const struct sluice_host *host,
                                     const struct row_layout *layout,
                                     const struct session_options *options,
                                     struct visit_rows **visits, struct sluice_error *error);
void visit_rows_destroy(struct visit_rows *visits); /* NULL is allowed */
/* Appends sorted runs with their time on page; emits full batches. */
enum sluice_status visit_rows_add(struct visit_rows *visits, const struct key_runs *runs,
                                  struct sluice_error *error);
enum sluice_status visit_rows_flush(struct visit_rows *visits, struct sluice_error *error);

#endif
