/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/display/table.h"

#include <stdlib.h>
#include <string.h>

void table_add(struct table *table, const char *cell)
{
    if (table->cell_count == table->capacity) {
        size_t capacity = table->capacity > 0 ? table->capacity * 2 : 64;
        char **cells = realloc(table->cells, capacity * sizeof *cells);
        if (!cells) {
            table->has_failed = true;
            return;
        }
        table->cells = cells;
        table->capacity = capacity;
    }
    char *copy = strdup(cell ? cell : "");
    if (!copy) {
        table->has_failed = true;
        return;
    }
    table->cells[table->cell_count++] = copy;
}

size_t text_width(const char *string)
{
    size_t width = 0;
    for (const char *at = string; *at; at++) {
        width += ((unsigned char)*at & 0xC0) != 0x80;
    }
    return width;
}

static size_t column_width(const struct table *table, size_t column)
{
    size_t widest = 0;
    for (size_t at = column; at < table->cell_count; at += table->column_count) {
        size_t width = text_width(table->cells[at]);
        widest = width > widest ? width : widest;
    }
    return widest;
}

static void append_spaces(struct text *text, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        text_append_char(text, ' ');
    }
}

static bool is_rest_empty(const struct table *table, size_t cell)
{
    size_t row_end = cell - cell % table->column_count + table->column_count;
    for (size_t at = cell; at < row_end && at < table->cell_count; at++) {
        if (*table->cells[at]) {
            return false;
        }
    }
    return true;
}

static void append_cell(const struct table *table, size_t cell, size_t width, struct text *text)
{
    size_t column = cell % table->column_count;
    const char *value = table->cells[cell];
    size_t padding = width - text_width(value);
    append_spaces(text, column > 0 ? 2 : 0);
    if (table->is_number[column]) {
        append_spaces(text, padding);
        text_append(text, value);
        return;
    }
    text_append(text, value);
    if (!is_rest_empty(table, cell + 1) && column + 1 < table->column_count) {
        append_spaces(text, padding);
    }
}

void table_render(const struct table *table, const char *indent, struct text *text)
{
    if (table->has_failed) {
        text->has_failed = true;
        return;
    }
    size_t *widths = calloc(table->column_count, sizeof *widths);
    if (!widths) {
        text->has_failed = true;
        return;
    }
    for (size_t column = 0; column < table->column_count; column++) {
        widths[column] = column_width(table, column);
    }
    for (size_t cell = 0; cell < table->cell_count; cell++) {
        size_t column = cell % table->column_count;
        if (column == 0) {
            text_append(text, indent);
        }
        if (!is_rest_empty(table, cell)) {
            append_cell(table, cell, widths[column], text);
        }
        if (column + 1 == table->column_count) {
            text_append_char(text, '\n');
        }
    }
    free(widths);
}

void table_reset(struct table *table)
{
    for (size_t i = 0; i < table->cell_count; i++) {
        free(table->cells[i]);
    }
    free(table->cells);
    table->cells = NULL;
    table->cell_count = 0;
    table->capacity = 0;
}
