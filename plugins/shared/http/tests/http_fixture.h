/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the HTTP layer have in common: a server, a client for it, and one request. */
#ifndef SLUICE_HTTP_FIXTURE_H
#define SLUICE_HTTP_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "http/http.h"
#include "scripted_server.h"
#include "test_host/test_host.h"

struct http_fixture {
    struct test_host *test;
    struct scripted_server *server;
    struct http_client *client;
    struct http_options options;
    char url[256];
    struct http_exchange *exchange;
    struct http_response response;
};

static inline void fixture_start(struct http_fixture *fixture,
                                 const struct scripted_answer *answers, size_t count)
{
    memset(fixture, 0, sizeof(*fixture));
    fixture->test = test_host_create();
    fixture->options = (struct http_options){
        .connect_timeout_ms = 5000, .request_timeout_ms = 5000, .tls_verify = true};
    if (answers) {
        fixture->server = scripted_server_start(answers, count);
        snprintf(fixture->url, sizeof(fixture->url), "http://127.0.0.1:%d/a/b?secret=hunter2",
                 scripted_server_port(fixture->server));
    }
    assert_int_equal(http_client_create(&fixture->test->host, &fixture->options, &fixture->client,
                                        fixture->test->error),
                     SLUICE_OK);
}

/* From start to the end, in place of the exchange before. */
static inline enum sluice_status fixture_perform(struct http_fixture *fixture,
                                                 const struct http_request *request)
{
    struct sluice_error *error = fixture->test->error;
    http_exchange_destroy(fixture->exchange);
    fixture->response = (struct http_response){.body = ""};
    enum sluice_status status = http_start(fixture->client, request, &fixture->exchange, error);
    while (status == SLUICE_OK && !http_is_done(fixture->exchange)) {
        status = http_run(fixture->client, 1000, error);
    }
    return status == SLUICE_OK ? http_result(fixture->exchange, &fixture->response, error) : status;
}

static inline enum sluice_status fixture_get(struct http_fixture *fixture)
{
    return fixture_perform(fixture, &(struct http_request){.method = "GET", .url = fixture->url});
}

/* The requests that came can be looked at after this, until fixture_end. */
static inline void fixture_stop(struct http_fixture *fixture)
{
    http_exchange_destroy(fixture->exchange);
    fixture->exchange = NULL;
    http_client_destroy(fixture->client);
    fixture->client = NULL;
    if (fixture->server) {
        scripted_server_stop(fixture->server);
    }
}

static inline void fixture_end(struct http_fixture *fixture)
{
    if (fixture->client) {
        fixture_stop(fixture);
    }
    if (fixture->server) {
        scripted_server_free(fixture->server);
    }
    test_host_destroy(fixture->test);
}

#endif
