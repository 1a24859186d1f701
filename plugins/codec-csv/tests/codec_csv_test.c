/* SPDX-License-Identifier: Apache-2.0 */
/* Decoder and encoder through the codec's callbacks: whole files in, rows and rejects out. */
#include "csv_options.h"
#include "test_host/test_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct csv_options with_header = {
    .delimiter = ",", .quote = "\"", .header = true, .max_record_bytes = 2000};
static const struct csv_options without_header = {
    .delimiter = ",", .quote = "\"", .header = false, .max_record_bytes = 2000};

/* Decodes a file in pieces of `step` bytes; answers all rows, then all rejects, as lines:
 *   "row fields\n" … "! line code original\n" */
static char *decode_file(const struct csv_options *options, struct test_host *test,
                         const struct sluice_schema *schema, struct sluice_string file, size_t step)
{
    struct text out = {0};
    void *decoder;
    assert_int_equal(
        csv_codec.decoder_create(&test->host, options, schema, schema, &decoder, test->error),
        SLUICE_OK);
    csv_codec.decoder_begin(decoder, "in.csv", test->error);
    size_t done = 0;
    size_t given = 0;
    bool is_last = false;
    while (!is_last) {
        given = given + step < file.size ? given + step : file.size;
        is_last = given == file.size;
        bool is_moving = true;
        while (is_moving) {
            char *block = malloc(given - done + SLUICE_PADDING);
            assert_non_null(block);
            memcpy(block, file.bytes + done, given - done);
            memset(block + given - done, '"', SLUICE_PADDING);
            size_t consumed;
            struct sluice_batch *batch;
            assert_int_equal(csv_codec.decode(decoder, block, given - done, is_last, &consumed,
                                              &batch, test->error),
                             SLUICE_OK);
            free(block);
            done += consumed;
            is_moving = batch != NULL || (is_last && consumed > 0);
            for (int64_t row = 0; batch && row < batch_rows(batch); row++) {
                text_printf(&out, "%s\n", test_row(test, batch, row));
            }
            if (batch) {
                batch_release(batch);
            }
        }
    }
    assert_int_equal(done, file.size);
    csv_codec.decoder_destroy(decoder);
    for (size_t i = 0; i < test->reject_count; i++) {
        const struct test_reject *reject = &test->rejects[i];
        assert_string_equal(reject->origin_name, "in.csv");
        text_printf(&out, "! %d %s %.40s\n", (int)reject->position, error_code_name(reject->code),
                    reject->original);
    }
    char *copy = arena_copy(test->arena, text_get(&out), out.size);
    text_reset(&out);
    return copy;
}

struct file_case {
    const char *fields[3];
    const char *file;
    const char *want;
};

static void check_files(const struct csv_options *options, const struct file_case *cases,
                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct sluice_string file = {cases[i].file, strlen(cases[i].file)};
        for (size_t step = 1; step <= file.size + 1; step = step < 24 ? step + 1 : step * 2) {
            struct test_host *test = test_host_create();
            const struct sluice_schema *schema =
                test_schema(test, cases[i].fields[0], cases[i].fields[1], cases[i].fields[2], NULL);
            char *got = decode_file(options, test, schema, file, step);
            if (strcmp(got, cases[i].want) != 0) {
                fail_msg("step %zu of\n%s\ngot\n%s", step, cases[i].file, got);
            }
            test_host_destroy(test);
        }
    }
}

#define TWO                                                                                        \
    {                                                                                              \
        "a:string!", "b:int64", NULL                                                               \
    }

