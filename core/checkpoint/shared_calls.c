/* SPDX-License-Identifier: Apache-2.0 */
/* Calls on a plugin's store: one at a time, and again after a backoff where it says RETRY. */
#include "checkpoint/shared.h"

#include "telemetry/log.h"

#include <string.h>
#include <time.h>

enum { BACKOFF_FIRST_MS = 100, BACKOFF_MOST_MS = 10000, LOG_EVERY_MS = 10000, NAP_MS = 50 };

/* One call that may be repeated. */
struct attempt {
    struct shared_store *store;
    struct sluice_error *error;
    int count;
    int64_t first_ms;
    int64_t logged_ms;
};

/* Full jitter, as for every other call (runtime/retry.c). */
static int64_t backoff_ms(const struct attempt *attempt)
{
    int doublings = attempt->count < 7 ? attempt->count : 7;
    int64_t bound = (int64_t)BACKOFF_FIRST_MS << doublings;
    if (bound > BACKOFF_MOST_MS)
        bound = BACKOFF_MOST_MS;
    int64_t wait = 1 + (int64_t)(random_seed() % (uint64_t)bound);
    int64_t asked = error_retry_after_ms(attempt->error);
    return asked > wait ? asked : wait;
}

/* Sleeps in naps, so that a cancelled store gives up soon. */
static bool sleep_until(const struct shared_store *store, int64_t wake_ms)
{
    for (;;) {
        int64_t left_ms = wake_ms - clock_monotonic_ms();
        if (atomic_load(&store->is_cancelled) || left_ms <= 0)
            return !atomic_load(&store->is_cancelled);
        int64_t nap_ms = left_ms < NAP_MS ? left_ms : NAP_MS;
        nanosleep(&(struct timespec){.tv_nsec = nap_ms * 1000000}, NULL);
    }
}

static enum sluice_status give_up(const struct attempt *attempt, int64_t waited_ms)
{
    struct text text = {0};
    error_format(attempt->error, &text);
    enum sluice_code code = error_code(attempt->error);
    error_set(attempt->error, SLUICE_FATAL, code, "the state in %s: gave up after %lld s: %s",
              attempt->store->place, (long long)(waited_ms / 1000), text_get(&text));
    text_reset(&text);
    return SLUICE_FATAL;
}

/* Whether to call again, once the backoff is over; otherwise *status is what to return. */
static bool repeats(struct attempt *attempt, enum sluice_status *status)
{
    if (*status != SLUICE_RETRY)
        return false;
    struct shared_store *store = attempt->store;
    int64_t now_ms = clock_monotonic_ms();
    if (attempt->count == 0)
        attempt->first_ms = now_ms;
    if (attempt->count == 0 || now_ms - attempt->logged_ms >= LOG_EVERY_MS) {
        struct log_scope scope = {.pipeline = store->pipeline};
        log_error(SLUICE_LOG_WARN, &scope, attempt->error, "the state store: trying again");
        attempt->logged_ms = now_ms;
    }
    int64_t limit_ms = atomic_load(&store->retry_limit_ms);
    if (limit_ms > 0 && now_ms - attempt->first_ms >= limit_ms) {
        *status = give_up(attempt, now_ms - attempt->first_ms);
        return false;
    }
    if (!sleep_until(store, now_ms + backoff_ms(attempt))) {
        *status = error_set(attempt->error, SLUICE_FATAL, SLUICE_CODE_CANCELLED,
                            "the run is being stopped");
        return false;
    }
    attempt->count++;
    error_reset(attempt->error);
    return true;
}

enum sluice_status shared_open(struct shared_store *store, struct sluice_error *error)
{
    struct attempt attempt = {.store = store, .error = error};
    enum sluice_status status = SLUICE_OK;
    do {
        pthread_mutex_lock(&store->lock);
        status = store->calls->open ? store->calls->open(store->instance, error) : SLUICE_OK;
        pthread_mutex_unlock(&store->lock);
    } while (repeats(&attempt, &status));
    return status;
}

