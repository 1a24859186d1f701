/* SPDX-License-Identifier: Apache-2.0 */
/* Sends the parts of objects, several at once, and notes what the store took. */
#include "sink_instance.h"

#include <string.h>

#define IN_FLIGHT_MAX 4
#define WAIT_MS 200

static enum sluice_status no_memory(const struct sink *sink, struct sluice_error *error)
{
    return sluice_fail(sink->host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                       "no memory to upload parts: raise settings.memory");
}

static const char *content_type(const struct sink *sink)
{
    switch ((enum compression)(sink->options->compression + 1)) {
    case COMPRESSION_GZIP:
        return "application/gzip";
    case COMPRESSION_ZSTD:
        return "application/zstd";
    case COMPRESSION_AUTO:
    case COMPRESSION_NONE:
        break;
    }
    const char *format = sluice_codec_name(sink->host, sink->options->format);
    if (strcmp(format, "csv") == 0) {
        return "text/csv; charset=utf-8; header=present";
    }
    return strcmp(format, "json") == 0 ? "application/x-ndjson" : "application/octet-stream";
}

static struct object_upload upload_of(const struct sink *sink, const struct sink_object *object)
{
    return (struct object_upload){.key = object->staged.key,
                                  .id = object->staged.upload_id,
                                  .content_type = content_type(sink),
                                  .token = object->staged.token};
}

static enum sluice_status create_upload(struct sink *sink, struct sink_object *object,
                                        struct sluice_error *error)
{
    struct counted_text id;
    struct object_upload upload = upload_of(sink, object);
    const char *key = object->staged.key;
    enum sluice_status status = leftovers_drop_before_creation(sink, key, error);
    if (status != SLUICE_OK) {
        return status;
    }
    counted_init(&id, sink->host);
    status = object_upload_create(sink->store, &upload, &id, error);
    if (status == SLUICE_RETRY && !leftovers_doubt(sink, key)) {
        status = no_memory(sink, error);
    }
    if (status == SLUICE_OK) {
        object->staged.upload_id = counted_copy(sink->host, counted_get(&id), id.buffer.size);
        bool is_kept = object->staged.upload_id && leftovers_keep(sink, key, counted_get(&id));
        status = is_kept ? SLUICE_OK : no_memory(sink, error);
    }
    counted_free(&id);
    return status;
}

static enum sluice_status start_parts(struct sink *sink, struct sink_object *object,
                                      struct sluice_error *error)
{
    enum sluice_status status = SLUICE_OK;
    if (object->pending && !object->staged.upload_id && sink->in_flight < IN_FLIGHT_MAX) {
        status = create_upload(sink, object, error);
    }
    struct object_upload upload = upload_of(sink, object);
    for (struct sink_part *part = object->pending;
         part && status == SLUICE_OK && sink->in_flight < IN_FLIGHT_MAX; part = part->next) {
        if (!part->transfer) {
            struct sluice_string bytes = {part->bytes.data, part->size};
            status = object_part_start(sink->store, &upload, part->number, part->offset, bytes,
                                       &part->transfer, error);
            sink->in_flight += status == SLUICE_OK;
        }
    }
    return status;
}

static enum sluice_status note_part(struct sink *sink, struct sink_object *object,
                                    const struct sink_part *part, const char etag[OBJECT_ETAG_SIZE],
                                    struct sluice_error *error)
{
    struct staged_object *staged = &object->staged;
    size_t count = (size_t)part->number;
    if (count > staged->part_count) {
        void *parts = sluice_resize(sink->host, staged->parts, count * sizeof *staged->parts);
        if (!parts) {
            return no_memory(sink, error);
        }
        staged->parts = parts;
        memset(staged->parts + staged->part_count, 0,
               (count - staged->part_count) * sizeof *staged->parts);
        staged->part_count = count;
    }
    struct object_part *noted = &staged->parts[count - 1];
    noted->number = part->number;
    noted->size = (int64_t)part->size;
    memcpy(noted->etag, etag, OBJECT_ETAG_SIZE);
    sluice_metric_add(sink->host, SINK_METRIC_PARTS, NULL, 1);
    sluice_metric_add(sink->host, SINK_METRIC_PART_BYTES, NULL, (double)part->size);
    return SLUICE_OK;
}

/* Takes done parts off the list. A part that failed stays, to be sent again. */
static enum sluice_status reap_parts(struct sink *sink, struct sink_object *object,
                                     struct sluice_error *error)
{
    struct sink_part **at = &object->pending;
    while (*at) {
        struct sink_part *part = *at;
        if (!part->transfer || !object_transfer_is_done(part->transfer)) {
            at = &part->next;
            continue;
        }
        char etag[OBJECT_ETAG_SIZE];
        enum sluice_status status = object_transfer_result(part->transfer, etag, error);
        object_transfer_destroy(part->transfer);
        part->transfer = NULL;
        sink->in_flight--;
        if (status == SLUICE_OK) {
            status = note_part(sink, object, part, etag, error);
        }
        if (status != SLUICE_OK) {
            return status;
        }
        *at = part->next;
        sluice_buffer_free(sink->host, &part->bytes);
        sluice_free(sink->host, part);
    }
    return SLUICE_OK;
}

static size_t count_pending(const struct sink *sink)
{
    size_t count = 0;
    for (const struct sink_object *object = sink->objects; object; object = object->next) {
        for (const struct sink_part *part = object->pending; part; part = part->next) {
            count++;
        }
    }
    return count;
}

static enum sluice_status move_on(struct sink *sink, int wait_ms, struct sluice_error *error)
{
    enum sluice_status status = SLUICE_OK;
    for (struct sink_object *object = sink->objects; object && status == SLUICE_OK;
         object = object->next) {
        status = start_parts(sink, object, error);
    }
    if (status == SLUICE_OK && sink->in_flight > 0) {
        status = object_store_run(sink->store, wait_ms, error);
    }
    for (struct sink_object *object = sink->objects; object && status == SLUICE_OK;
         object = object->next) {
        status = reap_parts(sink, object, error);
    }
    return status;
}

enum sluice_status transfer_parts(struct sink *sink, size_t allowed, bool is_waiting,
                                  struct sluice_error *error)
{
    enum sluice_status status = count_pending(sink) > 0 ? move_on(sink, 0, error) : SLUICE_OK;
    while (status == SLUICE_OK && is_waiting && count_pending(sink) > allowed) {
        status = move_on(sink, WAIT_MS, error);
    }
    return status;
}
