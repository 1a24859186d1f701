/* SPDX-License-Identifier: Apache-2.0 */
/* Schema to mapping. */
#include "bulk/mapping.h"

#include <jansson.h>
#include <string.h>

/* A keyword of more bytes than Lucene's longest term (32,766) would have its document rejected; a
 * character takes at most four. */
#define LONGEST_KEYWORD 8191
#define TEMPLATE_PRIORITY 200

bool mapping_is_field_name(const char *name)
{
    static const char *const reserved[] = {"_id",      "_index",       "_source",      "_type",
                                           "_routing", "_field_names", "_ignored",     "_version",
                                           "_seq_no",  "_doc_count",   "_nested_path", "_tier"};
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        if (strcmp(name, reserved[i]) == 0) {
            return false;
        }
    }
    return name[0] != '\0';
}

static json_t *map_type(enum sluice_type type)
{
    switch (type) {
    case SLUICE_TYPE_BOOL:
        return json_pack("{s:s}", "type", "boolean");
    case SLUICE_TYPE_INT64:
        return json_pack("{s:s}", "type", "long");
    case SLUICE_TYPE_FLOAT64:
        return json_pack("{s:s}", "type", "double");
    case SLUICE_TYPE_TIMESTAMP:
        return json_pack("{s:s}", "type", "date");
    case SLUICE_TYPE_BINARY:
        return json_pack("{s:s}", "type", "binary");
    case SLUICE_TYPE_STRING:
    case SLUICE_TYPE_NONE:
        break;
    }
    return json_pack("{s:s, s:i}", "type", "keyword", "ignore_above", LONGEST_KEYWORD);
}

/* {"settings":…,"mappings":{"properties":…}}; NULL without memory. */
static json_t *build_index(const struct sluice_schema *schema, int64_t shards, int64_t replicas)
{
    json_t *properties = json_object();
    json_t *settings = json_object();
    bool is_whole = properties && settings;
    for (size_t i = 0; is_whole && i < schema->field_count; i++) {
        const struct sluice_field *field = sluice_schema_field(schema, i);
        is_whole = json_object_set_new(properties, field->name, map_type(field->type)) == 0;
    }
    if (is_whole && shards > 0) {
        is_whole = json_object_set_new(settings, "number_of_shards", json_integer(shards)) == 0;
    }
    if (is_whole && replicas >= 0) {
        is_whole = json_object_set_new(settings, "number_of_replicas", json_integer(replicas)) == 0;
    }
    if (!is_whole) {
        json_decref(properties);
        json_decref(settings);
        return NULL;
    }
    return json_pack("{s:o, s:{s:o}}", "settings", settings, "mappings", "properties", properties);
}

static char *dump(json_t *root)
{
    char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    return text;
}

char *mapping_index_body(const struct sluice_schema *schema, int64_t shards, int64_t replicas)
{
    return dump(build_index(schema, shards, replicas));
}

char *mapping_template_body(const struct sluice_schema *schema, int64_t shards, int64_t replicas,
                            struct sluice_string prefix, struct sluice_string suffix)
{
    json_t *index = build_index(schema, shards, replicas);
    if (!index) {
        return NULL;
    }
    char pattern[1024];
    if (prefix.size + suffix.size + 2 > sizeof(pattern)) {
        json_decref(index);
        return NULL;
    }
    memcpy(pattern, prefix.bytes, prefix.size);
    pattern[prefix.size] = '*';
    if (suffix.size > 0) {
        memcpy(pattern + prefix.size + 1, suffix.bytes, suffix.size);
    }
    return dump(json_pack("{s:[s%], s:i, s:o}", "index_patterns", pattern,
                          prefix.size + 1 + suffix.size, "priority", TEMPLATE_PRIORITY, "template",
                          index));
}
