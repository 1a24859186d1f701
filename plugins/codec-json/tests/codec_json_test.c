/* SPDX-License-Identifier: Apache-2.0 */
/* Decoder and encoder through the codec's callbacks. */
#include "json_options.h"
#include "json_rules.h"
#include "test_host/test_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct json_options options = {.max_record_bytes = 4096};

struct decoded {
    struct test_host *test;
    void *decoder;
    struct sluice_batch *batches[64];
    size_t batch_count;
    int64_t rows;
};

static void decoded_open(struct decoded *decoded, struct test_host *test,
                         const struct sluice_schema *schema)
{
    *decoded = (struct decoded){.test = test};
    assert_int_equal(json_codec.decoder_create(&test->host, &options, schema, schema,
                                               &decoded->decoder, test->error),
                     SLUICE_OK);
    assert_int_equal(json_codec.decoder_begin(decoded->decoder, "in.json", test->error), SLUICE_OK);
}

/* Gives the text in pieces of `step` bytes behind what is left, as sources do. The input is copied
 * to the end of a block each time, so that a sanitizer sees reads behind the padding. */
static void decoded_feed(struct decoded *decoded, const char *text, size_t size, size_t step)
{
    size_t done = 0;
    size_t given = 0;
    while (done < size || given < size) {
        given = given + step < size ? given + step : size;
        bool is_last = given == size;
        bool is_moving = true;
        while (is_moving) {
            char *block = malloc(given - done + SLUICE_PADDING);
            assert_non_null(block);
            memcpy(block, text + done, given - done);
            memset(block + given - done, '}', SLUICE_PADDING);
            size_t consumed;
            struct sluice_batch *batch;
            assert_int_equal(json_codec.decode(decoded->decoder, block, given - done, is_last,
                                               &consumed, &batch, decoded->test->error),
                             SLUICE_OK);
            free(block);
            done += consumed;
            is_moving = batch != NULL || (is_last && consumed > 0);
            if (batch) {
                decoded->rows += batch_rows(batch);
                assert_true(decoded->batch_count < 64);
                decoded->batches[decoded->batch_count++] = batch;
            }
        }
        if (is_last) {
            break;
        }
    }
    assert_int_equal(done, size);
}

static const char *decoded_row(struct decoded *decoded, int64_t row)
{
    for (size_t i = 0; i < decoded->batch_count; i++) {
        if (row < batch_rows(decoded->batches[i])) {
            return test_row(decoded->test, decoded->batches[i], row);
        }
        row -= batch_rows(decoded->batches[i]);
    }
    return NULL;
}

static void decoded_close(struct decoded *decoded)
{
    for (size_t i = 0; i < decoded->batch_count; i++) {
        batch_release(decoded->batches[i]);
    }
    json_codec.decoder_destroy(decoded->decoder);
}

