/* SPDX-License-Identifier: Apache-2.0 */
/* Components by kind and name. A pipeline's components are found by file name, so that a run opens
 * only what it needs; listing and last resort open everything. */
#include <stdlib.h>
#include <string.h>

#include "loader/loader.h"
#include "loader/plugin_file.h"
#include "loader/search_path.h"
#include "loader/shared_object.h"
#include "telemetry/log.h"

struct loader {
    struct arena *arena;
    struct search_path path;
    struct plugin_files files;
    bool is_scanned;
    const struct component **components; /* after a scan: the winners, sorted */
    size_t component_count;
};

/* File names that lead to a component, the likeliest first. */
enum { STEM_COUNT = 2 };
struct stems {
    const char *stems[STEM_COUNT]; /* NULL where there is none */
};

void component_metric_name(const struct component *component, size_t row, struct text *text)
{
    const char *prefix = component->kind == SLUICE_KIND_CODEC ? "sluice_codec_" : "sluice_";
    text_append(text, prefix);
    for (const char *at = component->name; *at; at++) {
        text_append_char(text, *at == '-' ? '_' : *at);
    }
    text_printf(text, "_%s", component->metrics[row].name);
}

const char *kind_name(enum sluice_kind kind)
{
    switch (kind) {
    case SLUICE_KIND_SOURCE:
        return "source";
    case SLUICE_KIND_TRANSFORM:
        return "transform";
    case SLUICE_KIND_SINK:
        return "sink";
    case SLUICE_KIND_CODEC:
        return "codec";
    case SLUICE_KIND_STATE:
        return "state";
    case SLUICE_KIND_NONE:
        break;
    }
    return "component";
}

static enum sluice_status refuse_memory(struct sluice_error *error)
{
    return error_set(error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY, "no memory to load plugins");
}

enum sluice_status loader_create(const char *extra_path, struct loader **loader,
                                 struct sluice_error *error)
{
    *loader = NULL;
    enum sluice_status status = shared_object_begin(error);
    if (status != SLUICE_OK) {
        return status;
    }
    struct loader *created = calloc(1, sizeof *created);
    struct arena *arena = arena_create();
    if (!created || !arena || !search_path_create(arena, extra_path, &created->path)) {
        arena_destroy(arena);
        free(created);
        return refuse_memory(error);
    }
    created->arena = arena;
    created->files.arena = arena;
    *loader = created;
    return SLUICE_OK;
}

void loader_destroy(struct loader *loader)
{
    if (!loader) {
        return;
    }
    plugin_files_reset(&loader->files);
    free(loader->components);
    arena_destroy(loader->arena);
    free(loader);
}

/* ---- finding one ---- */

static bool make_stems(struct arena *arena, enum sluice_kind kind, const char *name,
                       struct stems *stems)
{
    *stems = (struct stems){0};
    if (kind == SLUICE_KIND_CODEC) {
        stems->stems[0] = arena_print(arena, "codec-%s", name);
        return stems->stems[0];
    }
    stems->stems[0] = name;
    const char *hyphen = strchr(name, '-');
    stems->stems[1] = hyphen && hyphen[1] ? hyphen + 1 : NULL;
    return true;
}

static const struct component *pick_component(const struct plugin_file *file, enum sluice_kind kind,
                                              const char *name)
{
    for (size_t i = 0; i < file->component_count; i++) {
        const struct component *component = &file->components[i];
        if (component->kind == kind && strcmp(component->name, name) == 0) {
            return component;
        }
    }
    return NULL;
}

/* A file that is named for the component but cannot be loaded is the answer, not a reason to go on:
 * else another version from further down the path would run in its place. */
static enum sluice_status find_by_file_name(struct loader *loader, enum sluice_kind kind,
                                            const char *name, const struct component **component,
                                            struct sluice_error *error)
{
    struct stems stems;
    if (!make_stems(loader->arena, kind, name, &stems)) {
        return refuse_memory(error);
    }
    for (size_t folder = 0; folder < loader->path.count; folder++) {
        for (size_t i = 0; i < STEM_COUNT; i++) {
            const char *stem = stems.stems[i];
            if (!stem || !plugin_file_exists(&loader->path.folders[folder], stem)) {
                continue;
            }
            struct plugin_file *file = NULL;
            enum sluice_status status =
                plugin_file_load(&loader->files, &loader->path, folder, stem, &file, error);
            if (status == SLUICE_OK && file->error) {
                error_copy(error, file->error);
                status = error_status(error);
            }
            if (status != SLUICE_OK) {
                return status;
            }
            *component = pick_component(file, kind, name);
            if (*component) {
                return SLUICE_OK;
            }
        }
    }
    return SLUICE_OK;
}

/* ---- listing all ---- */

/* Whether the file's name leads to the component; such files win over others. */
static bool is_named_for(const struct plugin_file *file, const struct component *component)
{
    static const char codec[] = "codec-";
    if (component->kind == SLUICE_KIND_CODEC) {
        return strncmp(file->stem, codec, sizeof codec - 1) == 0 &&
               strcmp(file->stem + sizeof codec - 1, component->name) == 0;
    }
    const char *hyphen = strchr(component->name, '-');
    return strcmp(file->stem, component->name) == 0 ||
           (hyphen && strcmp(file->stem, hyphen + 1) == 0);
}

static const struct plugin_file *file_of(const struct loader *loader,
                                         const struct component *component)
{
    const struct plugin_file *file = loader->files.first;
    while (strcmp(file->real, component->path) != 0) {
        file = file->next;
    }
    return file;
}

