/* SPDX-License-Identifier: Apache-2.0 */
/* Backwards through a flow: which columns later steps read, and which strings they key by. The
 * first are all that steps which can project give out; the second travel as dictionary codes. Which
 * rows are rejected depends on neither. */
#include "pipeline/draft.h"

#include <stdlib.h>
#include <string.h>

static bool is_reading_all(const struct draft_step *step)
{
    return step->input_count > 1 || !step->has_reads;
}

static bool is_looked_at(const struct draft_step *step, const char *column)
{
    return names_has(&step->reads, column) || names_has(&step->keys, column) ||
           names_has(&step->option_columns, column);
}

/* Whether the step gives out a column of this name and a reader of it needs it. */
static bool is_passed_on(const struct draft_step *step, const char *column)
{
    int at = step->output ? schema_find(step->output, column) : -1;
    return at >= 0 && step->needed[at];
}

/* At least one column stays: rows without columns would have no count. The cheapest is taken. */
static void keep_one(struct draft_step *step)
{
    size_t chosen = 0;
    for (size_t i = 0; i < step->output->field_count; i++) {
        if (step->needed[i])
            return;
        enum sluice_type type = step->output_fields[i].type;
        enum sluice_type best = step->output_fields[chosen].type;
        bool is_long = best == SLUICE_TYPE_STRING || best == SLUICE_TYPE_BINARY;
        if (is_long && type != SLUICE_TYPE_STRING && type != SLUICE_TYPE_BINARY)
            chosen = i;
    }
    step->needed[chosen] = true;
}

static void ask_inputs(struct draft_flow *flow, const struct draft_step *step)
{
    for (size_t i = 0; i < step->input_count; i++) {
        struct draft_step *input = &flow->steps[step->inputs[i]];
        for (size_t j = 0; j < input->output->field_count; j++) {
            const char *column = input->output_fields[j].name;
            if (is_reading_all(step) || is_looked_at(step, column) || is_passed_on(step, column))
                input->needed[j] = true;
        }
    }
}

/* True where a step that can leave columns out may do so. */
static bool find_needed(struct draft *draft, struct draft_flow *flow)
{
    bool has_savings = false;
    for (size_t i = 0; i < flow->step_count; i++) {
        struct draft_step *step = &flow->steps[i];
        size_t count = step->output ? step->output->field_count : 0;
        step->needed = arena_alloc(draft->arena, (count + 1) * sizeof(bool));
        step->needed_names = (struct names){0};
        if (!step->needed) {
            diagnostics_fail(draft->diagnostics);
            return false;
        }
    }
    for (size_t i = flow->step_count; i-- > 0;) {
        struct draft_step *step = &flow->steps[i];
        if (step->output)
            keep_one(step);
        bool can_project = step->component->capabilities & SLUICE_PROJECTS;
        for (size_t j = 0; step->output && j < step->output->field_count; j++) {
            if (step->needed[j] &&
                !names_add(draft->arena, &step->needed_names, step->output_fields[j].name))
                diagnostics_fail(draft->diagnostics);
            has_savings = has_savings || (can_project && !step->needed[j]);
        }
        ask_inputs(flow, step);
    }
    return has_savings;
}

/* ---- dictionaries ---- */

/* Steps that hash, compare or keep strings row by row: codes are cheaper for them. */
static bool is_keeping_rows(const struct draft_step *step)
{
    return step->component->kind == SLUICE_KIND_TRANSFORM &&
           (step->keys.count > 0 || (step->component->capabilities & SLUICE_BATCH_ONLY));
}

static bool wants_codes(const struct draft_step *step, const char *column)
{
    if (is_keeping_rows(step) &&
        (names_has(&step->keys, column) || names_has(&step->reads, column)))
        return true;
    int at = step->output ? schema_find(step->output, column) : -1;
    return at >= 0 && step->output_fields[at].is_dictionary;
}

static void mark_dictionaries(struct draft_flow *flow)
{
    for (size_t i = flow->step_count; i-- > 0;) {
        const struct draft_step *step = &flow->steps[i];
        for (size_t j = 0; j < step->input_count; j++) {
            struct draft_step *input = &flow->steps[step->inputs[j]];
            for (size_t k = 0; k < input->output->field_count; k++) {
                struct sluice_field *field = &input->output_fields[k];
                if (field->type == SLUICE_TYPE_STRING && wants_codes(step, field->name))
                    field->is_dictionary = true;
            }
        }
    }
}

void projection_apply(struct draft *draft, struct draft_flow *flow)
{
    for (size_t i = 0; i < flow->step_count; i++) {
        if (flow->steps[i].is_broken || flow->steps[i].is_unknown)
            return;
    }
    if (flow->is_broken)
        return;
    struct draft_step *full = arena_alloc(draft->arena, (flow->step_count + 1) * sizeof(*full));
    if (!full) {
        diagnostics_fail(draft->diagnostics);
        return;
    }
    memcpy(full, flow->steps, flow->step_count * sizeof(*full));
    /* A plugin that reads more than it says cannot plan on less: then all columns travel. */
    if (find_needed(draft, flow) && !forward_plan_pruned(draft, flow))
        flow->steps = full;
    if (flow_is_batch(flow))
        mark_dictionaries(flow);
}
