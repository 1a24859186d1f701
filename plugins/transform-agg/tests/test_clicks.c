/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions and aggregation together, lanes and exchanges simulated, against a model in plain C:
 * the answer must not depend on lanes, batch cuts, encodings or on how distinct is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../transform-session/session.h"
#include "../agg.h"
#include "test_host/test_host.h"

enum { USERS = 60, URLS = 7, COUNTRIES = 5, MAX_LANES = 3, GAP_MS = 30 * 60 * 1000 };

struct click {
    int user;
    int64_t at_us;
    int url;     /* 0: null */
    int country; /* 0: null */
};

struct setup {
    int session_lanes;
    int agg_lanes;
    int64_t dictionary_cap;
    bool is_clustered;
    uint64_t seed;
};

struct lane {
    struct test_host *test;
    void *instance;
    struct sluice_builder *coded;
    struct sluice_builder *plain;
};

static const char *const order[] = {"at", "url", "country"};
static const char *const groups[] = {"url", "country"};
static const char *const keys[] = {"clicks", "unique_users", "avg_seconds"};
static const char *const values[] = {"count", "distinct(user)", "mean(time_on_page)"};

static const struct session_options session_options = {
    .key = "user", .time = "at", .order = {3, order}, .gap_ms = GAP_MS, .column = "time_on_page"};
static const struct agg_options agg_options = {.group_by = {2, groups},
                                               .aggregates = {3, keys, values}};

/* ---- the model ---- */

static int compare_clicks(const void *one_, const void *other_)
{
    const struct click *one = one_;
    const struct click *other = other_;
    if (one->user != other->user)
        return one->user - other->user;
    if (one->at_us != other->at_us)
        return one->at_us < other->at_us ? -1 : 1;
    return one->url != other->url ? one->url - other->url : one->country - other->country;
}

static void model_group(struct text *text, const struct click *clicks, size_t count, int url,
                        int country)
{
    int64_t rows = 0, pauses = 0, users = 0;
    int64_t pause_us = 0; /* exact, as it is a sum of integers */
    bool has_user[USERS] = {false};
    for (size_t i = 0; i < count; i++) {
        if (clicks[i].url != url || clicks[i].country != country)
            continue;
        rows++;
        users += !has_user[clicks[i].user];
        has_user[clicks[i].user] = true;
        bool has_next = i + 1 < count && clicks[i + 1].user == clicks[i].user;
        int64_t elapsed_us = has_next ? clicks[i + 1].at_us - clicks[i].at_us : INT64_MAX;
        if (elapsed_us > INT64_C(1000) * GAP_MS)
            continue;
        pauses++;
        pause_us += elapsed_us;
    }
    if (!rows)
        return;
    char mean[32] = "~";
    if (pauses) /* times are multiples of 1/8 s, so that this division is the only rounding */
        format_float64((double)((long double)pause_us / 1e6L / (long double)pauses), mean);
    char name[2][16] = {"~", "~"};
    if (url)
        snprintf(name[0], sizeof(name[0]), "/%d", url);
    if (country)
        snprintf(name[1], sizeof(name[1]), "c,%d", country);
    text_printf(text, "%s|%s|%lld|%lld|%s\n", name[0], name[1], (long long)rows, (long long)users,
                mean);
}

static char *model_rows(struct click *clicks, size_t count)
{
    qsort(clicks, count, sizeof(*clicks), compare_clicks);
    struct text text = {0};
    for (int url = 0; url < URLS; url++) {
        for (int country = 0; country < COUNTRIES; country++)
            model_group(&text, clicks, count, url, country);
    }
    return text.data;
}

/* ---- lanes ---- */

static void begin_lane(struct lane *lane, const struct setup *setup,
                       const struct sluice_transform *transform, const void *options,
                       const struct sluice_schema *input)
{
    lane->test = test_host_create();
    struct test_host *test = lane->test;
    test->clustered_by = setup->is_clustered ? "user" : NULL;
    assert_int_equal(test_plan(test, transform, options, input), SLUICE_OK);
    assert_int_equal(transform->create(&test->host, options, &lane->instance, test->error), 0);
    lane->coded = NULL;
    lane->plain = NULL;
}

