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

static enum sluice_status put_cell(struct record_rows *rows, struct text_reader *reader,
                                   size_t index, const struct csv_cell *cell,
                                   struct sluice_error *error)
{
    struct value value;
    enum sluice_status status = cell_to_value(rows, reader, index, cell, &value, error);
    return status == SLUICE_OK ? rows_put(rows, index, &value, error) : status;
}

static enum sluice_status put_absent(struct record_rows *rows, size_t index,
                                     struct sluice_error *error)
{
    struct value value;
    enum sluice_status status = rows_absent(rows, index, &value, error);
    return status == SLUICE_OK ? rows_put(rows, index, &value, error) : status;
}

enum sluice_status put_cells(struct record_rows *rows, struct text_reader *reader,
                             const struct csv_layout *layout, const struct csv_splitter *record,
                             char *scratch, struct sluice_error *error)
{
    for (size_t i = 0; i < rows->declared->field_count; i++) {
        enum sluice_status status;
        int index = layout->cells[i];
        const struct csv_cell *cell = index == CSV_NO_CELL ? NULL : &record->cells[index];
        if (!cell) {
            status = put_absent(rows, i, error);
        } else if (cell->has_doubled) {
            struct csv_cell single = {.bytes = scratch, .is_quoted = true};
            single.size = csv_undouble(cell, record->quote, scratch);
            scratch += single.size;
            status = put_cell(rows, reader, i, &single, error);
        } else if (cell->size > 0 &&
                   sluice_schema_field(rows->declared, i)->type == SLUICE_TYPE_STRING) {
            status = rows_put_string(rows, i, cell->bytes, cell->size, error);
        } else {
            status = put_cell(rows, reader, i, cell, error);
        }
        if (status != SLUICE_OK) {
            return status;
        }
    }
    return SLUICE_OK;
}
