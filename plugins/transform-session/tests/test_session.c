/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions against a model that sorts everything by a full comparison. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../session.h"
#include "test_host/test_host.h"

enum { GAP_MS = 30 * 60 * 1000 };

static const char *const order[] = {"at", "url", "country"};

static struct session_options default_options(void)
{
    return (struct session_options){.key = "user",
                                    .time = "at",
                                    .order = {3, order},
                                    .gap_ms = GAP_MS,
                                    .column = "time_on_page"};
}

static const struct sluice_schema *click_schema(struct test_host *test)
{
    return test_schema(test, "user:string", "at:timestamp", "url:string", "country:string",
                       "bytes:int64", "ok:bool", "ratio:float64", NULL);
}

/* ---- rows and what they must become ---- */

struct click {
    int user;
    int64_t at_us;
    const char *url;     /* NULL: null */
    const char *country; /* NULL: null */
    int64_t bytes;       /* < 0: null */
    int ok;              /* 2: null */
    double ratio;        /* < 0: null */
};

static int compare_texts(const char *one, const char *other)
{
    if (!one || !other)
        return (one != NULL) - (other != NULL);
    return strcmp(one, other);
}

static int compare_clicks(const void *one_, const void *other_)
{
    const struct click *one = one_;
    const struct click *other = other_;
    if (one->user != other->user)
        return one->user - other->user;
    if (one->at_us != other->at_us)
        return one->at_us < other->at_us ? -1 : 1;
    int compared = compare_texts(one->url, other->url);
    if (!compared)
        compared = compare_texts(one->country, other->country);
    if (!compared) /* nulls first: they are negative here */
        compared = (one->bytes > other->bytes) - (one->bytes < other->bytes);
    if (!compared)
        compared = (one->ok + 1) % 3 - (other->ok + 1) % 3;
    if (!compared)
        compared = (one->ratio > other->ratio) - (one->ratio < other->ratio);
    return compared;
}

static void append_click(struct sluice_builder *builder, const struct click *click)
{
    char user[24];
    int size = snprintf(user, sizeof(user), "u%d", click->user);
    builder_string(builder, 0, user, (size_t)size);
    builder_int64(builder, 1, click->at_us);
    const char *texts[] = {click->url, click->country};
    for (int i = 0; i < 2; i++) {
        if (texts[i])
            builder_string(builder, 2 + i, texts[i], strlen(texts[i]));
        else
            builder_null(builder, 2 + i);
    }
    if (click->bytes >= 0)
        builder_int64(builder, 4, click->bytes);
    else
        builder_null(builder, 4);
    if (click->ok < 2)
        builder_bool(builder, 5, click->ok);
    else
        builder_null(builder, 5);
    if (click->ratio >= 0)
        builder_float64(builder, 6, click->ratio);
    else
        builder_null(builder, 6);
    builder_end_row(builder, -1);
}

static void print_click(struct text *text, const struct click *click, double elapsed)
{
    char number[40];
    text_printf(text, "u%d|", click->user);
    format_timestamp(click->at_us, number);
    text_printf(text, "%s|%s|%s|", number, click->url ? click->url : "~",
                click->country ? click->country : "~");
    if (click->bytes >= 0)
        text_printf(text, "%lld|", (long long)click->bytes);
    else
        text_append(text, "~|");
    text_printf(text, "%s|", click->ok == 2 ? "~" : click->ok ? "true" : "false");
    const double floats[] = {click->ratio, elapsed};
    for (int i = 0; i < 2; i++) {
        if (floats[i] >= 0)
            format_float64(floats[i], number);
        text_printf(text, "%s%c", floats[i] >= 0 ? number : "~", i ? '\n' : '|');
    }
}

static char *model_rows(struct click *clicks, size_t count)
{
    qsort(clicks, count, sizeof(*clicks), compare_clicks);
    struct text text = {0};
    for (size_t i = 0; i < count; i++) {
        double elapsed = -1;
        if (i + 1 < count && clicks[i + 1].user == clicks[i].user) {
            int64_t gap_us = clicks[i + 1].at_us - clicks[i].at_us;
            elapsed = gap_us <= INT64_C(1000) * GAP_MS ? (double)gap_us / 1e6 : -1;
        }
        print_click(&text, &clicks[i], elapsed);
    }
    return text.data;
}

/* ---- running ---- */

