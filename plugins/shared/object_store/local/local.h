/* SPDX-License-Identifier: Apache-2.0 */
/* A folder as an object store. Keys are paths below the root. Uploads are folders under
 * ROOT/.sluice-uploads/ID with the files `key` (its text) and `data`. */
#ifndef SHARED_OBJECT_STORE_LOCAL_H
#define SHARED_OBJECT_STORE_LOCAL_H

#include <sys/stat.h>

#include "object_store/store.h"

#define LOCAL_UPLOADS ".sluice-uploads"

struct local_store {
    struct object_store base;
    char *root;
};

/* Appends ROOT/a or ROOT/a/b (NULL leaves a part out). */
void local_path(const struct object_store *store, struct counted_text *path, const char *a,
                const char *b);
/* RETRY for a full disk, else FATAL; the reason is errno. */
enum sluice_status local_fail(const struct object_store *store, const char *what, const char *path,
                              struct sluice_error *error);
void local_etag(const struct stat *facts, char etag[OBJECT_ETAG_SIZE]);
/* Makes the folders above a path, durably. */
enum sluice_status local_make_parents(const struct object_store *store, const char *path,
                                      struct sluice_error *error);
/* Makes a rename or link in the folder of `path` durable. */
enum sluice_status local_sync_parent(const struct object_store *store, const char *path,
                                     struct sluice_error *error);

enum sluice_status local_list(struct object_store *store, const char *prefix,
                              struct counted_text *cursor, bool *is_last, object_visit visit,
                              void *user, struct sluice_error *error);

enum sluice_status local_reader_open(struct object_store *store, const struct object_entry *entry,
                                     int64_t offset, struct object_reader **reader,
                                     struct sluice_error *error);
enum sluice_status local_reader_read(struct object_reader *reader, int timeout_ms,
                                     struct sluice_buffer *buffer, enum object_outcome *outcome,
                                     struct sluice_error *error);
void local_reader_close(struct object_reader *reader);

enum sluice_status local_put(struct object_store *store, const struct object_upload *object,
                             const char *bytes, size_t size, bool is_new,
                             enum object_outcome *outcome, struct sluice_error *error);
enum sluice_status local_upload_create(struct object_store *store,
                                       const struct object_upload *upload, struct counted_text *id,
                                       struct sluice_error *error);
enum sluice_status local_part_start(struct object_store *store, const struct object_upload *upload,
                                    int number, int64_t offset, struct sluice_string bytes,
                                    struct object_transfer **transfer, struct sluice_error *error);
bool local_transfer_is_done(const struct object_transfer *transfer);
enum sluice_status local_transfer_result(struct object_transfer *transfer,
                                         char etag[OBJECT_ETAG_SIZE], struct sluice_error *error);
void local_transfer_destroy(struct object_transfer *transfer);
enum sluice_status local_upload_seal(struct object_store *store, const struct object_upload *upload,
                                     const struct object_part *parts, size_t count,
                                     char etag[OBJECT_ETAG_SIZE], struct sluice_error *error);
enum sluice_status local_upload_complete(struct object_store *store,
                                         const struct object_upload *upload,
                                         const struct object_part *parts, size_t count, bool is_new,
                                         enum object_outcome *outcome, struct sluice_error *error);
enum sluice_status local_upload_abort(struct object_store *store, const char *key, const char *id,
                                      struct sluice_error *error);
enum sluice_status local_list_uploads(struct object_store *store, const char *prefix,
                                      struct counted_text *cursor, bool *is_last,
                                      object_visit visit, void *user, struct sluice_error *error);

#endif
