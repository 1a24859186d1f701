/* SPDX-License-Identifier: Apache-2.0 */
/* The pure parts: metadata, positions, start, headers. */
#include "headers.h"
#include "metadata.h"
#include "positions.h"
#include "start.h"

#include "kafka_test.h"

#include <string.h>

static int start(void **state)
{
    (void)state;
    kafka_test.test = test_host_create();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    test_host_destroy(kafka_test.test);
    return 0;
}

static void metadata_reads_back_what_it_wrote(void **state)
{
    struct decision_record decision = {
        .member = "host-1.a_b", .checkpoint = UINT64_MAX, .process = "0123456789abcdef"};
    struct decision_record parsed;
    char text[METADATA_SIZE];
    (void)state;
    scope_write("data co", "in/gest", decision.scope);
    size_t size = metadata_write(&decision, text);
    assert_in_range(size, 1, METADATA_SIZE - 1);
    assert_int_equal(metadata_parse(text, size, &parsed), METADATA_DECISION);
    assert_true(decision_equal(&decision, &parsed));
}

static void metadata_of_others_is_nothing_to_finish(void **state)
{
    static const char *const texts[] = {"", "x", "sluice", "{\"connect\":1}", "\x01\xff binary"};
    struct decision_record parsed;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(metadata_parse(texts[i], strlen(texts[i]), &parsed), METADATA_NONE);
}

static void metadata_that_is_damaged_or_newer_is_not_guessed_at(void **state)
{
    static const char *const texts[] = {
        "sluice 2 a b 1 c", "sluice 1 a b",   "sluice 1 a b ",    "sluice 1 a b 1x c",
        "sluice 1 a b 1 ",  "sluice 1 a  1 c", "sluice 1 a b -1 c", "sluice 1 a b 1 c ",
        "sluice 1 ",        "sluice 1 a b 1 c\n", "sluice 1 a b 1", "sluice 1 a b 1 c d",
        "sluice 1 a b 1 12345678901234567", "sluice 1 a b 18446744073709551616 c"};
    struct decision_record parsed;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(metadata_parse(texts[i], strlen(texts[i]), &parsed), METADATA_NEWER);
}

static void metadata_tells_flows_with_similar_names_apart(void **state)
{
    char one[SCOPE_SIZE], other[SCOPE_SIZE], id[INSTANCE_ID_SIZE], long_name[600];
    (void)state;
    scope_write("a.b", "c", one);
    scope_write("a", "b.c", other);
    assert_string_not_equal(one, other);
    scope_write("dataco", "ingest", one);
    assert_string_equal(one, "dataco.ingest");
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    scope_write(long_name, long_name, one);
    long_name[sizeof long_name - 2] = 'y';
    scope_write(long_name, long_name, other);
    assert_string_not_equal(one, other);
    instance_id_write(one, "0123456789012345678901234567890123456789012345678901234567890123", id);
    assert_in_range(strlen(id), 1, 249 - 16);
}

static void a_member_with_other_topics_is_another_in_the_group(void **state)
{
    static const char *const clicks[] = {"clicks", "orders"}, *const glued[] = {"clicksorders"};
    char begin[INSTANCE_ID_SIZE], one[INSTANCE_ID_SIZE], other[INSTANCE_ID_SIZE];
    char longer[INSTANCE_ID_SIZE];
    (void)state;
    instance_id_write("dataco.ingest", "a", begin);
    instance_id_write("dataco.ingest", "a", one);
    instance_id_write("dataco.ingest", "a", other);
    instance_id_write("dataco.ingest", "a.b", longer);
    instance_id_add_topics(one, clicks, 2);
    instance_id_add_topics(other, glued, 1);
    instance_id_add_topics(longer, clicks, 2);
    assert_string_not_equal(one, other);
    assert_true(instance_id_is_of(one, begin));
    assert_true(instance_id_is_of(other, begin));
    assert_false(instance_id_is_of(longer, begin));
    assert_false(instance_id_is_of("sluice.dataco.ingest.a", begin));
}

static void a_process_keeps_its_id(void **state)
{
    char one[PROCESS_ID_SIZE], other[PROCESS_ID_SIZE];
    (void)state;
    process_id_write(one);
    process_id_write(other);
    assert_string_equal(one, other);
    assert_int_equal(strlen(one), PROCESS_ID_SIZE - 1);
}

static void positions_read_back_what_they_wrote(void **state)
{
    struct positions written, read;
    (void)state;
    positions_init(&written, &kafka_test.test->host);
    positions_init(&read, &kafka_test.test->host);
    for (int32_t partition = 0; partition < 200; partition++)
        positions_add(&written, partition % 2 ? "clicks" : "orders.v1", partition)->next =
            partition * INT64_C(10000000000);
    struct sluice_state_writer *writer = test_host_writer(kafka_test.test);
    assert_int_equal(positions_write(&written, writer), SLUICE_OK);
    char text[16384];
    size_t size = sluice_state_read(&kafka_test.test->host, test_host_reader(kafka_test.test), text,
                                    sizeof text);
    assert_int_equal(positions_parse(&read, text, size, kafka_test.test->error), SLUICE_OK);
    assert_int_equal(read.count, 200);
    assert_int_equal(positions_find(&read, "clicks", 199)->next, INT64_C(1990000000000));
    assert_null(positions_find(&read, "clicks", 198));
    positions_reset(&written);
    positions_reset(&read);
}

