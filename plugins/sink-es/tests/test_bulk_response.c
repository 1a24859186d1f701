/* SPDX-License-Identifier: Apache-2.0 */
#include "es_fixture.h"

#include "bulk/bulk_response.h"

static void each_item_gets_its_outcome(void **state)
{
    (void)state;
    static const struct {
        enum es_action action;
        const char *item;
        enum item_outcome outcome;
    } cases[] = {
        {ES_INDEX, "{\"index\":{\"status\":201}}", ITEM_DONE},
        {ES_INDEX, "{\"index\":{\"status\":200}}", ITEM_DONE},
        {ES_CREATE,
         "{\"create\":{\"status\":409,\"error\":{\"type\":\"version_conflict_engine_exception\","
         "\"reason\":\"x\"}}}",
         ITEM_DUPLICATE},
        {ES_INDEX,
         "{\"index\":{\"status\":409,\"error\":{\"type\":\"version_conflict_engine_exception\","
         "\"reason\":\"x\"}}}",
         ITEM_CONFLICT},
        {ES_UPDATE, "{\"update\":{\"status\":409}}", ITEM_RETRY},
        {ES_INDEX,
         "{\"index\":{\"status\":429,\"error\":{\"type\":\"es_rejected_execution_exception\"}}}",
         ITEM_RETRY},
        {ES_INDEX,
         "{\"index\":{\"status\":503,\"error\":{\"type\":\"unavailable_shards_exception\"}}}",
         ITEM_RETRY},
        {ES_INDEX, "{\"index\":{\"status\":403,\"error\":{\"type\":\"cluster_block_exception\"}}}",
         ITEM_RETRY},
        {ES_INDEX, "{\"index\":{\"status\":403,\"error\":{\"type\":\"security_exception\"}}}",
         ITEM_DENIED},
        {ES_INDEX, "{\"index\":{\"status\":401}}", ITEM_AUTH},
        {ES_INDEX,
         "{\"index\":{\"status\":400,\"error\":{\"type\":\"mapper_parsing_exception\",\"reason\":"
         "\"failed to parse\"}}}",
         ITEM_REJECT},
        {ES_INDEX, "{\"index\":{\"status\":400,\"error\":\"old style\"}}", ITEM_REJECT},
        {ES_INDEX,
         "{\"index\":{\"status\":404,\"error\":{\"type\":\"index_not_found_exception\"}}}",
         ITEM_SETUP},
        {ES_INDEX,
         "{\"index\":{\"status\":400,\"error\":{\"type\":\"illegal_argument_exception\","
         "\"reason\":\"pipeline with id [x] does not exist\"}}}",
         ITEM_SETUP},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char body[512];
        struct item_result result;
        json_t *root;
        int size = snprintf(body, sizeof(body), "{\"errors\":true,\"items\":[%s]}", cases[i].item);
        assert_true(bulk_response_read(body, (size_t)size, 1, cases[i].action, &result, &root));
        assert_int_equal(result.outcome, cases[i].outcome);
        json_decref(root);
    }
}

static void half_an_answer_is_no_answer(void **state)
{
    (void)state;
    static const char whole[] =
        "{\"errors\":false,\"items\":[{\"index\":{\"status\":201}},{\"index\":{\"status\":200}}]}";
    struct item_result results[2];
    json_t *root;
    for (size_t size = 0; size < strlen(whole); size++) {
        assert_false(bulk_response_read(whole, size, 2, ES_INDEX, results, &root));
        assert_null(root);
    }
    assert_false(bulk_response_read(whole, strlen(whole), 1, ES_INDEX, results, &root));
    assert_false(bulk_response_read(whole, strlen(whole), 3, ES_INDEX, results, &root));
    assert_true(bulk_response_read(whole, strlen(whole), 2, ES_INDEX, results, &root));
    json_decref(root);
    static const char *const strange[] = {
        "[]",
        "{}",
        "{\"items\":1}",
        "{\"items\":[1,2]}",
        "{\"items\":[{},{}]}",
        "{\"items\":[{\"index\":{\"status\":\"x\"}},{\"index\":{}}]}",
        "<html></html>"};
    for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
        assert_false(
            bulk_response_read(strange[i], strlen(strange[i]), 2, ES_INDEX, results, &root));
    }
}

