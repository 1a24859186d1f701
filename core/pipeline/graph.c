/* SPDX-License-Identifier: Apache-2.0 */
/* Who reads whom: `from`, order, circles, loose ends, and what a flow's trigger allows. */
#include "pipeline/draft.h"

#include <stdlib.h>
#include <string.h>

static enum sluice_kind kind_of(const struct draft_step *step)
{
    return step->component ? step->component->kind : SLUICE_KIND_NONE;
}

static PRINTF_LIKE(4, 5) void complain(struct draft *draft, struct draft_flow *flow,
                                       const struct span *span, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    struct text message = {0};
    text_printf_list(&message, format, arguments);
    va_end(arguments);
    diagnostics_error(draft->diagnostics, span, "%s", text_get(&message));
    text_reset(&message);
    flow->is_broken = true;
}

/* Adds step `from` as an input of step `at`; `span` is what asks for it. */
static void connect(struct draft *draft, struct draft_flow *flow, size_t at, size_t from,
                    const struct span *span)
{
    struct draft_step *step = &flow->steps[at];
    struct draft_step *input = &flow->steps[from];
    if (kind_of(input) == SLUICE_KIND_SINK) {
        complain(draft, flow, span, "`%s` is a sink: nothing comes out of it%s", input->name,
                 step->from ? "" : "; name the step to read with `from`");
        return;
    }
    for (size_t i = 0; i < step->input_count; i++) {
        if (step->inputs[i] == from)
            complain(draft, flow, span, "`from` names `%s` twice", input->name);
    }
    step->inputs[step->input_count++] = from;
    input->reader_count++;
}

static void connect_by_name(struct draft *draft, struct draft_flow *flow, size_t at,
                            const struct node *node)
{
    const char **names = arena_alloc(draft->arena, (flow->step_count + 1) * sizeof(const char *));
    if (!names) {
        diagnostics_fail(draft->diagnostics);
        return;
    }
    if (node->kind != NODE_SCALAR || node->is_secret) {
        complain(draft, flow, &node->span, "`from` must be a step or a list of steps, not %s",
                 node_describe(draft->arena, node));
        return;
    }
    size_t count = 0;
    for (size_t i = 0; i < flow->step_count; i++) {
        if (flow->steps[i].is_dead_letter || i == at)
            continue;
        if (strcmp(flow->steps[i].name, node->text) == 0) {
            connect(draft, flow, at, i, &node->span);
            return;
        }
        names[count++] = flow->steps[i].name;
    }
    if (strcmp(flow->steps[at].name, node->text) == 0)
        complain(draft, flow, &node->span, "step `%s` reads itself", node->text);
    else
        complain(draft, flow, &node->span, "flow `%s` has no step `%s`%s", flow->name, node->text,
                 did_you_mean(draft->arena, node->text, names, count));
}

static void find_inputs(struct draft *draft, struct draft_flow *flow, size_t at)
{
    struct draft_step *step = &flow->steps[at];
    if (step->is_dead_letter)
        return;
    if (kind_of(step) == SLUICE_KIND_SOURCE) {
        if (step->from)
            complain(draft, flow, &step->from->span, "`%s` is a source: it reads no other step",
                     step->name);
        return;
    }
    bool is_list = step->from && step->from->kind == NODE_SEQUENCE;
    size_t count = is_list ? step->from->count : 1;
    step->inputs = arena_alloc(draft->arena, (count + 1) * sizeof(size_t));
    if (!step->inputs) {
        diagnostics_fail(draft->diagnostics);
        return;
    }
    if (is_list && count == 0)
        complain(draft, flow, &step->from->span, "`from` names no step");
    for (size_t i = 0; is_list && i < count; i++)
        connect_by_name(draft, flow, at, step->from->items[i]);
    if (step->from && !is_list)
        connect_by_name(draft, flow, at, step->from);
    if (!step->from && at > 0)
        connect(draft, flow, at, at - 1, &step->key->span);
    else if (!step->from && step->component)
        complain(draft, flow, &step->key->span,
                 "`%s` has no input: the first step of a flow is a source", step->name);
}

