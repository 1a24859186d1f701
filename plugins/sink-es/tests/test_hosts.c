/* SPDX-License-Identifier: Apache-2.0 */
#include "es_fixture.h"

#include "cluster/hosts.h"

static void urls_are_checked_without_showing_secrets(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        enum sluice_status status;
    } cases[] = {
        {"http://localhost:9200", SLUICE_OK},
        {"https://search.example.com/prefix/", SLUICE_OK},
        {"HTTP://[::1]:9200//", SLUICE_OK},
        {"localhost:9200", SLUICE_CONFIG},
        {"ftp://localhost", SLUICE_CONFIG},
        {"http://", SLUICE_CONFIG},
        {"http://aladdin:sesame@localhost", SLUICE_CONFIG},
        {"http://localhost/?q=sesame", SLUICE_CONFIG},
        {"file:folder", SLUICE_CONFIG},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct test_host *test = test_host_create();
        struct hosts hosts;
        const char *const urls[] = {"http://other", cases[i].url};
        struct sluice_strings list = {2, urls};
        assert_int_equal(hosts_init(&hosts, &test->host, &list, test->error), cases[i].status);
        assert_null(strstr(error_message(test->error), "sesame"));
        if (cases[i].status == SLUICE_OK) {
            assert_int_not_equal(hosts.items[1].url[strlen(hosts.items[1].url) - 1], '/');
        }
        hosts_reset(&hosts, &test->host);
        test_host_destroy(test);
    }
}

static void hosts_take_turns_and_failed_ones_wait(void **state)
{
    (void)state;
    struct test_host *test = test_host_create();
    struct hosts hosts;
    const char *const urls[] = {"http://a", "http://b", "http://c"};
    struct sluice_strings list = {3, urls};
    assert_int_equal(hosts_init(&hosts, &test->host, &list, test->error), SLUICE_OK);

    assert_int_equal(hosts_pick(&hosts, 0), 0);
    assert_int_equal(hosts_pick(&hosts, 0), 1);
    hosts_note_failure(&hosts, 2, 0);
    assert_int_equal(hosts_pick(&hosts, 10), 0);
    assert_int_equal(hosts_pick(&hosts, 10), 1);
    assert_int_equal(hosts_pick(&hosts, 1000), 2);
    hosts_note_failure(&hosts, 2, 1000);           /* aside until 3000 */
    hosts_note_failure(&hosts, 0, 1000);           /* until 2000 */
    hosts_note_failure(&hosts, 1, 1500);           /* until 2500 */
    assert_int_equal(hosts_pick(&hosts, 1600), 0); /* nobody is left: the first to come back */
    hosts_note_success(&hosts, 1);
    assert_int_equal(hosts_pick(&hosts, 1600), 1);
    hosts_reset(&hosts, &test->host);
    test_host_destroy(test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_are_checked_without_showing_secrets),
        cmocka_unit_test(hosts_take_turns_and_failed_ones_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