static void end_lane(struct lane *lane, const struct sluice_transform *transform)
{
    transform->destroy(lane->instance);
    builder_destroy(lane->coded);
    builder_destroy(lane->plain);
    test_host_destroy(lane->test);
}

static void append_click(struct sluice_builder *builder, const struct click *click)
{
    char text[24];
    builder_string(builder, 0, text, (size_t)snprintf(text, sizeof(text), "u%d", click->user));
    builder_int64(builder, 1, click->at_us);
    if (click->url)
        builder_string(builder, 2, text, (size_t)snprintf(text, sizeof(text), "/%d", click->url));
    else
        builder_null(builder, 2);
    if (click->country)
        builder_string(builder, 3, text,
                       (size_t)snprintf(text, sizeof(text), "c,%d", click->country));
    else
        builder_null(builder, 3);
    builder_end_row(builder, -1);
}

static void flush_lane(struct lane *lane)
{
    struct sluice_builder *builders[] = {lane->coded, lane->plain};
    for (int i = 0; i < 2; i++)
        assert_int_equal(test_process(lane->test, &session_transform, lane->instance,
                                      test_finish(lane->test, builders[i]), 0),
                         SLUICE_OK);
}

static void feed_sessions(struct lane *lanes, const struct setup *setup, const struct click *clicks,
                          size_t count, uint64_t *random)
{
    for (size_t i = 0; i < count; i++) {
        struct lane *lane = &lanes[clicks[i].user % setup->session_lanes];
        append_click(test_random(random) % 3 ? lane->coded : lane->plain, &clicks[i]);
        if (test_random(random) % 100 == 0)
            flush_lane(lane);
    }
    for (int i = 0; i < setup->session_lanes; i++) {
        flush_lane(&lanes[i]);
        assert_int_equal(session_transform.finish(lanes[i].instance, lanes[i].test->error), 0);
    }
}

/* Rows first .. first + count - 1 of a batch, as of a sender. */
struct piece {
    struct test_host *from;
    int sender;
    const struct sluice_batch *batch;
    int64_t first;
    int64_t count;
};

/* Gives the rows to the lanes that the hash of the group says. */
static void exchange(struct lane *aggs, const struct setup *setup, const struct piece *piece)
{
    const struct sluice_batch *batch = piece->batch;
    struct test_host *from = piece->from;
    const int columns[] = {batch_find(batch, "url"), batch_find(batch, "country")};
    uint64_t *hashes = calloc((size_t)batch_rows(batch), sizeof(*hashes));
    int32_t *rows = calloc((size_t)piece->count, sizeof(*rows));
    assert_int_equal(batch_hash(batch, columns, 2, hashes, from->error), SLUICE_OK);
    for (int lane = 0; lane < setup->agg_lanes; lane++) {
        int64_t taken = 0;
        for (int64_t row = piece->first; row < piece->first + piece->count; row++) {
            if ((int)(hashes[row] % (uint64_t)setup->agg_lanes) == lane)
                rows[taken++] = (int32_t)row;
        }
        struct sluice_batch *part = NULL;
        if (taken)
            assert_int_equal(batch_take(&from->account, batch, rows, taken, &part, from->error),
                             SLUICE_OK);
        assert_int_equal(
            test_process(aggs[lane].test, &agg_transform, aggs[lane].instance, part, piece->sender),
            SLUICE_OK);
    }
    free(hashes);
    free(rows);
}

/* Small pieces of the senders' streams, in turns: each stays in its own order. */
static void feed_aggs(struct lane *aggs, struct lane *sessions, const struct setup *setup,
                      uint64_t *random)
{
    struct cursor {
        size_t batch;
        int64_t row;
    } cursors[MAX_LANES] = {{0, 0}};
    for (int left = setup->session_lanes; left;) {
        int sender = (int)(test_random(random) % (uint32_t)setup->session_lanes);
        struct test_host *from = sessions[sender].test;
        struct cursor *cursor = &cursors[sender];
        if (cursor->batch >= from->emitted_count) {
            left = 0;
            for (int i = 0; i < setup->session_lanes; i++)
                left += cursors[i].batch < sessions[i].test->emitted_count;
            continue;
        }
        const struct sluice_batch *batch = from->emitted[cursor->batch];
        int64_t rows_left = batch_rows(batch) - cursor->row;
        int64_t count = 1 + test_random(random) % 40;
        count = count < rows_left ? count : rows_left;
        exchange(aggs, setup, &(struct piece){from, sender, batch, cursor->row, count});
        cursor->row += count;
        if (cursor->row == batch_rows(batch))
            *cursor = (struct cursor){cursor->batch + 1, 0};
    }
}

