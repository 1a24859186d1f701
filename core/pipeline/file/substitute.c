/* SPDX-License-Identifier: Apache-2.0 */
/* ${NAME}, ${NAME:-default} and ${file:PATH} in scalar values, after parsing: a value can be any
 * text and still adds no structure. */
#include "pipeline/file/tree.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct substitution {
    struct arena *arena;
    struct diagnostics *diagnostics;
    bool is_check;
    struct node *node;
    struct text value;
    bool has_mistake;
};

static bool is_name(const char *text, size_t size)
{
    if (size == 0 || isdigit((unsigned char)text[0]))
        return false;
    for (size_t i = 0; i < size; i++) {
        if (!isalnum((unsigned char)text[i]) && text[i] != '_')
            return false;
    }
    return true;
}

static void take_variable(struct substitution *work, const char *name, const char *fallback,
                          size_t fallback_size)
{
    const char *value = getenv(name);
    if (value && !is_utf8(value, strlen(value))) {
        diagnostics_error(work->diagnostics, &work->node->span,
                          "the value of the environment variable %s is not UTF-8", name);
        work->has_mistake = true;
    } else if (value && (*value || !fallback)) {
        text_append(&work->value, value);
    } else if (fallback) {
        for (size_t i = 0; i < fallback_size; i++) {
            text_append_char(&work->value, fallback[i]);
            i += fallback[i] == '$' && i + 1 < fallback_size && fallback[i + 1] == '$';
        }
    } else if (work->is_check) {
        work->node->is_placeholder = true;
        text_printf(&work->value, "${%s}", name);
    } else {
        diagnostics_error(work->diagnostics, &work->node->span,
                          "the environment variable %s is not set; set it, or give a default: "
                          "${%s:-value}",
                          name, name);
        work->has_mistake = true;
    }
}

static void take_file(struct substitution *work, const char *path)
{
    work->node->is_secret = true;
    if (work->is_check) {
        work->node->is_placeholder = true;
        text_printf(&work->value, "${file:%s}", path);
        return;
    }
    struct text content = {0};
    struct sluice_error *error = error_create();
    if (!error || file_read_all(path, TREE_MAX_BYTES, &content, error) != SLUICE_OK) {
        diagnostics_error(work->diagnostics, &work->node->span, "cannot read the secret %s: %s",
                          path, error ? error_message(error) : "out of memory");
        work->has_mistake = true;
    } else if (!is_utf8(text_get(&content), content.size) ||
               memchr(text_get(&content), 0, content.size)) {
        diagnostics_error(work->diagnostics, &work->node->span,
                          "the secret in %s is not UTF-8 text", path);
        work->has_mistake = true;
    } else {
        size_t size = content.size;
        size -= size > 0 && content.data[size - 1] == '\n';
        size -= size > 0 && size < content.size && content.data[size - 1] == '\r';
        text_append_bytes(&work->value, text_get(&content), size);
    }
    error_destroy(error);
    text_reset(&content);
}

/* Position of the caret for a mistake inside a one-line plain or quoted scalar is the scalar: the
 * text inside may have been folded or unescaped. */
static void complain(struct substitution *work, const char *what)
{
    diagnostics_error(work->diagnostics, &work->node->span, "%s", what);
    work->has_mistake = true;
}

/* What stands between `${` and `}`. */
static void take_reference(struct substitution *work, const char *text, size_t size)
{
    const char *fallback = NULL;
    size_t name_size = size;
    for (size_t i = 0; i + 1 < size && !fallback; i++) {
        if (text[i] == ':' && text[i + 1] == '-') {
            fallback = text + i + 2;
            name_size = i;
        }
    }
    if (size > 5 && strncmp(text, "file:", 5) == 0) {
        char *path = arena_copy(work->arena, text + 5, size - 5);
        if (path)
            take_file(work, path);
        return;
    }
    char *name = arena_copy(work->arena, text, name_size);
    size_t fallback_size = fallback ? size - name_size - 2 : 0;
    if (!name)
        diagnostics_fail(work->diagnostics);
    else if (!is_name(text, name_size))
        complain(work, "`${…}` needs the name of a variable: letters, digits and `_`; a plain "
                       "`${` is written `$${`");
    else if (fallback && memmem(fallback, fallback_size, "${", 2))
        complain(work, "a default cannot hold another ${…}");
    else
        take_variable(work, name, fallback, fallback_size);
}

static void substitute_scalar(struct substitution *work)
{
    const char *text = work->node->text;
    size_t size = work->node->size;
    size_t at = 0;
    while (at < size) {
        if (text[at] != '$' || at + 1 == size || (text[at + 1] != '$' && text[at + 1] != '{')) {
            text_append_char(&work->value, text[at++]);
            continue;
        }
        if (text[at + 1] == '$') {
            text_append_char(&work->value, '$');
            at += 2;
            continue;
        }
        const char *end = memchr(text + at, '}', size - at);
        if (!end) {
            complain(work, "a `${` without its `}`; a plain `${` is written `$${`");
            return;
        }
        take_reference(work, text + at + 2, (size_t)(end - (text + at)) - 2);
        at = (size_t)(end - text) + 1;
    }
}

static void substitute_node(struct arena *arena, struct node *node, bool is_check,
                            struct diagnostics *diagnostics)
{
    struct substitution work = {
        .arena = arena, .diagnostics = diagnostics, .is_check = is_check, .node = node};
    substitute_scalar(&work);
    char *copy = arena_copy(arena, text_get(&work.value), work.value.size);
    if (work.value.has_failed || !copy) {
        diagnostics_fail(diagnostics);
    } else {
        node->text = copy;
        node->size = work.value.size;
        /* A scalar whose variable is missing has been reported: it must not cause more. */
        node->is_placeholder = node->is_placeholder || work.has_mistake;
        /* What comes out of a variable is text that somebody meant, also when it is empty. */
        node->is_plain = false;
    }
    text_reset(&work.value);
}

void tree_substitute(struct arena *arena, struct node *root, bool is_check,
                     struct diagnostics *diagnostics)
{
    if (root->is_substituted)
        return;
    root->is_substituted = true;
    if (root->kind == NODE_SCALAR && memchr(root->text, '$', root->size))
        substitute_node(arena, root, is_check, diagnostics);
    for (size_t i = 0; root->kind != NODE_SCALAR && i < root->count; i++)
        tree_substitute(arena, root->items[i], is_check, diagnostics);
}
