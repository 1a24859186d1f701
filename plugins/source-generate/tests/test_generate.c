/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../generate.h"
#include "keyed_host.h"

static struct generate_options default_options(void)
{
    return (struct generate_options){.count = 30000,
                                     .seed = 42,
                                     .users = 5000,
                                     .pages = 300,
                                     .user_skew = 0.5,
                                     .page_skew = 1.0,
                                     .traffic = 20,
                                     .late = 0.05,
                                     .max_lateness_ms = 600000,
                                     .duplicates = 0.02,
                                     .malformed = 0.01,
                                     .start_us = INT64_C(1767225600000000)};
}

struct source {
    struct test_host *test;
    void *instance;
};

static void begin(struct source *source, const struct generate_options *options)
{
    source->test = keyed_host_create();
    struct test_host *test = source->test;
    assert_int_equal(
        generate_source.plan(&test->host, options, test_host_planning(test), test->error), 0);
    test->output_schema = test->planned;
    assert_int_equal(generate_source.create(&test->host, options, &source->instance, test->error),
                     0);
}

static void end(struct source *source)
{
    generate_source.destroy(source->instance);
    test_host_destroy(source->test);
}

/* The next batch, or NULL at the end. */
static struct sluice_batch *read_batch(struct source *source)
{
    struct sluice_batch *batch;
    enum sluice_status status =
        generate_source.read(source->instance, 0, &batch, source->test->error);
    if (status == SLUICE_END)
        assert_null(batch);
    else
        assert_int_equal(status, SLUICE_OK);
    return batch;
}

static void append_lines(struct text *text, const struct sluice_batch *batch)
{
    struct sluice_column column;
    batch_column(batch, 1, &column);
    for (int64_t row = 0; row < column.length; row++) {
        struct sluice_string line = sluice_column_string(&column, row);
        text_append_bytes(text, line.bytes, line.size);
        text_append_char(text, '\n');
    }
}

static void read_all(struct source *source, struct text *text)
{
    for (struct sluice_batch *batch; (batch = read_batch(source)) != NULL;) {
        append_lines(text, batch);
        batch_release(batch);
    }
}

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
    begin(&source, &options);
    read_all(&source, &whole);
    end(&source);

    /* By rate and a turned clock, so that batches are cut elsewhere. */
    options.rate = 7000;
    struct text paced = {0};
    begin(&source, &options);
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
    end(&source);
    assert_same_text(&whole, &paced);

    options.rate = 0;
    options.seed = 43;
    struct text other = {0};
    begin(&source, &options);
    read_all(&source, &other);
    end(&source);
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
    begin(&source, &options);
    read_all(&source, &text);
    end(&source);
    assert_int_equal(hash_bytes(text.data, text.size), UINT64_C(0x33ee95ae64a9628e));
    text_reset(&text);
}

static void a_restored_source_goes_on_where_the_snapshot_was_taken(void **state)
{
    (void)state;
    const struct generate_options options = default_options();
    struct source source;
    struct text whole = {0};
    begin(&source, &options);
    read_all(&source, &whole);
    end(&source);

    struct text parts = {0};
    begin(&source, &options);
    struct sluice_batch *batch = read_batch(&source);
    append_lines(&parts, batch);
    batch_release(batch);
    assert_int_equal(generate_source.snapshot(source.instance, test_host_writer(source.test),
                                              source.test->error),
                     SLUICE_OK);
    struct source restored;
    begin(&restored, &options);
    text_append_bytes(&restored.test->state, source.test->state.data, source.test->state.size);
    end(&source);
    assert_int_equal(generate_source.restore(restored.instance, test_host_reader(restored.test),
                                             restored.test->error),
                     SLUICE_OK);
    read_all(&restored, &parts);
    assert_same_text(&whole, &parts);
    end(&restored);
    text_reset(&whole);
    text_reset(&parts);
}

static void a_snapshot_of_another_world_or_a_torn_one_is_refused(void **state)
{
    (void)state;
    struct generate_options options = default_options();
    struct source source;
    begin(&source, &options);
    batch_release(read_batch(&source));
    generate_source.snapshot(source.instance, test_host_writer(source.test), source.test->error);
    struct text saved = {0};
    text_append_bytes(&saved, source.test->state.data, source.test->state.size);
    end(&source);

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
        begin(&source, &options);
        text_append_bytes(&source.test->state, saved.data, cases[i].size);
        assert_int_equal(generate_source.restore(source.instance, test_host_reader(source.test),
                                                 source.test->error),
                         SLUICE_FATAL);
        assert_int_equal(error_code(source.test->error), cases[i].code);
        end(&source);
    }
    text_reset(&saved);
}

