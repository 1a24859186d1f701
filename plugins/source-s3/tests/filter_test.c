/* SPDX-License-Identifier: Apache-2.0 */
/* Which keys source-s3 reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../source.h"

static void hidden_names_and_folder_marks_are_left_out(void **state)
{
    (void)state;
    static const char *const hidden[] = {"_SUCCESS", "a/_tmp/x", ".hidden", "a/.x", "folder/", ""};
    static const char *const visible[] = {"a", "a/b.json", "a_b/c.d", "dt=_/x"};
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++) {
        assert_true(key_is_hidden(hidden[i]));
    }
    for (size_t i = 0; i < sizeof visible / sizeof visible[0]; i++) {
        assert_false(key_is_hidden(visible[i]));
    }
}

static void suffix_is_compared_at_the_end(void **state)
{
    (void)state;
    assert_true(key_has_suffix("a.json.gz", ".gz"));
    assert_false(key_has_suffix("gz", ".gz"));
    assert_true(key_has_suffix("a", ""));
}

#define HOURS (INT64_C(3600) * 1000)
#define DAY_2024_02_29 INT64_C(1709164800000)

static void partition_ends_where_the_next_begins(void **state)
{
    (void)state;
    static const struct {
        const char *partition, *key;
        int64_t end_ms;
    } cases[] = {
        {"dt={timestamp:%Y-%m-%d}", "dt=2024-02-29/x", DAY_2024_02_29 + 24 * HOURS},
        {"dt={timestamp:%F}/", "dt=2024-02-29/x", DAY_2024_02_29 + 24 * HOURS},
        {"dt={t:%Y-%m-%d}/hour={t:%H}", "dt=2024-02-29/hour=23/x", DAY_2024_02_29 + 24 * HOURS},
        {"dt={t:%Y-%m-%d}/hour={t:%H}", "dt=2024-02-29/hour=00/a/x", DAY_2024_02_29 + HOURS},
        {"{country}/{t:%Y}/{t:%m}", "a%2Fb/2024/02/x", DAY_2024_02_29 + 24 * HOURS},
        {"c={country}-{t:%Y%m%d}", "c=DE-20240229/x", DAY_2024_02_29 + 24 * HOURS},
        {"{t:%Y}", "2023/x", INT64_C(1704067200000)},
        {"{{{t:%F}}}", "{2024-02-29}/x", DAY_2024_02_29 + 24 * HOURS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t end_ms;
        assert_true(partition_end_ms(cases[i].partition, cases[i].key, &end_ms));
        assert_int_equal(end_ms, cases[i].end_ms);
    }
}

static void keys_of_another_shape_do_not_fit(void **state)
{
    (void)state;
    static const char *const keys[] = {"",
                                       "x",
                                       "dt=2024-02-2/x",
                                       "dt=2024-02-29",
                                       "dt=20240229/x",
                                       "DT=2024-02-29/x",
                                       "dt=2024-02-29x/x"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        int64_t end_ms;
        assert_false(partition_end_ms("dt={timestamp:%Y-%m-%d}", keys[i], &end_ms));
    }
}

static void templates_that_cannot_tell_a_time_are_refused(void **state)
{
    (void)state;
    assert_null(partition_check("dt={timestamp:%Y-%m-%d}/hour={timestamp:%H}"));
    assert_null(partition_check("dt={timestamp:%F}"));
    assert_non_null(partition_check("{country}"));
    assert_non_null(partition_check("{t:%s}"));
    assert_non_null(partition_check("{t:%Y"));
    assert_non_null(partition_check("{t:%Y%"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hidden_names_and_folder_marks_are_left_out),
        cmocka_unit_test(suffix_is_compared_at_the_end),
        cmocka_unit_test(partition_ends_where_the_next_begins),
        cmocka_unit_test(keys_of_another_shape_do_not_fit),
        cmocka_unit_test(templates_that_cannot_tell_a_time_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
