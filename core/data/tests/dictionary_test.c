/* SPDX-License-Identifier: Apache-2.0 */
#include "data/data.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct account account;

static int32_t add(struct sluice_dictionary *dictionary, const char *text)
{
    return dictionary_code(dictionary, text, strlen(text), hash_bytes(text, strlen(text)));
}

static struct sluice_dictionary *open_dictionary(struct dictionary_set *set, const char *column)
{
    struct sluice_error *error = error_create();
    struct sluice_dictionary *dictionary;
    assert_int_equal(dictionary_get(set, column, &dictionary, error), SLUICE_OK);
    error_destroy(error);
    return dictionary;
}

static int set_up(void **state)
{
    account_init(&account, 0, NULL);
    *state = NULL;
    return 0;
}

static void equal_strings_have_one_code_and_columns_their_own(void **state)
{
    (void)state;
    struct dictionary_set *set = dictionary_set_create(&account, 100, 1000);
    struct sluice_dictionary *urls = open_dictionary(set, "url");
    assert_ptr_equal(urls, open_dictionary(set, "url"));
    assert_ptr_not_equal(urls, open_dictionary(set, "country"));
    assert_int_equal(add(urls, "/a"), 0);
    assert_int_equal(add(urls, ""), 1);
    assert_int_equal(add(urls, "/b"), 2);
    assert_int_equal(add(urls, "/a"), 0);
    assert_int_equal(add(urls, ""), 1);
    assert_int_equal(dictionary_length(urls), 3);
    assert_int_equal(dictionary_find(urls, "/b", 2, hash_bytes("/b", 2)), 2);
    assert_int_equal(dictionary_find(urls, "/c", 2, hash_bytes("/c", 2)), -1);
    assert_int_equal(dictionary_find(open_dictionary(set, "country"), "/b", 2, hash_bytes("/b", 2)),
                     -1);
    dictionary_set_destroy(set);
    assert_int_equal(account.used_bytes, 0);
}

static void equal_hashes_of_different_strings_do_no_harm(void **state)
{
    (void)state;
    struct dictionary_set *set = dictionary_set_create(&account, 100, 1000);
    struct sluice_dictionary *dictionary = open_dictionary(set, "x");
    assert_int_equal(dictionary_code(dictionary, "one", 3, 7), 0);
    assert_int_equal(dictionary_code(dictionary, "two", 3, 7), 1);
    assert_int_equal(dictionary_code(dictionary, "one", 3, 7), 0);
    assert_int_equal(dictionary_find(dictionary, "two", 3, 7), 1);
    dictionary_set_destroy(set);
}

static void past_a_cap_there_is_no_code(void **state)
{
    (void)state;
    struct dictionary_set *set = dictionary_set_create(&account, 2, 1000);
    struct sluice_dictionary *dictionary = open_dictionary(set, "entries");
    assert_int_equal(add(dictionary, "a"), 0);
    assert_int_equal(add(dictionary, "b"), 1);
    assert_int_equal(add(dictionary, "c"), -1);
    assert_int_equal(add(dictionary, "b"), 1);
    dictionary_set_destroy(set);

    set = dictionary_set_create(&account, 100, 5);
    dictionary = open_dictionary(set, "bytes");
    assert_int_equal(add(dictionary, "abc"), 0);
    assert_int_equal(add(dictionary, "def"), -1);
    assert_int_equal(add(dictionary, "de"), 1);
    assert_int_equal(add(dictionary, "f"), -1);
    assert_int_equal(dictionary_length(dictionary), 2);
    dictionary_set_destroy(set);
    assert_int_equal(account.used_bytes, 0);
}

static void over_the_budget_there_is_no_code(void **state)
{
    (void)state;
    account_init(&account, 600 * 1024, NULL);
    struct dictionary_set *set = dictionary_set_create(&account, 1 << 20, 1 << 28);
    struct sluice_dictionary *dictionary = open_dictionary(set, "x");
    char text[1000];
    memset(text, 'x', sizeof(text));
    int32_t code = 0;
    for (int32_t i = 0; code >= 0 && i < 10000; i++) {
        memcpy(text, &i, sizeof(i));
        code = dictionary_code(dictionary, text, sizeof(text), hash_bytes(text, sizeof(text)));
    }
    assert_int_equal(code, -1);
    assert_true(dictionary_length(dictionary) > 100);
    dictionary_set_destroy(set);
    assert_int_equal(account.used_bytes, 0);

    account_init(&account, 10, NULL);
    set = dictionary_set_create(&account, 1 << 20, 1 << 28);
    struct sluice_error *error = error_create();
    assert_int_equal(dictionary_get(set, "x", &dictionary, error), SLUICE_FATAL);
    assert_int_equal(error_code(error), SLUICE_CODE_OVER_BUDGET);
    assert_null(dictionary);
    error_destroy(error);
    dictionary_set_destroy(set);
    assert_int_equal(account.used_bytes, 0);
}

enum { THREADS = 4, STRINGS = 20000 };

struct worker {
    struct dictionary_set *set;
    unsigned seed;
    int32_t codes[STRINGS];
};

