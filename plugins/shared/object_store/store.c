/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses the kind of store by its URL and passes calls on to it. */
#include "object_store/store.h"

enum sluice_status object_upload_gone(const struct sluice_host *host, const char *key,
                                      struct sluice_error *error)
{
    return sluice_fail(host, error, SLUICE_NOT_CONNECTED, SLUICE_CODE_DELIVERY_FAILED,
                       "the upload of %s is gone before it was decided: another process took this "
                       "member over, or a lifecycle rule of the bucket aborted it",
                       key);
}

enum sluice_status object_no_memory(const struct sluice_host *host, struct sluice_error *error)
{
    return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                       "no memory for an object store: raise settings.memory");
}

static enum sluice_status set_prefix(struct object_store *store, struct sluice_string prefix,
                                     struct sluice_error *error)
{
    struct counted_text text;
    counted_init(&text, store->host);
    if (prefix.size > 0) {
        counted_add_bytes(&text, prefix.bytes, prefix.size);
        counted_add(&text, "/");
    }
    enum sluice_status status = counted_check(&text, error);
    if (status == SLUICE_OK) {
        store->prefix = counted_copy(store->host, counted_get(&text), text.buffer.size);
        status = store->prefix ? SLUICE_OK : object_no_memory(store->host, error);
    }
    counted_free(&text);
    return status;
}

enum sluice_status object_store_create(const struct sluice_host *host,
                                       const struct object_store_options *options, const char *url,
                                       struct object_store **store, struct sluice_error *error)
{
    *store = NULL;
    struct object_url parts;
    enum sluice_status status = object_url_parse(host, url, &parts, error);
    if (status != SLUICE_OK) {
        return status;
    }
    struct object_store *made = NULL;
    status = parts.is_local ? local_store_create(host, &parts, &made, error)
                            : s3_store_create(host, options, &parts, &made, error);
    if (status == SLUICE_OK) {
        made->is_local = parts.is_local;
        status = set_prefix(made, parts.prefix, error);
    }
    if (status != SLUICE_OK) {
        object_store_destroy(made);
        return status;
    }
    *store = made;
    return SLUICE_OK;
}

void object_store_destroy(struct object_store *store)
{
    if (store) {
        sluice_free(store->host, store->prefix);
        store->kind->destroy(store);
    }
}

enum sluice_status object_store_open(struct object_store *store, bool is_writer,
                                     struct sluice_error *error)
{
    return store->kind->open(store, is_writer, error);
}

void object_store_cancel(struct object_store *store)
{
    store->kind->cancel(store);
}

const char *object_store_prefix(const struct object_store *store)
{
    return store->prefix;
}

bool object_store_is_local(const struct object_store *store)
{
    return store->is_local;
}

enum sluice_status object_store_run(struct object_store *store, int timeout_ms,
                                    struct sluice_error *error)
{
    return store->kind->run(store, timeout_ms, error);
}

enum sluice_status object_list(struct object_store *store, const char *prefix,
                               struct counted_text *cursor, bool *is_last, object_visit visit,
                               void *user, struct sluice_error *error)
{
    *is_last = false;
    return store->kind->list(store, prefix, cursor, is_last, visit, user, error);
}

enum sluice_status object_head(struct object_store *store, const char *key,
                               struct object_head *head, enum object_outcome *outcome,
                               struct sluice_error *error)
{
    *head = (struct object_head){0};
    *outcome = OBJECT_DONE;
    return store->kind->head(store, key, head, outcome, error);
}

enum sluice_status object_put(struct object_store *store, const struct object_upload *object,
                              const char *bytes, size_t size, bool is_new,
                              enum object_outcome *outcome, struct sluice_error *error)
{
    *outcome = OBJECT_DONE;
    return store->kind->put(store, object, bytes, size, is_new, outcome, error);
}

enum sluice_status object_remove(struct object_store *store, const char *key,
                                 struct sluice_error *error)
{
    return store->kind->remove(store, key, error);
}

