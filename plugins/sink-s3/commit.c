/* SPDX-License-Identifier: Apache-2.0 */
/* Makes staged uploads visible, each exactly once. */
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
