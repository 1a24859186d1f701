/* SPDX-License-Identifier: Apache-2.0 */
/* One S3 call over HTTP: sign, send, and judge the answer. */
#include "object_store/s3/s3.h"

#include <string.h>

/* A page of 1000 long keys, encoded, is below this. */
#define ANSWER_LIMIT ((size_t)16 << 20)
/* Servers allow a quarter of an hour; what differs by less is not why they refuse. */
#define CLOCK_CHANGE_MS ((int64_t)60 * 1000)

struct s3_target s3_store_target(const struct s3_store *store)
{
    return (struct s3_target){.scheme = counted_get(&store->scheme),
                              .authority = counted_get(&store->authority),
                              .base_path = counted_get(&store->base_path),
                              .bucket = store->bucket,
                              .region = counted_get(&store->region),
                              .clock_ahead_ms = store->clock_ahead_ms,
                              .is_path_style = store->is_own_endpoint ||
                                               store->options->force_path_style ||
                                               strchr(store->bucket, '.')};
}

enum sluice_status s3_start(struct s3_store *store, const struct s3_request *request,
                            size_t (*on_body)(void *, const char *, size_t), void *user_data,
                            struct http_exchange **exchange, struct sluice_error *error)
{
    *exchange = NULL;
    struct s3_target target = s3_store_target(store);
    struct s3_signed_request signed_request;
    enum sluice_status status = s3_request_sign(store->base.host, &target, request,
                                                &store->credentials, &signed_request, error);
    if (status != SLUICE_OK) {
        return status;
    }
    const struct http_request sent = {.method = request->method,
                                      .url = counted_get(&signed_request.url),
                                      .header_count = signed_request.header_count,
                                      .headers = signed_request.headers,
                                      .body = request->body,
                                      .body_size = request->body_size,
                                      .response_limit = ANSWER_LIMIT,
                                      .is_sent_once = request->is_sent_once,
                                      .on_body = on_body,
                                      .user_data = user_data};
    status = http_start(store->client, &sent, exchange, error);
    s3_signed_request_free(&signed_request);
    return status;
}

/* Whether the profile files or the environment give other credentials than those that were refused:
 * then the same call may be made again with them. */
static bool renew_credentials(struct s3_store *store, struct sluice_error *error)
{
    struct aws_credentials found;
    if (aws_credentials_load(store->base.host, &found, error) != SLUICE_OK) {
        return false;
    }
    if (aws_credentials_equal(&found, &store->credentials)) {
        aws_credentials_reset(store->base.host, &found);
        return false;
    }
    aws_credentials_reset(store->base.host, &store->credentials);
    store->credentials = found;
    sluice_fail(store->base.host, error, SLUICE_RETRY, SLUICE_CODE_AUTH_FAILED,
                "the credentials were refused; newer ones were found");
    return true;
}

/* A server that finds our time too far from its own says what it is: requests carry that from then
 * on, so that a clock that was set wrong stops nothing. False where it has been tried already. */
static bool follow_server_clock(struct s3_store *store, const struct http_exchange *exchange,
                                struct sluice_error *error)
{
    const struct sluice_host *host = store->base.host;
    int64_t server_ms = http_response_date(exchange);
    int64_t ahead_ms = server_ms - sluice_now_ms(host);
    int64_t change_ms = ahead_ms - store->clock_ahead_ms;
    if (server_ms < 0 || (change_ms > -CLOCK_CHANGE_MS && change_ms < CLOCK_CHANGE_MS)) {
        return false;
    }
    store->clock_ahead_ms = ahead_ms;
    sluice_fail(host, error, SLUICE_RETRY, SLUICE_CODE_AUTH_FAILED,
                "this machine's clock and that of the server differ by %lld s; going on with the "
                "server's",
                (long long)(ahead_ms / 1000));
    return true;
}

/* Whether what the server refuses can be put right for the next try. */
static bool can_repair(struct s3_store *store, const struct http_exchange *exchange,
                       const struct s3_statement *statement, struct sluice_error *error)
{
    return strcmp(statement->code, S3_CLOCK_SKEWED) == 0
               ? follow_server_clock(store, exchange, error)
               : renew_credentials(store, error);
}

static void add_place(struct s3_store *store, const char *key, int http_status,
                      struct sluice_error *error)
{
    const struct sluice_host *host = store->base.host;
    if (key) {
        sluice_error_at(host, error, SLUICE_AT_OBJECT, "s3://%s/%s", store->bucket, key);
    } else {
        sluice_error_at(host, error, SLUICE_AT_OBJECT, "s3://%s", store->bucket);
    }
    if (http_status > 0) {
        sluice_error_at(host, error, SLUICE_AT_HTTP_STATUS, "%d", http_status);
    }
}

