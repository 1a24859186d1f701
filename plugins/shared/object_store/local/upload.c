/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads into a folder: parts are written into a hidden file, completion moves it to its key. */
#include "object_store/local/local.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Endings of folders that are not uploads yet, or not any more. */
#define FRESH ".new"
#define GONE ".gone"

struct local_transfer {
    struct object_transfer base;
    char etag[OBJECT_ETAG_SIZE];
};

/* Ids come back from checkpoints: nothing but our own alphabet may reach a path. */
static bool is_id(const char *id)
{
    return strlen(id) == 16 && strspn(id, "0123456789abcdef") == 16;
}

/* ROOT/.sluice-uploads/ID or …/ID/file */
static void upload_path(const struct object_store *store, const char *id, const char *file,
                        struct counted_text *path)
{
    local_path(store, path, LOCAL_UPLOADS, id);
    if (file) {
        counted_print(path, "/%s", file);
    }
}

static bool is_absent(const char *path)
{
    return access(path, F_OK) != 0 && errno == ENOENT;
}

static bool is_gone(const struct object_store *store, const char *id)
{
    struct counted_text folder;
    upload_path(store, id, NULL, &folder);
    bool is_absent_now = is_absent(counted_get(&folder));
    counted_free(&folder);
    return is_absent_now;
}

static bool write_all(int fd, const char *bytes, size_t size, int64_t offset)
{
    while (size > 0) {
        ssize_t written = pwrite(fd, bytes, size, (off_t)offset);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return false;
        }
        bytes += written;
        size -= (size_t)written;
        offset += written;
    }
    return true;
}

static enum sluice_status write_file(const struct object_store *store, const char *path,
                                     struct sluice_string bytes, int64_t offset, bool is_synced,
                                     struct sluice_error *error)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    enum sluice_status status = SLUICE_OK;
    if (fd < 0 || !write_all(fd, bytes.bytes, bytes.size, offset) ||
        (is_synced && fsync(fd) != 0)) {
        status = local_fail(store, "write", path, error);
    }
    if (fd >= 0 && close(fd) != 0 && status == SLUICE_OK) {
        status = local_fail(store, "write", path, error);
    }
    return status;
}

/* An upload gets its name only once its key is written, so that nobody meets one without.
 * *is_taken: somebody who lists has removed it before it had its name. */
static enum sluice_status make_upload(struct object_store *store, const char *key, const char *id,
                                      bool *is_taken, struct sluice_error *error)
{
    struct counted_text folder, fresh, key_file;
    upload_path(store, id, NULL, &folder);
    counted_init(&fresh, store->host);
    counted_init(&key_file, store->host);
    counted_print(&fresh, "%s" FRESH, counted_get(&folder));
    counted_print(&key_file, "%s/key", counted_get(&fresh));
    enum sluice_status status = counted_check(&key_file, error);
    if (status == SLUICE_OK) {
        status = local_make_parents(store, counted_get(&key_file), error);
    }
    if (status == SLUICE_OK) {
        struct sluice_string bytes = {key, strlen(key)};
        status = write_file(store, counted_get(&key_file), bytes, 0, true, error);
    }
    if (status == SLUICE_OK && rename(counted_get(&fresh), counted_get(&folder)) != 0) {
        status = local_fail(store, "make", counted_get(&folder), error);
    }
    *is_taken = status != SLUICE_OK && is_absent(counted_get(&fresh));
    counted_free(&folder);
    counted_free(&fresh);
    counted_free(&key_file);
    return status;
}

enum sluice_status local_upload_create(struct object_store *store,
                                       const struct object_upload *upload, struct counted_text *id,
                                       struct sluice_error *error)
{
    enum sluice_status status = object_key_check(store->host, upload->key, error);
    if (status != SLUICE_OK) {
        return status;
    }
    counted_print(id, "%016llx", (unsigned long long)sluice_random(store->host));
    status = counted_check(id, error);
    bool is_taken = status == SLUICE_OK;
    for (int i = 0; i < 10 && is_taken; i++) {
        status = make_upload(store, upload->key, counted_get(id), &is_taken, error);
    }
    return status;
}

