/* SPDX-License-Identifier: Apache-2.0 */
/* The whole sink against scripted answers: what is sent, what is sent again, what is rejected. */
#include "es_fixture.h"

/* An answer with this body; the text lives until the next call with the same slot. */
static struct scripted_answer answer(int slot, const char *status, const char *body)
{
    static char texts[8][2048];
    snprintf(texts[slot], sizeof(texts[slot]), "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s",
             status, strlen(body), body);
    return (struct scripted_answer){.bytes = texts[slot]};
}

#define ITEM_OK "{\"index\":{\"status\":201}}"
#define ITEM_BUSY                                                                                  \
    "{\"index\":{\"status\":429,\"error\":{\"type\":\"es_rejected_execution_exception\","          \
    "\"reason\":\"queue full\"}}}"
#define ITEM_BAD                                                                                   \
    "{\"index\":{\"status\":400,\"error\":{\"type\":\"mapper_parsing_exception\",\"reason\":"      \
    "\"failed to parse field [n]\"}}}"
#define ITEM_NEWER                                                                                 \
    "{\"index\":{\"status\":409,\"error\":{\"type\":\"version_conflict_engine_exception\","        \
    "\"reason\":\"current version [2000] is higher than the one provided [1000]\"}}}"
#define ITEMS(list) "{\"errors\":true,\"items\":[" list "]}"
static const struct fixture_row three[] = {{"a", 1}, {"b", 2}, {"c", 3}};

static const char *body_of(const struct es_fixture *fixture, size_t request)
{
    const char *text = scripted_server_request(fixture->server, request);
    const char *body = strstr(text, "\r\n\r\n");
    return body ? body + 4 : "";
}

static size_t line_count(const char *text)
{
    size_t count = 0;
    for (; *text; text++) {
        count += *text == '\n';
    }
    return count;
}

static void a_batch_flow_writes_its_run_number_as_version(void **state)
{
    (void)state;
    struct es_fixture fixture;
    fixture_init(&fixture);
    const struct scripted_answer answers[] = {
        answer(0, "200 OK", ITEMS(ITEM_OK "," ITEM_OK "," ITEM_OK))};
    fixture_serve(&fixture, answers, 1);

    assert_int_equal(fixture_write(&fixture, three, 3), SLUICE_OK);
    assert_int_equal(fixture_stage(&fixture, 1), SLUICE_OK);

    fixture_stop(&fixture);
    const char *request = scripted_server_request(fixture.server, 0);
    assert_ptr_equal(strstr(request, "POST /test/_bulk?filter_path=errors,items.*.status,"),
                     request);
    assert_non_null(strstr(request, "\r\nContent-Type: application/x-ndjson\r\n"));
    assert_non_null(strstr(request, "\"version\":1000,\"version_type\":\"external_gte\"}}\n"
                                    "{\"name\":\"a\",\"n\":1,\"at\":\"1970-01-01T00:00:01Z\"}\n"));
    assert_int_equal(line_count(body_of(&fixture, 0)), 6);
    fixture_end(&fixture);
}

static void only_the_items_that_were_put_off_are_sent_again(void **state)
{
    (void)state;
    struct es_fixture fixture;
    fixture_init(&fixture);
    const struct scripted_answer answers[] = {
        answer(0, "200 OK", ITEMS(ITEM_OK "," ITEM_BUSY "," ITEM_OK)),
        answer(1, "200 OK", ITEMS(ITEM_OK))};
    fixture_serve(&fixture, answers, 2);

    assert_int_equal(fixture_write(&fixture, three, 3), SLUICE_OK);
    assert_int_equal(
        es_sink.stage(fixture.sink, 1, test_host_writer(fixture.test), fixture.test->error),
        SLUICE_RETRY);
    assert_int_equal(error_code(fixture.test->error), SLUICE_CODE_THROTTLED);
    assert_non_null(strstr(error_message(fixture.test->error), "queue full"));
    assert_int_equal(fixture_stage(&fixture, 1), SLUICE_OK);

    fixture_stop(&fixture);
    assert_int_equal(line_count(body_of(&fixture, 1)), 2);
    assert_non_null(strstr(body_of(&fixture, 1), "\"name\":\"b\""));
    assert_int_equal(fixture.test->reject_count, 0);
    fixture_end(&fixture);
}

