/* SPDX-License-Identifier: Apache-2.0 */
/* source-s3 inside.
 *
 *   listing ─▶ queue (shared by the lanes of the step) ─▶ up to `fetches` streams a lane
 *   first stream ─▶ decompressor ─▶ decoder ─▶ batch        (the others fetch ahead meanwhile)
 *
 * object_filter is pure; object_queue lists; object_stream fetches one object and goes on after a
 * broken connection; object_rows turns its bytes into rows. */
#ifndef SOURCE_S3_SOURCE_H
#define SOURCE_S3_SOURCE_H

#include <stdatomic.h>

#include <sluice/plugin.h>

#include "compression/compression.h"
#include "object_store/object_store.h"

struct source_options {
    const char *url;
    const struct sluice_codec_choice *format;
    const struct sluice_schema *schema;
    int read; /* only "all" */
    const char *suffix;
    int64_t within_ms;
    const char *partition;
    int compression; /* index into compression_read_names */
    int64_t fetches;
    struct object_store_options store;
};

/* ---- object_filter.c: which keys are read ---- */

/* A key below the prefix with a segment that begins with _ or . is hidden, and so is one that ends
 * with a slash (the folder marks of some tools). */
bool key_is_hidden(const char *key);
bool key_has_suffix(const char *key, const char *suffix);
/* NULL, or why the text cannot say when a partition was. */
const char *partition_check(const char *partition);
/* The end of the time that the key's partition covers. False where the key does not fit. */
bool partition_end_ms(const char *partition, const char *key, int64_t *end_ms);

/* ---- object_queue.c: what is to be read, shared by the lanes ---- */

struct queued_object {
    char *key;
    char *etag;
    int64_t size;
};

struct object_queue;

enum sluice_status object_queue_get(const struct sluice_host *host, struct object_queue **queue,
                                    struct sluice_error *error);
void object_queue_release(const struct sluice_host *host);
/* The first that asks lists; the others wait for it. *charged_bytes is what the list takes of the
 * memory of the instance that made it. */
enum sluice_status object_queue_fill(struct object_queue *queue, struct object_store *store,
                                     const struct source_options *options,
                                     const struct sluice_host *host, int64_t *charged_bytes,
                                     struct sluice_error *error);
/* The next object, or NULL: there is none, or those that hold fewer than `held` should have it. */
const struct queued_object *object_queue_take(struct object_queue *queue, int held, int lane_count);
/* Counts bytes that were read; gives those done and all. */
void object_queue_progress(struct object_queue *queue, int64_t bytes, int64_t *done,
                           int64_t *total);

/* ---- object_stream.c: the bytes of one object ---- */

struct object_stream {
    const struct queued_object *object;
    struct object_reader *reader;
    int64_t reached; /* bytes given out */
    int64_t size;
    char etag[OBJECT_ETAG_SIZE];
    bool is_ended;
};

void object_stream_init(struct object_stream *stream, const struct queued_object *object);
/* Starts the transfer; nothing where it is under way. */
enum sluice_status object_stream_start(struct object_stream *stream, struct object_store *store,
                                       struct sluice_error *error);
/* Appends bytes: OK, AGAIN, END. After RETRY the next call goes on where this one was. */
enum sluice_status object_stream_read(struct object_stream *stream, struct object_store *store,
                                      const struct sluice_host *host, int timeout_ms,
                                      struct sluice_buffer *buffer, struct sluice_error *error);
void object_stream_stop(struct object_stream *stream);

/* ---- object_rows.c: bytes → rows ---- */

struct object_rows {
    const struct sluice_host *host;
    struct sluice_decoder *decoder;
    struct decompressor *decompressor;
    enum compression compression; /* AUTO: not known yet */
    struct sluice_buffer raw;     /* as fetched */
    struct sluice_buffer plain;   /* for the decoder */
    size_t raw_at;
    size_t plain_at;
    bool is_raw_ended;
    bool is_plain_ended;
    bool is_damaged; /* nothing more will be decompressed */
    const char *key;
};

enum sluice_status object_rows_create(struct object_rows *rows, const struct sluice_host *host,
                                      const struct source_options *options,
                                      struct sluice_error *error);
enum sluice_status object_rows_begin(struct object_rows *rows, const char *key,
                                     enum compression compression, struct sluice_error *error);
/* Where fetched bytes go; call object_rows_fetched() after. */
struct sluice_buffer *object_rows_room(struct object_rows *rows);
void object_rows_fetched(struct object_rows *rows, bool is_end);
/* OK with a batch, AGAIN: fetch more, END: the object is done. */
enum sluice_status object_rows_next(struct object_rows *rows, struct sluice_batch **batch,
                                    struct sluice_error *error);
void object_rows_destroy(struct object_rows *rows);

#endif
