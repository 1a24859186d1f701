/* SPDX-License-Identifier: Apache-2.0 */
/* The source: the same bytes whatever interrupts it, its pace, its limits. */
#include "generate_fixture.h"

#include <string.h>

static void assert_same_text(const struct text *one, const struct text *other)
{
    assert_int_equal(one->size, other->size);
    assert_memory_equal(one->data, other->data, one->size);
}

static void the_same_seed_gives_the_same_bytes_whatever_the_batches(void **state)
{
    (void)state;
    struct generate_options options = default_options();
    struct source source;
    struct text whole = {0};
    begin_source(&source, &options);
    read_all(&source, &whole);
    end_source(&source);

    /* By rate and a turned clock, so that batches are cut elsewhere. */
    options.rate = 7000;
    struct text paced = {0};
    begin_source(&source, &options);
    for (int64_t rows = 0; rows < options.count;) {
        struct sluice_batch *batch;
        source.test->now_ms += 1 + rows % 97;
        if (generate_source.read(source.instance, 0, &batch, source.test->error) == SLUICE_AGAIN)
            continue;
        rows += batch_rows(batch);
        append_lines(&paced, batch);
        batch_release(batch);
    }
    assert_null(read_batch(&source));
    end_source(&source);
    assert_same_text(&whole, &paced);

    options.rate = 0;
    options.seed = 43;
    struct text other = {0};
    begin_source(&source, &options);
    read_all(&source, &other);
    end_source(&source);
    assert_true(whole.size != other.size || memcmp(whole.data, other.data, whole.size) != 0);
    text_reset(&whole);
    text_reset(&paced);
    text_reset(&other);
}

static void a_known_seed_gives_known_bytes_on_every_machine(void **state)
{
    (void)state;
    const struct generate_options options = default_options();
    struct source source;
    struct text text = {0};
    begin_source(&source, &options);
    read_all(&source, &text);
    end_source(&source);
    assert_int_equal(hash_bytes(text.data, text.size), UINT64_C(0x33ee95ae64a9628e));
    text_reset(&text);
}

static void a_restored_source_goes_on_where_the_snapshot_was_taken(void **state)
{
    (void)state;
    const struct generate_options options = default_options();
    struct source source;
    struct text whole = {0};
    begin_source(&source, &options);
    read_all(&source, &whole);
    end_source(&source);

    struct text parts = {0};
    begin_source(&source, &options);
    struct sluice_batch *batch = read_batch(&source);
    append_lines(&parts, batch);
    batch_release(batch);
    assert_int_equal(generate_source.snapshot(source.instance, test_host_writer(source.test),
                                              source.test->error),
                     SLUICE_OK);
    struct source restored;
    begin_source(&restored, &options);
    text_append_bytes(&restored.test->state, source.test->state.data, source.test->state.size);
    end_source(&source);
    assert_int_equal(generate_source.restore(restored.instance, test_host_reader(restored.test),
                                             restored.test->error),
                     SLUICE_OK);
    read_all(&restored, &parts);
    assert_same_text(&whole, &parts);
    end_source(&restored);
    text_reset(&whole);
    text_reset(&parts);
}

