/* SPDX-License-Identifier: Apache-2.0 */
/* Lists the regular files below a folder in bytewise order of their keys, as S3 does. Links to
 * files count, links to folders are not followed. */
#include "object_store/local/local.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEPTH_LIMIT 64

struct found {
    char *key;
    int64_t size;
    char etag[OBJECT_ETAG_SIZE];
};

struct walk {
    struct object_store *store;
    const char *prefix;
    struct found *found;
    size_t count;
    size_t capacity;
};

static enum sluice_status add_found(struct walk *walk, const char *key, const struct stat *facts,
                                    struct sluice_error *error)
{
    const struct sluice_host *host = walk->store->host;
    if (walk->count == walk->capacity) {
        size_t capacity = walk->capacity > 0 ? walk->capacity * 2 : 256;
        void *found = sluice_resize(host, walk->found, capacity * sizeof *walk->found);
        if (!found) {
            return object_no_memory(host, error);
        }
        walk->found = found;
        walk->capacity = capacity;
    }
    struct found *item = &walk->found[walk->count];
    item->key = counted_copy(host, key, strlen(key));
    if (!item->key) {
        return object_no_memory(host, error);
    }
    item->size = (int64_t)facts->st_size;
    local_etag(facts, item->etag);
    walk->count++;
    return SLUICE_OK;
}

/* Whether keys below folder `key` (with its slash) can have the prefix. */
static bool can_match(const struct walk *walk, const char *key)
{
    size_t size = strlen(key) < strlen(walk->prefix) ? strlen(key) : strlen(walk->prefix);
    return memcmp(key, walk->prefix, size) == 0;
}

static enum sluice_status walk_folder(struct walk *walk, int folder_fd, const char *key, int depth,
                                      struct sluice_error *error);

static enum sluice_status take_name(struct walk *walk, int folder_fd, const char *key,
                                    const char *name, int depth, struct sluice_error *error)
{
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
        (depth == 0 && strcmp(name, LOCAL_UPLOADS) == 0)) {
        return SLUICE_OK;
    }
    struct stat facts;
    if (fstatat(folder_fd, name, &facts, AT_SYMLINK_NOFOLLOW) != 0) {
        return SLUICE_OK; /* gone meanwhile */
    }
    bool is_folder = S_ISDIR(facts.st_mode);
    if (S_ISLNK(facts.st_mode) && fstatat(folder_fd, name, &facts, 0) != 0) {
        return SLUICE_OK;
    }
    struct counted_text full;
    counted_init(&full, walk->store->host);
    counted_print(&full, "%s%s%s", key, name, is_folder ? "/" : "");
    enum sluice_status status = counted_check(&full, error);
    if (status == SLUICE_OK && is_folder && depth < DEPTH_LIMIT &&
        can_match(walk, counted_get(&full))) {
        int fd = openat(folder_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0) {
            status = walk_folder(walk, fd, counted_get(&full), depth + 1, error);
        } else if (errno != ENOENT) {
            status = local_fail(walk->store, "read the folder", counted_get(&full), error);
        }
    } else if (status == SLUICE_OK && S_ISREG(facts.st_mode) &&
               strncmp(counted_get(&full), walk->prefix, strlen(walk->prefix)) == 0) {
        status = add_found(walk, counted_get(&full), &facts, error);
    }
    counted_free(&full);
    return status;
}

/* Takes over folder_fd. */
static enum sluice_status walk_folder(struct walk *walk, int folder_fd, const char *key, int depth,
                                      struct sluice_error *error)
{
    DIR *folder = fdopendir(folder_fd);
    if (!folder) {
        enum sluice_status status = local_fail(walk->store, "read the folder", key, error);
        close(folder_fd);
        return status;
    }
    enum sluice_status status = SLUICE_OK;
    struct dirent *item;
    errno = 0;
    while (status == SLUICE_OK && (item = readdir(folder))) {
        status = take_name(walk, folder_fd, key, item->d_name, depth, error);
        errno = 0;
    }
    if (status == SLUICE_OK && errno != 0) {
        status = local_fail(walk->store, "read the folder", key, error);
    }
    closedir(folder);
    return status;
}

static int compare_found(const void *one, const void *other)
{
    return strcmp(((const struct found *)one)->key, ((const struct found *)other)->key);
}

enum sluice_status local_list(struct object_store *store, const char *prefix,
                              struct counted_text *cursor, bool *is_last, object_visit visit,
                              void *user, struct sluice_error *error)
{
    (void)cursor; /* all in one page */
    const char *root = ((struct local_store *)store)->root;
    struct walk walk = {.store = store, .prefix = prefix};
    enum sluice_status status = SLUICE_OK;
    int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        status = walk_folder(&walk, fd, "", 0, error);
    } else if (errno != ENOENT) {
        status = local_fail(store, "read the folder", root, error);
    }
    if (walk.count > 0) {
        qsort(walk.found, walk.count, sizeof *walk.found, compare_found);
    }
    for (size_t i = 0; i < walk.count && status == SLUICE_OK; i++) {
        const struct object_entry entry = {
            .key = walk.found[i].key, .size = walk.found[i].size, .etag = walk.found[i].etag};
        status = visit(user, &entry, error);
    }
    for (size_t i = 0; i < walk.count; i++) {
        sluice_free(store->host, walk.found[i].key);
    }
    sluice_free(store->host, walk.found);
    *is_last = true;
    return status;
}
