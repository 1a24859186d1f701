/* SPDX-License-Identifier: Apache-2.0 */
/* A bucket as an object store: set-up, listings and the calls on whole objects. */
#include "object_store/s3/s3.h"

#include <stdio.h>
#include <string.h>

static struct s3_store *s3_of(struct object_store *store)
{
    return (struct s3_store *)store;
}

/* ---- set-up ---- */

static enum sluice_status refuse_endpoint(const struct sluice_host *host, const char *endpoint,
                                          const char *why, struct sluice_error *error)
{
    sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID, "endpoint \"%s\" %s",
                strchr(endpoint, '@') ? "…" : endpoint, why);
    sluice_error_at(host, error, SLUICE_AT_OPTION, "endpoint");
    return SLUICE_CONFIG;
}

/* The host name as the Host header will say it: without the scheme's own port. */
static enum sluice_status take_endpoint(struct s3_store *store, const char *endpoint,
                                        struct sluice_error *error)
{
    const struct sluice_host *host = store->base.host;
    bool is_https = strncmp(endpoint, "https://", 8) == 0;
    if (!is_https && strncmp(endpoint, "http://", 7) != 0) {
        return refuse_endpoint(host, endpoint, "must begin with http:// or https://", error);
    }
    if (strchr(endpoint, '@')) {
        return refuse_endpoint(host, endpoint,
                               "must not hold credentials: they come from the environment or a "
                               "profile file",
                               error);
    }
    const char *authority = endpoint + (is_https ? 8 : 7);
    size_t size = strcspn(authority, "/?#");
    const char *path = authority + size;
    const char *default_port = is_https ? ":443" : ":80";
    size_t port = strlen(default_port);
    if (size > port && memcmp(authority + size - port, default_port, port) == 0) {
        size -= port;
    }
    size_t path_size = strlen(path);
    while (path_size > 0 && path[path_size - 1] == '/') {
        path_size--;
    }
    if (size == 0 || strpbrk(path, "?# ")) {
        return refuse_endpoint(host, endpoint, "is not of the form http://host:port", error);
    }
    counted_add(&store->scheme, is_https ? "https" : "http");
    counted_add_bytes(&store->authority, authority, size);
    counted_add_bytes(&store->base_path, path, path_size);
    store->is_own_endpoint = true;
    return SLUICE_OK;
}

static enum sluice_status take_amazon(struct s3_store *store, struct sluice_error *error)
{
    const char *region = counted_get(&store->region);
    if (region[0] == '\0') {
        sluice_fail(store->base.host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                    "no region: set `region`, AWS_REGION or the profile's region (or `endpoint` "
                    "for another server than Amazon's)");
        sluice_error_at(store->base.host, error, SLUICE_AT_OPTION, "region");
        return SLUICE_CONFIG;
    }
    counted_add(&store->scheme, "https");
    counted_print(&store->authority, "s3.%s.amazonaws.com%s", region,
                  strncmp(region, "cn-", 3) == 0 ? ".cn" : "");
    return SLUICE_OK;
}

static enum sluice_status find_place(struct s3_store *store, struct sluice_error *error)
{
    counted_clear(&store->region);
    counted_clear(&store->scheme);
    counted_clear(&store->authority);
    counted_clear(&store->base_path);
    enum sluice_status status = aws_region_find(store->options->region, &store->region, error);
    if (status != SLUICE_OK) {
        return status;
    }
    const char *endpoint = aws_endpoint_find(store->options->endpoint);
    status = endpoint ? take_endpoint(store, endpoint, error) : take_amazon(store, error);
    if (store->region.buffer.size == 0) {
        counted_add(&store->region, "us-east-1"); /* what servers other than Amazon's expect */
    }
    status = status == SLUICE_OK ? counted_check(&store->authority, error) : status;
    return status == SLUICE_OK ? counted_check(&store->base_path, error) : status;
}

static enum sluice_status store_open(struct object_store *base, bool is_writer,
                                     struct sluice_error *error)
{
    (void)is_writer;
    struct s3_store *store = s3_of(base);
    enum sluice_status status = find_place(store, error);
    if (status != SLUICE_OK) {
        return status;
    }
    aws_credentials_reset(base->host, &store->credentials);
    return aws_credentials_load(base->host, &store->credentials, error);
}

static void store_cancel(struct object_store *base)
{
    http_cancel(s3_of(base)->client);
}

static enum sluice_status store_run(struct object_store *base, int timeout_ms,
                                    struct sluice_error *error)
{
    return http_run(s3_of(base)->client, timeout_ms, error);
}