static void make_clicks(struct click *clicks, size_t count, int users, uint64_t *random)
{
    static const char *const urls[] = {"/a", "/b", "/b/", "", "/\xc3\xa9", NULL};
    static const char *const countries[] = {"DK", "Korea, Republic of", "C\xc3\xb4te", NULL};
    for (size_t i = 0; i < count; i++) {
        /* Few distinct times a user, so that ties of every depth occur. */
        clicks[i] = (struct click){
            .user = (int)(test_random(random) % (uint32_t)users),
            .at_us = INT64_C(1767225600000000) + test_random(random) % 40 * INT64_C(450500000),
            .url = urls[test_random(random) % 6],
            .country = countries[test_random(random) % 4],
            .bytes = (int64_t)(test_random(random) % 4) - 1,
            .ok = (int)(test_random(random) % 3),
            .ratio = (double)(test_random(random) % 4) / 4 - 0.25,
        };
    }
}

struct lane {
    struct test_host *test;
    void *instance;
    struct sluice_builder *coded;
    struct sluice_builder *plain;
};

static void begin_lane(struct lane *lane, const struct session_options *options,
                       int64_t memory_limit)
{
    lane->test = test_host_create();
    lane->test->memory_limit = memory_limit;
    const struct sluice_schema *plain = click_schema(lane->test);
    const struct sluice_schema *coded = test_coded_schema(lane->test, plain);
    assert_int_equal(test_plan(lane->test, &session_transform, options, coded), SLUICE_OK);
    struct test_host *test = lane->test;
    assert_int_equal(sluice_builder_create(&test->host, coded, &lane->coded, test->error), 0);
    assert_int_equal(sluice_builder_create(&test->host, plain, &lane->plain, test->error), 0);
    assert_int_equal(session_transform.create(&test->host, options, &lane->instance, test->error),
                     0);
}

static void end_lane(struct lane *lane)
{
    session_transform.destroy(lane->instance);
    builder_destroy(lane->coded);
    builder_destroy(lane->plain);
    test_host_destroy(lane->test);
}

static void flush_lane(struct lane *lane)
{
    struct sluice_builder *builders[] = {lane->coded, lane->plain};
    for (int i = 0; i < 2; i++)
        assert_int_equal(test_process(lane->test, &session_transform, lane->instance,
                                      test_finish(lane->test, builders[i]), 0),
                         SLUICE_OK);
}

/* Each user's rows must stand together in what a lane emits. */
static void assert_clustered(struct test_host *test)
{
    char *seen = calloc(100000, 1);
    int64_t last = -1;
    for (size_t i = 0; i < test->emitted_count; i++) {
        struct sluice_column column;
        batch_column(test->emitted[i], 0, &column);
        for (int64_t row = 0; row < column.length; row++) {
            struct sluice_string name = sluice_column_string(&column, row);
            int64_t user = 0;
            assert_true(parse_int64(name.bytes + 1, name.size - 1, &user));
            if (user != last)
                assert_false(seen[user]);
            seen[user] = 1;
            last = user;
        }
    }
    free(seen);
}

/* The bytes that went to disk. */
static int64_t run_case(size_t count, int users, int lane_count, int64_t memory_limit,
                        uint64_t seed)
{
    uint64_t random = seed;
    const struct session_options options = default_options();
    struct click *clicks = calloc(count + 1, sizeof(*clicks));
    struct lane lanes[4];
    make_clicks(clicks, count, users, &random);
    for (int i = 0; i < lane_count; i++)
        begin_lane(&lanes[i], &options, memory_limit);
    for (size_t i = 0; i < count; i++) {
        struct lane *lane = &lanes[clicks[i].user % lane_count];
        append_click(test_random(&random) % 2 ? lane->coded : lane->plain, &clicks[i]);
        if (test_random(&random) % 50 == 0)
            flush_lane(lane);
    }
    struct text text = {0};
    int64_t spilled_bytes = 0;
    for (int i = 0; i < lane_count; i++) {
        flush_lane(&lanes[i]);
        assert_int_equal(session_transform.finish(lanes[i].instance, lanes[i].test->error), 0);
        assert_clustered(lanes[i].test);
        text_append(&text, test_rows(lanes[i].test, false));
        spilled_bytes += lanes[i].test->spilled_bytes;
    }
    char *model = model_rows(clicks, count);
    char *expected = test_sort_lines(model);
    char *rows = test_sort_lines(text.data);
    assert_string_equal(rows, expected);
    for (int i = 0; i < lane_count; i++)
        end_lane(&lanes[i]);
    text_reset(&text);
    free(model);
    free(expected);
    free(rows);
    free(clicks);
    return spilled_bytes;
}

/* ---- tests ---- */

static void any_lanes_cuts_and_encodings_give_the_answer_of_the_model(void **state)
{
    (void)state;
    const struct {
        size_t count;
        int users;
        int lanes;
        int64_t dictionary_cap;
    } cases[] = {
        {1, 1, 1, 100},       {3000, 1, 1, 100},  {3000, 3, 2, 100},    {5000, 700, 1, 2000},
        {5000, 700, 4, 2000}, {5000, 700, 3, 40}, {20000, 5000, 2, 10}, {40000, 20, 2, 100},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        test_dictionaries_create(cases[i].dictionary_cap);
        assert_int_equal(run_case(cases[i].count, cases[i].users, cases[i].lanes, 0, i + 1), 0);
        test_dictionaries_destroy();
    }
}

