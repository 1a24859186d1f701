/* SPDX-License-Identifier: Apache-2.0 */
/* The sink through its callbacks: what a crash at each point leaves, and what recover makes of it.
 * A run that "dies" is destroyed without close, as far as the disk can tell. */
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
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct story {
    struct test_host *test;
    char folder[64], path[128], member_path[96];
    enum sluice_settlement settlement;
    struct csv_options csv;
    struct sluice_codec_choice format;
    struct file_options options;
    void *sink;
    uint64_t checkpoint; /* newest decided */
    struct text decided; /* its state */
};

static void story_begin(struct story *story, bool is_batch)
{
    *story = (struct story){.test = test_host_create()};
    snprintf(story->folder, sizeof story->folder, "/tmp/sink-file-test-XXXXXX");
    assert_non_null(mkdtemp(story->folder));
    snprintf(story->member_path, sizeof story->member_path, "%s/m1", story->folder);
    assert_int_equal(mkdir(story->member_path, 0777), 0);
    snprintf(story->path, sizeof story->path, "%s/new/folder/out.csv", story->folder);
    story->csv = (struct csv_options){
        .delimiter = ",", .quote = "\"", .header = true, .max_record_bytes = 1 << 20};
    story->format = (struct sluice_codec_choice){"csv", &csv_codec, &story->csv};
    story->options = (struct file_options){.path = story->path, .format = &story->format};
    story->test->run.is_batch = is_batch;
    story->test->run.member_path = story->member_path;
    story->test->input_schema = test_schema(story->test, "a:string", NULL);
}

static void run_start(struct story *story)
{
    struct test_host *test = story->test;
    test->run.nonce++;
    assert_int_equal(file_sink.create(&test->host, &story->options, &story->sink, test->error),
                     SLUICE_OK);
    assert_int_equal(file_sink.open(story->sink, test->error), SLUICE_OK);
}

static enum sluice_status run_recover(struct story *story)
{
    struct test_host *test = story->test;
    text_clear(&test->state);
    text_append_bytes(&test->state, text_get(&story->decided), story->decided.size);
    struct sluice_recovery recovery = {
        sizeof recovery, "m1", story->checkpoint, .settlement = story->settlement};
    return file_sink.recover(story->sink, &recovery,
                             story->checkpoint ? test_host_reader(test) : NULL, test->error);
}

static void run_begin(struct story *story)
{
    run_start(story);
    if (run_recover(story) != SLUICE_OK) {
        fail_msg("%s", error_message(story->test->error));
    }
}

static void run_write(struct story *story, const char *value)
{
    struct test_host *test = story->test;
    struct sluice_builder *builder;
    struct sluice_batch *batch;
    builder_create(&test->account, NULL, test->input_schema, &builder, test->error);
    builder_string(builder, 0, value, strlen(value));
    builder_end_row(builder, -1);
    builder_finish(builder, &batch, test->error);
    assert_int_equal(file_sink.write(story->sink, batch, NULL, test->error), SLUICE_OK);
    assert_int_equal(file_sink.tick(story->sink, test->error), SLUICE_OK);
    batch_release(batch);
    builder_destroy(builder);
}

static void run_stage(struct story *story)
{
    struct test_host *test = story->test;
    assert_int_equal(
        file_sink.stage(story->sink, story->checkpoint + 1, test_host_writer(test), test->error),
        SLUICE_OK);
}

static void run_decide(struct story *story)
{
    story->checkpoint++;
    text_clear(&story->decided);
    text_append_bytes(&story->decided, story->test->state.data, story->test->state.size);
}

static void run_commit(struct story *story)
{
    assert_int_equal(file_sink.commit(story->sink, story->checkpoint, test_host_reader(story->test),
                                      story->test->error),
                     SLUICE_OK);
}

static void run_checkpoint(struct story *story)
{
    run_stage(story);
    run_decide(story);
    run_commit(story);
}

static void run_die(struct story *story)
{
    file_sink.destroy(story->sink);
}

