/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void an_error_is_one_line_with_fields_and_causes(void **state)
{
    (void)state;
    struct sluice_error *error = error_create();
    assert_int_equal(error_set(error, SLUICE_RETRY, SLUICE_CODE_TIMEOUT, "no answer in %d ms", 50),
                     SLUICE_RETRY);
    error_set_field(error, SLUICE_AT_OFFSET, "%d", 17);
    error_set_field(error, SLUICE_AT_TOPIC, "%s", "old");
    error_set_field(error, SLUICE_AT_TOPIC, "%s", "clicks");
    error_add_cause(error, "first");
    error_add_cause(error, "second");
    error_set_retry_after(error, 1500);
    struct text text = {0};
    error_format(error, &text);
    assert_string_equal(text_get(&text),
                        "no answer in 50 ms (topic=clicks offset=17): first; second");

    struct sluice_error *copy = error_create();
    error_copy(copy, error);
    text_clear(&text);
    error_format(copy, &text);
    assert_string_equal(text_get(&text),
                        "no answer in 50 ms (topic=clicks offset=17): first; second");
    assert_int_equal(error_retry_after_ms(copy), 1500);
    assert_string_equal(error_code_name(error_code(copy)), "timeout");
    assert_null(error_field(copy, SLUICE_AT_LINE));

    /* The new message may quote the old one. */
    error_set(copy, SLUICE_FATAL, SLUICE_CODE_IO_ERROR, "wrapped: %s", error_message(copy));
    assert_string_equal(error_message(copy), "wrapped: no answer in 50 ms");
    assert_null(error_field(copy, SLUICE_AT_TOPIC));
    assert_int_equal(error_retry_after_ms(copy), -1);
    error_reset(copy);
    assert_int_equal(error_status(copy), SLUICE_OK);
    assert_string_equal(error_message(copy), "");
    assert_string_equal(error_causes(copy), "");

    text_reset(&text);
    error_destroy(copy);
    error_destroy(error);
}

static void codes_and_fields_of_newer_plugins_are_harmless(void **state)
{
    (void)state;
    struct sluice_error *error = error_create();
    error_set_field(error, (enum sluice_error_field)99, "%s", "x");
    assert_null(error_field(error, (enum sluice_error_field)99));
    assert_string_equal(error_code_name((enum sluice_code)9999), "unknown");
    for (int code = 0; code < SLUICE_CODE_COUNT; code++) {
        assert_true(strlen(error_code_name((enum sluice_code)code)) > 0);
        assert_true(strlen(error_code_meaning((enum sluice_code)code)) > 0);
    }
    for (int field = 0; field < SLUICE_AT_FIELD_COUNT; field++) {
        assert_true(strlen(error_field_name((enum sluice_error_field)field)) > 0);
    }
    error_destroy(error);
}

static void text_grows_and_stays_terminated(void **state)
{
    (void)state;
    struct text text = {0};
    assert_string_equal(text_get(&text), "");
    for (int i = 0; i < 1000; i++) {
        text_printf(&text, "%d,", i);
        text_append_char(&text, ';');
        assert_int_equal(strlen(text.data), text.size);
    }
    assert_int_equal(text.size, 4890);
    char large[3000];
    memset(large, 'x', sizeof(large) - 1);
    large[sizeof(large) - 1] = '\0';
    text_printf(&text, "%s", large);
    assert_int_equal(text.size, 4890 + 2999);
    text_append_bytes(&text, "a\0b", 3);
    assert_int_equal(text.size, 4890 + 2999 + 3);
    text_clear(&text);
    assert_string_equal(text_get(&text), "");
    text_reset(&text);
}

static void text_remembers_that_memory_ran_out(void **state)
{
    (void)state;
    struct text text = {0};
    text_append(&text, "kept");
    text_append_bytes(&text, "x", SIZE_MAX - 100);
    assert_true(text.has_failed);
    text_append(&text, "lost");
    assert_string_equal(text_get(&text), "kept");
    text_reset(&text);
}

