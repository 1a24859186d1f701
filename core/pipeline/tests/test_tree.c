/* SPDX-License-Identifier: Apache-2.0 */
/* Reading YAML into a tree, and variables in it. */
#include "planned.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct reading {
    struct arena *arena;
    struct diagnostics *diagnostics;
    struct node *root;
    enum sluice_status status;
};

static struct reading read_bytes(const char *bytes, size_t size)
{
    struct reading reading = {.arena = arena_create(), .diagnostics = diagnostics_create()};
    assert_non_null(reading.arena);
    assert_non_null(reading.diagnostics);
    reading.status =
        tree_parse(reading.arena, "t", bytes, size, reading.diagnostics, &reading.root);
    return reading;
}

static struct reading read_text(const char *text)
{
    return read_bytes(text, strlen(text));
}

static void finish(struct reading *reading)
{
    arena_destroy(reading->arena);
    diagnostics_destroy(reading->diagnostics);
}

static void assert_mistake(struct reading *reading, const char *expected)
{
    struct text printed = {0};
    diagnostics_print(reading->diagnostics, false, &printed);
    assert_int_equal(reading->status, SLUICE_CONFIG);
    if (!strstr(text_get(&printed), expected))
        fail_msg("%s is not in %s", expected, text_get(&printed));
    text_reset(&printed);
    finish(reading);
}

static void every_node_knows_its_place(void **state)
{
    (void)state;
    struct reading reading = read_text("a: b\nlist:\n  - {x: 1}\n");
    assert_int_equal(reading.status, SLUICE_OK);
    struct node *key;
    const struct node *list = node_get(reading.root, "list", &key);
    assert_int_equal(key->span.mark.line, 2);
    assert_int_equal(list->span.mark.line, 3);
    const struct node *x = node_get(list->items[0], "x", &key);
    assert_int_equal(key->span.mark.column, 6);
    assert_int_equal(x->span.mark.column, 9);
    assert_string_equal(x->text, "1");
    finish(&reading);
}

static void json_is_accepted(void **state)
{
    (void)state;
    struct reading reading =
        read_text("{\n\t\"a\": [1, true, null, \"\\u00e4\\n\"],\n\t\"b\": {\"c\": \"d\"}\n}\n");
    assert_int_equal(reading.status, SLUICE_OK);
    const struct node *list = node_get(reading.root, "a", NULL);
    assert_int_equal(list->count, 4);
    assert_true(node_is_null(list->items[2]));
    assert_string_equal(list->items[3]->text, "ä\n");
    finish(&reading);
}

static void a_byte_order_mark_and_cr_lf_are_fine(void **state)
{
    (void)state;
    struct reading reading = read_text("\xEF\xBB\xBF"
                                       "a: 1\r\nb: 2\r\n");
    assert_int_equal(reading.status, SLUICE_OK);
    struct node *key;
    assert_string_equal(node_get(reading.root, "b", &key)->text, "2");
    assert_int_equal(key->span.mark.line, 2);
    assert_int_equal(key->span.mark.column, 1);
    finish(&reading);
}

static void a_nul_byte_is_refused_with_its_place(void **state)
{
    (void)state;
    struct reading reading = read_bytes("a: 1\nb: \0", 9);
    assert_mistake(&reading, "t:2:4: error: a NUL byte");
}

static void an_alias_is_the_anchors_node(void **state)
{
    (void)state;
    struct reading reading = read_text("a: &x {k: v}\nb: *x\n");
    assert_int_equal(reading.status, SLUICE_OK);
    assert_ptr_equal(node_get(reading.root, "a", NULL), node_get(reading.root, "b", NULL));
    finish(&reading);
}

