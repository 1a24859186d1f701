/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes to the cells of one record. Knows quotes and line ends, not what cells mean.
 *
 * Where a record breaks the rules it ends at the next line end behind the fault; where a quote is
 * never closed, at the end of the line that the record began on. So one bad record costs no other
 * line than those that it stands on. */
#ifndef SLUICE_CODEC_CSV_SPLIT_H
#define SLUICE_CODEC_CSV_SPLIT_H

#include <sluice/service.h>

struct csv_cell {
    const char *bytes; /* between the quotes, where there are any */
    size_t size;
    bool is_quoted;
    bool has_doubled; /* quotes inside are still doubled */
};

struct csv_splitter {
    const struct sluice_host *host;
    char delimiter;
    char quote;
    struct csv_cell *cells;
    size_t cell_count; /* all of the record */
    size_t kept_count; /* of them in `cells`: at most keep_limit */
    size_t keep_limit;
    size_t capacity;
    int64_t line_feeds; /* in the record, its own end included */
    bool is_suspicious; /* there may be non-ASCII or NUL bytes in or right behind the record */
    const char *fault;  /* why it is malformed */
};

enum csv_answer {
    CSV_MORE = 0, /* the record does not end here */
    CSV_RECORD,
    CSV_BLANK, /* an empty line */
    CSV_MALFORMED,
    CSV_NO_MEMORY
};

/* The record at bytes[0 .. size), which SLUICE_PADDING readable bytes follow; with is_last it ends
 * there at the latest. *used: its size with its line end. */
enum csv_answer csv_split(struct csv_splitter *splitter, const char *bytes, size_t size,
                          bool is_last, size_t *used);
/* Room for `count` cells. False without memory. */
bool csv_splitter_reserve(struct csv_splitter *splitter, size_t count);
void csv_splitter_reset(struct csv_splitter *splitter);

/* Copies a cell with its quotes no longer doubled; returns the size. */
size_t csv_undouble(const struct csv_cell *cell, char quote, char *out);

#endif