static void arena_memory_is_zeroed_aligned_and_of_any_size(void **state)
{
    (void)state;
    struct arena *arena = arena_create();
    for (size_t size = 0; size < 20000; size += 97) {
        char *memory = arena_alloc(arena, size);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++) {
            assert_int_equal(memory[i], 0);
        }
        memset(memory, 0xff, size);
    }
    assert_string_equal(arena_copy(arena, "abcdef", 3), "abc");
    assert_string_equal(arena_print(arena, "%s-%d", "x", 5), "x-5");
    assert_null(arena_alloc(arena, SIZE_MAX));
    arena_destroy(arena);
}

static void a_charge_goes_to_all_accounts_or_to_none(void **state)
{
    (void)state;
    struct account root;
    struct account middle;
    struct account leaf;
    account_init(&root, 1000, NULL);
    account_init(&middle, 0, &root);
    account_init(&leaf, 5000, &middle);
    assert_true(account_charge(&leaf, 900));
    assert_false(account_charge(&leaf, 101));
    assert_int_equal(root.used_bytes, 900);
    assert_int_equal(middle.used_bytes, 900);
    assert_int_equal(leaf.used_bytes, 900);
    assert_int_equal(root.peak_bytes, 900);
    assert_true(account_charge(&leaf, -100));
    account_discharge(&leaf, 800);
    assert_int_equal(root.used_bytes, 0);
    assert_int_equal(root.peak_bytes, 900);
}

static void counted_memory_is_padded_and_given_back(void **state)
{
    (void)state;
    struct account account;
    account_init(&account, 10000, NULL);
    char *memory = account_alloc(&account, 100);
    assert_non_null(memory);
    for (int i = 0; i < SLUICE_PADDING; i++) {
        assert_int_equal(memory[100 + i], 0);
    }
    memset(memory, 7, 100);
    char *larger = account_resize(NULL, memory, 5000);
    assert_non_null(larger);
    assert_int_equal(larger[99], 7);
    assert_true(account.used_bytes > 5000);
    assert_null(account_resize(NULL, larger, 20000));
    assert_int_equal(larger[0], 7);
    assert_null(account_alloc(&account, SIZE_MAX));
    larger = account_resize(NULL, larger, 10);
    assert_true(account.used_bytes < 200);
    account_free(larger);
    account_free(NULL);
    assert_int_equal(account.used_bytes, 0);
    char *uncounted = account_alloc(NULL, 10);
    assert_non_null(uncounted);
    account_free(uncounted);
}

static void *charge_often(void *user)
{
    for (int i = 0; i < 20000; i++) {
        if (account_charge(user, 3)) {
            account_discharge(user, 3);
        }
    }
    return NULL;
}

static void charges_of_several_threads_add_up(void **state)
{
    (void)state;
    struct account root;
    struct account leaf;
    account_init(&root, 7, NULL);
    account_init(&leaf, 0, &root);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, charge_often, &leaf), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(root.used_bytes, 0);
    assert_int_equal(leaf.used_bytes, 0);
}

static void files_are_replaced_whole_and_leave_nothing_else(void **state)
{
    (void)state;
    char folder[] = "/tmp/sluice-base-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct sluice_error *error = error_create();
    struct text path = {0};
    struct text content = {0};
    text_printf(&path, "%s/a/b//c/", folder);
    assert_int_equal(folder_create(text_get(&path), error), SLUICE_OK);
    assert_int_equal(folder_create(text_get(&path), error), SLUICE_OK);
    text_append(&path, "file");
    assert_int_equal(file_replace(text_get(&path), "one", 3, error), SLUICE_OK);
    assert_int_equal(file_replace(text_get(&path), "two!", 4, error), SLUICE_OK);
    assert_int_equal(file_read_all(text_get(&path), 4, &content, error), SLUICE_OK);
    assert_string_equal(text_get(&content), "two!");
    assert_int_equal(file_read_all(text_get(&path), 3, &content, error), SLUICE_FATAL);
    assert_int_equal(error_code(error), SLUICE_CODE_IO_ERROR);

    text_clear(&path);
    text_printf(&path, "%s/a/b/c/file/below", folder);
    assert_int_equal(folder_create(text_get(&path), error), SLUICE_FATAL);
    assert_int_equal(file_replace(text_get(&path), "x", 1, error), SLUICE_FATAL);
    assert_string_equal(error_field(error, SLUICE_AT_OBJECT), text_get(&path));
    text_clear(&path);
    text_printf(&path, "%s/absent", folder);
    assert_int_equal(file_read_all(text_get(&path), 3, &content, error), SLUICE_FATAL);
    assert_int_equal(error_code(error), SLUICE_CODE_NOT_FOUND);
    assert_int_equal(file_remove(text_get(&path), error), SLUICE_OK);

    text_clear(&path);
    text_printf(&path, "%s/a/b/c/file", folder);
    assert_int_equal(file_remove(text_get(&path), error), SLUICE_OK);
    static const char *const folders[] = {"/a/b/c", "/a/b", "/a", ""};
    for (size_t i = 0; i < 4; i++) { /* each is empty: no temporary file was left */
        text_clear(&path);
        text_printf(&path, "%s%s", folder, folders[i]);
        assert_int_equal(rmdir(text_get(&path)), 0);
    }
    text_reset(&path);
    text_reset(&content);
    error_destroy(error);
}

