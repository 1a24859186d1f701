/* SPDX-License-Identifier: Apache-2.0 */
#include "scripted_server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_LIMIT ((size_t)4 << 20)
#define REQUESTS_KEPT 16

struct scripted_server {
    const struct scripted_answer *answers;
    size_t answer_count;
    int listener;
    int port;
    int stop_pipe[2];
    pthread_t thread;
    size_t connections;
    size_t request_count;
    char *requests[REQUESTS_KEPT];
};

/* False where the test has stopped the server. */
static bool wait_readable(struct scripted_server *server, int socket)
{
    struct pollfd polled[2] = {{.fd = socket, .events = POLLIN},
                               {.fd = server->stop_pipe[0], .events = POLLIN}};
    poll(polled, 2, 30000);
    return polled[1].revents == 0 && polled[0].revents != 0;
}

static size_t body_size(const char *head)
{
    const char *at = strcasestr(head, "\r\nContent-Length:");
    errno = 0;
    size_t size = at ? strtoul(at + strlen("\r\nContent-Length:"), NULL, 10) : 0;
    return errno == 0 ? size : 0;
}

/* One whole request, NUL-terminated, or NULL at the end of the connection. */
static char *read_request(struct scripted_server *server, int socket)
{
    char *request = calloc(1, REQUEST_LIMIT + 1);
    size_t size = 0;
    assert(request);
    for (;;) {
        const char *end = strstr(request, "\r\n\r\n");
        if (end && size >= (size_t)(end + 4 - request) + body_size(request)) {
            return request;
        }
        ssize_t got = 0;
        if (size < REQUEST_LIMIT && wait_readable(server, socket)) {
            got = recv(socket, request + size, REQUEST_LIMIT - size, 0);
        }
        if (got <= 0) {
            free(request);
            return NULL;
        }
        size += (size_t)got;
    }
}

static void send_answer(int socket, const struct scripted_answer *answer)
{
    size_t size = answer->size ? answer->size : strlen(answer->bytes);
    size_t sent = 0;
    while (sent < size) {
        ssize_t got = send(socket, answer->bytes + sent, size - sent, MSG_NOSIGNAL);
        if (got <= 0) {
            return;
        }
        sent += (size_t)got;
    }
}

/* Serves one connection; returns the index of the next answer. */
static size_t serve_connection(struct scripted_server *server, int socket, size_t next)
{
    while (next < server->answer_count) {
        const struct scripted_answer *answer = &server->answers[next];
        char *request = answer->is_first_word ? calloc(1, 1) : read_request(server, socket);
        if (!request) {
            return next;
        }
        assert(server->request_count < REQUESTS_KEPT);
        server->requests[server->request_count++] = request;
        next++;
        send_answer(socket, answer);
        if (answer->after == AFTER_CLOSE) {
            return next;
        }
        if (answer->after == AFTER_HANG) {
            wait_readable(server, socket);
            return next;
        }
    }
    return next;
}

static void *serve(void *user_data)
{
    struct scripted_server *server = user_data;
    size_t next = 0;
    while (next < server->answer_count && wait_readable(server, server->listener)) {
        int socket = accept(server->listener, NULL, NULL);
        if (socket < 0) {
            break;
        }
        server->connections++;
        next = serve_connection(server, socket, next);
        close(socket);
    }
    return NULL;
}

struct scripted_server *scripted_server_start(const struct scripted_answer *answers, size_t count)
{
    struct scripted_server *server = calloc(1, sizeof(*server));
    assert(server);
    server->answers = answers;
    server->answer_count = count;
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int failed = bind(server->listener, (struct sockaddr *)&address, size);
    failed |= listen(server->listener, 8);
    failed |= getsockname(server->listener, (struct sockaddr *)&address, &size);
    failed |= pipe(server->stop_pipe);
    server->port = ntohs(address.sin_port);
    failed |= pthread_create(&server->thread, NULL, serve, server);
    assert(!failed);
    return server;
}

int scripted_server_port(const struct scripted_server *server)
{
    return server->port;
}

void scripted_server_stop(struct scripted_server *server)
{
    close(server->stop_pipe[1]);
    pthread_join(server->thread, NULL);
    close(server->stop_pipe[0]);
    close(server->listener);
}

size_t scripted_server_connections(const struct scripted_server *server)
{
    return server->connections;
}

const char *scripted_server_request(const struct scripted_server *server, size_t index)
{
    return index < server->request_count ? server->requests[index] : "";
}

size_t scripted_server_request_count(const struct scripted_server *server)
{
    return server->request_count;
}

void scripted_server_free(struct scripted_server *server)
{
    for (size_t i = 0; i < server->request_count; i++) {
        free(server->requests[i]);
    }
    free(server);
}
