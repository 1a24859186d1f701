/* SPDX-License-Identifier: Apache-2.0 */
/* Files to plan: each becomes a draft, and the drafts without mistakes become the immutable plan.
 */
#include "pipeline/draft.h"

#include <stdlib.h>
#include <string.h>

/* Where a step stands: its key, and its options for finding one of them. */
struct step_place {
    const struct node *key;
    const struct node *given;
};

struct flow_places {
    const struct step_plan *steps;
    size_t count;
    struct step_place *places;
    struct flow_places *next;
};

struct plan_record {
    struct plan plan; /* first: what callers see */
    struct flow_places *places;
    struct pipeline_plan *pipelines;
    size_t flow_count;
};

struct planner {
    const struct plan_request *request;
    struct arena *arena;
    struct diagnostics *diagnostics;
    struct plan_record *record;
    struct draft *drafts;
    size_t draft_count;
};

const struct sluice_schema *plan_dead_letter_schema(struct arena *arena)
{
    static const struct sluice_field columns[] = {
        {.name = "time", .type = SLUICE_TYPE_TIMESTAMP},
        {.name = "pipeline", .type = SLUICE_TYPE_STRING},
        {.name = "flow", .type = SLUICE_TYPE_STRING},
        {.name = "step", .type = SLUICE_TYPE_STRING},
        {.name = "code", .type = SLUICE_TYPE_STRING},
        {.name = "reason", .type = SLUICE_TYPE_STRING},
        {.name = "origin", .type = SLUICE_TYPE_STRING},
        {.name = "partition", .type = SLUICE_TYPE_INT64},
        {.name = "position", .type = SLUICE_TYPE_INT64},
        {.name = "original", .type = SLUICE_TYPE_STRING},
        {.name = "original_base64", .type = SLUICE_TYPE_BINARY},
        {.name = "original_column", .type = SLUICE_TYPE_STRING},
        {.name = "other_columns", .type = SLUICE_TYPE_STRING},
    };
    size_t count = sizeof(columns) / sizeof(columns[0]);
    struct sluice_field *fields = arena_alloc(arena, sizeof(columns));
    struct sluice_schema *schema = arena_alloc(arena, sizeof(*schema));
    struct sluice_error *error = error_create();
    struct sluice_time_format *format = error ? time_format_create(arena, NULL, NULL, error) : NULL;
    error_destroy(error);
    if (!fields || !schema || !format)
        return NULL;
    memcpy(fields, columns, sizeof(columns));
    fields[0].time_format = format;
    *schema = (struct sluice_schema){sizeof(struct sluice_field), count, fields};
    return schema;
}

/* ---- from draft to plan ---- */

/* Check mode: what rests on a value that is not known has no columns yet. */
static const struct sluice_schema unknown_schema = {.field_size = sizeof(struct sluice_field)};

static struct step_plan freeze_step(const struct draft_step *step)
{
    enum sluice_kind kind = step->component->kind;
    bool has_input = kind != SLUICE_KIND_SOURCE;
    bool has_output = kind != SLUICE_KIND_SINK;
    return (struct step_plan){
        .name = step->name,
        .mark = step->key->span.mark,
        .component = step->component,
        .options = step->options,
        .input_count = step->input_count,
        .inputs = step->inputs,
        .input_schema = has_input && !step->input ? &unknown_schema : step->input,
        .output_schema = has_output && !step->output ? &unknown_schema : step->output,
        .key_count = step->keys.count,
        .keys = step->keys.items,
        .input_property_count = step->input_properties.count,
        .input_properties = step->input_properties.items,
        .edge = step->edge,
        .is_parallel = step->is_parallel,
        .at_least_once = step->at_least_once,
        .is_dead_letter = step->is_dead_letter,
        .is_default = step->is_default,
        .is_best_effort = step->is_best_effort,
        .patience_ms = step->patience_ms,
    };
}

