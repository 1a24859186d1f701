/* SPDX-License-Identifier: Apache-2.0 */
/* Private to this folder: what a client and its exchanges hold, and how they call each other. */
#ifndef SLUICE_HTTP_EXCHANGE_H
#define SLUICE_HTTP_EXCHANGE_H

#include "http/http.h"

#include <curl/curl.h>
#include <stdatomic.h>

/* Longest host:port that error texts name; a host name has at most 253 bytes. */
#define HTTP_LABEL_SIZE 272

enum exchange_end {
    EXCHANGE_RUNNING = 0,
    EXCHANGE_FINISHED,  /* curl came to an end, good or bad: curl_code says */
    EXCHANGE_IDLE,      /* no byte moved for too long */
    EXCHANGE_TOO_LONG,  /* the body was longer than the caller allows */
    EXCHANGE_NO_MEMORY, /* the budget did not allow to keep the body */
    EXCHANGE_CANCELLED
};

struct http_client {
    const struct sluice_host *host;
    struct http_options options;
    CURLM *multi;
    struct http_exchange *running; /* doubly linked */
    atomic_bool is_cancelled;
    int64_t active_ms; /* clock of the idle check, see advance_clock() */
    int64_t seen_ms;
};

struct http_exchange {
    const struct sluice_host *host;
    struct http_client *client; /* NULL once the client is gone or the exchange is over */
    struct http_exchange *next;
    struct http_exchange *previous;
    CURL *easy; /* NULL once over */
    struct curl_slist *headers;
    int64_t connect_timeout_ms;
    int64_t request_timeout_ms;

    size_t (*on_body)(void *user_data, const char *bytes, size_t size);
    void *user_data;
    size_t response_limit;
    size_t taken_ahead; /* bytes that on_body took of a piece that curl will offer again */
    bool is_paused;
    bool is_resumed;
    bool is_sent_once;
    bool is_sent;
    bool is_head_whole; /* the blank line behind the answer's headers came */

    int64_t moved_bytes; /* at moved_ms of the client's clock */
    int64_t moved_ms;

    enum exchange_end end;
    CURLcode curl_code;
    int status;
    struct sluice_buffer body;
    struct sluice_buffer answer_headers; /* name NUL value NUL … */
    char label[HTTP_LABEL_SIZE];         /* host:port */
    char *url;                           /* for errors: no credentials, no query */
    char curl_text[CURL_ERROR_SIZE];
};

/* exchange.c: an easy handle that is ready to be added to a multi handle. */
enum sluice_status exchange_create(struct http_client *client, const struct http_request *request,
                                   struct http_exchange **exchange, struct sluice_error *error);
/* Takes the answer's status and lets the easy handle go; it must not be in a multi handle. */
void exchange_finish(struct http_exchange *exchange, enum exchange_end end, CURLcode code);
void exchange_free(struct http_exchange *exchange);

/* verdict.c: what the end of an exchange means, as a status and in the user's words. */
enum sluice_status http_judge(const struct http_exchange *exchange, struct sluice_error *error);

/* retry_after.c: value of a Retry-After header (seconds or an HTTP date) as a delay from now_ms;
 * -1 where it is neither. At most a day. */
int64_t retry_after_parse(const char *value, int64_t now_ms);

#endif
