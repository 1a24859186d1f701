/* SPDX-License-Identifier: Apache-2.0 */
/* Bad files, and what is said of them. */
#include "planned.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mistake {
    const char *name; /* a sentence */
    const char *text;
    const char *expected; /* stands in what is printed */
};

#define SOURCE "source-rows: {schema: {user: string, url: string, at: timestamp, n: int64}}"
#define FLOW_HEAD "pipeline: p\nflows:\n  f:\n    steps:\n"
/* One flow: line 5 is the source, line 6 what is tested, then a sink. */
#define STEP(step) FLOW_HEAD "      - " SOURCE "\n      - " step "\n"
#define STEP_AND_SINK(step) STEP(step) "      - sink-any\n"
/* An option of source-rows at 6:9, its value behind `name: `. */
#define OPTION(option)                                                                             \
    FLOW_HEAD "      - source-rows:\n          schema: {a: int64}\n          " option              \
              "\n      - sink-any\n"
#define SCHEMA(column)                                                                             \
    "pipeline: p\nschemas:\n  s:\n    " column                                                     \
    "\nflows: {f: {steps: [{source-rows: {schema: s}}, sink-any]}}\n"

static const struct mistake mistakes[] = {
#include "mistakes.inc"
};

static void report_difference(const struct mistake *mistake, const struct planned *planned)
{
    fprintf(stderr, "--- %s\n%s--- expected\n%s\n--- printed\n%s", mistake->name, mistake->text,
            mistake->expected, text_get(&planned->printed));
}

static void every_mistake_has_its_place_and_its_words(void **state)
{
    (void)state;
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        struct planned planned = plan_text(mistakes[i].text);
        bool is_right = planned.status == SLUICE_CONFIG &&
                        strstr(text_get(&planned.printed), mistakes[i].expected);
        if (!is_right)
            report_difference(&mistakes[i], &planned);
        wrong += !is_right;
        planned_reset(&planned);
    }
    assert_int_equal(wrong, 0);
}

static void one_mistake_makes_one_message(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        struct planned planned = plan_text(mistakes[i].text);
        if (diagnostics_error_count(planned.diagnostics) != 1)
            report_difference(&mistakes[i], &planned);
        assert_int_equal(diagnostics_error_count(planned.diagnostics), 1);
        planned_reset(&planned);
    }
}

static void all_mistakes_come_in_one_pass_in_the_order_of_the_file(void **state)
{
    (void)state;
    struct planned planned = plan_text("pipelin: p\n"
                                       "settings: {lanes: 99, memry: 1GiB}\n"
                                       "schemas: {s: {a: strin}}\n"
                                       "flows:\n"
                                       "  f:\n"
                                       "    steps:\n"
                                       "      - source-rows: {limit: many, mode: appnd}\n"
                                       "      - transform-same: {looks: a}\n"
                                       "      - sink-any: {name: '{a'}\n");
    const char *const expected[] = {
        "t.yaml:1:1: error: the file needs a name",
        "t.yaml:1:1: error: unknown key `pipelin`",
        "t.yaml:2:19: error: option `lanes`",
        "t.yaml:2:23: error: unknown option `memry`",
        "t.yaml:3:18: error: column `a` of schema `s`: there is no type `strin`",
        "t.yaml:7:9: error: source-rows needs the option `schema`",
        "t.yaml:7:30: error: option `limit`",
        "t.yaml:7:42: error: option `mode`",
        "t.yaml:8:26: error: unknown option `looks`",
        "t.yaml:9:26: error: option `name` of sink-any",
    };
    const char *at = text_get(&planned.printed);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        const char *found = strstr(text_get(&planned.printed), expected[i]);
        if (!found)
            fprintf(stderr, "missing: %s\nin:\n%s", expected[i], text_get(&planned.printed));
        assert_non_null(found);
        at = i > 1 && found < at ? NULL : found;
        assert_non_null(at);
    }
    planned_reset(&planned);
}

static void a_mistake_shows_its_line_with_a_caret(void **state)
{
    (void)state;
    struct planned planned = plan_text(STEP_AND_SINK("transform-same: {lok: user}"));
    assert_string_equal(text_get(&planned.printed),
                        "t.yaml:6:26: error: unknown option `lok` of transform-same; did you mean "
                        "`look`?\n"
                        "    6 |       - transform-same: {lok: user}\n"
                        "      |                          ^~~\n");
    planned_reset(&planned);
}

