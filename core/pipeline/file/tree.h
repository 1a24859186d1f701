/* SPDX-License-Identifier: Apache-2.0 */
/* A pipeline file as a tree whose every node knows where it stands. An alias is the anchor's own
 * node once more: the tree may share nodes, but never has a cycle. All of it is arena memory. */
#ifndef SLUICE_PIPELINE_FILE_TREE_H
#define SLUICE_PIPELINE_FILE_TREE_H

#include "pipeline/file/diagnostics.h"

enum node_kind { NODE_SCALAR = 1, NODE_SEQUENCE, NODE_MAPPING };

struct node {
    enum node_kind kind;
    struct span span;

    /* scalar */
    const char *text; /* after substitution; NUL-terminated, holds no NUL */
    size_t size;
    bool is_plain;       /* not quoted, no block */
    bool is_substituted; /* substitution has been here */
    bool is_placeholder; /* holds an unset ${NAME} in check mode: fits any type */
    bool is_secret;      /* from ${file:…}: never quoted in a message */
    bool is_default;     /* an option's default: stands in no file */

    /* sequence: items[0 .. count); mapping: keys and items */
    size_t count;
    struct node **keys; /* scalars, all different */
    struct node **items;

    size_t weight; /* nodes below and including this one, aliases expanded */
    int height;    /* levels below */
};

/* Limits of a pipeline file. */
#define TREE_MAX_BYTES ((size_t)1024 * 1024)
#define TREE_MAX_DEPTH 64
#define TREE_MAX_NODES ((size_t)100000)
#define TREE_MAX_ANCHORS 1000

/* OK, or CONFIG with one mistake in `diagnostics`; FATAL without memory. *root is NULL unless OK.
 */
enum sluice_status tree_parse(struct arena *arena, const char *file, const char *bytes, size_t size,
                              struct diagnostics *diagnostics, struct node **root);

/* Replaces ${NAME}, ${NAME:-default} and ${file:PATH} in every scalar value of the tree; keys are
 * left alone. Mistakes go to diagnostics.
 *   - `:-` stands in for an unset and for an empty variable, as in a shell;
 *   - a default is plain text up to the next `}`: it holds no further ${…};
 *   - `$$` is a dollar, a `$` before anything but `{` stays;
 *   - a file's value loses one newline at its end and is a secret;
 *   - is_check: an unset variable or a secret file makes the scalar a placeholder. */
void tree_substitute(struct arena *arena, struct node *root, bool is_check,
                     struct diagnostics *diagnostics);

/* Lines shown leave out the values of keys that sound like a secret (password, token …); options
 * that are declared as secrets are hidden when they are read. */
void tree_hide_secrets(const struct node *root, struct diagnostics *diagnostics);

/* The value under a key of a mapping, or NULL. *key (may be NULL) is the key's node. */
struct node *node_get(const struct node *mapping, const char *name, struct node **key);
/* Nothing written: an empty plain scalar, `~` or `null`. */
bool node_is_null(const struct node *node);
/* "a list", "a mapping", "nothing", "the text `abc`", "a secret": what was found, for messages.
 * Returned text is the arena's. */
const char *node_describe(struct arena *arena, const struct node *node);

#endif
