/* SPDX-License-Identifier: Apache-2.0 */
/* Which cell of a record belongs to which declared field: by the names of a header record, or by
 * position. */
#ifndef SLUICE_CODEC_CSV_HEADER_H
#define SLUICE_CODEC_CSV_HEADER_H

#include "split.h"

enum { CSV_NO_CELL = -1 };

struct csv_layout {
    const struct sluice_host *host;
    const struct sluice_schema *declared;
    size_t cell_count; /* every record has that many */
    int *cells;        /* by declared field: its cell, or CSV_NO_CELL */
    int missing;       /* a required field that no column is named for, or -1 */
    int twice;         /* a field that two columns are named for, or -1 */
};

enum sluice_status csv_layout_init(struct csv_layout *layout, const struct sluice_host *host,
                                   const struct sluice_schema *declared,
                                   struct sluice_error *error);
void csv_layout_reset(struct csv_layout *layout);

void csv_layout_by_position(struct csv_layout *layout);
/* From the header record in the splitter. `scratch` has room for its longest cell. */
void csv_layout_by_header(struct csv_layout *layout, const struct csv_splitter *header,
                          char *scratch);
/* REJECT csv_columns where records under this header cannot be read at all. */
enum sluice_status csv_layout_check(const struct csv_layout *layout, struct sluice_error *error);

#endif
