/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_store.h"

#include <stdlib.h>
#include <string.h>

static void free_buffer(sluice_host_ref host, struct sluice_buffer *buffer)
{
    (void)host;
    free(buffer->data);
    *buffer = (struct sluice_buffer){0};
}

static const struct sluice_host_table table = {.struct_size = sizeof table,
                                               .buffer_free = free_buffer};
static const struct sluice_host host = {&table};

static size_t find(const struct fake_store *fake, const char *key)
{
    size_t at = 0;
    while (at < fake->count && strcmp(fake->keys[at], key) != 0)
        at++;
    return at;
}

struct text *fake_find(struct fake_store *fake, const char *key)
{
    size_t at = find(fake, key);
    return at < fake->count ? &fake->values[at] : NULL;
}

/* What this call suffers. */
static enum fake_fault begin_call(struct fake_store *fake)
{
    int call = ++fake->calls;
    if (fake->other && call == fake->other_at) {
        void (*other)(void *) = fake->other;
        fake->other = NULL;
        other(fake->user);
    }
    return call == fake->fault_at ? fake->fault : FAKE_NONE;
}

static enum sluice_status answer(enum fake_fault fault, struct sluice_error *error)
{
    if (fault == FAKE_NONE)
        return SLUICE_OK;
    if (fault == FAKE_FORBIDDEN)
        return error_set(error, SLUICE_CONFIG, SLUICE_CODE_PERMISSION_DENIED, "forbidden");
    return error_set(error, SLUICE_RETRY, SLUICE_CODE_UNAVAILABLE, "not now");
}

static bool is_before_work(enum fake_fault fault)
{
    return fault == FAKE_REFUSED || fault == FAKE_FORBIDDEN;
}

static enum sluice_status get(void *instance, const char *key, struct sluice_buffer *bytes,
                              bool *is_there, struct sluice_error *error)
{
    struct fake_store *fake = instance;
    enum fake_fault fault = begin_call(fake);
    const struct text *value = fake_find(fake, key);
    *is_there = value != NULL;
    if (value && fault == FAKE_NONE) {
        bytes->data = malloc(value->size + 1);
        bytes->size = value->size;
        memcpy(bytes->data, text_get(value), value->size);
    }
    return answer(fault, error);
}

static enum sluice_status put(void *instance, const char *key, struct sluice_string bytes,
                              bool must_be_new, bool *is_done, struct sluice_error *error)
{
    struct fake_store *fake = instance;
    enum fake_fault fault = begin_call(fake);
    size_t at = find(fake, key);
    *is_done = at == fake->count || !must_be_new || fake->is_blind;
    if (*is_done && !is_before_work(fault)) {
        if (at == fake->count)
            fake->keys[fake->count++] = strdup(key);
        text_clear(&fake->values[at]);
        text_append_bytes(&fake->values[at], bytes.bytes, bytes.size);
    }
    return answer(fault, error);
}

static enum sluice_status list(void *instance, const char *prefix, sluice_key_visit visit,
                               void *user, struct sluice_error *error)
{
    struct fake_store *fake = instance;
    enum fake_fault fault = begin_call(fake);
    enum sluice_status status = SLUICE_OK;
    for (size_t i = 0; i < fake->count && status == SLUICE_OK; i++)
        if (strncmp(fake->keys[i], prefix, strlen(prefix)) == 0)
            status = visit(user, fake->keys[i], error);
    return status == SLUICE_OK ? answer(fault, error) : status;
}

static enum sluice_status drop(void *instance, const char *key, struct sluice_error *error)
{
    struct fake_store *fake = instance;
    enum fake_fault fault = begin_call(fake);
    size_t at = find(fake, key);
    if (at < fake->count && !is_before_work(fault)) {
        free(fake->keys[at]);
        text_reset(&fake->values[at]);
        fake->count--;
        fake->keys[at] = fake->keys[fake->count];
        fake->values[at] = fake->values[fake->count];
        fake->values[fake->count] = (struct text){0};
    }
    return answer(fault, error);
}

const struct sluice_state_store fake_calls = {
    .struct_size = sizeof fake_calls, .get = get, .put = put, .list = list, .remove = drop};

struct state_store *fake_open(struct fake_store *fake)
{
    const struct state_plugin plugin = {.calls = &fake_calls,
                                        .instance = fake,
                                        .host = &host,
                                        .place = "fake://store",
                                        .pipeline = "p",
                                        .retry_limit_ms = 60000};
    return state_store_shared(&plugin);
}

void fake_reset(struct fake_store *fake)
{
    for (size_t i = 0; i < fake->count; i++) {
        free(fake->keys[i]);
        text_reset(&fake->values[i]);
    }
    *fake = (struct fake_store){0};
}

static int compare(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

void fake_list(const struct fake_store *fake, struct text *text)
{
    char *keys[FAKE_KEYS];
    memcpy(keys, fake->keys, sizeof keys);
    qsort(keys, fake->count, sizeof *keys, compare);
    for (size_t i = 0; i < fake->count; i++)
        text_printf(text, "%s ", keys[i]);
}