static const struct file_case header_cases[] = {
    {TWO, "a,b\nx,1\ny,2\n", "x|1\ny|2\n"},
    {TWO, "a,b\r\nx,1\r\ny,2\r\n", "x|1\ny|2\n"},
    {TWO,
     "\xef\xbb\xbf"
     "a,b\nx,1\ny,2",
     "x|1\ny|2\n"},
    {TWO, "b,extra,a\n1,?,x\n", "x|1\n"},
    {TWO, "\"a\",\"b\"\n\"x\",\"1\"\n", "x|1\n"},
    {TWO, "a,b\n\"x,\"\"y\"\"\nz\",1\n\"last\",2\r\n", "x,\"y\"\nz|1\nlast|2\n"},
    {TWO, "a,b\n,1\n\"\",2\nx,\n", "|1\n|2\nx|~\n"},
    {TWO, "a,b\n\nx,1\n\r\n\ny,2\n", "x|1\ny|2\n"},
    {TWO, "a,b\nx\ny,2\nz,3,4\nw,5\n", "y|2\nw|5\n! 2 csv_columns x\n! 4 csv_columns z,3,4\n"},
    {TWO, "a,b\nx,one\ny,2\nz,\"\"\n", "y|2\n! 2 type_mismatch x,one\n! 4 type_mismatch z,\"\"\n"},
    {TWO, "a,b\nx,9223372036854775807\ny,9223372036854775808\n",
     "x|9223372036854775807\n! 3 number_range y,9223372036854775808\n"},
    {TWO, "a,b\nx\"y,1\nz,2\n", "z|2\n! 2 csv_malformed x\"y,1\n"},
    {TWO, "a,b\n\"x\"y,1\nz,2\n", "z|2\n! 2 csv_malformed \"x\"y,1\n"},
    {TWO, "a,b\n\"l1\nl2\",1\nbad\"\nz,2\n", "l1\nl2|1\nz|2\n! 4 csv_malformed bad\"\n"},
    {TWO, "a,b\n\"never closed,1\nz,2\ny,3\n", "z|2\ny|3\n! 2 csv_malformed \"never closed,1\n"},
    {TWO, "a,b\nx\xff,1\nz,2\n", "z|2\n! 2 utf8_invalid x\xff,1\n"},
    {TWO, "a,b\ncaf\xc3\xa9,1\n", "caf\xc3\xa9|1\n"},
    {TWO, "", ""},
    {TWO, "a,b\n", ""},
    {TWO, "a,b", ""},
    {TWO, "a,c\nx,1\n", "x|~\n"},
    {TWO, "b,c\n1,2\n3,4\n", "! 2 csv_columns 1,2\n! 3 csv_columns 3,4\n"},
    {TWO, "a,b,a\nx,1,y\n", "! 2 csv_columns x,1,y\n"},
    {{"a:string", "f:float64", "t:timestamp"},
     "a,f,t\n,,\nx,1e3,2026-01-02 03:04:05\n",
     "~|~|~\nx|1000|2026-01-02T03:04:05Z\n"},
    {{"a:int64!", "b:bool", NULL},
     "a,b\n,true\n1,true\n2,false\n3,yes\n",
     "1|true\n2|false\n! 2 field_missing ,true\n! 5 type_mismatch 3,yes\n"},
    {{"a:string=dflt", "b:int64!=7", NULL}, "c\nx\n", "dflt|7\n"},
    {{"a:string@Full Name", "b:int64", NULL}, "Full Name,b\nx,1\n", "x|1\n"},
};

static void files_with_a_header_are_read(void **state)
{
    (void)state;
    check_files(&with_header, header_cases, sizeof header_cases / sizeof header_cases[0]);
}

static const struct file_case position_cases[] = {
    {TWO, "x,1\ny,2\n", "x|1\ny|2\n"},
    {TWO, "x,1\ny\n", "x|1\n! 2 csv_columns y\n"},
};

static void files_without_a_header_are_read_by_position(void **state)
{
    (void)state;
    check_files(&without_header, position_cases, sizeof position_cases / sizeof position_cases[0]);
}

static void nul_bytes_are_rejected(void **state)
{
    (void)state;
    static const char file[] = "a,b\nx\0y,1\nz,2\n";
    struct test_host *test = test_host_create();
    char *got = decode_file(&with_header, test, test_schema(test, "a:string!", "b:int64", NULL),
                            (struct sluice_string){file, sizeof file - 1}, 100);
    assert_string_equal(got, "z|2\n! 2 csv_malformed x\n");
    assert_int_equal(test->rejects[0].original_size, 5);
    test_host_destroy(test);
}

