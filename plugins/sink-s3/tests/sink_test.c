/* SPDX-License-Identifier: Apache-2.0 */
/* Names of objects, and what stage writes down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../sink.h"
#include "test_host/test_host.h"

static struct test_host *test;

static int set_up(void **state)
{
    (void)state;
    test = test_host_create();
    test->run.flow = "ingest";
    test->run.nonce = 0x0123456789abcdefU;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_host_destroy(test);
    return 0;
}

static void names_tell_flow_member_checkpoint_and_attempt(void **state)
{
    (void)state;
    struct counted_text name;
    char owner[OWNER_SIZE], expected[128];
    counted_init(&name, &test->host);
    object_owner(&test->run, "m1", owner);
    snprintf(expected, sizeof expected, "ingest-m1-0000000007-%s0123456789abcdef-3", owner);
    object_name(&name, &test->run, 7, 3);
    assert_string_equal(counted_get(&name), expected);

    uint64_t nonce = 0;
    counted_add(&name, ".json.gz");
    assert_true(object_name_is_of(&test->run, "m1", counted_get(&name), &nonce));
    assert_true(nonce == test->run.nonce);
    assert_false(object_name_is_of(&test->run, "m2", counted_get(&name), &nonce));
    counted_free(&name);
}

static void names_of_long_run_numbers_and_dotted_members_are_known_again(void **state)
{
    (void)state;
    struct counted_text name;
    uint64_t nonce;
    counted_init(&name, &test->host);
    test->run.member = "host-1.example-2.org";
    counted_add(&name, "raw/dt=2024-01-01/");
    object_name(&name, &test->run, 1795340127285, 12);
    counted_add(&name, ".csv");
    assert_true(object_name_is_of(&test->run, test->run.member, counted_get(&name), &nonce));
    counted_free(&name);
}

static void names_of_other_steps_flows_and_pipelines_are_not_ours(void **state)
{
    (void)state;
    struct counted_text name;
    struct sluice_run others[] = {test->run, test->run, test->run};
    others[0].step = "sink-2";
    others[1].flow = "ingest-m1";
    others[2].pipeline = "other";
    counted_init(&name, &test->host);
    for (size_t i = 0; i < 3; i++) {
        uint64_t nonce;
        counted_clear(&name);
        object_name(&name, &others[i], 7, 3);
        assert_false(object_name_is_of(&test->run, "m1", counted_get(&name), &nonce));
    }
    counted_free(&name);
}

static void names_that_are_no_names_of_ours_are_left_alone(void **state)
{
    (void)state;
    static const char *const keys[] = {"",
                                       "a",
                                       "-",
                                       "a/b-1",
                                       "ingest-m1-0000000007-1",
                                       "ingest.json",
                                       "x-0000000007-zzzzzzzzzzzzzzzzzzzzzzzz-1",
                                       "0000000007-0123456789abcdef01234567-1"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        uint64_t nonce;
        assert_false(object_name_is_of(&test->run, "m1", keys[i], &nonce));
    }
}

static void odd_characters_of_a_flow_do_not_reach_the_key(void **state)
{
    (void)state;
    struct counted_text name;
    counted_init(&name, &test->host);
    test->run.flow = "a/b c";
    object_name(&name, &test->run, 1, 1);
    assert_int_equal(strncmp(counted_get(&name), "a_b_c-m1-", 9), 0);
    counted_free(&name);
}

static struct object_part parts[] = {{1, 5 << 20, "\"etag-1\""}, {2, 17, "\"etag-2\""}};
static struct staged_object staged = {.key = (char[]){"raw/dt=1/ä b.json"},
                                      .upload_id = (char[]){"upload/1"},
                                      .token = (char[]){"token"},
                                      .etag = "abc-2",
                                      .rows = 3,
                                      .bytes = (5 << 20) + 17,
                                      .parts = parts,
                                      .part_count = 2};

static void write_state(struct counted_text *state)
{
    counted_init(state, &test->host);
    staged_begin(state, 2);
    staged_add(state, &staged);
    struct staged_object empty = {
        .key = (char[]){"k"}, .upload_id = (char[]){""}, .token = (char[]){""}};
    staged_add(state, &empty);
}

static void what_is_written_down_reads_back(void **state)
{
    (void)state;
    struct counted_text written;
    struct staged_list list;
    write_state(&written);
    assert_int_equal(
        staged_parse(&test->host, counted_get(&written), written.buffer.size, &list, test->error),
        SLUICE_OK);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.objects[0].key, staged.key);
    assert_string_equal(list.objects[0].upload_id, "upload/1");
    assert_string_equal(list.objects[0].etag, "abc-2");
    assert_int_equal(list.objects[0].bytes, staged.bytes);
    assert_int_equal(list.objects[0].part_count, 2);
    assert_int_equal(list.objects[0].parts[1].number, 2);
    assert_string_equal(list.objects[0].parts[1].etag, "\"etag-2\"");
    assert_string_equal(list.objects[1].upload_id, "");
    staged_free(&list);
    counted_free(&written);
}

static void every_cut_of_the_state_is_found(void **state)
{
    (void)state;
    struct counted_text written;
    write_state(&written);
    for (size_t size = 0; size < written.buffer.size; size++) {
        struct staged_list list;
        assert_int_equal(staged_parse(&test->host, counted_get(&written), size, &list, test->error),
                         SLUICE_FATAL);
        assert_int_equal(error_code(test->error), SLUICE_CODE_STATE_CORRUPT);
    }
    counted_free(&written);
}

static void a_newer_state_is_refused_and_not_guessed(void **state)
{
    (void)state;
    struct counted_text written;
    struct staged_list list;
    write_state(&written);
    written.buffer.data[8 + strlen("sluice-sink-s3")] = 2;
    assert_int_equal(
        staged_parse(&test->host, counted_get(&written), written.buffer.size, &list, test->error),
        SLUICE_FATAL);
    assert_int_equal(error_code(test->error), SLUICE_CODE_STATE_VERSION);
    counted_free(&written);
}

static void every_flipped_byte_of_the_state_is_survived(void **state)
{
    (void)state;
    struct counted_text written;
    write_state(&written);
    for (size_t at = 0; at < written.buffer.size; at++) {
        struct staged_list list;
        written.buffer.data[at] = (char)~written.buffer.data[at];
        if (staged_parse(&test->host, counted_get(&written), written.buffer.size, &list,
                         test->error) == SLUICE_OK) {
            staged_free(&list);
        }
        written.buffer.data[at] = (char)~written.buffer.data[at];
    }
    counted_free(&written);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_tell_flow_member_checkpoint_and_attempt),
        TEST(names_of_long_run_numbers_and_dotted_members_are_known_again),
        TEST(names_of_other_steps_flows_and_pipelines_are_not_ours),
        TEST(names_that_are_no_names_of_ours_are_left_alone),
        TEST(odd_characters_of_a_flow_do_not_reach_the_key),
        TEST(what_is_written_down_reads_back),
        TEST(every_cut_of_the_state_is_found),
        TEST(a_newer_state_is_refused_and_not_guessed),
        TEST(every_flipped_byte_of_the_state_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
