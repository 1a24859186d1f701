/* SPDX-License-Identifier: Apache-2.0 */
/* `delivery` and `patience` of a sink: what its outage means for the flow. */
#include "pipeline/draft.h"

#include <stddef.h>
#include <string.h>

const struct sluice_option patience_row = {
    .name = "patience",
    .kind = SLUICE_OPTION_DURATION,
    .minimum = 100,
    .maximum = INT64_C(86400000),
    .text = "How long a sink of best effort may fail until its rows go to the dead letter.",
    .example = "1m"};

enum { DEFAULT_PATIENCE_MS = 10000 };

static void refuse(struct draft *draft, struct draft_step *step, const struct node *node,
                   const char *why)
{
    step->is_broken = true;
    diagnostics_error(draft->diagnostics, &node->span, "%s", why);
}

static void read_word(struct draft *draft, struct draft_step *step)
{
    static const char *const words[] = {"required", "best_effort"};
    const struct node *node = step->delivery;
    bool is_word = node->kind == NODE_SCALAR && !node->is_secret;
    step->is_best_effort = is_word && strcmp(node->text, words[1]) == 0;
    if (step->is_best_effort || (is_word && (node->is_placeholder || strcmp(node->text, words[0]) == 0)))
        return;
    step->is_broken = true;
    const char *hint = is_word ? did_you_mean(draft->arena, node->text, words, 2) : "";
    diagnostics_error(draft->diagnostics, &node->span,
                      "`delivery` must be `required` or `best_effort`, not %s%s",
                      node_describe(draft->arena, node), hint ? hint : "");
}

static void read_patience(struct draft *draft, struct draft_step *step)
{
    int64_t value = DEFAULT_PATIENCE_MS;
    struct option_place place = {"a step", &patience_row, &value};
    struct option_reader reader = {.arena = draft->arena, .diagnostics = draft->diagnostics};
    if (step->patience && !scalar_read(&reader, &place, step->patience))
        step->is_broken = true;
    step->patience_ms = value;
}

/* What cannot be kept is refused: each row is to end either at the sink or in the dead letter. */
static void check_possible(struct draft *draft, const struct draft_flow *flow,
                           struct draft_step *step)
{
    const struct component *component = step->component;
    if (step->is_dead_letter)
        refuse(draft, step, step->delivery,
               "the dead letter is always required: there is nowhere else for its rows to go");
    else if (flow_is_batch(flow))
        refuse(draft, step, step->delivery,
               "a flow with `every` or `after` has one checkpoint, at its end, so the rows that a "
               "sink had taken could not be told apart when it fails: give this sink a flow of its "
               "own, which is run again at its next trigger");
    else if (component && !(component->capabilities & SLUICE_EXACTLY_ONCE) &&
             !component->sink.give_back)
        refuse(draft, step, step->delivery,
               "this sink cannot be of best effort: it makes rows visible at once and does not "
               "tell which, so rows would be at the sink and in the dead letter");
}

void delivery_read(struct draft *draft, const struct draft_flow *flow, struct draft_step *step)
{
    const struct node *first = step->delivery ? step->delivery : step->patience;
    if (!first)
        return;
    if (step->component && step->component->kind != SLUICE_KIND_SINK) {
        refuse(draft, step, first, "`delivery` and `patience` are for sinks");
        return;
    }
    if (step->delivery)
        read_word(draft, step);
    if (!step->is_best_effort) {
        if (step->patience && !(step->delivery && step->delivery->is_placeholder))
            refuse(draft, step, step->patience,
                   "`patience` is for `delivery: best_effort`: a required sink is waited for");
        return;
    }
    read_patience(draft, step);
    check_possible(draft, flow, step);
}
