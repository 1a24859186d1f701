/* SPDX-License-Identifier: Apache-2.0 */
#include "output_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum sluice_status fail_errno(const struct sluice_host *host, const char *what, const char *path,
                              int number, struct sluice_error *error)
{
    bool is_full = number == ENOSPC || number == EDQUOT;
    enum sluice_code code = number == ENOENT                      ? SLUICE_CODE_NOT_FOUND
                            : number == EACCES || number == EPERM ? SLUICE_CODE_PERMISSION_DENIED
                                                                  : SLUICE_CODE_IO_ERROR;
    enum sluice_status status = is_full ? SLUICE_RETRY : SLUICE_FATAL;
    sluice_fail(host, error, status, code, "cannot %s `%s`: %s", what, path, strerror(number));
    sluice_error_at(host, error, SLUICE_AT_OBJECT, "%s", path);
    return status;
}

const char *path_of_url(const char *path)
{
    if (strncmp(path, "file://", 7) == 0) {
        return path + 7;
    }
    return strncmp(path, "file:", 5) == 0 ? path + 5 : path;
}

/* The folder of a file, "." where the path has none. False where it is too long. */
static bool folder_of(const char *path, char folder[PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    size_t size = slash ? (size_t)(slash - path) : 1;
    if (size >= PATH_MAX) {
        return false;
    }
    memcpy(folder, slash ? path : ".", size);
    folder[size] = '\0';
    if (size == 0) {
        memcpy(folder, "/", 2);
    }
    return true;
}

enum sluice_status output_folder_create(const struct sluice_host *host, const char *file_path,
                                        struct sluice_error *error)
{
    char folder[PATH_MAX];
    if (!folder_of(file_path, folder)) {
        return fail_errno(host, "make the folder of", file_path, ENAMETOOLONG, error);
    }
    for (char *at = folder + 1;; at++) {
        if (*at != '/' && *at != '\0') {
            continue;
        }
        char end = *at;
        *at = '\0';
        if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
            return fail_errno(host, "make the folder", folder, errno, error);
        }
        *at = end;
        if (end == '\0') {
            return SLUICE_OK;
        }
    }
}

static enum sluice_status sync_folder(const struct sluice_host *host, const char *file_path,
                                      struct sluice_error *error)
{
    char folder[PATH_MAX];
    int descriptor =
        folder_of(file_path, folder) ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (descriptor < 0) {
        return fail_errno(host, "open the folder of", file_path, errno, error);
    }
    int answer = fsync(descriptor);
    int number = errno;
    close(descriptor);
    return answer == 0 ? SLUICE_OK
                       : fail_errno(host, "sync the folder of", file_path, number, error);
}

static enum sluice_status prepare(struct output_file *file, struct sluice_error *error)
{
    struct stat facts;
    if (fstat(file->descriptor, &facts) != 0) {
        return fail_errno(file->host, "look at", file->path, errno, error);
    }
    file->is_regular = S_ISREG(facts.st_mode) && file->descriptor != STDOUT_FILENO;
    file->size = file->is_regular ? facts.st_size : 0;
    if (file->is_regular && flock(file->descriptor, LOCK_EX | LOCK_NB) != 0) {
        sluice_fail(file->host, error, SLUICE_FATAL, SLUICE_CODE_CONFLICT,
                    "`%s` is being written by another process or another step", file->path);
        sluice_error_at(file->host, error, SLUICE_AT_OBJECT, "%s", file->path);
        return SLUICE_FATAL;
    }
    return SLUICE_OK;
}

enum sluice_status output_file_open(struct output_file *file, const struct sluice_host *host,
                                    const char *path, bool is_new, struct sluice_error *error)
{
    *file = (struct output_file){.host = host, .path = path};
    int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (is_new ? O_EXCL : 0);
    file->descriptor = strcmp(path, "-") == 0 ? STDOUT_FILENO : open(path, flags, 0666);
    if (file->descriptor < 0) {
        return fail_errno(host, "open", path, errno, error);
    }
    enum sluice_status status = prepare(file, error);
    if (status != SLUICE_OK) {
        output_file_close(file);
    }
    return status;
}

void output_file_close(struct output_file *file)
{
    if (file->descriptor > STDERR_FILENO) {
        close(file->descriptor);
    }
    file->descriptor = -1;
}

