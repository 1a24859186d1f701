/* SPDX-License-Identifier: Apache-2.0 */
/* Private to room data: a builder and its columns (builder.c: values and rows, builder_finish.c:
 * rows to a batch).
 *
 * While a column grows, validity and booleans take a byte a row; they become bitmaps at finish.
 * All validity bytes that no null was written to are 1, also those not yet used, so that an
 * append of a value need not touch them. */
#ifndef SLUICE_DATA_BUILDER_H
#define SLUICE_DATA_BUILDER_H

#include "data/batch.h"

struct builder_column {
    enum sluice_type type;
    struct sluice_dictionary *dictionary; /* NULL: plain */
    int64_t count;                        /* values, those of the incomplete row included */
    int64_t capacity;
    int64_t null_count;
    union {
        int64_t *ints;
        double *floats;
        uint8_t *bools;
        int32_t *codes;
        int32_t *offsets; /* plain strings: capacity + 1, offsets[0] is 0 */
        void *values;
    };
    char *bytes;
    size_t bytes_size;
    size_t bytes_capacity;
    uint8_t *validity;
    int64_t validity_capacity;
    int64_t expected_rows; /* of the next batch, by the last one */
    size_t expected_bytes;
};

/* Names of origins of the batch in the making, and runs that refer to them. */
struct origin_run {
    int64_t first_row;
    size_t name;
    int32_t partition;
};

struct sluice_builder {
    struct account *account;
    struct schema_object *schema;
    enum sluice_code failure; /* the batch in the making is lost; until finish */
    int64_t rows;
    bool has_raw; /* raw commits may be ahead of the rows */
    int64_t *positions;
    int64_t positions_capacity;
    char **names;
    size_t name_count;
    struct origin_run *runs;
    size_t run_count;
    size_t run_capacity;
    size_t column_count;
    struct builder_column columns[];
};

enum sluice_status builder_fail(struct sluice_builder *builder, enum sluice_code code);
/* Room for `rows` more values and `bytes` more bytes. */
enum sluice_status column_reserve(struct sluice_builder *builder, struct builder_column *column,
                                  int64_t rows, size_t bytes);
/* From codes to plain strings, for good: the dictionary is full. */
enum sluice_status column_make_plain(struct sluice_builder *builder, struct builder_column *column);
/* Position of the row that is being closed. */
enum sluice_status builder_note_position(struct sluice_builder *builder, int64_t position);
void builder_clear_origins(struct sluice_builder *builder, bool keep_last);
/* Empties the columns for the next batch; buffers that were not moved away are kept. */
void builder_clear(struct sluice_builder *builder);

/* Bytes of one row in column->values; strings plain: one offset. */
static inline size_t value_width(const struct builder_column *column)
{
    if (column->type == SLUICE_TYPE_BOOL) {
        return 1;
    }
    return is_string_type(column->type) ? sizeof(int32_t) : sizeof(int64_t);
}

#endif
