/* SPDX-License-Identifier: Apache-2.0 */
/* One S3 call → URL and signed headers. The path is encoded once and sent as it was signed. */
#include "object_store/s3/message.h"

#include <stdlib.h>
#include <string.h>

static int compare_pairs(const void *one, const void *other)
{
    return strcmp(((const struct s3_pair *)one)->name, ((const struct s3_pair *)other)->name);
}

/* All our names are plain, so their order is that of their encoded forms. */
static void add_query(struct counted_text *query, const struct s3_request *request)
{
    struct s3_pair pairs[S3_QUERY_MAX];
    size_t count = 0;
    for (size_t i = 0; i < S3_QUERY_MAX; i++) {
        if (request->query[i].name && request->query[i].value) {
            pairs[count++] = request->query[i];
        }
    }
    qsort(pairs, count, sizeof pairs[0], compare_pairs);
    for (size_t i = 0; i < count; i++) {
        counted_print(query, "%s%s=", i > 0 ? "&" : "", pairs[i].name);
        aws_encode(query, pairs[i].value, strlen(pairs[i].value), false);
    }
}

static void add_path(struct counted_text *path, const struct s3_target *target, const char *key)
{
    counted_add(path, target->base_path);
    if (target->is_path_style) {
        counted_print(path, "/%s", target->bucket);
    }
    if (key) {
        counted_add(path, "/");
        aws_encode(path, key, strlen(key), true);
    } else if (!target->is_path_style) {
        counted_add(path, "/");
    }
}

static void add_header(struct s3_signed_request *signed_request, const char *name,
                       const char *value)
{
    signed_request->headers[signed_request->header_count++] = (struct http_header){name, value};
}

static void add_headers(struct s3_signed_request *signed_request, const struct s3_request *request,
                        const struct aws_credentials *credentials)
{
    for (size_t i = 0; i < S3_HEADERS_MAX; i++) {
        if (request->headers[i].name && request->headers[i].value) {
            add_header(signed_request, request->headers[i].name, request->headers[i].value);
        }
    }
    add_header(signed_request, "x-amz-content-sha256", signed_request->hash);
    add_header(signed_request, "x-amz-date", signed_request->date);
    if (credentials->session_token) {
        add_header(signed_request, "x-amz-security-token", credentials->session_token);
    }
}

/* Signs every header that we send, and the host. */
static enum sluice_status sign(const struct s3_target *target, const struct s3_request *request,
                               const struct aws_credentials *credentials, const char *path,
                               const char *query, struct s3_signed_request *signed_request,
                               struct sluice_error *error)
{
    struct sigv4_header headers[SIGV4_HEADERS_MAX];
    size_t count = 0;
    headers[count++] = (struct sigv4_header){"host", counted_get(&signed_request->authority)};
    for (size_t i = 0; i < signed_request->header_count; i++) {
        headers[count++] = (struct sigv4_header){signed_request->headers[i].name,
                                                 signed_request->headers[i].value};
    }
    const struct sigv4_request to_sign = {.method = request->method,
                                          .path = path,
                                          .query = query,
                                          .headers = headers,
                                          .header_count = count,
                                          .payload_hash = signed_request->hash,
                                          .region = target->region,
                                          .service = "s3",
                                          .date = signed_request->date};
    enum sluice_status status =
        sigv4_sign(&to_sign, credentials, &signed_request->authorization, error);
    add_header(signed_request, "authorization", counted_get(&signed_request->authorization));
    return status;
}

enum sluice_status s3_request_sign(const struct sluice_host *host, const struct s3_target *target,
                                   const struct s3_request *request,
                                   const struct aws_credentials *credentials,
                                   struct s3_signed_request *signed_request,
                                   struct sluice_error *error)
{
    *signed_request = (struct s3_signed_request){0};
    counted_init(&signed_request->url, host);
    counted_init(&signed_request->authority, host);
    counted_init(&signed_request->authorization, host);
    struct counted_text path, query;
    counted_init(&path, host);
    counted_init(&query, host);

    add_path(&path, target, request->key);
    add_query(&query, request);
    counted_print(&signed_request->authority, "%s%s%s", target->is_path_style ? "" : target->bucket,
                  target->is_path_style ? "" : ".", target->authority);
    counted_print(&signed_request->url, "%s://%s%s%s%s", target->scheme,
                  counted_get(&signed_request->authority), counted_get(&path),
                  query.buffer.size > 0 ? "?" : "", counted_get(&query));
    aws_date_print(sluice_now_ms(host) + target->clock_ahead_ms, signed_request->date);
    sha256_hex(request->body ? request->body : "", request->body_size, signed_request->hash);
    add_headers(signed_request, request, credentials);

    enum sluice_status status = counted_check(&path, error);
    status = status == SLUICE_OK ? counted_check(&query, error) : status;
    status = status == SLUICE_OK ? counted_check(&signed_request->url, error) : status;
    status = status == SLUICE_OK ? counted_check(&signed_request->authority, error) : status;
    if (status == SLUICE_OK) {
        status = sign(target, request, credentials, counted_get(&path), counted_get(&query),
                      signed_request, error);
    }
    counted_free(&path);
    counted_free(&query);
    if (status != SLUICE_OK) {
        s3_signed_request_free(signed_request);
    }
    return status;
}

void s3_signed_request_free(struct s3_signed_request *signed_request)
{
    counted_free(&signed_request->url);
    counted_free(&signed_request->authority);
    counted_free(&signed_request->authorization);
}
