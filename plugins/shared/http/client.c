/* SPDX-License-Identifier: Apache-2.0 */
/* The client: a multi handle, what is under way on it, and the calls of http.h. */
#include "exchange.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* Idle connections that are kept open. */
#define KEPT_CONNECTIONS 32L
/* A caller that is away longer than this between two runs is not the server's silence. */
#define LONGEST_COUNTED_GAP_MS 1000

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void init_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* ---- create and destroy ---- */

static enum sluice_status check_file(const struct sluice_host *host, const char *option,
                                     const char *path, struct sluice_error *error)
{
    if (!path || access(path, R_OK) == 0) {
        return SLUICE_OK;
    }
    sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                "%s: the file %s cannot be read: %s", option, path, strerror(errno));
    sluice_error_at(host, error, SLUICE_AT_OPTION, "%s", option);
    return SLUICE_CONFIG;
}

static enum sluice_status check_options(const struct sluice_host *host,
                                        const struct http_options *options,
                                        struct sluice_error *error)
{
    enum sluice_status status = check_file(host, "tls_ca", options->tls_ca, error);
    if (status == SLUICE_OK) {
        status = check_file(host, "tls_cert", options->tls_cert, error);
    }
    if (status == SLUICE_OK) {
        status = check_file(host, "tls_key", options->tls_key, error);
    }
    if (status == SLUICE_OK && options->tls_key && !options->tls_cert) {
        status = sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                             "tls_key needs tls_cert: a key alone proves nothing");
        sluice_error_at(host, error, SLUICE_AT_OPTION, "tls_key");
    }
    return status;
}

enum sluice_status http_client_create(const struct sluice_host *host,
                                      const struct http_options *options,
                                      struct http_client **client, struct sluice_error *error)
{
    *client = NULL;
    enum sluice_status status = check_options(host, options, error);
    if (status != SLUICE_OK) {
        return status;
    }
    pthread_once(&curl_once, init_curl);
    struct http_client *made = sluice_alloc(host, sizeof(*made));
    CURLM *multi = curl_multi_init();
    if (!made || !multi) {
        sluice_free(host, made);
        curl_multi_cleanup(multi);
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                           "no memory for an HTTP client");
    }
    memset(made, 0, sizeof(*made));
    made->host = host;
    made->options = *options;
    made->multi = multi;
    made->seen_ms = sluice_monotonic_ms(host);
    atomic_init(&made->is_cancelled, false);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, KEPT_CONNECTIONS);
    curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    *client = made;
    return SLUICE_OK;
}

static void link_exchange(struct http_client *client, struct http_exchange *exchange)
{
    exchange->client = client;
    exchange->next = client->running;
    if (client->running) {
        client->running->previous = exchange;
    }
    client->running = exchange;
}

static void unlink_exchange(struct http_client *client, struct http_exchange *exchange)
{
    if (exchange->previous) {
        exchange->previous->next = exchange->next;
    } else {
        client->running = exchange->next;
    }
    if (exchange->next) {
        exchange->next->previous = exchange->previous;
    }
    exchange->next = NULL;
    exchange->previous = NULL;
}

static void end_exchange(struct http_exchange *exchange, enum exchange_end end, CURLcode code)
{
    struct http_client *client = exchange->client;
    curl_multi_remove_handle(client->multi, exchange->easy);
    unlink_exchange(client, exchange);
    exchange_finish(exchange, end, code);
}

void http_client_destroy(struct http_client *client)
{
    if (!client) {
        return;
    }
    while (client->running) {
        end_exchange(client->running, EXCHANGE_CANCELLED, CURLE_OK);
    }
    curl_multi_cleanup(client->multi);
    sluice_free(client->host, client);
}

void http_cancel(struct http_client *client)
{
    atomic_store(&client->is_cancelled, true);
    curl_multi_wakeup(client->multi);
}

static enum sluice_status check_cancelled(struct http_client *client, struct sluice_error *error)
{
    if (!atomic_load(&client->is_cancelled)) {
        return SLUICE_OK;
    }
    while (client->running) {
        end_exchange(client->running, EXCHANGE_CANCELLED, CURLE_OK);
    }
    return sluice_fail(client->host, error, SLUICE_RETRY, SLUICE_CODE_CANCELLED,
                       "the HTTP client was cancelled");
}

/* ---- the idle check ---- */

/* The client's clock stands still while the caller is away for long (backpressure, say): then
 * nobody read, and silence proves nothing. */
static void advance_clock(struct http_client *client, bool was_inside)
{
    int64_t now_ms = sluice_monotonic_ms(client->host);
    int64_t gap_ms = now_ms - client->seen_ms;
    client->seen_ms = now_ms;
    if (!was_inside && gap_ms > LONGEST_COUNTED_GAP_MS) {
        gap_ms = LONGEST_COUNTED_GAP_MS;
    }
    client->active_ms += gap_ms;
}

static int64_t moved_bytes(const struct http_exchange *exchange)
{
    curl_off_t sent = 0;
    curl_off_t received = 0;
    curl_off_t connected_us = 0;
    long headers = 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    curl_easy_getinfo(exchange->easy, CURLINFO_SIZE_DOWNLOAD_T, &received);
    curl_easy_getinfo(exchange->easy, CURLINFO_HEADER_SIZE, &headers);
    curl_easy_getinfo(exchange->easy, CURLINFO_PRETRANSFER_TIME_T, &connected_us);
    return sent + received + headers + (connected_us > 0);
}