static void check_lines(const struct expectation *cases, size_t count, bool is_message,
                        const char *const fields[4])
{
    for (size_t i = 0; i < count; i++) {
        struct test_host *test = test_host_create();
        const struct sluice_schema *schema =
            test_schema(test, fields[0], fields[1], fields[2], fields[3], NULL);
        struct decoded decoded;
        decoded_open(&decoded, test, schema);
        size_t size = strlen(cases[i].line);
        if (is_message) {
            const struct sluice_schema *input = test_schema(test, "value:binary", NULL);
            struct sluice_builder *builder;
            struct sluice_batch *batch;
            builder_create(&test->account, NULL, input, &builder, test->error);
            builder_origin(builder, "clicks", 3);
            builder_string(builder, 0, cases[i].line, size);
            builder_end_row(builder, 77);
            builder_string(builder, 0, "}", 1); /* nothing of it may be read with the first */
            builder_end_row(builder, 78);
            builder_finish(builder, &batch, test->error);
            int32_t rows[2];
            int64_t row_count;
            assert_int_equal(json_codec.decode_values(decoded.decoder, batch, 0,
                                                      &decoded.batches[0], rows, &row_count,
                                                      test->error),
                             SLUICE_OK);
            decoded.batch_count = decoded.batches[0] ? 1 : 0;
            decoded.rows = row_count;
            batch_release(batch);
            builder_destroy(builder);
        } else {
            decoded_feed(&decoded, cases[i].line, size, size);
        }
        if (cases[i].row) {
            if (decoded.rows != 1) {
                fail_msg("`%s`: rejected: %s", cases[i].line,
                         test->reject_count ? test->rejects[0].message : "?");
            }
            assert_string_equal(decoded_row(&decoded, 0), cases[i].row);
        } else {
            if (decoded.rows != 0 || test->reject_count < 1 ||
                test->rejects[0].code != cases[i].code) {
                fail_msg("`%s`: %s", cases[i].line,
                         test->reject_count ? test->rejects[0].message : "not rejected");
            }
            assert_int_equal(test->rejects[0].original_size, size);
            assert_memory_equal(test->rejects[0].original, cases[i].line, size);
            assert_string_equal(test->rejects[0].origin_name, is_message ? "clicks" : "in.json");
            assert_int_equal(test->rejects[0].position, is_message ? 77 : 1);
        }
        decoded_close(&decoded);
        test_host_destroy(test);
    }
}

static void lines_are_accepted_and_rejected_by_the_rules(void **state)
{
    (void)state;
    check_lines(flat_cases, sizeof flat_cases / sizeof flat_cases[0], false, flat_fields);
}

static void messages_are_accepted_and_rejected_by_the_same_rules(void **state)
{
    (void)state;
    check_lines(flat_cases, sizeof flat_cases / sizeof flat_cases[0], true, flat_fields);
}

static void typed_fields_and_paths_are_read(void **state)
{
    (void)state;
    check_lines(typed_cases, sizeof typed_cases / sizeof typed_cases[0], false, typed_fields);
}

static void binary_comes_as_base64(void **state)
{
    (void)state;
    struct test_host *test = test_host_create();
    struct decoded decoded;
    decoded_open(&decoded, test, test_schema(test, "raw:binary", NULL));
    const char *text = "{\"raw\":\"AAEC/w==\"}\n";
    decoded_feed(&decoded, text, strlen(text), 1000);
    struct sluice_column column;
    batch_column(decoded.batches[0], 0, &column);
    struct sluice_string bytes = sluice_column_string(&column, 0);
    assert_int_equal(bytes.size, 4);
    assert_memory_equal(bytes.bytes, "\x00\x01\x02\xff", 4);
    decoded_close(&decoded);
    test_host_destroy(test);
}

static void absent_fields_get_their_defaults(void **state)
{
    (void)state;
    struct test_host *test = test_host_create();
    struct decoded decoded;
    decoded_open(&decoded, test, test_schema(test, "a:string!=none", "b:int64=5", "c:bool", NULL));
    const char *text = "{}\n{\"a\":\"x\",\"b\":null}\n{\"a\":null}\n";
    decoded_feed(&decoded, text, strlen(text), 1000);
    assert_int_equal(decoded.rows, 2);
    assert_string_equal(decoded_row(&decoded, 0), "none|5|~");
    assert_string_equal(decoded_row(&decoded, 1), "x|~|~");
    assert_int_equal(test->rejects[0].code, SLUICE_CODE_FIELD_MISSING);
    decoded_close(&decoded);
    test_host_destroy(test);
}

