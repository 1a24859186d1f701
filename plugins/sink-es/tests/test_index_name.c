/* SPDX-License-Identifier: Apache-2.0 */
#include "es_fixture.h"

#include "index_name.h"

static void names_follow_the_rules_of_the_servers(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "clicks-2026.01.02", "sites_de", "t\xc3\xa9st", "1+1"};
    static const char *const bad[] = {"",    "Clicks", "a b",  "a/b", "..",  ".hidden",
                                      "-a",  "_a",     "+a",   "a*",  "a,b", "a#",
                                      "a:b", "a\nb",   "a\"b", "a\\b"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_null(index_name_fault(good[i], strlen(good[i])));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_non_null(index_name_fault(bad[i], strlen(bad[i])));
    }
    char longest[257];
    memset(longest, 'a', sizeof(longest));
    assert_null(index_name_fault(longest, 255));
    assert_non_null(index_name_fault(longest, 256));
    assert_non_null(index_name_fault("a\0b", 3));
}

static void a_template_shows_what_its_names_have_in_common(void **state)
{
    (void)state;
    static const struct {
        const char *template_;
        bool is_literal;
        const char *prefix;
        const char *suffix;
    } cases[] = {
        {"clicks", true, "clicks", ""},
        {"clicks-{at:%Y-%m}", false, "clicks-", ""},
        {"clicks-{at:%d}-{at:%H}-x", false, "clicks-", "-x"},
        {"{name}", false, "", ""},
        {"n-{n}-{name}-end", false, "n-", "-end"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct es_fixture fixture;
        struct index_pattern pattern;
        fixture_init(&fixture);
        fixture_index(&fixture, cases[i].template_);
        pattern.is_literal = sluice_template_ends(&fixture.test->host, fixture.options.index,
                                                  &pattern.prefix, &pattern.suffix);
        assert_int_equal(pattern.is_literal, cases[i].is_literal);
        assert_int_equal(pattern.prefix.size, strlen(cases[i].prefix));
        assert_int_equal(pattern.suffix.size, strlen(cases[i].suffix));
        assert_memory_equal(pattern.prefix.bytes, cases[i].prefix, pattern.prefix.size);
        assert_memory_equal(pattern.suffix.bytes, cases[i].suffix, pattern.suffix.size);
        fixture_end(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_follow_the_rules_of_the_servers),
        cmocka_unit_test(a_template_shows_what_its_names_have_in_common),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
