/* SPDX-License-Identifier: Apache-2.0 */
/* One file as a stream of decoded bytes behind a window:
 *
 *     decoded   ……consumed……│═══════ window ═══════│……not read yet……
 *                        offset                     └ file_stream_fill() reads on
 *
 * SLUICE_PADDING readable bytes follow the window. Plain files are read straight into it, with page
 * aligned offsets and addresses: unaligned, reading costs three times as much. */
#ifndef SLUICE_SOURCE_FILE_STREAM_H
#define SLUICE_SOURCE_FILE_STREAM_H

#include "compression/compression.h"

struct file_stream {
    const struct sluice_host *host;
    const char *path; /* the list's */
    int descriptor;   /* -1: closed */
    bool is_regular;
    bool is_compressed;           /* or not known to be plain: bytes go through `packed` */
    enum compression compression; /* AUTO until known */
    struct decompressor *decompressor;
    struct sluice_buffer packed; /* bytes as they stand in the file */
    size_t packed_used;
    int64_t read_bytes; /* of the file, so far */
    char *block;        /* the window's memory */
    size_t block_size;
    size_t head_room; /* where reads go to: what is left of the window stands before it */
    char *window;
    size_t window_size;
    int64_t offset; /* decoded bytes before the window */
    bool is_end;    /* nothing comes behind the window */
};

/* Freshly zeroed, with host set, or closed. FATAL not_found, permission_denied, io_error. */
enum sluice_status file_stream_open(struct file_stream *stream, const char *path,
                                    enum compression compression, struct sluice_error *error);
void file_stream_close(struct file_stream *stream);
/* Closes and frees the buffers. */
void file_stream_reset(struct file_stream *stream);

/* Reads on. AGAIN: nothing to be had within timeout_ms. REJECT: the compressed bytes are damaged;
 * the window holds what was good. */
enum sluice_status file_stream_fill(struct file_stream *stream, int timeout_ms,
                                    struct sluice_error *error);

static inline void file_stream_consume(struct file_stream *stream, size_t size)
{
    stream->window += size;
    stream->window_size -= size;
    stream->offset += (int64_t)size;
}

/* Lets the window begin at a decoded offset, straight after opening. FATAL where the stream ends
 * before. */
enum sluice_status file_stream_seek(struct file_stream *stream, int64_t offset,
                                    struct sluice_error *error);

/* What tells a file from another with its name: a hash over its first bytes, at most `size`. */
enum sluice_status file_stream_fingerprint(struct file_stream *stream, size_t size,
                                           uint64_t *fingerprint, struct sluice_error *error);
int64_t file_stream_size(const struct file_stream *stream); /* now, in the file; -1 unknown */

#endif
