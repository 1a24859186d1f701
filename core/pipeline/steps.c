/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a flow: which plugin each is, and its name. */
#include "pipeline/draft.h"

#include <string.h>

static enum sluice_kind kind_by_prefix(const char *name)
{
    static const enum sluice_kind kinds[] = {SLUICE_KIND_SOURCE, SLUICE_KIND_TRANSFORM,
                                             SLUICE_KIND_SINK};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        size_t size = strlen(kind_name(kinds[i]));
        if (strncmp(name, kind_name(kinds[i]), size) == 0 && name[size] == '-')
            return kinds[i];
    }
    return SLUICE_KIND_NONE;
}

/* A component named otherwise than `KIND-…` is looked for as each kind in turn. */
static const struct component *find_component(struct draft *draft, const char *name,
                                              enum sluice_kind kind, struct sluice_error *error)
{
    const struct component *component = NULL;
    if (kind != SLUICE_KIND_NONE) {
        loader_find(draft->loader, kind, name, &component, error);
        return component;
    }
    if (loader_find(draft->loader, SLUICE_KIND_SOURCE, name, &component, error) == SLUICE_OK ||
        loader_find(draft->loader, SLUICE_KIND_SINK, name, &component, error) == SLUICE_OK)
        return component;
    loader_find(draft->loader, SLUICE_KIND_TRANSFORM, name, &component, error);
    return component;
}

static void find_plugin(struct draft *draft, struct draft_step *step)
{
    struct sluice_error *error = error_create();
    if (!error) {
        diagnostics_fail(draft->diagnostics);
        return;
    }
    enum sluice_kind kind =
        step->is_dead_letter && kind_by_prefix(step->key->text) == SLUICE_KIND_NONE
            ? SLUICE_KIND_SINK
            : kind_by_prefix(step->key->text);
    step->component = find_component(draft, step->key->text, kind, error);
    step->is_broken = !step->component;
    if (!step->component)
        diagnostics_take(draft->diagnostics, &step->key->span, error);
    error_destroy(error);
}

/* Splits a step's mapping into its plugin and what stands beside it. */
static bool take_keys(struct draft *draft, struct draft_step *step, const struct node *node)
{
    if (node->kind == NODE_SCALAR && !node_is_null(node) && !node->is_placeholder) {
        step->key = node; /* `- plugin`: no options */
        return true;
    }
    for (size_t i = 0; node->kind == NODE_MAPPING && i < node->count; i++) {
        const struct node *key = node->keys[i];
        if (strcmp(key->text, "name") == 0) {
            step->name_node = node->items[i];
        } else if (strcmp(key->text, "from") == 0) {
            step->from = node->items[i];
        } else if (strcmp(key->text, "delivery") == 0) {
            step->delivery = node->items[i];
        } else if (strcmp(key->text, "patience") == 0) {
            step->patience = node->items[i];
        } else if (step->key) {
            diagnostics_error(draft->diagnostics, &key->span,
                              "a step has one plugin: `%s` is already there; beside it stand only "
                              "`name`, `from`, `delivery` and `patience`",
                              step->key->text);
            return false;
        } else {
            step->key = key;
            step->given = node->items[i];
        }
    }
    if (!step->key)
        diagnostics_error(draft->diagnostics, &node->span,
                          "a step must be `plugin: {options}`, not %s",
                          node->kind == NODE_MAPPING ? "a mapping without a plugin"
                                                     : node_describe(draft->arena, node));
    return step->key != NULL;
}

static void check_name(struct draft *draft, struct draft_step *step)
{
    const struct node *node = step->name_node;
    if (!node)
        return;
    if (node->kind == NODE_SCALAR && is_good_name(node->text)) {
        step->name = node->text;
        return;
    }
    step->name_node = NULL;
    step->is_broken = true;
    diagnostics_error(draft->diagnostics, &node->span,
                      "a step's name must be 1 to 64 letters, digits, `.`, `_` or `-`, not %s",
                      node_describe(draft->arena, node));
}

static bool is_taken(const struct draft_flow *flow, const char *name)
{
    for (size_t i = 0; i < flow->step_count; i++) {
        if (flow->steps[i].name && strcmp(flow->steps[i].name, name) == 0)
            return true;
    }
    return false;
}

static void check_duplicate_names(struct draft *draft, struct draft_flow *flow)
{
    for (size_t i = 0; i < flow->step_count; i++) {
        for (size_t j = 0; j < i && flow->steps[i].name_node; j++) {
            const struct node *first = flow->steps[j].name_node;
            if (!first || strcmp(flow->steps[j].name, flow->steps[i].name) != 0)
                continue;
            flow->is_broken = true;
            diagnostics_error(draft->diagnostics, &flow->steps[i].name_node->span,
                              "two steps of flow `%s` are named `%s`; the first at line %d, column "
                              "%d",
                              flow->name, first->text, first->span.mark.line,
                              first->span.mark.column);
            break;
        }
    }
}

/* The plugin's name, with -2, -3 … where it is taken. */
static void name_step(struct draft *draft, const struct draft_flow *flow, struct draft_step *step)
{
    const char *base = step->is_default ? "dead-letter" : step->key->text;
    const char *name = base;
    for (int number = 2; name && is_taken(flow, name); number++)
        name = arena_print(draft->arena, "%s-%d", base, number);
    if (!name)
        diagnostics_fail(draft->diagnostics);
    step->name = name ? name : "";
}

static void read_step(struct draft *draft, struct draft_flow *flow, const struct node *node,
                      bool is_dead_letter)
{
    struct draft_step *step = &flow->steps[flow->step_count];
    *step = (struct draft_step){.is_dead_letter = is_dead_letter};
    if (!take_keys(draft, step, node)) {
        flow->is_broken = flow->has_gap = true;
        return;
    }
    flow->step_count++;
    check_name(draft, step);
    find_plugin(draft, step);
    delivery_read(draft, flow, step);
    if (is_dead_letter && step->from) {
        step->is_broken = true;
        diagnostics_error(draft->diagnostics, &step->from->span,
                          "a dead letter takes no `from`: it gets the rejected rows of all steps");
    }
    if (is_dead_letter && step->component && step->component->kind != SLUICE_KIND_SINK) {
        step->is_broken = true;
        diagnostics_error(draft->diagnostics, &step->key->span,
                          "the dead letter must be a sink; %s is a %s", step->key->text,
                          kind_name(step->component->kind));
    }
}

/* A flow of thousands of steps is a mistake of whoever generated it. */
#define MAX_STEPS 256

void steps_read(struct draft *draft, struct draft_flow *flow, const struct node *steps,
                const struct node *dead_letter)
{
    if (steps->count > MAX_STEPS) {
        flow->is_broken = true;
        diagnostics_error(draft->diagnostics, &steps->span, "a flow has at most %d steps",
                          MAX_STEPS);
        return;
    }
    flow->steps = arena_alloc(draft->arena, (steps->count + 1) * sizeof(*flow->steps));
    bool is_default = !dead_letter;
    if (is_default)
        dead_letter = state_dead_letter(draft, flow);
    if (!flow->steps || !dead_letter) {
        diagnostics_fail(draft->diagnostics);
        return;
    }
    for (size_t i = 0; i < steps->count; i++)
        read_step(draft, flow, steps->items[i], false);
    read_step(draft, flow, dead_letter, true);
    flow->steps[flow->step_count ? flow->step_count - 1 : 0].is_default = is_default;
    check_duplicate_names(draft, flow);
    for (size_t i = 0; i < flow->step_count; i++) {
        if (!flow->steps[i].name)
            name_step(draft, flow, &flow->steps[i]);
    }
}
