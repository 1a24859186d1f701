/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of a topic to rows, with and without the columns that are kept. */
#include "csv_options.h"
#include "parse_options.h"
#include "test_host/test_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct csv_options csv = {
    .delimiter = ",", .quote = "\"", .header = true, .max_record_bytes = 1000};
static const struct sluice_codec_choice format = {"csv", &csv_codec, &csv};
static const char *const kept_names[] = {"offset"};

struct story {
    struct test_host *test;
    struct parse_options options;
    struct sluice_batch *input;
};

static void story_begin(struct story *story, size_t kept)
{
    *story = (struct story){.test = test_host_create()};
    struct test_host *test = story->test;
    story->options =
        (struct parse_options){.format = &format,
                               .schema = test_schema(test, "a:string!", "b:int64!", NULL),
                               .column = "value",
                               .keep = {kept, kept_names}};
    test->input_schema = test_schema(test, "key:binary", "value:binary", "offset:int64", NULL);
    struct sluice_builder *builder;
    builder_create(&test->account, NULL, test->input_schema, &builder, test->error);
    builder_origin(builder, "clicks", 3);
    static const char *const messages[] = {"x,1", "bad", NULL, "y,2"};
    for (int i = 0; i < 4; i++) {
        builder_null(builder, 0);
        if (messages[i]) {
            builder_string(builder, 1, messages[i], strlen(messages[i]));
        } else {
            builder_null(builder, 1);
        }
        builder_int64(builder, 2, 100 + i);
        builder_end_row(builder, 100 + i);
    }
    builder_finish(builder, &story->input, test->error);
    builder_destroy(builder);
}

/* Plans, runs the batch through an instance that gives out `output` (NULL: as planned). */
static void story_run(struct story *story, const struct sluice_schema *output)
{
    struct test_host *test = story->test;
    assert_int_equal(
        parse_transform.plan(&test->host, &story->options, test_host_planning(test), test->error),
        SLUICE_OK);
    test->output_schema = output ? output : test->planned;
    void *instance;
    assert_int_equal(parse_transform.create(&test->host, &story->options, &instance, test->error),
                     SLUICE_OK);
    assert_int_equal(parse_transform.process(instance, story->input, test->error), SLUICE_OK);
    parse_transform.destroy(instance);
}

static void story_end(struct story *story)
{
    batch_release(story->input);
    test_host_destroy(story->test);
}

static void good_messages_go_on_and_bad_ones_say_where_they_were(void **state)
{
    (void)state;
    struct story story;
    story_begin(&story, 0);
    story_run(&story, NULL);
    struct test_host *test = story.test;
    assert_int_equal(test->emitted_count, 1);
    assert_int_equal(batch_rows(test->emitted[0]), 2);
    assert_string_equal(test_row(test, test->emitted[0], 0), "x|1");
    assert_string_equal(test_row(test, test->emitted[0], 1), "y|2");
    struct sluice_origin origin;
    int64_t position;
    assert_true(batch_origin(test->emitted[0], 1, &origin, &position));
    assert_string_equal(origin.name, "clicks");
    assert_int_equal(origin.partition, 3);
    assert_int_equal(position, 103);
    assert_int_equal(test->reject_count, 2);
    assert_int_equal(test->rejects[0].code, SLUICE_CODE_CSV_COLUMNS);
    assert_string_equal(test->rejects[0].original, "bad");
    assert_int_equal(test->rejects[0].position, 101);
    assert_int_equal(test->rejects[1].code, SLUICE_CODE_FIELD_MISSING);
    assert_int_equal(test->rejects[1].partition, 3);
    story_end(&story);
}

static void kept_columns_stay_with_their_rows(void **state)
{
    (void)state;
    struct story story;
    story_begin(&story, 1);
    story_run(&story, NULL);
    struct test_host *test = story.test;
    assert_string_equal(test_row(test, test->emitted[0], 0), "x|1|100");
    assert_string_equal(test_row(test, test->emitted[0], 1), "y|2|103");
    story_end(&story);
}

static void columns_that_nobody_reads_are_left_out_but_checked(void **state)
{
    (void)state;
    struct story story;
    story_begin(&story, 1);
    story_run(&story, test_schema(story.test, "b:int64!", "offset:int64", NULL));
    struct test_host *test = story.test;
    assert_string_equal(test_row(test, test->emitted[0], 1), "2|103");
    assert_int_equal(test->reject_count, 2);
    story_end(&story);
}

static void plan_refuses_what_cannot_work(void **state)
{
    (void)state;
    struct story story;
    story_begin(&story, 0);
    struct test_host *test = story.test;
    story.options.column = "offset";
    assert_int_equal(
        parse_transform.plan(&test->host, &story.options, test_host_planning(test), test->error),
        SLUICE_CONFIG);
    assert_string_equal(error_field(test->error, SLUICE_AT_OPTION), "column");
    static const char *const clash[] = {"key"};
    story.options.column = "value";
    story.options.keep = (struct sluice_strings){1, clash};
    story.options.schema = test_schema(test, "key:string", NULL);
    assert_int_equal(
        parse_transform.plan(&test->host, &story.options, test_host_planning(test), test->error),
        SLUICE_CONFIG);
    assert_string_equal(error_field(test->error, SLUICE_AT_OPTION), "keep");
    story_end(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_messages_go_on_and_bad_ones_say_where_they_were),
        cmocka_unit_test(kept_columns_stay_with_their_rows),
        cmocka_unit_test(columns_that_nobody_reads_are_left_out_but_checked),
        cmocka_unit_test(plan_refuses_what_cannot_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
