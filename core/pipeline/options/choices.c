/* SPDX-License-Identifier: Apache-2.0 */
/* Option values that point elsewhere: to columns of the input, to a schema, to a codec. */
#include "pipeline/options/options.h"

#include <string.h>

/* A name that messages may quote: a secret cannot be one. */
static bool expect_text(struct option_reader *reader, const struct option_place *place,
                        const struct node *node, const char *expected)
{
    if (node->kind == NODE_SCALAR && (!node->is_secret || node->is_placeholder))
        return true;
    option_complain(reader, place, node, expected);
    return false;
}

/* The column's field in the input; NULL: was reported. Not called where the input is not known. */
static const struct sluice_field *find_column(struct option_reader *reader,
                                              const struct option_place *place,
                                              const struct node *node, const char *column)
{
    const struct sluice_schema *input = reader->input;
    const char **names =
        arena_alloc(reader->arena, (input->field_count + 1) * sizeof(const char *));
    for (size_t i = 0; names && i < input->field_count; i++) {
        const struct sluice_field *field = sluice_schema_field(input, i);
        if (strcmp(field->name, column) == 0)
            return field;
        names[i] = field->name;
    }
    if (!names) {
        diagnostics_fail(reader->diagnostics);
        return NULL;
    }
    const char *hint = did_you_mean(reader->arena, column, names, input->field_count);
    if (!*hint)
        hint = arena_print(reader->arena, "; it has %s",
                           list_names(reader->arena, names, input->field_count, 12));
    reader->has_mistake = true;
    diagnostics_error(reader->diagnostics, &node->span,
                      "option `%s` of %s: the input has no column `%s`%s", place->row->name,
                      place->owner, column, hint ? hint : "");
    return NULL;
}

bool column_read(struct option_reader *reader, const struct option_place *place,
                 const struct node *node, const char **column)
{
    *column = NULL;
    if (!expect_text(reader, place, node, "the name of a column"))
        return false;
    *column = node->text;
    reader->has_unknown = reader->has_unknown || node->is_placeholder;
    if (!reader->input || node->is_placeholder)
        return true;
    if (!find_column(reader, place, node, node->text)) {
        *column = NULL;
        return false;
    }
    if (!names_add(reader->arena, &reader->columns, node->text))
        diagnostics_fail(reader->diagnostics);
    return true;
}

static bool check_template(struct option_reader *reader, const struct option_place *place,
                           const struct node *node, const struct sluice_template *parsed)
{
    bool is_good = true;
    for (size_t i = 0; i < template_column_count(parsed); i++) {
        const char *column = template_column(parsed, i);
        const char *pattern = template_column_pattern(parsed, i);
        const struct sluice_field *field = find_column(reader, place, node, column);
        is_good = is_good && field;
        if (field && !names_add(reader->arena, &reader->columns, column))
            diagnostics_fail(reader->diagnostics);
        if (!field || !pattern || field->type == SLUICE_TYPE_TIMESTAMP)
            continue;
        is_good = false;
        diagnostics_error(reader->diagnostics, &node->span,
                          "option `%s` of %s: {%s:%s} formats a time, but column `%s` is %s",
                          place->row->name, place->owner, column, pattern, column,
                          type_name(field->type));
    }
    return is_good;
}

bool template_read(struct option_reader *reader, const struct option_place *place,
                   const struct node *node)
{
    if (!expect_text(reader, place, node, "a text with {columns}"))
        return false;
    if (node->is_placeholder) {
        reader->has_unknown = true;
        return true;
    }
    struct sluice_error *error = error_create();
    struct sluice_template *parsed =
        error ? template_parse(reader->arena, node->text, error) : NULL;
    if (!error)
        diagnostics_fail(reader->diagnostics);
    else if (!parsed)
        diagnostics_error(reader->diagnostics, &node->span, "option `%s` of %s: %s",
                          place->row->name, place->owner, error_message(error));
    error_destroy(error);
    memcpy(place->target, &parsed, sizeof(parsed));
    return parsed && (!reader->input || check_template(reader, place, node, parsed));
}

bool schema_choice_read(struct option_reader *reader, const struct option_place *place,
                        const struct node *node)
{
    const struct sluice_schema *schema = NULL;
    if (node->kind != NODE_MAPPING &&
        !expect_text(reader, place, node, "the name of a schema, or columns and their types"))
        return false;
    if (node->kind == NODE_SCALAR && node->is_placeholder) {
        reader->has_unknown = true;
        return true;
    }
    if (node->kind == NODE_SCALAR) {
        schema = schemas_find(reader->schemas, node, reader->diagnostics);
    } else {
        const char *what =
            arena_print(reader->arena, "option `%s` of %s", place->row->name, place->owner);
        schema = schema_read(reader->arena, what ? what : "a schema", node, reader->diagnostics);
    }
    memcpy(place->target, &schema, sizeof(schema));
    return schema != NULL;
}

static const struct component *find_codec(struct option_reader *reader,
                                          const struct option_place *place, const struct node *name)
{
    const struct component *component = NULL;
    struct sluice_error *error = error_create();
    if (!error)
        diagnostics_fail(reader->diagnostics);
    else if (loader_find(reader->loader, SLUICE_KIND_CODEC, name->text, &component, error) !=
             SLUICE_OK)
        diagnostics_error(reader->diagnostics, &name->span, "option `%s` of %s: %s%s%s",
                          place->row->name, place->owner, error_message(error),
                          *error_causes(error) ? ": " : "", error_causes(error));
    error_destroy(error);
    return component;
}

bool codec_read(struct option_reader *reader, const struct option_place *place,
                const struct node *node)
{
    const struct node *name = node;
    const struct node *given = NULL;
    if (node->kind == NODE_MAPPING && node->count == 1) {
        name = node->keys[0];
        given = node->items[0];
    }
    if (!expect_text(reader, place, name,
                     "the name of a codec, or one codec with its options ({csv: {…}})"))
        return false;
    if (name->is_placeholder) {
        reader->has_unknown = true;
        return true;
    }
    const struct component *component = find_codec(reader, place, name);
    struct sluice_codec_choice *choice = arena_alloc(reader->arena, sizeof(*choice));
    const char *owner = arena_print(reader->arena, "codec %s", name->text);
    if (!choice || !owner)
        diagnostics_fail(reader->diagnostics);
    if (!component || !choice || !owner)
        return false;
    struct option_table table = {owner, component->options, component->option_count,
                                 component->options_size};
    choice->component = component;
    choice->options = options_read(reader, &table, given, &name->span);
    memcpy(place->target, &choice, sizeof(choice));
    return choice->options != NULL;
}
