/* SPDX-License-Identifier: Apache-2.0 */
/* The source's lifecycle, in the order of its calls. */
#include "source.h"
#include "component.h"

#include <string.h>

#define FETCHES_MAX 64
#define SLICE_MS 50

struct source {
    const struct sluice_host *host;
    const struct source_options *options;
    const struct sluice_run *run;
    struct object_store *store;
    struct object_queue *queue;
    int64_t charged_bytes;
    struct object_rows rows;
    struct object_stream streams[FETCHES_MAX]; /* the first is read, the others fetch ahead */
    int stream_count;
    bool has_begun; /* the decoder works on the first stream */
};

static enum sluice_status refuse(const struct sluice_host *host, const char *option,
                                 const char *why, struct sluice_error *error)
{
    sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID, "%s: %s", option, why);
    sluice_error_at(host, error, SLUICE_AT_OPTION, "%s", option);
    return SLUICE_CONFIG;
}

static enum sluice_status check_options(const struct sluice_host *host,
                                        const struct source_options *options,
                                        struct sluice_error *error)
{
    if (options->within_ms > 0 && !options->partition) {
        return refuse(host, "within", "needs `partition` to know how old an object is", error);
    }
    const char *why = options->partition ? partition_check(options->partition) : NULL;
    return why ? refuse(host, "partition", why, error) : SLUICE_OK;
}

enum sluice_status source_plan(const struct sluice_host *host, const void *instance_options,
                               struct sluice_planning *planning, struct sluice_error *error)
{
    const struct source_options *options = instance_options;
    enum sluice_status status = check_options(host, options, error);
    if (status == SLUICE_OK && !sluice_planning_is_batch(host, planning)) {
        return refuse(host, "read",
                      "all reads every object in each run: give the flow `every` or `after`",
                      error);
    }
    for (size_t i = 0; status == SLUICE_OK && i < options->schema->field_count; i++) {
        status = sluice_planning_output(host, planning, sluice_schema_field(options->schema, i));
    }
    return status;
}

enum sluice_status source_create(const struct sluice_host *host, const void *options,
                                 void **instance, struct sluice_error *error)
{
    *instance = NULL;
    enum sluice_status status = check_options(host, options, error);
    if (status != SLUICE_OK) {
        return status;
    }
    struct source *source = sluice_alloc(host, sizeof *source);
    if (!source) {
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                           "no memory for source-s3: raise settings.memory");
    }
    memset(source, 0, sizeof *source);
    source->host = host;
    source->options = options;
    source->run = sluice_this_run(host);
    status = object_store_create(host, &source->options->store, source->options->url,
                                 &source->store, error);
    if (status == SLUICE_OK) {
        status = object_rows_create(&source->rows, host, source->options, error);
    }
    if (status != SLUICE_OK) {
        source_destroy(source);
        return status;
    }
    *instance = source;
    return SLUICE_OK;
}

enum sluice_status source_open(void *instance, struct sluice_error *error)
{
    struct source *source = instance;
    enum sluice_status status = object_store_open(source->store, false, error);
    if (status == SLUICE_OK && !source->queue) {
        status = object_queue_get(source->host, &source->queue, error);
    }
    if (status != SLUICE_OK) {
        return status;
    }
    int64_t charged_bytes = 0;
    status = object_queue_fill(source->queue, source->store, source->options, source->host,
                               &charged_bytes, error);
    source->charged_bytes += charged_bytes;
    if (status == SLUICE_OK) {
        int64_t done, total;
        object_queue_progress(source->queue, 0, &done, &total);
        sluice_progress(source->host, done, total);
    }
    return status;
}

/* ---- read ---- */