enum sluice_status local_part_start(struct object_store *store, const struct object_upload *upload,
                                    int number, int64_t offset, struct sluice_string bytes,
                                    struct object_transfer **transfer, struct sluice_error *error)
{
    struct counted_text data;
    upload_path(store, upload->id, "data", &data);
    enum sluice_status status = counted_check(&data, error);
    if (status == SLUICE_OK) {
        status = write_file(store, counted_get(&data), bytes, offset, false, error);
    }
    if (status != SLUICE_OK && is_gone(store, upload->id)) {
        status = object_upload_gone(store->host, upload->key, error);
    }
    counted_free(&data);
    if (status != SLUICE_OK) {
        return status;
    }
    struct local_transfer *made = sluice_alloc(store->host, sizeof *made);
    if (!made) {
        return object_no_memory(store->host, error);
    }
    *made = (struct local_transfer){.base = {store}};
    snprintf(made->etag, sizeof made->etag, "%d-%zx", number, bytes.size);
    *transfer = &made->base;
    return SLUICE_OK;
}

bool local_transfer_is_done(const struct object_transfer *transfer)
{
    (void)transfer;
    return true;
}

enum sluice_status local_transfer_result(struct object_transfer *transfer,
                                         char etag[OBJECT_ETAG_SIZE], struct sluice_error *error)
{
    (void)error;
    memcpy(etag, ((struct local_transfer *)transfer)->etag, OBJECT_ETAG_SIZE);
    return SLUICE_OK;
}

void local_transfer_destroy(struct object_transfer *transfer)
{
    sluice_free(transfer->store->host, transfer);
}

static enum sluice_status check_size(const struct object_store *store, const struct stat *facts,
                                     const struct object_part *parts, size_t count,
                                     const char *path, struct sluice_error *error)
{
    int64_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size += parts[i].size;
    }
    if ((int64_t)facts->st_size != size) {
        return sluice_fail(store->host, error, SLUICE_FATAL, SLUICE_CODE_STATE_CORRUPT,
                           "the staged file %s has %lld bytes instead of %lld", path,
                           (long long)facts->st_size, (long long)size);
    }
    return SLUICE_OK;
}

enum sluice_status local_upload_seal(struct object_store *store, const struct object_upload *upload,
                                     const struct object_part *parts, size_t count,
                                     char etag[OBJECT_ETAG_SIZE], struct sluice_error *error)
{
    struct counted_text data, folder;
    struct stat facts;
    upload_path(store, upload->id, "data", &data);
    upload_path(store, upload->id, NULL, &folder);
    enum sluice_status status = counted_check(&data, error);
    int fd = status == SLUICE_OK ? open(counted_get(&data), O_RDWR | O_CLOEXEC) : -1;
    if (status == SLUICE_OK && (fd < 0 || fsync(fd) != 0 || fstat(fd, &facts) != 0)) {
        status = is_gone(store, upload->id) ? object_upload_gone(store->host, upload->key, error)
                                            : local_fail(store, "sync", counted_get(&data), error);
    }
    if (fd >= 0) {
        close(fd);
    }
    if (status == SLUICE_OK) {
        status = check_size(store, &facts, parts, count, counted_get(&data), error);
    }
    if (status == SLUICE_OK) {
        local_etag(&facts, etag);
        status = local_sync_parent(store, counted_get(&data), error);
    }
    if (status == SLUICE_OK) {
        status = local_sync_parent(store, counted_get(&folder), error);
    }
    counted_free(&data);
    counted_free(&folder);
    return status;
}

static bool is_same_file(const struct stat *facts, const char *path)
{
    struct stat other;
    return stat(path, &other) == 0 && other.st_ino == facts->st_ino &&
           other.st_dev == facts->st_dev;
}

/* Another process that completes the same upload was faster. */
static enum sluice_status move_failed(struct object_store *store, const char *data,
                                      const char *what, const char *target,
                                      enum object_outcome *outcome, struct sluice_error *error)
{
    int number = errno;
    if (number == ENOENT && access(data, F_OK) != 0) {
        *outcome = OBJECT_NO_UPLOAD;
        return SLUICE_OK;
    }
    errno = number;
    return local_fail(store, what, target, error);
}