static void run_end(struct story *story)
{
    file_sink.close(story->sink);
    file_sink.destroy(story->sink);
}

static void assert_file(struct story *story, const char *want)
{
    struct text content = {0};
    if (file_read_all(story->path, 1 << 20, &content, story->test->error) != SLUICE_OK) {
        assert_null(want);
        return;
    }
    assert_string_equal(text_get(&content), want);
    text_reset(&content);
}

static void append_to_file(struct story *story, const char *bytes)
{
    FILE *file = fopen(story->path, "a");
    assert_non_null(file);
    fputs(bytes, file);
    fclose(file);
}

static int count_files(const struct story *story)
{
    char command[256];
    snprintf(command, sizeof command, "ls -A %s/new/folder | wc -l", story->folder);
    FILE *pipe = popen(command, "r");
    int count = -1;
    assert_int_equal(fscanf(pipe, "%d", &count), 1);
    pclose(pipe);
    return count;
}

static void story_end(struct story *story)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", story->folder);
    assert_int_equal(system(command), 0);
    text_reset(&story->decided);
    test_host_destroy(story->test);
}

static void append_is_cut_back_to_the_last_checkpoint(void **state)
{
    (void)state;
    struct story story;
    story_begin(&story, false);
    run_begin(&story);
    run_write(&story, "one");
    run_checkpoint(&story);
    run_write(&story, "lost");
    run_die(&story);
    assert_file(&story, "a\none\nlost\n");
    run_begin(&story);
    assert_file(&story, "a\none\n");
    run_write(&story, "two");
    run_checkpoint(&story);
    run_end(&story);
    assert_file(&story, "a\none\ntwo\n");
    story_end(&story);
}

static void append_is_cut_back_to_what_was_there_before_the_first_checkpoint(void **state)
{
    (void)state;
    struct story story;
    story_begin(&story, false);
    run_start(&story); /* makes the folder */
    run_die(&story);
    append_to_file(&story, "a\nold\n");
    run_begin(&story);
    run_write(&story, "lost");
    run_die(&story);
    run_begin(&story);
    run_write(&story, "lost again");
    run_stage(&story); /* not decided */
    run_die(&story);
    run_begin(&story);
    run_write(&story, "new");
    run_checkpoint(&story);
    run_end(&story);
    assert_file(&story, "a\nold\nnew\n");
    story_end(&story);
}

static void what_was_committed_needs_no_stage_to_be_kept(void **state)
{
    (void)state;
    struct story story;
    story_begin(&story, false);
    run_begin(&story);
    run_write(&story, "one");
    run_checkpoint(&story);
    run_write(&story, "two");
    run_checkpoint(&story);
    run_write(&story, "lost");
    run_die(&story);
    story.checkpoint = 0; /* recover gets no reader */
    run_begin(&story);
    assert_file(&story, "a\none\ntwo\n");
    run_end(&story);
    story_end(&story);
}

static void the_file_of_a_member_that_has_left_is_cut_back_by_its_successor(void **state)
{
    (void)state;
    struct story story;
    story_begin(&story, false);
    run_begin(&story);
    run_write(&story, "one");
    run_stage(&story);
    run_decide(&story);
    run_write(&story, "lost");
    run_die(&story);
    story.test->run.member = "m2";
    story.member_path[strlen(story.member_path) - 1] = '2'; /* the other's is beside it */
    story.settlement = SLUICE_SETTLE_TAKE_OVER;
    run_begin(&story);
    assert_file(&story, "a\none\n");
    run_die(&story);
    story_end(&story);
}

static void a_second_attempt_is_cut_back_to_where_it_began(void **state)
{
    (void)state;
    struct story story;
    story_begin(&story, false);
    run_begin(&story);
    run_write(&story, "one");
    run_checkpoint(&story);
    run_write(&story, "two");
    run_checkpoint(&story);
    run_die(&story);
    run_begin(&story); /* dies before a checkpoint of its own */
    run_write(&story, "lost");
    run_die(&story);
    run_begin(&story);
    assert_file(&story, "a\none\ntwo\n");
    run_end(&story);
    story_end(&story);
}

