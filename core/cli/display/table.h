/* SPDX-License-Identifier: Apache-2.0 */
/* Text in columns, and quantities for people. Pure. */
#ifndef SLUICE_CLI_DISPLAY_TABLE_H
#define SLUICE_CLI_DISPLAY_TABLE_H

#include "base/base.h"

/* Columns are as wide as their widest cell; the last one is not padded. Cells are added row by
 * row; an empty table prints nothing. */
struct table {
    size_t column_count;
    const bool *is_number; /* by column: set right */
    size_t cell_count;
    size_t capacity;
    char **cells;
    bool has_failed;
};

/* Takes a copy. NULL is an empty cell. */
void table_add(struct table *table, const char *cell);
void table_render(const struct table *table, const char *indent, struct text *text);
void table_reset(struct table *table);

/* Characters of UTF-8 text, which we take for its width on a terminal. */
size_t text_width(const char *string);

/* "1,234,567" */
void append_count(struct text *text, uint64_t count);
/* "512 B", "3.4 MiB" */
void append_size(struct text *text, double bytes);
/* "512", "3.4 k", "1.2 M": rates */
void append_short(struct text *text, double number);
/* "340 ms", "12.3 s", "4:05", "1:02:03" */
void append_duration(struct text *text, int64_t milliseconds);

#endif
