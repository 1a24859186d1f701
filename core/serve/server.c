/* SPDX-License-Identifier: Apache-2.0 */
/* libmicrohttpd behind the room's front header: one thread, bounds, and an answer for each request. */
#include "serve/address.h"
#include "serve/credentials.h"

#include "telemetry/log.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CONNECTIONS_MAX = 64,
    CONNECTION_BYTES = 16 * 1024, /* request line, headers, and what is sent at once */
    CLIENT_TIME_MS = 10000,
    IDLE_SECONDS = 10,
    PEM_BYTES_MAX = 1 << 20
};

/* A connection with its deadline. */
struct guest {
    int socket; /* -1: a free place */
    int64_t since_ms;
};

struct http_server {
    struct MHD_Daemon *daemon;
    const struct http_route *routes;
    size_t route_count;
    struct credentials credentials;
    struct listener listener;
    struct text url;
    struct text certificate, key; /* PEM */
    atomic_uint_least64_t answers[STATUS_CLASSES];
    pthread_mutex_t lock;
    struct guest guests[CONNECTIONS_MAX]; /* guarded by lock */
};

/* ---- guests ---- */

static void note_connection(void *user, struct MHD_Connection *connection, void **context,
                            enum MHD_ConnectionNotificationCode code)
{
    struct http_server *server = user;
    bool is_new = code == MHD_CONNECTION_NOTIFY_STARTED;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    pthread_mutex_lock(&server->lock);
    if (!is_new && *context) {
        ((struct guest *)*context)->socket = -1;
        *context = NULL;
    }
    for (size_t i = 0; is_new && info && i < CONNECTIONS_MAX; i++) {
        struct guest *guest = &server->guests[i];
        if (guest->socket < 0) {
            *guest = (struct guest){info->connect_fd, clock_monotonic_ms()};
            *context = guest;
            break;
        }
    }
    pthread_mutex_unlock(&server->lock);
}

/* The next request of the same connection has its own time. */
static void note_completed(void *user, struct MHD_Connection *connection, void **context,
                           enum MHD_RequestTerminationCode code)
{
    (void)context;
    (void)code;
    struct http_server *server = user;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct guest *guest = info ? info->socket_context : NULL;
    pthread_mutex_lock(&server->lock);
    if (guest) {
        guest->since_ms = clock_monotonic_ms();
    }
    pthread_mutex_unlock(&server->lock);
}

/* libmicrohttpd ends connections that are silent; one that sends or takes a byte now and then would
 * hold its place for ever. */
void http_server_tend(struct http_server *server)
{
    if (!server) {
        return;
    }
    int64_t now_ms = clock_monotonic_ms();
    pthread_mutex_lock(&server->lock);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        const struct guest *guest = &server->guests[i];
        if (guest->socket >= 0 && now_ms - guest->since_ms > CLIENT_TIME_MS) {
            shutdown(guest->socket, SHUT_RDWR);
        }
    }
    pthread_mutex_unlock(&server->lock);
}

/* ---- answers ---- */

static void append_index(const struct http_server *server, struct http_answer *answer)
{
    text_append(&answer->body, "sluice\n\n");
    for (size_t i = 0; i < server->route_count; i++) {
        text_printf(&answer->body, "%-12s %s\n", server->routes[i].path, server->routes[i].text);
    }
}

static const struct http_route *find_route(const struct http_server *server, const char *path)
{
    for (size_t i = 0; i < server->route_count; i++) {
        if (strcmp(server->routes[i].path, path) == 0) {
            return &server->routes[i];
        }
    }
    return NULL;
}

static void refuse(struct http_answer *answer, unsigned status, const char *why)
{
    answer->status = status;
    text_append(&answer->body, why);
}

static void make_answer(const struct http_server *server, const char *method,
                        const struct http_request *request, struct http_answer *answer)
{
    const struct http_route *route = find_route(server, request->path);
    bool is_index = strcmp(request->path, "/") == 0;
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        refuse(answer, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD are answered\n");
    } else if (!request->is_authorized && !(route && route->is_open)) {
        refuse(answer, MHD_HTTP_UNAUTHORIZED, "credentials are needed\n");
    } else if (is_index) {
        append_index(server, answer);
    } else if (!route) {
        refuse(answer, MHD_HTTP_NOT_FOUND, "nothing is served here; / lists what is\n");
    } else {
        route->handle(route->user, request, answer);
    }
    if (answer->body.has_failed) {
        text_reset(&answer->body);
        answer->body = (struct text){0};
        answer->content_type = "text/plain; charset=utf-8";
        refuse(answer, MHD_HTTP_SERVICE_UNAVAILABLE, "no memory for the answer\n");
    }
}

static void add_headers(const struct http_server *server, const struct http_answer *answer,
                        struct MHD_Response *response)
{
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->content_type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (answer->status == MHD_HTTP_METHOD_NOT_ALLOWED) {
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    }
    if (answer->status == MHD_HTTP_UNAUTHORIZED && server->credentials.basic.size > 0) {
        MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
                                "Basic realm=\"sluice\", charset=\"UTF-8\"");
    }
    if (answer->status == MHD_HTTP_UNAUTHORIZED && server->credentials.bearer.size > 0) {
        MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
                                "Bearer realm=\"sluice\"");
    }
}

