/* SPDX-License-Identifier: Apache-2.0 */
/* The embedded index: what is on disk after each step, and after a crash in between. */
#include "es_fixture.h"

#include "embedded/embedded_merge.h"

#include <stdlib.h>
#include <unistd.h>

struct folder_case {
    struct es_fixture fixture;
    char folder[32];
    char text[4096];
};

static void start(struct folder_case *folder_case)
{
    fixture_init(&folder_case->fixture);
    snprintf(folder_case->folder, sizeof(folder_case->folder), "/tmp/sluice-embedded-XXXXXX");
    assert_non_null(mkdtemp(folder_case->folder));
    snprintf(folder_case->fixture.url, sizeof(folder_case->fixture.url), "file:%s/idx",
             folder_case->folder);
    folder_case->fixture.options.id.count = 0;
    folder_case->fixture.options.id_template = template_parse(
        folder_case->fixture.test->arena, "{name}", folder_case->fixture.test->error);
}

static void open_sink(struct folder_case *folder_case)
{
    assert_int_equal(fixture_create(&folder_case->fixture), SLUICE_OK);
    assert_int_equal(es_sink.open(folder_case->fixture.sink, folder_case->fixture.test->error),
                     SLUICE_OK);
}

static void recover(struct folder_case *folder_case, uint64_t checkpoint)
{
    struct sluice_recovery recovery = {
        .struct_size = sizeof(recovery), .member = "m1", .checkpoint = checkpoint};
    assert_int_equal(es_sink.recover(folder_case->fixture.sink, &recovery, NULL,
                                     folder_case->fixture.test->error),
                     SLUICE_OK);
}

static void end(struct folder_case *folder_case)
{
    char command[128];
    fixture_end(&folder_case->fixture);
    snprintf(command, sizeof(command), "rm -r %s", folder_case->folder);
    assert_int_equal(system(command), 0);
}

/* Content of the index, "" where it does not exist. */
static const char *content(struct folder_case *folder_case, const char *index)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/idx/%s.ndjson", folder_case->folder, index);
    FILE *file = fopen(path, "r");
    size_t size = file ? fread(folder_case->text, 1, sizeof(folder_case->text) - 1, file) : 0;
    folder_case->text[size] = '\0';
    if (file) {
        fclose(file);
    }
    return folder_case->text;
}

#define LINE(name, n, at)                                                                          \
    "{\"_id\":\"" name "\",\"name\":\"" name "\",\"n\":" n ",\"at\":\"1970-01-01T00:00:" at "Z\"}" \
    "\n"

static void the_last_write_of_an_id_wins_at_commit(void **state)
{
    (void)state;
    struct folder_case folder_case;
    const struct fixture_row first[] = {{"a", 1}, {"b", 2}, {"a", 3}};
    const struct fixture_row second[] = {{"c", 4}, {"b", 5}};
    start(&folder_case);
    open_sink(&folder_case);

    assert_int_equal(fixture_write(&folder_case.fixture, first, 3), SLUICE_OK);
    assert_int_equal(fixture_stage(&folder_case.fixture, 1), SLUICE_OK);
    assert_string_equal(content(&folder_case, "test"), "");
    assert_int_equal(fixture_commit(&folder_case.fixture, 1), SLUICE_OK);
    assert_string_equal(content(&folder_case, "test"), LINE("a", "3", "03") LINE("b", "2", "02"));
    assert_int_equal(fixture_commit(&folder_case.fixture, 1), SLUICE_OK);

    assert_int_equal(fixture_write(&folder_case.fixture, second, 2), SLUICE_OK);
    assert_int_equal(fixture_stage(&folder_case.fixture, 2), SLUICE_OK);
    assert_int_equal(fixture_commit(&folder_case.fixture, 2), SLUICE_OK);
    assert_string_equal(content(&folder_case, "test"),
                        LINE("a", "3", "03") LINE("b", "5", "05") LINE("c", "4", "04"));

    fixture_stop(&folder_case.fixture);
    char staged[128];
    snprintf(staged, sizeof(staged), "%s/idx/.staged", folder_case.folder);
    assert_int_not_equal(access(staged, F_OK), 0);
    end(&folder_case);
}

static void a_stage_builds_on_one_that_is_not_committed_yet(void **state)
{
    (void)state;
    struct folder_case folder_case;
    start(&folder_case);
    open_sink(&folder_case);

    assert_int_equal(fixture_write(&folder_case.fixture, &(struct fixture_row){"a", 1}, 1),
                     SLUICE_OK);
    assert_int_equal(fixture_stage(&folder_case.fixture, 9), SLUICE_OK);
    assert_int_equal(fixture_write(&folder_case.fixture, &(struct fixture_row){"b", 2}, 1),
                     SLUICE_OK);
    assert_int_equal(fixture_stage(&folder_case.fixture, 10), SLUICE_OK);
    assert_int_equal(fixture_commit(&folder_case.fixture, 9), SLUICE_OK);
    assert_int_equal(fixture_commit(&folder_case.fixture, 10), SLUICE_OK);

    assert_string_equal(content(&folder_case, "test"), LINE("a", "1", "01") LINE("b", "2", "02"));
    end(&folder_case);
}

