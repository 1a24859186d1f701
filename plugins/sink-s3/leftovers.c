/* SPDX-License-Identifier: Apache-2.0 */
/* Drops uploads that nobody will complete: those of earlier attempts, and those that a creation
 * made whose answer never came.
 *
 * A request that a network holds back may reach the server long after its sender has given up or
 * has died. So one look is not enough: what is doubtful is looked for again after each commit,
 * until nothing can be under way any more. What comes later still is found by the next start. */
#include "sink_instance.h"

#include <string.h>

/* No request is believed to be under way longer than this. */
#define LATEST_ARRIVAL_MS ((int64_t)60 * 1000)

struct sink_doubt {
    struct sink_doubt *next;
    char *key;
    char *upload_id; /* the one that is in use; NULL: none is */
    int64_t since_ms;
};

/* ---- searching and dropping ---- */

struct search {
    const struct sink *sink;
    const char *key; /* uploads of this key … */
    const char *upload_id_in_use;
    const char *member; /* … or, where it is NULL, of this member */
    bool is_running;
    struct counted_text *found; /* key NUL id NUL, again and again */
};

static bool is_sought(const struct search *search, const struct object_entry *entry)
{
    if (search->key) {
        return strcmp(entry->key, search->key) == 0 &&
               !(search->upload_id_in_use &&
                 strcmp(entry->upload_id, search->upload_id_in_use) == 0);
    }
    const struct sluice_run *run = search->sink->run;
    uint64_t nonce = 0;
    return object_name_is_of(run, search->member, entry->key, &nonce) &&
           !(search->is_running && nonce == run->nonce);
}

static enum sluice_status take_found(void *user, const struct object_entry *entry,
                                     struct sluice_error *error)
{
    struct search *search = user;
    if (!is_sought(search, entry)) {
        return SLUICE_OK;
    }
    counted_add_bytes(search->found, entry->key, strlen(entry->key) + 1);
    counted_add_bytes(search->found, entry->upload_id, strlen(entry->upload_id) + 1);
    return counted_check(search->found, error);
}

static enum sluice_status find(struct search *search, struct sluice_error *error)
{
    struct object_store *store = search->sink->store;
    const char *prefix = search->key ? search->key : object_store_prefix(store);
    struct counted_text cursor;
    counted_init(&cursor, search->sink->host);
    enum sluice_status status = SLUICE_OK;
    for (bool is_last = false; status == SLUICE_OK && !is_last;) {
        status = object_list_uploads(store, prefix, &cursor, &is_last, take_found, search, error);
    }
    counted_free(&cursor);
    return status;
}

static enum sluice_status drop(struct sink *sink, const struct counted_text *found,
                               struct sluice_error *error)
{
    const char *end = counted_get(found) + found->buffer.size;
    enum sluice_status status = SLUICE_OK;
    for (const char *key = counted_get(found); key < end && status == SLUICE_OK;) {
        const char *id = key + strlen(key) + 1;
        status = object_upload_abort(sink->store, key, id, error);
        if (status == SLUICE_OK) {
            sluice_metric_add(sink->host, SINK_METRIC_ABORTED, NULL, 1);
        }
        key = id + strlen(id) + 1;
    }
    return status;
}

static enum sluice_status find_and_drop(struct sink *sink, struct search search,
                                        struct sluice_error *error)
{
    struct counted_text found;
    counted_init(&found, sink->host);
    search.sink = sink;
    search.found = &found;
    enum sluice_status status = find(&search, error);
    if (status == SLUICE_OK) {
        status = drop(sink, &found, error);
    }
    counted_free(&found);
    return status;
}

/* ---- earlier attempts ---- */

enum sluice_status leftovers_note(struct sink *sink, const char *member, bool is_running,
                                  struct sluice_error *error)
{
    struct search search = {
        .sink = sink, .member = member, .is_running = is_running, .found = &sink->leftovers};
    counted_clear(&sink->leftovers);
    if (sink->options->mode == SINK_APPEND) {
        return find(&search, error);
    }
    if (is_running) {
        return SLUICE_OK; /* the key is this run's */
    }
    struct counted_text key;
    counted_init(&key, sink->host);
    open_object_fixed_key(sink, &key);
    search.key = counted_get(&key);
    enum sluice_status status = counted_check(&key, error);
    if (status == SLUICE_OK) {
        status = find(&search, error);
    }
    counted_free(&key);
    return status;
}

