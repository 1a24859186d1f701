/* SPDX-License-Identifier: Apache-2.0 */
#include "generate_fixture.h"

struct generate_options default_options(void)
{
    return (struct generate_options){.count = 30000,
                                     .seed = 42,
                                     .users = 5000,
                                     .pages = 300,
                                     .user_skew = 0.5,
                                     .page_skew = 1.0,
                                     .traffic = 20,
                                     .late = 0.05,
                                     .max_lateness_ms = 600000,
                                     .duplicates = 0.02,
                                     .malformed = 0.01,
                                     .start_us = INT64_C(1767225600000000)};
}

void begin_source(struct source *source, const struct generate_options *options)
{
    source->test = test_host_create();
    struct test_host *test = source->test;
    assert_int_equal(
        generate_source.plan(&test->host, options, test_host_planning(test), test->error), 0);
    test->output_schema = test->planned;
    assert_int_equal(generate_source.create(&test->host, options, &source->instance, test->error),
                     0);
}

void end_source(struct source *source)
{
    generate_source.destroy(source->instance);
    test_host_destroy(source->test);
}

/* The next batch, or NULL at the end. */
struct sluice_batch *read_batch(struct source *source)
{
    struct sluice_batch *batch;
    enum sluice_status status =
        generate_source.read(source->instance, 0, &batch, source->test->error);
    if (status == SLUICE_END)
        assert_null(batch);
    else
        assert_int_equal(status, SLUICE_OK);
    return batch;
}

void append_lines(struct text *text, const struct sluice_batch *batch)
{
    struct sluice_column column;
    batch_column(batch, 1, &column);
    for (int64_t row = 0; row < column.length; row++) {
        struct sluice_string line = sluice_column_string(&column, row);
        text_append_bytes(text, line.bytes, line.size);
        text_append_char(text, '\n');
    }
}

void read_all(struct source *source, struct text *text)
{
    for (struct sluice_batch *batch; (batch = read_batch(source)) != NULL;) {
        append_lines(text, batch);
        batch_release(batch);
    }
}
