/* SPDX-License-Identifier: Apache-2.0 */
/* Objects under a URL: `s3://bucket/prefix` (any S3-compatible server) or `file:folder`, by the
 * same calls.
 *
 *   list ─▶ entries ─▶ reader (streamed, resumable, bounded memory)
 *   upload: create ─▶ part … part ─▶ seal ─▶ complete | abort
 *
 * An upload is invisible until it is completed, survives the process that made it, and may be
 * completed or aborted by another. In a folder it is a hidden file under `.sluice-uploads/` of the
 * root, and completion is a rename.
 *
 * Keys are whole keys of the bucket, prefix included; in a folder, paths below it. Every call
 * answers with a status and never sleeps or retries; what the store says beyond plain success or
 * failure is an object_outcome. A store is for one thread; object_store_cancel() for any. */
#ifndef SHARED_OBJECT_STORE_H
#define SHARED_OBJECT_STORE_H

#include "aws/counted_text.h"
#include "object_store/options.h"

#define OBJECT_ETAG_SIZE 96
#define OBJECT_TOKEN_SIZE 200
#define OBJECT_KEY_LIMIT 1024 /* bytes; S3's own limit */
#define OBJECT_PARTS_LIMIT 10000

enum object_outcome {
    OBJECT_DONE = 0,
    OBJECT_ABSENT,     /* no such key */
    OBJECT_CHANGED,    /* the condition does not hold: exists already, or another version */
    OBJECT_BUSY,       /* somebody is changing the key right now */
    OBJECT_NO_UPLOAD,  /* unknown, aborted or completed upload */
    OBJECT_UNSUPPORTED /* the server does not know a condition that was asked for */
};

/* Strings are the store's, for the time of the visit. */
struct object_entry {
    const char *key;
    int64_t size;          /* objects */
    const char *etag;      /* objects; as the server writes it */
    const char *upload_id; /* uploads; "" or NULL for objects */
};

struct object_head {
    int64_t size;
    char etag[OBJECT_ETAG_SIZE];
    char token[OBJECT_TOKEN_SIZE]; /* what upload_create was given; "" in a folder */
};

struct object_part {
    int number; /* from 1 */
    int64_t size;
    char etag[OBJECT_ETAG_SIZE];
};

/* What an upload is known by. The strings are the caller's. */
struct object_upload {
    const char *key;
    const char *id;
    const char *content_type;
    const char *token; /* kept with the object, so that its maker can recognise it */
};

struct object_store;
struct object_reader;
struct object_transfer;

typedef enum sluice_status (*object_visit)(void *user, const struct object_entry *entry,
                                           struct sluice_error *error);

/* ---- the store ---- */

/* Parses the URL; no I/O. A URL that cannot be: CONFIG, at option `url`. */
enum sluice_status object_store_create(const struct sluice_host *host,
                                       const struct object_store_options *options, const char *url,
                                       struct object_store **store, struct sluice_error *error);
void object_store_destroy(struct object_store *store); /* NULL is allowed */
/* Reads credentials; for a folder, makes it where `is_writer`. May be called again. */
enum sluice_status object_store_open(struct object_store *store, bool is_writer,
                                     struct sluice_error *error);
void object_store_cancel(struct object_store *store); /* any thread */
/* "" or a key prefix that ends with a slash. */
const char *object_store_prefix(const struct object_store *store);
bool object_store_is_local(const struct object_store *store);
/* OK, or REJECT key_unsafe: an empty, ".", ".." or overlong key or segment, or control bytes. */
enum sluice_status object_key_check(const struct sluice_host *host, const char *key,
                                    struct sluice_error *error);
/* Whether two ETags are the same but for quotes; an empty one equals nothing. */
bool object_etag_equal(const char *one, const char *other);

/* ---- objects ---- */

/* One page of the keys that begin with `prefix`, in bytewise order. `cursor` is empty for the
 * first page and is moved on; *is_last tells the end. Nothing is visited of a page that failed. */
enum sluice_status object_list(struct object_store *store, const char *prefix,
                               struct counted_text *cursor, bool *is_last, object_visit visit,
                               void *user, struct sluice_error *error);
