/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a stream that comes in pieces: LF or CRLF, a BOM at the start skipped, blank lines
 * skipped but counted, over-long lines told once and then skipped without being held. Keeps no
 * bytes: what is not consumed yet is given again with more behind it. */
#ifndef SLUICE_RECORDS_LINES_H
#define SLUICE_RECORDS_LINES_H

#include <sluice/types.h>

struct lines {
    size_t max_bytes; /* longest line without its end */
    int64_t line;     /* number of the line given out last, from 1; 0 before the first */
    bool is_started;  /* the place of a BOM is behind us */
    bool is_skipping; /* inside an over-long line that was told already */
};

enum lines_answer {
    LINES_MORE = 0, /* no whole line left: more input, please, or the end */
    LINES_RECORD,   /* *record is a line without its end, not blank */
    LINES_TOO_LONG  /* *record is the beginning of a line longer than max_bytes */
};

void lines_begin(struct lines *lines, size_t max_bytes);

/* Moves *at over bytes[*at .. size). With is_last the rest is a line, too. */
enum lines_answer lines_next(struct lines *lines, const char *bytes, size_t size, bool is_last,
                             size_t *at, struct sluice_string *record);

#endif
