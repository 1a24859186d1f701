/* SPDX-License-Identifier: Apache-2.0 */
/* Makes staged uploads visible, each exactly once, and drops uploads that no decided checkpoint
 * names. */
#include "sink_instance.h"

#include <string.h>

static bool is_ours(const struct staged_object *staged, const struct object_head *head)
{
    if (head->token[0] && strcmp(head->token, staged->token) == 0) {
        return true;
    }
    return head->size == staged->bytes && object_etag_equal(head->etag, staged->etag);
}

/* The upload is gone, or the key is taken. Either an earlier call did it and its answer was lost,
 * or the rows of this object are. */
static enum sluice_status settle(struct sink *sink, const struct staged_object *staged,
                                 enum object_outcome outcome, struct sluice_error *error)
{
    struct object_head head;
    enum object_outcome found;
    enum sluice_status status = object_head(sink->store, staged->key, &head, &found, error);
    if (status != SLUICE_OK) {
        return status;
    }
    if (found == OBJECT_DONE && is_ours(staged, &head)) {
        return outcome == OBJECT_CHANGED
                   ? object_upload_abort(sink->store, staged->key, staged->upload_id, error)
                   : SLUICE_OK;
    }
    if (found == OBJECT_ABSENT) {
        sluice_fail(sink->host, error, SLUICE_FATAL, SLUICE_CODE_DELIVERY_FAILED,
                    "the staged upload of %lld rows is gone and its object does not exist: it was "
                    "aborted by somebody or by a lifecycle rule for incomplete uploads, or the "
                    "object was deleted",
                    (long long)staged->rows);
    } else {
        sluice_fail(sink->host, error, SLUICE_FATAL, SLUICE_CODE_CONFLICT,
                    "the key of %lld staged rows is taken by another object: does another "
                    "pipeline write to it?",
                    (long long)staged->rows);
    }
    sluice_error_at(sink->host, error, SLUICE_AT_OBJECT, "%s", staged->key);
    return SLUICE_FATAL;
}

static enum sluice_status complete(struct sink *sink, const struct staged_object *staged,
                                   bool is_new, enum object_outcome *outcome,
                                   struct sluice_error *error)
{
    const struct object_upload upload = {
        .key = staged->key, .id = staged->upload_id, .token = staged->token};
    if (staged->part_count == 0) {
        return object_put(sink->store, &upload, "", 0, is_new, outcome, error);
    }
    return object_upload_complete(sink->store, &upload, staged->parts, staged->part_count, is_new,
                                  outcome, error);
}

static enum sluice_status commit_object(struct sink *sink, const struct staged_object *staged,
                                        struct sluice_error *error)
{
    enum object_outcome outcome;
    bool is_new = sink->options->mode == SINK_APPEND && sink->is_conditional;
    enum sluice_status status = complete(sink, staged, is_new, &outcome, error);
    if (status == SLUICE_OK && outcome == OBJECT_UNSUPPORTED && is_new &&
        sink->options->if_none_match == SINK_CONDITION_AUTO) {
        sluice_log(sink->host, SLUICE_LOG_INFO, NULL, 0,
                   "the server does not know If-None-Match; objects are written without it");
        sink->is_conditional = false;
        status = complete(sink, staged, false, &outcome, error);
    }
    if (status != SLUICE_OK) {
        return status;
    }
    switch (outcome) {
    case OBJECT_DONE:
        break;
    case OBJECT_NO_UPLOAD:
    case OBJECT_CHANGED:
        return settle(sink, staged, outcome, error);
    case OBJECT_BUSY:
        status =
            sluice_fail(sink->host, error, SLUICE_RETRY, SLUICE_CODE_CONFLICT,
                        "the store is still busy with an earlier completion of %s", staged->key);
        break;
    case OBJECT_ABSENT:
    case OBJECT_UNSUPPORTED:
        status = sluice_fail(sink->host, error, SLUICE_FATAL, SLUICE_CODE_HTTP_STATUS,
                             "the store cannot complete the upload of %s%s", staged->key,
                             is_new ? ": set if_none_match to never" : "");
        break;
    }
    return status;
}

