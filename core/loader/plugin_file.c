/* SPDX-License-Identifier: Apache-2.0 */
/* From a file name in a search folder to negotiated components. */
#include "loader/plugin_file.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "loader/crash_guard.h"
#include "loader/negotiate.h"
#include "loader/shared_object.h"
#include "loader/trust.h"
#include "telemetry/log.h"

static const char prefix[] = "sluice-";
static const char suffix[] = ".so";

static enum sluice_status refuse_memory(struct sluice_error *error)
{
    return error_set(error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY, "no memory to load plugins");
}

bool plugin_file_exists(const struct search_folder *folder, const char *stem)
{
    struct text path = {0};
    struct stat status;
    text_printf(&path, "%s/%s%s%s", folder->path, prefix, stem, suffix);
    bool exists = !path.has_failed && lstat(path.data, &status) == 0;
    text_reset(&path);
    return exists;
}

/* Two spellings of one file (links, say) are one plugin: loading it twice would run two lists of
 * components over one static state. */
static struct plugin_file *find_loaded(const struct plugin_files *files, const char *real)
{
    for (struct plugin_file *file = files->first; file; file = file->next) {
        if (strcmp(file->real, real) == 0) {
            return file;
        }
    }
    return NULL;
}

static enum sluice_status load_components(struct arena *arena, struct plugin_file *file,
                                          struct sluice_error *error)
{
    sluice_plugin_describe_function describe = NULL;
    enum sluice_status status = trust_check(file->path, error);
    if (status != SLUICE_OK) {
        return status;
    }
    struct crash_guard guard;
    crash_guard_begin(&guard, file->real);
    status = shared_object_open(file->real, &describe, error);
    if (status == SLUICE_OK) {
        struct negotiation talk = {.arena = arena, .path = file->real, .error = error};
        status = negotiate(&talk, describe(SLUICE_ABI_VERSION), &file->components,
                           &file->component_count);
    }
    crash_guard_end(&guard);
    return status;
}

static void append_file(struct plugin_files *files, struct plugin_file *file)
{
    struct plugin_file **end = &files->first;
    while (*end) {
        end = &(*end)->next;
    }
    *end = file;
}

static struct plugin_file *create_file(struct arena *arena, const char *path, const char *stem,
                                       size_t folder)
{
    char real[PATH_MAX];
    const char *known = realpath(path, real) ? real : path; /* a dead link stands for itself */
    struct plugin_file *file = arena_alloc(arena, sizeof *file);
    if (file) {
        file->path = arena_copy(arena, path, strlen(path));
        file->real = arena_copy(arena, known, strlen(known));
        file->stem = arena_copy(arena, stem, strlen(stem));
        file->folder = folder;
    }
    return file && file->path && file->real && file->stem ? file : NULL;
}

enum sluice_status plugin_file_load(struct plugin_files *files, const struct search_path *path,
                                    size_t folder, const char *stem, struct plugin_file **file,
                                    struct sluice_error *error)
{
    *file = NULL;
    char *name =
        arena_print(files->arena, "%s/%s%s%s", path->folders[folder].path, prefix, stem, suffix);
    struct plugin_file *found = name ? create_file(files->arena, name, stem, folder) : NULL;
    if (!found) {
        return refuse_memory(error);
    }
    struct plugin_file *loaded = find_loaded(files, found->real);
    if (loaded) {
        *file = loaded;
        return SLUICE_OK;
    }
    found->error = error_create();
    if (!found->error) {
        return refuse_memory(error);
    }
    if (load_components(files->arena, found, found->error) == SLUICE_OK) {
        error_destroy(found->error);
        found->error = NULL;
        log_write(SLUICE_LOG_DEBUG, NULL, (struct sluice_log_field[]){{"path", found->real}}, 1,
                  "plugin loaded");
    }
    append_file(files, found);
    *file = found;
    return SLUICE_OK;
}

static int is_plugin_name(const struct dirent *entry)
{
    size_t size = strlen(entry->d_name);
    size_t around = sizeof prefix - 1 + sizeof suffix - 1;
    return size > around && strncmp(entry->d_name, prefix, sizeof prefix - 1) == 0 &&
           strcmp(entry->d_name + size - (sizeof suffix - 1), suffix) == 0;
}

enum sluice_status plugin_file_load_all(struct plugin_files *files, const struct search_path *path,
                                        size_t folder, struct sluice_error *error)
{
    struct dirent **entries = NULL;
    int count = scandir(path->folders[folder].path, &entries, is_plugin_name, alphasort);
    if (count < 0) {
        return errno == ENOMEM ? refuse_memory(error) : SLUICE_OK; /* no such folder: no plugins */
    }
    enum sluice_status status = SLUICE_OK;
    for (int i = 0; i < count; i++) {
        char *stem = entries[i]->d_name + sizeof prefix - 1;
        stem[strlen(stem) - (sizeof suffix - 1)] = '\0';
        struct plugin_file *file = NULL;
        if (status == SLUICE_OK) {
            status = plugin_file_load(files, path, folder, stem, &file, error);
        }
        free(entries[i]);
    }
    free(entries);
    return status;
}

void plugin_files_reset(struct plugin_files *files)
{
    for (struct plugin_file *file = files->first; file; file = file->next) {
        error_destroy(file->error);
        file->error = NULL;
    }
    files->first = NULL;
}
