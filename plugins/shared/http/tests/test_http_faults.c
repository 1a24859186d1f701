/* SPDX-License-Identifier: Apache-2.0 */
#include "http_fixture.h"

#include <pthread.h>
#include <unistd.h>

static void every_status_has_its_verdict(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        enum sluice_status verdict;
        enum sluice_code code;
    } cases[] = {
        {"HTTP/1.1 301 Moved\r\nLocation: http://elsewhere/\r\nContent-Length: 0\r\n\r\n",
         SLUICE_OK, SLUICE_CODE_NONE},
        {"HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n", SLUICE_OK, SLUICE_CODE_NONE},
        {"HTTP/1.1 412 No\r\nContent-Length: 0\r\n\r\n", SLUICE_OK, SLUICE_CODE_NONE},
        {"HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n", SLUICE_FATAL, SLUICE_CODE_HTTP_STATUS},
        {"HTTP/1.1 401 Who\r\nContent-Length: 0\r\n\r\n", SLUICE_CONFIG, SLUICE_CODE_AUTH_FAILED},
        {"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", SLUICE_CONFIG,
         SLUICE_CODE_PERMISSION_DENIED},
        {"HTTP/1.1 408 Slow\r\nContent-Length: 0\r\n\r\n", SLUICE_RETRY, SLUICE_CODE_TIMEOUT},
        {"HTTP/1.1 413 Big\r\nContent-Length: 0\r\n\r\n", SLUICE_FATAL, SLUICE_CODE_HTTP_STATUS},
        {"HTTP/1.1 425 Early\r\nContent-Length: 0\r\n\r\n", SLUICE_RETRY, SLUICE_CODE_UNAVAILABLE},
        {"HTTP/1.1 429 Many\r\nContent-Length: 0\r\n\r\n", SLUICE_RETRY, SLUICE_CODE_THROTTLED},
        {"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", SLUICE_RETRY, SLUICE_CODE_HTTP_STATUS},
        {"HTTP/1.1 501 What\r\nContent-Length: 0\r\n\r\n", SLUICE_FATAL, SLUICE_CODE_HTTP_STATUS},
        {"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", SLUICE_RETRY, SLUICE_CODE_UNAVAILABLE},
        {"HTTP/1.1 505 Old\r\nContent-Length: 0\r\n\r\n", SLUICE_FATAL, SLUICE_CODE_HTTP_STATUS},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct scripted_answer answer = {.bytes = cases[i].answer};
        struct http_fixture fixture;
        fixture_start(&fixture, &answer, 1);
        enum sluice_status verdict = fixture_get(&fixture);
        assert_int_equal(verdict, cases[i].verdict);
        if (verdict != SLUICE_OK) {
            assert_int_equal(error_code(fixture.test->error), cases[i].code);
        }
        assert_int_not_equal(fixture.response.status, 0);
        fixture_end(&fixture);
    }
}

static void retry_after_is_handed_to_the_core(void **state)
{
    (void)state;
    const struct scripted_answer answers[] = {
        {.bytes = "HTTP/1.1 429 Many\r\nRetry-After: 17\r\nContent-Length: 0\r\n\r\n"},
        {.bytes = "HTTP/1.1 503 Busy\r\nRetry-After: Tue, 14 Nov 2023 22:13:50 GMT\r\n"
                  "Content-Length: 0\r\n\r\n"}};
    struct http_fixture fixture;
    fixture_start(&fixture, answers, 2);
    fixture.test->now_ms = 1700000000000;

    assert_int_equal(fixture_get(&fixture), SLUICE_RETRY);
    assert_int_equal(error_retry_after_ms(fixture.test->error), 17000);
    assert_int_equal(fixture_get(&fixture), SLUICE_RETRY);
    assert_int_equal(error_retry_after_ms(fixture.test->error), 30000);
    fixture_end(&fixture);
}

