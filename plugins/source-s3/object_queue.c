/* SPDX-License-Identifier: Apache-2.0 */
/* The objects of one run, listed once and shared by the lanes of the step. It outlives any one
 * instance, so its memory is the system's, charged to the instance that lists. */
#include "source.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct object_queue {
    pthread_mutex_t lock; /* guards all but done_bytes */
    bool is_listed;
    struct queued_object *objects;
    size_t count;
    size_t capacity;
    size_t next;
    int64_t total_bytes;
    atomic_int_least64_t done_bytes;
};

/* ---- the shared resource ---- */

static enum sluice_status make_queue(void *user, void **resource, struct sluice_error *error)
{
    const struct sluice_host *host = user;
    struct object_queue *queue = calloc(1, sizeof *queue);
    if (!queue) {
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                           "no memory for the list of objects");
    }
    pthread_mutex_init(&queue->lock, NULL);
    atomic_init(&queue->done_bytes, 0);
    *resource = queue;
    return SLUICE_OK;
}

static void clear_list(struct object_queue *queue)
{
    for (size_t i = 0; i < queue->count; i++) {
        free(queue->objects[i].key);
    }
    free(queue->objects);
    queue->objects = NULL;
    queue->count = 0;
    queue->capacity = 0;
    queue->total_bytes = 0;
}

static void destroy_queue(void *resource)
{
    struct object_queue *queue = resource;
    clear_list(queue);
    pthread_mutex_destroy(&queue->lock);
    free(queue);
}

/* Each run of the step has its own. */
static void print_name(const struct sluice_host *host, char name[512])
{
    const struct sluice_run *run = sluice_this_run(host);
    snprintf(name, 512, "source-s3/%s/%s/%s/%016" PRIx64 "/%" PRIu64, run->pipeline, run->flow,
             run->step, run->nonce, run->run);
}

enum sluice_status object_queue_get(const struct sluice_host *host, struct object_queue **queue,
                                    struct sluice_error *error)
{
    char name[512];
    void *resource = NULL;
    print_name(host, name);
    enum sluice_status status = sluice_resource_get(host, name, make_queue, destroy_queue,
                                                    (void *)(uintptr_t)host, &resource, error);
    *queue = resource;
    return status;
}

void object_queue_release(const struct sluice_host *host)
{
    char name[512];
    print_name(host, name);
    sluice_resource_release(host, name);
}

/* ---- listing ---- */

struct listing {
    struct object_queue *queue;
    const struct source_options *options;
    const struct sluice_host *host;
    size_t prefix_size;
    int64_t since_ms;
    int64_t charged_bytes;
    size_t unfit; /* keys that do not fit `partition` */
};

static bool is_wanted(struct listing *listing, const char *key)
{
    const struct source_options *options = listing->options;
    int64_t end_ms;
    if (key_is_hidden(key) || (options->suffix && !key_has_suffix(key, options->suffix))) {
        return false;
    }
    if (options->within_ms == 0) {
        return true;
    }
    if (!partition_end_ms(options->partition, key, &end_ms)) {
        listing->unfit++;
        return true;
    }
    return end_ms > listing->since_ms;
}

static enum sluice_status no_memory(const struct listing *listing, struct sluice_error *error)
{
    return sluice_fail(listing->host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                       "no memory for a list of %zu objects: raise settings.memory, or narrow the "
                       "url or `within`",
                       listing->queue->count);
}

static bool charge(struct listing *listing, size_t bytes)
{
    if (!sluice_charge(listing->host, (int64_t)bytes)) {
        return false;
    }
    listing->charged_bytes += (int64_t)bytes;
    return true;
}

static bool grow_list(struct listing *listing)
{
    struct object_queue *queue = listing->queue;
    if (queue->count < queue->capacity) {
        return true;
    }
    size_t capacity = queue->capacity > 0 ? queue->capacity * 2 : 256;
    size_t item_size = sizeof *queue->objects;
    if (!charge(listing, (capacity - queue->capacity) * item_size)) {
        return false;
    }
    void *objects = realloc(queue->objects, capacity * item_size);
    if (!objects) {
        return false;
    }
    queue->objects = objects;
    queue->capacity = capacity;
    return true;
}