static void rows_that_went_to_disk_give_the_answer_of_the_model(void **state)
{
    (void)state;
    const int cases[][4] = {{3000, 1, 1, 100},
                            {20000, 3, 2, 100},
                            {40000, 9000, 2, 20000},
                            {40000, 9000, 1, 100},
                            {30000, 60, 1, 7}}; /* as above */
    uint64_t random = 5;
    for (size_t i = 0; i < 4 * sizeof(cases) / sizeof(cases[0]); i++) {
        const int *at = cases[i / 4];
        test_dictionaries_create(at[3]);
        int64_t limit = INT64_C(20000) << test_random(&random) % 5;
        assert_true(run_case((size_t)at[0], at[1], at[2], limit, i) > 0);
        test_dictionaries_destroy();
    }
}

static char *run_times(const int64_t *times_us, size_t count)
{
    test_dictionaries_create(100);
    struct lane lane;
    const struct session_options options = default_options();
    begin_lane(&lane, &options, 0);
    for (size_t i = 0; i < count; i++) {
        const struct click click = {1, times_us[i], "/a", "DK", 1, 1, 0};
        append_click(lane.plain, &click);
    }
    flush_lane(&lane);
    assert_int_equal(session_transform.finish(lane.instance, lane.test->error), SLUICE_OK);
    struct text text = {0};
    struct sluice_column column;
    batch_column(lane.test->emitted[0], 7, &column);
    for (int64_t row = 0; row < column.length; row++) {
        char number[32] = "null";
        if (!sluice_column_is_null(&column, row))
            format_float64(sluice_column_float64(&column, row), number);
        text_printf(&text, "%s ", number);
    }
    end_lane(&lane);
    test_dictionaries_destroy();
    return text.data;
}

static void the_gap_is_inclusive_and_ties_last_no_time(void **state)
{
    (void)state;
    const int64_t gap_us = INT64_C(1000) * GAP_MS;
    char *seconds = run_times((const int64_t[]){gap_us, 0, gap_us, 2 * gap_us + 1, 2}, 5);
    assert_string_equal(seconds, "2e-06 1799.999998 0 null null ");
    free(seconds);
}

static void times_at_both_ends_of_the_range_do_not_overflow(void **state)
{
    (void)state;
    char *seconds = run_times((const int64_t[]){INT64_MAX, INT64_MIN, INT64_MAX - 1000000}, 3);
    assert_string_equal(seconds, "null 1 null ");
    free(seconds);
}

static void rows_in_reverse_are_sorted_in_reasonable_time(void **state)
{
    (void)state;
    enum { COUNT = 200000 };
    int64_t *times_us = calloc(COUNT, sizeof(*times_us));
    for (int i = 0; i < COUNT; i++)
        times_us[i] = (COUNT - i) * INT64_C(1000000);
    char *seconds = run_times(times_us, COUNT);
    for (int i = 0; i < 16000; i++)
        assert_memory_equal(seconds + 2 * i, "1 ", 2);
    free(seconds);
    free(times_us);
}

static void rows_without_key_or_time_are_rejected_with_the_column(void **state)
{
    (void)state;
    test_dictionaries_create(100);
    struct lane lane;
    const struct session_options options = default_options();
    begin_lane(&lane, &options, 0);
    builder_origin(lane.plain, "clicks.json", -1);
    for (int i = 0; i < 4; i++) {
        if (i == 1)
            builder_null(lane.plain, 0);
        else
            builder_string(lane.plain, 0, "u1", 2);
        if (i == 2)
            builder_null(lane.plain, 1);
        else
            builder_int64(lane.plain, 1, i);
        for (int column = 2; column < 7; column++)
            builder_null(lane.plain, column);
        builder_end_row(lane.plain, 10 + i);
    }
    flush_lane(&lane);
    assert_int_equal(session_transform.finish(lane.instance, lane.test->error), SLUICE_OK);
    assert_int_equal(batch_rows(lane.test->emitted[0]), 2);
    assert_int_equal(lane.test->reject_count, 2);
    const struct test_reject *rejects = lane.test->rejects;
    assert_int_equal(rejects[0].code, SLUICE_CODE_FIELD_MISSING);
    assert_string_equal(rejects[0].message, "column user is null, but sessions need it");
    assert_int_equal(rejects[0].position, 11);
    assert_string_equal(rejects[1].message, "column at is null, but sessions need it");
    assert_int_equal(rejects[1].position, 12);
    end_lane(&lane);
    test_dictionaries_destroy();
}