static void after_an_orderly_end_the_file_belongs_to_the_user(void **state)
{
    (void)state;
    struct story story;
    story_begin(&story, false);
    run_begin(&story);
    run_write(&story, "one");
    run_checkpoint(&story);
    run_end(&story);
    append_to_file(&story, "theirs\n");
    run_begin(&story);
    run_write(&story, "two");
    run_checkpoint(&story);
    run_end(&story);
    assert_file(&story, "a\none\ntheirs\ntwo\n");
    unlink(story.path);
    run_begin(&story);
    run_write(&story, "three");
    run_checkpoint(&story);
    run_end(&story);
    assert_file(&story, "a\nthree\n");
    story_end(&story);
}

static void a_file_shorter_than_recorded_is_an_error(void **state)
{
    (void)state;
    struct story story;
    story_begin(&story, false);
    run_begin(&story);
    run_write(&story, "one");
    run_checkpoint(&story);
    run_die(&story);
    assert_int_equal(truncate(story.path, 3), 0);
    run_start(&story);
    assert_int_equal(run_recover(&story), SLUICE_FATAL);
    assert_int_equal(error_code(story.test->error), SLUICE_CODE_STATE_CORRUPT);
    run_die(&story);
    story_end(&story);
}

static void replace_shows_the_file_at_commit_only(void **state)
{
    (void)state;
    struct story story;
    story_begin(&story, true);
    run_begin(&story);
    run_write(&story, "first run");
    assert_file(&story, NULL);
    run_checkpoint(&story);
    run_end(&story);
    assert_file(&story, "a\nfirst run\n");
    run_begin(&story);
    run_write(&story, "lost");
    run_stage(&story);
    run_die(&story);
    assert_file(&story, "a\nfirst run\n");
    assert_int_equal(count_files(&story), 2);
    run_begin(&story);
    assert_int_equal(count_files(&story), 1);
    run_write(&story, "second run");
    run_stage(&story);
    run_decide(&story);
    run_die(&story); /* between decision and commit */
    assert_file(&story, "a\nfirst run\n");
    run_begin(&story);
    assert_file(&story, "a\nsecond run\n");
    run_checkpoint(&story); /* a run without rows */
    run_end(&story);
    assert_file(&story, "a\n");
    assert_int_equal(count_files(&story), 1);
    story_end(&story);
}

static void commit_and_recover_may_come_twice(void **state)
{
    (void)state;
    struct story story;
    story_begin(&story, true);
    run_begin(&story);
    run_write(&story, "one");
    run_checkpoint(&story);
    run_commit(&story);
    run_end(&story);
    run_start(&story);
    assert_int_equal(run_recover(&story), SLUICE_OK);
    assert_int_equal(run_recover(&story), SLUICE_OK);
    run_end(&story);
    assert_file(&story, "a\none\n");
    story_end(&story);
}

static void a_batch_flow_may_append_too(void **state)
{
    (void)state;
    struct story story;
    story_begin(&story, true);
    story.options.mode = FILE_MODE_APPEND;
    run_begin(&story);
    run_write(&story, "one");
    run_checkpoint(&story);
    run_end(&story);
    run_begin(&story);
    run_write(&story, "lost");
    run_die(&story);
    run_begin(&story);
    run_write(&story, "two");
    run_checkpoint(&story);
    run_end(&story);
    assert_file(&story, "a\none\ntwo\n");
    story_end(&story);
}