static void store_destroy(struct object_store *base)
{
    struct s3_store *store = s3_of(base);
    http_client_destroy(store->client);
    aws_credentials_reset(base->host, &store->credentials);
    counted_free(&store->region);
    counted_free(&store->scheme);
    counted_free(&store->authority);
    counted_free(&store->base_path);
    sluice_free(base->host, store->bucket);
    sluice_free(base->host, store);
}

/* ---- listings ---- */

/* An unmoved or missing cursor would make us list for ever. */
static enum sluice_status move_cursor(const struct s3_page *page, struct counted_text *cursor,
                                      bool *is_last, struct sluice_error *error)
{
    *is_last = !page->is_truncated;
    if (*is_last) {
        return SLUICE_OK;
    }
    struct counted_text next;
    counted_init(&next, cursor->host);
    counted_print(&next, "%s%s%s%s", counted_get(&page->next_token), counted_get(&page->next_key),
                  page->next_upload.buffer.size > 0 ? "\n" : "", counted_get(&page->next_upload));
    enum sluice_status status = counted_check(&next, error);
    if (status == SLUICE_OK &&
        (next.buffer.size == 0 || strcmp(counted_get(&next), counted_get(cursor)) == 0)) {
        status = sluice_fail(cursor->host, error, SLUICE_FATAL, SLUICE_CODE_PROTOCOL_ERROR,
                             "the server says that its listing goes on, but not where");
    }
    counted_clear(cursor);
    counted_add(cursor, counted_get(&next));
    counted_free(&next);
    return status == SLUICE_OK ? counted_check(cursor, error) : status;
}

static enum sluice_status visit_page(const struct s3_page *page, object_visit visit, void *user,
                                     struct sluice_error *error)
{
    const char *strings = page->strings.buffer.data;
    enum sluice_status status = SLUICE_OK;
    for (size_t i = 0; i < page->count && status == SLUICE_OK; i++) {
        const struct s3_page_entry *found = &page->entries[i];
        const struct object_entry entry = {.key = strings + found->key,
                                           .size = found->size,
                                           .etag = strings + found->etag,
                                           .upload_id = strings + found->upload_id};
        status = visit(user, &entry, error);
    }
    return status;
}

static enum sluice_status list_page(struct s3_store *store, const struct s3_request *request,
                                    struct counted_text *cursor, bool *is_last, object_visit visit,
                                    void *user, struct sluice_error *error)
{
    struct s3_answer answer;
    struct s3_page page = {0};
    enum sluice_status status = s3_perform(store, request, &answer, error);
    if (status == SLUICE_OK && answer.outcome != OBJECT_DONE) {
        status =
            sluice_fail(store->base.host, error, SLUICE_CONFIG, SLUICE_CODE_NOT_FOUND,
                        "bucket %s at %s cannot be listed (HTTP status %d): is the endpoint an S3 "
                        "service?",
                        store->bucket, counted_get(&store->authority), answer.response.status);
    }
    if (status == SLUICE_OK) {
        status = s3_page_parse(store->base.host, answer.response.body, answer.response.body_size,
                               &page, error);
    }
    if (status == SLUICE_OK) {
        status = move_cursor(&page, cursor, is_last, error);
    }
    if (status == SLUICE_OK) {
        status = visit_page(&page, visit, user, error);
    }
    s3_page_free(&page);
    s3_answer_free(&answer);
    return status;
}

static enum sluice_status store_list(struct object_store *base, const char *prefix,
                                     struct counted_text *cursor, bool *is_last, object_visit visit,
                                     void *user, struct sluice_error *error)
{
    const struct s3_request request = {
        .method = "GET",
        .query = {{"list-type", "2"},
                  {"prefix", prefix},
                  {"max-keys", "1000"},
                  {"encoding-type", "url"},
                  {"continuation-token", cursor->buffer.size > 0 ? counted_get(cursor) : NULL}}};
    return list_page(s3_of(base), &request, cursor, is_last, visit, user, error);
}

static enum sluice_status store_list_uploads(struct object_store *base, const char *prefix,
                                             struct counted_text *cursor, bool *is_last,
                                             object_visit visit, void *user,
                                             struct sluice_error *error)
{
    struct counted_text key;
    counted_init(&key, base->host);
    const char *line = strchr(counted_get(cursor), '\n');
    counted_add_bytes(&key, counted_get(cursor),
                      line ? (size_t)(line - counted_get(cursor)) : cursor->buffer.size);
    const struct s3_request request = {
        .method = "GET",
        .query = {{"uploads", ""},
                  {"prefix", prefix},
                  {"max-uploads", "1000"},
                  {"encoding-type", "url"},
                  {"key-marker", key.buffer.size > 0 ? counted_get(&key) : NULL},
                  {"upload-id-marker", line ? line + 1 : NULL}}};
    enum sluice_status status = counted_check(&key, error);
    if (status == SLUICE_OK) {
        status = list_page(s3_of(base), &request, cursor, is_last, visit, user, error);
    }
    counted_free(&key);
    return status;
}