/* With is_new by a link, which fails where the key is taken; else by a rename over it. */
static enum sluice_status move_data(struct object_store *store, const char *data,
                                    const char *target, bool is_new, enum object_outcome *outcome,
                                    struct sluice_error *error)
{
    struct stat facts;
    if (stat(data, &facts) != 0) {
        return move_failed(store, data, "look at", data, outcome, error);
    }
    if (!is_new) {
        return rename(data, target) == 0
                   ? SLUICE_OK
                   : move_failed(store, data, "rename to", target, outcome, error);
    }
    if (link(data, target) == 0 || (errno == EEXIST && is_same_file(&facts, target))) {
        return SLUICE_OK;
    }
    if (errno == EEXIST) {
        *outcome = OBJECT_CHANGED;
        return SLUICE_OK;
    }
    if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS && errno != EMLINK) {
        return move_failed(store, data, "link to", target, outcome, error);
    }
    /* A file system without links: keys are unique by their making, so a look is enough. */
    if (access(target, F_OK) == 0) {
        *outcome = OBJECT_CHANGED;
        return SLUICE_OK;
    }
    return rename(data, target) == 0
               ? SLUICE_OK
               : move_failed(store, data, "rename to", target, outcome, error);
}

enum sluice_status local_upload_complete(struct object_store *store,
                                         const struct object_upload *upload,
                                         const struct object_part *parts, size_t count, bool is_new,
                                         enum object_outcome *outcome, struct sluice_error *error)
{
    if (!is_id(upload->id) || object_key_check(store->host, upload->key, error) != SLUICE_OK) {
        return sluice_fail(store->host, error, SLUICE_FATAL, SLUICE_CODE_STATE_CORRUPT,
                           "\"%s\" is no upload of this folder", upload->id);
    }
    struct counted_text data, target;
    struct stat facts;
    upload_path(store, upload->id, "data", &data);
    local_path(store, &target, upload->key, NULL);
    enum sluice_status status = counted_check(&target, error);
    if (status == SLUICE_OK && stat(counted_get(&data), &facts) != 0) {
        *outcome = OBJECT_NO_UPLOAD;
        status = errno == ENOENT ? SLUICE_OK : local_fail(store, "open", counted_get(&data), error);
    } else if (status == SLUICE_OK) {
        status = check_size(store, &facts, parts, count, counted_get(&data), error);
        status =
            status == SLUICE_OK ? local_make_parents(store, counted_get(&target), error) : status;
        status = status == SLUICE_OK ? move_data(store, counted_get(&data), counted_get(&target),
                                                 is_new, outcome, error)
                                     : status;
        if (status == SLUICE_OK && *outcome == OBJECT_DONE) {
            status = local_sync_parent(store, counted_get(&target), error);
        }
        if (status == SLUICE_OK && *outcome == OBJECT_DONE) {
            status = local_upload_abort(store, upload->key, upload->id, error);
        }
    }
    counted_free(&data);
    counted_free(&target);
    return status;
}

static enum sluice_status remove_upload(struct object_store *store, const char *id,
                                        bool *is_empty, struct sluice_error *error)
{
    /* The key goes last: what is left of a crash in between is still listed. */
    static const char *const files[] = {"data", "key"};
    enum sluice_status status = SLUICE_OK;
    struct counted_text path;
    for (size_t i = 0; i < 2 && status == SLUICE_OK; i++) {
        upload_path(store, id, files[i], &path);
        if (unlink(counted_get(&path)) != 0 && errno != ENOENT) {
            status = local_fail(store, "delete", counted_get(&path), error);
        }
        counted_free(&path);
    }
    upload_path(store, id, NULL, &path);
    *is_empty = rmdir(counted_get(&path)) == 0 || errno == ENOENT;
    if (status == SLUICE_OK && !*is_empty && errno != ENOTEMPTY && errno != EEXIST) {
        status = local_fail(store, "delete", counted_get(&path), error);
    }
    counted_free(&path);
    return status;
}

/* Whoever still writes parts may put the file back between two of the steps; not for long, as the
 * folder goes. */
enum sluice_status local_upload_abort(struct object_store *store, const char *key, const char *id,
                                      struct sluice_error *error)
{
    (void)key;
    bool is_empty = !is_id(id);
    enum sluice_status status = SLUICE_OK;
    for (int i = 0; i < 10 && status == SLUICE_OK && !is_empty; i++) {
        status = remove_upload(store, id, &is_empty, error);
    }
    return status;
}

/* ---- small objects and listing ---- */

