/* SPDX-License-Identifier: Apache-2.0 */
/* A folder as an object store: set-up, paths, and the calls on whole objects. */
#include "object_store/local/local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void local_path(const struct object_store *store, struct counted_text *path, const char *a,
                const char *b)
{
    const char *root = ((const struct local_store *)store)->root;
    counted_init(path, store->host);
    counted_print(path, "%s%s%s", root, strcmp(root, "/") == 0 ? "" : "/", a);
    if (b) {
        counted_print(path, "/%s", b);
    }
}

enum sluice_status local_fail(const struct object_store *store, const char *what, const char *path,
                              struct sluice_error *error)
{
    int number = errno;
    bool is_full = number == ENOSPC || number == EDQUOT;
    enum sluice_status status = is_full ? SLUICE_RETRY : SLUICE_FATAL;
    enum sluice_code code = SLUICE_CODE_IO_ERROR;
    if (number == EACCES || number == EPERM || number == EROFS) {
        code = SLUICE_CODE_PERMISSION_DENIED;
    }
    sluice_fail(store->host, error, status, code, "cannot %s %s: %s", what, path, strerror(number));
    sluice_error_at(store->host, error, SLUICE_AT_OBJECT, "%s", path);
    return status;
}

void local_etag(const struct stat *facts, char etag[OBJECT_ETAG_SIZE])
{
    snprintf(etag, OBJECT_ETAG_SIZE, "%llx-%llx-%llx%09lx", (unsigned long long)facts->st_ino,
             (unsigned long long)facts->st_size, (unsigned long long)facts->st_mtim.tv_sec,
             (unsigned long)facts->st_mtim.tv_nsec);
}

static enum sluice_status sync_folder(const struct object_store *store, const char *folder,
                                      struct sluice_error *error)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is_synced = fd >= 0 && fsync(fd) == 0;
    /* Some file systems cannot sync folders and say EINVAL: nothing more can be done there. */
    enum sluice_status status = is_synced || (fd >= 0 && errno == EINVAL)
                                    ? SLUICE_OK
                                    : local_fail(store, "sync the folder", folder, error);
    if (fd >= 0) {
        close(fd);
    }
    return status;
}

enum sluice_status local_sync_parent(const struct object_store *store, const char *path,
                                     struct sluice_error *error)
{
    struct counted_text folder;
    counted_init(&folder, store->host);
    const char *slash = strrchr(path, '/');
    if (!slash) {
        counted_add(&folder, ".");
    } else {
        counted_add_bytes(&folder, path, slash == path ? 1 : (size_t)(slash - path));
    }
    enum sluice_status status = counted_check(&folder, error);
    if (status == SLUICE_OK) {
        status = sync_folder(store, counted_get(&folder), error);
    }
    counted_free(&folder);
    return status;
}

static enum sluice_status make_folder(const struct object_store *store, const char *path,
                                      struct sluice_error *error)
{
    if (mkdir(path, 0777) == 0) {
        return local_sync_parent(store, path, error);
    }
    struct stat facts;
    if (errno == EEXIST && stat(path, &facts) == 0 && !S_ISDIR(facts.st_mode)) {
        errno = ENOTDIR;
    }
    return errno == EEXIST ? SLUICE_OK : local_fail(store, "make the folder", path, error);
}

enum sluice_status local_make_parents(const struct object_store *store, const char *path,
                                      struct sluice_error *error)
{
    struct counted_text folder;
    enum sluice_status status = SLUICE_OK;
    counted_init(&folder, store->host);
    for (const char *slash = strchr(path + 1, '/'); slash && status == SLUICE_OK;
         slash = strchr(slash + 1, '/')) {
        counted_clear(&folder);
        counted_add_bytes(&folder, path, (size_t)(slash - path));
        status = counted_check(&folder, error);
        if (status == SLUICE_OK) {
            status = make_folder(store, counted_get(&folder), error);
        }
    }
    counted_free(&folder);
    return status;
}