/* A circle, told as "a → b → a", beginning at one of its steps. */
static void report_circle(struct draft *draft, struct draft_flow *flow, const bool *is_placed)
{
    size_t at = 0;
    while (is_placed[at])
        at++;
    /* Every step left has an input that is left: walking back must come round. */
    for (size_t moves = 0; moves < flow->step_count; moves++) {
        const struct draft_step *step = &flow->steps[at];
        for (size_t i = 0; i < step->input_count; i++) {
            if (!is_placed[step->inputs[i]]) {
                at = step->inputs[i];
                break;
            }
        }
    }
    struct text circle = {0};
    size_t first = at;
    text_append(&circle, flow->steps[at].name);
    do {
        const struct draft_step *step = &flow->steps[at];
        for (size_t i = 0; i < step->input_count; i++) {
            if (!is_placed[step->inputs[i]]) {
                at = step->inputs[i];
                break;
            }
        }
        text_printf(&circle, " ← %s", flow->steps[at].name);
    } while (at != first);
    complain(draft, flow, &flow->steps[first].key->span, "steps read each other in a circle: %s",
             text_get(&circle));
    text_reset(&circle);
}

static bool is_ready(const struct draft_step *step, const bool *is_placed)
{
    for (size_t i = 0; i < step->input_count; i++) {
        if (!is_placed[step->inputs[i]])
            return false;
    }
    return true;
}

/* The next step in file order whose inputs are placed; step_count: none. */
static size_t next_ready(const struct draft_flow *flow, const bool *is_placed)
{
    size_t at = 0;
    while (at < flow->step_count && (is_placed[at] || !is_ready(&flow->steps[at], is_placed)))
        at++;
    return at;
}

/* Inputs before their readers, else as in the file; the dead letter stays last. */
static void sort_steps(struct draft *draft, struct draft_flow *flow)
{
    size_t count = flow->step_count;
    bool *is_placed = arena_alloc(draft->arena, count * sizeof(bool));
    size_t *new_index = arena_alloc(draft->arena, count * sizeof(size_t));
    struct draft_step *sorted = arena_alloc(draft->arena, (count + 1) * sizeof(*sorted));
    if (!is_placed || !new_index || !sorted) {
        diagnostics_fail(draft->diagnostics);
        return;
    }
    for (size_t placed = 0; placed < count; placed++) {
        size_t at = next_ready(flow, is_placed);
        if (at == count) {
            report_circle(draft, flow, is_placed);
            return;
        }
        is_placed[at] = true;
        new_index[at] = placed;
        sorted[placed] = flow->steps[at];
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < sorted[i].input_count; j++)
            sorted[i].inputs[j] = new_index[sorted[i].inputs[j]];
    }
    flow->steps = sorted;
}

/* Called in file order: the step after an unread one says why nobody reads it. */
static void check_readers(struct draft *draft, struct draft_flow *flow)
{
    bool has_sink = false;
    for (size_t i = 0; i < flow->step_count; i++) {
        const struct draft_step *step = &flow->steps[i];
        bool is_end = kind_of(step) == SLUICE_KIND_SINK || kind_of(step) == SLUICE_KIND_NONE;
        has_sink = has_sink || (is_end && !step->is_dead_letter);
    }
    if (!has_sink) {
        complain(draft, flow, &flow->key->span, "flow `%s` has no sink: its rows would go nowhere",
                 flow->name);
        return;
    }
    for (size_t i = 0; i < flow->step_count; i++) {
        const struct draft_step *step = &flow->steps[i];
        enum sluice_kind kind = kind_of(step);
        if (step->reader_count || step->is_dead_letter || kind == SLUICE_KIND_SINK ||
            kind == SLUICE_KIND_NONE)
            continue;
        const struct draft_step *next = i + 1 < flow->step_count ? step + 1 : NULL;
        if (next && kind_of(next) == SLUICE_KIND_SOURCE)
            complain(draft, flow, &next->key->span,
                     "`%s` is a source and takes no input, so nobody reads `%s` before it",
                     next->name, step->name);
        else
            complain(draft, flow, &step->key->span, "nobody reads `%s`: its rows would go nowhere",
                     step->name);
    }
}