/* ---- whole objects ---- */

static void copy_header(char *to, size_t room, struct http_exchange *exchange, const char *name)
{
    const char *value = http_response_header(exchange, name);
    snprintf(to, room, "%s", value ? value : "");
}

static enum sluice_status store_head(struct object_store *base, const char *key,
                                     struct object_head *head, enum object_outcome *outcome,
                                     struct sluice_error *error)
{
    const struct s3_request request = {.method = "HEAD", .key = key};
    struct s3_answer answer;
    enum sluice_status status = s3_perform(s3_of(base), &request, &answer, error);
    *outcome = answer.outcome;
    if (status == SLUICE_OK && answer.outcome == OBJECT_DONE) {
        char size[32];
        copy_header(size, sizeof size, answer.exchange, "content-length");
        copy_header(head->etag, sizeof head->etag, answer.exchange, "etag");
        copy_header(head->token, sizeof head->token, answer.exchange, "x-amz-meta-sluice-stage");
        if (!s3_size_parse(size, strlen(size), &head->size)) {
            head->size = -1;
        }
    }
    s3_answer_free(&answer);
    return status;
}

static enum sluice_status store_put(struct object_store *base, const struct object_upload *object,
                                    const char *bytes, size_t size, bool is_new,
                                    enum object_outcome *outcome, struct sluice_error *error)
{
    const struct s3_request request = {.method = "PUT",
                                       .key = object->key,
                                       .headers = {{"content-type", object->content_type},
                                                   {"if-none-match", is_new ? "*" : NULL},
                                                   {"x-amz-meta-sluice-stage", object->token}},
                                       .body = bytes,
                                       .body_size = size};
    struct s3_answer answer;
    enum sluice_status status = s3_perform(s3_of(base), &request, &answer, error);
    *outcome = answer.outcome;
    s3_answer_free(&answer);
    return status;
}

static enum sluice_status store_remove(struct object_store *base, const char *key,
                                       struct sluice_error *error)
{
    const struct s3_request request = {.method = "DELETE", .key = key};
    struct s3_answer answer;
    enum sluice_status status = s3_perform(s3_of(base), &request, &answer, error);
    if (status == SLUICE_OK && answer.outcome != OBJECT_DONE && answer.outcome != OBJECT_ABSENT) {
        status = sluice_fail(base->host, error, SLUICE_RETRY, SLUICE_CODE_CONFLICT,
                             "%s could not be removed: somebody is changing it (HTTP status %d)",
                             key, answer.response.status);
    }
    s3_answer_free(&answer);
    return status;
}

static const struct object_store_kind s3_kind = {.destroy = store_destroy,
                                                 .open = store_open,
                                                 .cancel = store_cancel,
                                                 .run = store_run,
                                                 .list = store_list,
                                                 .head = store_head,
                                                 .put = store_put,
                                                 .remove = store_remove,
                                                 .reader_open = s3_reader_open,
                                                 .reader_read = s3_reader_read,
                                                 .reader_close = s3_reader_close,
                                                 .upload_create = s3_upload_create,
                                                 .part_start = s3_part_start,
                                                 .transfer_is_done = s3_transfer_is_done,
                                                 .transfer_result = s3_transfer_result,
                                                 .transfer_destroy = s3_transfer_destroy,
                                                 .upload_seal = s3_upload_seal,
                                                 .upload_complete = s3_upload_complete,
                                                 .upload_abort = s3_upload_abort,
                                                 .list_uploads = store_list_uploads};

enum sluice_status s3_store_create(const struct sluice_host *host,
                                   const struct object_store_options *options,
                                   const struct object_url *url, struct object_store **store,
                                   struct sluice_error *error)
{
    *store = NULL;
    struct s3_store *made = sluice_alloc(host, sizeof *made);
    if (!made) {
        return object_no_memory(host, error);
    }
    *made = (struct s3_store){.base = {.kind = &s3_kind, .host = host}, .options = options};
    counted_init(&made->region, host);
    counted_init(&made->scheme, host);
    counted_init(&made->authority, host);
    counted_init(&made->base_path, host);
    made->bucket = counted_copy(host, url->bucket.bytes, url->bucket.size);
    enum sluice_status status = made->bucket ? SLUICE_OK : object_no_memory(host, error);
    if (status == SLUICE_OK) {
        status = http_client_create(host, &options->http, &made->client, error);
    }
    if (status != SLUICE_OK) {
        store_destroy(&made->base);
        return status;
    }
    *store = &made->base;
    return SLUICE_OK;
}