static char *run(const struct setup *setup, const struct click *clicks, size_t count)
{
    uint64_t random = setup->seed;
    struct lane sessions[MAX_LANES];
    struct lane aggs[MAX_LANES];
    test_dictionaries_create(setup->dictionary_cap);
    struct test_host *shapes = test_host_create();
    const struct sluice_schema *plain =
        test_schema(shapes, "user:string", "at:timestamp", "url:string", "country:string", NULL);
    const struct sluice_schema *coded = test_coded_schema(shapes, plain);
    for (int i = 0; i < setup->session_lanes; i++) {
        begin_lane(&sessions[i], setup, &session_transform, &session_options, coded);
        struct test_host *test = sessions[i].test;
        assert_int_equal(sluice_builder_create(&test->host, coded, &sessions[i].coded, test->error),
                         SLUICE_OK);
        assert_int_equal(sluice_builder_create(&test->host, plain, &sessions[i].plain, test->error),
                         SLUICE_OK);
    }
    for (int i = 0; i < setup->agg_lanes; i++)
        begin_lane(&aggs[i], setup, &agg_transform, &agg_options, sessions[0].test->output_schema);
    feed_sessions(sessions, setup, clicks, count, &random);
    feed_aggs(aggs, sessions, setup, &random);
    struct text text = {0};
    for (int i = 0; i < setup->agg_lanes; i++) {
        assert_int_equal(agg_transform.finish(aggs[i].instance, aggs[i].test->error), SLUICE_OK);
        text_append(&text, test_rows(aggs[i].test, false));
        end_lane(&aggs[i], &agg_transform);
    }
    for (int i = 0; i < setup->session_lanes; i++)
        end_lane(&sessions[i], &session_transform);
    test_host_destroy(shapes);
    test_dictionaries_destroy();
    return text.data;
}

/* ---- tests ---- */

static void make_clicks(struct click *clicks, size_t count, uint64_t *random)
{
    for (size_t i = 0; i < count; i++)
        clicks[i] = (struct click){
            .user = (int)(test_random(random) % USERS),
            .at_us = INT64_C(1767225600000000) + test_random(random) % 2000 * INT64_C(90125000),
            .url = (int)(test_random(random) % URLS),
            .country = (int)(test_random(random) % COUNTRIES),
        };
}

static void the_answer_is_the_models_for_any_lanes_and_encodings(void **state)
{
    (void)state;
    enum { COUNT = 6000 };
    const struct setup setups[] = {
        {1, 1, 1000, false, 1}, {1, 1, 1000, true, 2},  {3, 1, 1000, true, 3},
        {2, 3, 1000, true, 4},  {3, 2, 1000, false, 5}, {3, 3, 20, true, 6},
        {3, 3, 20, false, 7},   {2, 2, 2, true, 8},     {3, 3, 70, true, 9},
    };
    struct click *clicks = calloc(COUNT, sizeof(*clicks));
    struct click *sorted = calloc(COUNT, sizeof(*sorted));
    uint64_t random = 11;
    make_clicks(clicks, COUNT, &random);
    memcpy(sorted, clicks, COUNT * sizeof(*clicks));
    char *model = model_rows(sorted, COUNT);
    char *expected = test_sort_lines(model);
    for (size_t i = 0; i < sizeof(setups) / sizeof(setups[0]); i++) {
        char *text = run(&setups[i], clicks, COUNT);
        char *rows = test_sort_lines(text);
        assert_string_equal(rows, expected);
        free(text);
        free(rows);
    }
    free(model);
    free(expected);
    free(clicks);
    free(sorted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_answer_is_the_models_for_any_lanes_and_encodings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