enum sluice_status leftovers_drop_noted(struct sink *sink, struct sluice_error *error)
{
    return drop(sink, &sink->leftovers, error);
}

void leftovers_watch(struct sink *sink)
{
    /* The next run of a batch begins with a look of its own. */
    sink->is_watching = !sink->run->is_batch;
    sink->watched_since_ms = sluice_monotonic_ms(sink->host);
}

/* ---- creations in doubt ---- */

static struct sink_doubt *find_doubt(const struct sink *sink, const char *key)
{
    struct sink_doubt *doubt = sink->doubts;
    while (doubt && strcmp(doubt->key, key) != 0) {
        doubt = doubt->next;
    }
    return doubt;
}

static void free_doubt(struct sink *sink, struct sink_doubt *doubt)
{
    sluice_free(sink->host, doubt->key);
    sluice_free(sink->host, doubt->upload_id);
    sluice_free(sink->host, doubt);
}

void leftovers_free(struct sink *sink)
{
    while (sink->doubts) {
        struct sink_doubt *doubt = sink->doubts;
        sink->doubts = doubt->next;
        free_doubt(sink, doubt);
    }
    counted_free(&sink->leftovers);
}

bool leftovers_doubt(struct sink *sink, const char *key)
{
    struct sink_doubt *doubt = find_doubt(sink, key);
    if (!doubt) {
        doubt = sluice_alloc(sink->host, sizeof *doubt);
        if (!doubt) {
            return false;
        }
        *doubt = (struct sink_doubt){.next = sink->doubts};
        doubt->key = counted_copy(sink->host, key, strlen(key));
        if (!doubt->key) {
            free_doubt(sink, doubt);
            return false;
        }
        sink->doubts = doubt;
    }
    doubt->since_ms = sluice_monotonic_ms(sink->host);
    sluice_free(sink->host, doubt->upload_id);
    doubt->upload_id = NULL;
    return true;
}

bool leftovers_keep(struct sink *sink, const char *key, const char *upload_id)
{
    struct sink_doubt *doubt = find_doubt(sink, key);
    if (!doubt) {
        return true;
    }
    sluice_free(sink->host, doubt->upload_id);
    doubt->upload_id = counted_copy(sink->host, upload_id, strlen(upload_id));
    return doubt->upload_id != NULL;
}

static enum sluice_status drop_doubtful(struct sink *sink, const struct sink_doubt *doubt,
                                        struct sluice_error *error)
{
    return find_and_drop(
        sink, (struct search){.key = doubt->key, .upload_id_in_use = doubt->upload_id}, error);
}

enum sluice_status leftovers_drop_before_creation(struct sink *sink, const char *key,
                                                  struct sluice_error *error)
{
    const struct sink_doubt *doubt = find_doubt(sink, key);
    /* A key of mode append is this object's alone. That of replace is sure to be ours only when the
     * run has been decided. */
    return doubt && sink->options->mode == SINK_APPEND ? drop_doubtful(sink, doubt, error)
                                                       : SLUICE_OK;
}

/* In mode replace another process may run next; its own start looks for what comes later. */
static bool is_past(const struct sink *sink, int64_t since_ms, int64_t now_ms)
{
    return sink->options->mode == SINK_REPLACE || now_ms - since_ms >= LATEST_ARRIVAL_MS;
}

enum sluice_status leftovers_look_again(struct sink *sink, struct sluice_error *error)
{
    int64_t now_ms = sluice_monotonic_ms(sink->host);
    enum sluice_status status = SLUICE_OK;
    struct sink_doubt **at = &sink->doubts;
    while (*at && status == SLUICE_OK) {
        struct sink_doubt *doubt = *at;
        status = drop_doubtful(sink, doubt, error);
        if (status == SLUICE_OK && is_past(sink, doubt->since_ms, now_ms)) {
            *at = doubt->next;
            free_doubt(sink, doubt);
        } else {
            at = &doubt->next;
        }
    }
    if (status == SLUICE_OK && sink->is_watching) {
        status = find_and_drop(
            sink, (struct search){.member = sink->run->member, .is_running = true}, error);
        sink->is_watching = status != SLUICE_OK || !is_past(sink, sink->watched_since_ms, now_ms);
    }
    return status;
}