static void a_refused_document_goes_to_the_dead_letter_with_the_servers_reason(void **state)
{
    (void)state;
    struct es_fixture fixture;
    fixture_init(&fixture);
    const struct scripted_answer answers[] = {
        answer(0, "200 OK", ITEMS(ITEM_OK "," ITEM_BAD "," ITEM_OK))};
    fixture_serve(&fixture, answers, 1);

    assert_int_equal(fixture_write(&fixture, three, 3), SLUICE_OK);
    assert_int_equal(fixture_stage(&fixture, 1), SLUICE_OK);

    assert_int_equal(fixture.test->reject_count, 1);
    assert_int_equal(fixture.test->rejects[0].code, SLUICE_CODE_DOCUMENT_REJECTED);
    assert_non_null(strstr(fixture.test->rejects[0].message, "mapper_parsing_exception"));
    assert_non_null(strstr(fixture.test->rejects[0].message, "failed to parse field [n]"));
    fixture_end(&fixture);
}

static void a_newer_version_in_the_index_stops_a_batch_flow(void **state)
{
    (void)state;
    struct es_fixture fixture;
    fixture_init(&fixture);
    const struct scripted_answer answers[] = {
        answer(0, "200 OK", ITEMS(ITEM_BAD "," ITEM_NEWER "," ITEM_OK))};
    fixture_serve(&fixture, answers, 1);

    assert_int_equal(fixture_write(&fixture, three, 3), SLUICE_OK);
    assert_int_equal(fixture_stage(&fixture, 1), SLUICE_FATAL);

    assert_int_equal(error_code(fixture.test->error), SLUICE_CODE_VERSION_CONFLICT);
    assert_non_null(strstr(error_message(fixture.test->error), "current version [2000]"));
    assert_int_equal(fixture.test->reject_count, 1);
    fixture_end(&fixture);
}

static void with_a_version_column_the_newer_version_wins(void **state)
{
    (void)state;
    struct es_fixture fixture;
    fixture_init(&fixture);
    fixture.options.version = "n";
    const struct scripted_answer answers[] = {
        answer(0, "200 OK", ITEMS(ITEM_OK "," ITEM_NEWER "," ITEM_OK))};
    fixture_serve(&fixture, answers, 1);

    assert_int_equal(fixture_write(&fixture, three, 3), SLUICE_OK);
    assert_int_equal(fixture_stage(&fixture, 1), SLUICE_OK);

    fixture_stop(&fixture);
    assert_non_null(strstr(body_of(&fixture, 0), "\"version\":3,"));
    assert_int_equal(fixture.test->reject_count, 0);
    fixture_end(&fixture);
}

static void a_lost_or_useless_answer_sends_the_same_request_again(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        enum after_answer after;
    } losses[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"errors\":fal", AFTER_CLOSE},
        {"HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"errors\":false", AFTER_KEEP},
        {"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", AFTER_KEEP},
        {"HTTP/1.1 429 Many\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n", AFTER_KEEP},
    };
    for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++) {
        struct es_fixture fixture;
        fixture_init(&fixture);
        const struct scripted_answer answers[] = {
            {.bytes = losses[i].bytes, .after = losses[i].after},
            answer(0, "200 OK", ITEMS(ITEM_OK "," ITEM_OK "," ITEM_OK))};
        fixture_serve(&fixture, answers, 2);

        assert_int_equal(fixture_write(&fixture, three, 3), SLUICE_OK);
        assert_int_equal(fixture_stage(&fixture, 1), SLUICE_OK);

        fixture_stop(&fixture);
        assert_string_equal(body_of(&fixture, 0), body_of(&fixture, 1));
        fixture_end(&fixture);
    }
}