static enum sluice_status take_entry(void *user, const struct object_entry *entry,
                                     struct sluice_error *error)
{
    struct listing *listing = user;
    struct object_queue *queue = listing->queue;
    if (!is_wanted(listing, entry->key + listing->prefix_size)) {
        return SLUICE_OK;
    }
    size_t key_size = strlen(entry->key) + 1;
    size_t etag_size = strlen(entry->etag) + 1;
    char *strings = charge(listing, key_size + etag_size) ? malloc(key_size + etag_size) : NULL;
    if (!strings || !grow_list(listing)) {
        free(strings);
        return no_memory(listing, error);
    }
    memcpy(strings, entry->key, key_size);
    memcpy(strings + key_size, entry->etag, etag_size);
    queue->objects[queue->count++] =
        (struct queued_object){.key = strings, .etag = strings + key_size, .size = entry->size};
    queue->total_bytes += entry->size > 0 ? entry->size : 0;
    return SLUICE_OK;
}

static enum sluice_status list_all(struct listing *listing, struct object_store *store,
                                   struct sluice_error *error)
{
    const char *prefix = object_store_prefix(store);
    struct counted_text cursor;
    counted_init(&cursor, listing->host);
    listing->prefix_size = strlen(prefix);
    enum sluice_status status = SLUICE_OK;
    for (bool is_last = false; status == SLUICE_OK && !is_last;) {
        status = object_list(store, prefix, &cursor, &is_last, take_entry, listing, error);
    }
    counted_free(&cursor);
    return status;
}

static void tell_listed(const struct listing *listing)
{
    char count[24], bytes[24], unfit[24];
    snprintf(count, sizeof count, "%zu", listing->queue->count);
    snprintf(bytes, sizeof bytes, "%" PRId64, listing->queue->total_bytes);
    snprintf(unfit, sizeof unfit, "%zu", listing->unfit);
    const struct sluice_log_field fields[] = {{"objects", count}, {"bytes", bytes}};
    sluice_log(listing->host, SLUICE_LOG_DEBUG, fields, 2, "listed what is to be read");
    if (listing->unfit > 0) {
        const struct sluice_log_field field = {"objects", unfit};
        sluice_log(listing->host, SLUICE_LOG_WARN, &field, 1,
                   "some keys do not fit `partition`; they are read whatever their age");
    }
}

enum sluice_status object_queue_fill(struct object_queue *queue, struct object_store *store,
                                     const struct source_options *options,
                                     const struct sluice_host *host, int64_t *charged_bytes,
                                     struct sluice_error *error)
{
    struct listing listing = {.queue = queue,
                              .options = options,
                              .host = host,
                              .since_ms = sluice_now_ms(host) - options->within_ms};
    *charged_bytes = 0;
    pthread_mutex_lock(&queue->lock);
    enum sluice_status status = SLUICE_OK;
    if (!queue->is_listed) {
        status = list_all(&listing, store, error);
        queue->is_listed = status == SLUICE_OK;
        if (status == SLUICE_OK) {
            tell_listed(&listing);
        } else {
            clear_list(queue);
            sluice_charge(host, -listing.charged_bytes);
            listing.charged_bytes = 0;
        }
    }
    pthread_mutex_unlock(&queue->lock);
    *charged_bytes = listing.charged_bytes;
    return status;
}

/* ---- reading ---- */

const struct queued_object *object_queue_take(struct object_queue *queue, int held, int lane_count)
{
    const struct queued_object *object = NULL;
    pthread_mutex_lock(&queue->lock);
    size_t left = queue->count - queue->next;
    /* Fetching ahead must not keep the last objects from lanes that have none. */
    size_t fair = 1 + left / (2 * (size_t)(lane_count > 0 ? lane_count : 1));
    if (left > 0 && (held == 0 || (size_t)held < fair)) {
        object = &queue->objects[queue->next++];
    }
    pthread_mutex_unlock(&queue->lock);
    return object;
}

void object_queue_progress(struct object_queue *queue, int64_t bytes, int64_t *done, int64_t *total)
{
    *done = atomic_fetch_add(&queue->done_bytes, bytes) + bytes;
    *total = queue->total_bytes; /* written before any object was taken */
}
