/* SPDX-License-Identifier: Apache-2.0 */
/* Schemas as a file declares them: `column: type`, or a mapping with more about the column. */
#include "pipeline/options/options.h"

#include <stddef.h>
#include <string.h>

static const char *const type_names[] = {"string", "int64",     "float64",
                                         "bool",   "timestamp", "binary"};
#define TYPE_COUNT (sizeof(type_names) / sizeof(type_names[0]))

/* What may be said of a column; the same option rows as everywhere read it. */
struct column_options {
    const char *type;
    const char *path;
    bool is_required;
    const char *default_text;
    const char *format;
    const char *zone;
};

static const struct sluice_option column_rows[] = {
    {.name = "type",
     .kind = SLUICE_OPTION_STRING,
     .is_required = true,
     .offset = offsetof(struct column_options, type),
     .text = "Type of the column.",
     .example = "string"},
    {.name = "path",
     .kind = SLUICE_OPTION_STRING,
     .offset = offsetof(struct column_options, path),
     .text = "Where a decoder finds it; without it, under the column's name.",
     .example = "user.id"},
    {.name = "required",
     .kind = SLUICE_OPTION_BOOL,
     .default_text = "true",
     .offset = offsetof(struct column_options, is_required),
     .text = "Whether a record without it is rejected.",
     .example = "false"},
    {.name = "default",
     .kind = SLUICE_OPTION_STRING,
     .offset = offsetof(struct column_options, default_text),
     .text = "Value for a record without it.",
     .example = "unknown"},
    {.name = "format",
     .kind = SLUICE_OPTION_STRING,
     .offset = offsetof(struct column_options, format),
     .text = "How a timestamp is written.",
     .example = "epoch_ms"},
    {.name = "zone",
     .kind = SLUICE_OPTION_STRING,
     .offset = offsetof(struct column_options, zone),
     .text = "Zone of timestamps without an offset.",
     .example = "Europe/Berlin"},
};

struct named_schema {
    const char *name;
    const struct sluice_schema *schema; /* NULL: has mistakes */
};

struct schema_set {
    struct arena *arena;
    size_t count;
    struct named_schema *schemas;
    const char **names;
};

struct column_place {
    struct arena *arena;
    struct diagnostics *diagnostics;
    const char *what; /* "column `x` of schema `click`" */
    const struct node *node;
};

/* The node that an attribute of the column came from. */
static const struct span *attribute_span(const struct column_place *place, const char *name)
{
    const struct node *value = node_get(place->node, name, NULL);
    return value ? &value->span : &place->node->span;
}

static bool read_type(const struct column_place *place, const struct column_options *options,
                      struct sluice_field *field)
{
    field->type = type_by_name(options->type);
    if (field->type != SLUICE_TYPE_NONE)
        return true;
    const char *hint = did_you_mean(place->arena, options->type, type_names, TYPE_COUNT);
    if (!*hint)
        hint = arena_print(place->arena, "; types are %s",
                           list_names(place->arena, type_names, TYPE_COUNT, TYPE_COUNT));
    diagnostics_error(place->diagnostics, attribute_span(place, "type"),
                      "%s: there is no type `%s`%s", place->what, options->type, hint ? hint : "");
    return false;
}

static bool read_time_format(const struct column_place *place, const struct column_options *options,
                             struct sluice_field *field)
{
    const char *attribute = options->format ? "format" : "zone";
    if (field->type != SLUICE_TYPE_TIMESTAMP) {
        if (!options->format && !options->zone)
            return true;
        diagnostics_error(place->diagnostics, attribute_span(place, attribute),
                          "%s: `%s` is for timestamps only, not for %s", place->what, attribute,
                          type_name(field->type));
        return false;
    }
    struct sluice_error *error = error_create();
    if (error)
        field->time_format =
            time_format_create(place->arena, options->format, options->zone, error);
    if (!error)
        diagnostics_fail(place->diagnostics);
    else if (!field->time_format)
        diagnostics_error(place->diagnostics, attribute_span(place, attribute), "%s: %s",
                          place->what, error_message(error));
    error_destroy(error);
    return field->time_format != NULL;
}

static bool check_default(const struct column_place *place, const struct sluice_field *field)
{
    const char *text = field->default_text;
    if (!text)
        return true;
    size_t size = strlen(text);
    int64_t integer = 0;
    double number = 0;
    bool flag = false;
    bool fits = true;
    switch (field->type) {
    case SLUICE_TYPE_BOOL:
        fits = scan_bool(text, &flag);
        break;
    case SLUICE_TYPE_INT64:
        fits = parse_int64(text, size, &integer);
        break;
    case SLUICE_TYPE_FLOAT64:
        fits = parse_float64(text, size, &number);
        break;
    case SLUICE_TYPE_TIMESTAMP:
        fits = time_format_parse(field->time_format, text, size, &integer);
        break;
    case SLUICE_TYPE_NONE:
    case SLUICE_TYPE_STRING:
    case SLUICE_TYPE_BINARY:
        break;
    }
    if (!fits)
        diagnostics_error(place->diagnostics, attribute_span(place, "default"),
                          "%s: the default must be %s, not %s", place->what, type_name(field->type),
                          node_describe(place->arena, node_get(place->node, "default", NULL)));
    return fits;
}