enum sluice_status local_put(struct object_store *store, const struct object_upload *object,
                             const char *bytes, size_t size, bool is_new,
                             enum object_outcome *outcome, struct sluice_error *error)
{
    struct counted_text id;
    struct object_transfer *transfer = NULL;
    struct object_part part = {.number = 1, .size = (int64_t)size};
    struct object_upload upload = *object;
    counted_init(&id, store->host);
    enum sluice_status status = local_upload_create(store, object, &id, error);
    upload.id = counted_get(&id);
    if (status == SLUICE_OK) {
        struct sluice_string content = {bytes, size};
        status = local_part_start(store, &upload, 1, 0, content, &transfer, error);
        object_transfer_destroy(transfer);
    }
    if (status == SLUICE_OK) {
        status = local_upload_seal(store, &upload, &part, 1, part.etag, error);
    }
    if (status == SLUICE_OK) {
        status = local_upload_complete(store, &upload, &part, 1, is_new, outcome, error);
    }
    if (id.buffer.size > 0 && (status != SLUICE_OK || *outcome != OBJECT_DONE)) {
        enum sluice_status aborted = local_upload_abort(store, upload.key, upload.id, error);
        status = status == SLUICE_OK ? aborted : status;
    }
    counted_free(&id);
    return status;
}

/* What a kill leaves half made or half removed belongs to nobody: an upload has an owner from when it
 * has its name until its key goes. Whoever lists removes it; one that is only just being made is
 * made again. Taking it is a rename, which its maker and a remover cannot both win. */
static void remove_ownerless(const struct object_store *store, const char *name)
{
    char taken[24];
    struct counted_text from, to, key;
    snprintf(taken, sizeof taken, "%.16s" GONE, name);
    upload_path(store, name, NULL, &from);
    upload_path(store, taken, NULL, &to);
    upload_path(store, taken, "key", &key);
    if (!from.has_failed && !to.has_failed && !key.has_failed) {
        if (strcmp(name + 16, FRESH) == 0) {
            (void)rename(counted_get(&from), counted_get(&to));
        }
        unlink(counted_get(&key));
        rmdir(counted_get(name[16] ? &to : &from));
    }
    counted_free(&from);
    counted_free(&to);
    counted_free(&key);
}

static bool is_ownerless(const char *name)
{
    return strlen(name) > 16 && (strcmp(name + 16, FRESH) == 0 || strcmp(name + 16, GONE) == 0);
}

static enum sluice_status visit_upload(struct object_store *store, const char *id,
                                       const char *prefix, object_visit visit, void *user,
                                       struct sluice_error *error)
{
    struct counted_text path;
    char key[OBJECT_KEY_LIMIT + 1];
    upload_path(store, id, "key", &path);
    FILE *file = fopen(counted_get(&path), "rbe");
    counted_free(&path);
    if (!file) {
        remove_ownerless(store, id); /* it goes only where it is empty */
        return SLUICE_OK;
    }
    size_t size = fread(key, 1, sizeof key - 1, file);
    key[size] = '\0';
    fclose(file);
    if (strncmp(key, prefix, strlen(prefix)) != 0) {
        return SLUICE_OK;
    }
    const struct object_entry entry = {.key = key, .size = -1, .etag = "", .upload_id = id};
    return visit(user, &entry, error);
}

enum sluice_status local_list_uploads(struct object_store *store, const char *prefix,
                                      struct counted_text *cursor, bool *is_last,
                                      object_visit visit, void *user, struct sluice_error *error)
{
    (void)cursor; /* all in one page */
    struct counted_text path;
    local_path(store, &path, LOCAL_UPLOADS, NULL);
    *is_last = true;
    DIR *folder = opendir(counted_get(&path));
    enum sluice_status status = counted_check(&path, error);
    if (status == SLUICE_OK && !folder && errno != ENOENT) {
        status = local_fail(store, "read the folder", counted_get(&path), error);
    }
    struct dirent *item;
    while (folder && status == SLUICE_OK && (item = readdir(folder))) {
        if (is_id(item->d_name)) {
            status = visit_upload(store, item->d_name, prefix, visit, user, error);
        } else if (is_ownerless(item->d_name)) {
            remove_ownerless(store, item->d_name);
        }
    }
    if (folder) {
        closedir(folder);
    }
    counted_free(&path);
    return status;
}
