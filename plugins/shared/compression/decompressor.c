/* SPDX-License-Identifier: Apache-2.0 */
/* gzip members or zstd frames in, plain bytes out, at most `room` a call: a bomb costs no memory.
 */
#include "compression/compression.h"

#include "counted_memory.h"

#include <limits.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum {
    GZIP_WINDOW = 15 + 16,     /* up to 32 KiB; 16 wants a gzip header */
    ZSTD_WINDOW_LOG_LIMIT = 27 /* 128 MiB: what zstd itself asks of every decoder */
};

enum place {
    BETWEEN_MEMBERS = 0, /* also before the first: the stream may end here */
    INSIDE_MEMBER,
    IN_PADDING /* zero bytes after a gzip member, as tar and tape leave them */
};

struct decompressor {
    const struct sluice_host *host;
    enum compression compression;
    enum place place;
    z_stream gzip;
    ZSTD_DCtx *zstd;
    int64_t charged_bytes;
};

static enum sluice_status fail_memory(const struct sluice_host *host, struct sluice_error *error)
{
    return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                       "no memory for the decompressor: raise settings.memory");
}

static enum sluice_status open_stream(struct decompressor *decompressor)
{
    if (decompressor->compression == COMPRESSION_GZIP) {
        count_zlib_memory(decompressor->host, &decompressor->gzip);
        return inflateInit2(&decompressor->gzip, GZIP_WINDOW) == Z_OK ? SLUICE_OK : SLUICE_FATAL;
    }
    if (decompressor->compression == COMPRESSION_ZSTD) {
        decompressor->zstd = ZSTD_createDCtx();
        if (!decompressor->zstd) {
            return SLUICE_FATAL;
        }
        ZSTD_DCtx_setParameter(decompressor->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_LIMIT);
    }
    return SLUICE_OK;
}

enum sluice_status decompressor_create(const struct sluice_host *host, enum compression compression,
                                       struct decompressor **decompressor,
                                       struct sluice_error *error)
{
    *decompressor = NULL;
    struct decompressor *opened = sluice_alloc(host, sizeof *opened);
    if (!opened) {
        return fail_memory(host, error);
    }
    memset(opened, 0, sizeof *opened);
    opened->host = host;
    opened->compression = compression;
    if (open_stream(opened) != SLUICE_OK) {
        decompressor_destroy(opened);
        return fail_memory(host, error);
    }
    *decompressor = opened;
    return SLUICE_OK;
}

static enum sluice_status fail_corrupt(const struct decompressor *decompressor, const char *reason,
                                       struct sluice_error *error)
{
    return sluice_fail(decompressor->host, error, SLUICE_REJECT, SLUICE_CODE_COMPRESSION_CORRUPT,
                       "the %s data is damaged: %s",
                       compression_read_names[decompressor->compression], reason);
}

static enum sluice_status copy_plain(const char *bytes, size_t size, size_t *consumed, size_t room,
                                     struct sluice_buffer *out)
{
    size_t taken = size < room ? size : room;
    if (taken > 0) {
        memcpy(out->data + out->size, bytes, taken);
        out->size += taken;
    }
    *consumed = taken;
    return SLUICE_OK;
}

static uInt clamp_to_uint(size_t size)
{
    return size < UINT_MAX ? (uInt)size : UINT_MAX;
}

/* Skips zero padding. What else stands behind a member must begin the next one. */
static size_t skip_padding(struct decompressor *decompressor, const char *bytes, size_t size)
{
    size_t skipped = 0;
    while (skipped < size && bytes[skipped] == 0) {
        skipped++;
    }
    if (skipped > 0) {
        decompressor->place = IN_PADDING;
    }
    return skipped;
}

