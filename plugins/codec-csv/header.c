/* SPDX-License-Identifier: Apache-2.0 */
#include "header.h"

#include <string.h>

enum sluice_status csv_layout_init(struct csv_layout *layout, const struct sluice_host *host,
                                   const struct sluice_schema *declared, struct sluice_error *error)
{
    *layout = (struct csv_layout){.host = host, .declared = declared};
    layout->cells = sluice_alloc(host, (declared->field_count + 1) * sizeof *layout->cells);
    if (!layout->cells) {
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                           "no memory for the decoder of %zu fields", declared->field_count);
    }
    csv_layout_by_position(layout);
    return SLUICE_OK;
}

void csv_layout_reset(struct csv_layout *layout)
{
    if (layout->host) {
        sluice_free(layout->host, layout->cells);
    }
    *layout = (struct csv_layout){0};
}

void csv_layout_by_position(struct csv_layout *layout)
{
    layout->cell_count = layout->declared->field_count;
    layout->missing = -1;
    layout->twice = -1;
    for (size_t i = 0; i < layout->declared->field_count; i++) {
        layout->cells[i] = (int)i;
    }
}

static const char *column_name(const struct sluice_field *field)
{
    return field->path ? field->path : field->name;
}

static bool is_named(const struct csv_cell *cell, const char *name, char quote, char *scratch)
{
    const char *bytes = cell->bytes;
    size_t size = cell->size;
    if (cell->has_doubled) {
        size = csv_undouble(cell, quote, scratch);
        bytes = scratch;
    }
    return size == strlen(name) && memcmp(bytes, name, size) == 0;
}

void csv_layout_by_header(struct csv_layout *layout, const struct csv_splitter *header,
                          char *scratch)
{
    csv_layout_by_position(layout);
    layout->cell_count = header->cell_count;
    for (size_t i = 0; i < layout->declared->field_count; i++) {
        const struct sluice_field *field = sluice_schema_field(layout->declared, i);
        layout->cells[i] = CSV_NO_CELL;
        for (size_t cell = 0; cell < header->kept_count; cell++) {
            if (!is_named(&header->cells[cell], column_name(field), header->quote, scratch)) {
                continue;
            }
            if (layout->cells[i] != CSV_NO_CELL) {
                layout->twice = (int)i;
            }
            layout->cells[i] = (int)cell;
        }
        bool is_needed = field->is_required && !field->default_text;
        if (layout->cells[i] == CSV_NO_CELL && is_needed && layout->missing < 0) {
            layout->missing = (int)i;
        }
    }
}

enum sluice_status csv_layout_check(const struct csv_layout *layout, struct sluice_error *error)
{
    if (layout->missing < 0 && layout->twice < 0) {
        return SLUICE_OK;
    }
    size_t index = (size_t)(layout->missing >= 0 ? layout->missing : layout->twice);
    const struct sluice_field *field = sluice_schema_field(layout->declared, index);
    sluice_fail(layout->host, error, SLUICE_REJECT, SLUICE_CODE_CSV_COLUMNS,
                layout->missing >= 0 ? "the header has no column `%s`"
                                     : "the header has the column `%s` twice",
                column_name(field));
    sluice_error_at(layout->host, error, SLUICE_AT_COLUMN, "%s", field->name);
    return SLUICE_REJECT;
}
