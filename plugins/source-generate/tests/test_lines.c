/* SPDX-License-Identifier: Apache-2.0 */
/* What the lines say, and how the simulated visitors behave. */
#include "generate_fixture.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

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
        begin_source(&source, &options);
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
        end_source(&source);
        text_reset(&text);
    }
}

static void lines_take_the_room_that_was_asked_for(void **state)
{
    (void)state;
    struct generate_options options = default_options();
    options.users = 300;
    struct test_host *test = test_host_create();
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
    begin_source(&source, &options);
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
    end_source(&source);
}

static void events_come_late_by_their_share_and_never_by_more_than_allowed(void **state)
{
    (void)state;
    struct generate_options options = default_options();
    options.duplicates = 0;
    options.max_lateness_ms = 120000;
    struct source source;
    begin_source(&source, &options);
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
    end_source(&source);
}

static void popularity_follows_zipf(void **state)
{
    (void)state;
    enum { COUNT = 100, DRAWS = 1000000 };
    struct test_host *test = test_host_create();
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_clicks_but_for_the_share_that_is_malformed),
        cmocka_unit_test(lines_take_the_room_that_was_asked_for),
        cmocka_unit_test(keys_and_times_are_those_of_the_lines),
        cmocka_unit_test(events_come_late_by_their_share_and_never_by_more_than_allowed),
        cmocka_unit_test(popularity_follows_zipf),
        cmocka_unit_test(own_logarithm_and_exponential_agree_with_libm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
