/* SPDX-License-Identifier: Apache-2.0 */
#include "both_modes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FIELDS = 8 };

const struct sluice_schema *both_modes_schema(struct test_host *test)
{
    return test_schema(test, "id:string!", "time:timestamp!", "n:int64", "f:float64=1.5", "ok:bool",
                       "note:string", "raw:binary", "rest:string=none", NULL);
}

const struct sluice_schema *both_modes_kept(struct test_host *test,
                                            const struct sluice_schema *declared)
{
    static const bool keep[FIELDS] = {true, false, true, false, true, false, true, true};
    return test_kept_schema(test, declared, keep);
}

static void print_rows(struct test_host *test, struct sluice_batch *batch, struct text *out)
{
    for (int64_t row = 0; batch && row < batch_rows(batch); row++) {
        text_printf(out, "%s\n", test_row(test, batch, row));
    }
    if (batch) {
        batch_release(batch);
    }
}

static void print_rejects(const struct test_host *test, size_t first, struct text *out)
{
    for (size_t i = first; i < test->reject_count; i++) {
        const struct test_reject *reject = &test->rejects[i];
        text_printf(out, "! %s %s ", error_code_name(reject->code), reject->message);
        text_append_bytes(out, reject->original, reject->original_size);
        text_append_char(out, '\n');
    }
}

static void *create_decoder(struct test_host *test, const struct sluice_codec_choice *choice,
                            const struct sluice_schema *produced)
{
    void *decoder;
    assert_int_equal(choice->codec->decoder_create(&test->host, choice->options,
                                                   test->input_schema, produced, &decoder,
                                                   test->error),
                     SLUICE_OK);
    return decoder;
}

static int64_t decode_file(struct test_host *test, const struct sluice_codec_choice *choice,
                           const struct sluice_schema *produced, struct text *file,
                           struct text *out)
{
    void *decoder = create_decoder(test, choice, produced);
    size_t first_reject = test->reject_count;
    size_t size = file->size;
    char *bytes = malloc(size + SLUICE_PADDING);
    assert_non_null(bytes);
    memcpy(bytes, text_get(file), size);
    memset(bytes + size, '"', SLUICE_PADDING);
    assert_int_equal(choice->codec->decoder_begin(decoder, "file", test->error), SLUICE_OK);
    int64_t rows = 0;
    for (size_t at = 0, consumed = 1; consumed > 0; at += consumed) {
        struct sluice_batch *batch;
        assert_int_equal(choice->codec->decode(decoder, bytes + at, size - at, true, &consumed,
                                               &batch, test->error),
                         SLUICE_OK);
        rows += batch ? batch_rows(batch) : 0;
        print_rows(test, batch, out);
    }
    free(bytes);
    choice->codec->decoder_destroy(decoder);
    print_rejects(test, first_reject, out);
    return rows;
}

static void decode_messages(struct test_host *test, const struct sluice_codec_choice *choice,
                            const struct sluice_schema *produced,
                            const struct sluice_string *lines, int64_t count, struct text *out)
{
    void *decoder = create_decoder(test, choice, produced);
    size_t first_reject = test->reject_count;
    const struct sluice_schema *schema = test_schema(test, "value:binary", NULL);
    struct sluice_builder *builder;
    sluice_builder_create(&test->host, schema, &builder, test->error);
    for (int64_t i = 0; i < count; i++) {
        sluice_builder_string(&test->host, builder, 0, lines[i].bytes, lines[i].size);
        sluice_builder_end_row(&test->host, builder, i);
    }
    struct sluice_batch *input = test_finish(test, builder);
    sluice_builder_destroy(&test->host, builder);
    struct sluice_batch *batch;
    int32_t *rows = calloc((size_t)count, sizeof *rows);
    int64_t row_count;
    assert_int_equal(choice->codec->decode_values(decoder, input, 0, &batch, rows, &row_count,
                                                  test->error),
                     SLUICE_OK);
    print_rows(test, batch, out);
    free(rows);
    batch_release(input);
    choice->codec->decoder_destroy(decoder);
    print_rejects(test, first_reject, out);
}

int64_t check_both_modes(struct test_host *test, const struct sluice_codec_choice *choice,
                         const struct sluice_schema *produced, const struct sluice_string *lines,
                         int64_t count)
{
    struct text file = {0};
    struct text as_file = {0};
    struct text as_messages = {0};
    for (int64_t i = 0; i < count; i++) {
        text_append_bytes(&file, lines[i].bytes, lines[i].size);
        text_append_char(&file, '\n');
    }
    int64_t rows = decode_file(test, choice, produced, &file, &as_file);
    decode_messages(test, choice, produced, lines, count, &as_messages);
    assert_int_equal(as_file.size, as_messages.size);
    assert_memory_equal(text_get(&as_file), text_get(&as_messages), as_file.size);
    text_reset(&file);
    text_reset(&as_file);
    text_reset(&as_messages);
    return rows;
}
