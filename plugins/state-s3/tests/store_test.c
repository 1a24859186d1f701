/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of the store over a folder of the object store: the same code, without a server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../state_s3.h"
#include "test_host/test_host.h"

static struct test_host *test;
static char folder[64];
static char url[96];
static struct state_options options;
static void *store;

static int set_up(void **state)
{
    (void)state;
    test = test_host_create();
    snprintf(folder, sizeof folder, "/tmp/sluice-state-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(url, sizeof url, "file:%s/bucket/", folder);
    options = (struct state_options){.url = url};
    assert_int_equal(state_s3_calls.create(&test->host, &options, &store, test->error), SLUICE_OK);
    assert_int_equal(state_s3_calls.open(store, test->error), SLUICE_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    state_s3_calls.destroy(store);
    test_host_destroy(test);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static bool put(const char *key, const char *value, bool must_be_new)
{
    bool is_done = !must_be_new;
    struct sluice_string bytes = {value, strlen(value)};
    assert_int_equal(state_s3_calls.put(store, key, bytes, must_be_new, &is_done, test->error),
                     SLUICE_OK);
    return is_done;
}

static void assert_value(const char *key, const char *expected)
{
    struct sluice_buffer buffer = {0};
    bool is_there = !expected;
    assert_int_equal(state_s3_calls.get(store, key, &buffer, &is_there, test->error), SLUICE_OK);
    assert_int_equal(is_there, expected != NULL);
    if (expected) {
        assert_int_equal(buffer.size, strlen(expected));
        assert_memory_equal(buffer.data, expected, buffer.size);
    }
    sluice_buffer_free(&test->host, &buffer);
}

static enum sluice_status add_key(void *user, const char *key, struct sluice_error *error)
{
    (void)error;
    char *all = user;
    snprintf(all + strlen(all), 256 - strlen(all), "%s ", key);
    return SLUICE_OK;
}

static void assert_keys(const char *prefix, const char *expected)
{
    char all[256] = "";
    assert_int_equal(state_s3_calls.list(store, prefix, add_key, all, test->error), SLUICE_OK);
    assert_string_equal(all, expected);
}

static void what_was_put_is_read_back_and_listed_by_its_own_key(void **state)
{
    (void)state;
    assert_true(put("p/checkpoints/f/m/1", "one", false));
    assert_true(put("p/checkpoints/f/m/2", "", true));
    assert_true(put("p/members/m/owner", "me", false));
    assert_value("p/checkpoints/f/m/1", "one");
    assert_value("p/checkpoints/f/m/2", "");
    assert_value("p/checkpoints/f/m/3", NULL);
    assert_keys("p/checkpoints/f/m/", "p/checkpoints/f/m/1 p/checkpoints/f/m/2 ");
    assert_keys("p/checkpoints/f/other/", "");
}

static void what_must_be_new_is_written_once(void **state)
{
    (void)state;
    assert_true(put("k", "first", true));
    assert_false(put("k", "second", true));
    assert_value("k", "first");
    assert_true(put("k", "third", false));
    assert_value("k", "third");
}

static void a_removed_key_is_gone_and_may_be_removed_again(void **state)
{
    (void)state;
    assert_true(put("a/k", "x", true));
    assert_int_equal(state_s3_calls.remove(store, "a/k", test->error), SLUICE_OK);
    assert_int_equal(state_s3_calls.remove(store, "a/k", test->error), SLUICE_OK);
    assert_value("a/k", NULL);
    assert_true(put("a/k", "y", true));
}

static void a_url_that_is_none_is_refused(void **state)
{
    (void)state;
    const struct state_options wrong = {.url = "s3://"};
    void *none = NULL;
    assert_int_equal(state_s3_calls.create(&test->host, &wrong, &none, test->error), SLUICE_CONFIG);
    assert_null(none);
}

static void memory_that_runs_out_leaks_nothing(void **state)
{
    (void)state;
    for (int64_t left = 0; left < 40; left++) {
        struct sluice_buffer buffer = {0};
        bool is_there = false;
        void *other = NULL;
        test->allocations_left = left;
        if (state_s3_calls.create(&test->host, &options, &other, test->error) == SLUICE_OK &&
            state_s3_calls.open(other, test->error) == SLUICE_OK) {
            state_s3_calls.put(other, "k", (struct sluice_string){"v", 1}, false, &is_there,
                               test->error);
            state_s3_calls.get(other, "k", &buffer, &is_there, test->error);
        }
        sluice_buffer_free(&test->host, &buffer);
        state_s3_calls.destroy(other);
    }
    test->allocations_left = INT64_MAX;
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(what_was_put_is_read_back_and_listed_by_its_own_key),
        CASE(what_must_be_new_is_written_once),
        CASE(a_removed_key_is_gone_and_may_be_removed_again),
        CASE(a_url_that_is_none_is_refused),
        CASE(memory_that_runs_out_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
