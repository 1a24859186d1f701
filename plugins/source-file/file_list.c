/* SPDX-License-Identifier: Apache-2.0 */
#include "file_list.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static enum sluice_status fail_memory(const struct sluice_host *host, struct sluice_error *error)
{
    return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                       "no memory for the list of files: raise settings.memory");
}

void file_list_reset(struct file_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        sluice_free(list->host, list->files[i].path);
    }
    if (list->host) {
        sluice_free(list->host, list->files);
    }
    *list = (struct file_list){.host = list->host};
}

const char *path_of_url(const char *path)
{
    if (strncmp(path, "file://", 7) == 0) {
        return path + 7;
    }
    return strncmp(path, "file:", 5) == 0 ? path + 5 : path;
}

struct listed_file *file_list_find(const struct file_list *list, const char *path)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->files[i].path, path) == 0) {
            return &list->files[i];
        }
    }
    return NULL;
}

static enum sluice_status append(struct file_list *list, const char *path, size_t size,
                                 bool is_done, struct sluice_error *error)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 16;
        struct listed_file *grown =
            sluice_resize(list->host, list->files, capacity * sizeof *grown);
        if (!grown) {
            return fail_memory(list->host, error);
        }
        list->files = grown;
        list->capacity = capacity;
    }
    char *copy = sluice_alloc(list->host, size + 1);
    if (!copy) {
        return fail_memory(list->host, error);
    }
    memcpy(copy, path, size);
    copy[size] = '\0';
    struct stat facts;
    bool is_regular = stat(copy, &facts) == 0 && S_ISREG(facts.st_mode);
    list->files[list->count++] = (struct listed_file){
        .path = copy, .size_bytes = is_regular ? facts.st_size : -1, .is_done = is_done};
    return SLUICE_OK;
}

enum sluice_status file_list_add_done(struct file_list *list, const char *path, size_t size,
                                      struct sluice_error *error)
{
    return append(list, path, size, true, error);
}

static enum sluice_status fail_pattern(const struct file_list *list, const char *pattern,
                                       size_t index, bool is_glob, struct sluice_error *error)
{
    sluice_fail(list->host, error, SLUICE_CONFIG, SLUICE_CODE_NOT_FOUND,
                is_glob ? "no file matches `%s`" : "the file `%s` does not exist", pattern);
    sluice_error_at(list->host, error, SLUICE_AT_OPTION, "path");
    sluice_error_at(list->host, error, SLUICE_AT_ITEM, "%zu", index);
    return SLUICE_CONFIG;
}

/* A name that exists is a file even where it looks like a glob. */
static enum sluice_status expand_one(struct file_list *list, const char *pattern, size_t index,
                                     size_t known, struct sluice_error *error)
{
    const char *path = path_of_url(pattern);
    struct stat facts;
    if (strcmp(path, "-") == 0 || stat(path, &facts) == 0) {
        bool is_new = !file_list_find(list, path);
        return is_new ? append(list, path, strlen(path), false, error) : SLUICE_OK;
    }
    bool is_glob = strpbrk(path, "*?[") != NULL;
    glob_t matches;
    int answer = is_glob ? glob(path, 0, NULL, &matches) : GLOB_NOMATCH;
    if (answer == GLOB_NOSPACE) {
        return fail_memory(list->host, error);
    }
    if (answer != 0) {
        /* What an earlier run has read may be gone by now. */
        return known > 0 ? SLUICE_OK : fail_pattern(list, pattern, index, is_glob, error);
    }
    enum sluice_status status = SLUICE_OK;
    for (size_t i = 0; status == SLUICE_OK && i < matches.gl_pathc; i++) {
        const char *match = matches.gl_pathv[i];
        bool is_file = stat(match, &facts) == 0 && !S_ISDIR(facts.st_mode);
        if (is_file && !file_list_find(list, match)) {
            status = append(list, match, strlen(match), false, error);
        }
    }
    globfree(&matches);
    return status;
}

static int compare_paths(const void *one, const void *other)
{
    const struct listed_file *first = one;
    const struct listed_file *second = other;
    return strcmp(first->path, second->path);
}

enum sluice_status file_list_expand(struct file_list *list, const struct sluice_strings *patterns,
                                    struct sluice_error *error)
{
    size_t known = list->count;
    for (size_t i = 0; i < patterns->count; i++) {
        size_t first = list->count;
        enum sluice_status status = expand_one(list, patterns->items[i], i, known, error);
        if (status != SLUICE_OK) {
            return status;
        }
        qsort(list->files + first, list->count - first, sizeof *list->files, compare_paths);
    }
    return SLUICE_OK;
}
