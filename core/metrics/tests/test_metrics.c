/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "metrics/metrics.h"

static const char *const labels_of_rows[] = {"flow", "step", NULL};
static const struct metric_family rows_total = {.name = "sluice_rows_total",
                                                .kind = SLUICE_METRIC_COUNTER,
                                                .unit = "rows",
                                                .text = "Rows \\ \"read\".",
                                                .labels = labels_of_rows};
static const double two_bounds[] = {0.5, 1};
static const struct metric_family delay = {.name = "sluice_delay_seconds",
                                           .kind = SLUICE_METRIC_HISTOGRAM,
                                           .unit = "seconds",
                                           .text = "Delay.",
                                           .bounds = two_bounds,
                                           .bound_count = 2};

static void assert_text(const struct snapshot *snapshot, enum exposition_format format,
                        const char *expected)
{
    struct text text = {0};
    exposition_append(snapshot, format, &text);
    assert_string_equal(text_get(&text), expected);
    text_reset(&text);
}

static void a_counter_is_written_for_prometheus_and_for_openmetrics(void **state)
{
    (void)state;
    struct snapshot *snapshot = snapshot_create();
    snapshot_add(snapshot, &rows_total, (const char *const[]){"clicks", "parse"}, 12345678901.0);
    assert_text(snapshot, EXPOSITION_PROMETHEUS,
                "# HELP sluice_rows_total Rows \\\\ \"read\".\n"
                "# TYPE sluice_rows_total counter\n"
                "sluice_rows_total{flow=\"clicks\",step=\"parse\"} 12345678901\n");
    assert_text(snapshot, EXPOSITION_OPENMETRICS,
                "# HELP sluice_rows Rows \\\\ \\\"read\\\".\n"
                "# TYPE sluice_rows counter\n"
                "# UNIT sluice_rows rows\n"
                "sluice_rows_total{flow=\"clicks\",step=\"parse\"} 12345678901\n"
                "# EOF\n");
    snapshot_destroy(snapshot);
}

static void buckets_are_added_up_and_end_at_infinity(void **state)
{
    (void)state;
    struct snapshot *snapshot = snapshot_create();
    struct histogram histogram = {0};
    histogram_observe(&histogram, &delay, 0.5, 2); /* a bound belongs to its bucket */
    histogram_observe(&histogram, &delay, 0.75, 1);
    histogram_observe(&histogram, &delay, 40, 1);
    snapshot_add_histogram(snapshot, &delay, NULL, &histogram);
    assert_text(snapshot, EXPOSITION_PROMETHEUS,
                "# HELP sluice_delay_seconds Delay.\n"
                "# TYPE sluice_delay_seconds histogram\n"
                "sluice_delay_seconds_bucket{le=\"0.5\"} 2\n"
                "sluice_delay_seconds_bucket{le=\"1.0\"} 3\n"
                "sluice_delay_seconds_bucket{le=\"+Inf\"} 4\n"
                "sluice_delay_seconds_sum 41.75\n"
                "sluice_delay_seconds_count 4\n");
    snapshot_destroy(snapshot);
}

static void assert_label(const char *value, const char *expected)
{
    struct snapshot *snapshot = snapshot_create();
    struct text text = {0};
    char line[1024];
    snapshot_add(snapshot, &rows_total, (const char *const[]){value, "s"}, 1);
    exposition_append(snapshot, EXPOSITION_PROMETHEUS, &text);
    snprintf(line, sizeof(line), "\nsluice_rows_total{flow=\"%s\",step=\"s\"} 1\n", expected);
    assert_non_null(strstr(text_get(&text), line));
    text_reset(&text);
    snapshot_destroy(snapshot);
}

static void no_label_value_can_forge_a_line(void **state)
{
    (void)state;
    assert_label("a\"} 1\nforged{b=\"c", "a\\\"} 1\\nforged{b=\\\"c");
    assert_label("back\\slash", "back\\\\slash");
    assert_label("bell\a", "bell?");
    assert_label("Z\xc3\xbcrich", "Z\xc3\xbcrich");
    assert_label("\xff", "?");
    assert_label(NULL, "");
}

static void a_long_label_value_is_cut_between_characters(void **state)
{
    (void)state;
    char value[400] = "";
    char expected[400] = "";
    memset(value, 'a', 255);
    memcpy(expected, value, 255);
    memcpy(value + 255, "\xc3\xbc", 3);
    assert_label(value, expected);
}

