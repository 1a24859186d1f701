/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/display/component_text.h"

#include "cli/display/table.h"

const char *component_guarantee(const struct component *component)
{
    switch (component->kind) {
    case SLUICE_KIND_SOURCE:
        return component->source.restore ? "goes on from a checkpoint" : "read again by each run";
    case SLUICE_KIND_TRANSFORM:
        return component->capabilities & SLUICE_BATCH_ONLY ? "batch flows only" : "";
    case SLUICE_KIND_SINK:
        return component->capabilities & SLUICE_EXACTLY_ONCE ? "exactly once" : "at least once";
    case SLUICE_KIND_CODEC:
        return !component->codec.encoder_create   ? "reads only"
               : !component->codec.decoder_create ? "writes only"
                                                  : "";
    case SLUICE_KIND_STATE:
    case SLUICE_KIND_NONE:
        break;
    }
    return "";
}

static bool follows_directly(const struct step_plan *step, size_t index)
{
    return step->input_count == 1 && step->inputs[0] + 1 == index;
}

void append_graph(const struct flow_plan *flow, struct text *text)
{
    for (size_t i = 0; i < flow->step_count; i++) {
        const struct step_plan *step = &flow->steps[i];
        if (step->is_dead_letter) {
            text_printf(text, "; rejected → %s", step->name);
            continue;
        }
        if (!follows_directly(step, i)) {
            text_append(text, i > 0 ? "; " : "");
            for (size_t input = 0; input < step->input_count; input++) {
                text_printf(text, "%s%s", input > 0 ? " + " : "",
                            flow->steps[step->inputs[input]].name);
            }
        }
        text_printf(text, "%s%s", step->input_count > 0 ? " → " : "", step->name);
    }
}

/* As a pipeline file has it: 5m, 1h30m, 500ms. */
static void append_interval(struct text *text, int64_t milliseconds)
{
    static const struct {
        const char *unit;
        int64_t milliseconds;
    } units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (milliseconds >= units[i].milliseconds) {
            text_printf(text, "%lld%s", (long long)(milliseconds / units[i].milliseconds),
                        units[i].unit);
        }
        milliseconds %= units[i].milliseconds;
    }
}

void append_trigger(const struct flow_plan *flow, struct text *text)
{
    switch (flow->trigger) {
    case FLOW_CONTINUOUS:
        text_append(text, "continuous");
        break;
    case FLOW_EVERY:
        text_append(text, "every ");
        append_interval(text, flow->every_ms);
        break;
    case FLOW_AFTER:
        text_printf(text, "after %s", flow->after);
        break;
    }
}

/* A batch flow runs its sources again anyway; a continuous one needs them to go on. */
static bool weakens_delivery(const struct flow_plan *flow, const struct step_plan *step)
{
    const struct component *component = step->component;
    if (step->is_dead_letter) {
        return false;
    }
    if (component->kind == SLUICE_KIND_SINK) {
        return !(component->capabilities & SLUICE_EXACTLY_ONCE) || step->at_least_once;
    }
    return component->kind == SLUICE_KIND_SOURCE && flow->trigger == FLOW_CONTINUOUS &&
           !component->source.restore;
}

void append_delivery(const struct flow_plan *flow, struct text *text)
{
    size_t weak_count = 0;
    for (size_t i = 0; i < flow->step_count; i++) {
        const struct step_plan *step = &flow->steps[i];
        if (!weakens_delivery(flow, step)) {
            continue;
        }
        text_append(text, weak_count++ == 0 ? "at least once: " : ", ");
        const char *what = step->component->kind == SLUICE_KIND_SINK
                               ? "may write rows again after a crash"
                               : "starts over after a crash";
        text_printf(text, "%s %s", step->name, step->at_least_once ? step->at_least_once : what);
    }
    if (weak_count == 0) {
        text_append(text, "exactly once");
    }
    for (size_t i = 0; i < flow->step_count; i++) {
        if (flow->steps[i].is_best_effort) {
            text_printf(text, "; %s by best effort", flow->steps[i].name);
        }
    }
}
