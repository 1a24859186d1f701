/* SPDX-License-Identifier: Apache-2.0 */
/* Rows as JSON and in templates. */
#include "batch_fixture.h"

#include <math.h>
#include <string.h>

static void a_row_is_one_json_object(void **state)
{
    (void)state;
    struct sluice_builder *builder = create_builder();
    builder_int64(builder, 0, -7);
    builder_string(builder, 1, "a\"b\\c\n\t\r\x01\xc3\xa9/", 12);
    builder_null(builder, 2);
    builder_bool(builder, 3, true);
    builder_float64(builder, 4, INFINITY);
    builder_string(builder, 5, "\0\xff\x10z", 4);
    builder_int64(builder, 6, 1500000);
    builder_end_row(builder, 0);
    struct sluice_batch *batch = finish_batch(builder);
    struct text text = {0};
    format_row_json(batch, 0, &text);
    assert_string_equal(text_get(&text),
                        "{\"id\":-7,\"name\":\"a\\\"b\\\\c\\n\\t\\r\\u0001\xc3\xa9/\",\"url\":null,"
                        "\"ok\":true,\"score\":\"Infinity\",\"raw\":\"AP8Qeg==\","
                        "\"time\":\"1970-01-01T00:00:01.500Z\"}");
    text_reset(&text);
    batch_release(batch);
    builder_destroy(builder);
}

static void assert_prefix(const struct sluice_template *made, const char *expected)
{
    struct sluice_string prefix, suffix;
    template_ends(made, &prefix, &suffix);
    assert_int_equal(prefix.size, strlen(expected));
    assert_memory_equal(prefix.bytes, expected, prefix.size);
}

static void templates_render_rows(void **state)
{
    (void)state;
    struct arena *arena = arena_create();
    struct sluice_builder *builder = create_builder();
    for (int i = 0; i < 2; i++) {
        append_row(builder, 1);
        builder_drop_row(builder);
        builder_int64(builder, 0, 12);
        builder_null(builder, 1);
        if (i == 0) {
            builder_string(builder, 2, "../a/b%\n.c\\", 11);
        } else {
            builder_null(builder, 2);
        }
        builder_bool(builder, 3, false);
        builder_float64(builder, 4, 1.5);
        builder_string(builder, 5, "\xff.", 2);
        builder_int64(builder, 6, 1709251199000000);
        builder_end_row(builder, 0);
    }
    struct sluice_batch *batch = finish_batch(builder);
    struct sluice_template *made =
        template_parse(arena, "{{x}}/dt={time:%Y-%m/%d}/{url}-{id}-{raw}.{score}", error);
    assert_non_null(made);
    assert_int_equal(template_column_count(made), 5);
    assert_string_equal(template_column(made, 1), "url");
    assert_null(template_column(made, 5));
    assert_string_equal(template_column_pattern(made, 0), "%Y-%m/%d");
    assert_null(template_column_pattern(made, 1));
    assert_prefix(made, "{x}/dt=");
    struct text text = {0};
    assert_int_equal(template_render(made, batch, 0, true, &text, error), SLUICE_OK);
    assert_string_equal(text_get(&text), "{x}/dt=2024-02/29/%2E.%2Fa%2Fb%25%0A.c%5C-12-%FF..1.5");
    text_clear(&text);
    assert_int_equal(template_render(made, batch, 0, false, &text, error), SLUICE_OK);
    assert_string_equal(text_get(&text), "{x}/dt=2024-02/29/../a/b%\n.c\\-12-\xff..1.5");
    assert_int_equal(template_render(made, batch, 1, true, &text, error), SLUICE_REJECT);
    assert_string_equal(error_field(error, SLUICE_AT_COLUMN), "url");
    made = template_parse(arena, "{absent}", error);
    assert_int_equal(template_render(made, batch, 0, true, &text, error), SLUICE_FATAL);
    made = template_parse(arena, "", error);
    assert_prefix(made, "");
    text_reset(&text);
    batch_release(batch);
    builder_destroy(builder);
    arena_destroy(arena);
}

static void template_mistakes_name_their_place(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"a{", "character 2"},    {"abc{url", "character 4"}, {"{}", "character 2"},
        {"{:%Y}", "character 2"}, {"{time:}", "character 6"}, {"{time:%Q}", "character 7"},
        {"a}b", "character 2"},   {"{a{b}}", "character 1"},  {"{{{", "character 3"},
    };
    struct arena *arena = arena_create();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_null(template_parse(arena, rows[i][0], error));
        assert_int_equal(error_status(error), SLUICE_CONFIG);
        if (!strstr(error_message(error), rows[i][1])) {
            fail_msg("%s: %s", rows[i][0], error_message(error));
        }
    }
    arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_row_is_one_json_object),
        FIXTURE_TEST(templates_render_rows),
        FIXTURE_TEST(template_mistakes_name_their_place),
    };
    return cmocka_run_group_tests_name("row_text", tests, NULL, NULL);
}
