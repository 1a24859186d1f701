/* SPDX-License-Identifier: Apache-2.0 */
/* Private to room data: a builder and its columns (builder.c: values and rows, builder_codes.c:
 * strings to codes, builder_many.c: many values and rows at once, builder_finish.c: rows to a
 * batch).
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
    struct waiting_strings *waiting;      /* strings without a code yet; NULL: plain */
    struct recent_codes *recent;          /* of strings that come often; NULL: not worth it */
    int64_t count;                        /* values, those of the incomplete row included */
    int64_t capacity;
    int64_t null_count;
    union {
        int64_t *ints;
        double *floats;
        uint8_t *bools;
        int32_t *codes;   /* ~i: the i-th waiting string */
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
enum sluice_status column_append_plain(struct sluice_builder *builder,
                                       struct builder_column *column, const char *bytes,
                                       size_t size);

/* Codes by a cheap look at their strings: saves the hash of those that come again and again. NULL
 * over the budget or without memory. */
struct recent_codes *recent_create(struct account *account);
/* Codes of up to DICTIONARY_TOGETHER strings, none null; gives how many there are before the
 * dictionary is full. Gives `recent` up where too few strings come again. */
int column_find_codes(struct builder_column *column, const struct sluice_string *strings, int count,
                      int32_t *codes);

/* NULL over the budget or without memory. */
struct waiting_strings *waiting_create(struct account *account);
/* Appends a string whose code is found later. */
enum sluice_status column_append_code(struct sluice_builder *builder, struct builder_column *column,
                                      struct sluice_string string, uint64_t hash);
/* Every row has its code after it, or the column has become a plain one. */
enum sluice_status column_settle_codes(struct sluice_builder *builder,
                                       struct builder_column *column);
/* Forgets what waits for the rows from `rows` on. */
void column_drop_waiting(struct builder_column *column, int64_t rows);
/* The string behind a negative code. */
struct sluice_string column_waiting_string(const struct builder_column *column, int32_t code);

/* From codes to plain strings, for good: the dictionary is full. */
enum sluice_status column_make_plain(struct sluice_builder *builder, struct builder_column *column);
/* Room for the positions of `rows` rows. */
enum sluice_status builder_reserve_positions(struct sluice_builder *builder, int64_t rows);
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