static void streams_are_cut_into_lines_at_any_piece_size(void **state)
{
    (void)state;
    static const char text[] = "\xef\xbb\xbf{\"s\":\"one\"}\r\n\n  \n{\"s\":\"two\"}\nbad\r\n"
                               "{\"s\":\"nul\0\"}\n{\"s\":\"last\"}";
    for (size_t step = 1; step < sizeof text; step++) {
        struct test_host *test = test_host_create();
        struct decoded decoded;
        decoded_open(&decoded, test, test_schema(test, "s:string!", NULL));
        decoded_feed(&decoded, text, sizeof text - 1, step);
        assert_int_equal(decoded.rows, 3);
        assert_string_equal(decoded_row(&decoded, 0), "one");
        assert_string_equal(decoded_row(&decoded, 1), "two");
        assert_string_equal(decoded_row(&decoded, 2), "last");
        assert_int_equal(test->reject_count, 2);
        assert_int_equal(test->rejects[0].position, 5);
        assert_string_equal(test->rejects[0].original, "bad");
        assert_int_equal(test->rejects[1].position, 6);
        assert_int_equal(test->rejects[1].code, SLUICE_CODE_JSON_MALFORMED);
        assert_non_null(strstr(test->rejects[1].message, "NUL"));
        decoded_close(&decoded);
        test_host_destroy(test);
    }
}

static void over_long_lines_are_rejected_and_skipped_in_bounded_memory(void **state)
{
    (void)state;
    enum { LONG = 300000 };
    char *text = malloc(LONG + 100);
    assert_non_null(text);
    size_t size = (size_t)snprintf(text, 100, "{\"s\":\"a\"}\n{\"s\":\"");
    memset(text + size, 'x', LONG);
    size += LONG;
    size += (size_t)snprintf(text + size, 50, "\"}\n{\"s\":\"b\"}\n");
    for (size_t step = 700; step < 2 * size; step = step * 7 + 1) {
        struct test_host *test = test_host_create();
        struct decoded decoded;
        decoded_open(&decoded, test, test_schema(test, "s:string!", NULL));
        decoded_feed(&decoded, text, size, step);
        assert_int_equal(decoded.rows, 2);
        assert_string_equal(decoded_row(&decoded, 1), "b");
        assert_int_equal(test->reject_count, 1);
        assert_int_equal(test->rejects[0].code, SLUICE_CODE_RECORD_TOO_LONG);
        assert_int_equal(test->rejects[0].position, 2);
        assert_true(test->rejects[0].original_size <= 65536);
        decoded_close(&decoded);
        test_host_destroy(test);
    }
    free(text);
}

static void deep_json_is_rejected_not_followed(void **state)
{
    (void)state;
    struct test_host *test = test_host_create();
    struct decoded decoded;
    decoded_open(&decoded, test, test_schema(test, "s:string!", NULL));
    char text[4200] = "{\"s\":\"a\",\"x\":";
    size_t size = strlen(text);
    memset(text + size, '[', 2000);
    memset(text + size + 2000, ']', 2000);
    memcpy(text + size + 4000, "}\n", 3);
    decoded_feed(&decoded, text, strlen(text), 5000);
    assert_int_equal(decoded.rows, 0);
    assert_int_equal(test->rejects[0].code, SLUICE_CODE_JSON_MALFORMED);
    decoded_close(&decoded);
    test_host_destroy(test);
}

static void only_produced_columns_are_built_but_all_declared_are_checked(void **state)
{
    (void)state;
    struct test_host *test = test_host_create();
    const struct sluice_schema *declared =
        test_schema(test, "a:string!", "b:int64!", "c:string!", NULL);
    const struct sluice_schema *produced = test_schema(test, "c:string!", NULL);
    struct decoded decoded = {.test = test};
    assert_int_equal(json_codec.decoder_create(&test->host, &options, declared, produced,
                                               &decoded.decoder, test->error),
                     SLUICE_OK);
    json_codec.decoder_begin(decoded.decoder, "in.json", test->error);
    const char *text =
        "{\"a\":\"x\",\"b\":1,\"c\":\"good\"}\n{\"a\":\"x\",\"b\":\"1\",\"c\":\"bad\"}\n";
    decoded_feed(&decoded, text, strlen(text), 1000);
    assert_int_equal(decoded.rows, 1);
    assert_string_equal(decoded_row(&decoded, 0), "good");
    assert_int_equal(test->rejects[0].code, SLUICE_CODE_TYPE_MISMATCH);
    decoded_close(&decoded);
    test_host_destroy(test);
}