static enum sluice_status inflate_some(struct decompressor *decompressor, const char *bytes,
                                       size_t size, size_t *consumed, size_t room,
                                       struct sluice_buffer *out, struct sluice_error *error)
{
    z_stream *stream = &decompressor->gzip;
    size_t used = 0;
    for (;;) {
        if (decompressor->place != INSIDE_MEMBER) {
            bool has_member = stream->total_in > 0;
            used += has_member ? skip_padding(decompressor, bytes + used, size - used) : 0;
            if (used == size) {
                break;
            }
            if (decompressor->place == IN_PADDING) {
                return fail_corrupt(decompressor, "rubbish after its end", error);
            }
            inflateReset(stream);
            decompressor->place = INSIDE_MEMBER;
        }
        uInt given = clamp_to_uint(size - used);
        uInt space = clamp_to_uint(room);
        stream->next_in = (z_const Bytef *)bytes + used;
        stream->avail_in = given;
        stream->next_out = (Bytef *)out->data + out->size;
        stream->avail_out = space;
        int answer = inflate(stream, Z_NO_FLUSH);
        used += given - stream->avail_in;
        out->size += space - stream->avail_out;
        room -= space - stream->avail_out;
        *consumed = used;
        if (answer == Z_STREAM_END) {
            decompressor->place = BETWEEN_MEMBERS;
        } else if (answer == Z_MEM_ERROR) {
            return fail_memory(decompressor->host, error);
        } else if (answer != Z_OK && answer != Z_BUF_ERROR) {
            return fail_corrupt(decompressor, stream->msg ? stream->msg : "unknown gzip header",
                                error);
        } else if (room == 0 || used == size) {
            break;
        }
    }
    *consumed = used;
    return SLUICE_OK;
}

static enum sluice_status unzstd_some(struct decompressor *decompressor, const char *bytes,
                                      size_t size, size_t *consumed, size_t room,
                                      struct sluice_buffer *out, struct sluice_error *error)
{
    ZSTD_inBuffer input = {bytes, size, 0};
    ZSTD_outBuffer output = {out->data, out->size + room, out->size};
    bool is_moving = true;
    while (is_moving && output.pos < output.size) {
        if (decompressor->place == BETWEEN_MEMBERS && input.pos == input.size) {
            break;
        }
        size_t input_before = input.pos;
        size_t output_before = output.pos;
        size_t answer = ZSTD_decompressStream(decompressor->zstd, &output, &input);
        *consumed = input.pos;
        out->size = output.pos;
        if (ZSTD_isError(answer)) {
            return fail_corrupt(decompressor, ZSTD_getErrorName(answer), error);
        }
        decompressor->place = answer == 0 ? BETWEEN_MEMBERS : INSIDE_MEMBER;
        is_moving = input.pos > input_before || output.pos > output_before;
    }
    return count_held_memory(decompressor->host, ZSTD_sizeof_DCtx(decompressor->zstd),
                             &decompressor->charged_bytes, error);
}

enum sluice_status decompressor_read(struct decompressor *decompressor, const char *bytes,
                                     size_t size, size_t *consumed, size_t room,
                                     struct sluice_buffer *out, struct sluice_error *error)
{
    *consumed = 0;
    if (sluice_buffer_reserve(decompressor->host, out, room) != SLUICE_OK) {
        return fail_memory(decompressor->host, error);
    }
    switch (decompressor->compression) {
    case COMPRESSION_GZIP:
        return inflate_some(decompressor, bytes, size, consumed, room, out, error);
    case COMPRESSION_ZSTD:
        return unzstd_some(decompressor, bytes, size, consumed, room, out, error);
    case COMPRESSION_AUTO:
    case COMPRESSION_NONE:
        break;
    }
    return copy_plain(bytes, size, consumed, room, out);
}

enum sluice_status decompressor_end(struct decompressor *decompressor, struct sluice_error *error)
{
    if (decompressor->place == INSIDE_MEMBER) {
        return fail_corrupt(decompressor, "it ends in the middle (cut off?)", error);
    }
    return SLUICE_OK;
}

void decompressor_destroy(struct decompressor *decompressor)
{
    if (!decompressor) {
        return;
    }
    if (decompressor->compression == COMPRESSION_GZIP) {
        inflateEnd(&decompressor->gzip);
    }
    ZSTD_freeDCtx(decompressor->zstd);
    sluice_charge(decompressor->host, -decompressor->charged_bytes);
    sluice_free(decompressor->host, decompressor);
}
