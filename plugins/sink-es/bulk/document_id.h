/* SPDX-License-Identifier: Apache-2.0 */
/* Document ids from values: the same values give the same id in every release. */
#ifndef SLUICE_SINK_ES_DOCUMENT_ID_H
#define SLUICE_SINK_ES_DOCUMENT_ID_H

#include <sluice/service.h>

#define DOCUMENT_ID_DIGITS 32

/* XXH128 in hexadecimal of, for each column in turn: one byte 0 (null) or 1 (value), and for a
 * value the 8-byte little-endian length of its text and the text itself. Text of a value: strings
 * and binary as they are, all else as the formats write it. `scratch` is emptied and used. */
enum sluice_status document_id_hash(const struct sluice_host *host,
                                    const struct sluice_column *columns, size_t column_count,
                                    int64_t row, struct sluice_buffer *scratch,
                                    char id[DOCUMENT_ID_DIGITS]);

/* XXH128 of the bytes in hexadecimal: for a given id that is too long for a server. */
void document_id_shorten(const char *bytes, size_t size, char id[DOCUMENT_ID_DIGITS]);

/* Equal for equal documents: index and id. */
struct document_key {
    uint64_t low;
    uint64_t high;
};

struct document_key document_key(struct sluice_string index, struct sluice_string id);

#endif