static void errors_name_the_server_but_no_secret(void **state)
{
    (void)state;
    const struct scripted_answer answer = {.bytes = "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"};
    struct http_fixture fixture;
    struct text text = {0};
    char label[32];
    fixture_start(&fixture, &answer, 1);
    snprintf(label, sizeof(label), "127.0.0.1:%d", scripted_server_port(fixture.server));
    const struct http_header header = {"Authorization", "Bearer sesame"};
    struct http_request request = {.method = "GET",
                                   .url = fixture.url,
                                   .user = "aladdin",
                                   .password = "sesame",
                                   .headers = &header,
                                   .header_count = 1};

    assert_int_equal(fixture_perform(&fixture, &request), SLUICE_CONFIG);

    error_format(fixture.test->error, &text);
    assert_non_null(strstr(text_get(&text), label));
    assert_string_equal(error_field(fixture.test->error, SLUICE_AT_HTTP_STATUS), "403");
    assert_null(strstr(text_get(&text), "hunter2"));
    assert_null(strstr(text_get(&text), "sesame"));
    text_reset(&text);
    fixture_end(&fixture);
}

static void credentials_in_a_url_are_refused_without_being_shown(void **state)
{
    (void)state;
    struct http_fixture fixture;
    struct text text = {0};
    fixture_start(&fixture, NULL, 0);
    snprintf(fixture.url, sizeof(fixture.url), "http://aladdin:sesame@127.0.0.1:9/");

    assert_int_equal(fixture_get(&fixture), SLUICE_CONFIG);

    error_format(fixture.test->error, &text);
    assert_null(strstr(text_get(&text), "sesame"));
    text_reset(&text);
    fixture_end(&fixture);
}

static void broken_answers_are_transient(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        enum sluice_code code;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\ncut", SLUICE_CODE_PROTOCOL_ERROR},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
         SLUICE_CODE_PROTOCOL_ERROR},
        {"HTTP/1.1 200 OK\r\nContent-Le", SLUICE_CODE_PROTOCOL_ERROR},
        {"SSH-2.0-OpenSSH_9.2\r\n", SLUICE_CODE_PROTOCOL_ERROR},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct scripted_answer answer = {.bytes = cases[i].answer, .after = AFTER_CLOSE};
        struct http_fixture fixture;
        fixture_start(&fixture, &answer, 1);
        assert_int_equal(fixture_get(&fixture), SLUICE_RETRY);
        assert_int_equal(error_code(fixture.test->error), cases[i].code);
        fixture_end(&fixture);
    }
}

static void a_closed_port_is_a_failed_connection(void **state)
{
    (void)state;
    struct http_fixture fixture;
    fixture_start(&fixture, NULL, 0);
    snprintf(fixture.url, sizeof(fixture.url), "http://127.0.0.1:1/");

    assert_int_equal(fixture_get(&fixture), SLUICE_RETRY);

    assert_int_equal(error_code(fixture.test->error), SLUICE_CODE_CONNECT_FAILED);
    assert_non_null(strstr(error_message(fixture.test->error), "127.0.0.1:1"));
    fixture_end(&fixture);
}

static void tls_to_a_plain_port_is_a_mistake_of_the_configuration(void **state)
{
    (void)state;
    const struct scripted_answer answer = {.bytes = "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n",
                                           .after = AFTER_HANG,
                                           .is_first_word = true};
    struct http_fixture fixture;
    fixture_start(&fixture, &answer, 1);
    snprintf(fixture.url, sizeof(fixture.url), "https://127.0.0.1:%d/",
             scripted_server_port(fixture.server));

    assert_int_equal(fixture_get(&fixture), SLUICE_CONFIG);

    assert_int_equal(error_code(fixture.test->error), SLUICE_CODE_TLS_FAILED);
    assert_non_null(strstr(error_message(fixture.test->error), "http://"));
    fixture_end(&fixture);
}

