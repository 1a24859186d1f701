/* SPDX-License-Identifier: Apache-2.0 */
/* A shape is text, a line a step: name, component, lanes and keys, with tabs between. */
#include "runtime/shape.h"

#include <string.h>

/* What a step was at a checkpoint. Strings point into its shape. */
struct step_shape {
    struct sluice_string component;
    int64_t lanes;
    struct sluice_string keys;
};

static int lanes_of(const struct flow *flow, const struct step_plan *step)
{
    return step->is_parallel ? flow->plan->lane_count : 1;
}

static void print_keys(const struct step_plan *step, struct text *text)
{
    for (size_t i = 0; i < step->key_count; i++)
        text_printf(text, "%s%s", i > 0 ? ", " : "", step->keys[i]);
}

bool shape_add(const struct flow *flow, struct checkpoint *checkpoint)
{
    struct text text = {0};
    for (size_t i = 0; i < flow->step_count; i++) {
        const struct step_plan *step = flow->steps[i].plan;
        text_printf(&text, "%s\t%s\t%d\t", step->name, step->component->name,
                    lanes_of(flow, step));
        print_keys(step, &text);
        text_append_char(&text, '\n');
    }
    bool is_added =
        !text.has_failed && checkpoint_add(checkpoint, CHECKPOINT_SHAPE, "", 0, &text);
    text_reset(&text);
    return is_added;
}

/* Up to the separator, which *at is moved behind. */
static struct sluice_string take_part(const char **at, const char *end, char separator)
{
    const char *found = memchr(*at, separator, (size_t)(end - *at));
    struct sluice_string part = {*at, (size_t)((found ? found : end) - *at)};
    *at = found ? found + 1 : end;
    return part;
}

/* False where the checkpoint does not tell: it is older than shapes. */
static bool find_shape(const struct checkpoint *checkpoint, const char *step,
                       struct step_shape *shape)
{
    const struct checkpoint_entry *entry =
        checkpoint_find_kind(checkpoint, CHECKPOINT_SHAPE, "", 0);
    const char *at = entry ? text_get(&entry->state) : "";
    const char *end = at + (entry ? entry->state.size : 0);
    while (at < end) {
        struct sluice_string name = take_part(&at, end, '\t');
        shape->component = take_part(&at, end, '\t');
        struct sluice_string lanes = take_part(&at, end, '\t');
        shape->keys = take_part(&at, end, '\n');
        if (name.size == strlen(step) && memcmp(name.bytes, step, name.size) == 0)
            return parse_int64(lanes.bytes, lanes.size, &shape->lanes);
    }
    return false;
}

static bool is_text(struct sluice_string string, const char *text)
{
    return string.size == strlen(text) && memcmp(string.bytes, text, string.size) == 0;
}

static const struct step_plan *find_step(const struct flow *flow, const char *name)
{
    for (size_t i = 0; i < flow->step_count; i++)
        if (strcmp(flow->steps[i].plan->name, name) == 0)
            return flow->steps[i].plan;
    return NULL;
}

static const char *what_it_holds(enum checkpoint_kind kind)
{
    return kind == CHECKPOINT_POSITION ? "how far it has read"
           : kind == CHECKPOINT_STATE  ? "its state"
                                       : "output that is not committed yet";
}

static enum sluice_status refuse_gone(const struct checkpoint_entry *entry,
                                      struct sluice_error *error)
{
    return error_set(error, SLUICE_CONFIG, SLUICE_CODE_STATE_VERSION,
                     "the last checkpoint belongs to a step `%s`, which the flow no longer has, and "
                     "holds %s: give the step that took its place `name: %s`, or start the flow "
                     "over with --reset-state",
                     entry->step, what_it_holds(entry->kind), entry->step);
}

static enum sluice_status refuse_change(const struct checkpoint_entry *entry, const char *was,
                                        struct sluice_string before, const char *now,
                                        struct sluice_error *error)
{
    return error_set(error, SLUICE_CONFIG, SLUICE_CODE_STATE_VERSION,
                     "step `%s` %s %.*s when the last checkpoint was taken, which holds %s, and now "
                     "it is %s: change it back, or start the flow over with --reset-state",
                     entry->step, was, (int)before.size, before.bytes, what_it_holds(entry->kind),
                     now);
}

static enum sluice_status check_entry(const struct flow *flow, const struct checkpoint *checkpoint,
                                      const struct checkpoint_entry *entry,
                                      struct sluice_error *error)
{
    const struct step_plan *step = find_step(flow, entry->step);
    struct step_shape shape;
    if (!step)
        return refuse_gone(entry, error);
    if (!find_shape(checkpoint, entry->step, &shape))
        return SLUICE_OK;
    if (!is_text(shape.component, step->component->name))
        return refuse_change(entry, "was", shape.component, step->component->name, error);
    char before[24];
    char now[24];
    int lanes = lanes_of(flow, step);
    struct sluice_string lanes_before = {before, format_int64(shape.lanes, before)};
    format_int64(lanes, now);
    /* What was staged stands under the number of its lane. */
    bool fits = entry->kind == CHECKPOINT_STAGED ? entry->lane < lanes : shape.lanes == lanes;
    if (!fits)
        return refuse_change(entry, "ran with a number of lanes of", lanes_before, now, error);
    struct text keys = {0};
    print_keys(step, &keys);
    enum sluice_status status =
        entry->kind == CHECKPOINT_STATE && !is_text(shape.keys, text_get(&keys))
            ? refuse_change(entry, "was keyed by", shape.keys,
                            keys.size ? text_get(&keys) : "without a key", error)
            : SLUICE_OK;
    text_reset(&keys);
    return status;
}

enum sluice_status shape_check(const struct flow *flow, const struct checkpoint *checkpoint,
                               bool has_staged, struct sluice_error *error)
{
    enum sluice_status status = SLUICE_OK;
    for (size_t i = 0; checkpoint && i < checkpoint->entry_count && status == SLUICE_OK; i++) {
        const struct checkpoint_entry *entry = &checkpoint->entries[i];
        bool is_position =
            entry->kind == CHECKPOINT_POSITION || entry->kind == CHECKPOINT_STATE;
        bool is_needed = (entry->kind == CHECKPOINT_STAGED && has_staged) ||
                         (is_position && flow->plan->trigger == FLOW_CONTINUOUS);
        if (is_needed)
            status = check_entry(flow, checkpoint, entry, error);
    }
    return status;
}