static enum MHD_Result send_answer(struct http_server *server, struct MHD_Connection *connection,
                                   struct http_answer *answer)
{
    /* The response frees the body when it has been sent. */
    struct MHD_Response *response = MHD_create_response_from_buffer(
        answer->body.size, answer->body.data, MHD_RESPMEM_MUST_FREE);
    if (!response) {
        text_reset(&answer->body);
        return MHD_NO;
    }
    add_headers(server, answer, response);
    atomic_fetch_add(&server->answers[answer->status / 100 % STATUS_CLASSES], 1);
    enum MHD_Result result = MHD_queue_response(connection, answer->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result answer_request(void *user, struct MHD_Connection *connection,
                                      const char *path, const char *method, const char *version,
                                      const char *upload, size_t *upload_size, void **context)
{
    (void)version;
    (void)upload;
    (void)upload_size;
    (void)context;
    struct http_server *server = user;
    const char *accept =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
    const char *authorization =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
    struct http_request request = {
        .path = path,
        .accept = accept ? accept : "",
        .is_authorized = credentials_match(&server->credentials, authorization)};
    struct http_answer answer = {.status = MHD_HTTP_OK,
                                 .content_type = "text/plain; charset=utf-8"};
    make_answer(server, method, &request, &answer);
    return send_answer(server, connection, &answer);
}

/* ---- life ---- */

static void log_trouble(void *user, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

static void log_trouble(void *user, const char *format, va_list arguments)
{
    (void)user;
    struct text text = {0};
    text_printf_list(&text, format, arguments);
    size_t size = strcspn(text_get(&text), "\n");
    log_write(SLUICE_LOG_DEBUG, NULL, NULL, 0, "HTTP: %.*s", (int)size, text_get(&text));
    text_reset(&text);
}

static enum sluice_status read_pem(const char *path, const char *what, struct text *pem,
                                   struct sluice_error *error)
{
    if (!path) {
        return error_set(error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                         "TLS needs both a certificate and its key: the %s is missing", what);
    }
    enum sluice_status status = file_read_all(path, PEM_BYTES_MAX, pem, error);
    return status == SLUICE_OK ? SLUICE_OK : SLUICE_CONFIG;
}

static enum sluice_status start_daemon(struct http_server *server, bool has_tls,
                                       struct sluice_error *error)
{
    unsigned flags = MHD_USE_AUTO_INTERNAL_THREAD | MHD_USE_ERROR_LOG | (has_tls ? MHD_USE_TLS : 0);
    const struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, server->certificate.data},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, server->key.data},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t) "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"},
        {MHD_OPTION_END, 0, NULL}};
    server->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, answer_request, server,                                  //
        MHD_OPTION_EXTERNAL_LOGGER, log_trouble, NULL,                                 //
        MHD_OPTION_LISTEN_SOCKET, server->listener.socket,                             //
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,                        //
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,                  //
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,                         //
        MHD_OPTION_NOTIFY_CONNECTION, note_connection, server,                         //
        MHD_OPTION_NOTIFY_COMPLETED, note_completed, server,                           //
        MHD_OPTION_ARRAY, has_tls ? tls : &tls[sizeof(tls) / sizeof(*tls) - 1],        //
        MHD_OPTION_END);
    if (server->daemon) {
        server->listener.socket = -1; /* the daemon closes it */
        return SLUICE_OK;
    }
    return error_set(error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                     has_tls ? "the HTTPS server does not start: are certificate and key a pair in "
                               "PEM?"
                             : "the HTTP server does not start");
}

static enum sluice_status prepare(struct http_server *server, const struct http_settings *settings,
                                  struct sluice_error *error)
{
    bool has_tls = settings->certificate || settings->key;
    if (!credentials_init(&server->credentials, settings)) {
        return error_set(error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                         "no memory for the HTTP server");
    }
    enum sluice_status status = SLUICE_OK;
    if (has_tls) {
        status = read_pem(settings->certificate, "certificate", &server->certificate, error);
    }
    if (has_tls && status == SLUICE_OK) {
        status = read_pem(settings->key, "key", &server->key, error);
    }
    if (status == SLUICE_OK) {
        status = listener_open(settings->listen, &server->listener, error);
    }
    if (status == SLUICE_OK) {
        status = start_daemon(server, has_tls, error);
    }
    text_printf(&server->url, "%s://%s", has_tls ? "https" : "http",
                text_get(&server->listener.authority));
    return status;
}

enum sluice_status http_server_start(const struct http_settings *settings,
                                     const struct http_route *routes, size_t route_count,
                                     struct http_server **started, struct sluice_error *error)
{
    *started = NULL;
    struct http_server *server = calloc(1, sizeof(*server));
    if (!server) {
        return error_set(error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                         "no memory for the HTTP server");
    }
    server->routes = routes;
    server->route_count = route_count;
    server->listener.socket = -1;
    pthread_mutex_init(&server->lock, NULL);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        server->guests[i].socket = -1;
    }
    enum sluice_status status = prepare(server, settings, error);
    if (status != SLUICE_OK) {
        http_server_stop(server);
        return status;
    }
    *started = server;
    return SLUICE_OK;
}

void http_server_stop(struct http_server *server)
{
    if (!server) {
        return;
    }
    if (server->daemon) {
        MHD_stop_daemon(server->daemon);
    }
    if (server->listener.socket >= 0) {
        close(server->listener.socket);
    }
    credentials_reset(&server->credentials);
    text_reset(&server->listener.authority);
    text_reset(&server->url);
    text_reset(&server->certificate);
    text_reset(&server->key);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

const char *http_server_url(const struct http_server *server)
{
    return text_get(&server->url);
}

bool http_server_is_exposed(const struct http_server *server)
{
    return !server->listener.is_loopback && !credentials_are_asked(&server->credentials);
}

uint64_t http_server_answers(const struct http_server *server, size_t status_class)
{
    return atomic_load(&server->answers[status_class]);
}
