/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOURCE_KAFKA_COLUMNS_H
#define SOURCE_KAFKA_COLUMNS_H

#include "options.h"

/* Where records go. */
struct record_columns {
    const struct sluice_host *host;
    struct sluice_builder *builder;
    const int *columns;         /* by enum source_column: index in the schema, or -1 */
    struct sluice_buffer *json; /* room for the headers of a record */
};

/* Index in the schema of each column of this source; -1: the plan left it out. */
void columns_find(const struct sluice_schema *schema, int columns[COLUMN_COUNT]);
/* Appends records without error, rows and origins included. FATAL when memory is out. */
enum sluice_status columns_append(const struct record_columns *to,
                                  rd_kafka_message_t *const *records, size_t count);

#endif