static bool freeze_flow(struct planner *planner, const struct draft_flow *flow,
                        struct flow_plan *frozen)
{
    struct step_plan *steps = arena_alloc(planner->arena, (flow->step_count + 1) * sizeof(*steps));
    struct flow_places *places = arena_alloc(planner->arena, sizeof(*places));
    if (!steps || !places)
        return false;
    places->places =
        arena_alloc(planner->arena, (flow->step_count + 1) * sizeof(struct step_place));
    if (!places->places)
        return false;
    for (size_t i = 0; i < flow->step_count; i++) {
        /* Broken without a mistake said: memory ran out on the way. */
        if (flow->is_broken || flow->steps[i].is_broken)
            return false;
        steps[i] = freeze_step(&flow->steps[i]);
        places->places[i] = (struct step_place){flow->steps[i].key, flow->steps[i].given};
    }
    places->steps = steps;
    places->count = flow->step_count;
    places->next = planner->record->places;
    planner->record->places = places;
    *frozen = (struct flow_plan){
        .name = flow->name,
        .mark = flow->key->span.mark,
        .trigger = flow->trigger,
        .every_ms = flow->every_ms,
        .after = flow->after ? flow->after->text : NULL,
        .step_count = flow->step_count,
        .steps = steps,
        .lane_count = flow->lane_count,
    };
    return true;
}

static bool is_wanted(const struct planner *planner, const struct draft_flow *flow)
{
    const char *only = planner->request->only_flow;
    return !only || strcmp(only, flow->name) == 0;
}

/* A pipeline without a wanted flow is left out. */
static bool freeze_pipeline(struct planner *planner, const struct draft *draft)
{
    struct flow_plan *flows =
        arena_alloc(planner->arena, (draft->flow_count + 1) * sizeof(struct flow_plan));
    size_t count = 0;
    if (!flows)
        return false;
    for (size_t i = 0; i < draft->flow_count; i++) {
        if (!is_wanted(planner, &draft->flows[i]))
            continue;
        if (!freeze_flow(planner, &draft->flows[i], &flows[count++]))
            return false;
    }
    if (count == 0)
        return true;
    struct plan *plan = &planner->record->plan;
    planner->record->pipelines[plan->pipeline_count++] = (struct pipeline_plan){
        .name = draft->name,
        .file = draft->file,
        .settings = draft->settings,
        .flow_count = count,
        .flows = flows,
    };
    return true;
}

static bool freeze(struct planner *planner)
{
    planner->record->pipelines =
        arena_alloc(planner->arena, (planner->draft_count + 1) * sizeof(struct pipeline_plan));
    if (!planner->record->pipelines)
        return false;
    planner->record->plan.pipelines = planner->record->pipelines;
    for (size_t i = 0; i < planner->draft_count; i++) {
        if (!freeze_pipeline(planner, &planner->drafts[i]))
            return false;
    }
    return true;
}

/* ---- from file to draft ---- */

static bool read_tree(struct planner *planner, const char *path, struct draft *draft)
{
    bool is_stdin = strcmp(path, "-") == 0;
    struct node *root = NULL;
    struct text content = {0};
    struct sluice_error *error = error_create();
    draft->file = is_stdin ? "(standard input)" : arena_copy(planner->arena, path, strlen(path));
    struct span whole = {.mark = {draft->file, 0, 0}};
    if (!error || !draft->file) {
        diagnostics_fail(planner->diagnostics);
    } else if (file_read_all(is_stdin ? "/dev/stdin" : path, TREE_MAX_BYTES, &content, error) !=
               SLUICE_OK) {
        diagnostics_error(planner->diagnostics, &whole, "%s", error_message(error));
    } else {
        diagnostics_add_file(planner->diagnostics, draft->file, text_get(&content), content.size);
        tree_parse(planner->arena, draft->file, text_get(&content), content.size,
                   planner->diagnostics, &root);
    }
    error_destroy(error);
    text_reset(&content);
    draft->root = root;
    if (root) {
        tree_hide_secrets(root, planner->diagnostics);
        tree_substitute(planner->arena, root, planner->request->is_check, planner->diagnostics);
    }
    return root != NULL;
}