enum sluice_status object_get(struct object_store *store, const char *key, size_t limit,
                              struct sluice_buffer *buffer, enum object_outcome *outcome,
                              struct sluice_error *error)
{
    const struct object_entry entry = {.key = key, .size = -1, .etag = ""};
    struct object_reader *reader = NULL;
    size_t start = buffer->size;
    *outcome = OBJECT_DONE;
    enum sluice_status status = object_reader_open(store, &entry, 0, &reader, error);
    while (status == SLUICE_OK || status == SLUICE_AGAIN) {
        status = object_reader_read(reader, 1000, buffer, outcome, error);
        if (status == SLUICE_OK && *outcome != OBJECT_DONE) {
            break;
        }
        if (buffer->size - start > limit) {
            status = sluice_fail(store->host, error, SLUICE_FATAL, SLUICE_CODE_RECORD_TOO_LONG,
                                 "the object %s is larger than %zu bytes", key, limit);
        }
    }
    object_reader_close(reader);
    return status == SLUICE_END ? SLUICE_OK : status;
}

enum sluice_status object_reader_open(struct object_store *store, const struct object_entry *entry,
                                      int64_t offset, struct object_reader **reader,
                                      struct sluice_error *error)
{
    *reader = NULL;
    return store->kind->reader_open(store, entry, offset, reader, error);
}

enum sluice_status object_reader_read(struct object_reader *reader, int timeout_ms,
                                      struct sluice_buffer *buffer, enum object_outcome *outcome,
                                      struct sluice_error *error)
{
    *outcome = OBJECT_DONE;
    return reader->store->kind->reader_read(reader, timeout_ms, buffer, outcome, error);
}

void object_reader_close(struct object_reader *reader)
{
    if (reader) {
        reader->store->kind->reader_close(reader);
    }
}

enum sluice_status object_upload_create(struct object_store *store,
                                        const struct object_upload *upload, struct counted_text *id,
                                        struct sluice_error *error)
{
    counted_clear(id);
    return store->kind->upload_create(store, upload, id, error);
}

enum sluice_status object_part_start(struct object_store *store, const struct object_upload *upload,
                                     int number, int64_t offset, struct sluice_string bytes,
                                     struct object_transfer **transfer, struct sluice_error *error)
{
    *transfer = NULL;
    return store->kind->part_start(store, upload, number, offset, bytes, transfer, error);
}

bool object_transfer_is_done(const struct object_transfer *transfer)
{
    return transfer->store->kind->transfer_is_done(transfer);
}

enum sluice_status object_transfer_result(struct object_transfer *transfer,
                                          char etag[OBJECT_ETAG_SIZE], struct sluice_error *error)
{
    etag[0] = '\0';
    return transfer->store->kind->transfer_result(transfer, etag, error);
}

void object_transfer_destroy(struct object_transfer *transfer)
{
    if (transfer) {
        transfer->store->kind->transfer_destroy(transfer);
    }
}

enum sluice_status object_upload_seal(struct object_store *store,
                                      const struct object_upload *upload,
                                      const struct object_part *parts, size_t count,
                                      char etag[OBJECT_ETAG_SIZE], struct sluice_error *error)
{
    etag[0] = '\0';
    return store->kind->upload_seal(store, upload, parts, count, etag, error);
}

enum sluice_status object_upload_complete(struct object_store *store,
                                          const struct object_upload *upload,
                                          const struct object_part *parts, size_t count,
                                          bool is_new, enum object_outcome *outcome,
                                          struct sluice_error *error)
{
    *outcome = OBJECT_DONE;
    return store->kind->upload_complete(store, upload, parts, count, is_new, outcome, error);
}

enum sluice_status object_upload_abort(struct object_store *store, const char *key, const char *id,
                                       struct sluice_error *error)
{
    return store->kind->upload_abort(store, key, id, error);
}

enum sluice_status object_list_uploads(struct object_store *store, const char *prefix,
                                       struct counted_text *cursor, bool *is_last,
                                       object_visit visit, void *user, struct sluice_error *error)
{
    *is_last = false;
    return store->kind->list_uploads(store, prefix, cursor, is_last, visit, user, error);
}