static void numbers_are_exact_or_shortest(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0, "0"},           {-0.0, "0"},         {1e15, "1000000000000000"},
                 {0.1, "0.1"},       {INFINITY, "+Inf"},  {-INFINITY, "-Inf"},
                 {-3, "-3"},         {9007199254740991.0, "9007199254740991"}};
    static const struct metric_family gauge = {
        .name = "g", .kind = SLUICE_METRIC_GAUGE, .text = "G."};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct snapshot *snapshot = snapshot_create();
        char expected[128];
        snprintf(expected, sizeof(expected), "# HELP g G.\n# TYPE g gauge\ng %s\n", cases[i].text);
        snapshot_add(snapshot, &gauge, NULL, cases[i].value);
        assert_text(snapshot, EXPOSITION_PROMETHEUS, expected);
        snapshot_destroy(snapshot);
    }
}

static void what_has_no_value_is_absent(void **state)
{
    (void)state;
    struct snapshot *snapshot = snapshot_create();
    snapshot_add(snapshot, &rows_total, (const char *const[]){"f", "s"}, NAN);
    assert_text(snapshot, EXPOSITION_OPENMETRICS, "# EOF\n");
    snapshot_destroy(snapshot);
}

static void the_accept_header_chooses_the_format(void **state)
{
    (void)state;
    static const struct {
        const char *accept;
        enum exposition_format format;
    } cases[] = {
        {NULL, EXPOSITION_PROMETHEUS},
        {"", EXPOSITION_PROMETHEUS},
        {"*/*", EXPOSITION_PROMETHEUS},
        {"text/html", EXPOSITION_PROMETHEUS},
        {"application/openmetrics-text", EXPOSITION_OPENMETRICS},
        {"application/openmetrics-text; version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
         EXPOSITION_OPENMETRICS},
        {"application/openmetrics-text;version=1.0.0;q=0.4,text/plain;q=0.5",
         EXPOSITION_PROMETHEUS},
        {"application/openmetrics-text;q=0", EXPOSITION_PROMETHEUS},
        {",,,;q=", EXPOSITION_PROMETHEUS},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_int_equal(exposition_choose(cases[i].accept), cases[i].format);
    }
}

/* ---- registry ---- */

static void collect_two(void *user, struct snapshot *snapshot)
{
    static const struct metric_family z = {.name = "z", .kind = SLUICE_METRIC_GAUGE, .text = "Z."};
    snapshot_add(snapshot, &z, NULL, *(int *)user);
    snapshot_add(snapshot, &rows_total, (const char *const[]){"f", "s"}, 1);
}

static void a_snapshot_is_sorted_and_can_be_asked(void **state)
{
    (void)state;
    struct registry registry = {0};
    int value = 7;
    registry_add(&registry, collect_two, &value);
    struct snapshot *snapshot = registry_collect(&registry);
    value = 8;
    assert_string_equal(snapshot->families[0].family.name, "sluice_rows_total");
    const struct metric_samples *samples = snapshot_find(snapshot, "z");
    assert_true(samples->samples[0].value == 7);
    samples = snapshot_find(snapshot, "sluice_rows_total");
    assert_string_equal(sample_label(samples, 0, "step"), "s");
    assert_null(sample_label(samples, 0, "color"));
    assert_null(snapshot_find(snapshot, "absent"));
    snapshot_destroy(snapshot);
}

static void the_process_tells_of_itself(void **state)
{
    (void)state;
    static const char *const names[] = {"process_cpu_seconds_total",
                                        "process_resident_memory_bytes",
                                        "process_virtual_memory_bytes",
                                        "process_open_fds",
                                        "process_max_fds",
                                        "process_threads",
                                        "process_start_time_seconds"};
    struct registry registry = {0};
    registry_add(&registry, process_collect, NULL);
    struct snapshot *snapshot = registry_collect(&registry);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        const struct metric_samples *samples = snapshot_find(snapshot, names[i]);
        assert_non_null(samples);
        assert_true(samples->samples[0].value >= 0);
    }
    double started_s = snapshot_find(snapshot, "process_start_time_seconds")->samples[0].value;
    assert_true(fabs((double)clock_wall_ms() / 1000 - started_s) < 3600);
    snapshot_destroy(snapshot);
}

/* ---- series ---- */

enum { ROW_LAG = 0, ROW_MESSAGES, ROW_DURATION, ROW_COUNT };

static const char *const partition_label[] = {"partition", NULL};
static const struct sluice_metric rows[] = {
    [ROW_LAG] = {"lag_messages", SLUICE_METRIC_GAUGE, "messages", "Lag.", partition_label, NULL, 0},
    [ROW_MESSAGES] = {"messages_total", SLUICE_METRIC_COUNTER, "messages", "Messages.", NULL, NULL,
                      0},
    [ROW_DURATION] = {"request_seconds", SLUICE_METRIC_HISTOGRAM, "seconds", "Time.", NULL,
                      two_bounds, 2},
};

struct seen {
    size_t count;
    size_t row;
    double value;
    uint64_t observed;
    char label[32];
};