static void over_long_records_cost_one_line_whatever_the_pieces(void **state)
{
    (void)state;
    char file[20000] = "a,b\nx,1\n\"";
    size_t size = strlen(file);
    memset(file + size, 'q', 300); /* a quote that is never closed: its line goes */
    size += 300;
    size += (size_t)snprintf(file + size, sizeof file - size, "\ny,2\n");
    for (int i = 0; i < 400; i++) {
        /* more than max_record_bytes behind it */
        size += (size_t)snprintf(file + size, sizeof file - size, "z,3\n");
    }
    memset(file + size, 'w', 9000); /* a line that is too long by itself */
    size += 9000;
    size += (size_t)snprintf(file + size, sizeof file - size, ",4\nlast,5\n");
    for (size_t step = 50; step < 2 * size; step *= 3) {
        struct test_host *test = test_host_create();
        char *got = decode_file(&with_header, test, test_schema(test, "a:string!", "b:int64", NULL),
                                (struct sluice_string){file, size}, step);
        assert_memory_equal(got, "x|1\ny|2\nz|3\n", 12);
        assert_non_null(strstr(got, "\nlast|5\n! 3 record_too_long \"qqq"));
        assert_non_null(strstr(got, "\n! 405 record_too_long wwww"));
        assert_int_equal(test->reject_count, 2);
        test_host_destroy(test);
    }
}

static void what_is_encoded_decodes_to_the_same(void **state)
{
    (void)state;
    struct test_host *test = test_host_create();
    const struct sluice_schema *schema =
        test_schema(test, "a,b:string", "f:float64", "t:timestamp", "r:binary", NULL);
    struct sluice_builder *builder;
    struct sluice_batch *batch;
    builder_create(&test->account, NULL, schema, &builder, test->error);
    static const char *const strings[] = {"plain", "a,b", "q\"q", "l1\nl2", "", "cr\r", " s "};
    for (size_t i = 0; i < 7; i++) {
        builder_string(builder, 0, strings[i], strlen(strings[i]));
        builder_float64(builder, 1, 1.0 / (double)(i + 1));
        builder_int64(builder, 2, 1000000 * (int64_t)i);
        builder_string(builder, 3, "\xff\x01", 2);
        builder_end_row(builder, -1);
    }
    for (int column = 0; column < 4; column++) {
        builder_null(builder, column);
    }
    builder_end_row(builder, -1);
    builder_finish(builder, &batch, test->error);
    void *encoder;
    struct sluice_buffer out = {0};
    struct csv_options options = with_header;
    options.line_ending = CSV_CRLF;
    csv_codec.encoder_create(&test->host, &options, schema, &encoder, test->error);
    csv_codec.encoder_begin(encoder, &out, test->error);
    csv_codec.encode(encoder, batch, NULL, 8, &out, test->error);
    static const char want[] = "\"a,b\",f,t,r\r\nplain,1,1970-01-01T00:00:00Z,/wE=\r\n"
                               "\"a,b\",0.5,1970-01-01T00:00:01Z,/wE=\r\n\"q\"\"q\",";
    assert_memory_equal(out.data, want, sizeof want - 1);
    assert_memory_equal(out.data + out.size - 7, "\r\n,,,\r\n", 7);
    struct text rows = {0};
    for (int64_t row = 0; row < 8; row++) {
        text_printf(&rows, "%s\n", test_row(test, batch, row));
    }
    char *got = decode_file(&options, test, schema, (struct sluice_string){out.data, out.size}, 7);
    assert_string_equal(got, text_get(&rows));
    text_reset(&rows);
    sluice_buffer_free(&test->host, &out);
    csv_codec.encoder_destroy(encoder);
    batch_release(batch);
    builder_destroy(builder);
    test_host_destroy(test);
}

