/* SPDX-License-Identifier: Apache-2.0 */
/* Where a pipeline's state lies, and what follows from it: `state: SCHEME://…` is opened by the
 * component state-SCHEME, anything else is a folder. A store that others reach has no folder for a
 * member: so the member's id must be given, and the default dead letter is objects. */
#include "pipeline/draft.h"

#include <stdlib.h>
#include <string.h>

/* "s3" of "s3://bucket"; NULL for a path. */
static const char *find_scheme(struct draft *draft, const struct node *node)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    size_t size = node && node->kind == NODE_SCALAR ? strspn(node->text, letters) : 0;
    if (size == 0 || strncmp(node->text + size, "://", 3) != 0)
        return NULL;
    return arena_copy(draft->arena, node->text, size);
}

static const char *cut_slashes(struct draft *draft, const char *text)
{
    size_t size = strlen(text);
    while (size > 0 && text[size - 1] == '/')
        size--;
    const char *cut = arena_copy(draft->arena, text, size);
    if (!cut)
        diagnostics_fail(draft->diagnostics);
    return cut ? cut : text;
}

static void ignore_broken(void *user, const struct sluice_error *error)
{
    (void)user;
    (void)error;
}

/* "s3://", …: what there is. */
static const char *list_schemes(struct draft *draft)
{
    struct names names = {0};
    size_t prefix = strlen("state-");
    loader_scan(draft->loader, ignore_broken, NULL);
    for (size_t i = 0; i < loader_count(draft->loader); i++) {
        const struct component *component = loader_component(draft->loader, i);
        const char *scheme = component->kind == SLUICE_KIND_STATE
                                 ? arena_print(draft->arena, "%s://", component->name + prefix)
                                 : NULL;
        if (scheme && !names_add(draft->arena, &names, scheme))
            diagnostics_fail(draft->diagnostics);
    }
    return list_names(draft->arena, names.items, names.count, 10);
}

static void refuse_scheme(struct draft *draft, const struct node *node, const char *scheme,
                          const struct sluice_error *error)
{
    if (error_code(error) != SLUICE_CODE_NOT_FOUND) {
        diagnostics_take(draft->diagnostics, &node->span, error);
        return;
    }
    const char *schemes = list_schemes(draft);
    diagnostics_error(draft->diagnostics, &node->span,
                      "state cannot be kept in %s://: there is no plugin state-%s; it takes a "
                      "folder%s%s",
                      scheme, scheme, schemes && *schemes ? " or " : "", schemes ? schemes : "");
}

/* The store's options: the text is its `url`, the others have their defaults. */
static void read_options(struct draft *draft, struct node *node)
{
    struct node *key = arena_alloc(draft->arena, sizeof *key);
    struct node *given = arena_alloc(draft->arena, sizeof *given);
    struct node **lists = arena_alloc(draft->arena, 2 * sizeof *lists);
    if (!key || !given || !lists) {
        diagnostics_fail(draft->diagnostics);
        return;
    }
    *key = (struct node){.kind = NODE_SCALAR, .span = node->span, .text = "url", .size = 3};
    lists[0] = key;
    lists[1] = node;
    *given = (struct node){.kind = NODE_MAPPING,
                           .span = node->span,
                           .count = 1,
                           .keys = &lists[0],
                           .items = &lists[1]};
    const struct component *component = draft->settings.state_store;
    struct option_reader reader = {
        .arena = draft->arena, .diagnostics = draft->diagnostics, .loader = draft->loader};
    struct option_table table = {component->name, component->options, component->option_count,
                                 component->options_size};
    draft->settings.state_options = options_read(&reader, &table, given, &node->span);
}

void state_read(struct draft *draft, struct node *node)
{
    const char *scheme = find_scheme(draft, node);
    const char *name = scheme ? arena_print(draft->arena, "state-%s", scheme) : NULL;
    struct sluice_error *error = error_create();
    draft->settings.state_mark = node ? node->span.mark : draft->root->span.mark;
    if (!error || (scheme && !name)) {
        diagnostics_fail(draft->diagnostics);
    } else if (scheme && node->is_secret && !node->is_placeholder) {
        diagnostics_error(draft->diagnostics, &node->span,
                          "`state` is a place that messages show: it cannot come from a secret");
    } else if (scheme && !node->is_placeholder) {
        loader_find(draft->loader, SLUICE_KIND_STATE, name, &draft->settings.state_store, error);
        if (draft->settings.state_store) {
            draft->settings.state = cut_slashes(draft, node->text);
            read_options(draft, node);
        }
        if (!draft->settings.state_store)
            refuse_scheme(draft, node, scheme, error);
    }
    error_destroy(error);
}

/* ---- the member ---- */

void state_read_member(struct draft *draft, const struct node *state, const struct node *member)
{
    struct settings_plan *settings = &draft->settings;
    const char *given = getenv("SLUICE_MEMBER");
    if (member && !member->is_placeholder && !is_good_name(settings->member))
        diagnostics_error(draft->diagnostics, &member->span,
                          "option `member` of settings must be 1 to 64 letters, digits, `.`, `_` "
                          "or `-`, not %s",
                          node_describe(draft->arena, member));
    if (member || draft->is_check)
        return;
    if (given && *given && !is_good_name(given)) {
        diagnostics_error(draft->diagnostics, NULL,
                          "the environment variable SLUICE_MEMBER must be 1 to 64 letters, "
                          "digits, `.`, `_` or `-`, not `%s`",
                          given);
    } else if (given && *given) {
        settings->member = arena_copy(draft->arena, given, strlen(given));
        if (!settings->member)
            diagnostics_fail(draft->diagnostics);
    } else if (settings->state_store) {
        diagnostics_error(draft->diagnostics, &state->span,
                          "state in %s needs a member id, which no folder can keep: set "
                          "`member` of settings or the environment variable SLUICE_MEMBER to a "
                          "name that stays the same over restarts and that no other process has, "
                          "such as the name of a StatefulSet's pod",
                          settings->state);
    }
}

/* ---- the default dead letter ---- */

static const char *quote(struct draft *draft, const char *text)
{
    char *quoted = arena_alloc(draft->arena, 2 * strlen(text) + 1);
    for (char *to = quoted; to && *text; text++) {
        if (*text == '\'')
            *to++ = '\'';
        *to++ = *text;
    }
    return quoted;
}

/* A file of the member's own, or objects beside its checkpoints. */
static const char *dead_letter_text(struct draft *draft, const struct draft_flow *flow)
{
    const struct settings_plan *settings = &draft->settings;
    if (!settings->state_store)
        return arena_print(draft->arena,
                           "sink-file: {path: \"member:deadletter/%s.ndjson\", format: json}",
                           flow->name);
    const char *scheme = settings->state_store->name + strlen("state-");
    const char *url = quote(draft, settings->state);
    return url ? arena_print(draft->arena, "sink-%s: {url: '%s/%s/deadletter/%s', format: json}",
                             scheme, url, draft->name, flow->name)
               : NULL;
}

const struct node *state_dead_letter(struct draft *draft, const struct draft_flow *flow)
{
    const char *text = dead_letter_text(draft, flow);
    struct node *node = NULL;
    if (!text || tree_parse(draft->arena, "default dead letter", text, strlen(text),
                            draft->diagnostics, &node) != SLUICE_OK)
        diagnostics_fail(draft->diagnostics);
    return node;
}
