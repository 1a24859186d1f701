/* SPDX-License-Identifier: Apache-2.0 */
/* Room serve: what the process offers by HTTP, and what it tells its supervisor.
 *
 *     client ─▶ libmicrohttpd's one thread ─▶ credentials ─▶ route ─▶ handler ─▶ answer
 *
 * The room knows nothing of what is served: routes are rows that the caller hands in, each with a
 * handler that writes an answer from what it may read without waiting. Everything runs on a thread of
 * its own, so a client can slow down other clients at most, never a flow. A client has CLIENT_TIME_MS
 * for a request, from connecting to the last byte of its answer, however it spends them; connections,
 * headers and bodies are bounded. Only GET and HEAD are answered. */
#ifndef SLUICE_SERVE_SERVE_H
#define SLUICE_SERVE_SERVE_H

#include "base/base.h"

struct http_request {
    const char *path;
    const char *accept;    /* "" where the client sent none */
    bool is_authorized;    /* gave the credentials, or none are asked for */
};

struct http_answer {
    unsigned status;          /* 200 unless the handler says another */
    const char *content_type; /* static text */
    struct text body;
};

struct http_route {
    const char *path; /* "/metrics" */
    const char *text; /* one sentence for the page at "/" */
    bool is_open;     /* anybody may ask; the handler minds is_authorized for what it tells */
    void (*handle)(void *user, const struct http_request *request, struct http_answer *answer);
    void *user;
};

struct http_settings {
    const char *listen;      /* ADDRESS:PORT, [ADDRESS]:PORT or :PORT (loopback); port 0: any */
    const char *certificate; /* PEM file; NULL: no TLS */
    const char *key;         /* PEM file */
    const char *token;       /* bearer; NULL: none */
    const char *user;        /* basic; NULL: none */
    const char *password;
};

struct http_server;

/* Listens and answers from now on. `routes` and what they point to must outlive the server; settings
 * are copied. CONFIG with the reason where it cannot. */
enum sluice_status http_server_start(const struct http_settings *settings,
                                     const struct http_route *routes, size_t route_count,
                                     struct http_server **server, struct sluice_error *error);
void http_server_stop(struct http_server *server); /* NULL is allowed */
/* Ends connections whose time is over. To be called about once a second. NULL is allowed. */
void http_server_tend(struct http_server *server);
/* "http://127.0.0.1:9464" */
const char *http_server_url(const struct http_server *server);
/* Whether other machines can reach it, and nothing is asked of them. */
bool http_server_is_exposed(const struct http_server *server);
/* Answers by class of status: [2] is 2xx … */
enum { STATUS_CLASSES = 6 };
uint64_t http_server_answers(const struct http_server *server, size_t status_class);

/* ---- notify.c: systemd's protocol, a datagram to $NOTIFY_SOCKET ---- */

struct notifier {
    int socket;              /* -1: nobody wants to know */
    int64_t watchdog_ms;     /* how often a sign of life is due; 0: never */
    int64_t next_watchdog_ms;
    bool is_ready;
    struct text status;      /* told last */
};

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. */
void notifier_init(struct notifier *notifier);
void notifier_reset(struct notifier *notifier);
/* READY=1, once, and STATUS= where it has changed. */
void notifier_tell(struct notifier *notifier, bool is_ready, const char *status);
void notifier_alive(struct notifier *notifier); /* WATCHDOG=1 where it is due */
void notifier_stopping(struct notifier *notifier);

#endif
