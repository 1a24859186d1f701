/* SPDX-License-Identifier: Apache-2.0 */
/* Multipart uploads of S3. */
#include "object_store/s3/s3.h"

#include <stdio.h>
#include <string.h>

struct s3_transfer {
    struct object_transfer base;
    struct http_exchange *exchange;
    char *key;
};

static struct s3_store *s3_of(struct object_store *store)
{
    return (struct s3_store *)store;
}

static enum sluice_status fail_no_id(struct object_store *store, const char *key,
                                     struct sluice_error *error)
{
    return sluice_fail(store->host, error, SLUICE_FATAL, SLUICE_CODE_PROTOCOL_ERROR,
                       "the server began an upload of %s without saying its id", key);
}

enum sluice_status s3_upload_create(struct object_store *store, const struct object_upload *upload,
                                    struct counted_text *id, struct sluice_error *error)
{
    const struct s3_request request = {.method = "POST",
                                       .key = upload->key,
                                       .is_sent_once = true,
                                       .query = {{"uploads", ""}},
                                       .headers = {{"content-type", upload->content_type},
                                                   {"x-amz-meta-sluice-stage", upload->token}}};
    struct s3_answer answer;
    struct s3_statement statement;
    enum sluice_status status = s3_perform(s3_of(store), &request, &answer, error);
    if (status == SLUICE_OK) {
        bool has_id = answer.outcome == OBJECT_DONE &&
                      s3_statement_parse(store->host, answer.response.body,
                                         answer.response.body_size, &statement, error) &&
                      statement.upload_id[0];
        if (has_id) {
            counted_add(id, statement.upload_id);
            status = counted_check(id, error);
        } else {
            status = fail_no_id(store, upload->key, error);
        }
    }
    s3_answer_free(&answer);
    return status;
}

enum sluice_status s3_part_start(struct object_store *store, const struct object_upload *upload,
                                 int number, int64_t offset, struct sluice_string bytes,
                                 struct object_transfer **transfer, struct sluice_error *error)
{
    (void)offset;
    struct s3_transfer *made = sluice_alloc(store->host, sizeof *made);
    if (!made) {
        return object_no_memory(store->host, error);
    }
    *made = (struct s3_transfer){.base = {store}};
    made->key = counted_copy(store->host, upload->key, strlen(upload->key));
    char part[16];
    snprintf(part, sizeof part, "%d", number);
    const struct s3_request request = {.method = "PUT",
                                       .key = upload->key,
                                       .query = {{"partNumber", part}, {"uploadId", upload->id}},
                                       .body = bytes.bytes,
                                       .body_size = bytes.size};
    enum sluice_status status = made->key ? SLUICE_OK : object_no_memory(store->host, error);
    if (status == SLUICE_OK) {
        status = s3_start(s3_of(store), &request, NULL, NULL, &made->exchange, error);
    }
    if (status != SLUICE_OK) {
        s3_transfer_destroy(&made->base);
        return status;
    }
    *transfer = &made->base;
    return SLUICE_OK;
}

bool s3_transfer_is_done(const struct object_transfer *transfer)
{
    return http_is_done(((const struct s3_transfer *)transfer)->exchange);
}

enum sluice_status s3_transfer_result(struct object_transfer *base, char etag[OBJECT_ETAG_SIZE],
                                      struct sluice_error *error)
{
    struct s3_transfer *transfer = (struct s3_transfer *)base;
    const struct sluice_host *host = base->store->host;
    struct http_response response;
    enum object_outcome outcome;
    enum sluice_status status =
        s3_judge(s3_of(base->store), transfer->key, transfer->exchange, &response, &outcome, error);
    if (status != SLUICE_OK) {
        return status;
    }
    if (outcome != OBJECT_DONE) {
        return object_upload_gone(host, transfer->key, error);
    }
    const char *header = http_response_header(transfer->exchange, "etag");
    int size = snprintf(etag, OBJECT_ETAG_SIZE, "%s", header ? header : "");
    if (size <= 0 || size >= OBJECT_ETAG_SIZE) {
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_PROTOCOL_ERROR,
                           "the server took a part of %s without a usable ETag", transfer->key);
    }
    return SLUICE_OK;
}

void s3_transfer_destroy(struct object_transfer *base)
{
    struct s3_transfer *transfer = (struct s3_transfer *)base;
    http_exchange_destroy(transfer->exchange);
    sluice_free(base->store->host, transfer->key);
    sluice_free(base->store->host, transfer);
}

enum sluice_status s3_upload_seal(struct object_store *store, const struct object_upload *upload,
                                  const struct object_part *parts, size_t count,
                                  char etag[OBJECT_ETAG_SIZE], struct sluice_error *error)
{
    (void)store, (void)upload, (void)error;
    s3_completion_etag(parts, count, etag);
    return SLUICE_OK;
}

enum sluice_status s3_upload_complete(struct object_store *store,
                                      const struct object_upload *upload,
                                      const struct object_part *parts, size_t count, bool is_new,
                                      enum object_outcome *outcome, struct sluice_error *error)
{
    struct counted_text body;
    counted_init(&body, store->host);
    s3_completion_body(&body, parts, count);
    const struct s3_request request = {
        .method = "POST",
        .key = upload->key,
        .query = {{"uploadId", upload->id}},
        .headers = {{"content-type", "application/xml"}, {"if-none-match", is_new ? "*" : NULL}},
        .body = counted_get(&body),
        .body_size = body.buffer.size};
    struct s3_answer answer = {0};
    enum sluice_status status = counted_check(&body, error);
    if (status == SLUICE_OK) {
        status = s3_perform(s3_of(store), &request, &answer, error);
    }
    /* A 404 without words means the upload, not the key that is to come. */
    *outcome = answer.outcome == OBJECT_ABSENT ? OBJECT_NO_UPLOAD : answer.outcome;
    s3_answer_free(&answer);
    counted_free(&body);
    return status;
}

enum sluice_status s3_upload_abort(struct object_store *store, const char *key, const char *id,
                                   struct sluice_error *error)
{
    const struct s3_request request = {.method = "DELETE", .key = key, .query = {{"uploadId", id}}};
    struct s3_answer answer;
    enum sluice_status status = s3_perform(s3_of(store), &request, &answer, error);
    s3_answer_free(&answer);
    return status;
}