static bool is_click(const char *line, size_t size)
{
    static const char *const names[] = {"user_id", "timestamp", "url",
                                        "country", "city",      "user_agent"};
    json_t *click = json_loadb(line, size, JSON_REJECT_DUPLICATES, NULL);
    bool is_whole = json_is_object(click) && json_object_size(click) == 6;
    for (int i = 0; is_whole && i < 6; i++)
        is_whole = json_is_string(json_object_get(click, names[i]));
    if (is_whole) {
        const char *time = json_string_value(json_object_get(click, "timestamp"));
        is_whole = strlen(time) == 24 && !strncmp(time, "2026-01-01T0", 12);
    }
    json_decref(click);
    return is_whole;
}

static void lines_are_clicks_but_for_the_share_that_is_malformed(void **state)
{
    (void)state;
    const double shares[] = {0, 0.01, 1};
    for (int i = 0; i < 3; i++) {
        struct generate_options options = default_options();
        options.malformed = shares[i];
        struct source source;
        struct text text = {0};
        begin(&source, &options);
        read_all(&source, &text);
        int64_t bad = 0;
        int64_t lines = 0;
        for (const char *line = text.data; *line; lines++) {
            const char *line_end = strchr(line, '\n');
            bad += !is_click(line, (size_t)(line_end - line));
            line = line_end + 1;
        }
        assert_int_equal(lines, options.count);
        double expected = shares[i] * (double)options.count * (shares[i] < 1 ? 0.98 : 1);
        assert_true(fabs((double)bad - expected) <= 4 * sqrt(expected * (1 - shares[i])));
        end(&source);
        text_reset(&text);
    }
}

static void lines_take_the_room_that_was_asked_for(void **state)
{
    (void)state;
    struct generate_options options = default_options();
    options.users = 300;
    struct test_host *test = keyed_host_create();
    struct people people;
    struct site site;
    struct line_writer writer;
    assert_true(people_create(&test->host, &options, &people));
    assert_true(site_create(&test->host, &options, &site));
    assert_true(line_writer_create(&test->host, &people, &site, &writer));
    char line[2048];
    for (int malformation = 0; malformation < MALFORMATION_COUNT; malformation++) {
        for (uint32_t i = 0; i < 300; i++) {
            const struct event event = {.time_us = options.start_us + i,
                                        .user = i,
                                        .page = i,
                                        .malformation = (enum malformation)malformation,
                                        .detail = i};
            size_t room = line_room(&writer, &event);
            assert_true(room <= sizeof(line));
            size_t size = (size_t)(write_line(&writer, &event, line) - line);
            assert_true(malformation ? size <= room : size == room);
        }
    }
    line_writer_reset(&test->host, &writer);
    site_reset(&test->host, &site);
    people_reset(&test->host, &people);
    test_host_destroy(test);
}

static void keys_and_times_are_those_of_the_lines(void **state)
{
    (void)state;
    struct generate_options options = default_options();
    options.malformed = 0;
    struct source source;
    begin(&source, &options);
    struct sluice_batch *batch = read_batch(&source);
    struct sluice_column columns[3];
    for (int i = 0; i < 3; i++)
        batch_column(batch, i, &columns[i]);
    for (int64_t row = 0; row < batch_rows(batch); row++) {
        struct sluice_string key = sluice_column_string(&columns[0], row);
        struct sluice_string line = sluice_column_string(&columns[1], row);
        char time[40];
        format_timestamp(sluice_column_int64(&columns[2], row), time);
        assert_memory_equal(line.bytes + strlen("{\"user_id\":\""), key.bytes, key.size);
        const char *written =
            line.bytes + strlen("{\"user_id\":\"") + key.size + strlen("\",\"timestamp\":\"");
        assert_memory_equal(written, time, strlen("2026-01-01T00:00:00"));
        struct sluice_origin origin;
        int64_t position;
        assert_true(batch_origin(batch, row, &origin, &position));
        assert_int_equal(position, row + 1);
    }
    batch_release(batch);
    end(&source);
}

