/* SPDX-License-Identifier: Apache-2.0 */
/* Streams one object: a GET whose body waits in a bounded window and pauses when that is full. */
#include "object_store/s3/s3.h"

#include <stdio.h>
#include <string.h>

/* Bytes that wait for the reader's caller. */
#define WINDOW ((size_t)2 << 20)

struct s3_reader {
    struct object_reader base;
    struct http_exchange *exchange;
    struct sluice_buffer window;
    char *key;
    int64_t offset;      /* where the GET began */
    int64_t left;        /* bytes not yet given out; -1: unknown */
    bool is_out_of_step; /* the server began elsewhere than asked */
    bool is_paused;
    bool has_no_memory;
};

static struct s3_reader *reader_of(struct object_reader *reader)
{
    return (struct s3_reader *)reader;
}

static size_t take_body(void *user_data, const char *bytes, size_t size)
{
    struct s3_reader *reader = user_data;
    const struct sluice_host *host = reader->base.store->host;
    if (reader->offset > 0 && !http_response_header(reader->exchange, "content-range")) {
        reader->is_out_of_step = true; /* the range was ignored: these are not our bytes */
        return size;
    }
    size_t room = reader->window.size < WINDOW ? WINDOW - reader->window.size : 0;
    size_t taken = size < room ? size : room;
    if (taken > 0 && sluice_buffer_reserve(host, &reader->window, taken) != SLUICE_OK) {
        reader->has_no_memory = true;
        taken = 0;
    }
    if (taken > 0) {
        memcpy(reader->window.data + reader->window.size, bytes, taken);
        reader->window.size += taken;
    }
    reader->is_paused = taken < size;
    return taken;
}

enum sluice_status s3_reader_open(struct object_store *store, const struct object_entry *entry,
                                  int64_t offset, struct object_reader **reader,
                                  struct sluice_error *error)
{
    struct s3_reader *made = sluice_alloc(store->host, sizeof *made);
    if (!made) {
        return object_no_memory(store->host, error);
    }
    *made = (struct s3_reader){
        .base = {store}, .offset = offset, .left = entry->size < 0 ? -1 : entry->size - offset};
    made->key = counted_copy(store->host, entry->key, strlen(entry->key));
    char range[48];
    snprintf(range, sizeof range, "bytes=%lld-", (long long)offset);
    const struct s3_request request = {
        .method = "GET",
        .key = entry->key,
        .headers = {{"if-match", entry->etag[0] ? entry->etag : NULL},
                    {"range", offset > 0 ? range : NULL}}};
    enum sluice_status status = made->key ? SLUICE_OK : object_no_memory(store->host, error);
    if (status == SLUICE_OK && made->left != 0) {
        status =
            s3_start((struct s3_store *)store, &request, take_body, made, &made->exchange, error);
    }
    if (status != SLUICE_OK) {
        s3_reader_close(&made->base);
        return status;
    }
    *reader = &made->base;
    return SLUICE_OK;
}

static enum sluice_status end_of_exchange(struct s3_reader *reader, enum object_outcome *outcome,
                                          struct sluice_error *error)
{
    struct http_response response;
    enum sluice_status status = s3_judge((struct s3_store *)reader->base.store, reader->key,
                                         reader->exchange, &response, outcome, error);
    if (status != SLUICE_OK || *outcome != OBJECT_DONE) {
        return status;
    }
    if (reader->left > 0) {
        return sluice_fail(reader->base.store->host, error, SLUICE_RETRY, SLUICE_CODE_UNAVAILABLE,
                           "the server sent %lld bytes too few of %s", (long long)reader->left,
                           reader->key);
    }
    return SLUICE_END;
}

static enum sluice_status give_out(struct s3_reader *reader, struct sluice_buffer *buffer,
                                   struct sluice_error *error)
{
    const struct sluice_host *host = reader->base.store->host;
    if (sluice_buffer_reserve(host, buffer, reader->window.size) != SLUICE_OK) {
        return object_no_memory(host, error);
    }
    memcpy(buffer->data + buffer->size, reader->window.data, reader->window.size);
    buffer->size += reader->window.size;
    reader->left -= reader->left < 0 ? 0 : (int64_t)reader->window.size;
    reader->window.size = 0;
    if (reader->is_paused) {
        reader->is_paused = false;
        http_resume(reader->exchange);
    }
    return SLUICE_OK;
}

enum sluice_status s3_reader_read(struct object_reader *base, int timeout_ms,
                                  struct sluice_buffer *buffer, enum object_outcome *outcome,
                                  struct sluice_error *error)
{
    struct s3_reader *reader = reader_of(base);
    struct s3_store *store = (struct s3_store *)base->store;
    if (!reader->exchange) {
        return SLUICE_END; /* an empty object, or all of it was read before */
    }
    if (!http_is_done(reader->exchange)) {
        /* without a wait while bytes are here: it keeps the other transfers going */
        int wait_ms = reader->window.size > 0 ? 0 : timeout_ms;
        enum sluice_status status = http_run(store->client, wait_ms, error);
        if (status != SLUICE_OK) {
            return status;
        }
    }
    if (reader->has_no_memory) {
        return object_no_memory(base->store->host, error);
    }
    if (reader->is_out_of_step) {
        return sluice_fail(base->store->host, error, SLUICE_FATAL, SLUICE_CODE_PROTOCOL_ERROR,
                           "the server does not serve ranges: %s cannot be read on after a broken "
                           "connection",
                           reader->key);
    }
    if (reader->window.size > 0) {
        return give_out(reader, buffer, error);
    }
    return http_is_done(reader->exchange) ? end_of_exchange(reader, outcome, error) : SLUICE_AGAIN;
}

void s3_reader_close(struct object_reader *base)
{
    struct s3_reader *reader = reader_of(base);
    const struct sluice_host *host = base->store->host;
    http_exchange_destroy(reader->exchange);
    sluice_buffer_free(host, &reader->window);
    sluice_free(host, reader->key);
    sluice_free(host, reader);
}