static void wrong_credentials_stop_the_flow(void **state)
{
    (void)state;
    static const struct {
        const char *status;
        const char *body;
        enum sluice_code code;
    } cases[] = {
        {"401 Unauthorized", "{\"error\":{\"type\":\"security_exception\",\"reason\":\"who\"}}",
         SLUICE_CODE_AUTH_FAILED},
        {"403 Forbidden", "{\"error\":{\"type\":\"security_exception\",\"reason\":\"no\"}}",
         SLUICE_CODE_PERMISSION_DENIED},
        {"200 OK",
         "{\"items\":[{\"index\":{\"status\":403,\"error\":{\"type\":\"security_exception\","
         "\"reason\":\"no permissions\"}}}]}",
         SLUICE_CODE_PERMISSION_DENIED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct es_fixture fixture;
        struct text text = {0};
        fixture_init(&fixture);
        fixture.options.user = "aladdin";
        fixture.options.password = "sesame";
        const struct scripted_answer answers[] = {answer(0, cases[i].status, cases[i].body)};
        fixture_serve(&fixture, answers, 1);

        assert_int_equal(fixture_write(&fixture, three, 1), SLUICE_OK);
        assert_int_equal(fixture_stage(&fixture, 1), SLUICE_CONFIG);

        assert_int_equal(error_code(fixture.test->error), cases[i].code);
        error_format(fixture.test->error, &text);
        assert_null(strstr(text_get(&text), "sesame"));
        text_reset(&text);
        fixture_end(&fixture);
    }
}

static void rows_with_one_id_are_never_in_flight_together(void **state)
{
    (void)state;
    struct es_fixture fixture;
    fixture_init(&fixture);
    fixture.options.bulk_rows = 1;
    const struct fixture_row twins[] = {{"a", 1}, {"a", 2}, {"a", 3}};
    const struct scripted_answer answers[] = {
        answer(0, "200 OK", ITEMS(ITEM_BUSY)), answer(1, "200 OK", ITEMS(ITEM_OK)),
        answer(2, "200 OK", ITEMS(ITEM_OK)), answer(3, "200 OK", ITEMS(ITEM_OK))};
    fixture_serve(&fixture, answers, 4);

    assert_int_equal(fixture_write(&fixture, twins, 3), SLUICE_OK);
    assert_int_equal(fixture_stage(&fixture, 1), SLUICE_OK);

    fixture_stop(&fixture);
    /* one connection: never two requests at once; and in order, the retry first */
    static const char *const order[] = {"\"n\":1", "\"n\":1", "\"n\":2", "\"n\":3"};
    assert_int_equal(scripted_server_connections(fixture.server), 1);
    for (size_t i = 0; i < 4; i++) {
        assert_non_null(strstr(body_of(&fixture, i), order[i]));
    }
    fixture_end(&fixture);
}

static void rows_that_cannot_be_documents_are_rejected_at_once(void **state)
{
    (void)state;
    struct es_fixture fixture;
    fixture_init(&fixture);
    fixture_index(&fixture, "clicks-{name}");
    const struct fixture_row rows[] = {{"good", 1}, {"Bad Name", 2}, {NULL, 3}};
    const struct scripted_answer answers[] = {answer(0, "200 OK", ITEMS(ITEM_OK))};
    fixture_serve(&fixture, answers, 1);

    assert_int_equal(fixture_write(&fixture, rows, 3), SLUICE_OK);
    assert_int_equal(fixture.test->verdicts[0], SLUICE_VERDICT_DONE);
    assert_int_equal(fixture.test->verdicts[1], SLUICE_VERDICT_REJECT);
    assert_int_equal(fixture.test->verdicts[2], SLUICE_VERDICT_REJECT);
    assert_int_equal(fixture_stage(&fixture, 1), SLUICE_OK);

    fixture_stop(&fixture);
    assert_non_null(
        strstr(body_of(&fixture, 0), "{\"index\":{\"_index\":\"clicks-good\",\"_id\":"));
    fixture_end(&fixture);
}

static void a_lone_document_that_is_too_large_is_rejected(void **state)
{
    (void)state;
    struct es_fixture fixture;
    fixture_init(&fixture);
    const struct scripted_answer answers[] = {answer(0, "413 Too Large", "")};
    fixture_serve(&fixture, answers, 1);

    assert_int_equal(fixture_write(&fixture, three, 1), SLUICE_OK);
    assert_int_equal(fixture_stage(&fixture, 1), SLUICE_OK);

    assert_int_equal(fixture.test->reject_count, 1);
    fixture_end(&fixture);
}

static void an_old_row_is_sent_by_the_clock(void **state)
{
    (void)state;
    struct es_fixture fixture;
    fixture_init(&fixture);
    const struct scripted_answer answers[] = {answer(0, "200 OK", ITEMS(ITEM_OK))};
    fixture_serve(&fixture, answers, 1);

    assert_int_equal(fixture_write(&fixture, three, 1), SLUICE_OK);
    assert_int_equal(es_sink.tick(fixture.sink, fixture.test->error), SLUICE_OK);
    fixture.test->now_ms += 1000;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(es_sink.tick(fixture.sink, fixture.test->error), SLUICE_OK);
    }

    fixture_stop(&fixture);
    assert_int_equal(scripted_server_request_count(fixture.server), 1);
    fixture_end(&fixture);
}

