/* SPDX-License-Identifier: Apache-2.0 */
/* Schemas: names of types, look-up, copies in an arena and counted copies for batches. */
#include "data/batch.h"

#include <stdlib.h>
#include <string.h>

static const char *const type_names[] = {
    [SLUICE_TYPE_NONE] = "none",           [SLUICE_TYPE_BOOL] = "bool",
    [SLUICE_TYPE_INT64] = "int64",         [SLUICE_TYPE_FLOAT64] = "float64",
    [SLUICE_TYPE_STRING] = "string",       [SLUICE_TYPE_BINARY] = "binary",
    [SLUICE_TYPE_TIMESTAMP] = "timestamp",
};

enum { TYPE_COUNT = sizeof(type_names) / sizeof(type_names[0]) };

const char *type_name(enum sluice_type type)
{
    return (unsigned)type < TYPE_COUNT ? type_names[type] : "unknown";
}

enum sluice_type type_by_name(const char *name)
{
    for (int type = SLUICE_TYPE_NONE + 1; type < TYPE_COUNT; type++) {
        if (strcmp(type_names[type], name) == 0) {
            return (enum sluice_type)type;
        }
    }
    return SLUICE_TYPE_NONE;
}

int schema_find(const struct sluice_schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->field_count; i++) {
        if (strcmp(sluice_schema_field(schema, i)->name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

bool schema_equal(const struct sluice_schema *one, const struct sluice_schema *other)
{
    if (one->field_count != other->field_count) {
        return false;
    }
    for (size_t i = 0; i < one->field_count; i++) {
        const struct sluice_field *field = sluice_schema_field(one, i);
        const struct sluice_field *other_field = sluice_schema_field(other, i);
        if (field->type != other_field->type || strcmp(field->name, other_field->name) != 0) {
            return false;
        }
    }
    return true;
}

/* The part of a field that its maker knew of: schemas of older plugins have shorter rows. */
static void copy_field(struct sluice_field *to, const struct sluice_schema *schema, size_t index)
{
    size_t size = schema->field_size < sizeof(*to) ? schema->field_size : sizeof(*to);
    *to = (struct sluice_field){0};
    memcpy(to, sluice_schema_field(schema, index), size);
}

static size_t string_size(const char *string)
{
    return string ? strlen(string) + 1 : 0;
}

/* Copies a string to *end, and moves *end behind it. */
static const char *place_string(const char *string, char **end)
{
    if (!string) {
        return NULL;
    }
    size_t size = strlen(string) + 1;
    char *placed = *end;
    memcpy(placed, string, size);
    *end += size;
    return placed;
}

static void destroy_schema_object(struct storage *storage)
{
    free(storage);
}

struct schema_object *schema_object_create(const struct sluice_schema *schema)
{
    size_t size = sizeof(struct schema_object) + schema->field_count * sizeof(struct sluice_field);
    size_t fixed_size = size;
    for (size_t i = 0; i < schema->field_count; i++) {
        struct sluice_field field;
        copy_field(&field, schema, i);
        size += string_size(field.name) + string_size(field.path) + string_size(field.default_text);
    }
    struct schema_object *object = malloc(size);
    if (!object) {
        return NULL;
    }
    storage_init(&object->storage, 0, destroy_schema_object);
    object->schema.field_size = sizeof(struct sluice_field);
    object->schema.field_count = schema->field_count;
    object->schema.fields = object->fields;
    char *end = (char *)object + fixed_size;
    for (size_t i = 0; i < schema->field_count; i++) {
        struct sluice_field *field = &object->fields[i];
        copy_field(field, schema, i);
        field->name = place_string(field->name, &end);
        field->path = place_string(field->path, &end);
        field->default_text = place_string(field->default_text, &end);
        field->time_format = field->type == SLUICE_TYPE_TIMESTAMP ? time_format_default() : NULL;
    }
    return object;
}
