/* SPDX-License-Identifier: Apache-2.0 */
/* libyaml's events into a tree: one mistake ends it, because what follows a broken line means
 * nothing. Depth, size and alias expansion are held to a budget. */
#include "pipeline/file/encoding.h"
#include "pipeline/file/syntax.h"
#include "pipeline/file/tree.h"

#include <stdlib.h>
#include <string.h>

struct anchor {
    const char *name;
    struct node *node;
    struct anchor *earlier;
};

/* A sequence or mapping whose end has not come. */
struct frame {
    struct node *node;
    struct node *key; /* mapping: key that waits for its value */
    size_t capacity;
};

struct parser {
    struct arena *arena;
    struct diagnostics *diagnostics;
    const char *file;
    yaml_parser_t yaml;
    struct frame frames[TREE_MAX_DEPTH];
    int depth;
    struct anchor *anchors; /* newest first: a name may be given again */
    struct node *root;
    size_t anchor_count;
    size_t node_count; /* aliases expanded */
};

static struct span event_span(const struct parser *parser, const yaml_event_t *event)
{
    struct span span = {
        .mark = {parser->file, (int)event->start_mark.line + 1, (int)event->start_mark.column + 1},
        .end_line = (int)event->end_mark.line + 1,
        .end_column = (int)event->end_mark.column + 1,
    };
    return span;
}

static enum sluice_status no_memory(struct parser *parser)
{
    diagnostics_fail(parser->diagnostics);
    return SLUICE_FATAL;
}

/* Grows an arena array of pointers. */
static struct node **grow_nodes(struct parser *parser, struct node **nodes, size_t count,
                                size_t capacity)
{
    struct node **grown = arena_alloc(parser->arena, capacity * sizeof(struct node *));
    if (grown && count)
        memcpy(grown, nodes, count * sizeof(struct node *));
    return grown;
}

static enum sluice_status make_room(struct parser *parser, struct frame *frame)
{
    struct node *node = frame->node;
    if (node->count < frame->capacity)
        return SLUICE_OK;
    size_t capacity = frame->capacity ? frame->capacity * 2 : 8;
    node->items = grow_nodes(parser, node->items, node->count, capacity);
    if (node->kind == NODE_MAPPING)
        node->keys = grow_nodes(parser, node->keys, node->count, capacity);
    if (!node->items || (node->kind == NODE_MAPPING && !node->keys))
        return no_memory(parser);
    frame->capacity = capacity;
    return SLUICE_OK;
}

static enum sluice_status take_key(struct parser *parser, struct frame *frame, struct node *node)
{
    if (node->kind != NODE_SCALAR) {
        diagnostics_error(parser->diagnostics, &node->span, "a key must be plain text, not %s",
                          node->kind == NODE_MAPPING ? "a mapping" : "a list");
        return SLUICE_CONFIG;
    }
    if (node->is_plain && strcmp(node->text, "<<") == 0) {
        diagnostics_error(parser->diagnostics, &node->span,
                          "merge keys (`<<`) are not supported: write the keys out");
        return SLUICE_CONFIG;
    }
    frame->key = node;
    return SLUICE_OK;
}

/* A complete node goes to whoever waits for it. */
static enum sluice_status attach(struct parser *parser, struct node *node)
{
    if (parser->depth == 0) {
        parser->root = node;
        return SLUICE_OK;
    }
    struct frame *frame = &parser->frames[parser->depth - 1];
    struct node *parent = frame->node;
    if (parent->kind == NODE_MAPPING && !frame->key)
        return take_key(parser, frame, node);
    enum sluice_status status = make_room(parser, frame);
    if (status != SLUICE_OK)
        return status;
    if (parent->kind == NODE_MAPPING)
        parent->keys[parent->count] = frame->key;
    frame->key = NULL;
    parent->items[parent->count++] = node;
    parent->weight += node->weight;
    if (node->height >= parent->height)
        parent->height = node->height + 1;
    return SLUICE_OK;
}

static enum sluice_status remember_anchor(struct parser *parser, const yaml_char_t *name,
                                          struct node *node)
{
    if (!name)
        return SLUICE_OK;
    if (++parser->anchor_count > TREE_MAX_ANCHORS) {
        diagnostics_error(parser->diagnostics, &node->span, "the file has more than %d anchors",
                          TREE_MAX_ANCHORS);
        return SLUICE_CONFIG;
    }
    struct anchor *anchor = arena_alloc(parser->arena, sizeof(*anchor));
    char *copy = arena_copy(parser->arena, (const char *)name, strlen((const char *)name));
    if (!anchor || !copy)
        return no_memory(parser);
    *anchor = (struct anchor){copy, node, parser->anchors};
    parser->anchors = anchor;
    return SLUICE_OK;
}