enum sluice_status commit_staged(struct sink *sink, const struct staged_list *list,
                                 struct sluice_error *error)
{
    enum sluice_status status = SLUICE_OK;
    for (size_t i = 0; i < list->count && status == SLUICE_OK; i++) {
        const struct staged_object *staged = &list->objects[i];
        status = commit_object(sink, staged, error);
        if (status == SLUICE_OK) {
            sluice_metric_add(sink->host, SINK_METRIC_OBJECTS, NULL, 1);
            sluice_metric_add(sink->host, SINK_METRIC_BYTES, NULL, (double)staged->bytes);
        }
    }
    return status;
}

/* ---- leftovers ---- */

struct leftovers {
    struct sink *sink;
    const char *member;
    bool is_running;
    const char *fixed_key;      /* mode replace */
    struct counted_text *found; /* key NUL id NUL, again and again */
};

static enum sluice_status take_leftover(void *user, const struct object_entry *entry,
                                        struct sluice_error *error)
{
    struct leftovers *leftovers = user;
    const struct sluice_run *run = leftovers->sink->run;
    uint64_t nonce = 0;
    bool is_match = leftovers->fixed_key
                        ? !leftovers->is_running && strcmp(entry->key, leftovers->fixed_key) == 0
                        : object_name_is_of(run, leftovers->member, entry->key, &nonce) &&
                              !(leftovers->is_running && nonce == run->nonce);
    if (!is_match) {
        return SLUICE_OK;
    }
    counted_add_bytes(leftovers->found, entry->key, strlen(entry->key) + 1);
    counted_add_bytes(leftovers->found, entry->upload_id, strlen(entry->upload_id) + 1);
    return counted_check(leftovers->found, error);
}

enum sluice_status commit_note_leftovers(struct sink *sink, const char *member, bool is_running,
                                         struct sluice_error *error)
{
    struct leftovers leftovers = {
        .sink = sink, .member = member, .is_running = is_running, .found = &sink->leftovers};
    struct counted_text cursor, fixed_key;
    counted_init(&cursor, sink->host);
    counted_init(&fixed_key, sink->host);
    counted_clear(&sink->leftovers);
    const char *prefix = object_store_prefix(sink->store);
    if (sink->options->mode == SINK_REPLACE) {
        open_object_fixed_key(sink, &fixed_key);
        leftovers.fixed_key = prefix = counted_get(&fixed_key);
    }
    enum sluice_status status = counted_check(&fixed_key, error);
    for (bool is_last = false; status == SLUICE_OK && !is_last;) {
        status = object_list_uploads(sink->store, prefix, &cursor, &is_last, take_leftover,
                                     &leftovers, error);
    }
    counted_free(&fixed_key);
    counted_free(&cursor);
    return status;
}

static enum sluice_status drop_found(struct sink *sink, const struct counted_text *found,
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

enum sluice_status commit_drop_noted(struct sink *sink, struct sluice_error *error)
{
    return drop_found(sink, &sink->leftovers, error);
}

enum sluice_status commit_drop_uploads_of(struct sink *sink, const char *key,
                                          struct sluice_error *error)
{
    struct counted_text found, cursor;
    struct leftovers leftovers = {.sink = sink, .fixed_key = key, .found = &found};
    counted_init(&found, sink->host);
    counted_init(&cursor, sink->host);
    bool is_last = false;
    enum sluice_status status = SLUICE_OK;
    while (status == SLUICE_OK && !is_last) {
        status = object_list_uploads(sink->store, key, &cursor, &is_last, take_leftover, &leftovers,
                                     error);
    }
    if (status == SLUICE_OK) {
        status = drop_found(sink, &found, error);
    }
    counted_free(&cursor);
    counted_free(&found);
    return status;
}
