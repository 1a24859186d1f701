/* SPDX-License-Identifier: Apache-2.0 */
/* Which folders are searched for plugins, and in which order. */
#include "loader/search_path.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* Only absolute names reach the dynamic loader: a bare one would be searched for elsewhere. */
static char *make_absolute(struct arena *arena, const char *name, bool *exists)
{
    char resolved[PATH_MAX];
    *exists = realpath(name, resolved) && is_folder(resolved);
    if (*exists) {
        return arena_copy(arena, resolved, strlen(resolved));
    }
    char current[PATH_MAX];
    if (name[0] == '/' || !getcwd(current, sizeof current)) {
        return arena_copy(arena, name, strlen(name));
    }
    return arena_print(arena, "%s/%s", current, name);
}

static bool add_folder(struct arena *arena, struct search_path *path, const char *name,
                       const char *origin)
{
    struct search_folder folder = {.origin = origin};
    folder.path = make_absolute(arena, name, &folder.exists);
    if (!folder.path) {
        return false;
    }
    for (size_t i = 0; i < path->count; i++) {
        if (strcmp(path->folders[i].path, folder.path) == 0) {
            return true;
        }
    }
    path->folders[path->count++] = folder;
    return true;
}

static bool add_list(struct arena *arena, struct search_path *path, const char *list,
                     const char *origin)
{
    while (list && *list) {
        size_t size = strcspn(list, ":");
        if (size > 0) {
            char *name = arena_copy(arena, list, size);
            if (!name || !add_folder(arena, path, name, origin)) {
                return false;
            }
        }
        list += size + (list[size] == ':');
    }
    return true;
}

/* `from` up and down by a relative path, without "..", so that messages can be read. */
static char *resolve(struct arena *arena, char *from, const char *relative)
{
    while (strncmp(relative, "../", 3) == 0 && *from) {
        *strrchr(from, '/') = '\0';
        relative += 3;
    }
    return arena_print(arena, "%s/%s", from, relative);
}

static bool add_beside_executable(struct arena *arena, struct search_path *path)
{
    char folder[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", folder, sizeof folder - 1);
    if (size <= 0) {
        return true;
    }
    folder[size] = '\0';
    *strrchr(folder, '/') = '\0';

    char *built = arena_print(arena, "%s/plugins", folder);
    char *installed = resolve(arena, folder, SLUICE_PLUGINS_FROM_BINDIR);
    if (!built || !installed) {
        return false;
    }
    return (!is_folder(built) || add_folder(arena, path, built, "build tree")) &&
           add_folder(arena, path, installed, "installation");
}

static size_t count_folders(const char *list)
{
    size_t count = 1;
    for (const char *at = list; at && *at; at++) {
        count += *at == ':';
    }
    return count;
}

bool search_path_create(struct arena *arena, const char *extra_path, struct search_path *path)
{
    const char *environment = getenv("SLUICE_PLUGIN_PATH");
    size_t most = count_folders(extra_path) + count_folders(environment) + 2;
    *path = (struct search_path){.folders = arena_alloc(arena, most * sizeof *path->folders)};
    return path->folders && add_list(arena, path, extra_path, "--plugin-path") &&
           add_list(arena, path, environment, "SLUICE_PLUGIN_PATH") &&
           add_beside_executable(arena, path);
}

void search_path_describe(const struct search_path *path, struct text *text)
{
    for (size_t i = 0; i < path->count; i++) {
        const struct search_folder *folder = &path->folders[i];
        text_printf(text, "%s%s (%s%s)", i > 0 ? ", " : "", folder->path, folder->origin,
                    folder->exists ? "" : ", does not exist");
    }
}