static void a_snapshot_of_another_world_or_a_torn_one_is_refused(void **state)
{
    (void)state;
    struct generate_options options = default_options();
    struct source source;
    begin_source(&source, &options);
    batch_release(read_batch(&source));
    generate_source.snapshot(source.instance, test_host_writer(source.test), source.test->error);
    struct text saved = {0};
    text_append_bytes(&saved, source.test->state.data, source.test->state.size);
    end_source(&source);

    const struct {
        size_t size;
        int64_t users;
        enum sluice_code code;
    } cases[] = {
        {saved.size, 4999, SLUICE_CODE_STATE_VERSION},
        {saved.size - 1, 5000, SLUICE_CODE_STATE_CORRUPT},
        {30, 5000, SLUICE_CODE_STATE_CORRUPT},
        {10, 5000, SLUICE_CODE_STATE_CORRUPT},
        {0, 5000, SLUICE_CODE_STATE_CORRUPT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        options.users = cases[i].users;
        begin_source(&source, &options);
        text_append_bytes(&source.test->state, saved.data, cases[i].size);
        assert_int_equal(generate_source.restore(source.instance, test_host_reader(source.test),
                                                 source.test->error),
                         SLUICE_FATAL);
        assert_int_equal(error_code(source.test->error), cases[i].code);
        end_source(&source);
    }
    text_reset(&saved);
}

static void a_rate_is_held_and_a_cancel_ends_the_wait(void **state)
{
    (void)state;
    struct generate_options options = default_options();
    options.count = 1000000;
    options.rate = 1000;
    options.clock = CLOCK_REAL;
    struct source source;
    begin_source(&source, &options);
    struct test_host *test = source.test;
    test->now_ms = INT64_C(1900000000000);
    struct sluice_batch *batch;
    assert_int_equal(generate_source.read(source.instance, 0, &batch, test->error), SLUICE_AGAIN);
    test->now_ms += 250;
    assert_int_equal(generate_source.read(source.instance, 0, &batch, test->error), SLUICE_OK);
    assert_int_equal(batch_rows(batch), 250);
    struct sluice_column times;
    batch_column(batch, 2, &times);
    assert_int_equal(sluice_column_int64(&times, 0), test->now_ms * 1000);
    batch_release(batch);
    /* A long pause is not made up for, beyond one second. */
    test->now_ms += 3600000;
    assert_int_equal(generate_source.read(source.instance, 0, &batch, test->error), SLUICE_OK);
    assert_int_equal(batch_rows(batch), 1000);
    batch_release(batch);
    generate_source.cancel(source.instance);
    assert_int_equal(generate_source.read(source.instance, 60000, &batch, test->error),
                     SLUICE_AGAIN);
    end_source(&source);
}

static void options_that_cannot_work_are_refused_at_their_name(void **state)
{
    (void)state;
    const struct {
        struct generate_options change;
        const char *option;
    } cases[] = {
        {{.late = 1.5}, "late"},
        {{.malformed = -0.1}, "malformed"},
        {{.duplicates = __builtin_nan("")}, "duplicates"},
        {{.clock = CLOCK_REAL}, "clock"},
        {{.start_us = -1}, "start"},
        {{.traffic = -1}, "traffic"},
        {{.count = -1}, "count"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct generate_options options = cases[i].change;
        options.users = options.pages = 10;
        options.traffic = options.traffic ? options.traffic : 20;
        options.count = options.count ? 0 : 5; /* -1 stands for endless */
        struct test_host *test = test_host_create();
        test->run.is_batch = true;
        assert_int_equal(
            generate_source.plan(&test->host, &options, test_host_planning(test), test->error),
            SLUICE_CONFIG);
        assert_string_equal(error_field(test->error, SLUICE_AT_OPTION), cases[i].option);
        test_host_destroy(test);
    }
}

static void an_endless_source_is_refused_where_the_run_must_end(void **state)
{
    (void)state;
    struct generate_options options = default_options();
    options.count = 0;
    struct test_host *test = test_host_create();
    test->run.is_once = true;
    void *instance;
    assert_int_equal(generate_source.create(&test->host, &options, &instance, test->error),
                     SLUICE_CONFIG);
    assert_null(instance);
    assert_string_equal(error_field(test->error, SLUICE_AT_OPTION), "count");
    test_host_destroy(test);
}

static void one_page_and_one_user_are_enough(void **state)
{
    (void)state;
    struct generate_options options = default_options();
    options.users = options.pages = 1;
    options.late = options.duplicates = 1;
    options.count = 5000;
    struct source source;
    struct text text = {0};
    begin_source(&source, &options);
    read_all(&source, &text);
    assert_true(text.size > 5000);
    end_source(&source);
    text_reset(&text);
}

static void without_memory_it_says_so_and_leaks_nothing(void **state)
{
    (void)state;
    const struct generate_options options = default_options();
    int failures = 0;
    for (int64_t budget = 1000; budget < 20000000; budget += budget / 5) {
        struct test_host *test = test_host_create();
        generate_source.plan(&test->host, &options, test_host_planning(test), test->error);
        test->output_schema = test->planned;
        test->account.limit_bytes = budget;
        void *instance;
        struct sluice_batch *batch = NULL;
        enum sluice_status status =
            generate_source.create(&test->host, &options, &instance, test->error);
        if (status == SLUICE_OK)
            status = generate_source.read(instance, 0, &batch, test->error);
        if (status != SLUICE_OK) {
            failures++;
            assert_int_equal(error_code(test->error), SLUICE_CODE_OVER_BUDGET);
        }
        batch_release(batch);
        generate_source.destroy(instance);
        test_host_destroy(test);
    }
    assert_in_range(failures, 20, 55);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_bytes_whatever_the_batches),
        cmocka_unit_test(a_known_seed_gives_known_bytes_on_every_machine),
        cmocka_unit_test(a_restored_source_goes_on_where_the_snapshot_was_taken),
        cmocka_unit_test(a_snapshot_of_another_world_or_a_torn_one_is_refused),
        cmocka_unit_test(a_rate_is_held_and_a_cancel_ends_the_wait),
        cmocka_unit_test(options_that_cannot_work_are_refused_at_their_name),
        cmocka_unit_test(an_endless_source_is_refused_where_the_run_must_end),
        cmocka_unit_test(one_page_and_one_user_are_enough),
        cmocka_unit_test(without_memory_it_says_so_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