/* Milliseconds until the exchange has been silent for too long. While it connects, curl's own
 * connect timeout comes first. */
static int64_t patience_ms(struct http_exchange *exchange)
{
    int64_t now_ms = exchange->client->active_ms;
    int64_t moved = moved_bytes(exchange);
    if (moved != exchange->moved_bytes || exchange->is_paused) {
        exchange->moved_bytes = moved;
        exchange->moved_ms = now_ms;
    }
    int64_t limit_ms = exchange->request_timeout_ms;
    if (moved == 0) {
        limit_ms += exchange->connect_timeout_ms;
    }
    return exchange->moved_ms + limit_ms - now_ms;
}

/* Ends what was silent for too long; returns the shortest patience left, at most limit_ms. */
static int64_t end_silent(struct http_client *client, int64_t limit_ms)
{
    struct http_exchange *next;
    for (struct http_exchange *exchange = client->running; exchange; exchange = next) {
        next = exchange->next;
        int64_t left_ms = patience_ms(exchange);
        if (left_ms <= 0) {
            end_exchange(exchange, EXCHANGE_IDLE, CURLE_OK);
        } else if (left_ms < limit_ms) {
            limit_ms = left_ms;
        }
    }
    return limit_ms;
}

/* ---- running ---- */

enum sluice_status http_start(struct http_client *client, const struct http_request *request,
                              struct http_exchange **exchange, struct sluice_error *error)
{
    *exchange = NULL;
    enum sluice_status status = check_cancelled(client, error);
    if (status != SLUICE_OK) {
        return status;
    }
    struct http_exchange *made = NULL;
    status = exchange_create(client, request, &made, error);
    if (status != SLUICE_OK) {
        return status;
    }
    if (curl_multi_add_handle(client->multi, made->easy) != CURLM_OK) {
        exchange_free(made);
        return sluice_fail(client->host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                           "no memory for an HTTP request");
    }
    advance_clock(client, false);
    made->moved_ms = client->active_ms;
    link_exchange(client, made);
    *exchange = made;
    return SLUICE_OK;
}

static void resume_paused(struct http_client *client)
{
    for (struct http_exchange *exchange = client->running; exchange; exchange = exchange->next) {
        if (exchange->is_resumed) {
            exchange->is_resumed = false;
            exchange->is_paused = false;
            curl_easy_pause(exchange->easy, CURLPAUSE_CONT);
        }
    }
}

/* One turn without waiting. Returns how many exchanges came to their end. */
static int turn(struct http_client *client)
{
    int running = 0;
    int ended = 0;
    int queued = 0;
    resume_paused(client);
    curl_multi_perform(client->multi, &running);
    for (CURLMsg *message = curl_multi_info_read(client->multi, &queued); message;
         message = curl_multi_info_read(client->multi, &queued)) {
        if (message->msg != CURLMSG_DONE) {
            continue;
        }
        struct http_exchange *exchange = NULL;
        CURLcode code = message->data.result; /* gone after the handle's removal */
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &exchange);
        end_exchange(exchange, EXCHANGE_FINISHED, code);
        ended++;
    }
    return ended;
}

enum sluice_status http_run(struct http_client *client, int timeout_ms, struct sluice_error *error)
{
    enum sluice_status status = check_cancelled(client, error);
    if (status != SLUICE_OK) {
        return status;
    }
    advance_clock(client, false);
    int ended = turn(client);
    int64_t wait_ms = end_silent(client, timeout_ms);
    if (ended == 0 && wait_ms > 0 && client->running) {
        curl_multi_poll(client->multi, NULL, 0, (int)wait_ms, NULL);
        advance_clock(client, true);
        turn(client);
        end_silent(client, timeout_ms);
    }
    return check_cancelled(client, error);
}

bool http_is_done(const struct http_exchange *exchange)
{
    return exchange->client == NULL;
}

void http_resume(struct http_exchange *exchange)
{
    exchange->is_resumed = exchange->is_paused;
}

/* ---- the answer ---- */

enum sluice_status http_result(struct http_exchange *exchange, struct http_response *response,
                               struct sluice_error *error)
{
    static const char empty[1 + SLUICE_PADDING];
    *response = (struct http_response){
        .status = exchange->status,
        .body = exchange->body.size ? exchange->body.data : empty,
        .body_size = exchange->body.size,
    };
    return http_judge(exchange, error);
}

const char *http_response_header(const struct http_exchange *exchange, const char *name)
{
    const char *at = exchange->answer_headers.data;
    const char *end = at ? at + exchange->answer_headers.size : at;
    while (at < end) {
        const char *value = at + strlen(at) + 1;
        if (strcasecmp(at, name) == 0) {
            return value;
        }
        at = value + strlen(value) + 1;
    }
    return NULL;
}

void http_exchange_destroy(struct http_exchange *exchange)
{
    if (!exchange) {
        return;
    }
    if (exchange->client) {
        end_exchange(exchange, EXCHANGE_CANCELLED, CURLE_OK);
    }
    exchange_free(exchange);
}
