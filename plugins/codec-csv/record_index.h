/* SPDX-License-Identifier: Apache-2.0 */
/* The fast way to the cells of ordinary records. A window of the input is turned into the places
 * of its quotes and of the delimiters and line feeds outside of quotes, 64 bytes at a time; records
 * are then read off these places without looking at what lies between them.
 *
 *     u1,"a, b",3\n        places:  , " " , \n
 *
 * A record that is not ordinary (quotes doubled or misplaced, not the expected number of cells, an
 * empty cell where there must be a value, not text, not ended in the window) is left to
 * csv_split(), which alone decides what is wrong with it. */
#ifndef SLUICE_CODEC_CSV_RECORD_INDEX_H
#define SLUICE_CODEC_CSV_RECORD_INDEX_H

#include "header.h"
#include "places.h"

#include "records/row_block.h"

/* What becomes of a cell. */
struct csv_cell_use {
    struct sluice_string *cells; /* of its slot in the block; NULL: it is only looked over */
    bool is_text_if_empty;       /* without quotes; else it is null, */
    bool is_left_if_empty;       /* or nothing for the fast way */
};

struct csv_index {
    const struct sluice_host *host;
    csv_find_places find_places;
    struct row_block *block;
    struct csv_cell_use *uses; /* by cell */
    size_t use_capacity;
    size_t cell_count; /* of a record; 0: no record is ordinary */
    size_t max_record_bytes;
    const char *window;
    const char *record; /* the next one; NULL: nothing is known */
    size_t window_size;
    size_t window_limit; /* of the next */
    size_t next; /* place */
    struct csv_places places;
};

void csv_index_init(struct csv_index *index, struct row_block *block, char delimiter, char quote,
                    size_t max_record_bytes);
void csv_index_reset(struct csv_index *index);

/* Records have this layout from now on. False without memory. */
bool csv_index_set_layout(struct csv_index *index, const struct csv_layout *layout);

/* Forgets the input: call before bytes that were not there at the last call. */
void csv_index_begin(struct csv_index *index);

/* Puts the ordinary records that bytes[0 .. size) begins with into the block, as csv_split() would
 * cut them, as far as there is room; SLUICE_PADDING readable bytes follow. Gives their size and
 * moves *line, the number of the line at hand. */
size_t csv_index_rows(struct csv_index *index, const char *bytes, size_t size, int64_t *line);

#endif