/* Takes objects until as many are fetched as may be at once. */
static enum sluice_status fetch_ahead(struct source *source, struct sluice_error *error)
{
    int wanted = (int)source->options->fetches;
    while (source->stream_count < wanted) {
        const struct queued_object *object =
            object_queue_take(source->queue, source->stream_count, source->run->lane_count);
        if (!object) {
            return SLUICE_OK;
        }
        struct object_stream *stream = &source->streams[source->stream_count++];
        object_stream_init(stream, object);
        enum sluice_status status = object_stream_start(stream, source->store, error);
        if (status != SLUICE_OK) {
            return status; /* the stream stays: it is started again when its turn comes */
        }
    }
    return SLUICE_OK;
}

static void drop_first(struct source *source)
{
    object_stream_stop(&source->streams[0]);
    source->stream_count--;
    memmove(source->streams, source->streams + 1,
            (size_t)source->stream_count * sizeof source->streams[0]);
    source->has_begun = false;
}

static enum sluice_status fetch(struct source *source, int timeout_ms, struct sluice_error *error)
{
    struct object_stream *stream = &source->streams[0];
    int64_t reached = stream->reached;
    enum sluice_status status = object_stream_read(stream, source->store, source->host, timeout_ms,
                                                   object_rows_room(&source->rows), error);
    if (stream->reached > reached) {
        int64_t done, total;
        object_queue_progress(source->queue, stream->reached - reached, &done, &total);
        sluice_progress(source->host, done, total);
    }
    if (status == SLUICE_OK || status == SLUICE_END) {
        object_rows_fetched(&source->rows, status == SLUICE_END);
        return SLUICE_OK;
    }
    return status;
}

/* OK: go on; END: no object is left for this lane. */
static enum sluice_status begin_next(struct source *source, struct sluice_error *error)
{
    enum sluice_status status = fetch_ahead(source, error);
    if (status != SLUICE_OK) {
        return status;
    }
    if (source->stream_count == 0) {
        return SLUICE_END;
    }
    status = object_rows_begin(&source->rows, source->streams[0].object->key,
                               (enum compression)source->options->compression, error);
    source->has_begun = status == SLUICE_OK;
    return status;
}

static enum sluice_status move_on(struct source *source, int timeout_ms,
                                  struct sluice_batch **batch, struct sluice_error *error)
{
    if (!source->has_begun) {
        return begin_next(source, error);
    }
    enum sluice_status status = object_rows_next(&source->rows, batch, error);
    if (status == SLUICE_END) {
        drop_first(source);
        return SLUICE_OK;
    }
    return status == SLUICE_AGAIN ? fetch(source, timeout_ms, error) : status;
}

enum sluice_status source_read(void *instance, int timeout_ms, struct sluice_batch **batch,
                               struct sluice_error *error)
{
    struct source *source = instance;
    int64_t end_ms = sluice_monotonic_ms(source->host) + timeout_ms;
    *batch = NULL;
    enum sluice_status status = SLUICE_OK;
    while (!*batch && (status == SLUICE_OK || status == SLUICE_AGAIN)) {
        if (sluice_is_cancelled(source->host)) {
            return SLUICE_AGAIN;
        }
        int64_t left_ms = end_ms - sluice_monotonic_ms(source->host);
        if (status == SLUICE_AGAIN && left_ms <= 0) {
            return SLUICE_AGAIN;
        }
        int wait_ms = left_ms > SLICE_MS ? SLICE_MS : (int)(left_ms > 0 ? left_ms : 0);
        status = move_on(source, wait_ms, batch, error);
    }
    return status;
}

/* ---- the end ---- */

void source_cancel(void *instance)
{
    struct source *source = instance;
    object_store_cancel(source->store);
}

void source_close(void *instance)
{
    struct source *source = instance;
    while (source->stream_count > 0) {
        drop_first(source);
    }
}

void source_destroy(void *instance)
{
    struct source *source = instance;
    source_close(source);
    object_rows_destroy(&source->rows);
    object_store_destroy(source->store);
    if (source->queue) {
        object_queue_release(source->host);
    }
    sluice_charge(source->host, -source->charged_bytes);
    sluice_free(source->host, source);
}