/* Adds all strings in an order of its own, looks up others meanwhile, and makes batches. */
static void *encode_all(void *user)
{
    struct worker *worker = user;
    struct sluice_error *error = error_create();
    struct sluice_dictionary *dictionary;
    const struct sluice_field field = {
        .name = "x", .type = SLUICE_TYPE_STRING, .is_dictionary = true};
    const struct sluice_schema schema = {sizeof(field), 1, &field};
    struct sluice_builder *builder;
    struct sluice_batch *batch;
    dictionary_get(worker->set, "x", &dictionary, error);
    builder_create(&account, worker->set, &schema, &builder, error);
    for (unsigned i = 0; i < STRINGS; i++) {
        unsigned number = (i * 7919 + worker->seed * 1000) % STRINGS;
        char text[32];
        size_t size = (size_t)snprintf(text, sizeof(text), "string %u", number);
        worker->codes[number] = dictionary_code(dictionary, text, size, hash_bytes(text, size));
        builder_string(builder, 0, text, size);
        builder_end_row(builder, 0);
        if (i % 1000 == 999) {
            builder_finish(builder, &batch, error);
            struct sluice_column column;
            batch_column(batch, 0, &column);
            for (int64_t row = 0; row < column.length; row++) {
                struct sluice_string value = sluice_column_string(&column, row);
                if (column.codes[row] >= column.dictionary_length ||
                    column.hashes[column.codes[row]] != hash_bytes(value.bytes, value.size)) {
                    worker->codes[number] = -2;
                }
            }
            batch_release(batch);
        }
    }
    builder_destroy(builder);
    error_destroy(error);
    return NULL;
}

static void several_threads_agree_on_the_codes(void **state)
{
    (void)state;
    struct dictionary_set *set = dictionary_set_create(&account, 1 << 20, 1 << 26);
    struct worker *workers = calloc(THREADS, sizeof(*workers));
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i].set = set;
        workers[i].seed = i;
        assert_int_equal(pthread_create(&threads[i], NULL, encode_all, &workers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    for (int number = 0; number < STRINGS; number++) {
        assert_true(workers[0].codes[number] >= 0);
        for (int i = 1; i < THREADS; i++) {
            assert_int_equal(workers[i].codes[number], workers[0].codes[number]);
        }
    }
    assert_int_equal(dictionary_length(open_dictionary(set, "x")), STRINGS);
    free(workers);
    dictionary_set_destroy(set);
    assert_int_equal(account.used_bytes, 0);
}

/* Appends `count` strings, each of them `uses` times in a row, as one batch. */
static struct sluice_batch *build_strings(struct sluice_builder *builder, int first, int count,
                                          int uses, struct sluice_error *error)
{
    char text[24];
    for (int i = 0; i < count * uses; i++) {
        size_t size = (size_t)snprintf(text, sizeof text, "string %d", first + i / uses);
        builder_string(builder, 0, text, size);
        builder_end_row(builder, -1);
    }
    struct sluice_batch *batch;
    assert_int_equal(builder_finish(builder, &batch, error), SLUICE_OK);
    return batch;
}

/* Whether a batch that follows on so many strings, used so often each, has codes still. */
static bool keeps_codes(int strings, int uses)
{
    enum { PART = 10000 };
    const struct sluice_field field = {
        .name = "x", .type = SLUICE_TYPE_STRING, .is_dictionary = true};
    const struct sluice_schema schema = {sizeof field, 1, &field};
    struct sluice_error *error = error_create();
    struct dictionary_set *set = dictionary_set_create(&account, 1 << 20, 1 << 26);
    struct sluice_builder *builder;
    assert_int_equal(builder_create(&account, set, &schema, &builder, error), SLUICE_OK);
    struct sluice_batch *batch = NULL;
    for (int first = 0; first < strings; first += PART) {
        batch_release(batch);
        batch = build_strings(builder, first, PART, uses, error);
    }
    struct sluice_column column;
    batch_column(batch, 0, &column);
    bool has_codes = column.codes != NULL;
    struct sluice_string last = sluice_column_string(&column, column.length - 1);
    assert_memory_equal(last.bytes, "string ", 7);
    batch_release(batch);
    builder_destroy(builder);
    dictionary_set_destroy(set);
    error_destroy(error);
    return has_codes;
}

static void a_dictionary_whose_strings_hardly_repeat_gives_way(void **state)
{
    (void)state;
    assert_true(keeps_codes(100000, 1)); /* too few to judge */
    assert_false(keeps_codes(180000, 3));
    assert_true(keeps_codes(180000, 4));
    assert_int_equal(account.used_bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(equal_strings_have_one_code_and_columns_their_own, set_up),
        cmocka_unit_test_setup(equal_hashes_of_different_strings_do_no_harm, set_up),
        cmocka_unit_test_setup(past_a_cap_there_is_no_code, set_up),
        cmocka_unit_test_setup(over_the_budget_there_is_no_code, set_up),
        cmocka_unit_test_setup(a_dictionary_whose_strings_hardly_repeat_gives_way, set_up),
        cmocka_unit_test_setup(several_threads_agree_on_the_codes, set_up),
    };
    return cmocka_run_group_tests_name("dictionary", tests, NULL, NULL);
}
