/* SPDX-License-Identifier: Apache-2.0 */
/* Schemas from step to step: options are read against the input's columns, then the plan callback
 * says what comes out. */
#include "pipeline/planning.h"

#include <stdlib.h>
#include <string.h>

const struct span *option_span(const struct node *key, const struct node *given, const char *option,
                               const char *item)
{
    const struct node *value = option && given ? node_get(given, option, NULL) : NULL;
    if (!value)
        return &key->span;
    if (!item || value->kind == NODE_SCALAR)
        return &value->span;
    const struct node *found = node_get(value, item, NULL);
    if (found)
        return &found->span;
    for (size_t i = 0; value->kind == NODE_SEQUENCE && i < value->count; i++) {
        if (value->items[i]->kind == NODE_SCALAR && strcmp(value->items[i]->text, item) == 0)
            return &value->items[i]->span;
    }
    int64_t index = 0;
    if (value->kind == NODE_SEQUENCE && parse_int64(item, strlen(item), &index) && index >= 0 &&
        (size_t)index < value->count)
        return &value->items[index]->span;
    return &value->span;
}

/* ---- the input ---- */

/* What two inputs of one step differ in; NULL: nothing. */
static const char *difference(struct arena *arena, const struct draft_step *first,
                              const struct draft_step *other)
{
    const struct sluice_schema *a = first->output;
    const struct sluice_schema *b = other->output;
    for (size_t i = 0; i < a->field_count; i++) {
        const struct sluice_field *field = sluice_schema_field(a, i);
        int at = schema_find(b, field->name);
        if (at < 0)
            return arena_print(arena, "`%s` has the column `%s`, `%s` has not", first->name,
                               field->name, other->name);
        enum sluice_type type = sluice_schema_field(b, (size_t)at)->type;
        if (type != field->type)
            return arena_print(arena, "column `%s` is %s in `%s`, but %s in `%s`", field->name,
                               type_name(field->type), first->name, type_name(type), other->name);
    }
    for (size_t i = 0; i < b->field_count; i++) {
        const char *name = sluice_schema_field(b, i)->name;
        if (schema_find(a, name) < 0)
            return arena_print(arena, "`%s` has the column `%s`, `%s` has not", other->name, name,
                               first->name);
    }
    for (size_t i = 0; i < a->field_count; i++) {
        const char *name = sluice_schema_field(a, i)->name;
        if (schema_find(b, name) != (int)i)
            return arena_print(arena, "column `%s` does not stand in the same place", name);
    }
    return NULL;
}

/* Sets the step's input from the steps that it reads. False: not known. */
static bool take_input(struct draft *draft, struct draft_flow *flow, struct draft_step *step)
{
    step->input = NULL;
    step->input_properties = (struct properties){0};
    for (size_t i = 0; i < step->input_count; i++) {
        const struct draft_step *input = &flow->steps[step->inputs[i]];
        if (input->is_broken || input->is_unknown || !input->output)
            return false;
    }
    if (step->input_count == 0)
        return true;
    const struct draft_step *first = &flow->steps[step->inputs[0]];
    for (size_t i = 1; i < step->input_count; i++) {
        const struct draft_step *other = &flow->steps[step->inputs[i]];
        const char *what = difference(draft->arena, first, other);
        if (!what)
            continue;
        step->is_broken = true;
        diagnostics_error(draft->diagnostics, step->from ? &step->from->span : &step->key->span,
                          "the inputs of `%s` have different columns: %s", step->name, what);
        return false;
    }
    step->input = first->output;
    if (step->input_count == 1)
        step->input_properties = first->output_properties;
    return true;
}

/* ---- options ---- */

static void read_options(struct draft *draft, struct draft_step *step)
{
    struct option_reader reader = {.arena = draft->arena,
                                   .diagnostics = draft->diagnostics,
                                   .loader = draft->loader,
                                   .schemas = draft->schemas,
                                   .input = step->input};
    const struct component *component = step->component;
    struct option_table table = {component->name, component->options, component->option_count,
                                 component->options_size};
    step->options = options_read(&reader, &table, step->given, &step->key->span);
    step->option_columns = reader.columns;
    step->is_broken = step->is_broken || !step->options;
    step->is_unknown = step->is_unknown || reader.has_unknown;
    /* A plan callback may well dislike a stand-in: then its word does not count. */
    step->has_placeholder = reader.has_placeholder;
}

/* ---- the plan callback ---- */

static bool has_columns(const struct sluice_schema *schema, const struct property_plan *property)
{
    for (size_t i = 0; i < property->column_count; i++) {
        if (schema_find(schema, property->columns[i]) < 0)
            return false;
    }
    return true;
}

