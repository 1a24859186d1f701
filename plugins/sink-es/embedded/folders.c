/* SPDX-License-Identifier: Apache-2.0 */
#include "embedded/folders.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum sluice_status fail_path(const struct sluice_host *host, struct sluice_error *error,
                             const char *what, const char *path)
{
    int number = errno;
    enum sluice_code code = number == EACCES || number == EPERM || number == EROFS
                                ? SLUICE_CODE_PERMISSION_DENIED
                                : SLUICE_CODE_IO_ERROR;
    sluice_fail(host, error, SLUICE_FATAL, code, "%s %s: %s", what, path, strerror(number));
    sluice_error_at(host, error, SLUICE_AT_OBJECT, "%s", path);
    return SLUICE_FATAL;
}

enum sluice_status path_join(const struct sluice_host *host, struct sluice_buffer *path,
                             const char *const *parts, struct sluice_error *error)
{
    path->size = 0;
    for (size_t i = 0; parts[i]; i++) {
        size_t size = strlen(parts[i]);
        if (sluice_buffer_reserve(host, path, size + 2) != SLUICE_OK) {
            return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                               "no memory for a file name");
        }
        if (i > 0 && path->data[path->size - 1] != '/') {
            path->data[path->size++] = '/';
        }
        memcpy(path->data + path->size, parts[i], size + 1);
        path->size += size;
    }
    return SLUICE_OK;
}

enum sluice_status sync_folder(const struct sluice_host *host, const char *path,
                               struct sluice_error *error)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0) {
        enum sluice_status status = fail_path(host, error, "cannot sync the folder", path);
        if (fd >= 0) {
            close(fd);
        }
        return status;
    }
    close(fd);
    return SLUICE_OK;
}

/* Makes one folder whose parents are there, and makes its entry in the parent durable. */
static enum sluice_status make_one(const struct sluice_host *host, const char *path,
                                   struct sluice_error *error)
{
    if (mkdir(path, 0777) != 0) {
        return errno == EEXIST ? SLUICE_OK : fail_path(host, error, "cannot make the folder", path);
    }
    struct sluice_buffer parent = {0};
    const char *const parts[] = {path, "..", NULL};
    enum sluice_status status = path_join(host, &parent, parts, error);
    if (status == SLUICE_OK) {
        status = sync_folder(host, parent.data, error);
    }
    sluice_buffer_free(host, &parent);
    return status;
}

enum sluice_status make_folder(const struct sluice_host *host, const char *path,
                               struct sluice_error *error)
{
    struct sluice_buffer copy = {0};
    const char *const parts[] = {path, NULL};
    enum sluice_status status = path_join(host, &copy, parts, error);
    for (size_t i = 1; status == SLUICE_OK && i <= copy.size; i++) {
        char after = copy.data[i];
        if (after == '/' || after == '\0') {
            copy.data[i] = '\0';
            status = make_one(host, copy.data, error);
            copy.data[i] = after;
        }
    }
    sluice_buffer_free(host, &copy);
    return status;
}

enum sluice_status walk_folder(const struct sluice_host *host, const char *path,
                               enum sluice_status (*each)(void *user_data, const char *name,
                                                          struct sluice_error *error),
                               void *user_data, struct sluice_error *error)
{
    DIR *folder = opendir(path);
    if (!folder) {
        return errno == ENOENT ? SLUICE_OK : fail_path(host, error, "cannot list the folder", path);
    }
    enum sluice_status status = SLUICE_OK;
    struct dirent *entry;
    while (status == SLUICE_OK && (entry = readdir(folder)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            status = each(user_data, entry->d_name, error);
        }
    }
    closedir(folder);
    return status;
}

struct removal {
    const struct sluice_host *host;
    const char *path;
    struct sluice_buffer file;
};

static enum sluice_status remove_file(void *user_data, const char *name, struct sluice_error *error)
{
    struct removal *removal = user_data;
    const char *const parts[] = {removal->path, name, NULL};
    enum sluice_status status = path_join(removal->host, &removal->file, parts, error);
    if (status == SLUICE_OK && unlink(removal->file.data) != 0 && errno != ENOENT) {
        status = fail_path(removal->host, error, "cannot remove", removal->file.data);
    }
    return status;
}

enum sluice_status remove_folder(const struct sluice_host *host, const char *path,
                                 struct sluice_error *error)
{
    struct removal removal = {.host = host, .path = path};
    enum sluice_status status = walk_folder(host, path, remove_file, &removal, error);
    if (status == SLUICE_OK && rmdir(path) != 0 && errno != ENOENT) {
        status = fail_path(host, error, "cannot remove the folder", path);
    }
    sluice_buffer_free(host, &removal.file);
    return status;
}

bool empty_folder(const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry;
    while (folder && (entry = readdir(folder)) != NULL) {
        (void)unlinkat(dirfd(folder), entry->d_name, 0);
    }
    if (folder) {
        closedir(folder);
    }
    return folder != NULL;
}