static void compressed_appends_end_in_whole_members(void **state)
{
    (void)state;
    for (int kind = COMPRESSION_GZIP; kind <= COMPRESSION_ZSTD; kind++) {
        struct story story;
        story_begin(&story, false);
        story.options.compression = kind;
        run_begin(&story);
        run_write(&story, "one");
        run_checkpoint(&story);
        run_write(&story, "lost");
        run_stage(&story);
        run_die(&story);
        run_begin(&story);
        run_write(&story, "two");
        run_checkpoint(&story);
        run_end(&story);
        struct test_host *test = story.test;
        struct text packed = {0};
        struct sluice_buffer out = {0};
        struct decompressor *decompressor;
        size_t consumed;
        file_read_all(story.path, 1 << 20, &packed, test->error);
        decompressor_create(&test->host, (enum compression)kind, &decompressor, test->error);
        assert_int_equal(decompressor_read(decompressor, packed.data, packed.size, &consumed, 1000,
                                           &out, test->error),
                         SLUICE_OK);
        assert_int_equal(decompressor_end(decompressor, test->error), SLUICE_OK);
        assert_int_equal(out.size, 10);
        assert_memory_equal(out.data, "a\none\ntwo\n", 10);
        decompressor_destroy(decompressor);
        sluice_buffer_free(&test->host, &out);
        text_reset(&packed);
        story_end(&story);
    }
}

static void two_writers_of_one_file_are_refused(void **state)
{
    (void)state;
    struct story story;
    story_begin(&story, false);
    run_begin(&story);
    run_write(&story, "one");
    void *first = story.sink;
    run_start(&story);
    struct sluice_builder *builder;
    struct sluice_batch *batch;
    struct test_host *test = story.test;
    builder_create(&test->account, NULL, test->input_schema, &builder, test->error);
    builder_null(builder, 0);
    builder_end_row(builder, -1);
    builder_finish(builder, &batch, test->error);
    assert_int_equal(file_sink.write(story.sink, batch, NULL, test->error), SLUICE_FATAL);
    assert_int_equal(error_code(test->error), SLUICE_CODE_CONFLICT);
    batch_release(batch);
    builder_destroy(builder);
    run_end(&story);
    story.sink = first;
    run_end(&story);
    story_end(&story);
}

static void replace_is_refused_in_a_continuous_flow(void **state)
{
    (void)state;
    struct story story;
    story_begin(&story, false);
    story.options.mode = FILE_MODE_REPLACE;
    struct test_host *test = story.test;
    assert_int_equal(
        file_sink.plan(&test->host, &story.options, test_host_planning(test), test->error),
        SLUICE_CONFIG);
    assert_string_equal(error_field(test->error, SLUICE_AT_OPTION), "mode");
    story_end(&story);
}

static void a_folder_that_cannot_be_made_is_named(void **state)
{
    (void)state;
    struct story story;
    story_begin(&story, true);
    snprintf(story.path, sizeof story.path, "/proc/nowhere/out.csv");
    struct test_host *test = story.test;
    assert_int_equal(file_sink.create(&test->host, &story.options, &story.sink, test->error),
                     SLUICE_OK);
    assert_int_equal(file_sink.open(story.sink, test->error), SLUICE_FATAL);
    assert_string_equal(error_field(test->error, SLUICE_AT_OBJECT), "/proc/nowhere");
    run_end(&story);
    story_end(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(append_is_cut_back_to_the_last_checkpoint),
        cmocka_unit_test(append_is_cut_back_to_what_was_there_before_the_first_checkpoint),
        cmocka_unit_test(what_was_committed_needs_no_stage_to_be_kept),
        cmocka_unit_test(the_file_of_a_member_that_has_left_is_cut_back_by_its_successor),
        cmocka_unit_test(a_second_attempt_is_cut_back_to_where_it_began),
        cmocka_unit_test(after_an_orderly_end_the_file_belongs_to_the_user),
        cmocka_unit_test(a_file_shorter_than_recorded_is_an_error),
        cmocka_unit_test(replace_shows_the_file_at_commit_only),
        cmocka_unit_test(commit_and_recover_may_come_twice),
        cmocka_unit_test(a_batch_flow_may_append_too),
        cmocka_unit_test(compressed_appends_end_in_whole_members),
        cmocka_unit_test(two_writers_of_one_file_are_refused),
        cmocka_unit_test(replace_is_refused_in_a_continuous_flow),
        cmocka_unit_test(a_folder_that_cannot_be_made_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
