/* SPDX-License-Identifier: Apache-2.0 */
/* A server on a loopback port whose answers are raw bytes that the test writes down. It takes one
 * connection at a time, which is how reuse shows. */
#ifndef SLUICE_SCRIPTED_SERVER_H
#define SLUICE_SCRIPTED_SERVER_H

#include <stdbool.h>
#include <stddef.h>

enum after_answer { AFTER_KEEP = 0, AFTER_CLOSE, AFTER_HANG };

struct scripted_answer {
    const char *bytes;
    size_t size; /* 0: strlen */
    enum after_answer after;
    bool is_first_word; /* sent without waiting for a request */
};

struct scripted_server;

/* The answers must outlive the server; after the last one it closes. */
struct scripted_server *scripted_server_start(const struct scripted_answer *answers, size_t count);
int scripted_server_port(const struct scripted_server *server);
/* Ends it. Then the requests that came can be looked at until scripted_server_free. */
void scripted_server_stop(struct scripted_server *server);
size_t scripted_server_connections(const struct scripted_server *server);
const char *scripted_server_request(const struct scripted_server *server, size_t index);
size_t scripted_server_request_count(const struct scripted_server *server);
void scripted_server_free(struct scripted_server *server);

#endif
