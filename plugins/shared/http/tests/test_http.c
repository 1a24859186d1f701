/* SPDX-License-Identifier: Apache-2.0 */
#include "http_fixture.h"

#include <stdlib.h>

static void keeps_the_answer_and_its_headers(void **state)
{
    (void)state;
    const struct scripted_answer answers[] = {
        {.bytes = "HTTP/1.1 100 Continue\r\nX-Interim: yes\r\n\r\n"
                  "HTTP/1.1 200 OK\r\nETag:  \"abc\" \r\nContent-Length: 5\r\n\r\nhello"}};
    struct http_fixture fixture;
    fixture_start(&fixture, answers, 1);

    assert_int_equal(fixture_get(&fixture), SLUICE_OK);

    assert_int_equal(fixture.response.status, 200);
    assert_int_equal(fixture.response.body_size, 5);
    assert_string_equal(fixture.response.body, "hello");
    assert_string_equal(http_response_header(fixture.exchange, "etag"), "\"abc\"");
    assert_null(http_response_header(fixture.exchange, "X-Interim"));
    fixture_end(&fixture);
}

static void reuses_the_connection(void **state)
{
    (void)state;
    const struct scripted_answer answers[] = {
        {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"},
        {.bytes = "HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\nb"},
        {.bytes = "HTTP/1.1 503 Busy\r\nContent-Length: 1\r\n\r\nc"},
        {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nd"}};
    struct http_fixture fixture;
    fixture_start(&fixture, answers, 4);

    assert_int_equal(fixture_get(&fixture), SLUICE_OK);
    assert_int_equal(fixture_get(&fixture), SLUICE_OK);
    assert_int_equal(fixture_get(&fixture), SLUICE_RETRY);
    assert_int_equal(fixture_get(&fixture), SLUICE_OK);

    fixture_stop(&fixture);
    assert_int_equal(scripted_server_connections(fixture.server), 1);
    fixture_end(&fixture);
}

static void sends_method_headers_and_body_as_they_are(void **state)
{
    (void)state;
    const struct scripted_answer answers[] = {
        {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
        {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
        {.bytes = "HTTP/1.1 204 No Content\r\n\r\n"},
        {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"}};
    struct http_fixture fixture;
    fixture_start(&fixture, answers, 4);
    const struct http_header headers[] = {{"X-Empty", ""}, {"X-Key", "value"}};
    struct http_request requests[] = {
        {.method = "PUT", .body = "12345", .body_size = 5, .headers = headers, .header_count = 2},
        {.method = "POST", .user = "aladdin", .password = "sesame"},
        {.method = "DELETE"},
        {.method = "HEAD"}};

    for (size_t i = 0; i < 4; i++) {
        snprintf(fixture.url, sizeof(fixture.url), "http://127.0.0.1:%d/a/../b%%20c?x=%%2B",
                 scripted_server_port(fixture.server));
        requests[i].url = fixture.url;
        assert_int_equal(fixture_perform(&fixture, &requests[i]), SLUICE_OK);
        assert_int_equal(fixture.response.body_size, 0);
    }

    fixture_stop(&fixture);
    const char *put = scripted_server_request(fixture.server, 0);
    const char *post = scripted_server_request(fixture.server, 1);
    assert_ptr_equal(strstr(put, "PUT /a/../b%20c?x=%2B HTTP/1.1\r\n"), put);
    assert_non_null(strstr(put, "\r\nX-Empty:\r\n"));
    assert_non_null(strstr(put, "\r\nX-Key: value\r\n"));
    assert_non_null(strstr(put, "\r\nContent-Length: 5\r\n"));
    assert_non_null(strstr(put, "\r\n\r\n12345"));
    assert_null(strstr(put, "Expect"));
    assert_null(strstr(put, "Content-Type"));
    assert_non_null(strstr(post, "\r\nContent-Length: 0\r\n"));
    assert_non_null(strstr(post, "\r\nAuthorization: Basic YWxhZGRpbjpzZXNhbWU=\r\n"));
    assert_ptr_equal(strstr(scripted_server_request(fixture.server, 2), "DELETE "),
                     scripted_server_request(fixture.server, 2));
    fixture_end(&fixture);
}

struct taker {
    char bytes[64];
    size_t size;
    size_t room;
};

static size_t take(void *user_data, const char *bytes, size_t size)
{
    struct taker *taker = user_data;
    size_t taken = size < taker->room ? size : taker->room;
    memcpy(taker->bytes + taker->size, bytes, taken);
    taker->size += taken;
    taker->room -= taken;
    return taken;
}

static void streams_the_body_and_waits_while_paused(void **state)
{
    (void)state;
    const struct scripted_answer answers[] = {
        {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 26\r\n\r\nabcdefghijklmnopqrstuvwxyz"}};
    struct http_fixture fixture;
    fixture_start(&fixture, answers, 1);
    struct taker taker = {.room = 10};
    struct http_request request = {
        .method = "GET", .url = fixture.url, .on_body = take, .user_data = &taker};

    assert_int_equal(http_start(fixture.client, &request, &fixture.exchange, fixture.test->error),
                     SLUICE_OK);
    for (int turn = 0; turn < 600 && taker.size < 10; turn++) {
        assert_int_equal(http_run(fixture.client, 100, fixture.test->error), SLUICE_OK);
    }
    fixture.test->now_ms += 60000; /* silence while paused is our own */
    assert_int_equal(http_run(fixture.client, 1, fixture.test->error), SLUICE_OK);
    assert_false(http_is_done(fixture.exchange));
    assert_int_equal(taker.size, 10);

    taker.room = 9;
    http_resume(fixture.exchange);
    for (int turn = 0; turn < 6000 && !http_is_done(fixture.exchange); turn++) {
        assert_int_equal(http_run(fixture.client, 10, fixture.test->error), SLUICE_OK);
        taker.room = 9;
        http_resume(fixture.exchange);
    }

    assert_int_equal(http_result(fixture.exchange, &fixture.response, fixture.test->error),
                     SLUICE_OK);
    assert_int_equal(taker.size, 26);
    assert_memory_equal(taker.bytes, "abcdefghijklmnopqrstuvwxyz", 26);
    assert_int_equal(fixture.response.body_size, 0);
    fixture_end(&fixture);
}

static void an_error_body_is_kept_even_when_streaming(void **state)
{
    (void)state;
    const struct scripted_answer answers[] = {
        {.bytes = "HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\n\r\nno such"}};
    struct http_fixture fixture;
    fixture_start(&fixture, answers, 1);
    struct taker taker = {.room = 64};
    struct http_request request = {
        .method = "GET", .url = fixture.url, .on_body = take, .user_data = &taker};

    assert_int_equal(fixture_perform(&fixture, &request), SLUICE_OK);

    assert_string_equal(fixture.response.body, "no such");
    assert_int_equal(taker.size, 0);
    fixture_end(&fixture);
}

static void runs_several_exchanges_at_once(void **state)
{
    (void)state;
    const struct scripted_answer first[] = {
        {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"}};
    const struct scripted_answer second[] = {
        {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb"}};
    struct http_fixture fixture;
    fixture_start(&fixture, first, 1);
    struct scripted_server *other = scripted_server_start(second, 1);
    char url[64];
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", scripted_server_port(other));
    struct http_request requests[] = {{.method = "GET", .url = fixture.url},
                                      {.method = "GET", .url = url}};
    struct http_exchange *exchanges[2];

    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(
            http_start(fixture.client, &requests[i], &exchanges[i], fixture.test->error),
            SLUICE_OK);
    }
    while (!http_is_done(exchanges[0]) || !http_is_done(exchanges[1])) {
        assert_int_equal(http_run(fixture.client, 1000, fixture.test->error), SLUICE_OK);
    }

    const char *expected[] = {"a", "b"};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(http_result(exchanges[i], &fixture.response, fixture.test->error),
                         SLUICE_OK);
        assert_string_equal(fixture.response.body, expected[i]);
        http_exchange_destroy(exchanges[i]);
    }
    scripted_server_stop(other);
    scripted_server_free(other);
    fixture_end(&fixture);
}

static void a_large_body_goes_out_whole(void **state)
{
    (void)state;
    const struct scripted_answer answers[] = {
        {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}};
    struct http_fixture fixture;
    fixture_start(&fixture, answers, 1);
    size_t size = (size_t)3 << 20;
    char *body = malloc(size);
    memset(body, 'x', size);
    struct http_request request = {
        .method = "PUT", .url = fixture.url, .body = body, .body_size = size};

    assert_int_equal(fixture_perform(&fixture, &request), SLUICE_OK);

    fixture_stop(&fixture);
    const char *sent = strstr(scripted_server_request(fixture.server, 0), "\r\n\r\n");
    assert_int_equal(strlen(sent + 4), size);
    free(body);
    fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_the_answer_and_its_headers),
        cmocka_unit_test(reuses_the_connection),
        cmocka_unit_test(sends_method_headers_and_body_as_they_are),
        cmocka_unit_test(streams_the_body_and_waits_while_paused),
        cmocka_unit_test(an_error_body_is_kept_even_when_streaming),
        cmocka_unit_test(runs_several_exchanges_at_once),
        cmocka_unit_test(a_large_body_goes_out_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