static enum sluice_status create_node(struct parser *parser, const yaml_event_t *event,
                                      enum node_kind kind, const yaml_char_t *tag,
                                      struct node **created)
{
    struct span span = event_span(parser, event);
    *created = NULL;
    if (tag) {
        diagnostics_error(parser->diagnostics, &span,
                          "tags (`%s`) are not supported: the option says what type it takes",
                          (const char *)tag);
        return SLUICE_CONFIG;
    }
    if (++parser->node_count > TREE_MAX_NODES) {
        diagnostics_error(parser->diagnostics, &span, "the file holds more than %zu values",
                          TREE_MAX_NODES);
        return SLUICE_CONFIG;
    }
    struct node *node = arena_alloc(parser->arena, sizeof(*node));
    if (!node)
        return no_memory(parser);
    node->kind = kind;
    node->span = span;
    node->weight = 1;
    *created = node;
    return SLUICE_OK;
}

static enum sluice_status take_scalar(struct parser *parser, const yaml_event_t *event)
{
    struct node *node;
    enum sluice_status status =
        create_node(parser, event, NODE_SCALAR, event->data.scalar.tag, &node);
    if (status != SLUICE_OK)
        return status;
    const char *value = (const char *)event->data.scalar.value;
    if (memchr(value, 0, event->data.scalar.length)) {
        diagnostics_error(parser->diagnostics, &node->span, "text must not hold a NUL (\\0)");
        return SLUICE_CONFIG;
    }
    node->text = arena_copy(parser->arena, value, event->data.scalar.length);
    node->size = event->data.scalar.length;
    node->is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (!node->text)
        return no_memory(parser);
    status = remember_anchor(parser, event->data.scalar.anchor, node);
    return status == SLUICE_OK ? attach(parser, node) : status;
}

static enum sluice_status begin_collection(struct parser *parser, const yaml_event_t *event,
                                           enum node_kind kind, const yaml_char_t *anchor,
                                           const yaml_char_t *tag)
{
    struct node *node;
    enum sluice_status status = create_node(parser, event, kind, tag, &node);
    if (status != SLUICE_OK)
        return status;
    if (parser->depth == TREE_MAX_DEPTH) {
        diagnostics_error(parser->diagnostics, &node->span,
                          "lists and mappings are nested deeper than %d levels", TREE_MAX_DEPTH);
        return SLUICE_CONFIG;
    }
    node->height = 1;
    parser->frames[parser->depth++] = (struct frame){.node = node};
    return remember_anchor(parser, anchor, node);
}

static int compare_keys(const void *one, const void *other)
{
    const struct node *a = *(struct node *const *)one;
    const struct node *b = *(struct node *const *)other;
    int order = strcmp(a->text, b->text);
    if (order)
        return order;
    if (a->span.mark.line != b->span.mark.line)
        return a->span.mark.line < b->span.mark.line ? -1 : 1;
    return (a->span.mark.column > b->span.mark.column) -
           (a->span.mark.column < b->span.mark.column);
}

/* Equal keys stand side by side once sorted: n log n, whatever the file. */
static enum sluice_status check_duplicates(struct parser *parser, const struct node *mapping)
{
    if (mapping->count < 2)
        return SLUICE_OK;
    struct node **sorted = calloc(mapping->count, sizeof(struct node *));
    if (!sorted)
        return no_memory(parser);
    memcpy(sorted, mapping->keys, mapping->count * sizeof(struct node *));
    qsort(sorted, mapping->count, sizeof(struct node *), compare_keys);
    enum sluice_status status = SLUICE_OK;
    for (size_t i = 1; i < mapping->count; i++) {
        if (strcmp(sorted[i - 1]->text, sorted[i]->text) != 0)
            continue;
        diagnostics_error(parser->diagnostics, &sorted[i]->span,
                          "key `%s` is given twice; first at line %d, column %d", sorted[i]->text,
                          sorted[i - 1]->span.mark.line, sorted[i - 1]->span.mark.column);
        status = SLUICE_CONFIG;
    }
    free(sorted);
    return status;
}