static void a_billion_laughs_are_refused(void **state)
{
    (void)state;
    struct text text = {0};
    text_append(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 12; i++)
        text_printf(&text, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i,
                    i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    struct reading reading = read_text(text_get(&text));
    text_reset(&text);
    assert_mistake(&reading, "aliases expand the file to more than 100000 values");
}

static void depth_is_limited(void **state)
{
    (void)state;
    char text[200] = {0};
    memset(text, '[', 65);
    struct reading deep = read_text(text);
    assert_mistake(&deep, "t:1:65: error: lists and mappings are nested deeper than 64 levels");
    memset(text + 64, ']', 64);
    struct reading fine = read_text(text);
    assert_int_equal(fine.status, SLUICE_OK);
    assert_int_equal(fine.root->height, 64);
    finish(&fine);
}

static void depth_counts_what_aliases_add(void **state)
{
    (void)state;
    struct text text = {0};
    text_append(&text, "a: &a ");
    for (int i = 0; i < 40; i++)
        text_append(&text, "[");
    for (int i = 0; i < 40; i++)
        text_append(&text, "]");
    text_append(&text, "\nb: ");
    for (int i = 0; i < 30; i++)
        text_append(&text, "[");
    text_append(&text, "*a");
    for (int i = 0; i < 30; i++)
        text_append(&text, "]");
    struct reading reading = read_text(text_get(&text));
    text_reset(&text);
    assert_mistake(&reading, "t:2:34: error: lists and mappings are nested deeper than 64 levels");
}

static void size_and_count_are_limited(void **state)
{
    (void)state;
    size_t size = TREE_MAX_BYTES + 1;
    char *bytes = malloc(size);
    assert_non_null(bytes);
    memset(bytes, ' ', size);
    struct reading large = read_bytes(bytes, size);
    assert_mistake(&large, "t: error: the file is larger than 1048576 bytes");
    bytes[0] = '[';
    for (size_t i = 1; i + 1 < size; i += 2)
        memcpy(bytes + i, "a,", 2);
    struct reading many = read_bytes(bytes, size - 1);
    assert_mistake(&many, "the file holds more than 100000 values");
    free(bytes);
}

static void many_keys_are_compared_fast(void **state)
{
    (void)state;
    struct text text = {0};
    for (int i = 0; i < 40000; i++)
        text_printf(&text, "key%d: 1\n", i);
    text_append(&text, "key39999: 2\n");
    clock_t begun = clock(); /* of the processor: others may keep it busy */
    struct reading reading = read_text(text_get(&text));
    text_reset(&text);
    assert_mistake(&reading,
                   "t:40001:1: error: key `key39999` is given twice; first at line 40000");
    assert_true(clock() - begun < 5 * CLOCKS_PER_SEC);
}

/* ---- variables ---- */

struct substitution_case {
    const char *given;
    const char *expected;
};

static void variables_are_replaced_in_values(void **state)
{
    (void)state;
    static const struct substitution_case cases[] = {
        {"'${SLUICE_T_SET}'", "value: with, {structure}"},
        {"'<${SLUICE_T_SET}|${SLUICE_T_SET}>'",
         "<value: with, {structure}|value: with, {structure}>"},
        {"'${SLUICE_T_UNSET:-default}'", "default"},
        {"'${SLUICE_T_UNSET:-}'", ""},
        {"'${SLUICE_T_UNSET:-a:-b}'", "a:-b"},
        {"'${SLUICE_T_UNSET:-$$5}'", "$5"},
        {"'${SLUICE_T_EMPTY:-default}'", "default"},
        {"'${SLUICE_T_EMPTY}'", ""},
        {"'${SLUICE_T_SET:-default}'", "value: with, {structure}"},
        {"'$$'", "$"},
        {"'$${SLUICE_T_SET}'", "${SLUICE_T_SET}"},
        {"'$$$${x'", "$${x"},
        {"'costs $5 and $'", "costs $5 and $"},
        {"'${file:secret}'", "s3cret"},
        {"'${file:secret}-${SLUICE_T_UNSET:-x}'", "s3cret-x"},
        {"plain", "plain"},
    };
    setenv("SLUICE_T_SET", "value: with, {structure}", 1);
    setenv("SLUICE_T_EMPTY", "", 1);
    unsetenv("SLUICE_T_UNSET");
    write_file("secret", "s3cret\n", 7);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct reading reading = read_text(cases[i].given);
        assert_int_equal(reading.status, SLUICE_OK);
        tree_substitute(reading.arena, reading.root, false, reading.diagnostics);
        assert_int_equal(diagnostics_error_count(reading.diagnostics), 0);
        assert_string_equal(reading.root->text, cases[i].expected);
        assert_int_equal(reading.root->kind, NODE_SCALAR);
        assert_true(reading.root->is_secret == (strstr(cases[i].given, "file:") != NULL));
        finish(&reading);
    }
}

static void only_one_newline_is_taken_from_a_secret(void **state)
{
    (void)state;
    write_file("secret", "a\n\r\n", 4);
    struct reading reading = read_text("'${file:secret}'");
    tree_substitute(reading.arena, reading.root, false, reading.diagnostics);
    assert_string_equal(reading.root->text, "a\n");
    finish(&reading);
}

static void a_secret_with_a_nul_is_refused(void **state)
{
    (void)state;
    write_file("secret", "a\0b", 3);
    struct reading reading = read_text("'${file:secret}'");
    tree_substitute(reading.arena, reading.root, false, reading.diagnostics);
    assert_int_equal(diagnostics_error_count(reading.diagnostics), 1);
    finish(&reading);
}

static void keys_are_left_alone(void **state)
{
    (void)state;
    struct reading reading = read_text("'${SLUICE_T_SET}': 1\n");
    tree_substitute(reading.arena, reading.root, false, reading.diagnostics);
    assert_non_null(node_get(reading.root, "${SLUICE_T_SET}", NULL));
    finish(&reading);
}

static void a_check_needs_no_environment(void **state)
{
    (void)state;
    struct reading reading = read_text("['${SLUICE_T_UNSET}', '${file:absent}', '${A_B:-x}']");
    tree_substitute(reading.arena, reading.root, true, reading.diagnostics);
    assert_int_equal(diagnostics_error_count(reading.diagnostics), 0);
    assert_true(reading.root->items[0]->is_placeholder);
    assert_true(reading.root->items[1]->is_placeholder);
    assert_false(reading.root->items[2]->is_placeholder);
    finish(&reading);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_node_knows_its_place),
        cmocka_unit_test(json_is_accepted),
        cmocka_unit_test(a_byte_order_mark_and_cr_lf_are_fine),
        cmocka_unit_test(a_nul_byte_is_refused_with_its_place),
        cmocka_unit_test(an_alias_is_the_anchors_node),
        cmocka_unit_test(a_billion_laughs_are_refused),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(depth_counts_what_aliases_add),
        cmocka_unit_test(size_and_count_are_limited),
        cmocka_unit_test(many_keys_are_compared_fast),
        cmocka_unit_test(variables_are_replaced_in_values),
        cmocka_unit_test(only_one_newline_is_taken_from_a_secret),
        cmocka_unit_test(a_secret_with_a_nul_is_refused),
        cmocka_unit_test(keys_are_left_alone),
        cmocka_unit_test(a_check_needs_no_environment),
    };
    return cmocka_run_group_tests(tests, planned_begin, planned_end);
}
