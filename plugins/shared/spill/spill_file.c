/* SPDX-License-Identifier: Apache-2.0 */
#include "spill/spill_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { GATHERED_BYTES = 64 * 1024, MOST_BATCH_BYTES = 8 << 20 };
/* One part in so many of the budget. */
enum { LEAST_SHARE = 64, BATCH_SHARE = 32 };

struct spill_file {
    const struct sluice_host *host;
    int descriptor; /* -1: none yet */
    int64_t written;
    size_t gathered_size;
    char gathered[GATHERED_BYTES]; /* behind what is written */
};

struct spill_file *spill_file_create(const struct sluice_host *host)
{
    struct spill_file *file = sluice_alloc(host, sizeof(*file));
    if (file) {
        file->host = host;
        file->descriptor = -1;
        file->written = 0;
        file->gathered_size = 0;
    }
    return file;
}

void spill_file_destroy(struct spill_file *file)
{
    if (!file)
        return;
    if (file->descriptor >= 0)
        close(file->descriptor);
    sluice_free(file->host, file);
}

static enum sluice_status fail(const struct spill_file *file, const char *what, int code,
                               struct sluice_error *error)
{
    const struct sluice_run *run = sluice_this_run(file->host);
    sluice_fail(file->host, error, SLUICE_FATAL,
                code == EACCES ? SLUICE_CODE_PERMISSION_DENIED : SLUICE_CODE_IO_ERROR,
                "step %s is over its share of `memory` and cannot %s %s: %s; make room there, name "
                "another folder with `spill` in the settings, or raise `memory`",
                run->step, what, run->spill_path, strerror(code));
    sluice_error_at(file->host, error, SLUICE_AT_OBJECT, "%s", run->spill_path);
    return SLUICE_FATAL;
}

/* A file that has no name, or loses it at once where the file system knows no such files. */
static int open_nameless(const char *folder)
{
    int descriptor = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (descriptor >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return descriptor;
    char path[4096];
    int size = snprintf(path, sizeof(path), "%s/.spill-XXXXXX", folder);
    if (size < 0 || (size_t)size >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    descriptor = mkostemp(path, O_CLOEXEC);
    if (descriptor >= 0)
        unlink(path);
    return descriptor;
}

static enum sluice_status write_out(struct spill_file *file, const char *bytes, size_t size,
                                    struct sluice_error *error)
{
    const struct sluice_run *run = sluice_this_run(file->host);
    if (file->descriptor < 0) {
        file->descriptor = open_nameless(run->spill_path);
        if (file->descriptor < 0)
            return fail(file, "make a file in", errno, error);
    }
    sluice_spilled(file->host, (int64_t)size);
    while (size) {
        ssize_t written = pwrite(file->descriptor, bytes, size, file->written);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return fail(file, "write to", written < 0 ? errno : ENOSPC, error);
        bytes += written;
        size -= (size_t)written;
        file->written += written;
    }
    return SLUICE_OK;
}

static enum sluice_status write_gathered(struct spill_file *file, struct sluice_error *error)
{
    size_t size = file->gathered_size;
    file->gathered_size = 0;
    return size ? write_out(file, file->gathered, size, error) : SLUICE_OK;
}

enum sluice_status spill_file_append(struct spill_file *file, const void *bytes, size_t size,
                                     struct sluice_error *error)
{
    enum sluice_status status = SLUICE_OK;
    if (size > GATHERED_BYTES - file->gathered_size)
        status = write_gathered(file, error);
    if (status != SLUICE_OK || size > GATHERED_BYTES)
        return status == SLUICE_OK ? write_out(file, bytes, size, error) : status;
    if (size)
        memcpy(file->gathered + file->gathered_size, bytes, size);
    file->gathered_size += size;
    return SLUICE_OK;
}

int64_t spill_file_end(const struct spill_file *file)
{
    return file->written + (int64_t)file->gathered_size;
}

enum sluice_status spill_file_read(struct spill_file *file, int64_t offset, void *bytes,
                                   size_t size, struct sluice_error *error)
{
    enum sluice_status status = write_gathered(file, error);
    if (status != SLUICE_OK)
        return status;
    char *to = bytes;
    while (size) {
        ssize_t taken = pread(file->descriptor, to, size, offset);
        if (taken < 0 && errno == EINTR)
            continue;
        if (taken <= 0)
            return fail(file, "read from", taken < 0 ? errno : EIO, error);
        to += taken;
        size -= (size_t)taken;
        offset += taken;
    }
    return SLUICE_OK;
}

bool spill_is_due(const struct sluice_host *host, size_t held, int eighths)
{
    struct sluice_memory memory;
    sluice_memory(host, &memory);
    return memory.limit_bytes && memory.used_bytes >= memory.limit_bytes / 8 * eighths &&
           (int64_t)held >= memory.limit_bytes / LEAST_SHARE;
}

size_t spill_batch_bytes(const struct sluice_host *host)
{
    struct sluice_memory memory;
    sluice_memory(host, &memory);
    int64_t share = memory.limit_bytes / BATCH_SHARE;
    return !share || share > MOST_BATCH_BYTES ? MOST_BATCH_BYTES : (size_t)share;
}