static void make_draft(struct planner *planner, struct loader *loader, const char *path)
{
    struct draft *draft = &planner->drafts[planner->draft_count];
    *draft = (struct draft){
        .arena = planner->arena,
                             .diagnostics = planner->diagnostics,
                             .loader = loader,
                             .is_check = planner->request->is_check};
    if (!read_tree(planner, path, draft) || !draft_read(draft))
        return;
    planner->draft_count++;
    graph_check_triggers(draft);
    for (size_t i = 0; i < draft->flow_count; i++) {
        struct draft_flow *flow = &draft->flows[i];
        graph_connect(draft, flow);
        forward_plan(draft, flow);
        projection_apply(draft, flow);
        placement_apply(draft, flow);
    }
}

static void check_pipeline_names(struct planner *planner)
{
    for (size_t i = 0; i < planner->draft_count; i++) {
        const struct draft *draft = &planner->drafts[i];
        for (size_t j = 0; j < i && *draft->name; j++) {
            if (strcmp(planner->drafts[j].name, draft->name) == 0)
                diagnostics_error(planner->diagnostics, &draft->name_node->span,
                                  "the pipeline of %s is named `%s` too: names must differ",
                                  planner->drafts[j].file, draft->name);
        }
    }
}

static void check_only_flow(struct planner *planner)
{
    struct names names = {0};
    for (size_t i = 0; i < planner->draft_count; i++) {
        for (size_t j = 0; j < planner->drafts[i].flow_count; j++) {
            if (is_wanted(planner, &planner->drafts[i].flows[j]))
                return;
            if (!names_add(planner->arena, &names, planner->drafts[i].flows[j].name))
                diagnostics_fail(planner->diagnostics);
        }
    }
    const char *only = planner->request->only_flow;
    const char *hint = did_you_mean(planner->arena, only, names.items, names.count);
    if (!*hint)
        hint = arena_print(planner->arena, "; there is %s",
                           list_names(planner->arena, names.items, names.count, 20));
    diagnostics_error(planner->diagnostics, NULL, "there is no flow `%s`%s", only,
                      hint ? hint : "");
}

static bool plan_files(struct planner *planner, struct loader *loader)
{
    const struct plan_request *request = planner->request;
    planner->drafts = arena_alloc(planner->arena, (request->file_count + 1) * sizeof(struct draft));
    if (!planner->drafts) {
        diagnostics_fail(planner->diagnostics);
        return false;
    }
    for (size_t i = 0; i < request->file_count; i++)
        make_draft(planner, loader, request->files[i]);
    check_pipeline_names(planner);
    if (request->only_flow && planner->draft_count == request->file_count)
        check_only_flow(planner);
    bool is_good = diagnostics_error_count(planner->diagnostics) == 0;
    if (is_good && !diagnostics_has_failed(planner->diagnostics) && !freeze(planner))
        diagnostics_fail(planner->diagnostics);
    return is_good && !diagnostics_has_failed(planner->diagnostics);
}

enum sluice_status plan_create(const struct plan_request *request, struct loader *loader,
                               struct diagnostics *diagnostics, struct plan **plan)
{
    *plan = NULL;
    struct arena *arena = arena_create();
    struct plan_record *record = arena ? arena_alloc(arena, sizeof(*record)) : NULL;
    if (!record) {
        arena_destroy(arena);
        return SLUICE_FATAL;
    }
    record->plan.arena = arena;
    struct planner planner = {
        .request = request, .arena = arena, .diagnostics = diagnostics, .record = record};
    if (plan_files(&planner, loader)) {
        *plan = &record->plan;
        return SLUICE_OK;
    }
    arena_destroy(arena);
    return diagnostics_has_failed(diagnostics) ? SLUICE_FATAL : SLUICE_CONFIG;
}

void plan_destroy(struct plan *plan)
{
    if (plan)
        arena_destroy(plan->arena); /* which holds the plan itself */
}

struct mark plan_option_mark(const struct plan *plan, const struct step_plan *step,
                             const char *option, const char *item)
{
    const struct plan_record *record = (const struct plan_record *)plan;
    for (const struct flow_places *flow = record->places; flow; flow = flow->next) {
        for (size_t i = 0; i < flow->count; i++) {
            if (&flow->steps[i] == step)
                return option_span(flow->places[i].key, flow->places[i].given, option, item)->mark;
        }
    }
    return step->mark;
}
