/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/deadletter/places.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct step_plan *declared_dead_letter(const struct flow_plan *flow)
{
    const struct step_plan *last = &flow->steps[flow->step_count - 1];
    return last->is_dead_letter && !last->is_default ? last : NULL;
}

static bool add_place(struct places *places, const struct place *place)
{
    if (places->count == places->capacity) {
        size_t capacity = places->capacity ? places->capacity * 2 : 8;
        struct place *grown = realloc(places->places, capacity * sizeof *grown);
        if (!grown) {
            return false;
        }
        places->places = grown;
        places->capacity = capacity;
    }
    struct place copy = *place;
    copy.member = strdup(place->member);
    copy.path = strdup(place->path);
    places->places[places->count++] = copy;
    return copy.member && copy.path;
}

/* The flow's file in one member's folder, if there is one. */
static bool find_in_member(const struct place *flow, const char *folder, const char *member,
                           struct places *places)
{
    struct text path = {0};
    text_printf(&path, "%s/%s/deadletter/%s.ndjson", folder, member, flow->flow->name);
    bool is_done = !path.has_failed;
    if (is_done && access(text_get(&path), F_OK) == 0) {
        const struct place place = {flow->pipeline, flow->flow, (char *)(uintptr_t)member,
                                    path.data};
        is_done = add_place(places, &place);
    }
    text_reset(&path);
    return is_done;
}

static bool find_flow(const struct place *flow, const char *wanted, struct places *places)
{
    struct text folder = {0};
    struct dirent **names = NULL;
    text_printf(&folder, "%s/%s/members", flow->pipeline->settings.state, flow->pipeline->name);
    int count = folder.has_failed ? 0 : scandir(text_get(&folder), &names, NULL, alphasort);
    bool is_done = !folder.has_failed;
    for (int i = 0; i < count; i++) {
        const char *member = names[i]->d_name;
        bool is_meant = member[0] != '.' && (!wanted || strcmp(member, wanted) == 0);
        if (is_done && is_meant) {
            is_done = find_in_member(flow, text_get(&folder), member, places);
        }
        free(names[i]);
    }
    free(names);
    text_reset(&folder);
    return is_done;
}

bool places_find(const struct plan *plan, const char *member, struct places *places)
{
    *places = (struct places){0};
    bool is_done = true;
    for (size_t p = 0; p < plan->pipeline_count; p++) {
        const struct pipeline_plan *pipeline = &plan->pipelines[p];
        for (size_t f = 0; f < pipeline->flow_count && is_done; f++) {
            const struct place flow = {.pipeline = pipeline, .flow = &pipeline->flows[f]};
            bool is_elsewhere =
                declared_dead_letter(flow.flow) || pipeline->settings.state_store;
            is_done = is_elsewhere || find_flow(&flow, member, places);
        }
    }
    return is_done;
}

void places_reset(struct places *places)
{
    for (size_t i = 0; i < places->count; i++) {
        free(places->places[i].member);
        free(places->places[i].path);
    }
    free(places->places);
    *places = (struct places){0};
}

void append_place_name(const struct places *places, const struct place *place, struct text *text)
{
    bool has_others = false;
    for (size_t i = 0; i < places->count; i++) {
        has_others = has_others || strcmp(places->places[i].member, place->member) != 0;
    }
    text_append(text, place->flow->name);
    if (has_others) {
        text_printf(text, " (member %s)", place->member);
    }
    text_append(text, ": ");
}
