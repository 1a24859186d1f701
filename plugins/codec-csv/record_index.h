/* SPDX-License-Identifier: Apache-2.0 */
/* The fast way to the cells of ordinary records. A window of the input is turned into the places
 * of its quotes and of the delimiters and line feeds outside of quotes, 64 bytes at a time; a
 * record is then read off these places without looking at what lies between them.
 *
 *     u1,"a, b",3\n        places:  , " " , \n
 *
 * A record that is not ordinary (quotes doubled or misplaced, not the expected number of cells, not
 * ended in the window) is left to csv_split(), which alone decides what is wrong with it. */
#ifndef SLUICE_CODEC_CSV_RECORD_INDEX_H
#define SLUICE_CODEC_CSV_RECORD_INDEX_H

#include "split.h"

enum { CSV_INDEX_WINDOW = 8 * 1024 };

struct csv_index {
    const char *window;
    const char *window_end;
    const char *record; /* the next one; NULL: nothing is indexed */
    size_t window_limit;
    size_t count;
    size_t next;
    bool is_suspicious;       /* there are NUL bytes, or bytes that are not UTF-8 */
    bool has_quoted_line_end; /* line feeds within quotes have to be counted */
    uint16_t places[CSV_INDEX_WINDOW];
};

/* Forgets the input: call before bytes that were not there at the last call. */
void csv_index_begin(struct csv_index *index);

/* The record at bytes[0 .. size), which SLUICE_PADDING readable bytes follow, into the splitter's
 * cells: as csv_split() does it, or false. True only with exactly `cell_count` cells (at least one)
 * and a line end. */
bool csv_index_record(struct csv_index *index, struct csv_splitter *splitter, const char *bytes,
                      size_t size, size_t cell_count, size_t *used);

#endif
