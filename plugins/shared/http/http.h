/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP layer on libcurl for every plugin that speaks it (S3, search servers, webhooks).
 *
 *   client   connection pool, TLS and proxy settings; one per plugin instance
 *   exchange one request and its answer; several may be under way on one client
 *
 * It never sleeps, retries or judges policy: each answer gets a verdict as a status, and the core's
 * backoff does the rest. A client is for one thread at a time; http_cancel() for any.
 * TLS certificates are verified unless the user says otherwise. Secrets (authorization headers,
 * user:password in URLs) never reach an error. The CA bundle is loaded at the first https request
 * only. */
#ifndef SLUICE_HTTP_H
#define SLUICE_HTTP_H

#include <sluice/options.h>
#include <sluice/service.h>

/* Typed options that a plugin embeds in its own struct; http_option_rows documents them. */
struct http_options {
    int64_t connect_timeout_ms; /* default 10 s */
    int64_t request_timeout_ms; /* without any byte moving, default 60 s */
    const char *tls_ca;         /* CA file; NULL: the system's */
    const char *tls_cert;       /* client certificate file or NULL */
    const char *tls_key;        /* its key file or NULL */
    bool tls_verify;            /* default true */
    const char *proxy;          /* URL or NULL: the standard variables */
};

/* Rows for a plugin's option table, with offsets relative to the embedded struct: a plugin adds
 * them by HTTP_OPTION_ROWS(struct my_options, http). */
#define HTTP_OPTION_ROWS(type, member)                                                             \
    {.name = "connect_timeout",                                                                    \
     .kind = SLUICE_OPTION_DURATION,                                                               \
     .default_text = "10s",                                                                        \
     .minimum = 1,                                                                                 \
     .maximum = INT64_MAX,                                                                         \
     .offset = offsetof(type, member.connect_timeout_ms),                                          \
     .text = "Longest wait for a connection.",                                                     \
     .example = "5s"},                                                                             \
        {.name = "request_timeout",                                                                \
         .kind = SLUICE_OPTION_DURATION,                                                           \
         .default_text = "60s",                                                                    \
         .minimum = 1,                                                                             \
         .maximum = INT64_MAX,                                                                     \
         .offset = offsetof(type, member.request_timeout_ms),                                      \
         .text = "Longest time without any byte moving before a request is given up.",             \
         .example = "30s"},                                                                        \
        {.name = "tls_ca",                                                                         \
         .kind = SLUICE_OPTION_PATH,                                                               \
         .offset = offsetof(type, member.tls_ca),                                                  \
         .text = "File with the CA certificates to trust instead of the system's.",                \
         .example = "/etc/sluice/ca.pem"},                                                         \
        {.name = "tls_cert",                                                                       \
         .kind = SLUICE_OPTION_PATH,                                                               \
         .offset = offsetof(type, member.tls_cert),                                                \
         .text = "Client certificate file (PEM).",                                                 \
         .example = "/etc/sluice/client.pem"},                                                     \
        {.name = "tls_key",                                                                        \
         .kind = SLUICE_OPTION_PATH,                                                               \
         .offset = offsetof(type, member.tls_key),                                                 \
         .text = "Key file of the client certificate (PEM).",                                      \
         .example = "/etc/sluice/client.key"},                                                     \
        {.name = "tls_verify",                                                                     \
         .kind = SLUICE_OPTION_BOOL,                                                               \
         .default_text = "true",                                                                   \
         .offset = offsetof(type, member.tls_verify),                                              \
         .text = "Check the server's certificate and name. Switch off for tests only.",            \
         .example = "true"},                                                                       \
    {                                                                                              \
        .name = "proxy", .kind = SLUICE_OPTION_STRING, .offset = offsetof(type, member.proxy),     \
        .text = "URL of an HTTP proxy; without it the environment's http_proxy, https_proxy and "  \
                "no_proxy hold.",                                                                  \
        .example = "http://proxy.internal:3128"                                                    \
    }

struct http_client;
struct http_exchange;

struct http_header {
    const char *name;
    const char *value;
};

/* Everything is copied but the body, which must stay until the exchange is done. */
struct http_request {
    const char *method; /* "GET", "PUT", "POST", "DELETE", "HEAD" */
    const char *url;    /* already percent-encoded; sent as it is */
    size_t header_count;
    const struct http_header *headers;
    const char *body;
    size_t body_size;
    const char *user; /* basic authentication, or NULL */
    const char *password;
    size_t response_limit; /* bytes of body kept; a longer one: FATAL protocol_error. 0: 64 MiB.
                            * Of an answer that is no 2xx at most 256 KiB are kept, the rest is
                            * dropped */
    /* Optional: gets the body of a 2xx answer piece by piece instead of it being kept. Returns how
     * many bytes it took: fewer than size pauses the exchange until http_resume(), which offers
     * the same bytes again. */
    size_t (*on_body)(void *user_data, const char *bytes, size_t size);
    void *user_data;
    /* For what must not be done twice unknown to the caller. curl repeats any other request by
     * itself, once more on a new connection, where a kept one ends before an answer. */
    bool is_sent_once;
};

/* Valid until http_exchange_destroy(). */
struct http_response {
    int status;
    const char *body; /* NUL-terminated, SLUICE_PADDING bytes behind it */
    size_t body_size;
};

enum sluice_status http_client_create(const struct sluice_host *host,
                                      const struct http_options *options,
                                      struct http_client **client, struct sluice_error *error);
/* Ends what is under way. NULL is allowed. */
void http_client_destroy(struct http_client *client);
/* Any thread: calls under way and later ones answer RETRY with code cancelled. */
void http_cancel(struct http_client *client);

enum sluice_status http_start(struct http_client *client, const struct http_request *request,
                              struct http_exchange **exchange, struct sluice_error *error);
/* Moves all exchanges on, waiting at most timeout_ms for something to happen. */
enum sluice_status http_run(struct http_client *client, int timeout_ms, struct sluice_error *error);
bool http_is_done(const struct http_exchange *exchange);
void http_resume(struct http_exchange *exchange);

/* Of a done exchange. *response is filled whenever an answer came, whatever the verdict.
 *   OK      2xx, 3xx not followed, 404, 409, 412: the caller's to understand
 *   RETRY   no answer, 408, 425, 429, 5xx but 501 and 505; Retry-After is set on the error
 *   CONFIG  401, 403, TLS that cannot be verified: code auth_failed, permission_denied, tls_failed
 *   FATAL   any other */
enum sluice_status http_result(struct http_exchange *exchange, struct http_response *response,
                               struct sluice_error *error);
/* Value of a response header, case-insensitive; NULL where absent. */
const char *http_response_header(const struct http_exchange *exchange, const char *name);
/* The server's time by the Date header, in milliseconds since 1970; -1 where it does not tell. */
int64_t http_response_date(const struct http_exchange *exchange);
void http_exchange_destroy(struct http_exchange *exchange); /* ends it if under way; NULL allowed */

#endif