static void positions_refuse_damaged_state(void **state)
{
    static const char *const texts[] = {"",
                                        "x",
                                        "source-kafka 2\n",
                                        "source-kafka 1\nclicks",
                                        "source-kafka 1\nclicks 0",
                                        "source-kafka 1\nclicks 0 5",
                                        "source-kafka 1\nclicks -1 5\n",
                                        "source-kafka 1\nclicks 0 99999999999999999999\n",
                                        "source-kafka 1\nclicks 4294967296 5\n",
                                        "source-kafka 1\n 0 5\n",
                                        "source-kafka 1\nclicks 0 5\n\n"};
    struct positions positions;
    (void)state;
    positions_init(&positions, &kafka_test.test->host);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(
            positions_parse(&positions, texts[i], strlen(texts[i]), kafka_test.test->error),
            SLUICE_FATAL);
        assert_int_equal(positions.count, 0);
    }
}

static void positions_know_what_is_undecided_and_what_is_left(void **state)
{
    struct positions positions;
    (void)state;
    positions_init(&positions, &kafka_test.test->host);
    assert_true(positions_at_end(&positions));
    assert_false(positions_have_undecided(&positions));
    struct position *position = positions_add(&positions, "t", 0);
    position->next = position->committed = 5;
    position->end = 7;
    assert_false(positions_have_undecided(&positions));
    assert_false(positions_at_end(&positions));
    position->next = 7;
    assert_true(positions_have_undecided(&positions));
    assert_true(positions_at_end(&positions));
    positions_remove(&positions, "t", 0);
    assert_int_equal(positions.count, 0);
    positions_reset(&positions);
}

static void start_takes_words_and_timestamps(void **state)
{
    static const struct {
        const char *text;
        bool is_good;
        enum start_kind kind;
        int64_t time_ms;
    } cases[] = {{"earliest", true, START_EARLIEST, 0},
                 {"latest", true, START_LATEST, 0},
                 {"1970-01-02", true, START_TIME, 86400000},
                 {"2026-01-31T00:00:00Z", true, START_TIME, 1769817600000},
                 {"2026-01-31T00:00:00.25Z", true, START_TIME, 1769817600250},
                 {"2026-01-31 01:30+01:30", true, START_TIME, 1769817600000},
                 {"2026-01-30T19:00:00-0500", true, START_TIME, 1769817600000},
                 {"2026-02-30", false, START_TIME, 0},
                 {"2026-01-31T25:00:00Z", false, START_TIME, 0},
                 {"2026-01-31T00:00:00X", false, START_TIME, 0},
                 {"yesterday", false, START_TIME, 0},
                 {"", false, START_TIME, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct start parsed;
        assert_int_equal(start_parse(cases[i].text, &parsed), cases[i].is_good);
        if (!cases[i].is_good)
            continue;
        assert_int_equal(parsed.kind, cases[i].kind);
        assert_int_equal(parsed.time_ms, cases[i].time_ms);
    }
}

static void assert_headers(const struct header *headers, size_t count, const char *wanted)
{
    struct sluice_buffer json = {0};
    assert_int_equal(headers_write(&kafka_test.test->host, headers, count, &json), SLUICE_OK);
    assert_int_equal(json.size, strlen(wanted));
    assert_memory_equal(json.data, wanted, json.size);
    sluice_buffer_free(&kafka_test.test->host, &json);
}

static void headers_become_one_json_object(void **state)
{
    const struct header headers[] = {{"trace", "a\"b\n", 4}, {"none", NULL, 0},
                                     {"raw", "\xff\x00", 2}, {"n", "1", 1},
                                     {"n", "2", 1},          {"\x01", "\xc3\xa9", 2}};
    (void)state;
    assert_headers(headers, 0, "{}");
    assert_headers(headers, 6,
                   "{\"trace\":\"a\\\"b\\n\",\"none\":null,\"raw\":{\"base64\":\"/wA=\"},"
                   "\"n\":[\"1\",\"2\"],\"\\u0001\":\"\xc3\xa9\"}");
    const struct header base64[] = {{"a", "\xff", 1}, {"b", "\xff\xfe\xfd", 3}};
    assert_headers(base64, 2, "{\"a\":{\"base64\":\"/w==\"},\"b\":{\"base64\":\"//79\"}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metadata_reads_back_what_it_wrote),
        cmocka_unit_test(metadata_of_others_is_nothing_to_finish),
        cmocka_unit_test(metadata_that_is_damaged_or_newer_is_not_guessed_at),
        cmocka_unit_test(metadata_tells_flows_with_similar_names_apart),
        cmocka_unit_test(a_member_with_other_topics_is_another_in_the_group),
        cmocka_unit_test(a_process_keeps_its_id),
        cmocka_unit_test_setup_teardown(positions_read_back_what_they_wrote, start, stop),
        cmocka_unit_test_setup_teardown(positions_refuse_damaged_state, start, stop),
        cmocka_unit_test_setup_teardown(positions_know_what_is_undecided_and_what_is_left, start,
                                        stop),
        cmocka_unit_test(start_takes_words_and_timestamps),
        cmocka_unit_test_setup_teardown(headers_become_one_json_object, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
