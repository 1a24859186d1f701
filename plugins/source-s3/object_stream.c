/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of one object in one version. A broken connection is gone on with at the byte reached;
 * an object that was replaced before its first byte is read in its new version. */
#include "source.h"

#include <stdio.h>
#include <string.h>

void object_stream_init(struct object_stream *stream, const struct queued_object *object)
{
    *stream = (struct object_stream){.object = object, .size = object->size};
    /* An ETag that is too long to keep is not worth a condition. */
    size_t size = strlen(object->etag);
    if (size < sizeof stream->etag) {
        memcpy(stream->etag, object->etag, size + 1);
    }
}

enum sluice_status object_stream_start(struct object_stream *stream, struct object_store *store,
                                       struct sluice_error *error)
{
    if (stream->reader || stream->is_ended) {
        return SLUICE_OK;
    }
    const struct object_entry entry = {
        .key = stream->object->key, .size = stream->size, .etag = stream->etag};
    return object_reader_open(store, &entry, stream->reached, &stream->reader, error);
}

void object_stream_stop(struct object_stream *stream)
{
    object_reader_close(stream->reader);
    stream->reader = NULL;
}

static enum sluice_status fail_changed(const struct object_stream *stream,
                                       const struct sluice_host *host, const char *what,
                                       struct sluice_error *error)
{
    sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_CONFLICT,
                "the object was %s while it was read, after %lld bytes: this run cannot go on; the "
                "next one reads it anew",
                what, (long long)stream->reached);
    sluice_error_at(host, error, SLUICE_AT_OBJECT, "%s", stream->object->key);
    return SLUICE_FATAL;
}

static enum sluice_status skip_gone(struct object_stream *stream, const struct sluice_host *host)
{
    const struct sluice_log_field field = {"object", stream->object->key};
    sluice_log(host, SLUICE_LOG_WARN, &field, 1,
               "the object was deleted after it was listed; it is left out");
    stream->is_ended = true;
    return SLUICE_END;
}

/* Nothing was read yet: the newer version takes the listed one's place. */
static enum sluice_status take_newer(struct object_stream *stream, struct object_store *store,
                                     const struct sluice_host *host, struct sluice_error *error)
{
    struct object_head head;
    enum object_outcome outcome;
    enum sluice_status status = object_head(store, stream->object->key, &head, &outcome, error);
    if (status != SLUICE_OK) {
        return status;
    }
    if (outcome == OBJECT_ABSENT) {
        return skip_gone(stream, host);
    }
    stream->size = head.size;
    memcpy(stream->etag, head.etag, sizeof stream->etag);
    status = object_stream_start(stream, store, error);
    return status == SLUICE_OK ? SLUICE_AGAIN : status;
}

static enum sluice_status judge_outcome(struct object_stream *stream, struct object_store *store,
                                        const struct sluice_host *host, enum object_outcome outcome,
                                        struct sluice_error *error)
{
    bool is_deleted = outcome == OBJECT_ABSENT;
    object_stream_stop(stream);
    if (stream->reached > 0) {
        return fail_changed(stream, host, is_deleted ? "deleted" : "replaced", error);
    }
    return is_deleted ? skip_gone(stream, host) : take_newer(stream, store, host, error);
}

enum sluice_status object_stream_read(struct object_stream *stream, struct object_store *store,
                                      const struct sluice_host *host, int timeout_ms,
                                      struct sluice_buffer *buffer, struct sluice_error *error)
{
    if (stream->is_ended) {
        return SLUICE_END;
    }
    enum sluice_status status = object_stream_start(stream, store, error);
    if (status != SLUICE_OK) {
        return status;
    }
    enum object_outcome outcome;
    size_t before = buffer->size;
    status = object_reader_read(stream->reader, timeout_ms, buffer, &outcome, error);
    stream->reached += (int64_t)(buffer->size - before);
    if (status == SLUICE_OK && outcome != OBJECT_DONE) {
        return judge_outcome(stream, store, host, outcome, error);
    }
    if (status != SLUICE_OK && status != SLUICE_AGAIN) {
        object_stream_stop(stream);
        stream->is_ended = status == SLUICE_END;
    }
    return status;
}
