/* SPDX-License-Identifier: Apache-2.0 */
/* A mapping of options into a typed struct by its option rows; every mistake in one pass. */
#include "pipeline/options/options.h"

#include <stdlib.h>
#include <string.h>

bool option_is_secret(const struct sluice_option *row)
{
    return row->is_secret || row->kind == SLUICE_OPTION_SECRET;
}

void option_hide(struct option_reader *reader, const struct sluice_option *row,
                 const struct node *node)
{
    if (option_is_secret(row) && node->kind == NODE_SCALAR && !node->is_default)
        diagnostics_hide(reader->diagnostics, &node->span);
}

void option_complain(struct option_reader *reader, const struct option_place *place,
                     const struct node *node, const char *expected)
{
    reader->has_mistake = true;
    bool is_shown = !option_is_secret(place->row) || node->kind != NODE_SCALAR;
    diagnostics_error(reader->diagnostics, &node->span, "option `%s` of %s must be %s%s%s",
                      place->row->name, place->owner, expected, is_shown ? ", not " : "",
                      is_shown ? node_describe(reader->arena, node) : "");
}

/* Bytes of the value behind a row. */
static size_t value_size(enum sluice_option_kind kind)
{
    switch (kind) {
    case SLUICE_OPTION_NONE:
        return 0;
    case SLUICE_OPTION_BOOL:
        return sizeof(bool);
    case SLUICE_OPTION_INT:
    case SLUICE_OPTION_SIZE:
    case SLUICE_OPTION_DURATION:
    case SLUICE_OPTION_TIMESTAMP:
        return sizeof(int64_t);
    case SLUICE_OPTION_FLOAT:
        return sizeof(double);
    case SLUICE_OPTION_ENUM:
        return sizeof(int);
    case SLUICE_OPTION_STRINGS:
    case SLUICE_OPTION_COLUMNS:
        return sizeof(struct sluice_strings);
    case SLUICE_OPTION_MAP:
        return sizeof(struct sluice_pairs);
    case SLUICE_OPTION_STRING:
    case SLUICE_OPTION_SECRET:
    case SLUICE_OPTION_PATH:
    case SLUICE_OPTION_COLUMN:
    case SLUICE_OPTION_TEMPLATE:
    case SLUICE_OPTION_SCHEMA:
    case SLUICE_OPTION_CODEC:
        return sizeof(void *);
    }
    return 0;
}

/* The text of one item of a list or map; NULL: was reported. */
static const char *item_text(struct option_reader *reader, const struct option_place *place,
                             const struct node *node, const char *expected)
{
    if (node->kind != NODE_SCALAR || node_is_null(node)) {
        option_complain(reader, place, node, expected);
        return NULL;
    }
    option_hide(reader, place->row, node);
    reader->has_placeholder = reader->has_placeholder || node->is_placeholder;
    return node->text;
}

/* STRINGS and COLUMNS: a list of texts, or one text. */
static bool read_strings(struct option_reader *reader, const struct option_place *place,
                         const struct node *node)
{
    bool is_columns = place->row->kind == SLUICE_OPTION_COLUMNS;
    const char *expected = is_columns ? "a list of columns" : "a list of texts";
    if (node->kind == NODE_MAPPING) {
        option_complain(reader, place, node, expected);
        return false;
    }
    size_t count = node->kind == NODE_SEQUENCE ? node->count : 1;
    const char **items = arena_alloc(reader->arena, (count + 1) * sizeof(const char *));
    if (!items) {
        diagnostics_fail(reader->diagnostics);
        return false;
    }
    bool is_good = true;
    for (size_t i = 0; i < count; i++) {
        const struct node *item = node->kind == NODE_SEQUENCE ? node->items[i] : node;
        items[i] = item_text(reader, place, item, expected);
        if (items[i] && is_columns && !column_read(reader, place, item, &items[i]))
            items[i] = NULL;
        is_good = is_good && items[i];
    }
    struct sluice_strings strings = {count, items};
    memcpy(place->target, &strings, sizeof(strings));
    return is_good;
}

static bool read_map(struct option_reader *reader, const struct option_place *place,
                     const struct node *node)
{
    if (node->kind != NODE_MAPPING) {
        option_complain(reader, place, node, "a mapping of names to values");
        return false;
    }
    const char **keys = arena_alloc(reader->arena, (node->count + 1) * sizeof(const char *));
    const char **values = arena_alloc(reader->arena, (node->count + 1) * sizeof(const char *));
    if (!keys || !values) {
        diagnostics_fail(reader->diagnostics);
        return false;
    }
    bool is_good = true;
    for (size_t i = 0; i < node->count; i++) {
        keys[i] = node->keys[i]->text;
        values[i] = item_text(reader, place, node->items[i], "a mapping of names to single values");
        is_good = is_good && values[i];
    }
    struct sluice_pairs pairs = {node->count, keys, values};
    memcpy(place->target, &pairs, sizeof(pairs));
    return is_good;
}

