/* SPDX-License-Identifier: Apache-2.0 */
/* The source through its callbacks: after a snapshot at any batch, a new instance goes on with the
 * very next row. */
#include "csv_options.h"
#include "file_options.h"
#include "test_host/test_host.h"

#include "compression/compression.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct story {
    struct test_host *test;
    char folder[64];
    char paths[4][96];
    const char *items[4];
    struct csv_options csv;
    struct sluice_codec_choice format;
    struct file_options options;
    void *source;
    struct text rows; /* "value@line\n" of all rows read */
};

static void story_begin(struct story *story, bool has_format)
{
    *story = (struct story){.test = test_host_create()};
    struct test_host *test = story->test;
    snprintf(story->folder, sizeof story->folder, "/tmp/source-file-test-XXXXXX");
    assert_non_null(mkdtemp(story->folder));
    story->csv = (struct csv_options){
        .delimiter = ",", .quote = "\"", .header = true, .max_record_bytes = 4000};
    story->format = (struct sluice_codec_choice){"csv", &csv_codec, &story->csv};
    story->options = (struct file_options){.max_record_bytes = 4000};
    if (has_format) {
        story->options.format = &story->format;
        story->options.schema = test_schema(test, "a:string!", NULL);
    }
    story->options.path = (struct sluice_strings){1, story->items};
    test->output_schema =
        has_format ? story->options.schema : test_schema(test, "value:binary!", NULL);
}