static void events_come_late_by_their_share_and_never_by_more_than_allowed(void **state)
{
    (void)state;
    struct generate_options options = default_options();
    options.duplicates = 0;
    options.max_lateness_ms = 120000;
    struct source source;
    begin(&source, &options);
    int64_t newest_us = 0;
    int64_t late = 0;
    for (struct sluice_batch *batch; (batch = read_batch(&source)) != NULL;) {
        struct sluice_column times;
        batch_column(batch, 2, &times);
        for (int64_t row = 0; row < times.length; row++) {
            int64_t time_us = sluice_column_int64(&times, row);
            late += time_us < newest_us;
            assert_true(newest_us - time_us <= 120000000);
            assert_int_equal(time_us % 1000, 0);
            newest_us = time_us > newest_us ? time_us : newest_us;
        }
        batch_release(batch);
    }
    assert_in_range(late, 30000 * 4 / 100, 30000 * 6 / 100);
    end(&source);
}

static void popularity_follows_zipf(void **state)
{
    (void)state;
    enum { COUNT = 100, DRAWS = 1000000 };
    struct test_host *test = keyed_host_create();
    struct alias_table table;
    assert_true(alias_create_zipf(&test->host, 1.0, COUNT, &table));
    struct random random;
    random_init(&random, 1, 2);
    static int64_t hits[COUNT];
    for (int i = 0; i < DRAWS; i++)
        hits[alias_draw(&table, &random)]++;
    double total = 0;
    for (int i = 0; i < COUNT; i++)
        total += 1.0 / (i + 1);
    for (int i = 0; i < COUNT; i++) {
        double expected = DRAWS / (i + 1.0) / total;
        assert_true(fabs((double)hits[i] - expected) < 5 * sqrt(expected));
    }
    sluice_free(&test->host, table.slots);
    test_host_destroy(test);
}

static void own_logarithm_and_exponential_agree_with_libm(void **state)
{
    (void)state;
    for (double x = 1e-9; x < 1e9; x *= 1.37) {
        assert_true(fabs(portable_log(x) - log(x)) < 1e-13 * (1 + fabs(log(x))));
        double small = log(x);
        assert_true(fabs(portable_exp(small) / exp(small) - 1) < 1e-13);
    }
}

static void a_rate_is_held_and_a_cancel_ends_the_wait(void **state)
{
    (void)state;
    struct generate_options options = default_options();
    options.count = 1000000;
    options.rate = 1000;
    options.clock = CLOCK_REAL;
    struct source source;
    begin(&source, &options);
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
    end(&source);
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
        struct test_host *test = keyed_host_create();
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
    struct test_host *test = keyed_host_create();
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
    begin(&source, &options);
    read_all(&source, &text);
    assert_true(text.size > 5000);
    end(&source);
    text_reset(&text);
}

static void without_memory_it_says_so_and_leaks_nothing(void **state)
{
    (void)state;
    const struct generate_options options = default_options();
    int failures = 0;
    for (int64_t budget = 1000; budget < 20000000; budget += budget / 5) {
        struct test_host *test = keyed_host_create();
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

static int create_dictionaries(void **state)
{
    (void)state;
    keyed_dictionaries_create(10);
    return 0;
}

static int destroy_dictionaries(void **state)
{
    (void)state;
    keyed_dictionaries_destroy();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_bytes_whatever_the_batches),
        cmocka_unit_test(a_known_seed_gives_known_bytes_on_every_machine),
        cmocka_unit_test(a_restored_source_goes_on_where_the_snapshot_was_taken),
        cmocka_unit_test(a_snapshot_of_another_world_or_a_torn_one_is_refused),
        cmocka_unit_test(lines_are_clicks_but_for_the_share_that_is_malformed),
        cmocka_unit_test(lines_take_the_room_that_was_asked_for),
        cmocka_unit_test(keys_and_times_are_those_of_the_lines),
        cmocka_unit_test(events_come_late_by_their_share_and_never_by_more_than_allowed),
        cmocka_unit_test(popularity_follows_zipf),
        cmocka_unit_test(own_logarithm_and_exponential_agree_with_libm),
        cmocka_unit_test(a_rate_is_held_and_a_cancel_ends_the_wait),
        cmocka_unit_test(options_that_cannot_work_are_refused_at_their_name),
        cmocka_unit_test(an_endless_source_is_refused_where_the_run_must_end),
        cmocka_unit_test(one_page_and_one_user_are_enough),
        cmocka_unit_test(without_memory_it_says_so_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, create_dictionaries, destroy_dictionaries);
}
