/* SPDX-License-Identifier: Apache-2.0 */
/* Documents to the lines of a _bulk body. */
#include "bulk/bulk_request.h"

#include "bulk/json_text.h"

#include <sluice/batch.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Bytes of an item's lines beside index, id and document. */
#define LINE_OVERHEAD 128

static const char *const action_names[] = {"index", "create", "update"};

enum sluice_status bulk_init(struct bulk *bulk, const struct sluice_host *host,
                             enum es_action action, size_t item_limit, struct sluice_error *error)
{
    memset(bulk, 0, sizeof(*bulk));
    bulk->host = host;
    bulk->action = action;
    bulk->item_limit = item_limit;
    bulk->items = sluice_alloc(host, item_limit * sizeof(struct bulk_item));
    if (!bulk->items || id_set_init(host, &bulk->ids, item_limit) != SLUICE_OK) {
        bulk_reset(bulk);
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                           "the memory budget has no room for bulk requests of %zu rows; raise "
                           "settings.memory or lower bulk_rows or in_flight",
                           item_limit);
    }
    return SLUICE_OK;
}

void bulk_reset(struct bulk *bulk)
{
    if (!bulk->host) {
        return;
    }
    bulk_clear(bulk);
    sluice_buffer_free(bulk->host, &bulk->body);
    sluice_free(bulk->host, bulk->items);
    sluice_free(bulk->host, bulk->batches);
    id_set_reset(bulk->host, &bulk->ids);
    memset(bulk, 0, sizeof(*bulk));
}

void bulk_clear(struct bulk *bulk)
{
    for (size_t i = 0; i < bulk->batch_count; i++) {
        sluice_batch_release(bulk->host, bulk->batches[i]);
    }
    bulk->batch_count = 0;
    bulk->item_count = 0;
    bulk->body.size = 0;
    bulk->has_twins = false;
    id_set_clear(&bulk->ids);
}

bool bulk_has_room(const struct bulk *bulk, const struct document *document, size_t byte_limit)
{
    size_t size = LINE_OVERHEAD + document->index.size + document->id.size + document->json.size;
    return bulk->item_count == 0 ||
           (bulk->item_count < bulk->item_limit && bulk->body.size + size <= byte_limit);
}

/* ---- writing: room was reserved before ---- */

static void put(struct sluice_buffer *body, const char *bytes, size_t size)
{
    memcpy(body->data + body->size, bytes, size);
    body->size += size;
}

static void put_text(struct sluice_buffer *body, const char *text)
{
    put(body, text, strlen(text));
}

static void put_action(struct bulk *bulk, struct bulk_item *item, const struct document *document,
                       bool has_index)
{
    struct sluice_buffer *body = &bulk->body;
    const char *separator = "";
    put_text(body, "{\"");
    put_text(body, action_names[bulk->action]);
    put_text(body, "\":{");
    if (has_index) {
        put_text(body, "\"_index\":\"");
        item->index_start = (uint32_t)(body->size - item->start);
        json_put_escaped(body, document->index);
        item->index_size = (uint32_t)(body->size - item->start) - item->index_start;
        put_text(body, "\"");
        separator = ",";
    }
    if (document->id.size > 0) {
        put_text(body, separator);
        put_text(body, "\"_id\":\"");
        item->id_start = (uint32_t)(body->size - item->start);
        json_put_escaped(body, document->id);
        item->id_size = (uint32_t)(body->size - item->start) - item->id_start;
        put_text(body, "\"");
        separator = ",";
    }
    if (document->has_version) {
        put_text(body, separator);
        body->size += (size_t)snprintf(body->data + body->size, LINE_OVERHEAD,
                                       "\"version\":%" PRId64 ",\"version_type\":\"external_gte\"",
                                       document->version);
    }
    put_text(body, "}}\n");
}

static void put_document(struct bulk *bulk, const struct document *document)
{
    if (bulk->action == ES_UPDATE) {
        put_text(&bulk->body, "{\"doc\":");
    }
    put(&bulk->body, document->json.bytes, document->json.size);
    put_text(&bulk->body, bulk->action == ES_UPDATE ? ",\"doc_as_upsert\":true}\n" : "\n");
}

/* ---- adding and dropping ---- */