static bool read_value(struct option_reader *reader, const struct option_place *place,
                       const struct node *node)
{
    if (node_is_null(node)) {
        diagnostics_error(reader->diagnostics, &node->span,
                          "option `%s` of %s has no value: leave it out, or write \"\" for an "
                          "empty text",
                          place->row->name, place->owner);
        return false;
    }
    reader->has_placeholder = reader->has_placeholder || node->is_placeholder;
    const char *column = NULL;
    switch (place->row->kind) {
    case SLUICE_OPTION_STRINGS:
    case SLUICE_OPTION_COLUMNS:
        return read_strings(reader, place, node);
    case SLUICE_OPTION_MAP:
        return read_map(reader, place, node);
    case SLUICE_OPTION_COLUMN:
        if (!column_read(reader, place, node, &column))
            return false;
        memcpy(place->target, &column, sizeof(column));
        return true;
    case SLUICE_OPTION_TEMPLATE:
        return template_read(reader, place, node);
    case SLUICE_OPTION_SCHEMA:
        return schema_choice_read(reader, place, node);
    case SLUICE_OPTION_CODEC:
        return codec_read(reader, place, node);
    case SLUICE_OPTION_NONE:
    case SLUICE_OPTION_STRING:
    case SLUICE_OPTION_SECRET:
    case SLUICE_OPTION_PATH:
    case SLUICE_OPTION_BOOL:
    case SLUICE_OPTION_INT:
    case SLUICE_OPTION_FLOAT:
    case SLUICE_OPTION_SIZE:
    case SLUICE_OPTION_DURATION:
    case SLUICE_OPTION_TIMESTAMP:
    case SLUICE_OPTION_ENUM:
        return scalar_read(reader, place, node);
    }
    return false;
}

/* A row's default as a node: a list or mapping where the kind takes one, else the text as it is
 * (a template may well begin with a brace). */
static const struct node *default_node(struct option_reader *reader,
                                       const struct sluice_option *row, const struct span *span)
{
    const char *text = row->default_text;
    bool takes_more = row->kind == SLUICE_OPTION_STRINGS || row->kind == SLUICE_OPTION_COLUMNS ||
                      row->kind == SLUICE_OPTION_MAP || row->kind == SLUICE_OPTION_SCHEMA ||
                      row->kind == SLUICE_OPTION_CODEC;
    struct node *node = NULL;
    if (takes_more && (text[0] == '[' || text[0] == '{') &&
        tree_parse(reader->arena, "default value", text, strlen(text), reader->diagnostics,
                   &node) == SLUICE_OK) {
        node->span = *span;
        return node;
    }
    node = arena_alloc(reader->arena, sizeof(*node));
    if (!node) {
        diagnostics_fail(reader->diagnostics);
        return NULL;
    }
    node->kind = NODE_SCALAR;
    node->is_default = true;
    node->span = *span;
    node->text = text;
    node->size = strlen(text);
    return node;
}

static void report_missing(struct option_reader *reader, const struct option_table *table,
                           const struct sluice_option *row, const struct span *span)
{
    reader->has_mistake = true;
    bool has_example = row->example && !option_is_secret(row);
    diagnostics_error(reader->diagnostics, span, "%s needs the option `%s`%s%s%s", table->owner,
                      row->name, has_example ? ", for example `" : "",
                      has_example ? row->example : "", has_example ? "`" : "");
}

static void read_row(struct option_reader *reader, const struct option_table *table,
                     const struct sluice_option *row, const struct node *node,
                     const struct span *span, char *options)
{
    struct option_place place = {table->owner, row, options + row->offset};
    size_t size = value_size(row->kind);
    if (size == 0 || row->offset > table->struct_size || size > table->struct_size - row->offset) {
        reader->has_mistake = true;
        diagnostics_error(reader->diagnostics, span,
                          "%s is broken: the row of its option `%s` has no kind that this sluice "
                          "knows, or points outside its struct",
                          table->owner, row->name);
        return;
    }
    if (!node && row->default_text)
        node = default_node(reader, row, span);
    if (node && !read_value(reader, &place, node))
        reader->has_mistake = true;
    if (!node && row->is_required)
        report_missing(reader, table, row, span);
}

static void report_unknown(struct option_reader *reader, const struct option_table *table,
                           const struct node *given)
{
    const char **names = arena_alloc(reader->arena, (table->count + 1) * sizeof(const char *));
    if (!names) {
        diagnostics_fail(reader->diagnostics);
        return;
    }
    for (size_t i = 0; i < table->count; i++)
        names[i] = table->rows[i].name;
    struct names known = {names, table->count, table->count};
    for (size_t i = 0; i < given->count; i++) {
        const char *name = given->keys[i]->text;
        if (names_has(&known, name))
            continue;
        reader->has_mistake = true;
        const char *hint = did_you_mean(reader->arena, name, names, table->count);
        if (!*hint && table->count > 0)
            hint = arena_print(reader->arena, "; it takes %s",
                               list_names(reader->arena, names, table->count, 8));
        diagnostics_error(reader->diagnostics, &given->keys[i]->span, "unknown option `%s` of %s%s",
                          name, table->owner, hint ? hint : "");
    }
}

const void *options_read(struct option_reader *reader, const struct option_table *table,
                         const struct node *given, const struct span *span)
{
    bool had_mistake = reader->has_mistake;
    reader->has_mistake = false;
    char *options = arena_alloc(reader->arena, table->struct_size ? table->struct_size : 1);
    if (!options) {
        diagnostics_fail(reader->diagnostics);
        reader->has_mistake = true;
        return NULL;
    }
    if (given && node_is_null(given))
        given = NULL;
    if (given && given->kind != NODE_MAPPING) {
        diagnostics_error(reader->diagnostics, &given->span,
                          "the options of %s must be a mapping (name: value), not %s", table->owner,
                          node_describe(reader->arena, given));
        reader->has_mistake = true;
        return NULL;
    }
    if (given)
        report_unknown(reader, table, given);
    for (size_t i = 0; i < table->count; i++)
        read_row(reader, table, &table->rows[i], node_get(given, table->rows[i].name, NULL), span,
                 options);
    bool is_good = !reader->has_mistake;
    reader->has_mistake = had_mistake || !is_good;
    return is_good ? options : NULL;
}