/* A column's attributes; false: was reported. */
static bool read_options(const struct column_place *place, struct column_options *options)
{
    const struct node *node = place->node;
    if (node->kind == NODE_SCALAR && !node_is_null(node)) {
        *options = (struct column_options){.type = node->text, .is_required = true};
        return true;
    }
    if (node->kind != NODE_MAPPING) {
        diagnostics_error(place->diagnostics, &node->span,
                          "%s must be a type, or a mapping with `type`, not %s", place->what,
                          node_describe(place->arena, node));
        return false;
    }
    struct option_reader reader = {.arena = place->arena, .diagnostics = place->diagnostics};
    struct option_table table = {place->what, column_rows,
                                 sizeof(column_rows) / sizeof(column_rows[0]),
                                 sizeof(struct column_options)};
    const struct column_options *read = options_read(&reader, &table, node, &node->span);
    if (read)
        *options = *read;
    return read != NULL;
}

static bool read_column(struct arena *arena, const char *what, const struct node *key,
                        const struct node *node, struct diagnostics *diagnostics,
                        struct sluice_field *field)
{
    struct column_place place = {arena, diagnostics, NULL, node};
    struct column_options options = {0};
    place.what = arena_print(arena, "column `%s` of %s", key->text, what);
    if (!place.what) {
        diagnostics_fail(diagnostics);
        return false;
    }
    if (key->size == 0) {
        diagnostics_error(diagnostics, &key->span, "%s: a column needs a name", what);
        return false;
    }
    if (!read_options(&place, &options))
        return false;
    field->name = key->text;
    field->path = options.path;
    field->is_required = options.is_required;
    field->default_text = options.default_text;
    return read_type(&place, &options, field) && read_time_format(&place, &options, field) &&
           check_default(&place, field);
}

const struct sluice_schema *schema_read(struct arena *arena, const char *what,
                                        const struct node *node, struct diagnostics *diagnostics)
{
    if (node->kind != NODE_MAPPING || node->count == 0) {
        diagnostics_error(diagnostics, &node->span,
                          "%s must be a mapping of columns to types ({user_id: string}), not %s",
                          what,
                          node->kind == NODE_MAPPING ? "an empty one" : node_describe(arena, node));
        return NULL;
    }
    struct sluice_field *fields = arena_alloc(arena, node->count * sizeof(*fields));
    struct sluice_schema *schema = arena_alloc(arena, sizeof(*schema));
    if (!fields || !schema) {
        diagnostics_fail(diagnostics);
        return NULL;
    }
    bool is_good = true;
    for (size_t i = 0; i < node->count; i++)
        is_good &= read_column(arena, what, node->keys[i], node->items[i], diagnostics, &fields[i]);
    *schema = (struct sluice_schema){sizeof(struct sluice_field), node->count, fields};
    return is_good ? schema : NULL;
}

struct schema_set *schemas_read(struct arena *arena, const struct node *node,
                                struct diagnostics *diagnostics)
{
    struct schema_set *set = arena_alloc(arena, sizeof(*set));
    size_t count = node && node->kind == NODE_MAPPING ? node->count : 0;
    if (node && node->kind != NODE_MAPPING)
        diagnostics_error(diagnostics, &node->span,
                          "`schemas` must be a mapping of names to columns, not %s",
                          node_describe(arena, node));
    if (set) {
        set->arena = arena;
        set->schemas = arena_alloc(arena, (count + 1) * sizeof(*set->schemas));
        set->names = arena_alloc(arena, (count + 1) * sizeof(const char *));
    }
    if (!set || !set->schemas || !set->names) {
        diagnostics_fail(diagnostics);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        const char *what = arena_print(arena, "schema `%s`", node->keys[i]->text);
        set->names[i] = node->keys[i]->text;
        set->schemas[i].name = node->keys[i]->text;
        set->schemas[i].schema =
            schema_read(arena, what ? what : "a schema", node->items[i], diagnostics);
        set->count++;
    }
    return set;
}

const struct sluice_schema *schemas_find(const struct schema_set *schemas, const struct node *node,
                                         struct diagnostics *diagnostics)
{
    for (size_t i = 0; schemas && i < schemas->count; i++) {
        if (strcmp(schemas->schemas[i].name, node->text) == 0)
            return schemas->schemas[i].schema;
    }
    const char *hint = schemas && schemas->count > 0 ? did_you_mean(schemas->arena, node->text,
                                                                    schemas->names, schemas->count)
                                                     : "; declare it under `schemas`";
    diagnostics_error(diagnostics, &node->span, "there is no schema `%s`%s", node->text, hint);
    return NULL;
}