enum sluice_status output_file_write(struct output_file *file, struct sluice_buffer *buffer,
                                     struct sluice_error *error)
{
    size_t done = 0;
    int number = 0;
    while (done < buffer->size && number == 0) {
        const char *bytes = buffer->data + done;
        size_t size = buffer->size - done;
        ssize_t written = file->is_regular ? pwrite(file->descriptor, bytes, size, file->size)
                                           : write(file->descriptor, bytes, size);
        if (written >= 0) {
            done += (size_t)written;
            file->size += written;
        } else if (errno != EINTR) {
            number = errno;
        }
    }
    if (done > 0) {
        memmove(buffer->data, buffer->data + done, buffer->size - done);
        buffer->size -= done;
    }
    return number == 0 ? SLUICE_OK : fail_errno(file->host, "write", file->path, number, error);
}

enum sluice_status output_file_sync(struct output_file *file, struct sluice_error *error)
{
    if (!file->is_regular) {
        return SLUICE_OK;
    }
    if (fsync(file->descriptor) != 0) {
        return fail_errno(file->host, "sync", file->path, errno, error);
    }
    return sync_folder(file->host, file->path, error);
}

enum sluice_status output_file_cut(const struct sluice_host *host, const char *path, int64_t size,
                                   struct sluice_error *error)
{
    struct stat facts;
    if (stat(path, &facts) != 0) {
        return errno == ENOENT ? SLUICE_OK : fail_errno(host, "look at", path, errno, error);
    }
    if (facts.st_size < size) {
        sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_STATE_CORRUPT,
                    "`%s` has %lld bytes, but the last checkpoint was taken at %lld: rows are "
                    "missing from it. Put the file back, or move it away to begin a new one",
                    path, (long long)facts.st_size, (long long)size);
        sluice_error_at(host, error, SLUICE_AT_OBJECT, "%s", path);
        return SLUICE_FATAL;
    }
    if (facts.st_size == size) {
        return SLUICE_OK;
    }
    int descriptor = open(path, O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) {
        return fail_errno(host, "open", path, errno, error);
    }
    bool is_done = ftruncate(descriptor, size) == 0 && fsync(descriptor) == 0;
    int number = errno;
    close(descriptor);
    return is_done ? SLUICE_OK : fail_errno(host, "cut back", path, number, error);
}

enum sluice_status output_file_cut_foreign(const struct sluice_host *host, const char *path,
                                           int64_t size, struct sluice_error *error)
{
    struct stat facts;
    int descriptor = open(path, O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) {
        return errno == ENOENT ? SLUICE_OK : fail_errno(host, "open", path, errno, error);
    }
    bool is_done = flock(descriptor, LOCK_EX | LOCK_NB) != 0 ||
                   (fstat(descriptor, &facts) == 0 && facts.st_size <= size) ||
                   (ftruncate(descriptor, size) == 0 && fsync(descriptor) == 0);
    int number = errno;
    close(descriptor);
    return is_done ? SLUICE_OK : fail_errno(host, "cut back", path, number, error);
}

enum sluice_status output_file_rename(const struct sluice_host *host, const char *from,
                                      const char *to, bool *is_missing, struct sluice_error *error)
{
    *is_missing = false;
    if (rename(from, to) == 0) {
        return sync_folder(host, to, error);
    }
    struct stat facts;
    int number = errno;
    *is_missing = number == ENOENT && stat(from, &facts) != 0;
    return *is_missing ? SLUICE_OK : fail_errno(host, "replace", to, number, error);
}

enum sluice_status output_remove_leftovers(const struct sluice_host *host, const char *path,
                                           const char *prefix, const char *kept,
                                           struct sluice_error *error)
{
    char folder[PATH_MAX];
    DIR *names = folder_of(path, folder) ? opendir(folder) : NULL;
    if (!names) {
        return errno == ENOENT ? SLUICE_OK : fail_errno(host, "list", folder, errno, error);
    }
    enum sluice_status status = SLUICE_OK;
    struct dirent *entry;
    while (status == SLUICE_OK && (entry = readdir(names))) {
        bool is_left = strncmp(entry->d_name, prefix, strlen(prefix)) == 0 &&
                       (!kept || strcmp(entry->d_name, kept) != 0);
        if (is_left && unlinkat(dirfd(names), entry->d_name, 0) != 0 && errno != ENOENT) {
            status = fail_errno(host, "remove", entry->d_name, errno, error);
        }
    }
    closedir(names);
    return status;
}