static void rows_carry_file_and_line(void **state)
{
    (void)state;
    struct test_host *test = test_host_create();
    struct decoded decoded;
    decoded_open(&decoded, test, test_schema(test, "s:string!", NULL));
    const char *text = "\n{\"s\":\"a\"}\nbad\n{\"s\":\"b\"}\n";
    decoded_feed(&decoded, text, strlen(text), 1000);
    struct sluice_origin origin;
    int64_t position;
    assert_true(batch_origin(decoded.batches[0], 1, &origin, &position));
    assert_string_equal(origin.name, "in.json");
    assert_int_equal(position, 4);
    decoded_close(&decoded);
    test_host_destroy(test);
}

static void what_is_encoded_decodes_to_the_same(void **state)
{
    (void)state;
    struct test_host *test = test_host_create();
    const struct sluice_schema *schema = test_schema(test, "s:string", "i:int64", "f:float64",
                                                     "b:bool", "t:timestamp", "k\"ey:binary", NULL);
    struct sluice_builder *builder;
    struct sluice_batch *batch;
    builder_create(&test->account, NULL, schema, &builder, test->error);
    for (int i = 0; i < 3; i++) {
        static const char *const strings[] = {"plain", "q\"b\\n\n\x01 caf\xc3\xa9 /", ""};
        builder_string(builder, 0, strings[i], strlen(strings[i]));
        builder_int64(builder, 1, INT64_MAX - i);
        builder_float64(builder, 2, i == 1 ? __builtin_nan("") : 0.1 * i);
        builder_bool(builder, 3, i == 1);
        builder_int64(builder, 4, 1500000 * i);
        builder_string(builder, 5, "\x00\xff\x10", (size_t)i);
        builder_end_row(builder, -1);
    }
    for (int column = 0; column < 6; column++) {
        builder_null(builder, column);
    }
    builder_end_row(builder, -1);
    builder_finish(builder, &batch, test->error);
    void *encoder;
    struct sluice_buffer out = {0};
    assert_int_equal(
        json_codec.encoder_create(&test->host, &options, schema, &encoder, test->error), SLUICE_OK);
    assert_int_equal(json_codec.encode(encoder, batch, NULL, 4, &out, test->error), SLUICE_OK);
    static const char want[] =
        "{\"s\":\"plain\",\"i\":9223372036854775807,\"f\":0,\"b\":false,"
        "\"t\":\"1970-01-01T00:00:00Z\",\"k\\\"ey\":\"\"}\n"
        "{\"s\":\"q\\\"b\\\\n\\n\\u0001 caf\xc3\xa9 /\",\"i\":9223372036854775806,\"f\":null,"
        "\"b\":true,\"t\":\"1970-01-01T00:00:01.500Z\",\"k\\\"ey\":\"AA==\"}\n"
        "{\"s\":\"\",\"i\":9223372036854775805,\"f\":0.2,\"b\":false,"
        "\"t\":\"1970-01-01T00:00:03Z\",\"k\\\"ey\":\"AP8=\"}\n"
        "{\"s\":null,\"i\":null,\"f\":null,\"b\":null,\"t\":null,\"k\\\"ey\":null}\n";
    assert_int_equal(out.size, sizeof want - 1);
    assert_memory_equal(out.data, want, out.size);
    struct decoded decoded;
    decoded_open(&decoded, test, schema);
    decoded_feed(&decoded, out.data, out.size, 100);
    assert_int_equal(test->reject_count, 0);
    for (int64_t row = 0; row < 4; row++) {
        const char *before = row == 1 ? "q\"b\\n\n\x01 caf\xc3\xa9 /|9223372036854775806|~|true|"
                                        "1970-01-01T00:00:01.500Z|"
                                      : test_row(test, batch, row);
        assert_memory_equal(decoded_row(&decoded, row), before, strlen(before));
    }
    decoded_close(&decoded);
    sluice_buffer_free(&test->host, &out);
    json_codec.encoder_destroy(encoder);
    batch_release(batch);
    builder_destroy(builder);
    test_host_destroy(test);
}