static enum sluice_status end_collection(struct parser *parser, const yaml_event_t *event)
{
    struct node *node = parser->frames[--parser->depth].node;
    node->span.end_line = (int)event->end_mark.line + 1;
    node->span.end_column = (int)event->end_mark.column + 1;
    if (node->kind == NODE_MAPPING) {
        enum sluice_status status = check_duplicates(parser, node);
        if (status != SLUICE_OK)
            return status;
    }
    return attach(parser, node);
}

static bool is_open(const struct parser *parser, const struct node *node)
{
    for (int i = 0; i < parser->depth; i++) {
        if (parser->frames[i].node == node)
            return true;
    }
    return false;
}

static enum sluice_status take_alias(struct parser *parser, const yaml_event_t *event)
{
    struct span span = event_span(parser, event);
    const char *name = (const char *)event->data.alias.anchor;
    const struct anchor *anchor = parser->anchors;
    while (anchor && strcmp(anchor->name, name) != 0)
        anchor = anchor->earlier;
    if (!anchor)
        diagnostics_error(parser->diagnostics, &span, "alias `*%s` has no anchor `&%s` before it",
                          name, name);
    else if (is_open(parser, anchor->node))
        diagnostics_error(parser->diagnostics, &span, "alias `*%s` stands inside its own anchor",
                          name);
    else if (parser->depth + anchor->node->height > TREE_MAX_DEPTH)
        diagnostics_error(parser->diagnostics, &span,
                          "lists and mappings are nested deeper than %d levels", TREE_MAX_DEPTH);
    else if ((parser->node_count += anchor->node->weight) > TREE_MAX_NODES)
        diagnostics_error(parser->diagnostics, &span,
                          "aliases expand the file to more than %zu values", TREE_MAX_NODES);
    else
        return attach(parser, anchor->node);
    return SLUICE_CONFIG;
}

static enum sluice_status take_event(struct parser *parser, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return take_scalar(parser, event);
    case YAML_ALIAS_EVENT:
        return take_alias(parser, event);
    case YAML_SEQUENCE_START_EVENT:
        return begin_collection(parser, event, NODE_SEQUENCE, event->data.sequence_start.anchor,
                                event->data.sequence_start.tag);
    case YAML_MAPPING_START_EVENT:
        return begin_collection(parser, event, NODE_MAPPING, event->data.mapping_start.anchor,
                                event->data.mapping_start.tag);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return end_collection(parser, event);
    case YAML_DOCUMENT_START_EVENT:
        if (!parser->root)
            return SLUICE_OK;
        struct span span = event_span(parser, event);
        diagnostics_error(parser->diagnostics, &span,
                          "a second document starts here; a pipeline file holds one");
        return SLUICE_CONFIG;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return SLUICE_OK;
    }
    return SLUICE_OK;
}

static enum sluice_status read_events(struct parser *parser, const char *bytes, size_t size)
{
    for (;;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser->yaml, &event)) {
            if (parser->yaml.error == YAML_MEMORY_ERROR)
                return no_memory(parser);
            report_syntax(parser->file, &parser->yaml, bytes, size, parser->diagnostics);
            return SLUICE_CONFIG;
        }
        enum sluice_status status = take_event(parser, &event);
        bool is_end = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
        if (status != SLUICE_OK || is_end)
            return status;
    }
}

enum sluice_status tree_parse(struct arena *arena, const char *file, const char *bytes, size_t size,
                              struct diagnostics *diagnostics, struct node **root)
{
    static const char byte_order_mark[] = "\xEF\xBB\xBF";
    *root = NULL;
    struct span whole = {.mark = {file, 0, 0}};
    if (size > TREE_MAX_BYTES) {
        diagnostics_error(diagnostics, &whole, "the file is larger than %zu bytes", TREE_MAX_BYTES);
        return SLUICE_CONFIG;
    }
    if (!check_encoding(file, bytes, size, diagnostics))
        return SLUICE_CONFIG;
    if (size >= 3 && memcmp(bytes, byte_order_mark, 3) == 0) {
        bytes += 3;
        size -= 3;
    }
    struct parser parser = {.arena = arena, .diagnostics = diagnostics, .file = file};
    if (!yaml_parser_initialize(&parser.yaml))
        return no_memory(&parser);
    yaml_parser_set_encoding(&parser.yaml, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser.yaml, (const unsigned char *)bytes, size);
    enum sluice_status status = read_events(&parser, bytes, size);
    yaml_parser_delete(&parser.yaml);
    if (status == SLUICE_OK && !parser.root) {
        diagnostics_error(diagnostics, &whole, "the file is empty");
        status = SLUICE_CONFIG;
    }
    if (status == SLUICE_OK)
        *root = parser.root;
    return status;
}