static enum sluice_status fail_by_verdict(struct s3_store *store, const struct s3_verdict *verdict,
                                          const struct s3_statement *statement,
                                          const struct http_exchange *exchange,
                                          enum sluice_status http_status,
                                          struct sluice_error *error)
{
    const struct sluice_host *host = store->base.host;
    enum sluice_status status = verdict->status;
    /* A RETRY of the HTTP layer may carry the server's Retry-After: kept. */
    if (status != SLUICE_RETRY || http_status != SLUICE_RETRY) {
        if (verdict->code == SLUICE_CODE_AUTH_FAILED) {
            if (can_repair(store, exchange, statement, error)) {
                return SLUICE_RETRY;
            }
            /* Whoever renews the files may be late; the environment stays as it is. */
            if (store->credentials.is_fixed) {
                status = SLUICE_CONFIG;
            }
        }
        sluice_fail(host, error, status, verdict->code, "bucket %s at %s: %s", store->bucket,
                    counted_get(&store->authority), verdict->text);
    }
    sluice_error_because(host, error, "the server says %s%s%s%s%s", statement->code,
                         statement->message[0] ? ": " : "", statement->message,
                         statement->region[0] ? ", region " : "", statement->region);
    return status;
}

/* Answers that say all by their number: those to HEAD, and those of proxies. */
static enum sluice_status judge_by_number(struct s3_store *store, int number,
                                          enum sluice_status http_status,
                                          enum object_outcome *outcome, struct sluice_error *error)
{
    switch (number) {
    case 404:
        *outcome = OBJECT_ABSENT;
        return SLUICE_OK;
    case 412:
        *outcome = OBJECT_CHANGED;
        return SLUICE_OK;
    case 409:
        *outcome = OBJECT_BUSY;
        return SLUICE_OK;
    case 501:
        *outcome = OBJECT_UNSUPPORTED;
        return SLUICE_OK;
    case 401:
    case 403:
        if (store->credentials.session_token && !store->credentials.is_fixed) {
            http_status = SLUICE_RETRY; /* expired, most likely: an answer to HEAD cannot say so */
        }
        return renew_credentials(store, error) ? SLUICE_RETRY : http_status;
    }
    if (http_status == SLUICE_OK) {
        return sluice_fail(store->base.host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                           "bucket %s at %s: the server answers with %d instead of serving the "
                           "bucket: correct `endpoint` or `region`",
                           store->bucket, counted_get(&store->authority), number);
    }
    return http_status;
}

static bool is_success(const struct http_response *response)
{
    return response->status >= 200 && response->status < 300;
}

/* Some calls answer 200 early and tell of their failure in the body. */
static bool may_hold_error(const struct http_response *response)
{
    size_t size = response->body_size < 512 ? response->body_size : 512;
    return response->body_size > 0 &&
           (!is_success(response) || memmem(response->body, size, "<Error", 6));
}

enum sluice_status s3_judge(struct s3_store *store, const char *key, struct http_exchange *exchange,
                            struct http_response *response, enum object_outcome *outcome,
                            struct sluice_error *error)
{
    *outcome = OBJECT_DONE;
    enum sluice_status status = http_result(exchange, response, error);
    if (response->status == 0 || (status != SLUICE_OK && is_success(response))) {
        add_place(store, key, 0, error);
        return status;
    }
    struct s3_statement statement = {0};
    const struct s3_verdict *verdict = NULL;
    if (may_hold_error(response)) {
        if (s3_statement_parse(store->base.host, response->body, response->body_size, &statement,
                               error)) {
            verdict = s3_verdict_find(statement.code);
        } else {
            status = http_result(exchange, response, error);
        }
    }
    if (verdict && verdict->status == SLUICE_OK) {
        *outcome = verdict->outcome;
        return SLUICE_OK;
    }
    if (verdict) {
        status = fail_by_verdict(store, verdict, &statement, exchange, status, error);
    } else if (!is_success(response)) {
        status = judge_by_number(store, response->status, status, outcome, error);
    } else if (strcmp(statement.root, "Error") == 0) {
        status = sluice_fail(store->base.host, error, SLUICE_FATAL, SLUICE_CODE_PROTOCOL_ERROR,
                             "the server accepted the call and then reported %s: %s",
                             statement.code, statement.message);
    }
    if (status != SLUICE_OK) {
        if (!verdict && statement.code[0]) {
            sluice_error_because(store->base.host, error, "the server says %s: %s", statement.code,
                                 statement.message);
        }
        add_place(store, key, response->status, error);
    }
    return status;
}

enum sluice_status s3_perform(struct s3_store *store, const struct s3_request *request,
                              struct s3_answer *answer, struct sluice_error *error)
{
    *answer = (struct s3_answer){0};
    enum sluice_status status = s3_start(store, request, NULL, NULL, &answer->exchange, error);
    while (status == SLUICE_OK && !http_is_done(answer->exchange)) {
        status = http_run(store->client, 1000, error);
    }
    if (status != SLUICE_OK) {
        return status;
    }
    return s3_judge(store, request->key, answer->exchange, &answer->response, &answer->outcome,
                    error);
}

void s3_answer_free(struct s3_answer *answer)
{
    http_exchange_destroy(answer->exchange);
    answer->exchange = NULL;
}