static void projected_columns_are_neither_held_nor_sent(void **state)
{
    (void)state;
    test_dictionaries_create(100);
    struct test_host *test = test_host_create();
    const char *only_time[] = {"at"};
    struct session_options options = default_options();
    options.order = (struct sluice_strings){1, only_time};
    const struct sluice_schema *input =
        test_schema(test, "at:timestamp", "user:int64", "bytes:int64", NULL);
    assert_int_equal(test_plan(test, &session_transform, &options, input), SLUICE_OK);
    const bool keep[] = {false, true, false, true};
    test->output_schema = test_kept_schema(test, test->planned, keep);
    void *instance;
    struct sluice_builder *builder;
    assert_int_equal(session_transform.create(&test->host, &options, &instance, test->error), 0);
    assert_int_equal(sluice_builder_create(&test->host, input, &builder, test->error), 0);
    for (int i = 0; i < 4; i++) {
        builder_int64(builder, 0, 1000000 * i);
        builder_int64(builder, 1, i % 2 ? -7 : INT64_MAX);
        builder_int64(builder, 2, i);
        builder_end_row(builder, -1);
    }
    assert_int_equal(
        test_process(test, &session_transform, instance, test_finish(test, builder), 0), 0);
    assert_int_equal(session_transform.finish(instance, test->error), SLUICE_OK);
    assert_string_equal(test_rows(test, true),
                        "-7|2\n-7|~\n9223372036854775807|2\n9223372036854775807|~\n");
    session_transform.destroy(instance);
    builder_destroy(builder);
    test_host_destroy(test);
    test_dictionaries_destroy();
}

static void options_that_cannot_work_are_refused_at_their_name(void **state)
{
    (void)state;
    const struct {
        const char *key;
        const char *time;
        const char *first;
        const char *column;
        const char *option;
    } cases[] = {
        {"ratio", "at", "at", "t", "key"},
        {"user", "url", "url", "t", "time"},
        {"user", "at", "url", "t", "order"},
        {"user", "at", "at", "bytes", "column"},
    };
    test_dictionaries_create(10);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct test_host *test = test_host_create();
        const struct session_options options = {.key = cases[i].key,
                                                .time = cases[i].time,
                                                .order = {1, &cases[i].first},
                                                .gap_ms = GAP_MS,
                                                .column = cases[i].column};
        assert_int_equal(test_plan(test, &session_transform, &options, click_schema(test)),
                         SLUICE_CONFIG);
        assert_string_equal(error_field(test->error, SLUICE_AT_OPTION), cases[i].option);
        test_host_destroy(test);
    }
    test_dictionaries_destroy();
}

static void over_the_budget_the_step_and_the_setting_are_named(void **state)
{
    (void)state;
    int failures = 0;
    for (int64_t budget = 1000; budget < 8000000; budget += budget / 7) {
        test_dictionaries_create(100000);
        struct lane lane;
        const struct session_options options = default_options();
        begin_lane(&lane, &options, 0);
        uint64_t random = 3;
        struct click click;
        for (int i = 0; i < 5000; i++) {
            make_clicks(&click, 1, 500, &random);
            append_click(lane.coded, &click);
        }
        struct test_host *test = lane.test;
        struct sluice_batch *batch = test_finish(test, lane.coded);
        test->account.limit_bytes = test->account.used_bytes + budget;
        enum sluice_status status = session_transform.process(lane.instance, batch, test->error);
        batch_release(batch);
        if (status == SLUICE_OK)
            status = session_transform.finish(lane.instance, test->error);
        if (status != SLUICE_OK) {
            failures++;
            assert_int_equal(status, SLUICE_FATAL);
            assert_int_equal(error_code(test->error), SLUICE_CODE_OVER_BUDGET);
            assert_non_null(strstr(error_message(test->error), "settings.memory"));
        }
        end_lane(&lane);
        test_dictionaries_destroy();
    }
    assert_in_range(failures, 20, 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_lanes_cuts_and_encodings_give_the_answer_of_the_model),
        cmocka_unit_test(rows_that_went_to_disk_give_the_answer_of_the_model),
        cmocka_unit_test(the_gap_is_inclusive_and_ties_last_no_time),
        cmocka_unit_test(times_at_both_ends_of_the_range_do_not_overflow),
        cmocka_unit_test(rows_in_reverse_are_sorted_in_reasonable_time),
        cmocka_unit_test(rows_without_key_or_time_are_rejected_with_the_column),
        cmocka_unit_test(projected_columns_are_neither_held_nor_sent),
        cmocka_unit_test(options_that_cannot_work_are_refused_at_their_name),
        cmocka_unit_test(over_the_budget_the_step_and_the_setting_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
