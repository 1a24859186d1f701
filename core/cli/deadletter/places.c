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

static enum sluice_status no_memory(struct sluice_error *error)
{
    return error_set(error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY, "no memory to look for letters");
}

/* Takes the box of `place` over; its texts are copied. */
static enum sluice_status add_place(struct places *places, const struct place *place,
                                    struct sluice_error *error)
{
    if (places->count == places->capacity) {
        size_t capacity = places->capacity ? places->capacity * 2 : 8;
        struct place *grown = realloc(places->places, capacity * sizeof *grown);
        if (!grown) {
            letter_box_close(place->box);
            return no_memory(error);
        }
        places->places = grown;
        places->capacity = capacity;
    }
    struct place copy = *place;
    copy.member = strdup(place->member);
    copy.path = strdup(place->path);
    places->places[places->count++] = copy;
    return copy.member && copy.path ? SLUICE_OK : no_memory(error);
}

/* ---- in a folder ---- */

/* The flow's file in one member's folder, if there is one. */
static enum sluice_status find_in_member(const struct place *flow, const char *folder,
                                         const char *member, struct places *places,
                                         struct sluice_error *error)
{
    struct text path = {0};
    struct place place = *flow;
    enum sluice_status status = SLUICE_OK;
    text_printf(&path, "%s/%s/deadletter/%s.ndjson", folder, member, flow->flow->name);
    if (path.has_failed) {
        status = no_memory(error);
    } else if (access(text_get(&path), F_OK) == 0) {
        place.member = (char *)(uintptr_t)member;
        place.path = path.data;
        status = letter_box_open_file(path.data, &place.box, error);
        if (status == SLUICE_OK) {
            status = add_place(places, &place, error);
        }
    }
    text_reset(&path);
    return status;
}

static enum sluice_status find_in_folder(const struct place *flow, const char *wanted,
                                         struct places *places, struct sluice_error *error)
{
    struct text folder = {0};
    struct dirent **names = NULL;
    text_printf(&folder, "%s/%s/members", flow->pipeline->settings.state, flow->pipeline->name);
    enum sluice_status status = folder.has_failed ? no_memory(error) : SLUICE_OK;
    int count = folder.has_failed ? 0 : scandir(text_get(&folder), &names, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        const char *member = names[i]->d_name;
        bool is_meant = member[0] != '.' && (!wanted || strcmp(member, wanted) == 0);
        if (status == SLUICE_OK && is_meant) {
            status = find_in_member(flow, text_get(&folder), member, places, error);
        }
        free(names[i]);
    }
    free(names);
    text_reset(&folder);
    return status;
}

/* ---- in a plugin's store ---- */

/* A flow whose members are being listed. */
struct search {
    const struct place *flow;
    const struct letter_place *letters;
    const char *wanted;
    struct places *places;
};

static enum sluice_status take_member(void *user, const char *member, struct sluice_error *error)
{
    const struct search *search = user;
    if (search->wanted && strcmp(search->wanted, member) != 0) {
        return SLUICE_OK;
    }
    struct text path = {0};
    struct place place = *search->flow;
    struct letter_place letters = *search->letters;
    letters.member = member;
    text_printf(&path, "%s/%s/deadletter/%s/", place.pipeline->settings.state,
                letters.pipeline, letters.flow);
    place.member = (char *)(uintptr_t)member;
    place.path = path.data;
    enum sluice_status status = path.has_failed
                                    ? no_memory(error)
                                    : letter_box_open_objects(&letters, &place.box, error);
    if (status == SLUICE_OK) {
        status = add_place(search->places, &place, error);
    }
    text_reset(&path);
    return status;
}

static enum sluice_status open_view(const struct pipeline_plan *pipeline, struct places *places,
                                    struct sluice_error *error)
{
    struct store_view **grown =
        realloc(places->views, (places->view_count + 1) * sizeof *places->views);
    if (!grown) {
        return no_memory(error);
    }
    places->views = grown;
    enum sluice_status status =
        store_view_open(pipeline, &places->views[places->view_count], error);
    places->view_count += status == SLUICE_OK;
    return status;
}

/* ---- both ---- */

static enum sluice_status find_flow(const struct place *flow, const char *member,
                                    struct places *places, struct sluice_error *error)
{
    if (declared_dead_letter(flow->flow)) {
        return SLUICE_OK;
    }
    if (!flow->pipeline->settings.state_store) {
        return find_in_folder(flow, member, places, error);
    }
    struct letter_place letters = {.store = store_view_get(places->views[places->view_count - 1]),
                                   .pipeline = flow->pipeline->name,
                                   .flow = flow->flow->name};
    struct search search = {flow, &letters, member, places};
    return letter_members(&letters, take_member, &search, error);
}

enum sluice_status places_find(const struct plan *plan, const char *member, struct places *places,
                               struct sluice_error *error)
{
    *places = (struct places){0};
    enum sluice_status status = SLUICE_OK;
    for (size_t p = 0; p < plan->pipeline_count && status == SLUICE_OK; p++) {
        const struct pipeline_plan *pipeline = &plan->pipelines[p];
        if (pipeline->settings.state_store) {
            status = open_view(pipeline, places, error);
        }
        for (size_t f = 0; f < pipeline->flow_count && status == SLUICE_OK; f++) {
            const struct place flow = {.pipeline = pipeline, .flow = &pipeline->flows[f]};
            status = find_flow(&flow, member, places, error);
        }
    }
    return status;
}

enum sluice_status place_read(const struct place *place, struct letter_reader **reader,
                              struct sluice_error *error)
{
    *reader = NULL;
    enum sluice_status status = letter_box_fetch(place->box, error);
    return status == SLUICE_OK ? letter_reader_open(letter_box_path(place->box), reader, error)
                               : status;
}

void places_reset(struct places *places)
{
    for (size_t i = 0; i < places->count; i++) {
        free(places->places[i].member);
        free(places->places[i].path);
        letter_box_close(places->places[i].box);
    }
    for (size_t i = 0; i < places->view_count; i++) {
        store_view_close(places->views[i]);
    }
    free(places->views);
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