/* DONE or ABSENT. */
enum sluice_status object_head(struct object_store *store, const char *key,
                               struct object_head *head, enum object_outcome *outcome,
                               struct sluice_error *error);
/* A small object in one go. With is_new it must not exist yet: CHANGED, BUSY, UNSUPPORTED. */
enum sluice_status object_put(struct object_store *store, const struct object_upload *object,
                              const char *bytes, size_t size, bool is_new,
                              enum object_outcome *outcome, struct sluice_error *error);

/* Appends a whole object of at most `limit` bytes: DONE or ABSENT; FATAL record_too_long. */
enum sluice_status object_get(struct object_store *store, const char *key, size_t limit,
                              struct sluice_buffer *buffer, enum object_outcome *outcome,
                              struct sluice_error *error);
/* A key that is not there is fine. */
enum sluice_status object_remove(struct object_store *store, const char *key,
                                 struct sluice_error *error);

/* ---- reading ---- */

/* Starts to fetch `entry` from byte `offset` on, as long as it is the version of entry->etag. */
enum sluice_status object_reader_open(struct object_store *store, const struct object_entry *entry,
                                      int64_t offset, struct object_reader **reader,
                                      struct sluice_error *error);
/* Appends bytes: OK, AGAIN after timeout_ms without any, END. ABSENT and CHANGED come with OK and
 * no bytes. RETRY: open again at the byte reached. All readers of a store move on meanwhile. */
enum sluice_status object_reader_read(struct object_reader *reader, int timeout_ms,
                                      struct sluice_buffer *buffer, enum object_outcome *outcome,
                                      struct sluice_error *error);
void object_reader_close(struct object_reader *reader); /* NULL is allowed */

/* ---- uploads ----
 *
 * Until it is completed an upload may go: another process has taken this member over, or a rule of
 * the bucket aborts what is incomplete for long. Parts and seal answer NOT_CONNECTED then: what was
 * sent is lost, but nothing of it was decided, so the rows can be read again. */

/* upload->id is not looked at; the new one goes into `id`. */
enum sluice_status object_upload_create(struct object_store *store,
                                        const struct object_upload *upload, struct counted_text *id,
                                        struct sluice_error *error);
/* Starts to send a part; bytes stay the caller's and must stay until the transfer is destroyed.
 * `offset` is where the part begins in the object. A part may be sent again. */
enum sluice_status object_part_start(struct object_store *store, const struct object_upload *upload,
                                     int number, int64_t offset, struct sluice_string bytes,
                                     struct object_transfer **transfer, struct sluice_error *error);
/* Moves transfers and readers on, waiting at most timeout_ms. */
enum sluice_status object_store_run(struct object_store *store, int timeout_ms,
                                    struct sluice_error *error);
bool object_transfer_is_done(const struct object_transfer *transfer);
/* Of a done transfer: the part's ETag. */
enum sluice_status object_transfer_result(struct object_transfer *transfer,
                                          char etag[OBJECT_ETAG_SIZE], struct sluice_error *error);
void object_transfer_destroy(struct object_transfer *transfer); /* NULL is allowed */
/* All parts are there: makes them durable, and tells the ETag that the object will have, "" where
 * that cannot be known. */
enum sluice_status object_upload_seal(struct object_store *store,
                                      const struct object_upload *upload,
                                      const struct object_part *parts, size_t count,
                                      char etag[OBJECT_ETAG_SIZE], struct sluice_error *error);
/* DONE, or with is_new CHANGED, BUSY, UNSUPPORTED; NO_UPLOAD where it is gone, which may mean that
 * an earlier call did complete it. */
enum sluice_status object_upload_complete(struct object_store *store,
                                          const struct object_upload *upload,
                                          const struct object_part *parts, size_t count,
                                          bool is_new, enum object_outcome *outcome,
                                          struct sluice_error *error);
/* An upload that is gone already is fine. */
enum sluice_status object_upload_abort(struct object_store *store, const char *key, const char *id,
                                       struct sluice_error *error);
enum sluice_status object_list_uploads(struct object_store *store, const char *prefix,
                                       struct counted_text *cursor, bool *is_last,
                                       object_visit visit, void *user, struct sluice_error *error);

#endif
