/* SPDX-License-Identifier: Apache-2.0 */
#include "es_fixture.h"

#include "bulk/document_id.h"

static void hash_row(struct es_fixture *fixture, const struct fixture_row *row, size_t columns,
                     char id[DOCUMENT_ID_DIGITS + 1])
{
    struct sluice_column views[2];
    struct sluice_buffer scratch = {0};
    struct sluice_batch *batch = fixture_batch(fixture, row, 1);
    for (int i = 0; i < 2; i++) {
        sluice_batch_column(&fixture->test->host, batch, i, &views[i]);
    }
    assert_int_equal(document_id_hash(&fixture->test->host, views, columns, 0, &scratch, id),
                     SLUICE_OK);
    id[DOCUMENT_ID_DIGITS] = '\0';
    sluice_buffer_free(&fixture->test->host, &scratch);
    sluice_batch_release(&fixture->test->host, batch);
}

/* These ids are in users' indexes: another value here is a break of every one of them. */
static void ids_never_change(void **state)
{
    (void)state;
    static const struct {
        struct fixture_row row;
        size_t columns;
        const char *id;
    } cases[] = {
        {{"/home", 7}, 1, "68b265c919eb3a729cd75ba5375506f2"},
        {{"/home", 7}, 2, "1eae21f0d0a50a3c151a173ca0782ed1"},
        {{"", 7}, 1, "fa3f5392c40387fb428516d12156e7b6"},
        {{NULL, 7}, 1, "a6cd5e9392000f6ac44bdff4074eecdb"},
    };
    struct es_fixture fixture;
    fixture_init(&fixture);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char id[DOCUMENT_ID_DIGITS + 1];
        hash_row(&fixture, &cases[i].row, cases[i].columns, id);
        assert_string_equal(id, cases[i].id);
    }
    fixture_end(&fixture);
}

static void the_key_depends_on_index_and_id(void **state)
{
    (void)state;
    struct sluice_string a = {"a", 1};
    struct sluice_string b = {"b", 1};
    struct sluice_string none = {NULL, 0};
    struct document_key same = document_key(a, b);
    assert_true(document_key(a, b).low == same.low && document_key(a, b).high == same.high);
    assert_true(document_key(b, b).low != same.low);
    assert_true(document_key(a, a).low != same.low);
    assert_true(document_key(none, b).low != same.low);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_never_change),
        cmocka_unit_test(the_key_depends_on_index_and_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
