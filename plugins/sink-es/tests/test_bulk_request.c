/* SPDX-License-Identifier: Apache-2.0 */
#include "es_fixture.h"

#include "bulk/bulk_request.h"

static struct sluice_string string(const char *text)
{
    return (struct sluice_string){text, strlen(text)};
}

struct bulk_case {
    struct es_fixture fixture;
    struct bulk bulk;
    struct sluice_batch *batch;
};

static void start(struct bulk_case *bulk_case, enum es_action action)
{
    fixture_init(&bulk_case->fixture);
    bulk_case->batch = fixture_batch(&bulk_case->fixture, &(struct fixture_row){"a", 1}, 1);
    assert_int_equal(bulk_init(&bulk_case->bulk, &bulk_case->fixture.test->host, action, 4,
                               bulk_case->fixture.test->error),
                     SLUICE_OK);
}

static void add(struct bulk_case *bulk_case, const char *index, const char *id, int64_t version,
                const char *json)
{
    struct document document = {.batch = bulk_case->batch,
                                .index = string(index),
                                .id = string(id),
                                .has_version = version >= 0,
                                .version = version,
                                .json = string(json)};
    assert_int_equal(
        bulk_add(&bulk_case->bulk, &document, index[0], bulk_case->fixture.test->error), SLUICE_OK);
}

static void assert_body(const struct bulk_case *bulk_case, const char *expected)
{
    assert_int_equal(bulk_case->bulk.body.size, strlen(expected));
    assert_memory_equal(bulk_case->bulk.body.data, expected, strlen(expected));
}

static void finish(struct bulk_case *bulk_case)
{
    bulk_reset(&bulk_case->bulk);
    sluice_batch_release(&bulk_case->fixture.test->host, bulk_case->batch);
    fixture_end(&bulk_case->fixture);
}

static void each_action_has_its_lines(void **state)
{
    (void)state;
    static const struct {
        enum es_action action;
        const char *index;
        const char *id;
        int64_t version;
        const char *lines;
    } cases[] = {
        {ES_INDEX, "", "x", 17,
         "{\"index\":{\"_id\":\"x\",\"version\":17,\"version_type\":\"external_gte\"}}\n{\"a\":1}"
         "\n"},
        {ES_INDEX, "i", "x", -1, "{\"index\":{\"_index\":\"i\",\"_id\":\"x\"}}\n{\"a\":1}\n"},
        {ES_INDEX, "", "", -1, "{\"index\":{}}\n{\"a\":1}\n"},
        {ES_CREATE, "", "x", -1, "{\"create\":{\"_id\":\"x\"}}\n{\"a\":1}\n"},
        {ES_UPDATE, "", "x", -1,
         "{\"update\":{\"_id\":\"x\"}}\n{\"doc\":{\"a\":1},\"doc_as_upsert\":true}\n"},
        {ES_INDEX, "", "q\"\\\n\x01", -1,
         "{\"index\":{\"_id\":\"q\\\"\\\\\\u000a\\u0001\"}}\n{\"a\":1}\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bulk_case bulk_case;
        start(&bulk_case, cases[i].action);
        add(&bulk_case, cases[i].index, cases[i].id, cases[i].version, "{\"a\":1}");
        assert_body(&bulk_case, cases[i].lines);
        finish(&bulk_case);
    }
}

static void room_is_bounded_by_rows_and_bytes(void **state)
{
    (void)state;
    struct bulk_case bulk_case;
    start(&bulk_case, ES_INDEX);
    struct document document = {.id = string("x"), .json = string("{\"a\":1}")};

    assert_true(bulk_has_room(&bulk_case.bulk, &document, 1)); /* a large one goes alone */
    add(&bulk_case, "", "1", -1, "{}");
    assert_false(bulk_has_room(&bulk_case.bulk, &document, 50));
    assert_true(bulk_has_room(&bulk_case.bulk, &document, 500));
    for (int i = 0; i < 3; i++) {
        add(&bulk_case, "", "2", -1, "{}");
    }
    assert_false(bulk_has_room(&bulk_case.bulk, &document, 5000));
    finish(&bulk_case);
}

static void keeping_some_items_keeps_their_order_and_lines(void **state)
{
    (void)state;
    const bool keep[] = {false, true, false, true};
    struct bulk_case bulk_case;
    start(&bulk_case, ES_CREATE);
    add(&bulk_case, "", "one", -1, "{\"a\":1}");
    add(&bulk_case, "", "two", -1, "{\"a\":22}");
    add(&bulk_case, "", "two", -1, "{\"a\":3}");
    add(&bulk_case, "", "four", -1, "{}");
    assert_true(bulk_case.bulk.has_twins);

    bulk_keep(&bulk_case.bulk, keep);

    assert_body(&bulk_case, "{\"create\":{\"_id\":\"two\"}}\n{\"a\":22}\n"
                            "{\"create\":{\"_id\":\"four\"}}\n{}\n");
    assert_false(bulk_case.bulk.has_twins);
    assert_int_equal(bulk_case.bulk.batch_count, 1);
    assert_memory_equal(bulk_item_id(&bulk_case.bulk, 1).bytes, "four", 4);
    struct document_key gone = document_key((struct sluice_string){NULL, 0}, string("one"));
    struct document_key kept = document_key((struct sluice_string){NULL, 0}, string("four"));
    assert_false(bulk_has_key(&bulk_case.bulk, gone));
    assert_true(bulk_has_key(&bulk_case.bulk, kept));
    finish(&bulk_case);
}

static void batches_are_let_go_when_no_item_needs_them(void **state)
{
    (void)state;
    struct bulk_case bulk_case;
    start(&bulk_case, ES_INDEX);
    struct sluice_batch *first = bulk_case.batch;
    add(&bulk_case, "", "1", -1, "{}");
    bulk_case.batch = fixture_batch(&bulk_case.fixture, &(struct fixture_row){"b", 2}, 1);
    add(&bulk_case, "", "2", -1, "{}");
    add(&bulk_case, "", "3", -1, "{}");
    assert_int_equal(bulk_case.bulk.batch_count, 2);

    bulk_keep(&bulk_case.bulk, (const bool[]){false, false, true});

    assert_int_equal(bulk_case.bulk.batch_count, 1);
    assert_ptr_equal(bulk_case.bulk.batches[bulk_case.bulk.items[0].batch], bulk_case.batch);
    sluice_batch_release(&bulk_case.fixture.test->host, first);
    finish(&bulk_case);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_action_has_its_lines),
        cmocka_unit_test(room_is_bounded_by_rows_and_bytes),
        cmocka_unit_test(keeping_some_items_keeps_their_order_and_lines),
        cmocka_unit_test(batches_are_let_go_when_no_item_needs_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