static void messages_are_records_without_header(void **state)
{
    (void)state;
    struct test_host *test = test_host_create();
    const struct sluice_schema *schema = test_schema(test, "a:string!", "b:int64", NULL);
    struct sluice_builder *builder;
    struct sluice_batch *batch;
    builder_create(&test->account, NULL, test_schema(test, "value:binary", NULL), &builder,
                   test->error);
    static const char *const messages[] = {"x,1", "a\nb,2", "\"a\nb\",3", "y", "z,4\r\n", ""};
    builder_origin(builder, "topic", 2);
    for (size_t i = 0; i < 6; i++) {
        builder_string(builder, 0, messages[i], strlen(messages[i]));
        builder_end_row(builder, 100 + (int64_t)i);
    }
    builder_finish(builder, &batch, test->error);
    void *decoder;
    struct sluice_batch *decoded;
    int32_t rows[6];
    int64_t row_count;
    csv_codec.decoder_create(&test->host, &with_header, schema, schema, &decoder, test->error);
    assert_int_equal(
        csv_codec.decode_values(decoder, batch, 0, &decoded, rows, &row_count, test->error),
        SLUICE_OK);
    assert_int_equal(row_count, 3);
    assert_string_equal(test_row(test, decoded, 0), "x|1");
    assert_string_equal(test_row(test, decoded, 1), "a\nb|3");
    assert_string_equal(test_row(test, decoded, 2), "z|4");
    assert_int_equal(rows[2], 4);
    struct sluice_origin origin;
    int64_t position;
    assert_true(batch_origin(decoded, 1, &origin, &position));
    assert_int_equal(origin.partition, 2);
    assert_int_equal(position, 102);
    assert_int_equal(test->reject_count, 3);
    assert_int_equal(test->rejects[0].position, 101);
    batch_release(decoded);
    batch_release(batch);
    builder_destroy(builder);
    csv_codec.decoder_destroy(decoder);
    test_host_destroy(test);
}

static void options_that_cannot_work_are_refused(void **state)
{
    (void)state;
    struct test_host *test = test_host_create();
    const struct sluice_schema *schema = test_schema(test, "a:string", NULL);
    struct csv_options options = with_header;
    options.delimiter = "\"";
    void *decoder;
    assert_int_equal(
        csv_codec.decoder_create(&test->host, &options, schema, schema, &decoder, test->error),
        SLUICE_CONFIG);
    options.delimiter = ";;";
    assert_int_equal(csv_codec.encoder_create(&test->host, &options, schema, &decoder, test->error),
                     SLUICE_CONFIG);
    assert_string_equal(error_field(test->error, SLUICE_AT_OPTION), "delimiter");
    test_host_destroy(test);
}

static void memory_that_runs_out_at_any_point_is_an_error_and_nothing_leaks(void **state)
{
    (void)state;
    static const char text[] = "a,c\n\"x\"\"y\",1\nz\n\"q\nr\",3\n";
    char block[sizeof text + SLUICE_PADDING] = {0};
    memcpy(block, text, sizeof text - 1);
    enum sluice_status status = SLUICE_FATAL;
    int64_t limit = 0;
    for (; status != SLUICE_OK; limit += 200) {
        struct test_host *test = test_host_create();
        const struct sluice_schema *schema =
            test_schema(test, "a:string!", "b:binary=AAEC", "c:int64!", NULL);
        test->account.limit_bytes = limit + 1;
        void *decoder;
        struct sluice_batch *batch = NULL;
        size_t consumed = 0;
        status = csv_codec.decoder_create(&test->host, &with_header, schema, schema, &decoder,
                                          test->error);
        if (status == SLUICE_OK) {
            status = csv_codec.decoder_begin(decoder, "in", test->error);
        }
        if (status == SLUICE_OK) {
            status = csv_codec.decode(decoder, block, sizeof text - 1, true, &consumed, &batch,
                                      test->error);
        }
        if (status == SLUICE_OK) {
            assert_int_equal(batch_rows(batch), 2);
            batch_release(batch);
        } else {
            assert_int_equal(status, SLUICE_FATAL);
            assert_null(batch);
        }
        if (decoder) {
            csv_codec.decoder_destroy(decoder);
        }
        test_host_destroy(test);
    }
    assert_true(limit > 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_with_a_header_are_read),
        cmocka_unit_test(files_without_a_header_are_read_by_position),
        cmocka_unit_test(nul_bytes_are_rejected),
        cmocka_unit_test(over_long_records_cost_one_line_whatever_the_pieces),
        cmocka_unit_test(what_is_encoded_decodes_to_the_same),
        cmocka_unit_test(messages_are_records_without_header),
        cmocka_unit_test(options_that_cannot_work_are_refused),
        cmocka_unit_test(memory_that_runs_out_at_any_point_is_an_error_and_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
