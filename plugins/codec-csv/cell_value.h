/* SPDX-License-Identifier: Apache-2.0 */
/* From the cells of a record to the values of the declared fields. */
#ifndef SLUICE_CODEC_CSV_CELL_VALUE_H
#define SLUICE_CODEC_CSV_CELL_VALUE_H

#include "header.h"

#include "records/record_rows.h"

/* Checks and puts all declared fields of the record in the splitter. `scratch` has room for all
 * cells. REJECT with the reason of the first that does not fit.
 *
 * An empty cell without quotes is null; only for a required string, which cannot be null, it is
 * the empty string. */
enum sluice_status put_cells(struct record_rows *rows, struct text_reader *reader,
                             const struct csv_layout *layout, const struct csv_splitter *record,
                             char *scratch, struct sluice_error *error);

#endif