static void null_messages_are_rejected(void **state)
{
    (void)state;
    struct test_host *test = test_host_create();
    struct decoded decoded;
    decoded_open(&decoded, test, test_schema(test, "s:string!", NULL));
    struct sluice_builder *builder;
    struct sluice_batch *batch;
    builder_create(&test->account, NULL, test_schema(test, "value:binary", NULL), &builder,
                   test->error);
    builder_null(builder, 0);
    builder_end_row(builder, 0);
    builder_string(builder, 0, "{\"s\":\"a\"}", 9);
    builder_end_row(builder, 1);
    builder_string(builder, 0, "", 0);
    builder_end_row(builder, 2);
    builder_finish(builder, &batch, test->error);
    int32_t rows[3];
    int64_t row_count;
    assert_int_equal(json_codec.decode_values(decoded.decoder, batch, 0, &decoded.batches[0], rows,
                                              &row_count, test->error),
                     SLUICE_OK);
    decoded.batch_count = 1;
    assert_int_equal(row_count, 1);
    assert_int_equal(rows[0], 1);
    assert_int_equal(test->reject_count, 2);
    assert_int_equal(test->rejects[0].code, SLUICE_CODE_FIELD_MISSING);
    assert_int_equal(test->rejects[1].code, SLUICE_CODE_JSON_MALFORMED);
    batch_release(batch);
    builder_destroy(builder);
    decoded_close(&decoded);
    test_host_destroy(test);
}

static void memory_that_runs_out_at_any_point_is_an_error_and_nothing_leaks(void **state)
{
    (void)state;
    static const char text[] =
        "{\"a\":\"x\\ty\",\"c\":\"2026-01-02T03:04:05Z\"}\n{\"a\":[1]}\n{\"a\":\"z\"}\n";
    char block[sizeof text + SLUICE_PADDING] = {0};
    memcpy(block, text, sizeof text - 1);
    enum sluice_status status = SLUICE_FATAL;
    int64_t limit = 0;
    for (; status != SLUICE_OK; limit += 200) {
        struct test_host *test = test_host_create();
        const struct sluice_schema *schema =
            test_schema(test, "a:string!", "b:binary=AAEC", "c:timestamp", NULL);
        test->account.limit_bytes = limit + 1;
        void *decoder;
        struct sluice_batch *batch = NULL;
        size_t consumed = 0;
        status =
            json_codec.decoder_create(&test->host, &options, schema, schema, &decoder, test->error);
        if (status == SLUICE_OK) {
            status = json_codec.decoder_begin(decoder, "in", test->error);
        }
        if (status == SLUICE_OK) {
            status = json_codec.decode(decoder, block, sizeof text - 1, true, &consumed, &batch,
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
            json_codec.decoder_destroy(decoder);
        }
        test_host_destroy(test);
    }
    assert_true(limit > 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_accepted_and_rejected_by_the_rules),
        cmocka_unit_test(messages_are_accepted_and_rejected_by_the_same_rules),
        cmocka_unit_test(typed_fields_and_paths_are_read),
        cmocka_unit_test(binary_comes_as_base64),
        cmocka_unit_test(absent_fields_get_their_defaults),
        cmocka_unit_test(streams_are_cut_into_lines_at_any_piece_size),
        cmocka_unit_test(over_long_lines_are_rejected_and_skipped_in_bounded_memory),
        cmocka_unit_test(deep_json_is_rejected_not_followed),
        cmocka_unit_test(only_produced_columns_are_built_but_all_declared_are_checked),
        cmocka_unit_test(rows_carry_file_and_line),
        cmocka_unit_test(what_is_encoded_decodes_to_the_same),
        cmocka_unit_test(null_messages_are_rejected),
        cmocka_unit_test(memory_that_runs_out_at_any_point_is_an_error_and_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