static void whole_numbers_are_read_strictly(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_good;
        int64_t value;
    } rows[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"+7", true, 7},
        {"007", true, 7},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"99999999999999999999999", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"1 ", false, 0},
        {" 1", false, 0},
        {"1.0", false, 0},
        {"0x1", false, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t value = 5;
        assert_int_equal(parse_int64(rows[i].text, strlen(rows[i].text), &value), rows[i].is_good);
        assert_int_equal(value, rows[i].value);
    }
}

static void decimal_numbers_are_read_strictly(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",      ".",     "-",    "e5", "1e", "1e+",  "nan",
        "inf",   "0x1",   "1.2.", "1 ", " 1", "1e5x", "1e99999999999999999",
        "1e9x9", "1e400", "--1",  "1_0"};
    static const char *const good[] = {"0",
                                       "-0",
                                       "1.",
                                       ".5",
                                       "+1.5",
                                       "1e5",
                                       "1E-5",
                                       "123456789012345678901234567890",
                                       "0.000000000000000000000000000000123",
                                       "179769313486231570814527423731704356798070e267",
                                       "4.9406564584124654e-324",
                                       "9007199254740993",
                                       "0e999",
                                       "2.2250738585072011e-308"};
    double value;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (parse_float64(bad[i], strlen(bad[i]), &value)) {
            fail_msg("taken: %s", bad[i]);
        }
    }
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        if (!parse_float64(good[i], strlen(good[i]), &value) || value != strtod(good[i], NULL)) {
            fail_msg("not taken: %s", good[i]);
        }
    }
    assert_true(parse_float64("1e-99999999999999999999", 23, &value) && value == 0);
    assert_true(parse_float64("-0", 2, &value) && signbit(value));
    char many[500];
    memset(many, '1', sizeof(many));
    assert_false(parse_float64(many, sizeof(many), &value)); /* 1.1e499 */
    many[1] = '.';
    assert_true(parse_float64(many, sizeof(many), &value));
}

static void clocks_go_forward(void **state)
{
    (void)state;
    int64_t before = clock_monotonic_ns();
    assert_true(clock_wall_ms() > 1600000000000);
    assert_true(clock_wall_us() / 1000 - clock_wall_ms() < 5000);
    assert_true(clock_monotonic_ns() >= before);
    assert_true(clock_monotonic_ms() >= before / 1000000);
    assert_true(random_seed() != random_seed());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_is_one_line_with_fields_and_causes),
        cmocka_unit_test(codes_and_fields_of_newer_plugins_are_harmless),
        cmocka_unit_test(text_grows_and_stays_terminated),
        cmocka_unit_test(text_remembers_that_memory_ran_out),
        cmocka_unit_test(arena_memory_is_zeroed_aligned_and_of_any_size),
        cmocka_unit_test(a_charge_goes_to_all_accounts_or_to_none),
        cmocka_unit_test(counted_memory_is_padded_and_given_back),
        cmocka_unit_test(charges_of_several_threads_add_up),
        cmocka_unit_test(files_are_replaced_whole_and_leave_nothing_else),
        cmocka_unit_test(whole_numbers_are_read_strictly),
        cmocka_unit_test(decimal_numbers_are_read_strictly),
        cmocka_unit_test(clocks_go_forward),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