enum sluice_status shared_get(struct shared_store *store, const char *key, struct text *bytes,
                              bool *is_there, struct sluice_error *error)
{
    struct attempt attempt = {.store = store, .error = error};
    enum sluice_status status = SLUICE_OK;
    do {
        struct sluice_buffer buffer = {0};
        text_clear(bytes);
        *is_there = false;
        pthread_mutex_lock(&store->lock);
        status = store->calls->get(store->instance, key, &buffer, is_there, error);
        pthread_mutex_unlock(&store->lock);
        if (status == SLUICE_OK && buffer.size > 0)
            text_append_bytes(bytes, buffer.data, buffer.size);
        store->host->table->buffer_free(store->host, &buffer);
    } while (repeats(&attempt, &status));
    if (status == SLUICE_OK && bytes->has_failed)
        status = error_set(error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                           "no memory to read %s/%s", store->place, key);
    return status;
}

/* The key is there: whether by a call of our own whose answer was lost. */
static enum sluice_status is_ours(struct shared_store *store, const char *key,
                                  const struct text *bytes, bool *is_done,
                                  struct sluice_error *error)
{
    struct text found = {0};
    bool is_there = false;
    enum sluice_status status = shared_get(store, key, &found, &is_there, error);
    *is_done = status == SLUICE_OK && is_there && found.size == bytes->size &&
               memcmp(text_get(&found), text_get(bytes), bytes->size) == 0;
    text_reset(&found);
    return status;
}

enum sluice_status shared_put(struct shared_store *store, const char *key, const struct text *bytes,
                              bool must_be_new, bool *is_done, struct sluice_error *error)
{
    struct attempt attempt = {.store = store, .error = error};
    struct sluice_string string = {text_get(bytes), bytes->size};
    enum sluice_status status = SLUICE_OK;
    do {
        *is_done = false;
        pthread_mutex_lock(&store->lock);
        status = store->calls->put(store->instance, key, string, must_be_new, is_done, error);
        pthread_mutex_unlock(&store->lock);
    } while (repeats(&attempt, &status));
    if (status == SLUICE_OK && !*is_done)
        status = is_ours(store, key, bytes, is_done, error);
    return status;
}

static enum sluice_status add_key(void *user, const char *key, struct sluice_error *error)
{
    struct key_list *list = user;
    text_append_bytes(&list->keys, key, strlen(key) + 1);
    if (list->keys.has_failed)
        return error_set(error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                         "no memory to list the state");
    return SLUICE_OK;
}

enum sluice_status shared_list(struct shared_store *store, const char *prefix,
                               struct key_list *list, struct sluice_error *error)
{
    struct attempt attempt = {.store = store, .error = error};
    enum sluice_status status = SLUICE_OK;
    do {
        text_clear(&list->keys);
        pthread_mutex_lock(&store->lock);
        status = store->calls->list(store->instance, prefix, add_key, list, error);
        pthread_mutex_unlock(&store->lock);
    } while (repeats(&attempt, &status));
    return status;
}

enum sluice_status shared_remove(struct shared_store *store, const char *key,
                                 struct sluice_error *error)
{
    struct attempt attempt = {.store = store, .error = error};
    enum sluice_status status = SLUICE_OK;
    do {
        pthread_mutex_lock(&store->lock);
        status = store->calls->remove(store->instance, key, error);
        pthread_mutex_unlock(&store->lock);
    } while (repeats(&attempt, &status));
    return status;
}

const char *key_list_next(const struct key_list *list, size_t *at)
{
    if (*at >= list->keys.size)
        return NULL;
    const char *key = list->keys.data + *at;
    *at += strlen(key) + 1;
    return key;
}

void key_list_reset(struct key_list *list)
{
    text_reset(&list->keys);
}