static void a_body_over_the_limit_is_a_passing_failure(void **state)
{
    (void)state;
    const struct scripted_answer answer = {
        .bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n"};
    struct http_fixture fixture;
    fixture_start(&fixture, &answer, 1);
    struct http_request request = {.method = "GET", .url = fixture.url, .response_limit = 10};

    assert_int_equal(fixture_perform(&fixture, &request), SLUICE_RETRY);

    assert_int_equal(error_code(fixture.test->error), SLUICE_CODE_PROTOCOL_ERROR);
    fixture_end(&fixture);
}

static void a_body_over_the_budget_is_refused(void **state)
{
    (void)state;
    const struct scripted_answer answer = {
        .bytes = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nhello", .after = AFTER_HANG};
    struct http_fixture fixture;
    fixture_start(&fixture, &answer, 1);
    fixture.test->account.limit_bytes = 100000;

    assert_int_equal(fixture_get(&fixture), SLUICE_FATAL);

    assert_int_equal(error_code(fixture.test->error), SLUICE_CODE_OVER_BUDGET);
    fixture_end(&fixture);
}

/* The second answer never comes: the connection that was kept for it is closed. */
static const struct scripted_answer dead_connection[] = {
    {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
    {.bytes = "", .after = AFTER_CLOSE},
    {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}};

static void what_is_sent_once_is_not_repeated_by_curl(void **state)
{
    (void)state;
    struct http_fixture fixture;
    fixture_start(&fixture, dead_connection, 3);
    struct http_request request = {.method = "POST", .url = fixture.url, .is_sent_once = true};
    assert_int_equal(fixture_perform(&fixture, &request), SLUICE_OK);

    assert_int_equal(fixture_perform(&fixture, &request), SLUICE_RETRY);

    assert_int_equal(error_code(fixture.test->error), SLUICE_CODE_UNAVAILABLE);
    assert_non_null(strstr(error_message(fixture.test->error), "without an answer"));
    fixture_stop(&fixture);
    assert_int_equal(scripted_server_request_count(fixture.server), 2);
    fixture_end(&fixture);
}

static void what_may_be_repeated_survives_a_dead_connection(void **state)
{
    (void)state;
    struct http_fixture fixture;
    fixture_start(&fixture, dead_connection, 3);
    struct http_request request = {.method = "POST", .url = fixture.url};
    assert_int_equal(fixture_perform(&fixture, &request), SLUICE_OK);

    assert_int_equal(fixture_perform(&fixture, &request), SLUICE_OK);

    fixture_stop(&fixture);
    assert_int_equal(scripted_server_request_count(fixture.server), 3);
    fixture_end(&fixture);
}

static void silence_ends_an_exchange(void **state)
{
    (void)state;
    const struct scripted_answer answer = {
        .bytes = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nfirst", .after = AFTER_HANG};
    struct http_fixture fixture;
    fixture_start(&fixture, &answer, 1);
    struct http_request request = {.method = "GET", .url = fixture.url};
    assert_int_equal(http_start(fixture.client, &request, &fixture.exchange, fixture.test->error),
                     SLUICE_OK);

    for (int turn = 0; turn < 5000 && !http_is_done(fixture.exchange); turn++) {
        fixture.test->now_ms += 400; /* ticks of a sink that has nothing else to do */
        http_run(fixture.client, 1, fixture.test->error);
    }

    assert_int_equal(http_result(fixture.exchange, &fixture.response, fixture.test->error),
                     SLUICE_RETRY);
    assert_int_equal(error_code(fixture.test->error), SLUICE_CODE_TIMEOUT);
    fixture_end(&fixture);
}

static void a_caller_that_was_away_does_not_time_out(void **state)
{
    (void)state;
    const struct scripted_answer answer = {.bytes =
                                               "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"};
    struct http_fixture fixture;
    fixture_start(&fixture, &answer, 1);
    struct http_request request = {.method = "GET", .url = fixture.url};
    assert_int_equal(http_start(fixture.client, &request, &fixture.exchange, fixture.test->error),
                     SLUICE_OK);
    http_run(fixture.client, 0, fixture.test->error);

    fixture.test->now_ms += 600000;
    for (int turn = 0; turn < 1000 && !http_is_done(fixture.exchange); turn++) {
        http_run(fixture.client, 100, fixture.test->error);
    }

    assert_int_equal(http_result(fixture.exchange, &fixture.response, fixture.test->error),
                     SLUICE_OK);
    fixture_end(&fixture);
}

static void *cancel_soon(void *client)
{
    usleep(50000);
    http_cancel(client);
    return NULL;
}

static void cancel_from_another_thread_ends_a_wait(void **state)
{
    (void)state;
    const struct scripted_answer answer = {.bytes = "HTTP/1.1 200 OK\r\n", .after = AFTER_HANG};
    struct http_fixture fixture;
    pthread_t thread;
    fixture_start(&fixture, &answer, 1);
    pthread_create(&thread, NULL, cancel_soon, fixture.client);

    int64_t before_ms = clock_monotonic_ms();
    assert_int_equal(fixture_get(&fixture), SLUICE_RETRY);

    assert_int_equal(error_code(fixture.test->error), SLUICE_CODE_CANCELLED);
    assert_true(clock_monotonic_ms() - before_ms < 25000);
    pthread_join(thread, NULL);
    assert_int_equal(fixture_get(&fixture), SLUICE_RETRY);
    assert_int_equal(error_code(fixture.test->error), SLUICE_CODE_CANCELLED);
    fixture_end(&fixture);
}

static void exchanges_may_outlive_their_client(void **state)
{
    (void)state;
    const struct scripted_answer answer = {.bytes = "HTTP/1.1 200 OK\r\n", .after = AFTER_HANG};
    struct http_fixture fixture;
    fixture_start(&fixture, &answer, 1);
    struct http_request request = {.method = "GET", .url = fixture.url};
    struct http_exchange *exchange;
    assert_int_equal(http_start(fixture.client, &request, &exchange, fixture.test->error),
                     SLUICE_OK);

    fixture_stop(&fixture);

    assert_true(http_is_done(exchange));
    assert_int_equal(http_result(exchange, &fixture.response, fixture.test->error), SLUICE_RETRY);
    http_exchange_destroy(exchange);
    fixture_end(&fixture);
}

static void a_missing_ca_file_is_named_with_its_option(void **state)
{
    (void)state;
    struct test_host *test = test_host_create();
    struct http_client *client;
    struct http_options options = {.tls_verify = true, .tls_ca = "/nonexistent/ca.pem"};

    assert_int_equal(http_client_create(&test->host, &options, &client, test->error),
                     SLUICE_CONFIG);

    assert_null(client);
    assert_string_equal(error_field(test->error, SLUICE_AT_OPTION), "tls_ca");
    test_host_destroy(test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_its_verdict),
        cmocka_unit_test(retry_after_is_handed_to_the_core),
        cmocka_unit_test(errors_name_the_server_but_no_secret),
        cmocka_unit_test(credentials_in_a_url_are_refused_without_being_shown),
        cmocka_unit_test(broken_answers_are_transient),
        cmocka_unit_test(a_closed_port_is_a_failed_connection),
        cmocka_unit_test(tls_to_a_plain_port_is_a_mistake_of_the_configuration),
        cmocka_unit_test(a_body_over_the_limit_is_a_passing_failure),
        cmocka_unit_test(a_body_over_the_budget_is_refused),
        cmocka_unit_test(what_is_sent_once_is_not_repeated_by_curl),
        cmocka_unit_test(what_may_be_repeated_survives_a_dead_connection),
        cmocka_unit_test(silence_ends_an_exchange),
        cmocka_unit_test(a_caller_that_was_away_does_not_time_out),
        cmocka_unit_test(cancel_from_another_thread_ends_a_wait),
        cmocka_unit_test(exchanges_may_outlive_their_client),
        cmocka_unit_test(a_missing_ca_file_is_named_with_its_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
