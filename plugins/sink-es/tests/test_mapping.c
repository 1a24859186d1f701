/* SPDX-License-Identifier: Apache-2.0 */
#include "es_fixture.h"

#include "bulk/mapping.h"

#include <stdlib.h>

static void every_type_has_its_mapping(void **state)
{
    (void)state;
    struct test_host *test = test_host_create();
    const struct sluice_schema *schema = test_schema(test, "b:bool", "i:int64", "f:float64",
                                                     "s:string", "x:binary", "t:timestamp", NULL);

    char *body = mapping_index_body(schema, 3, 0);

    assert_string_equal(
        body,
        "{\"settings\":{\"number_of_shards\":3,\"number_of_replicas\":0},\"mappings\":{"
        "\"properties\":{\"b\":{\"type\":\"boolean\"},\"i\":{\"type\":\"long\"},\"f\":{\"type\":"
        "\"double\"},\"s\":{\"type\":\"keyword\",\"ignore_above\":8191},\"x\":{\"type\":"
        "\"binary\"},\"t\":{\"type\":\"date\"}}}}");
    free(body);
    test_host_destroy(test);
}

static void a_template_names_its_pattern(void **state)
{
    (void)state;
    struct test_host *test = test_host_create();
    const struct sluice_schema *schema = test_schema(test, "n:int64", NULL);

    char *body = mapping_template_body(schema, 0, -1, (struct sluice_string){"clicks-", 7},
                                       (struct sluice_string){"-x", 2});

    assert_string_equal(body,
                        "{\"index_patterns\":[\"clicks-*-x\"],\"priority\":200,\"template\":{"
                        "\"settings\":{},\"mappings\":{\"properties\":{\"n\":{\"type\":\"long\"}}}"
                        "}}");
    free(body);
    test_host_destroy(test);
}

static void fields_of_the_servers_own_are_known(void **state)
{
    (void)state;
    assert_false(mapping_is_field_name("_id"));
    assert_false(mapping_is_field_name("_source"));
    assert_false(mapping_is_field_name(""));
    assert_true(mapping_is_field_name("_key"));
    assert_true(mapping_is_field_name("url"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_has_its_mapping),
        cmocka_unit_test(a_template_names_its_pattern),
        cmocka_unit_test(fields_of_the_servers_own_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
