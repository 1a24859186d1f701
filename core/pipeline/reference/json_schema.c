/* SPDX-License-Identifier: Apache-2.0 */
/* All option tables as one JSON Schema (draft 2020-12) of pipeline files, for editors. It is a
 * little wider than sluice itself: any value may come from a ${…}. */
#include "pipeline/draft.h"
#include "pipeline/reference/kinds.h"

#include <jansson.h>
#include <string.h>

#define DURATION_PATTERN "^([0-9]+ *(ms|s|m|h|d) *)+$|^0$"
#define SIZE_PATTERN "^[0-9]+ *(|B|kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$"
#define NAME_PATTERN "^[A-Za-z0-9._-]{1,64}$"

static json_t *type_schema(const char *type)
{
    return json_pack("{s:s}", "type", type);
}

static json_t *pattern_schema(const char *pattern)
{
    return json_pack("{s:s, s:s}", "type", "string", "pattern", pattern);
}

/* The schema, or a text with a variable in it. Takes over `schema`. */
static json_t *or_variable(json_t *schema)
{
    return json_pack("{s:[o, o]}", "anyOf", schema, pattern_schema("\\$\\{"));
}

static json_t *scalar_schema(void)
{
    return json_pack("{s:[s, s, s]}", "type", "string", "number", "boolean");
}

static json_t *reference(const char *name)
{
    return json_pack("{s:o}", "$ref", json_sprintf("#/$defs/%s", name));
}

static json_t *number_schema(const struct sluice_option *row)
{
    json_t *number = type_schema("integer");
    bool has_range = row->minimum != 0 || row->maximum != 0;
    if (has_range)
        json_object_set_new(number, "minimum", json_integer(row->minimum));
    if (has_range && row->maximum >= row->minimum && row->maximum < INT64_MAX)
        json_object_set_new(number, "maximum", json_integer(row->maximum));
    return json_pack("{s:[o, o, o]}", "anyOf", number, pattern_schema("^-?[0-9]+$"),
                     pattern_schema("\\$\\{"));
}

static json_t *enum_schema(const struct sluice_option *row)
{
    json_t *values = json_array();
    for (size_t i = 0; row->allowed && row->allowed[i]; i++)
        json_array_append_new(values, json_string(row->allowed[i]));
    return or_variable(json_pack("{s:o}", "enum", values));
}

static json_t *list_schema(void)
{
    return json_pack("{s:[o, {s:s, s:o}]}", "anyOf", scalar_schema(), "type", "array", "items",
                     scalar_schema());
}

/* A value as the kind takes it. */
static json_t *value_schema(const struct sluice_option *row)
{
    switch (row->kind) {
    case SLUICE_OPTION_BOOL:
        return json_pack("{s:[o, o]}", "anyOf", type_schema("boolean"),
                         pattern_schema("^(true|false)$|\\$\\{"));
    case SLUICE_OPTION_INT:
        return number_schema(row);
    case SLUICE_OPTION_FLOAT:
        return json_pack("{s:[o, o]}", "anyOf", type_schema("number"), type_schema("string"));
    case SLUICE_OPTION_SIZE:
        return json_pack("{s:[o, o]}", "anyOf", type_schema("integer"),
                         pattern_schema(SIZE_PATTERN "|\\$\\{"));
    case SLUICE_OPTION_DURATION:
        return json_pack("{s:[o, o]}", "anyOf", json_pack("{s:i}", "const", 0),
                         pattern_schema(DURATION_PATTERN "|\\$\\{"));
    case SLUICE_OPTION_ENUM:
        return enum_schema(row);
    case SLUICE_OPTION_STRINGS:
    case SLUICE_OPTION_COLUMNS:
        return list_schema();
    case SLUICE_OPTION_MAP:
        return json_pack("{s:s, s:o}", "type", "object", "additionalProperties", scalar_schema());
    case SLUICE_OPTION_SCHEMA:
        return json_pack("{s:[o, o]}", "anyOf", type_schema("string"), reference("schema"));
    case SLUICE_OPTION_CODEC:
        return reference("codec");
    case SLUICE_OPTION_NONE:
    case SLUICE_OPTION_STRING:
    case SLUICE_OPTION_SECRET:
    case SLUICE_OPTION_PATH:
    case SLUICE_OPTION_TIMESTAMP:
    case SLUICE_OPTION_COLUMN:
    case SLUICE_OPTION_TEMPLATE:
        break;
    }
    return scalar_schema();
}

static json_t *options_schema(const struct sluice_option *rows, size_t count)
{
    json_t *properties = json_object();
    json_t *required = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *value = value_schema(&rows[i]);
        json_object_set_new(value, "description", json_string(rows[i].text));
        if (rows[i].default_text)
            json_object_set_new(value, "default", json_string(rows[i].default_text));
        if (rows[i].example)
            json_object_set_new(value, "examples", json_pack("[s]", rows[i].example));
        json_object_set_new(properties, rows[i].name, value);
        if (rows[i].is_required)
            json_array_append_new(required, json_string(rows[i].name));
    }
    return json_pack("{s:s, s:o, s:o, s:b}", "type", "object", "properties", properties, "required",
                     required, "additionalProperties", 0);
}

static bool can_be_empty(const struct component *component)
{
    for (size_t i = 0; i < component->option_count; i++) {
        if (component->options[i].is_required)
            return false;
    }
    return true;
}

