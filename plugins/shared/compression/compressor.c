/* SPDX-License-Identifier: Apache-2.0 */
/* Plain bytes in, gzip members or zstd frames out. */
#include "compression/compression.h"

#include "counted_memory.h"

#include <limits.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum {
    DEFAULT_GZIP_LEVEL = 6,
    DEFAULT_ZSTD_LEVEL = 3,
    GZIP_WINDOW = 15 + 16, /* 32 KiB; 16 asks zlib for a gzip header */
    GZIP_MEMORY_LEVEL = 8,
    OUTPUT_STEP = 64 * 1024
};

struct compressor {
    const struct sluice_host *host;
    enum compression compression;
    z_stream gzip;
    ZSTD_CCtx *zstd;
    int64_t charged_bytes;
};

static enum sluice_status fail_memory(const struct sluice_host *host, struct sluice_error *error)
{
    return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                       "no memory for the compressor: raise settings.memory");
}

static enum sluice_status open_gzip(struct compressor *compressor, int level,
                                    struct sluice_error *error)
{
    const struct sluice_host *host = compressor->host;
    if (level < 0 || level > 9) {
        return sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                           "gzip has levels 1 to 9, not %d", level);
    }
    count_zlib_memory(host, &compressor->gzip);
    int answer = deflateInit2(&compressor->gzip, level ? level : DEFAULT_GZIP_LEVEL, Z_DEFLATED,
                              GZIP_WINDOW, GZIP_MEMORY_LEVEL, Z_DEFAULT_STRATEGY);
    return answer == Z_OK ? SLUICE_OK : fail_memory(host, error);
}

static enum sluice_status open_zstd(struct compressor *compressor, int level,
                                    struct sluice_error *error)
{
    const struct sluice_host *host = compressor->host;
    if (level < ZSTD_minCLevel() || level > ZSTD_maxCLevel()) {
        return sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                           "zstd has levels up to %d, not %d", ZSTD_maxCLevel(), level);
    }
    compressor->zstd = ZSTD_createCCtx();
    if (!compressor->zstd) {
        return fail_memory(host, error);
    }
    ZSTD_CCtx_setParameter(compressor->zstd, ZSTD_c_compressionLevel,
                           level ? level : DEFAULT_ZSTD_LEVEL);
    ZSTD_CCtx_setParameter(compressor->zstd, ZSTD_c_checksumFlag, 1);
    return SLUICE_OK;
}

enum sluice_status compressor_create(const struct sluice_host *host, enum compression compression,
                                     int level, struct compressor **compressor,
                                     struct sluice_error *error)
{
    *compressor = NULL;
    struct compressor *opened = sluice_alloc(host, sizeof *opened);
    if (!opened) {
        return fail_memory(host, error);
    }
    memset(opened, 0, sizeof *opened);
    opened->host = host;
    opened->compression = compression;
    enum sluice_status status = SLUICE_OK;
    if (compression == COMPRESSION_GZIP) {
        status = open_gzip(opened, level, error);
    } else if (compression == COMPRESSION_ZSTD) {
        status = open_zstd(opened, level, error);
    }
    if (status != SLUICE_OK) {
        compressor_destroy(opened);
        return status;
    }
    *compressor = opened;
    return SLUICE_OK;
}

static enum sluice_status copy_plain(struct compressor *compressor, const char *bytes, size_t size,
                                     struct sluice_buffer *out, struct sluice_error *error)
{
    if (size == 0) {
        return SLUICE_OK;
    }
    if (sluice_buffer_reserve(compressor->host, out, size) != SLUICE_OK) {
        return fail_memory(compressor->host, error);
    }
    memcpy(out->data + out->size, bytes, size);
    out->size += size;
    return SLUICE_OK;
}

static uInt clamp_to_uint(size_t size)
{
    return size < UINT_MAX ? (uInt)size : UINT_MAX;
}