static void recovery_finishes_the_decided_checkpoint_and_drops_the_rest(void **state)
{
    (void)state;
    for (uint64_t decided = 0; decided <= 2; decided++) {
        static const char *const expected[] = {"", LINE("a", "1", "01"),
                                               LINE("a", "1", "01") LINE("b", "2", "02")};
        struct folder_case folder_case;
        start(&folder_case);
        open_sink(&folder_case);
        assert_int_equal(fixture_write(&folder_case.fixture, &(struct fixture_row){"a", 1}, 1),
                         SLUICE_OK);
        assert_int_equal(fixture_stage(&folder_case.fixture, 1), SLUICE_OK);
        assert_int_equal(fixture_write(&folder_case.fixture, &(struct fixture_row){"b", 2}, 1),
                         SLUICE_OK);
        assert_int_equal(fixture_stage(&folder_case.fixture, 2), SLUICE_OK);
        assert_int_equal(fixture_write(&folder_case.fixture, &(struct fixture_row){"c", 3}, 1),
                         SLUICE_OK);
        fixture_stop(&folder_case.fixture); /* the crash */

        open_sink(&folder_case);
        recover(&folder_case, decided);
        recover(&folder_case, decided);

        assert_string_equal(content(&folder_case, "test"), expected[decided]);
        fixture_stop(&folder_case.fixture);
        end(&folder_case);
    }
}

static void create_leaves_a_document_that_is_there(void **state)
{
    (void)state;
    struct folder_case folder_case;
    const struct fixture_row rows[] = {{"a", 1}, {"a", 2}};
    start(&folder_case);
    folder_case.fixture.options.action = ES_CREATE;
    open_sink(&folder_case);

    for (uint64_t checkpoint = 1; checkpoint <= 2; checkpoint++) {
        assert_int_equal(fixture_write(&folder_case.fixture, rows, 2), SLUICE_OK);
        assert_int_equal(fixture_stage(&folder_case.fixture, checkpoint), SLUICE_OK);
        assert_int_equal(fixture_commit(&folder_case.fixture, checkpoint), SLUICE_OK);
    }

    assert_string_equal(content(&folder_case, "test"), LINE("a", "1", "01"));
    end(&folder_case);
}

static void each_index_name_has_its_file(void **state)
{
    (void)state;
    struct folder_case folder_case;
    const struct fixture_row rows[] = {{"x", 1}, {"../evil", 2}, {"y", 3}};
    start(&folder_case);
    fixture_index(&folder_case.fixture, "{name}");
    open_sink(&folder_case);

    assert_int_equal(fixture_write(&folder_case.fixture, rows, 3), SLUICE_OK);
    assert_int_equal(folder_case.fixture.test->verdicts[1], SLUICE_VERDICT_REJECT);
    assert_int_equal(fixture_stage(&folder_case.fixture, 1), SLUICE_OK);
    assert_int_equal(fixture_commit(&folder_case.fixture, 1), SLUICE_OK);

    assert_string_equal(content(&folder_case, "x"), LINE("x", "1", "01"));
    assert_string_equal(content(&folder_case, "y"), LINE("y", "3", "03"));
    end(&folder_case);
}

static void a_foreign_file_is_not_overwritten(void **state)
{
    (void)state;
    struct folder_case folder_case;
    char path[128];
    start(&folder_case);
    open_sink(&folder_case);
    snprintf(path, sizeof(path), "%s/idx/test.ndjson", folder_case.folder);
    FILE *file = fopen(path, "w");
    fputs("{\"mine\":1}\n", file);
    fclose(file);

    assert_int_equal(fixture_write(&folder_case.fixture, &(struct fixture_row){"a", 1}, 1),
                     SLUICE_OK);
    assert_int_equal(fixture_stage(&folder_case.fixture, 1), SLUICE_FATAL);

    assert_string_equal(content(&folder_case, "test"), "{\"mine\":1}\n");
    end(&folder_case);
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    enum sluice_status status = SLUICE_FATAL;
    for (int64_t allowed = 0; status != SLUICE_OK; allowed++) {
        struct folder_case folder_case;
        start(&folder_case);
        status = fixture_live_with(&folder_case.fixture, allowed, true);
        assert_true(allowed < 1000);
        end(&folder_case);
    }
}

static void ids_of_lines_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *id;
    } cases[] = {
        {"{\"_id\":\"a\",\"x\":1}", "a"},
        {"{\"_id\":\"a\\\"b\"}", "a\\\"b"},
        {"{\"_id\":\"\"}", ""},
        {"{\"_id\":\"a", NULL},
        {"{\"_id\":\"a\\", NULL},
        {"{\"x\":1}", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sluice_string id = embedded_line_id(cases[i].line, strlen(cases[i].line));
        assert_int_equal(id.bytes != NULL, cases[i].id != NULL);
        if (cases[i].id) {
            assert_int_equal(id.size, strlen(cases[i].id));
            assert_memory_equal(id.bytes, cases[i].id, id.size);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_write_of_an_id_wins_at_commit),
        cmocka_unit_test(a_stage_builds_on_one_that_is_not_committed_yet),
        cmocka_unit_test(recovery_finishes_the_decided_checkpoint_and_drops_the_rest),
        cmocka_unit_test(create_leaves_a_document_that_is_there),
        cmocka_unit_test(each_index_name_has_its_file),
        cmocka_unit_test(a_foreign_file_is_not_overwritten),
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(ids_of_lines_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