static int compare_identity(const struct component *one, const struct component *other)
{
    return one->kind != other->kind ? (one->kind > other->kind) - (one->kind < other->kind)
                                    : strcmp(one->name, other->name);
}

/* Kind, name, then who wins: named for it, earlier folder, file name. */
static int compare_components(const void *left, const void *right, void *user)
{
    const struct component *one = *(const struct component *const *)left;
    const struct component *other = *(const struct component *const *)right;
    const struct loader *loader = user;
    int order = compare_identity(one, other);
    if (order != 0) {
        return order;
    }
    const struct plugin_file *file = file_of(loader, one);
    const struct plugin_file *other_file = file_of(loader, other);
    bool is_named = is_named_for(file, one);
    if (is_named != is_named_for(other_file, other)) {
        return is_named ? -1 : 1;
    }
    if (file->folder != other_file->folder) {
        return file->folder < other_file->folder ? -1 : 1;
    }
    return strcmp(file->path, other_file->path);
}

static void log_shadowed(const struct component *winner, const struct component *shadowed)
{
    log_write(SLUICE_LOG_DEBUG, NULL,
              (struct sluice_log_field[]){{"component", winner->name},
                                          {"taken", winner->path},
                                          {"ignored", shadowed->path}},
              3, "component found twice on the plugin path");
}

/* Fills loader->components with one winner a kind and name. */
static bool collect_components(struct loader *loader)
{
    size_t count = 0;
    for (struct plugin_file *file = loader->files.first; file; file = file->next) {
        count += file->component_count;
    }
    const struct component **all = calloc(count + 1, sizeof *all);
    if (!all) {
        return false;
    }
    size_t at = 0;
    for (struct plugin_file *file = loader->files.first; file; file = file->next) {
        for (size_t i = 0; i < file->component_count; i++) {
            all[at++] = &file->components[i];
        }
    }
    qsort_r(all, count, sizeof *all, compare_components, loader);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && compare_identity(all[kept - 1], all[i]) == 0) {
            log_shadowed(all[kept - 1], all[i]);
        } else {
            all[kept++] = all[i];
        }
    }
    loader->components = all;
    loader->component_count = kept;
    return true;
}

static enum sluice_status scan(struct loader *loader, struct sluice_error *error)
{
    if (loader->is_scanned) {
        return SLUICE_OK;
    }
    for (size_t folder = 0; folder < loader->path.count; folder++) {
        enum sluice_status status =
            plugin_file_load_all(&loader->files, &loader->path, folder, error);
        if (status != SLUICE_OK) {
            return status;
        }
    }
    if (!collect_components(loader)) {
        return refuse_memory(error);
    }
    loader->is_scanned = true;
    return SLUICE_OK;
}

void loader_scan(struct loader *loader,
                 void (*broken)(void *user, const struct sluice_error *error), void *user)
{
    struct sluice_error *error = error_create();
    if (!error) {
        return;
    }
    if (scan(loader, error) != SLUICE_OK) {
        broken(user, error);
    }
    error_destroy(error);
    for (struct plugin_file *file = loader->files.first; file; file = file->next) {
        if (file->error) {
            broken(user, file->error);
        }
    }
}

size_t loader_count(const struct loader *loader)
{
    return loader->component_count;
}

const struct component *loader_component(const struct loader *loader, size_t index)
{
    return loader->components[index];
}

/* ---- the front door ---- */

static const char *find_nearest(const struct loader *loader, enum sluice_kind kind,
                                const char *name)
{
    const char **names = calloc(loader->component_count + 1, sizeof *names);
    size_t count = 0;
    for (size_t i = 0; names && i < loader->component_count; i++) {
        if (loader->components[i]->kind == kind) {
            names[count++] = loader->components[i]->name;
        }
    }
    const char *nearest = names ? nearest_name(name, names, count) : NULL;
    free(names);
    return nearest;
}

static enum sluice_status refuse_unknown(const struct loader *loader, enum sluice_kind kind,
                                         const char *name, struct sluice_error *error)
{
    const char *nearest = find_nearest(loader, kind, name);
    error_set(error, SLUICE_CONFIG, SLUICE_CODE_NOT_FOUND, "there is no %s `%s`", kind_name(kind),
              name);
    if (nearest) {
        error_add_cause(error, "did you mean `%s`?", nearest);
    }
    struct text folders = {0};
    search_path_describe(&loader->path, &folders);
    error_add_cause(error, "looked in %s", text_get(&folders));
    text_reset(&folders);
    for (struct plugin_file *file = loader->files.first; file; file = file->next) {
        if (file->error) {
            error_add_cause(error, "%s", error_message(file->error));
        }
    }
    return SLUICE_CONFIG;
}

enum sluice_status loader_find(struct loader *loader, enum sluice_kind kind, const char *name,
                               const struct component **component, struct sluice_error *error)
{
    *component = NULL;
    /* A name with a slash is no component's, and must not become part of a path. */
    bool is_file_name = *name && !strchr(name, '/');
    enum sluice_status status = SLUICE_OK;
    if (is_file_name) {
        status = find_by_file_name(loader, kind, name, component, error);
    }
    if (status != SLUICE_OK || *component) {
        return status;
    }
    status = scan(loader, error);
    if (status != SLUICE_OK) {
        return status;
    }
    for (size_t i = 0; i < loader->component_count; i++) {
        const struct component *each = loader->components[i];
        if (each->kind == kind && strcmp(each->name, name) == 0) {
            *component = each;
            return SLUICE_OK;
        }
    }
    return refuse_unknown(loader, kind, name, error);
}
