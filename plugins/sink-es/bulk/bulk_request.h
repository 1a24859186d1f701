/* SPDX-License-Identifier: Apache-2.0 */
/* The body of one _bulk request, and which row each of its items came from.
 *
 * Documents with one id may stand in one body: the server works through them in their order. Which
 * ids are inside can be asked, so that two bodies with one id are never under way together. */
#ifndef SLUICE_SINK_ES_BULK_REQUEST_H
#define SLUICE_SINK_ES_BULK_REQUEST_H

#include "bulk/document_id.h"
#include "bulk/id_set.h"
#include "config.h"
#include "document.h"

struct bulk_item {
    struct document_key key;
    int64_t version;
    int64_t row;
    size_t batch; /* index in batches */
    size_t start; /* of its lines in the body */
    size_t size;
    uint32_t index_start; /* in its lines; escaped as in JSON */
    uint32_t index_size;
    uint32_t id_start;
    uint32_t id_size;
};

struct bulk {
    const struct sluice_host *host;
    enum es_action action;
    struct sluice_buffer body;
    struct bulk_item *items;
    size_t item_count;
    size_t item_limit;
    struct id_set ids;
    bool has_twins;                      /* one id more than once */
    const struct sluice_batch **batches; /* retained */
    size_t batch_count;
    size_t batch_capacity;
};

enum sluice_status bulk_init(struct bulk *bulk, const struct sluice_host *host,
                             enum es_action action, size_t item_limit, struct sluice_error *error);
void bulk_reset(struct bulk *bulk);
/* Takes all items out; memory is kept. */
void bulk_clear(struct bulk *bulk);

/* Whether the document can come in without the body passing byte_limit; an empty bulk takes
 * everything. */
bool bulk_has_room(const struct bulk *bulk, const struct document *document, size_t byte_limit);
/* `has_index` false: the URL names the index. FATAL when memory is out; the bulk is unchanged. */
enum sluice_status bulk_add(struct bulk *bulk, const struct document *document, bool has_index,
                            struct sluice_error *error);
bool bulk_has_key(const struct bulk *bulk, struct document_key key);
/* Drops the items for which keep[i] is false; the others stay in their order. */
void bulk_keep(struct bulk *bulk, const bool *keep);

struct sluice_string bulk_item_index(const struct bulk *bulk, size_t item); /* size 0: URL's */
struct sluice_string bulk_item_id(const struct bulk *bulk, size_t item);

#endif
