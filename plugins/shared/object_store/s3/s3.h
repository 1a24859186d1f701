/* SPDX-License-Identifier: Apache-2.0 */
/* The S3 kind of store: calls over HTTP (call), the store itself, streamed reading (reader) and
 * multipart uploads (upload). */
#ifndef SHARED_OBJECT_STORE_S3_H
#define SHARED_OBJECT_STORE_S3_H

#include "object_store/s3/message.h"

struct s3_store {
    struct object_store base;
    const struct object_store_options *options;
    struct http_client *client;
    struct aws_credentials credentials;
    char *bucket;
    struct counted_text region;
    struct counted_text scheme;
    struct counted_text authority;
    struct counted_text base_path;
    bool is_own_endpoint;
    int64_t clock_ahead_ms; /* of the server, once it has refused this machine's time */
};

/* An answer; s3_answer_free() in any case. */
struct s3_answer {
    struct http_exchange *exchange;
    struct http_response response;
    enum object_outcome outcome;
};

struct s3_target s3_store_target(const struct s3_store *store);
/* Signs and sends without waiting; `on_body` and `user_data` as in http_request. */
enum sluice_status s3_start(struct s3_store *store, const struct s3_request *request,
                            size_t (*on_body)(void *, const char *, size_t), void *user_data,
                            struct http_exchange **exchange, struct sluice_error *error);
/* Verdict about a done exchange. OK with an outcome, or an error in the user's terms. */
enum sluice_status s3_judge(struct s3_store *store, const char *key, struct http_exchange *exchange,
                            struct http_response *response, enum object_outcome *outcome,
                            struct sluice_error *error);
/* Both, and waits in between. */
enum sluice_status s3_perform(struct s3_store *store, const struct s3_request *request,
                              struct s3_answer *answer, struct sluice_error *error);
void s3_answer_free(struct s3_answer *answer);

enum sluice_status s3_reader_open(struct object_store *store, const struct object_entry *entry,
                                  int64_t offset, struct object_reader **reader,
                                  struct sluice_error *error);
enum sluice_status s3_reader_read(struct object_reader *reader, int timeout_ms,
                                  struct sluice_buffer *buffer, enum object_outcome *outcome,
                                  struct sluice_error *error);
void s3_reader_close(struct object_reader *reader);

enum sluice_status s3_upload_create(struct object_store *store, const struct object_upload *upload,
                                    struct counted_text *id, struct sluice_error *error);
enum sluice_status s3_part_start(struct object_store *store, const struct object_upload *upload,
                                 int number, int64_t offset, struct sluice_string bytes,
                                 struct object_transfer **transfer, struct sluice_error *error);
bool s3_transfer_is_done(const struct object_transfer *transfer);
enum sluice_status s3_transfer_result(struct object_transfer *transfer, char etag[OBJECT_ETAG_SIZE],
                                      struct sluice_error *error);
void s3_transfer_destroy(struct object_transfer *transfer);
enum sluice_status s3_upload_seal(struct object_store *store, const struct object_upload *upload,
                                  const struct object_part *parts, size_t count,
                                  char etag[OBJECT_ETAG_SIZE], struct sluice_error *error);
enum sluice_status s3_upload_complete(struct object_store *store,
                                      const struct object_upload *upload,
                                      const struct object_part *parts, size_t count, bool is_new,
                                      enum object_outcome *outcome, struct sluice_error *error);
enum sluice_status s3_upload_abort(struct object_store *store, const char *key, const char *id,
                                   struct sluice_error *error);

#endif
