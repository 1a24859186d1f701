/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files and folders, with errors that name the path. */
#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum sluice_status fail(struct sluice_error *error, const char *path, const char *what,
                               int number)
{
    enum sluice_code code = SLUICE_CODE_IO_ERROR;
    if (number == ENOENT || number == ENOTDIR) {
        code = SLUICE_CODE_NOT_FOUND;
    } else if (number == EACCES || number == EPERM || number == EROFS) {
        code = SLUICE_CODE_PERMISSION_DENIED;
    } else if (number == ENOMEM) {
        code = SLUICE_CODE_OUT_OF_MEMORY;
    }
    char reason[128];
    error_set(error, SLUICE_FATAL, code, "cannot %s %s: %s", what, path,
              strerror_r(number, reason, sizeof(reason)));
    error_set_field(error, SLUICE_AT_OBJECT, "%s", path);
    return SLUICE_FATAL;
}

/* Reads to the end; 0 or an errno. EFBIG over the limit. */
static int read_to_end(int fd, size_t limit_bytes, struct text *content)
{
    char chunk[65536];
    for (;;) {
        ssize_t got = read(fd, chunk, sizeof(chunk));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got < 0 ? errno : 0;
        }
        if ((size_t)got > limit_bytes - content->size) {
            return EFBIG;
        }
        text_append_bytes(content, chunk, (size_t)got);
        if (content->has_failed) {
            return ENOMEM;
        }
    }
}

enum sluice_status file_read_all(const char *path, size_t limit_bytes, struct text *content,
                                 struct sluice_error *error)
{
    text_clear(content);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return fail(error, path, "read", errno);
    }
    int number = read_to_end(fd, limit_bytes, content);
    close(fd);
    if (number == 0) {
        return SLUICE_OK;
    }
    text_clear(content);
    if (number != EFBIG) {
        return fail(error, path, "read", number);
    }
    error_set(error, SLUICE_FATAL, SLUICE_CODE_IO_ERROR,
              "cannot read %s: it is larger than the limit of %zu bytes", path, limit_bytes);
    error_set_field(error, SLUICE_AT_OBJECT, "%s", path);
    return SLUICE_FATAL;
}

static int write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t put = write(fd, bytes, size);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return put < 0 ? errno : EIO;
        }
        bytes += put;
        size -= (size_t)put;
    }
    return 0;
}

/* The folder part of a path, "." where it has none. */
static void get_folder(const char *path, struct text *folder)
{
    const char *slash = strrchr(path, '/');
    if (!slash) {
        text_append(folder, ".");
    } else {
        text_append_bytes(folder, path, slash == path ? 1 : (size_t)(slash - path));
    }
}

/* A new file with the bytes in it, synced; 0 or an errno, and then no file is left. */
static int write_temporary(const char *temporary, const char *bytes, size_t size)
{
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) {
        return errno;
    }
    fault_point("file.opened");
    int number = write_all(fd, bytes, size);
    fault_point("file.written");
    if (number == 0 && fsync(fd) != 0) {
        number = errno;
    }
    fault_point("file.synced");
    if (close(fd) != 0 && number == 0) {
        number = errno;
    }
    if (number != 0) {
        unlink(temporary);
    }
    return number;
}

enum sluice_status file_replace(const char *path, const char *bytes, size_t size,
                                struct sluice_error *error)
{
    struct text folder = {0};
    struct text temporary = {0};
    const char *slash = strrchr(path, '/');
    get_folder(path, &folder);
    text_printf(&temporary, "%s/.%s.%016" PRIx64 ".tmp", text_get(&folder),
                slash ? slash + 1 : path, random_seed());
    enum sluice_status status = SLUICE_OK;
    int number = folder.has_failed || temporary.has_failed
                     ? ENOMEM
                     : write_temporary(text_get(&temporary), bytes, size);
    if (number == 0 && rename(text_get(&temporary), path) != 0) {
        number = errno;
        unlink(text_get(&temporary));
    }
    if (number != 0) {
        status = fail(error, path, "write", number);
    } else {
        fault_point("file.renamed");
        status = folder_sync(text_get(&folder), error);
        fault_point("file.folder-synced");
    }
    text_reset(&folder);
    text_reset(&temporary);
    return status;
}

enum sluice_status file_remove(const char *path, struct sluice_error *error)
{
    fault_point("file.remove");
    if (unlink(path) != 0 && errno != ENOENT) {
        return fail(error, path, "remove", errno);
    }
    fault_point("file.removed");
    return SLUICE_OK;
}

/* 0 or an errno; a folder that is there already is fine. */
static int make_folder(const char *path)
{
    struct stat facts;
    if (mkdir(path, 0777) == 0) {
        return 0;
    }
    int number = errno;
    if (stat(path, &facts) != 0) {
        return number;
    }
    return S_ISDIR(facts.st_mode) ? 0 : ENOTDIR;
}

enum sluice_status folder_create(const char *path, struct sluice_error *error)
{
    char *partial = strdup(path);
    if (!partial) {
        return fail(error, path, "create folder", ENOMEM);
    }
    int number = 0;
    for (char *at = partial; *at != '\0' && number == 0; at++) {
        if (*at == '/' && at != partial && at[-1] != '/') {
            *at = '\0';
            number = make_folder(partial);
            *at = '/';
        }
    }
    if (number == 0) {
        number = make_folder(partial);
    }
    free(partial);
    return number == 0 ? SLUICE_OK : fail(error, path, "create folder", number);
}

enum sluice_status folder_sync(const char *path, struct sluice_error *error)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return fail(error, path, "sync folder", errno);
    }
    /* Some file systems cannot sync a folder and say EINVAL: they have nothing to sync. */
    int number = fsync(fd) != 0 && errno != EINVAL ? errno : 0;
    close(fd);
    return number == 0 ? SLUICE_OK : fail(error, path, "sync folder", number);
}
