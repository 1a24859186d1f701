/* SPDX-License-Identifier: Apache-2.0 */
/* What a kind of object store implements. */
#ifndef SHARED_OBJECT_STORE_STORE_H
#define SHARED_OBJECT_STORE_STORE_H

#include "object_store/object_store.h"

/* The calls of object_store.h, by the same names and meanings. */
struct object_store_kind {
    void (*destroy)(struct object_store *store);
    enum sluice_status (*open)(struct object_store *store, bool is_writer,
                               struct sluice_error *error);
    void (*cancel)(struct object_store *store);
    enum sluice_status (*run)(struct object_store *store, int timeout_ms,
                              struct sluice_error *error);
    enum sluice_status (*list)(struct object_store *store, const char *prefix,
                               struct counted_text *cursor, bool *is_last, object_visit visit,
                               void *user, struct sluice_error *error);
    enum sluice_status (*head)(struct object_store *store, const char *key,
                               struct object_head *head, enum object_outcome *outcome,
                               struct sluice_error *error);
    enum sluice_status (*put)(struct object_store *store, const struct object_upload *object,
                              const char *bytes, size_t size, bool is_new,
                              enum object_outcome *outcome, struct sluice_error *error);
    enum sluice_status (*remove)(struct object_store *store, const char *key,
                                 struct sluice_error *error);
    enum sluice_status (*reader_open)(struct object_store *store, const struct object_entry *entry,
                                      int64_t offset, struct object_reader **reader,
                                      struct sluice_error *error);
    enum sluice_status (*reader_read)(struct object_reader *reader, int timeout_ms,
                                      struct sluice_buffer *buffer, enum object_outcome *outcome,
                                      struct sluice_error *error);
    void (*reader_close)(struct object_reader *reader);
    enum sluice_status (*upload_create)(struct object_store *store,
                                        const struct object_upload *upload, struct counted_text *id,
                                        struct sluice_error *error);
    enum sluice_status (*part_start)(struct object_store *store, const struct object_upload *upload,
                                     int number, int64_t offset, struct sluice_string bytes,
                                     struct object_transfer **transfer, struct sluice_error *error);
    bool (*transfer_is_done)(const struct object_transfer *transfer);
    enum sluice_status (*transfer_result)(struct object_transfer *transfer,
                                          char etag[OBJECT_ETAG_SIZE], struct sluice_error *error);
    void (*transfer_destroy)(struct object_transfer *transfer);
    enum sluice_status (*upload_seal)(struct object_store *store,
                                      const struct object_upload *upload,
                                      const struct object_part *parts, size_t count,
                                      char etag[OBJECT_ETAG_SIZE], struct sluice_error *error);
    enum sluice_status (*upload_complete)(struct object_store *store,
                                          const struct object_upload *upload,
                                          const struct object_part *parts, size_t count,
                                          bool is_new, enum object_outcome *outcome,
                                          struct sluice_error *error);
    enum sluice_status (*upload_abort)(struct object_store *store, const char *key, const char *id,
                                       struct sluice_error *error);
    enum sluice_status (*list_uploads)(struct object_store *store, const char *prefix,
                                       struct counted_text *cursor, bool *is_last,
                                       object_visit visit, void *user, struct sluice_error *error);
};

/* The first member of each kind's own struct. */
struct object_store {
    const struct object_store_kind *kind;
    const struct sluice_host *host;
    bool is_local;
    char *prefix;
};
struct object_reader {
    struct object_store *store;
};
struct object_transfer {
    struct object_store *store;
};

/* Parts of a store's URL; views into it. */
struct object_url {
    bool is_local;
    struct sluice_string bucket; /* or the folder, without slashes at its end */
    struct sluice_string prefix; /* without slashes at its ends */
};

enum sluice_status object_url_parse(const struct sluice_host *host, const char *url,
                                    struct object_url *parts, struct sluice_error *error);

/* The prefix is set by object_store_create(). */
enum sluice_status s3_store_create(const struct sluice_host *host,
                                   const struct object_store_options *options,
                                   const struct object_url *url, struct object_store **store,
                                   struct sluice_error *error);
enum sluice_status local_store_create(const struct sluice_host *host, const struct object_url *url,
                                      struct object_store **store, struct sluice_error *error);

/* NOT_CONNECTED: see "uploads" in object_store.h. */
enum sluice_status object_upload_gone(const struct sluice_host *host, const char *key,
                                      struct sluice_error *error);
enum sluice_status object_no_memory(const struct sluice_host *host, struct sluice_error *error);

#endif