static bool retain_batch(struct bulk *bulk, const struct sluice_batch *batch)
{
    if (bulk->batch_count > 0 && bulk->batches[bulk->batch_count - 1] == batch) {
        return true;
    }
    if (bulk->batch_count == bulk->batch_capacity) {
        size_t capacity = bulk->batch_capacity ? bulk->batch_capacity * 2 : 16;
        const struct sluice_batch **grown =
            sluice_resize(bulk->host, (void *)bulk->batches, capacity * sizeof(*grown));
        if (!grown) {
            return false;
        }
        bulk->batches = grown;
        bulk->batch_capacity = capacity;
    }
    sluice_batch_retain(bulk->host, batch);
    bulk->batches[bulk->batch_count++] = batch;
    return true;
}

static bool reserve_body(struct bulk *bulk, const struct document *document)
{
    size_t size = 2 * (size_t)LINE_OVERHEAD + document->json.size +
                  JSON_ESCAPED_SIZE * (document->index.size + document->id.size);
    if (bulk->body.capacity - bulk->body.size >= size) {
        return true;
    }
    size_t extra = size > bulk->body.size ? size : bulk->body.size;
    return sluice_buffer_reserve(bulk->host, &bulk->body, extra) == SLUICE_OK ||
           sluice_buffer_reserve(bulk->host, &bulk->body, size) == SLUICE_OK;
}

enum sluice_status bulk_add(struct bulk *bulk, const struct document *document, bool has_index,
                            struct sluice_error *error)
{
    if (!reserve_body(bulk, document) || !retain_batch(bulk, document->batch)) {
        return sluice_fail(bulk->host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                           "the memory budget has no room for a bulk request; raise "
                           "settings.memory or lower bulk_bytes or in_flight");
    }
    struct bulk_item *item = &bulk->items[bulk->item_count++];
    *item = (struct bulk_item){.version = document->version,
                               .row = document->row,
                               .batch = bulk->batch_count - 1,
                               .start = bulk->body.size};
    if (document->id.size > 0) {
        item->key = document_key(document->index, document->id);
        bulk->has_twins = !id_set_add(&bulk->ids, item->key.low) || bulk->has_twins;
    }
    put_action(bulk, item, document, has_index);
    put_document(bulk, document);
    item->size = bulk->body.size - item->start;
    return SLUICE_OK;
}

bool bulk_has_key(const struct bulk *bulk, struct document_key key)
{
    return id_set_has(&bulk->ids, key.low);
}

/* Lets go of the batches that no item names any more. */
static void release_unused_batches(struct bulk *bulk)
{
    size_t kept = 0;
    size_t item = 0;
    for (size_t i = 0; i < bulk->batch_count; i++) {
        bool is_used = false;
        for (; item < bulk->item_count && bulk->items[item].batch == i; item++) {
            bulk->items[item].batch = kept;
            is_used = true;
        }
        if (is_used) {
            bulk->batches[kept++] = bulk->batches[i];
        } else {
            sluice_batch_release(bulk->host, bulk->batches[i]);
        }
    }
    bulk->batch_count = kept;
}

void bulk_keep(struct bulk *bulk, const bool *keep)
{
    size_t kept = 0;
    size_t size = 0;
    id_set_clear(&bulk->ids);
    bulk->has_twins = false;
    for (size_t i = 0; i < bulk->item_count; i++) {
        if (!keep[i]) {
            continue;
        }
        struct bulk_item item = bulk->items[i];
        memmove(bulk->body.data + size, bulk->body.data + item.start, item.size);
        item.start = size;
        size += item.size;
        if (item.id_size > 0) {
            bulk->has_twins = !id_set_add(&bulk->ids, item.key.low) || bulk->has_twins;
        }
        bulk->items[kept++] = item;
    }
    bulk->item_count = kept;
    bulk->body.size = size;
    release_unused_batches(bulk);
}

struct sluice_string bulk_item_index(const struct bulk *bulk, size_t item)
{
    const struct bulk_item *found = &bulk->items[item];
    return (struct sluice_string){bulk->body.data + found->start + found->index_start,
                                  found->index_size};
}

struct sluice_string bulk_item_id(const struct bulk *bulk, size_t item)
{
    const struct bulk_item *found = &bulk->items[item];
    return (struct sluice_string){bulk->body.data + found->start + found->id_start, found->id_size};
}
