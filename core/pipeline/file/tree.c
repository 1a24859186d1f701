/* SPDX-License-Identifier: Apache-2.0 */
/* Looking into a tree. */
#include "pipeline/file/tree.h"

#include <string.h>

struct node *node_get(const struct node *mapping, const char *name, struct node **key)
{
    if (key)
        *key = NULL;
    for (size_t i = 0; mapping && mapping->kind == NODE_MAPPING && i < mapping->count; i++) {
        if (strcmp(mapping->keys[i]->text, name) != 0)
            continue;
        if (key)
            *key = mapping->keys[i];
        return mapping->items[i];
    }
    return NULL;
}

bool node_is_null(const struct node *node)
{
    return node->kind == NODE_SCALAR && node->is_plain &&
           (node->size == 0 || strcmp(node->text, "~") == 0 || strcmp(node->text, "null") == 0);
}

/* Longer text is cut in messages, at a character. */
#define MAX_QUOTED 60

const char *node_describe(struct arena *arena, const struct node *node)
{
    switch (node->kind) {
    case NODE_SEQUENCE:
        return "a list";
    case NODE_MAPPING:
        return "a mapping";
    case NODE_SCALAR:
        break;
    }
    if (node->is_secret)
        return "a secret";
    if (node_is_null(node))
        return "nothing";
    if (node->size == 0)
        return "an empty text";
    size_t size = node->size;
    bool is_cut = size > MAX_QUOTED;
    if (is_cut)
        size = MAX_QUOTED;
    while (is_cut && ((unsigned char)node->text[size] & 0xC0) == 0x80)
        size--;
    const char *line_end = memchr(node->text, '\n', size);
    if (line_end) {
        is_cut = true;
        size = (size_t)(line_end - node->text);
    }
    const char *found = arena_print(arena, "`%.*s%s`", (int)size, node->text, is_cut ? "…" : "");
    return found ? found : "something else";
}

/* Keys whose values are secrets in any plugin's words, also in a plugin that is not known. */
static bool is_secret_key(const char *key)
{
    static const char *const words[] = {"password",   "passwd",  "secret", "token",
                                        "credential", "api_key", "apikey", "access_key"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasestr(key, words[i]))
            return true;
    }
    return false;
}

void tree_hide_secrets(const struct node *root, struct diagnostics *diagnostics)
{
    for (size_t i = 0; root->kind != NODE_SCALAR && i < root->count; i++) {
        const struct node *item = root->items[i];
        if (root->kind == NODE_MAPPING && item->kind == NODE_SCALAR &&
            is_secret_key(root->keys[i]->text))
            diagnostics_hide(diagnostics, &item->span);
        tree_hide_secrets(item, diagnostics);
    }
}
