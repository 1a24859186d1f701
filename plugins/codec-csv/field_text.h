/* SPDX-License-Identifier: Apache-2.0 */
/* Fields as RFC 4180 writes them: in quotes where they hold a delimiter, a quote or a line end, and
 * where they are empty, which would be null without. */
#ifndef SLUICE_CODEC_CSV_FIELD_TEXT_H
#define SLUICE_CODEC_CSV_FIELD_TEXT_H

#include "records/byte_block.h"

#include <sluice/types.h>

struct csv_marks {
    char delimiter;
    char quote;
};

/* Room that csv_put_field needs: every byte doubled, the quotes, and a block beyond. */
static inline size_t csv_field_room(size_t size)
{
    return size * 2 + 2 + BLOCK;
}

/* Writes the field to `to` and returns where it ends; bytes behind that are overwritten, too,
 * within the room. `is_padded` is that of the field's column. `is_quoted` is whether it will need
 * quotes, as far as the caller can guess, and then whether it did: a wrong guess costs a move. */
char *csv_put_field(char *to, struct sluice_string field, bool is_padded, struct csv_marks marks,
                    bool *is_quoted);

#endif
