/* SPDX-License-Identifier: Apache-2.0 */
/* Which uploads are dropped, and until when they are looked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../sink_instance.h"
#include "test_host/test_host.h"

static struct test_host *test;
static char folder[64];
static struct sluice_codec_choice json = {.name = "json"};
static struct sink_options options;
static struct sink sink;

static int set_up(void **state)
{
    (void)state;
    test = test_host_create();
    test->run.flow = "ingest";
    test->run.nonce = 2;
    snprintf(folder, sizeof folder, "/tmp/sluice-leftovers-XXXXXX");
    assert_non_null(mkdtemp(folder));
    char url[128];
    snprintf(url, sizeof url, "file:%s", folder);
    options = (struct sink_options){.format = &json};
    sink = (struct sink){.host = &test->host, .options = &options, .run = &test->run};
    counted_init(&sink.leftovers, &test->host);
    assert_int_equal(
        object_store_create(&test->host, &options.store, url, &sink.store, test->error), SLUICE_OK);
    assert_int_equal(object_store_open(sink.store, true, test->error), SLUICE_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    leftovers_free(&sink);
    object_store_destroy(sink.store);
    test_host_destroy(test);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

/* The key of an object of this flow's attempt `nonce`. */
static const char *key_of(const char *member, uint64_t nonce)
{
    static char key[256];
    struct sluice_run run = test->run;
    struct counted_text name;
    run.member = member;
    run.nonce = nonce;
    counted_init(&name, &test->host);
    object_name(&name, &run, 7, 1);
    snprintf(key, sizeof key, "%s.json", counted_get(&name));
    counted_free(&name);
    return key;
}

/* An upload as a creation makes it; its id. */
static const char *upload(const char *key)
{
    static char id[64];
    const struct object_upload made = {.key = key};
    struct counted_text text;
    counted_init(&text, &test->host);
    assert_int_equal(object_upload_create(sink.store, &made, &text, test->error), SLUICE_OK);
    snprintf(id, sizeof id, "%s", counted_get(&text));
    counted_free(&text);
    return id;
}

static enum sluice_status note_id(void *user, const struct object_entry *entry,
                                  struct sluice_error *error)
{
    (void)error;
    char *all = user;
    size_t size = strlen(all);
    snprintf(all + size, 1024 - size, "%s ", entry->upload_id);
    return SLUICE_OK;
}

static void assert_uploads_left(const char *first, const char *second)
{
    struct counted_text cursor;
    bool is_last = false;
    char all[1024] = "";
    counted_init(&cursor, &test->host);
    assert_int_equal(
        object_list_uploads(sink.store, "", &cursor, &is_last, note_id, all, test->error),
        SLUICE_OK);
    counted_free(&cursor);
    assert_int_equal(strlen(all),
                     (*first ? strlen(first) + 1 : 0) + (*second ? strlen(second) + 1 : 0));
    assert_true(strstr(all, first) && strstr(all, second));
}

static void look_again(void)
{
    assert_int_equal(leftovers_look_again(&sink, test->error), SLUICE_OK);
}

static void an_upload_in_use_survives_the_doubt_about_its_key(void **state)
{
    (void)state;
    const char *key = key_of("m1", 2);
    char used[64];
    assert_true(leftovers_doubt(&sink, key));
    snprintf(used, sizeof used, "%s", upload(key));
    assert_true(leftovers_keep(&sink, key, used));
    upload(key); /* the lost one arrives */

    look_again();

    assert_uploads_left(used, "");
}

static void what_a_lost_creation_made_is_dropped_before_the_next(void **state)
{
    (void)state;
    const char *key = key_of("m1", 2);
    assert_true(leftovers_doubt(&sink, key));
    upload(key);

    assert_int_equal(leftovers_drop_before_creation(&sink, key, test->error), SLUICE_OK);

    assert_uploads_left("", "");
}

static void keys_without_a_doubt_are_left_alone(void **state)
{
    (void)state;
    char sure[64];
    snprintf(sure, sizeof sure, "%s", upload(key_of("m1", 2)));
    assert_true(leftovers_doubt(&sink, "another.json"));

    look_again();

    assert_uploads_left(sure, "");
}

static void a_doubt_lasts_a_minute_and_has_a_look_behind_that(void **state)
{
    (void)state;
    const char *key = key_of("m1", 2);
    assert_true(leftovers_doubt(&sink, key));
    test->now_ms += 59 * 1000;
    look_again();
    upload(key);
    test->now_ms += 3600 * 1000;
    look_again();
    assert_uploads_left("", "");
    assert_null(sink.doubts);
}

static void earlier_attempts_of_this_member_are_watched_and_nobody_else(void **state)
{
    (void)state;
    char own[64], others[64];
    leftovers_watch(&sink);
    upload(key_of("m1", 1));
    snprintf(own, sizeof own, "%s", upload(key_of("m1", 2)));
    snprintf(others, sizeof others, "%s", upload(key_of("m2", 1)));

    look_again();

    assert_uploads_left(own, others);
    test->now_ms += 60 * 1000;
    look_again();
    assert_false(sink.is_watching);
}

static void a_replaced_key_is_ours_only_until_the_look_behind_its_commit(void **state)
{
    (void)state;
    char next[64];
    options.mode = SINK_REPLACE;
    assert_true(leftovers_doubt(&sink, "ingest.json"));
    snprintf(next, sizeof next, "%s", upload("ingest.json"));
    assert_int_equal(leftovers_drop_before_creation(&sink, "ingest.json", test->error), SLUICE_OK);
    assert_uploads_left(next, "");

    look_again();

    assert_uploads_left("", "");
    assert_null(sink.doubts);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_upload_in_use_survives_the_doubt_about_its_key),
        TEST(what_a_lost_creation_made_is_dropped_before_the_next),
        TEST(keys_without_a_doubt_are_left_alone),
        TEST(a_doubt_lasts_a_minute_and_has_a_look_behind_that),
        TEST(earlier_attempts_of_this_member_are_watched_and_nobody_else),
        TEST(a_replaced_key_is_ours_only_until_the_look_behind_its_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
