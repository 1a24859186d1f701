/* SPDX-License-Identifier: Apache-2.0 */
#include "attempt.h"

#include "output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { VERSION = 1 };

struct note_head {
    uint32_t version;
    uint32_t path_size;
    uint64_t nonce;
    int64_t base_size;
    uint64_t check; /* hash of the rest: a torn note is none */
};

struct note {
    struct note_head head;
    char path[PATH_MAX];
};

size_t safe_name(const char *name, char *out, size_t room)
{
    size_t size = 0;
    for (; name[size] && size + 1 < room; size++) {
        char c = name[size];
        bool is_safe = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       (c == '.' && size > 0) || c == '-';
        out[size] = is_safe ? c : '_';
    }
    out[size] = '\0';
    return size;
}

/* Name of the note, and of its temporary file with `ending`. */
static bool note_path(const struct sluice_host *host, const char *ending, char path[PATH_MAX])
{
    const struct sluice_run *run = sluice_this_run(host);
    char flow[80];
    char step[80];
    safe_name(run->flow, flow, sizeof flow);
    safe_name(run->step, step, sizeof step);
    int size =
        snprintf(path, PATH_MAX, "%s/sink-file.%s.%s%s", run->member_path, flow, step, ending);
    return size > 0 && size < PATH_MAX;
}

/* The same for another member, whose folder is beside this one's. */
static bool foreign_note_path(const struct sluice_host *host, const char *member,
                              char path[PATH_MAX])
{
    char own[PATH_MAX];
    size_t own_folder = strlen(sluice_this_run(host)->member_path);
    if (own_folder == 0 || !note_path(host, "", own)) {
        return false;
    }
    const char *name = own + own_folder;
    while (own_folder > 0 && own[own_folder - 1] != '/') {
        own_folder--;
    }
    int size = snprintf(path, PATH_MAX, "%.*s%s%s", (int)own_folder, own, member, name);
    return size > 0 && size < PATH_MAX;
}

static uint64_t note_check(const struct sluice_host *host, struct note *note)
{
    uint64_t kept = note->head.check;
    note->head.check = 0;
    uint64_t check = sluice_hash_bytes(host, note, sizeof note->head + note->head.path_size);
    note->head.check = kept;
    return check;
}

static enum sluice_status keep_path(const struct sluice_host *host, const struct note *note,
                                    struct attempt *attempt, struct sluice_error *error)
{
    attempt->nonce = note->head.nonce;
    attempt->base_size = note->head.base_size;
    attempt->path = sluice_alloc(host, note->head.path_size + 1);
    if (!attempt->path) {
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                           "no memory for a path: raise settings.memory");
    }
    memcpy(attempt->path, note->path, note->head.path_size);
    attempt->path[note->head.path_size] = '\0';
    return SLUICE_OK;
}

enum sluice_status attempt_read(const struct sluice_host *host, const char *member,
                                struct attempt *attempt, bool *is_there,
                                struct sluice_error *error)
{
    *attempt = (struct attempt){0};
    *is_there = false;
    char path[PATH_MAX];
    bool is_own = strcmp(member, sluice_this_run(host)->member) == 0;
    bool is_named = is_own ? note_path(host, "", path) : foreign_note_path(host, member, path);
    if (!is_named && !is_own) {
        return SLUICE_OK;
    }
    int descriptor = is_named ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (descriptor < 0) {
        return errno == ENOENT ? SLUICE_OK : fail_errno(host, "open", path, errno, error);
    }
    struct note note;
    memset(&note, 0, sizeof note);
    ssize_t size = read(descriptor, &note, sizeof note);
    int number = errno;
    close(descriptor);
    if (size < 0) {
        return fail_errno(host, "read", path, number, error);
    }
    bool is_whole = size >= (ssize_t)sizeof note.head && note.head.version == VERSION &&
                    (size_t)size == sizeof note.head + note.head.path_size &&
                    note_check(host, &note) == note.head.check;
    if (!is_whole) {
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_STATE_CORRUPT,
                           "`%s` is damaged: it says to which length an output file is cut back "
                           "after a crash; restore it from a backup, or remove it where no row is "
                           "in the output file that is not committed",
                           path);
    }
    *is_there = true;
    return keep_path(host, &note, attempt, error);
}

void attempt_reset(const struct sluice_host *host, struct attempt *attempt)
{
    sluice_free(host, attempt->path);
    *attempt = (struct attempt){0};
}

static enum sluice_status write_note(const struct sluice_host *host, const char *path,
                                     const struct note *note, struct sluice_error *error)
{
    int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (descriptor < 0) {
        return fail_errno(host, "open", path, errno, error);
    }
    size_t size = sizeof note->head + note->head.path_size;
    errno = EIO;
    bool is_done = write(descriptor, note, size) == (ssize_t)size && fsync(descriptor) == 0;
    int number = errno;
    close(descriptor);
    if (is_done) {
        return SLUICE_OK;
    }
    unlink(path);
    return fail_errno(host, "write", path, number, error);
}

enum sluice_status attempt_write(const struct sluice_host *host, const struct attempt *attempt,
                                 struct sluice_error *error)
{
    char path[PATH_MAX];
    char temporary[PATH_MAX];
    struct note note;
    size_t size = strlen(attempt->path);
    if (size > sizeof note.path || !note_path(host, "", path) ||
        !note_path(host, ".tmp", temporary)) {
        return fail_errno(host, "note the length of", attempt->path, ENAMETOOLONG, error);
    }
    memset(&note, 0, sizeof note);
    note.head = (struct note_head){.version = VERSION,
                                   .path_size = (uint32_t)size,
                                   .nonce = attempt->nonce,
                                   .base_size = attempt->base_size};
    memcpy(note.path, attempt->path, size);
    note.head.check = note_check(host, &note);
    enum sluice_status status = write_note(host, temporary, &note, error);
    bool is_missing = false;
    if (status == SLUICE_OK) {
        status = output_file_rename(host, temporary, path, &is_missing, error);
    }
    return status == SLUICE_OK && is_missing ? fail_errno(host, "write", path, ENOENT, error)
                                             : status;
}

enum sluice_status attempt_remove(const struct sluice_host *host, struct sluice_error *error)
{
    static const char *const endings[] = {".tmp", ""}; /* a kill can leave a temporary one */
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char path[PATH_MAX];
        if (note_path(host, endings[i], path) && unlink(path) != 0 && errno != ENOENT) {
            return error ? fail_errno(host, "remove", path, errno, error) : SLUICE_FATAL;
        }
    }
    return SLUICE_OK;
}
