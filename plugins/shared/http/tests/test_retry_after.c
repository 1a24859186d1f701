/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/exchange.h"

static void retry_after_reads_seconds_and_dates(void **state)
{
    (void)state;
    const int64_t now_ms = 1700000000000; /* 2023-11-14 22:13:20 UTC */
    static const struct {
        const char *value;
        int64_t delay_ms;
    } cases[] = {
        {"0", 0},
        {"120", 120000},
        {"  7  ", 7000},
        {"999999999999999999999999", 86400000},
        {"86400", 86400000},
        {"Tue, 14 Nov 2023 22:13:50 GMT", 30000},
        {"Tue, 14 Nov 2023 22:13:00 GMT", 0},
        {"Fri, 14 Nov 2053 22:13:00 GMT", 86400000},
        {"1.5", -1},
        {"-3", -1},
        {"soon", -1},
        {"", -1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(retry_after_parse(cases[i].value, now_ms), cases[i].delay_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(retry_after_reads_seconds_and_dates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
