/* SPDX-License-Identifier: Apache-2.0 */
/* Records that a codec has cut into plain values wait here, as places in the input, until some
 * dozens of them go to the builder a column at a time. All values are checked before the first row
 * goes; a row with one that does not fit is given to the codec's general way, which says why.
 *
 *     row_block_slot() once a field → (row_block_cells(), row_block_add() a record)… → row_block_flush()
 */
#ifndef SLUICE_RECORDS_ROW_BLOCK_H
#define SLUICE_RECORDS_ROW_BLOCK_H

#include "records/record_rows.h"

enum { ROW_BLOCK = 128, ROW_BLOCK_NO_SLOT = -1 };

struct row_block {
    const struct sluice_host *host;
    struct record_rows *rows;
    struct text_reader *reader;
    /* A number as the codec reads it; NULL: as text_to_value() does. */
    bool (*to_double)(const char *bytes, size_t size, double *number);
    int *slots; /* by declared field */
    size_t slot_count;
    size_t *fields;                /* by slot: the declared field */
    struct sluice_string *cells;   /* ROW_BLOCK a slot; without bytes: null */
    int64_t *values;               /* ROW_BLOCK a slot: integers, or the bits of doubles */
    struct sluice_string *records; /* where each row was read from */
    int64_t *positions;
    int64_t first; /* rows before it are with the builder */
    int64_t count;
};

/* Puts one record into the builder, or rejects it. The statuses of a decode step. */
typedef enum sluice_status (*row_block_general)(void *user, struct sluice_string record,
                                                int64_t position, struct sluice_error *error);

/* `rows` and `reader` must outlive the block. */
enum sluice_status row_block_init(struct row_block *block, struct record_rows *rows,
                                  struct text_reader *reader, struct sluice_error *error);
void row_block_reset(struct row_block *block);

/* What of a declared field has to be told: its slot, or ROW_BLOCK_NO_SLOT for a string that nobody
 * reads. */
static inline int row_block_slot(const struct row_block *block, size_t field)
{
    return block->slots[field];
}

/* Every row has the field's default from now on, or null. False: it is required and has none. */
bool row_block_leave_out(struct row_block *block, size_t field);

/* The cells of a slot, by row. */
static inline struct sluice_string *row_block_cells(struct row_block *block, int slot)
{
    return block->cells + (size_t)slot * ROW_BLOCK;
}

static inline bool row_block_is_full(const struct row_block *block)
{
    return block->count == ROW_BLOCK;
}

/* Row block->count has all its cells. `record` must stay where it is until the flush. */
static inline void row_block_add(struct row_block *block, struct sluice_string record,
                                 int64_t position)
{
    block->records[block->count] = record;
    block->positions[block->count] = position;
    block->count++;
}

/* Gives the waiting rows to the builder, in order. */
enum sluice_status row_block_flush(struct row_block *block, row_block_general general, void *user,
                                   struct sluice_error *error);

#endif