/* Runs deflate until the input is used up and, with Z_FINISH, the trailer is out. */
static enum sluice_status deflate_all(struct compressor *compressor, const char *bytes, size_t size,
                                      int flush, struct sluice_buffer *out,
                                      struct sluice_error *error)
{
    z_stream *stream = &compressor->gzip;
    bool is_done = false;
    while (!is_done) {
        if (sluice_buffer_reserve(compressor->host, out, OUTPUT_STEP) != SLUICE_OK) {
            return fail_memory(compressor->host, error);
        }
        uInt taken = clamp_to_uint(size);
        uInt room = clamp_to_uint(out->capacity - out->size);
        stream->next_in = (z_const Bytef *)bytes;
        stream->avail_in = taken;
        stream->next_out = (Bytef *)out->data + out->size;
        stream->avail_out = room;
        int answer = deflate(stream, taken < size ? Z_NO_FLUSH : flush);
        bytes += taken - stream->avail_in;
        size -= taken - stream->avail_in;
        out->size += room - stream->avail_out;
        if (answer == Z_STREAM_ERROR) {
            return sluice_fail(compressor->host, error, SLUICE_FATAL, SLUICE_CODE_INTERNAL,
                               "zlib refused to compress");
        }
        is_done = flush == Z_FINISH ? answer == Z_STREAM_END : size == 0 && stream->avail_out > 0;
    }
    return SLUICE_OK;
}

static enum sluice_status zstd_all(struct compressor *compressor, const char *bytes, size_t size,
                                   ZSTD_EndDirective directive, struct sluice_buffer *out,
                                   struct sluice_error *error)
{
    const struct sluice_host *host = compressor->host;
    ZSTD_inBuffer input = {bytes, size, 0};
    bool is_done = false;
    while (!is_done) {
        if (sluice_buffer_reserve(host, out, OUTPUT_STEP) != SLUICE_OK) {
            return fail_memory(host, error);
        }
        ZSTD_outBuffer output = {out->data, out->capacity, out->size};
        size_t left = ZSTD_compressStream2(compressor->zstd, &output, &input, directive);
        out->size = output.pos;
        if (ZSTD_isError(left)) {
            return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_INTERNAL,
                               "zstd refused to compress: %s", ZSTD_getErrorName(left));
        }
        is_done = directive == ZSTD_e_end ? left == 0 : input.pos == input.size;
    }
    return count_held_memory(host, ZSTD_sizeof_CCtx(compressor->zstd), &compressor->charged_bytes,
                             error);
}

enum sluice_status compressor_write(struct compressor *compressor, const char *bytes, size_t size,
                                    struct sluice_buffer *out, struct sluice_error *error)
{
    switch (compressor->compression) {
    case COMPRESSION_GZIP:
        return size == 0 ? SLUICE_OK : deflate_all(compressor, bytes, size, Z_NO_FLUSH, out, error);
    case COMPRESSION_ZSTD:
        return zstd_all(compressor, bytes, size, ZSTD_e_continue, out, error);
    case COMPRESSION_AUTO:
    case COMPRESSION_NONE:
        break;
    }
    return copy_plain(compressor, bytes, size, out, error);
}

enum sluice_status compressor_finish(struct compressor *compressor, struct sluice_buffer *out,
                                     struct sluice_error *error)
{
    enum sluice_status status = SLUICE_OK;
    if (compressor->compression == COMPRESSION_GZIP) {
        status = deflate_all(compressor, NULL, 0, Z_FINISH, out, error);
        deflateReset(&compressor->gzip);
    } else if (compressor->compression == COMPRESSION_ZSTD) {
        status = zstd_all(compressor, NULL, 0, ZSTD_e_end, out, error);
    }
    return status;
}

void compressor_destroy(struct compressor *compressor)
{
    if (!compressor) {
        return;
    }
    if (compressor->compression == COMPRESSION_GZIP) {
        deflateEnd(&compressor->gzip);
    }
    ZSTD_freeCCtx(compressor->zstd);
    sluice_charge(compressor->host, -compressor->charged_bytes);
    sluice_free(compressor->host, compressor);
}
