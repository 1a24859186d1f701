/* SPDX-License-Identifier: Apache-2.0 */
/* The output side of a decoder: checked values of declared fields in, batches of the produced
 * columns and rejects out.
 *
 *     rows_begin(name) → (rows_put of every field → rows_close | rows_reject)… → rows_finish
 */
#ifndef SLUICE_RECORDS_RECORD_ROWS_H
#define SLUICE_RECORDS_RECORD_ROWS_H

#include "records/text_value.h"

#include <sluice/builder.h>

struct record_rows {
    const struct sluice_host *host;
    const struct sluice_schema *declared;
    int *columns;           /* by declared field: index of the produced column, or -1 */
    struct value *defaults; /* by declared field: what an absent one gets */
    char *default_bytes;    /* decoded binary defaults */
    struct sluice_builder *builder;
    char *name;        /* of the file or object at hand; NULL in message mode */
    int64_t row_count; /* of the batch in the making */
    size_t unweighed;  /* about the bytes put since the builder was last asked for their sum */
};

enum sluice_status rows_init(struct record_rows *rows, struct text_reader *reader,
                             const struct sluice_schema *declared,
                             const struct sluice_schema *produced, struct sluice_error *error);
void rows_reset(struct record_rows *rows);

/* The rows that follow come from this file or object. */
enum sluice_status rows_begin(struct record_rows *rows, const char *name,
                              struct sluice_error *error);

enum sluice_status rows_fail_memory(const struct record_rows *rows, struct sluice_error *error);

/* The value of declared field `index`; nothing happens where it is not produced. */
enum sluice_status rows_put(struct record_rows *rows, size_t index, const struct value *value,
                            struct sluice_error *error);

/* The same for a string. */
static inline enum sluice_status rows_put_string(struct record_rows *rows, size_t index,
                                                 const char *bytes, size_t size,
                                                 struct sluice_error *error)
{
    int column = rows->columns[index];
    rows->unweighed += size;
    if (column < 0 ||
        sluice_builder_string(rows->host, rows->builder, column, bytes, size) == SLUICE_OK) {
        return SLUICE_OK;
    }
    return rows_fail_memory(rows, error);
}

/* The row is complete; `position` is its line or offset. */
enum sluice_status rows_close(struct record_rows *rows, int64_t position,
                              struct sluice_error *error);

/* So many rows at once, whose columns were appended as a whole. */
enum sluice_status rows_close_many(struct record_rows *rows, const int64_t *positions,
                                   int64_t count, struct sluice_error *error);

/* What an absent field becomes: its default, null, or REJECT field_missing. */
enum sluice_status rows_absent(const struct record_rows *rows, size_t index, struct value *value,
                               struct sluice_error *error);
enum sluice_status rows_null(const struct record_rows *rows, size_t index, struct value *value,
                             struct sluice_error *error);

/* Drops the row in the making and sends the record, with the reason in `error`, to the dead
 * letter. The statuses of a decode step: OK, or one to be returned at once. */
enum sluice_status rows_reject(struct record_rows *rows, const char *bytes, size_t size,
                               int64_t position, struct sluice_error *error);
/* The same for row `row` of a batch of messages. */
enum sluice_status rows_reject_message(struct record_rows *rows, const struct sluice_batch *batch,
                                       int64_t row, struct sluice_string message,
                                       struct sluice_error *error);

bool rows_are_full(struct record_rows *rows);
enum sluice_status rows_finish(struct record_rows *rows, struct sluice_batch **batch,
                               struct sluice_error *error);

/* Walks the origins of a message batch: call for each row in ascending order. */
struct message_origin {
    bool is_set;
    const char *name;
    int32_t partition;
};
enum sluice_status rows_follow(struct record_rows *rows, const struct sluice_batch *batch,
                               int64_t row, struct message_origin *origin, int64_t *position,
                               struct sluice_error *error);

#endif