static void check_capabilities(struct draft *draft, struct draft_flow *flow)
{
    const struct draft_step *deciding = NULL;
    for (size_t i = 0; i < flow->step_count; i++) {
        const struct draft_step *step = &flow->steps[i];
        if (!step->component)
            continue;
        unsigned capabilities = step->component->capabilities;
        const struct span *span = &step->key->span;
        if (!flow_is_batch(flow) && (capabilities & SLUICE_BATCH_ONLY))
            complain(draft, flow, span,
                     "%s cannot run in the continuous flow `%s`: its state has no snapshot yet, so "
                     "a crash would lose it; give the flow `every: …` or `after: …`",
                     step->component->name, flow->name);
        if (flow_is_batch(flow) && (capabilities & SLUICE_CONTINUOUS_ONLY))
            complain(draft, flow, span, "%s runs in continuous flows only; flow `%s` has `%s`",
                     step->component->name, flow->name,
                     flow->trigger == FLOW_EVERY ? "every" : "after");
        if (step->component->kind != SLUICE_KIND_SOURCE || !step->component->source.decide)
            continue;
        if (deciding)
            complain(draft, flow, span,
                     "`%s` and `%s` both decide checkpoints by themselves: a flow bears one such "
                     "source; make two flows",
                     deciding->name, step->name);
        deciding = step;
    }
}

void graph_connect(struct draft *draft, struct draft_flow *flow)
{
    check_capabilities(draft, flow);
    if (flow->has_gap)
        return;
    bool had_mistake = flow->is_broken;
    flow->is_broken = false;
    for (size_t i = 0; i < flow->step_count; i++)
        find_inputs(draft, flow, i);
    if (!flow->is_broken && flow->step_count > 0)
        check_readers(draft, flow);
    if (!flow->is_broken && !diagnostics_has_failed(draft->diagnostics))
        sort_steps(draft, flow);
    flow->is_broken = flow->is_broken || had_mistake;
}

static struct draft_flow *find_flow(struct draft *draft, const char *name)
{
    for (size_t i = 0; i < draft->flow_count; i++) {
        if (strcmp(draft->flows[i].name, name) == 0)
            return &draft->flows[i];
    }
    return NULL;
}

static void check_after(struct draft *draft, struct draft_flow *flow)
{
    const struct node *after = flow->after;
    const struct draft_flow *other = find_flow(draft, after->text);
    if (!other) {
        const char **names =
            arena_alloc(draft->arena, (draft->flow_count + 1) * sizeof(const char *));
        for (size_t i = 0; names && i < draft->flow_count; i++)
            names[i] = draft->flows[i].name;
        complain(draft, flow, &after->span, "there is no flow `%s` to come after%s", after->text,
                 names ? did_you_mean(draft->arena, after->text, names, draft->flow_count) : "");
    } else if (other == flow) {
        complain(draft, flow, &after->span, "flow `%s` waits for itself", flow->name);
    } else if (!flow_is_batch(other)) {
        complain(draft, flow, &after->span,
                 "flow `%s` runs continuously, so no run of it ends to come after; use `every: …`",
                 other->name);
    }
}

/* Follows `after` from a flow; a walk longer than there are flows goes round. */
static bool is_in_circle(struct draft *draft, const struct draft_flow *flow)
{
    const struct draft_flow *at = flow;
    for (size_t i = 0; i < draft->flow_count; i++) {
        at = at->after && at->trigger == FLOW_AFTER ? find_flow(draft, at->after->text) : NULL;
        if (!at)
            return false;
        if (at == flow)
            return i > 0;
    }
    return false;
}

void graph_check_triggers(struct draft *draft)
{
    for (size_t i = 0; i < draft->flow_count; i++) {
        struct draft_flow *flow = &draft->flows[i];
        if (flow->trigger != FLOW_AFTER || !flow->after || flow->after->is_placeholder)
            continue;
        check_after(draft, flow);
        if (is_in_circle(draft, flow))
            complain(draft, flow, &flow->after->span,
                     "flows wait for each other in a circle: `%s` comes after `%s`", flow->name,
                     flow->after->text);
    }
}
