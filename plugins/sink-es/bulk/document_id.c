/* SPDX-License-Identifier: Apache-2.0 */
/* Values to document ids. */
#include "bulk/document_id.h"

#include <string.h>
#include <xxhash.h>

static void write_hex(XXH128_hash_t hash, char id[DOCUMENT_ID_DIGITS])
{
    static const char digits[] = "0123456789abcdef";
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, hash);
    for (size_t i = 0; i < sizeof(canonical.digest); i++) {
        id[2 * i] = digits[canonical.digest[i] >> 4];
        id[2 * i + 1] = digits[canonical.digest[i] & 15];
    }
}

static void write_length(char *at, uint64_t length)
{
    for (int i = 0; i < 8; i++) {
        at[i] = (char)(length >> (8 * i));
    }
}

static enum sluice_status append_value(const struct sluice_host *host,
                                       const struct sluice_column *column, int64_t row,
                                       struct sluice_buffer *scratch)
{
    bool is_null = sluice_column_is_null(column, row);
    if (sluice_buffer_reserve(host, scratch, 9) != SLUICE_OK) {
        return SLUICE_FATAL;
    }
    scratch->data[scratch->size++] = is_null ? 0 : 1;
    if (is_null) {
        return SLUICE_OK;
    }
    size_t length_at = scratch->size;
    scratch->size += 8;
    if (column->type == SLUICE_TYPE_STRING || column->type == SLUICE_TYPE_BINARY) {
        struct sluice_string string = sluice_column_string(column, row);
        if (sluice_buffer_reserve(host, scratch, string.size) != SLUICE_OK) {
            return SLUICE_FATAL;
        }
        if (string.size > 0) {
            memcpy(scratch->data + scratch->size, string.bytes, string.size);
        }
        scratch->size += string.size;
    } else if (sluice_format_value(host, column, row, scratch) != SLUICE_OK) {
        return SLUICE_FATAL;
    }
    write_length(scratch->data + length_at, scratch->size - length_at - 8);
    return SLUICE_OK;
}

enum sluice_status document_id_hash(const struct sluice_host *host,
                                    const struct sluice_column *columns, size_t column_count,
                                    int64_t row, struct sluice_buffer *scratch,
                                    char id[DOCUMENT_ID_DIGITS])
{
    scratch->size = 0;
    for (size_t i = 0; i < column_count; i++) {
        enum sluice_status status = append_value(host, &columns[i], row, scratch);
        if (status != SLUICE_OK) {
            return status;
        }
    }
    document_id_shorten(scratch->data, scratch->size, id);
    return SLUICE_OK;
}

void document_id_shorten(const char *bytes, size_t size, char id[DOCUMENT_ID_DIGITS])
{
    write_hex(XXH3_128bits(bytes, size), id);
}

struct document_key document_key(struct sluice_string index, struct sluice_string id)
{
    XXH64_hash_t seed = index.size ? XXH3_64bits(index.bytes, index.size) : 0;
    XXH128_hash_t hash = XXH3_128bits_withSeed(id.bytes, id.size, seed);
    return (struct document_key){hash.low64, hash.high64};
}