/* A stateless transform keeps what is known of its input's order. */
static void inherit_properties(struct draft *draft, struct draft_step *step)
{
    bool is_stateless = step->component->kind == SLUICE_KIND_TRANSFORM &&
                        (step->component->capabilities & SLUICE_STATELESS);
    for (size_t i = 0; is_stateless && i < step->input_properties.count; i++) {
        const struct property_plan *property = &step->input_properties.items[i];
        if (has_columns(step->output, property) &&
            !properties_add(draft->arena, &step->output_properties, property))
            diagnostics_fail(draft->diagnostics);
    }
}

/* `needed` leaves out columns of steps that can do without. */
static struct sluice_field *keep_needed(const struct draft_step *step, struct sluice_field *fields,
                                        size_t *count)
{
    if (!(step->component->capabilities & SLUICE_PROJECTS) || !step->is_pruned)
        return fields;
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        if (names_has(&step->needed_names, fields[i].name))
            fields[kept++] = fields[i];
    }
    *count = kept;
    return fields;
}

static bool set_output(struct draft *draft, struct draft_step *step,
                       const struct sluice_planning *planning)
{
    size_t count = planning->field_count;
    step->keys = planning->keys;
    step->reads = planning->reads;
    step->has_reads = planning->has_reads;
    step->output_properties = planning->properties;
    step->output = NULL;
    if (step->component->kind == SLUICE_KIND_SINK)
        return true;
    step->output_fields = keep_needed(step, planning->fields, &count);
    struct sluice_schema *output = arena_alloc(draft->arena, sizeof(*output));
    if (!output) {
        diagnostics_fail(draft->diagnostics);
        return false;
    }
    *output = (struct sluice_schema){sizeof(struct sluice_field), count, step->output_fields};
    step->output = output;
    if (planning->properties.count == 0)
        inherit_properties(draft, step);
    return count > 0;
}

static const char *missing_key(const struct draft_step *step, const struct names *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (!step->input || schema_find(step->input, keys->items[i]) < 0)
            return keys->items[i];
    }
    return NULL;
}

/* Runs the callback and keeps its answer. is_quiet: a later pass, which reports nothing. */
static bool call_plan(struct draft *draft, const struct draft_flow *flow, struct draft_step *step,
                      bool is_quiet)
{
    struct sluice_planning planning = {.input = step->input,
                                       .input_properties = &step->input_properties,
                                       .is_batch = flow_is_batch(flow),
                                       .has_member_folder = !draft->settings.state_store,
                                       .is_quiet = is_quiet || step->has_placeholder,
                                       .step = step,
                                       .arena = draft->arena,
                                       .diagnostics = draft->diagnostics};
    size_t mistakes = diagnostics_error_count(draft->diagnostics);
    struct sluice_error *error = error_create();
    if (!error) {
        diagnostics_fail(draft->diagnostics);
        return false;
    }
    bool is_silent = is_quiet || step->has_placeholder;
    bool is_good = planning_call(&planning, error) == SLUICE_OK;
    step->at_least_once = planning.at_least_once;
    const struct span *span =
        option_span(step->key, step->given, error_field(error, SLUICE_AT_OPTION),
                    error_field(error, SLUICE_AT_ITEM));
    const char *key = is_good ? missing_key(step, &planning.keys) : NULL;
    if (!is_good && !is_silent && mistakes == diagnostics_error_count(draft->diagnostics))
        diagnostics_take(draft->diagnostics, span, error);
    if (key && !is_silent)
        diagnostics_error(draft->diagnostics, &step->key->span,
                          "`%s` wants to key by `%s`, which its input does not have", step->name,
                          key);
    error_destroy(error);
    is_good = is_good && !key;
    if (is_good && !set_output(draft, step, &planning)) {
        is_good = false;
        if (!is_silent)
            diagnostics_error(draft->diagnostics, &step->key->span,
                              "`%s` would give out no columns", step->name);
    }
    return is_good;
}

void forward_plan(struct draft *draft, struct draft_flow *flow)
{
    for (size_t i = 0; i < flow->step_count; i++) {
        struct draft_step *step = &flow->steps[i];
        bool is_known = !flow->is_broken && take_input(draft, flow, step);
        if (step->is_dead_letter)
            step->input = plan_dead_letter_schema(draft->arena);
        if (step->is_dead_letter && !step->input)
            diagnostics_fail(draft->diagnostics);
        if (!step->component)
            continue;
        read_options(draft, step);
        if (!is_known || step->is_broken || step->is_unknown) {
            step->is_unknown = true;
            continue;
        }
        if (call_plan(draft, flow, step, false))
            continue;
        if (step->has_placeholder)
            step->is_unknown = true;
        else
            step->is_broken = true;
    }
}

bool forward_plan_pruned(struct draft *draft, struct draft_flow *flow)
{
    for (size_t i = 0; i < flow->step_count; i++) {
        struct draft_step *step = &flow->steps[i];
        step->is_pruned = true;
        if (step->is_dead_letter)
            continue;
        if (!take_input(draft, flow, step) || !call_plan(draft, flow, step, true))
            return false;
    }
    return true;
}