/* A step that is this component: its options under its name, `name` and `from` beside it. */
static json_t *step_schema(const struct component *component)
{
    json_t *options = reference(component->name);
    if (can_be_empty(component))
        options = json_pack("{s:[o, o]}", "anyOf", options, type_schema("null"));
    json_t *step = json_pack("{s:s, s:{s:o, s:o}, s:[s], s:b}", "type", "object", "properties",
                             component->name, options, "name", pattern_schema(NAME_PATTERN),
                             "required", component->name, "additionalProperties", 0);
    if (component->kind != SLUICE_KIND_SOURCE)
        json_object_set_new(json_object_get(step, "properties"), "from", list_schema());
    if (component->kind == SLUICE_KIND_SINK) {
        json_t *properties = json_object_get(step, "properties");
        json_object_set_new(properties, "delivery",
                            json_pack("{s:[s, s]}", "enum", "required", "best_effort"));
        json_object_set_new(properties, "patience", value_schema(&patience_row));
    }
    return step;
}

/* `codec` in the file: a name, or a name with its options. Takes over nothing. */
static void add_codec(json_t *choices, const struct component *component)
{
    json_t *reference_to =
        json_pack("{s:o}", "$ref", json_sprintf("#/$defs/codec-%s", component->name));
    json_array_append_new(choices, json_pack("{s:s}", "const", component->name));
    json_array_append_new(choices,
                          json_pack("{s:s, s:{s:o}, s:[s], s:b}", "type", "object", "properties",
                                    component->name, reference_to, "required", component->name,
                                    "additionalProperties", 0));
}

static json_t *column_types(void)
{
    return json_pack("{s:[s, s, s, s, s, s]}", "enum", "string", "int64", "float64", "bool",
                     "timestamp", "binary");
}

static json_t *declared_schema(void)
{
    json_t *column = json_pack(
        "{s:s, s:{s:o, s:o, s:o, s:o, s:o, s:o}, s:[s], s:b}", "type", "object", "properties",
        "type", column_types(), "path", type_schema("string"), "required", type_schema("boolean"),
        "default", scalar_schema(), "format", type_schema("string"), "zone", type_schema("string"),
        "required", "type", "additionalProperties", 0);
    return json_pack("{s:s, s:i, s:{s:[o, o]}}", "type", "object", "minProperties", 1,
                     "additionalProperties", "anyOf", column_types(), column);
}

/* Takes over `steps` and `sinks`. */
static json_t *flow_schema(json_t *steps, json_t *sinks)
{
    json_t *properties = json_object();
    json_object_set_new(properties, "every", pattern_schema(DURATION_PATTERN "|\\$\\{"));
    json_object_set_new(properties, "after", type_schema("string"));
    json_object_set_new(
        properties, "lanes",
        or_variable(json_pack("{s:s, s:i, s:i}", "type", "integer", "minimum", 1, "maximum", 64)));
    json_object_set_new(
        properties, "steps",
        json_pack("{s:s, s:i, s:{s:o}}", "type", "array", "minItems", 1, "items", "anyOf", steps));
    json_object_set_new(properties, "dead_letter", json_pack("{s:o}", "anyOf", sinks));
    return json_pack("{s:s, s:o, s:[s], s:b}", "type", "object", "properties", properties,
                     "required", "steps", "additionalProperties", 0);
}

/* $defs of all components, and the lists of steps, sinks and codecs that refer to them. */
static json_t *definitions(const struct loader *loader)
{
    json_t *all = json_object();
    json_t *steps = json_array();
    json_t *sinks = json_array();
    json_t *codecs = json_array();
    for (size_t i = 0; i < loader_count(loader); i++) {
        const struct component *component = loader_component(loader, i);
        json_t *options = options_schema(component->options, component->option_count);
        json_object_set_new(options, "description", json_string(component->summary));
        if (component->kind == SLUICE_KIND_CODEC) {
            char name[128];
            snprintf(name, sizeof(name), "codec-%s", component->name);
            json_object_set_new(all, name, options);
            add_codec(codecs, component);
            continue;
        }
        json_object_set_new(all, component->name, options);
        if (component->kind == SLUICE_KIND_STATE)
            continue;
        json_array_append_new(steps, step_schema(component));
        if (can_be_empty(component))
            json_array_append_new(steps, json_pack("{s:s}", "const", component->name));
        if (component->kind == SLUICE_KIND_SINK)
            json_array_append_new(sinks, step_schema(component));
    }
    json_array_append_new(codecs, pattern_schema("\\$\\{"));
    json_object_set_new(all, "codec", json_pack("{s:o}", "anyOf", codecs));
    json_object_set_new(all, "schema", declared_schema());
    json_object_set_new(all, "flow", flow_schema(steps, sinks));
    return all;
}

static void ignore_broken(void *user, const struct sluice_error *error)
{
    (void)user;
    (void)error;
}

void reference_print_json_schema(struct loader *loader, struct text *text)
{
    loader_scan(loader, ignore_broken, NULL);
    json_t *root = json_pack(
        "{s:s, s:s, s:s, s:{s:o, s:o, s:{s:s, s:o}, s:{s:s, s:i, s:o}}, s:[s, s], s:b, s:o}",
        "$schema", "https://json-schema.org/draft/2020-12/schema", "title", "sluice pipeline file",
        "type", "object", "properties", "pipeline", pattern_schema(NAME_PATTERN "|\\$\\{"),
        "settings", options_schema(settings_rows, settings_row_count), "schemas", "type", "object",
        "additionalProperties", reference("schema"), "flows", "type", "object", "minProperties", 1,
        "additionalProperties", reference("flow"), "required", "pipeline", "flows",
        "additionalProperties", 0, "$defs", definitions(loader));
    char *printed = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
    if (printed) {
        text_append(text, printed);
        text_append_char(text, '\n');
    } else {
        text->has_failed = true;
    }
    free(printed);
    json_decref(root);
}