static void see(void *user, size_t row, const char *const *labels, double value,
                const struct histogram *histogram)
{
    struct seen *seen = user;
    seen->count++;
    seen->row = row;
    seen->value = value;
    seen->observed = histogram ? histogram->counts[0] : 0;
    snprintf(seen->label, sizeof(seen->label), "%s", labels[0] ? labels[0] : "");
}

static struct seen look(const struct series_table *table)
{
    struct seen seen = {0};
    series_visit(table, see, &seen);
    return seen;
}

static void a_series_without_a_value_is_not_visited(void **state)
{
    (void)state;
    const char *const labels[] = {"3"};
    struct series_table *table = series_create(rows, ROW_COUNT);
    assert_int_equal(look(table).count, 0);
    series_set(table, ROW_LAG, labels, 17);
    assert_int_equal(look(table).count, 1);
    assert_string_equal(look(table).label, "3");
    assert_true(look(table).value == 17);
    series_set(table, ROW_LAG, labels, NAN);
    assert_int_equal(look(table).count, 0);
    series_set(table, ROW_LAG, labels, 5);
    series_clear_gauges(table);
    assert_int_equal(look(table).count, 0);
    series_destroy(table);
}

static void a_counter_counts_on_and_never_back(void **state)
{
    (void)state;
    struct series_table *table = series_create(rows, ROW_COUNT);
    series_add(table, ROW_MESSAGES, NULL, 2);
    series_add(table, ROW_MESSAGES, NULL, 3);
    series_add(table, ROW_MESSAGES, NULL, -1);
    series_set(table, ROW_MESSAGES, NULL, 0);
    series_clear_gauges(table);
    assert_true(look(table).value == 5);
    series_destroy(table);
}

static void an_observation_lands_in_its_bucket(void **state)
{
    (void)state;
    struct series_table *table = series_create(rows, ROW_COUNT);
    series_observe(table, ROW_DURATION, NULL, 0.25);
    series_add(table, ROW_DURATION, NULL, 1); /* not what a histogram is for */
    assert_int_equal(look(table).observed, 1);
    series_destroy(table);
}

static void series_beyond_the_bound_are_counted_and_left_out(void **state)
{
    (void)state;
    struct series_table *table = series_create(rows, ROW_COUNT);
    for (int i = 0; i < SERIES_PER_ROW_MAX + 3; i++) {
        char partition[16];
        snprintf(partition, sizeof(partition), "%d", i);
        series_set(table, ROW_LAG, (const char *const[]){partition}, i);
    }
    series_add(table, ROW_COUNT, NULL, 1); /* no such row */
    assert_int_equal(look(table).count, SERIES_PER_ROW_MAX);
    assert_int_equal(series_left_out(table), 4);
    series_destroy(table);
}

enum { WRITERS = 4, ROUNDS = 20000 };

static void *write_many(void *table)
{
    for (int i = 0; i < ROUNDS; i++) {
        char partition[16];
        snprintf(partition, sizeof(partition), "%d", i % 50);
        series_set(table, ROW_LAG, (const char *const[]){partition}, i);
        series_add(table, ROW_MESSAGES, NULL, 1);
        series_observe(table, ROW_DURATION, NULL, 0.1);
    }
    return NULL;
}

static void many_threads_write_while_one_reads(void **state)
{
    (void)state;
    struct series_table *table = series_create(rows, ROW_COUNT);
    pthread_t threads[WRITERS];
    for (size_t i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, table), 0);
    }
    for (int i = 0; i < 200; i++) {
        look(table);
    }
    for (size_t i = 0; i < WRITERS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(look(table).count, 52);
    assert_int_equal(look(table).observed, WRITERS * ROUNDS);
    series_destroy(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_counter_is_written_for_prometheus_and_for_openmetrics),
        cmocka_unit_test(buckets_are_added_up_and_end_at_infinity),
        cmocka_unit_test(no_label_value_can_forge_a_line),
        cmocka_unit_test(a_long_label_value_is_cut_between_characters),
        cmocka_unit_test(numbers_are_exact_or_shortest),
        cmocka_unit_test(what_has_no_value_is_absent),
        cmocka_unit_test(the_accept_header_chooses_the_format),
        cmocka_unit_test(a_snapshot_is_sorted_and_can_be_asked),
        cmocka_unit_test(the_process_tells_of_itself),
        cmocka_unit_test(a_series_without_a_value_is_not_visited),
        cmocka_unit_test(a_counter_counts_on_and_never_back),
        cmocka_unit_test(an_observation_lands_in_its_bucket),
        cmocka_unit_test(series_beyond_the_bound_are_counted_and_left_out),
        cmocka_unit_test(many_threads_write_while_one_reads),
    };
    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
