/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of an object → decompressor → decoder → batches. Damaged compressed bytes end the object:
 * the rows before stand, the rest is one entry in the dead letter. */
#include "source.h"

#include <string.h>

#define ROOM ((size_t)1 << 20)
/* Enough to tell one compression from another. */
#define HEAD_SIZE 8

static enum sluice_status no_memory(const struct object_rows *rows, struct sluice_error *error)
{
    return sluice_fail(rows->host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                       "no memory to read objects: raise settings.memory or lower `fetches`");
}

enum sluice_status object_rows_create(struct object_rows *rows, const struct sluice_host *host,
                                      const struct source_options *options,
                                      struct sluice_error *error)
{
    *rows = (struct object_rows){.host = host};
    return sluice_decoder_create(host, options->format, options->schema, sluice_output_schema(host),
                                 &rows->decoder, error);
}

void object_rows_destroy(struct object_rows *rows)
{
    if (rows->host) {
        sluice_decoder_destroy(rows->host, rows->decoder);
        decompressor_destroy(rows->decompressor);
        sluice_buffer_free(rows->host, &rows->raw);
        sluice_buffer_free(rows->host, &rows->plain);
    }
}

enum sluice_status object_rows_begin(struct object_rows *rows, const char *key,
                                     enum compression compression, struct sluice_error *error)
{
    decompressor_destroy(rows->decompressor);
    rows->decompressor = NULL;
    rows->compression = compression;
    rows->raw.size = rows->raw_at = 0;
    rows->plain.size = rows->plain_at = 0;
    rows->is_raw_ended = rows->is_plain_ended = rows->is_damaged = false;
    rows->key = key;
    return sluice_decoder_begin(rows->host, rows->decoder, key, error);
}

/* Moves what is not used yet to the front. */
static void compact(struct sluice_buffer *buffer, size_t *at)
{
    if (*at > 0) {
        memmove(buffer->data, buffer->data + *at, buffer->size - *at);
        buffer->size -= *at;
        *at = 0;
    }
}

struct sluice_buffer *object_rows_room(struct object_rows *rows)
{
    if (rows->compression == COMPRESSION_NONE) {
        compact(&rows->plain, &rows->plain_at);
        return &rows->plain;
    }
    compact(&rows->raw, &rows->raw_at);
    return &rows->raw;
}

void object_rows_fetched(struct object_rows *rows, bool is_end)
{
    rows->is_raw_ended = is_end;
    if (rows->compression == COMPRESSION_NONE) {
        rows->is_plain_ended = is_end;
    }
}

/* ---- decompression ---- */

static enum sluice_status choose_compression(struct object_rows *rows, struct sluice_error *error)
{
    if (rows->compression == COMPRESSION_AUTO) {
        if (rows->raw.size < HEAD_SIZE && !rows->is_raw_ended) {
            return SLUICE_AGAIN;
        }
        rows->compression = compression_detect(rows->key, rows->raw.data, rows->raw.size);
    }
    if (rows->compression == COMPRESSION_NONE) {
        struct sluice_buffer fetched = rows->raw;
        rows->raw = rows->plain;
        rows->plain = fetched;
        rows->raw.size = 0;
        rows->is_plain_ended = rows->is_raw_ended;
        return SLUICE_OK;
    }
    return decompressor_create(rows->host, rows->compression, &rows->decompressor, error);
}

/* What was decompressed before the damage is still decoded, as far as it is whole records. */
static enum sluice_status reject_rest(struct object_rows *rows, struct sluice_error *error)
{
    const struct sluice_rejected rejected = {
        .original = "", .origin_name = rows->key, .position = -1};
    rows->is_raw_ended = true;
    rows->is_damaged = true;
    rows->raw.size = rows->raw_at = 0;
    sluice_error_at(rows->host, error, SLUICE_AT_OBJECT, "%s", rows->key);
    return sluice_reject(rows->host, &rejected, error);
}

/* OK: there is more in plain, or it has ended. */
static enum sluice_status decompress(struct object_rows *rows, struct sluice_error *error)
{
    if (!rows->decompressor) {
        enum sluice_status status = choose_compression(rows, error);
        if (status != SLUICE_OK || rows->compression == COMPRESSION_NONE) {
            return status;
        }
    }
    compact(&rows->plain, &rows->plain_at);
    size_t before = rows->plain.size;
    size_t consumed = 0;
    enum sluice_status status =
        decompressor_read(rows->decompressor, rows->raw.data + rows->raw_at,
                          rows->raw.size - rows->raw_at, &consumed, ROOM, &rows->plain, error);
    rows->raw_at += consumed;
    bool has_moved = consumed > 0 || rows->plain.size > before;
    if (status == SLUICE_OK && !has_moved && rows->is_raw_ended) {
        status = decompressor_end(rows->decompressor, error);
        rows->is_plain_ended = status == SLUICE_OK;
        has_moved = true;
    }
    if (status == SLUICE_REJECT) {
        return reject_rest(rows, error);
    }
    return status == SLUICE_OK && !has_moved ? SLUICE_AGAIN : status;
}

/* ---- rows ---- */

static enum sluice_status decode(struct object_rows *rows, bool *has_moved,
                                 struct sluice_batch **batch, struct sluice_error *error)
{
    if (!rows->plain.data && sluice_buffer_reserve(rows->host, &rows->plain, ROOM) != SLUICE_OK) {
        return no_memory(rows, error);
    }
    size_t consumed = 0;
    enum sluice_status status = sluice_decoder_decode(
        rows->host, rows->decoder, rows->plain.data + rows->plain_at,
        rows->plain.size - rows->plain_at, rows->is_plain_ended, &consumed, batch, error);
    rows->plain_at += consumed;
    *has_moved = consumed > 0 || *batch;
    return status;
}

/* Gets more for the decoder once it made all it could of what is there. */
static enum sluice_status refill(struct object_rows *rows, struct sluice_error *error)
{
    if (rows->is_plain_ended) {
        return SLUICE_END;
    }
    if (rows->is_damaged) {
        rows->plain.size = rows->plain_at;
        rows->is_plain_ended = true;
        return SLUICE_OK;
    }
    return rows->compression == COMPRESSION_NONE ? SLUICE_AGAIN : decompress(rows, error);
}

enum sluice_status object_rows_next(struct object_rows *rows, struct sluice_batch **batch,
                                    struct sluice_error *error)
{
    *batch = NULL;
    enum sluice_status status = SLUICE_OK;
    while (status == SLUICE_OK && !*batch) {
        bool has_moved = false;
        if (rows->plain.size > rows->plain_at || rows->is_plain_ended) {
            status = decode(rows, &has_moved, batch, error);
        }
        bool may_move = rows->plain.size > rows->plain_at || rows->is_plain_ended;
        if (status == SLUICE_OK && !(has_moved && may_move)) {
            status = refill(rows, error);
        }
    }
    return status;
}
