/* SPDX-License-Identifier: Apache-2.0 */
/* Private to room data: one column of a foreign array, checked. */
#ifndef SLUICE_DATA_ARROW_CHECK_H
#define SLUICE_DATA_ARROW_CHECK_H

#include "data/batch.h"

struct arrow_check {
    const struct ArrowArray *array;
    const char *name;
    int64_t first;  /* rows of the struct begin here in the column */
    int64_t length; /* rows of the struct */
    struct sluice_error *error;
    int64_t bytes; /* out: size of the buffers up to the last row */
};

/* FATAL protocol_error "the Arrow array was refused: …", naming the column (NULL: none). */
enum sluice_status refuse(struct sluice_error *error, const char *column, const char *format, ...)
    PRINTF_LIKE(3, 4);
enum sluice_status arrow_read_type(const struct ArrowSchema *schema, const char *name,
                                   enum sluice_type *type, struct sluice_error *error);
/* The view keeps no reference. */
enum sluice_status arrow_view_column(struct arrow_check *check, enum sluice_type type,
                                     struct sluice_column *view);

#endif
