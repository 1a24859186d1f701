/* SPDX-License-Identifier: Apache-2.0 */
/* Pages made from option tables. */
#include "planned.h"

#include <jansson.h>
#include <string.h>

static const struct component *find(enum sluice_kind kind, const char *name)
{
    const struct component *component = NULL;
    struct sluice_error *error = error_create();
    assert_int_equal(loader_find(planned_loader(), kind, name, &component, error), SLUICE_OK);
    error_destroy(error);
    return component;
}

static void assert_holds(const struct text *text, const char *expected)
{
    if (!strstr(text_get(text), expected))
        fail_msg("`%s` is not in:\n%s", expected, text_get(text));
}

static void help_shows_every_option_with_its_default_and_range(void **state)
{
    (void)state;
    struct text text = {0};
    reference_print_text(find(SLUICE_KIND_SOURCE, "source-rows"), &text);
    assert_holds(&text, "source-rows (source)\n  Rows of a schema.\n");
    assert_holds(&text,
                 "  schema: schema, required\n      A SCHEMA | value.\n      Example: schema: x\n");
    assert_holds(&text, "  limit: whole number (rows), default 7, 1 to 100\n");
    assert_holds(&text, "  mode: one of append, replace, default append\n");
    assert_holds(&text, "  logins: mapping of texts, secret\n");
    text_reset(&text);
}

static void a_sinks_page_says_what_it_guarantees(void **state)
{
    (void)state;
    struct text text = {0};
    reference_print_markdown(find(SLUICE_KIND_SINK, "sink-any"), &text);
    assert_holds(&text, "# sink-any\n\nTakes anything.\n\nDelivery: exactly once.\n");
    text_reset(&text);
}

static void markdown_tables_survive_bars(void **state)
{
    (void)state;
    struct text text = {0};
    reference_print_markdown(find(SLUICE_KIND_SOURCE, "source-rows"), &text);
    assert_holds(
        &text,
        "| `mode` | one of `append`, `replace`, default `append` | A ENUM \\| value. | `x` |\n");
    text_reset(&text);
}

static void the_json_schema_knows_every_component(void **state)
{
    (void)state;
    struct text text = {0};
    reference_print_json_schema(planned_loader(), &text);
    json_error_t error;
    json_t *root = json_loads(text_get(&text), JSON_REJECT_DUPLICATES, &error);
    assert_non_null(root);
    assert_string_equal(json_string_value(json_object_get(root, "$schema")),
                        "https://json-schema.org/draft/2020-12/schema");
    json_t *all = json_object_get(root, "$defs");
    const char *const names[] = {"source-rows", "transform-count", "sink-any", "codec-lines",
                                 "codec",       "schema",          "flow"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_non_null(json_object_get(all, names[i]));
    json_t *required = json_object_get(json_object_get(all, "source-rows"), "required");
    assert_string_equal(json_string_value(json_array_get(required, 0)), "schema");
    json_decref(root);
    text_reset(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_shows_every_option_with_its_default_and_range),
        cmocka_unit_test(a_sinks_page_says_what_it_guarantees),
        cmocka_unit_test(markdown_tables_survive_bars),
        cmocka_unit_test(the_json_schema_knows_every_component),
    };
    return cmocka_run_group_tests(tests, planned_begin, planned_end);
}
