/* SPDX-License-Identifier: Apache-2.0 */
/* The declared fields of a record as a tree of JSON keys, with a slot a key for what the record at
 * hand has there. Both readers (flat_record.h, simdjson_shim.h) fill the slots; slot_value.h takes
 * them out.
 *
 *     declared: user_id, page.url          {"user_id": "u1", "page": {"url": "/"}}
 *
 *         root ─┬─ user_id  STRING u1
 *               └─ page     OBJECT
 *                   └─ url  STRING /                                                   */
#ifndef SLUICE_CODEC_JSON_RECORD_H
#define SLUICE_CODEC_JSON_RECORD_H

#include "scalar.h"

#include <sluice/service.h>

enum { JSON_NO_NODE = -1, JSON_ROOT = 0 };

struct json_node {
    const char *key;
    size_t key_size;
    int first_child; /* JSON_NO_NODE: none */
    int next;        /* among the parent's children, a ring in declared order */
    uint64_t record; /* number of the record that the slot belongs to */
    enum json_kind kind;
    const char *bytes; /* unescaped string or number token */
    size_t size;
};

struct json_record {
    const struct sluice_host *host;
    size_t node_count;
    struct json_node *nodes;
    int *field_nodes; /* by declared field */
    uint64_t number;  /* of the record at hand, from 1 */
    int duplicate;    /* a node whose key occurred twice, or JSON_NO_NODE */
};

enum sluice_status json_record_init(struct json_record *record, const struct sluice_host *host,
                                    const struct sluice_schema *declared,
                                    struct sluice_error *error);
void json_record_reset(struct json_record *record);

/* Empties all slots. */
static inline void json_record_begin(struct json_record *record)
{
    record->number++;
    record->duplicate = JSON_NO_NODE;
}

static inline void json_record_put(struct json_record *record, int node, enum json_kind kind,
                                   const char *bytes, size_t size)
{
    struct json_node *slot = &record->nodes[node];
    if (slot->record == record->number) {
        record->duplicate = node;
    }
    slot->record = record->number;
    slot->kind = kind;
    slot->bytes = bytes;
    slot->size = size;
}

/* The child of `parent` with that key, or JSON_NO_NODE. Looks first at `guess`, a child or
 * JSON_NO_NODE: records tend to have their keys in the same order. */
int json_record_child(const struct json_record *record, int parent, int guess, const char *key,
                      size_t size);

#endif
