/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "loader/loader.h"

static const char *const names[] = {"topics", "group", "brokers", "start", "id"};

static const char *nearest(const char *wanted)
{
    return nearest_name(wanted, names, sizeof names / sizeof *names);
}

static void a_missing_an_extra_and_a_wrong_letter_are_near(void **state)
{
    (void)state;
    assert_string_equal(nearest("topcs"), "topics");
    assert_string_equal(nearest("brookers"), "brokers");
    assert_string_equal(nearest("gruup"), "group");
}

static void swapped_neighbours_count_as_one_mistake(void **state)
{
    (void)state;
    assert_string_equal(nearest("satrt"), "start");
    assert_string_equal(nearest("grouP"), "group");
}

static void a_name_that_is_far_from_all_has_no_neighbour(void **state)
{
    (void)state;
    assert_null(nearest("compression"));
    assert_null(nearest("xy"));
    assert_null(nearest_name("topics", NULL, 0));
}

static void very_long_names_are_not_measured(void **state)
{
    (void)state;
    char name[200];
    for (size_t i = 0; i < sizeof name - 1; i++) {
        name[i] = 't';
    }
    name[sizeof name - 1] = '\0';
    assert_null(nearest(name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_an_extra_and_a_wrong_letter_are_near),
        cmocka_unit_test(swapped_neighbours_count_as_one_mistake),
        cmocka_unit_test(a_name_that_is_far_from_all_has_no_neighbour),
        cmocka_unit_test(very_long_names_are_not_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