static void a_long_line_is_cut_around_its_mistake(void **state)
{
    (void)state;
    struct text text = {0};
    text_append(&text,
                "pipeline: p\nflows: {f: {steps: [{source-rows: {schema: {a: int64}, text: '");
    for (int i = 0; i < 300; i++)
        text_append_char(&text, 'x');
    text_append(&text, "', limit: 1000}}, sink-any]}}\n");
    struct planned planned = plan_text(text_get(&text));
    const char *line = strstr(text_get(&planned.printed), "    2 | …xxx");
    assert_non_null(line);
    const char *caret = strstr(line, "      | ");
    assert_non_null(caret);
    /* "…" is three bytes, but one column. */
    assert_int_equal(strchr(caret, '^') - caret, strstr(line, "1000") - line - 2);
    assert_non_null(strstr(caret, "^~~~\n"));
    text_reset(&text);
    planned_reset(&planned);
}

static void a_secret_is_never_shown(void **state)
{
    (void)state;
    const char *const texts[] = {
        FLOW_HEAD "      - source-rows: {schema: {a: int64}, secret: hunter2, limt: 3}\n"
                  "      - sink-any\n",
        FLOW_HEAD "      - source-rows: {schema: {a: int64}, logins: {me: hunter2}, limt: 3}\n"
                  "      - sink-any\n",
        FLOW_HEAD "      - source-unknown: {password: hunter2}\n      - sink-any\n",
        FLOW_HEAD "      - source-rows: {schema: {a: int64}, limit: '${file:secret}'}\n"
                  "      - sink-any\n",
        FLOW_HEAD "      - source-rows: {schema: {a: int64}, mode: '${file:secret}'}\n"
                  "      - sink-any\n",
    };
    write_file("secret", "hunter2\n", 8);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct planned planned = plan_text(texts[i]);
        assert_int_equal(planned.status, SLUICE_CONFIG);
        if (strstr(text_get(&planned.printed), "hunter2"))
            fprintf(stderr, "%s", text_get(&planned.printed));
        assert_null(strstr(text_get(&planned.printed), "hunter2"));
        planned_reset(&planned);
    }
}

static void more_than_fifty_mistakes_are_counted_but_not_shown(void **state)
{
    (void)state;
    struct text text = {0};
    text_append(&text, "pipeline: p\nflows: {f: {steps: [{source-rows: {schema: {a: int64}}}, "
                       "sink-any]}}\nschemas:\n");
    for (int i = 0; i < 70; i++)
        text_printf(&text, "  s%d: {a: nothing}\n", i);
    struct planned planned = plan_text(text_get(&text));
    assert_int_equal(diagnostics_error_count(planned.diagnostics), 70);
    assert_non_null(strstr(text_get(&planned.printed), "t.yaml:53:"));
    assert_null(strstr(text_get(&planned.printed), "t.yaml:54:"));
    assert_non_null(strstr(text_get(&planned.printed), "… and 20 more\n"));
    text_reset(&text);
    planned_reset(&planned);
}

static void two_pipelines_of_one_name_are_a_mistake(void **state)
{
    (void)state;
    const char *text = STEP_AND_SINK("transform-same");
    const char *const files[] = {"t.yaml", "u.yaml"};
    write_file("t.yaml", text, strlen(text));
    write_file("u.yaml", text, strlen(text));
    struct planned planned = plan_files(files, 2);
    assert_non_null(strstr(text_get(&planned.printed),
                           "u.yaml:1:11: error: the pipeline of t.yaml is named `p` too"));
    planned_reset(&planned);
}

static void a_file_that_is_not_there_is_named(void **state)
{
    (void)state;
    const char *const files[] = {"absent.yaml"};
    struct planned planned = plan_files(files, 1);
    assert_int_equal(planned.status, SLUICE_CONFIG);
    assert_non_null(strstr(text_get(&planned.printed), "absent.yaml: error: cannot read"));
    planned_reset(&planned);
}

static void an_unknown_flow_is_an_error_with_a_hint(void **state)
{
    (void)state;
    const char *text = "pipeline: p\nflows: {ingest: {steps: [source-decides, sink-any]}}\n";
    struct planned planned = plan_bytes(text, strlen(text), false, "ingst");
    assert_string_equal(text_get(&planned.printed),
                        "error: there is no flow `ingst`; did you mean `ingest`?\n");
    planned_reset(&planned);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mistake_has_its_place_and_its_words),
        cmocka_unit_test(one_mistake_makes_one_message),
        cmocka_unit_test(all_mistakes_come_in_one_pass_in_the_order_of_the_file),
        cmocka_unit_test(a_mistake_shows_its_line_with_a_caret),
        cmocka_unit_test(a_long_line_is_cut_around_its_mistake),
        cmocka_unit_test(a_secret_is_never_shown),
        cmocka_unit_test(more_than_fifty_mistakes_are_counted_but_not_shown),
        cmocka_unit_test(two_pipelines_of_one_name_are_a_mistake),
        cmocka_unit_test(a_file_that_is_not_there_is_named),
        cmocka_unit_test(an_unknown_flow_is_an_error_with_a_hint),
    };
    return cmocka_run_group_tests(tests, planned_begin, planned_end);
}
