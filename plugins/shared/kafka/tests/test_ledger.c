/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void ledger_takes_records_up_to_its_limit(void **state)
{
    struct ledger ledger = {0};
    (void)state;
    for (int i = 0; i < 10; i++)
        assert_true(ledger_add(&ledger, 100, 1000));
    assert_false(ledger_add(&ledger, 1, 1000));
    assert_int_equal(ledger.ahead_bytes, 1000);
}

static void ledger_has_room_again_once_a_chunk_was_read(void **state)
{
    struct ledger ledger = {0};
    (void)state;
    for (int i = 0; i < 2 * LEDGER_CHUNK_RECORDS; i++)
        assert_true(ledger_add(&ledger, 1, 2 * LEDGER_CHUNK_RECORDS));
    ledger_read(&ledger, LEDGER_CHUNK_RECORDS - 1);
    assert_false(ledger_add(&ledger, 1, 2 * LEDGER_CHUNK_RECORDS));
    ledger_read(&ledger, LEDGER_CHUNK_RECORDS);
    assert_int_equal(ledger.ahead_bytes, LEDGER_CHUNK_RECORDS);
    assert_true(ledger_add(&ledger, 1, 2 * LEDGER_CHUNK_RECORDS));
}

static void ledger_takes_one_record_of_any_size_when_nothing_is_ahead(void **state)
{
    struct ledger ledger = {0};
    (void)state;
    assert_true(ledger_add(&ledger, 5000, 1000));
    assert_false(ledger_add(&ledger, 1, 1000));
    ledger_read(&ledger, 1);
    assert_true(ledger_add(&ledger, 5000, 1000));
}

static void ledger_counts_a_chunk_that_was_read_and_grows_on(void **state)
{
    struct ledger ledger = {0};
    (void)state;
    for (int i = 0; i < 10; i++)
        assert_true(ledger_add(&ledger, 1, 1000));
    ledger_read(&ledger, 10);
    assert_int_equal(ledger.ahead_bytes, 0);
    for (int i = 0; i < 10; i++)
        assert_true(ledger_add(&ledger, 1, 1000));
    assert_int_equal(ledger.ahead_bytes, 10);
    ledger_read(&ledger, 5); /* going back has no effect */
    assert_int_equal(ledger.ahead_bytes, 10);
    ledger_read(&ledger, 20);
    assert_int_equal(ledger.ahead_bytes, 0);
}

static void ledger_survives_millions_of_records(void **state)
{
    struct ledger ledger = {0};
    (void)state;
    for (int64_t i = 0; i < 3000000; i++) {
        if (!ledger_add(&ledger, 300, 3 << 20)) {
            ledger_read(&ledger, i - 100);
            assert_true(ledger_add(&ledger, 300, 3 << 20));
        }
    }
    ledger_read(&ledger, 3000000);
    assert_int_equal(ledger.ahead_bytes, 0);
    assert_int_equal(ledger.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ledger_takes_records_up_to_its_limit),
        cmocka_unit_test(ledger_has_room_again_once_a_chunk_was_read),
        cmocka_unit_test(ledger_takes_one_record_of_any_size_when_nothing_is_ahead),
        cmocka_unit_test(ledger_counts_a_chunk_that_was_read_and_grows_on),
        cmocka_unit_test(ledger_survives_millions_of_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