/* The short way takes an answer only where the long one finds every item done, with its status. */
static void the_short_way_agrees_with_the_long_one(void **state)
{
    (void)state;
    static const char whole[] =
        "{\"errors\":false,\"items\":[{\"index\":{\"status\":201}},{\"create\":"
        "{\"status\":200}},{\"update\":{\"status\":299}}]}";
    struct item_result fast[4];
    struct item_result slow[4];
    assert_true(bulk_response_is_all_done(whole, strlen(whole), 3, fast));
    assert_int_equal(fast[2].status, 299);
    assert_false(bulk_response_is_all_done(whole, strlen(whole), 2, fast));
    assert_false(bulk_response_is_all_done(whole, strlen(whole), 4, fast));
    static const char bytes[] = "09a\"{}[],: \n4t";
    for (size_t at = 0; at < strlen(whole); at++) {
        assert_false(bulk_response_is_all_done(whole, at, 3, fast));
        for (size_t i = 0; i < sizeof bytes - 1; i++) {
            char body[sizeof whole];
            memcpy(body, whole, sizeof whole);
            body[at] = bytes[i];
            json_t *root;
            if (!bulk_response_is_all_done(body, strlen(body), 3, fast)) {
                continue;
            }
            assert_true(bulk_response_read(body, strlen(body), 3, ES_INDEX, slow, &root));
            for (size_t item = 0; item < 3; item++) {
                assert_int_equal(fast[item].outcome, slow[item].outcome);
                assert_int_equal(fast[item].status, slow[item].status);
                assert_string_equal(fast[item].type, slow[item].type);
            }
            json_decref(root);
        }
    }
}

static void an_older_twin_is_not_sent_again_after_a_newer_one(void **state)
{
    (void)state;
    static const struct {
        int64_t versions[2];
        enum item_outcome before[2];
        enum item_outcome first_after;
    } cases[] = {
        {{5, 5}, {ITEM_RETRY, ITEM_DONE}, ITEM_DONE},
        {{3, 5}, {ITEM_RETRY, ITEM_DONE}, ITEM_DONE},
        {{5, 3}, {ITEM_RETRY, ITEM_DONE}, ITEM_RETRY},
        {{5, 5}, {ITEM_RETRY, ITEM_RETRY}, ITEM_RETRY},
        {{5, 5}, {ITEM_RETRY, ITEM_REJECT}, ITEM_RETRY},
        {{3, 5}, {ITEM_CONFLICT, ITEM_DONE}, ITEM_DONE},
        {{3, 5}, {ITEM_CONFLICT, ITEM_RETRY}, ITEM_DONE},
        {{5, 5}, {ITEM_CONFLICT, ITEM_CONFLICT}, ITEM_CONFLICT},
        {{5, 3}, {ITEM_CONFLICT, ITEM_CONFLICT}, ITEM_CONFLICT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bulk_item items[2] = {
            {.key = {1, 1}, .version = cases[i].versions[0], .id_size = 1},
            {.key = {1, 1}, .version = cases[i].versions[1], .id_size = 1}};
        struct bulk bulk = {.items = items, .item_count = 2, .has_twins = true};
        struct item_result results[2] = {{.outcome = cases[i].before[0]},
                                         {.outcome = cases[i].before[1]}};
        bulk_response_settle_twins(&bulk, results);
        assert_int_equal(results[0].outcome, cases[i].first_after);
        assert_int_equal(results[1].outcome, cases[i].before[1]);
    }
}

static void the_reason_is_one_line_of_the_servers_words(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        const char *reason;
    } cases[] = {
        {"{\"error\":{\"type\":\"a\",\"reason\":\"b\\nc\"},\"status\":400}", "a: b c"},
        {"{\"error\":\"plain\"}", "plain"},
        {"Bad\r\ngateway", "Bad  gateway"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char reason[64];
        bulk_response_reason(cases[i].body, strlen(cases[i].body), reason, sizeof(reason));
        assert_string_equal(reason, cases[i].reason);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_item_gets_its_outcome),
        cmocka_unit_test(half_an_answer_is_no_answer),
        cmocka_unit_test(the_short_way_agrees_with_the_long_one),
        cmocka_unit_test(an_older_twin_is_not_sent_again_after_a_newer_one),
        cmocka_unit_test(the_reason_is_one_line_of_the_servers_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
