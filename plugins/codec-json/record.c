/* SPDX-License-Identifier: Apache-2.0 */
#include "record.h"

#include <string.h>

static size_t count_keys(const char *path)
{
    size_t keys = 1;
    for (; *path; path++) {
        keys += *path == '.';
    }
    return keys;
}

static int add_child(struct json_record *record, int parent, const char *key, size_t size)
{
    int found = json_record_child(record, parent, JSON_NO_NODE, key, size);
    if (found != JSON_NO_NODE) {
        return found;
    }
    int added = (int)record->node_count++;
    struct json_node *node = &record->nodes[added];
    *node = (struct json_node){.key = key, .key_size = size, .first_child = JSON_NO_NODE};
    int first = record->nodes[parent].first_child;
    if (first == JSON_NO_NODE) {
        record->nodes[parent].first_child = added;
        node->next = added;
        return added;
    }
    int last = first;
    while (record->nodes[last].next != first) {
        last = record->nodes[last].next;
    }
    record->nodes[last].next = added;
    node->next = first;
    return added;
}

/* A path is dotted; a name without a path is one key, dots and all. */
static int add_field(struct json_record *record, const struct sluice_field *field)
{
    if (!field->path) {
        return add_child(record, JSON_ROOT, field->name, strlen(field->name));
    }
    int node = JSON_ROOT;
    const char *key = field->path;
    for (;;) {
        size_t size = strcspn(key, ".");
        node = add_child(record, node, key, size);
        if (key[size] == '\0') {
            return node;
        }
        key += size + 1;
    }
}

enum sluice_status json_record_init(struct json_record *record, const struct sluice_host *host,
                                    const struct sluice_schema *declared,
                                    struct sluice_error *error)
{
    *record = (struct json_record){.host = host, .duplicate = JSON_NO_NODE};
    size_t most = 1;
    for (size_t i = 0; i < declared->field_count; i++) {
        const struct sluice_field *field = sluice_schema_field(declared, i);
        most += field->path ? count_keys(field->path) : 1;
    }
    record->nodes = sluice_alloc(host, most * sizeof *record->nodes);
    record->field_nodes = sluice_alloc(host, most * sizeof *record->field_nodes);
    if (!record->nodes || !record->field_nodes) {
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                           "no memory for the decoder of %zu fields", declared->field_count);
    }
    record->nodes[JSON_ROOT] = (struct json_node){.first_child = JSON_NO_NODE};
    record->node_count = 1;
    for (size_t i = 0; i < declared->field_count; i++) {
        record->field_nodes[i] = add_field(record, sluice_schema_field(declared, i));
    }
    return SLUICE_OK;
}

void json_record_reset(struct json_record *record)
{
    if (!record->host) {
        return;
    }
    sluice_free(record->host, record->nodes);
    sluice_free(record->host, record->field_nodes);
    *record = (struct json_record){0};
}

int json_record_child(const struct json_record *record, int parent, int guess, const char *key,
                      size_t size)
{
    int start = guess != JSON_NO_NODE ? guess : record->nodes[parent].first_child;
    if (start == JSON_NO_NODE) {
        return JSON_NO_NODE;
    }
    int child = start;
    do {
        const struct json_node *node = &record->nodes[child];
        if (node->key_size == size && memcmp(node->key, key, size) == 0) {
            return child;
        }
        child = node->next;
    } while (child != start);
    return JSON_NO_NODE;
}