static void story_file(struct story *story, size_t index, const char *name, const char *bytes,
                       size_t size)
{
    snprintf(story->paths[index], sizeof story->paths[index], "%s/%s", story->folder, name);
    story->items[index] = story->paths[index];
    FILE *file = fopen(story->paths[index], "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static void source_begin(struct story *story)
{
    struct test_host *test = story->test;
    assert_int_equal(file_source.create(&test->host, &story->options, &story->source, test->error),
                     SLUICE_OK);
}

static enum sluice_status source_open(struct story *story)
{
    return file_source.open(story->source, story->test->error);
}

/* Reads one batch into the list; the answer of read. */
static enum sluice_status source_read(struct story *story)
{
    struct test_host *test = story->test;
    struct sluice_batch *batch;
    enum sluice_status status = file_source.read(story->source, 10, &batch, test->error);
    if (status != SLUICE_OK) {
        return status;
    }
    for (int64_t row = 0; row < batch_rows(batch); row++) {
        struct sluice_column column;
        struct sluice_origin origin;
        int64_t position;
        batch_column(batch, 0, &column);
        struct sluice_string value = sluice_column_string(&column, row);
        assert_true(batch_origin(batch, row, &origin, &position));
        text_printf(&story->rows, "%.*s@%d\n", (int)value.size, value.bytes, (int)position);
    }
    batch_release(batch);
    return SLUICE_OK;
}

static void source_read_all(struct story *story)
{
    enum sluice_status status = SLUICE_OK;
    while (status == SLUICE_OK || status == SLUICE_AGAIN) {
        status = source_read(story);
    }
    if (status != SLUICE_END) {
        fail_msg("%s", error_message(story->test->error));
    }
}

/* Dies after a snapshot, and a new instance takes over. */
static enum sluice_status source_restart(struct story *story)
{
    struct test_host *test = story->test;
    assert_int_equal(file_source.snapshot(story->source, test_host_writer(test), test->error),
                     SLUICE_OK);
    file_source.destroy(story->source);
    source_begin(story);
    assert_int_equal(file_source.restore(story->source, test_host_reader(test), test->error),
                     SLUICE_OK);
    return source_open(story);
}

static void story_end(struct story *story)
{
    char command[128];
    file_source.destroy(story->source);
    snprintf(command, sizeof command, "rm -rf %s", story->folder);
    assert_int_equal(system(command), 0);
    text_reset(&story->rows);
    test_host_destroy(story->test);
}

enum { LINES = 200000, LONG_LINES = LINES / 20000 };

/* "a\n" and LINES numbered lines: several windows, some over-long lines among them. */
static char *make_lines(size_t *size)
{
    char *text = malloc(LINES * 40 + LONG_LINES * 9001);
    assert_non_null(text);
    size_t used = (size_t)snprintf(text, 40, "a\n");
    for (int i = 0; i < LINES; i++) {
        used += (size_t)snprintf(text + used, 40, "row number %d of the file\n", i);
        if (i % 20000 == 10000) {
            memset(text + used, 'x', 9000);
            text[used + 9000] = '\n';
            used += 9001;
        }
    }
    *size = used;
    return text;
}

static void check_lines(const struct story *story, bool has_header)
{
    const char *at = text_get(&story->rows);
    int line = 2;
    if (!has_header) {
        assert_memory_equal(at, "a@1\n", 4);
        at += 4;
    }
    for (int i = 0; i < LINES; i++) {
        char want[64];
        int size = snprintf(want, sizeof want, "row number %d of the file@%d\n", i, line);
        assert_memory_equal(at, want, (size_t)size);
        at += size;
        line += i % 20000 == 10000 ? 2 : 1;
    }
    assert_string_equal(at, "");
}

static void restarts_lose_and_repeat_nothing(bool has_format, enum compression kind)
{
    struct story story;
    story_begin(&story, has_format);
    struct test_host *test = story.test;
    size_t size;
    char *text = make_lines(&size);
    struct sluice_buffer packed = {0};
    struct compressor *compressor;
    compressor_create(&test->host, kind, 0, &compressor, test->error);
    compressor_write(compressor, text, size, &packed, test->error);
    compressor_finish(compressor, &packed, test->error);
    story_file(&story, 0, "in", packed.data, packed.size);
    source_begin(&story);
    assert_int_equal(source_open(&story), SLUICE_OK);
    enum sluice_status status = SLUICE_OK;
    int restarts = 0;
    while (status != SLUICE_END) {
        assert_int_equal(source_restart(&story), SLUICE_OK);
        status = source_read(&story);
        if (status != SLUICE_OK && status != SLUICE_END && status != SLUICE_AGAIN) {
            fail_msg("%s", error_message(test->error));
        }
        restarts++;
    }
    assert_true(restarts > 3);
    check_lines(&story, has_format);
    assert_int_equal(test->reject_count, LONG_LINES);
    assert_int_equal(source_restart(&story), SLUICE_OK);
    assert_int_equal(source_read(&story), SLUICE_END);
    compressor_destroy(compressor);
    sluice_buffer_free(&test->host, &packed);
    free(text);
    story_end(&story);
}

static void raw_lines_go_on_after_a_restart(void **state)
{
    (void)state;
    restarts_lose_and_repeat_nothing(false, COMPRESSION_NONE);
    restarts_lose_and_repeat_nothing(false, COMPRESSION_GZIP);
}

static void records_go_on_after_a_restart_with_their_header_and_line(void **state)
{
    (void)state;
    restarts_lose_and_repeat_nothing(true, COMPRESSION_NONE);
    restarts_lose_and_repeat_nothing(true, COMPRESSION_ZSTD);
}

static void a_line_over_many_windows_is_skipped_over_a_restart(void **state)
{
    (void)state;
    struct story story;
    story_begin(&story, false);
    enum { LONG = 40 << 20 };
    char *text = malloc(LONG + 20);
    assert_non_null(text);
    memcpy(text, "one\n", 4);
    memset(text + 4, 'x', LONG);
    memcpy(text + 4 + LONG, "\ntwo\n", 5);
    story_file(&story, 0, "in", text, LONG + 9);
    source_begin(&story);
    source_open(&story);
    assert_int_equal(source_read(&story), SLUICE_OK);
    assert_int_equal(source_read(&story), SLUICE_AGAIN); /* somewhere inside */
    assert_int_equal(source_restart(&story), SLUICE_OK);
    source_read_all(&story);
    assert_string_equal(text_get(&story.rows), "one@1\ntwo@3\n");
    assert_int_equal(story.test->reject_count, 1);
    assert_true(story.test->account.peak_bytes < 8 << 20);
    free(text);
    story_end(&story);
}

static void a_changed_file_is_an_error_after_a_restart(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        struct story story;
        story_begin(&story, false);
        size_t size;
        char *text = make_lines(&size);
        story_file(&story, 0, "in", text, size);
        source_begin(&story);
        source_open(&story);
        assert_int_equal(source_read(&story), SLUICE_OK);
        if (kind == 0) {
            assert_int_equal(truncate(story.paths[0], 5000), 0);
        } else if (kind == 1) {
            text[3] = '?';
            story_file(&story, 0, "in", text, size);
        } else {
            unlink(story.paths[0]);
        }
        enum sluice_status status = source_restart(&story);
        status = status == SLUICE_OK ? source_read(&story) : status;
        assert_true(status == SLUICE_FATAL || (kind == 2 && status == SLUICE_CONFIG));
        static const char *const words[] = {"has shrunk", "was replaced", "does not exist"};
        assert_non_null(strstr(error_message(story.test->error), words[kind]));
        free(text);
        story_end(&story);
    }
}

static void files_that_come_later_are_read_after_a_restart(void **state)
{
    (void)state;
    struct story story;
    story_begin(&story, false);
    story_file(&story, 0, "b", "one\n", 4);
    char glob[96];
    snprintf(glob, sizeof glob, "file:%s/*", story.folder);
    story.items[0] = glob;
    source_begin(&story);
    source_open(&story);
    source_read_all(&story);
    story_file(&story, 1, "a", "two", 3);
    assert_int_equal(source_restart(&story), SLUICE_OK);
    source_read_all(&story);
    assert_string_equal(text_get(&story.rows), "one@1\ntwo@1\n");
    story_end(&story);
}

static void every_lane_of_a_batch_flow_reads_its_share(void **state)
{
    (void)state;
    struct story story;
    story_begin(&story, false);
    story.test->run.is_batch = true;
    story.test->run.lane_count = 2;
    story_file(&story, 0, "a", "a\n", 2);
    story_file(&story, 1, "b", "b\n", 2);
    story_file(&story, 2, "c", "c\n", 2);
    story.options.path.count = 3;
    for (int lane = 0; lane < 2; lane++) {
        story.test->run.lane = lane;
        source_begin(&story);
        source_open(&story);
        source_read_all(&story);
        if (lane == 0) {
            file_source.destroy(story.source);
        }
    }
    assert_string_equal(text_get(&story.rows), "a@1\nc@1\nb@1\n");
    story_end(&story);
}

static void a_name_that_does_not_exist_is_a_configuration_error(void **state)
{
    (void)state;
    struct story story;
    story_begin(&story, false);
    story.items[0] = "/nowhere/at/all.json";
    source_begin(&story);
    assert_int_equal(source_open(&story), SLUICE_CONFIG);
    assert_int_equal(error_code(story.test->error), SLUICE_CODE_NOT_FOUND);
    assert_string_equal(error_field(story.test->error, SLUICE_AT_OPTION), "path");
    story_end(&story);
}

static void a_folder_is_not_a_file(void **state)
{
    (void)state;
    struct story story;
    story_begin(&story, false);
    story.items[0] = story.folder;
    source_begin(&story);
    assert_int_equal(source_open(&story), SLUICE_OK);
    assert_int_equal(source_read(&story), SLUICE_FATAL);
    story_end(&story);
}

static void plan_wants_format_and_schema_together(void **state)
{
    (void)state;
    struct story story;
    story_begin(&story, true);
    struct test_host *test = story.test;
    story.items[0] = "in";
    assert_int_equal(
        file_source.plan(&test->host, &story.options, test_host_planning(test), test->error),
        SLUICE_OK);
    assert_string_equal(test->planned->fields[0].name, "a");
    story.options.schema = NULL;
    assert_int_equal(
        file_source.plan(&test->host, &story.options, test_host_planning(test), test->error),
        SLUICE_CONFIG);
    story.options.format = NULL;
    assert_int_equal(
        file_source.plan(&test->host, &story.options, test_host_planning(test), test->error),
        SLUICE_OK);
    assert_string_equal(test->planned->fields[0].name, "value");
    story.source = NULL;
    story_end(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raw_lines_go_on_after_a_restart),
        cmocka_unit_test(records_go_on_after_a_restart_with_their_header_and_line),
        cmocka_unit_test(a_line_over_many_windows_is_skipped_over_a_restart),
        cmocka_unit_test(a_changed_file_is_an_error_after_a_restart),
        cmocka_unit_test(files_that_come_later_are_read_after_a_restart),
        cmocka_unit_test(every_lane_of_a_batch_flow_reads_its_share),
        cmocka_unit_test(a_name_that_does_not_exist_is_a_configuration_error),
        cmocka_unit_test(a_folder_is_not_a_file),
        cmocka_unit_test(plan_wants_format_and_schema_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
