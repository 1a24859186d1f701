/* SPDX-License-Identifier: Apache-2.0 */
#include "cell_value.h"

static enum sluice_status cell_to_value(struct record_rows *rows, struct text_reader *reader,
                                        size_t index, const struct csv_cell *cell,
                                        struct value *value, struct sluice_error *error)
{
    const struct sluice_field *field = sluice_schema_field(rows->declared, index);
    bool is_empty = cell->size == 0 && !cell->is_quoted;
    if (is_empty && !(field->is_required && field->type == SLUICE_TYPE_STRING)) {
        return rows_null(rows, index, value, error);
    }
    if (field->type == SLUICE_TYPE_STRING) {
        *value = (struct value){.bytes = cell->bytes, .size = cell->size};
        return SLUICE_OK;
    }
    return text_to_value(reader, field, cell->bytes, cell->size, value, error);
}

enum sluice_status put_cells(struct record_rows *rows, struct text_reader *reader,
                             const struct csv_layout *layout, const struct csv_splitter *record,
                             char *scratch, struct sluice_error *error)
{
    for (size_t i = 0; i < rows->declared->field_count; i++) {
        struct value value;
        enum sluice_status status;
        if (layout->cells[i] == CSV_NO_CELL) {
            status = rows_absent(rows, i, &value, error);
        } else {
            struct csv_cell cell = record->cells[layout->cells[i]];
            if (cell.has_doubled) {
                cell.size = csv_undouble(&cell, record->quote, scratch);
                cell.bytes = scratch;
                scratch += cell.size;
            }
            status = cell_to_value(rows, reader, i, &cell, &value, error);
        }
        if (status == SLUICE_OK) {
            status = rows_put(rows, i, &value, error);
        }
        if (status != SLUICE_OK) {
            return status;
        }
    }
    return SLUICE_OK;
}
