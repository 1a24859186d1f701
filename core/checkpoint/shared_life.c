/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin's store from its making to its end. */
#include "checkpoint/shared.h"

#include "data/data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void describe_writer(struct shared_store *store)
{
    char host[65] = "";
    char since[40] = "";
    gethostname(host, sizeof host - 1);
    for (char *c = host; *c; c++)
        if (*c <= ' ' || *c >= 0x7f)
            *c = '_';
    format_timestamp(clock_wall_us(), since);
    snprintf(store->token, sizeof store->token, "%016llx%016llx", (unsigned long long)random_seed(),
             (unsigned long long)random_seed());
    snprintf(store->writer, sizeof store->writer, "%s host %s, process %ld, since %s", store->token,
             host, (long)getpid(), since);
}

struct state_store *state_store_shared(const struct state_plugin *plugin)
{
    struct shared_store *store = calloc(1, sizeof *store);
    if (!store)
        return NULL;
    pthread_mutex_init(&store->lock, NULL);
    store->base.kind = &shared_kind;
    store->calls = plugin->calls;
    store->instance = plugin->instance;
    store->host = plugin->host;
    atomic_store(&store->retry_limit_ms, plugin->retry_limit_ms);
    store->place = strdup(plugin->place);
    store->pipeline = strdup(plugin->pipeline);
    describe_writer(store);
    if (store->place && store->pipeline)
        return &store->base;
    state_store_destroy(&store->base);
    return NULL;
}

void state_store_destroy(struct state_store *base)
{
    if (!base || base->kind != &shared_kind)
        return;
    struct shared_store *store = (struct shared_store *)base;
    pthread_mutex_destroy(&store->lock);
    free(store->place);
    free(store->pipeline);
    free(store);
}

void state_store_cancel(struct state_store *base)
{
    if (!base || base->kind != &shared_kind)
        return;
    struct shared_store *store = (struct shared_store *)base;
    atomic_store(&store->is_cancelled, true);
    if (store->calls->cancel)
        store->calls->cancel(store->instance);
}

void state_store_limit(struct state_store *base, int64_t retry_limit_ms)
{
    if (base->kind == &shared_kind)
        atomic_store(&((struct shared_store *)base)->retry_limit_ms, retry_limit_ms);
}

/* With the note in place, a second one that must be new has to be refused: there are servers that
 * do not know the condition and overwrite in silence. */
static enum sluice_status try_condition(struct shared_store *store, const char *key,
                                        struct sluice_error *error)
{
    struct text other = {0};
    bool is_done = false;
    text_printf(&other, "%s, trying whether this is refused\n", store->writer);
    enum sluice_status status = shared_put(store, key, &other, true, &is_done, error);
    if (status == SLUICE_OK && is_done)
        status = error_set(error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                           "the store of %s overwrites what must not be there yet: it does not "
                           "know conditional writes, without which it cannot hold state",
                           store->place);
    text_reset(&other);
    return status;
}

enum sluice_status state_store_begin(struct state_store *base, const char *pipeline_folder,
                                     const char *member, struct sluice_error *error)
{
    if (base->kind != &shared_kind)
        return SLUICE_OK;
    struct shared_store *store = (struct shared_store *)base;
    struct text key = {0};
    struct text note = {0};
    bool is_done = false;
    text_printf(&key, "%s/members/%s/owner", pipeline_folder, member);
    text_printf(&note, "%s\n", store->writer);
    enum sluice_status status = shared_open(store, error);
    if (status == SLUICE_OK)
        status = shared_put(store, text_get(&key), &note, false, &is_done, error);
    if (status == SLUICE_OK)
        status = try_condition(store, text_get(&key), error);
    text_reset(&key);
    text_reset(&note);
    return status;
}
