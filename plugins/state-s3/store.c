/* SPDX-License-Identifier: Apache-2.0 */
/* Keys below a prefix of a bucket. What must be new is put with If-None-Match. */
#include "state_s3.h"

#include <string.h>

/* A checkpoint larger than this is refused rather than read into memory. */
#define VALUE_LIMIT ((size_t)4 << 30)

struct store {
    const struct sluice_host *host;
    struct object_store *objects;
    struct counted_text key; /* of the call at hand */
};

static void store_destroy(void *instance)
{
    struct store *store = instance;
    if (!store) {
        return;
    }
    object_store_destroy(store->objects);
    counted_free(&store->key);
    sluice_free(store->host, store);
}

static enum sluice_status store_create(const struct sluice_host *host, const void *given,
                                       void **instance, struct sluice_error *error)
{
    const struct state_options *options = given;
    *instance = NULL;
    struct store *store = sluice_alloc(host, sizeof *store);
    if (!store) {
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                           "no memory for state-s3: raise settings.memory");
    }
    *store = (struct store){.host = host};
    counted_init(&store->key, host);
    enum sluice_status status =
        object_store_create(host, &options->store, options->url, &store->objects, error);
    if (status != SLUICE_OK) {
        store_destroy(store);
        return status;
    }
    *instance = store;
    return SLUICE_OK;
}

static enum sluice_status store_open(void *instance, struct sluice_error *error)
{
    struct store *store = instance;
    return object_store_open(store->objects, true, error);
}

/* The key below the prefix; into store->key. */
static enum sluice_status set_key(struct store *store, const char *key, struct sluice_error *error)
{
    counted_clear(&store->key);
    counted_add(&store->key, object_store_prefix(store->objects));
    counted_add(&store->key, key);
    return counted_check(&store->key, error);
}

static enum sluice_status store_get(void *instance, const char *key, struct sluice_buffer *bytes,
                                    bool *is_there, struct sluice_error *error)
{
    struct store *store = instance;
    enum object_outcome outcome = OBJECT_ABSENT;
    *is_there = false;
    enum sluice_status status = set_key(store, key, error);
    if (status == SLUICE_OK) {
        status = object_get(store->objects, counted_get(&store->key), VALUE_LIMIT, bytes, &outcome,
                            error);
    }
    *is_there = status == SLUICE_OK && outcome == OBJECT_DONE;
    return status;
}

/* What the server's answer to a put means. */
static enum sluice_status judge(struct store *store, enum object_outcome outcome, bool *is_done,
                                struct sluice_error *error)
{
    switch (outcome) {
    case OBJECT_DONE:
        *is_done = true;
        return SLUICE_OK;
    case OBJECT_CHANGED:
        return SLUICE_OK;
    case OBJECT_BUSY:
        return sluice_fail(store->host, error, SLUICE_RETRY, SLUICE_CODE_CONFLICT,
                           "somebody else is writing %s just now", counted_get(&store->key));
    case OBJECT_UNSUPPORTED:
        return sluice_fail(store->host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                           "the server does not know If-None-Match (conditional writes), without "
                           "which it cannot hold state: use one that does, or keep the state in a "
                           "folder");
    case OBJECT_ABSENT:
    case OBJECT_NO_UPLOAD:
        break;
    }
    return sluice_fail(store->host, error, SLUICE_FATAL, SLUICE_CODE_PROTOCOL_ERROR,
                       "the server says that %s is not there when it is to be written",
                       counted_get(&store->key));
}

static enum sluice_status store_put(void *instance, const char *key, struct sluice_string bytes,
                                    bool must_be_new, bool *is_done, struct sluice_error *error)
{
    struct store *store = instance;
    enum object_outcome outcome = OBJECT_DONE;
    *is_done = false;
    enum sluice_status status = set_key(store, key, error);
    if (status != SLUICE_OK) {
        return status;
    }
    const struct object_upload object = {.key = counted_get(&store->key),
                                         .content_type = "application/octet-stream"};
    status =
        object_put(store->objects, &object, bytes.bytes, bytes.size, must_be_new, &outcome, error);
    return status == SLUICE_OK ? judge(store, outcome, is_done, error) : status;
}

struct listing {
    size_t prefix_size; /* of the store */
    sluice_key_visit visit;
    void *user;
};

static enum sluice_status visit_entry(void *user, const struct object_entry *entry,
                                      struct sluice_error *error)
{
    const struct listing *listing = user;
    return listing->visit(listing->user, entry->key + listing->prefix_size, error);
}

static enum sluice_status store_list(void *instance, const char *prefix, sluice_key_visit visit,
                                     void *user, struct sluice_error *error)
{
    struct store *store = instance;
    struct listing listing = {strlen(object_store_prefix(store->objects)), visit, user};
    struct counted_text cursor;
    bool is_last = false;
    counted_init(&cursor, store->host);
    enum sluice_status status = set_key(store, prefix, error);
    while (status == SLUICE_OK && !is_last) {
        status = object_list(store->objects, counted_get(&store->key), &cursor, &is_last,
                             visit_entry, &listing, error);
    }
    counted_free(&cursor);
    return status;
}

static enum sluice_status store_remove(void *instance, const char *key, struct sluice_error *error)
{
    struct store *store = instance;
    enum sluice_status status = set_key(store, key, error);
    return status == SLUICE_OK ? object_remove(store->objects, counted_get(&store->key), error)
                               : status;
}

static void store_cancel(void *instance)
{
    struct store *store = instance;
    object_store_cancel(store->objects);
}

const struct sluice_state_store state_s3_calls = {
    .struct_size = sizeof(struct sluice_state_store),
    .create = store_create,
    .open = store_open,
    .get = store_get,
    .put = store_put,
    .list = store_list,
    .remove = store_remove,
    .cancel = store_cancel,
    .destroy = store_destroy,
};
