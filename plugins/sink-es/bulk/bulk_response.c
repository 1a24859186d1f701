/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of an answer to a verdict for each item. */
#include "bulk/bulk_response.h"

#include <stdio.h>
#include <string.h>

struct error_type {
    const char *type;
    enum item_outcome outcome;
};

/* Error types that say more than the status beside them. */
static const struct error_type error_types[] = {
    {"es_rejected_execution_exception", ITEM_RETRY},
    {"rejected_execution_exception", ITEM_RETRY},
    {"circuit_breaking_exception", ITEM_RETRY},
    {"unavailable_shards_exception", ITEM_RETRY},
    {"cluster_block_exception", ITEM_RETRY}, /* 403 too: a full disk, a write block */
    {"process_cluster_event_timeout_exception", ITEM_RETRY},
    {"index_not_found_exception", ITEM_SETUP},
    {"index_closed_exception", ITEM_SETUP},
    {"validation_exception", ITEM_SETUP}, /* no room for another shard, say */
};

static bool is_retry_status(int status)
{
    return status == 408 || status == 425 || status == 429 ||
           (status >= 500 && status != 501 && status != 505);
}

static enum item_outcome judge_conflict(enum es_action action)
{
    switch (action) {
    case ES_CREATE:
        return ITEM_DUPLICATE;
    case ES_UPDATE:
        return ITEM_RETRY; /* another writer changed the document between read and write */
    case ES_INDEX:
        break;
    }
    return ITEM_CONFLICT;
}

static enum item_outcome judge_item(const struct item_result *result, enum es_action action)
{
    if (result->status >= 200 && result->status < 300) {
        return ITEM_DONE;
    }
    for (size_t i = 0; i < sizeof(error_types) / sizeof(error_types[0]); i++) {
        if (strcmp(result->type, error_types[i].type) == 0) {
            return error_types[i].outcome;
        }
    }
    if (result->status == 409) {
        return judge_conflict(action);
    }
    if (result->status == 401) {
        return ITEM_AUTH;
    }
    if (result->status == 403) {
        return ITEM_DENIED;
    }
    if (is_retry_status(result->status)) {
        return ITEM_RETRY;
    }
    bool is_missing_pipeline = strncmp(result->reason, "pipeline with id [", 18) == 0;
    return is_missing_pipeline ? ITEM_SETUP : ITEM_REJECT;
}

static bool skip(const char **at, const char *end, const char *text)
{
    size_t size = strlen(text);
    bool is_it = (size_t)(end - *at) >= size && memcmp(*at, text, size) == 0;
    *at += is_it ? size : 0;
    return is_it;
}

/* {"index":{"status":201}}, with any action. */
static bool skip_done_item(const char **at, const char *end, struct item_result *result)
{
    if (!skip(at, end, "{\"")) {
        return false;
    }
    while (*at < end && **at >= 'a' && **at <= 'z') {
        (*at)++;
    }
    if (!skip(at, end, "\":{\"status\":2") || end - *at < 2) {
        return false;
    }
    unsigned tens = (unsigned)((*at)[0] - '0');
    unsigned ones = (unsigned)((*at)[1] - '0');
    *at += 2;
    *result = (struct item_result){
        .outcome = ITEM_DONE, .status = 200 + (int)(tens * 10 + ones), .type = "", .reason = ""};
    return tens <= 9 && ones <= 9 && skip(at, end, "}}");
}

bool bulk_response_is_all_done(const char *body, size_t size, size_t count,
                               struct item_result *results)
{
    const char *at = body;
    const char *end = body + size;
    if (!skip(&at, end, "{\"errors\":false,\"items\":[")) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if ((i > 0 && !skip(&at, end, ",")) || !skip_done_item(&at, end, &results[i])) {
            return false;
        }
    }
    return skip(&at, end, "]}") && at == end;
}

static const char *text_or_empty(const json_t *text)
{
    return json_is_string(text) ? json_string_value(text) : "";
}

/* {"index":{"status":201}} or {"index":{"status":400,"error":{"type":…,"reason":…}}} */
static bool read_item(json_t *item, enum es_action action, struct item_result *result)
{
    void *only = json_object_iter(item);
    json_t *details = only ? json_object_iter_value(only) : NULL;
    json_t *status = json_object_get(details, "status");
    if (!json_is_integer(status)) {
        return false;
    }
    json_t *error = json_object_get(details, "error");
    result->status = (int)json_integer_value(status);
    result->type = text_or_empty(json_object_get(error, "type"));
    result->reason =
        text_or_empty(json_is_string(error) ? error : json_object_get(error, "reason"));
    result->outcome = judge_item(result, action);
    return true;
}

bool bulk_response_read(const char *body, size_t size, size_t count, enum es_action action,
                        struct item_result *results, json_t **root)
{
    json_error_t problem;
    *root = json_loadb(body, size, 0, &problem);
    json_t *items = json_object_get(*root, "items");
    bool is_whole = json_is_array(items) && json_array_size(items) == count;
    for (size_t i = 0; is_whole && i < count; i++) {
        is_whole = read_item(json_array_get(items, i), action, &results[i]);
    }
    if (!is_whole) {
        json_decref(*root);
        *root = NULL;
    }
    return is_whole;
}

static bool is_overtaken(const struct bulk *bulk, const struct item_result *results, size_t item)
{
    const struct bulk_item *early = &bulk->items[item];
    for (size_t i = item + 1; i < bulk->item_count; i++) {
        const struct bulk_item *late = &bulk->items[i];
        bool is_twin = late->key.low == early->key.low && late->key.high == early->key.high;
        if (!is_twin) {
            continue;
        }
        /* A conflict can stem from the later item itself, applied when an earlier answer to the
         * same body was lost. */
        if (results[item].outcome == ITEM_CONFLICT && late->version > early->version) {
            return true;
        }
        if (results[item].outcome == ITEM_RETRY && results[i].outcome == ITEM_DONE &&
            late->version >= early->version) {
            return true;
        }
    }
    return false;
}

void bulk_response_settle_twins(const struct bulk *bulk, struct item_result *results)
{
    if (!bulk->has_twins) {
        return;
    }
    for (size_t i = 0; i < bulk->item_count; i++) {
        bool is_open = results[i].outcome == ITEM_RETRY || results[i].outcome == ITEM_CONFLICT;
        if (is_open && bulk->items[i].id_size > 0 && is_overtaken(bulk, results, i)) {
            results[i].outcome = ITEM_DONE;
        }
    }
}

static void copy_line(const char *bytes, size_t size, char *line, size_t line_size)
{
    size_t length = 0;
    for (size_t i = 0; i < size && length + 1 < line_size; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        line[length++] = byte < ' ' || byte == 0x7f ? ' ' : (char)byte;
    }
    line[length] = '\0';
}

void bulk_response_reason(const char *body, size_t size, char *reason, size_t reason_size)
{
    json_error_t problem;
    json_t *root = json_loadb(body, size, JSON_DISABLE_EOF_CHECK, &problem);
    json_t *error = json_object_get(root, "error");
    const char *type = text_or_empty(json_object_get(error, "type"));
    const char *text =
        text_or_empty(json_is_string(error) ? error : json_object_get(error, "reason"));
    if (type[0] || text[0]) {
        char line[1024];
        int length =
            snprintf(line, sizeof(line), "%s%s%s", type, type[0] && text[0] ? ": " : "", text);
        size_t line_size = length < (int)sizeof(line) ? (size_t)length : sizeof(line) - 1;
        copy_line(line, line_size, reason, reason_size);
    } else {
        copy_line(body, size < 300 ? size : 300, reason, reason_size);
    }
    json_decref(root);
}
