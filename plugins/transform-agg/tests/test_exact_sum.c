/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../exact_sum.h"
#include "test_host/test_host.h"

static double sum_of(struct test_host *test, const double *values, size_t count)
{
    struct exact_sum sum = {0};
    for (size_t i = 0; i < count; i++)
        assert_true(exact_sum_add(&test->host, &sum, values[i]));
    double value = exact_sum_value(&sum);
    exact_sum_reset(&test->host, &sum);
    return value;
}

static void a_sum_is_rounded_once(void **state)
{
    struct test_host *test = *state;
    const struct {
        double values[6];
        double expected;
    } cases[] = {
        {{0.1, 0.1, 0.1, 0, 0, 0}, 0.30000000000000004},
        {{1e16, 1, -1e16, 0, 0, 0}, 1},
        {{1e300, 1, -1e300, 1e-300, 0, 0}, 1},
        {{1e300, 1e-320, -1e300, 0, 0, 0}, 1e-320},
        {{DBL_MAX, DBL_MAX, -DBL_MAX, -DBL_MAX, 0.5, 0}, 0.5},
        {{DBL_MIN / 4, DBL_MIN / 4, 0, 0, 0, 0}, DBL_MIN / 2},
        {{-1e17, -1, -1, 0, 0, 0}, -1e17},
        {{-1e17, -9, 0, 0, 0, 0}, -100000000000000016.0},
        {{9007199254740992.0, 1, 1, 0, 0, 0}, 9007199254740994.0},
        {{9007199254740992.0, 1, 1e-200, 0, 0, 0}, 9007199254740994.0},
        {{9007199254740992.0, 1, 0, 0, 0, 0}, 9007199254740992.0},
        {{-9007199254740992.0, -1, -1e-200, 0, 0, 0}, -9007199254740994.0},
        {{-0.0, 0, 0, 0, 0, 0}, 0},
        {{DBL_MAX, DBL_MAX, 0, 0, 0, 0}, INFINITY},
        {{INFINITY, 1, -1e308, 0, 0, 0}, INFINITY},
        {{-INFINITY, 1, 0, 0, 0, 0}, -INFINITY},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        double value = sum_of(test, cases[i].values, 6);
        if (value != cases[i].expected)
            fail_msg("case %zu: %.17g is not %.17g", i, value, cases[i].expected);
    }
    assert_true(isnan(sum_of(test, (const double[]){INFINITY, -INFINITY}, 2)));
    assert_true(isnan(sum_of(test, (const double[]){NAN, 1}, 2)));
}

static uint64_t next_random(uint64_t *random)
{
    *random = *random * UINT64_C(6364136223846793005) + 1442695040888963407;
    return *random ^ *random >> 29;
}

static void a_sum_does_not_depend_on_the_order(void **state)
{
    struct test_host *test = *state;
    enum { COUNT = 2000 };
    static double values[COUNT];
    uint64_t random = 1;
    for (size_t i = 0; i < COUNT; i++) {
        int exponent = (int)(next_random(&random) % (i % 2 ? 40 : 1800)) - (i % 2 ? 20 : 900);
        double mantissa = (double)(int64_t)next_random(&random) / 9.3e18;
        values[i] = ldexp(mantissa, exponent);
    }
    double expected = sum_of(test, values, COUNT);
    for (int round = 0; round < 20; round++) {
        for (size_t i = COUNT - 1; i > 0; i--) {
            size_t j = next_random(&random) % (i + 1);
            double swapped = values[i];
            values[i] = values[j];
            values[j] = swapped;
        }
        double value = sum_of(test, values, COUNT);
        assert_memory_equal(&value, &expected, sizeof(value));
    }
}

static void many_large_values_do_not_overflow_the_fixed_part(void **state)
{
    struct test_host *test = *state;
    struct exact_sum sum = {0};
    for (int i = 0; i < 1000; i++)
        assert_true(exact_sum_add(&test->host, &sum, ldexp(1, 53) + 2));
    assert_true(exact_sum_value(&sum) == 1000 * (ldexp(1, 53) + 2));
    assert_true(exact_sum_mean(&sum, 1000) == ldexp(1, 53) + 2);
    exact_sum_reset(&test->host, &sum);
}

static void a_mean_may_fit_where_its_sum_does_not(void **state)
{
    struct test_host *test = *state;
    struct exact_sum sum = {0};
    for (int i = 0; i < 4; i++)
        assert_true(exact_sum_add(&test->host, &sum, DBL_MAX));
    assert_true(isinf(exact_sum_value(&sum)));
    assert_true(exact_sum_mean(&sum, 4) == DBL_MAX);
    exact_sum_reset(&test->host, &sum);
}

static void integers_may_pass_int64_on_the_way(void **state)
{
    (void)state;
    struct exact_sum sum = {0};
    int64_t value;
    exact_sum_add_int64(&sum, INT64_MAX);
    exact_sum_add_int64(&sum, INT64_MAX);
    assert_false(exact_sum_int64(&sum, &value));
    assert_true(exact_sum_mean_int64(&sum, 2) == (double)INT64_MAX);
    exact_sum_add_int64(&sum, INT64_MIN);
    exact_sum_add_int64(&sum, INT64_MIN);
    assert_true(exact_sum_int64(&sum, &value));
    assert_int_equal(value, -2);
    exact_sum_add_int64(&sum, INT64_MIN + 2);
    assert_true(exact_sum_int64(&sum, &value));
    assert_true(value == INT64_MIN);
    exact_sum_add_int64(&sum, -1);
    assert_false(exact_sum_int64(&sum, &value));
}

static int create_host(void **state)
{
    test_dictionaries_create(10);
    *state = test_host_create();
    return 0;
}

static int destroy_host(void **state)
{
    test_host_destroy(*state);
    test_dictionaries_destroy();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sum_is_rounded_once),
        cmocka_unit_test(a_sum_does_not_depend_on_the_order),
        cmocka_unit_test(many_large_values_do_not_overflow_the_fixed_part),
        cmocka_unit_test(a_mean_may_fit_where_its_sum_does_not),
        cmocka_unit_test(integers_may_pass_int64_on_the_way),
    };
    return cmocka_run_group_tests(tests, create_host, destroy_host);
}