static enum sluice_status store_open(struct object_store *base, bool is_writer,
                                     struct sluice_error *error)
{
    const char *root = ((struct local_store *)base)->root;
    struct stat facts;
    if (is_writer) {
        struct counted_text probe;
        local_path(base, &probe, "", NULL);
        enum sluice_status status = counted_check(&probe, error);
        status =
            status == SLUICE_OK ? local_make_parents(base, counted_get(&probe), error) : status;
        counted_free(&probe);
        return status;
    }
    if (stat(root, &facts) != 0 && errno == ENOENT) {
        const struct sluice_log_field field = {"folder", root};
        sluice_log(base->host, SLUICE_LOG_WARN, &field, 1,
                   "the folder does not exist (yet): there is nothing to read in it");
        return SLUICE_OK;
    }
    int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return sluice_fail(base->host, error, SLUICE_CONFIG,
                           errno == EACCES ? SLUICE_CODE_PERMISSION_DENIED : SLUICE_CODE_IO_ERROR,
                           "cannot read the folder %s: %s", root, strerror(errno));
    }
    close(fd);
    return SLUICE_OK;
}

static void store_cancel(struct object_store *base)
{
    (void)base; /* nothing here waits for anybody */
}

static enum sluice_status store_run(struct object_store *base, int timeout_ms,
                                    struct sluice_error *error)
{
    (void)base, (void)timeout_ms, (void)error;
    return SLUICE_OK;
}

static void store_destroy(struct object_store *base)
{
    sluice_free(base->host, ((struct local_store *)base)->root);
    sluice_free(base->host, base);
}

static enum sluice_status store_head(struct object_store *base, const char *key,
                                     struct object_head *head, enum object_outcome *outcome,
                                     struct sluice_error *error)
{
    struct counted_text path;
    struct stat facts;
    local_path(base, &path, key, NULL);
    enum sluice_status status = counted_check(&path, error);
    if (status == SLUICE_OK && stat(counted_get(&path), &facts) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) {
            *outcome = OBJECT_ABSENT;
        } else {
            status = local_fail(base, "look at", counted_get(&path), error);
        }
    } else if (status == SLUICE_OK) {
        head->size = (int64_t)facts.st_size;
        local_etag(&facts, head->etag);
    }
    counted_free(&path);
    return status;
}

static enum sluice_status store_remove(struct object_store *base, const char *key,
                                       struct sluice_error *error)
{
    struct counted_text path;
    local_path(base, &path, key, NULL);
    enum sluice_status status = counted_check(&path, error);
    if (status == SLUICE_OK && unlink(counted_get(&path)) != 0 && errno != ENOENT &&
        errno != ENOTDIR) {
        status = local_fail(base, "remove", counted_get(&path), error);
    }
    counted_free(&path);
    return status;
}

static const struct object_store_kind local_kind = {.destroy = store_destroy,
                                                    .open = store_open,
                                                    .cancel = store_cancel,
                                                    .run = store_run,
                                                    .list = local_list,
                                                    .head = store_head,
                                                    .put = local_put,
                                                    .remove = store_remove,
                                                    .reader_open = local_reader_open,
                                                    .reader_read = local_reader_read,
                                                    .reader_close = local_reader_close,
                                                    .upload_create = local_upload_create,
                                                    .part_start = local_part_start,
                                                    .transfer_is_done = local_transfer_is_done,
                                                    .transfer_result = local_transfer_result,
                                                    .transfer_destroy = local_transfer_destroy,
                                                    .upload_seal = local_upload_seal,
                                                    .upload_complete = local_upload_complete,
                                                    .upload_abort = local_upload_abort,
                                                    .list_uploads = local_list_uploads};

enum sluice_status local_store_create(const struct sluice_host *host, const struct object_url *url,
                                      struct object_store **store, struct sluice_error *error)
{
    *store = NULL;
    struct local_store *made = sluice_alloc(host, sizeof *made);
    if (!made) {
        return object_no_memory(host, error);
    }
    *made = (struct local_store){.base = {.kind = &local_kind, .host = host}};
    made->root = counted_copy(host, url->bucket.bytes, url->bucket.size);
    if (!made->root) {
        store_destroy(&made->base);
        return object_no_memory(host, error);
    }
    *store = &made->base;
    return SLUICE_OK;
}