static void open_makes_an_absent_index_and_commit_refreshes_it(void **state)
{
    (void)state;
    struct es_fixture fixture;
    fixture_init(&fixture);
    fixture.options.mapping = ES_MAPPING_AUTO;
    fixture.options.refresh = ES_REFRESH_COMMIT;
    fixture.options.api_key = "id:key";
    const struct scripted_answer answers[] = {
        answer(0, "405 Method Not Allowed", "{\"error\":\"Incorrect HTTP method\"}"),
        {.bytes = "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\n"},
        answer(1, "200 OK", "{\"acknowledged\":true}"),
        answer(2, "200 OK", ITEMS(ITEM_OK)),
        answer(3, "200 OK", "{}")};
    fixture_serve(&fixture, answers, 5);

    assert_int_equal(es_sink.open(fixture.sink, fixture.test->error), SLUICE_OK);
    assert_int_equal(fixture_write(&fixture, three, 1), SLUICE_OK);
    assert_int_equal(fixture_stage(&fixture, 1), SLUICE_OK);
    assert_int_equal(fixture_commit(&fixture, 1), SLUICE_OK);

    fixture_stop(&fixture);
    static const char *const starts[] = {"GET / ", "HEAD /test ", "PUT /test ", "POST /test/_bulk?",
                                         "POST /test/_refresh?"};
    for (size_t i = 0; i < 5; i++) {
        const char *request = scripted_server_request(fixture.server, i);
        assert_ptr_equal(strstr(request, starts[i]), request);
        assert_non_null(strstr(request, "\r\nAuthorization: ApiKey aWQ6a2V5\r\n"));
    }
    assert_non_null(strstr(body_of(&fixture, 2), "\"name\":{\"type\":\"keyword\""));
    fixture_end(&fixture);
}

static void mistakes_of_the_options_name_the_option(void **state)
{
    (void)state;
    struct es_fixture fixture;
    fixture_init(&fixture);
    snprintf(fixture.url, sizeof(fixture.url), "http://localhost");
    fixture_index(&fixture, "Clicks");
    assert_int_equal(fixture_create(&fixture), SLUICE_CONFIG);
    assert_string_equal(error_field(fixture.test->error, SLUICE_AT_OPTION), "index");

    fixture_index(&fixture, "clicks");
    fixture.options.version = "name";
    assert_int_equal(fixture_create(&fixture), SLUICE_CONFIG);
    assert_string_equal(error_field(fixture.test->error, SLUICE_AT_OPTION), "version");

    fixture.options.version = NULL;
    fixture.options.id.count = 0;
    fixture.options.action = ES_UPDATE;
    assert_int_equal(fixture_create(&fixture), SLUICE_CONFIG);
    assert_string_equal(error_field(fixture.test->error, SLUICE_AT_OPTION), "action");
    fixture_end(&fixture);
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    enum sluice_status status = SLUICE_FATAL;
    for (int64_t allowed = 0; status != SLUICE_OK; allowed++) {
        struct es_fixture fixture;
        fixture_init(&fixture);
        fixture.options.refresh = ES_REFRESH_COMMIT;
        fixture.options.gzip = true;
        const struct scripted_answer answers[] = {answer(0, "200 OK", ITEMS(ITEM_OK "," ITEM_BAD)),
                                                  answer(1, "200 OK", "{}")};
        fixture.server = scripted_server_start(answers, 2);
        snprintf(fixture.url, sizeof(fixture.url), "http://127.0.0.1:%d",
                 scripted_server_port(fixture.server));
        status = fixture_live_with(&fixture, allowed, false);
        assert_true(allowed < 1000);
        fixture_end(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_flow_writes_its_run_number_as_version),
        cmocka_unit_test(only_the_items_that_were_put_off_are_sent_again),
        cmocka_unit_test(a_refused_document_goes_to_the_dead_letter_with_the_servers_reason),
        cmocka_unit_test(a_newer_version_in_the_index_stops_a_batch_flow),
        cmocka_unit_test(with_a_version_column_the_newer_version_wins),
        cmocka_unit_test(a_lost_or_useless_answer_sends_the_same_request_again),
        cmocka_unit_test(wrong_credentials_stop_the_flow),
        cmocka_unit_test(rows_with_one_id_are_never_in_flight_together),
        cmocka_unit_test(rows_that_cannot_be_documents_are_rejected_at_once),
        cmocka_unit_test(a_lone_document_that_is_too_large_is_rejected),
        cmocka_unit_test(an_old_row_is_sent_by_the_clock),
        cmocka_unit_test(open_makes_an_absent_index_and_commit_refreshes_it),
        cmocka_unit_test(mistakes_of_the_options_name_the_option),
        cmocka_unit_test(each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
