/* SPDX-License-Identifier: Apache-2.0 */
#include "es_fixture.h"

/* ---- a codec: rows as the core writes them into dead letters ---- */

static enum sluice_status encoder_create(const struct sluice_host *host, const void *options,
                                         const struct sluice_schema *schema, void **encoder,
                                         struct sluice_error *error)
{
    (void)options;
    (void)schema;
    (void)error;
    *encoder = (void *)(uintptr_t)host;
    return SLUICE_OK;
}

static enum sluice_status encoder_begin(void *encoder, struct sluice_buffer *buffer,
                                        struct sluice_error *error)
{
    (void)encoder;
    (void)buffer;
    (void)error;
    return SLUICE_OK;
}

static enum sluice_status append_row(const struct sluice_host *host,
                                     const struct sluice_batch *batch, int64_t row,
                                     struct sluice_buffer *buffer)
{
    struct text text = {0};
    format_row_json(batch, row, &text);
    text_append_char(&text, '\n');
    enum sluice_status status = sluice_buffer_reserve(host, buffer, text.size);
    if (status == SLUICE_OK) {
        memcpy(buffer->data + buffer->size, text.data, text.size);
        buffer->size += text.size;
    }
    text_reset(&text);
    return status;
}

static enum sluice_status encode(void *encoder, const struct sluice_batch *batch,
                                 const int32_t *rows, int64_t count, struct sluice_buffer *buffer,
                                 struct sluice_error *error)
{
    enum sluice_status status = SLUICE_OK;
    for (int64_t i = 0; status == SLUICE_OK && i < count; i++) {
        status = append_row(encoder, batch, rows ? rows[i] : i, buffer);
    }
    return status == SLUICE_OK
               ? status
               : sluice_fail(encoder, error, status, SLUICE_CODE_OVER_BUDGET, "no memory");
}

static void encoder_destroy(void *encoder)
{
    (void)encoder;
}

static const struct sluice_codec row_codec = {
    .struct_size = sizeof(row_codec),
    .encoder_create = encoder_create,
    .encoder_begin = encoder_begin,
    .encode = encode,
    .encoder_finish = encoder_begin,
    .encoder_destroy = encoder_destroy,
    .file_extension = "json",
};
static const struct sluice_codec_choice row_choice = {"json", &row_codec, NULL};

void fixture_init(struct es_fixture *fixture)
{
    memset(fixture, 0, sizeof(*fixture));
    fixture->test = test_host_create();
    fixture->test->input_schema =
        test_schema(fixture->test, "name:string", "n:int64", "at:timestamp", NULL);
    fixture->test->run.is_batch = true;
    fixture->test->run.run = 1000;
    fixture->ids[0] = "name";
    fixture->urls[0] = fixture->url;
    fixture->options = (struct es_options){
        .url = {1, fixture->urls},
        .id = {1, fixture->ids},
        .bulk_bytes = 1 << 20,
        .bulk_rows = 100,
        .bulk_age_ms = 1000,
        .in_flight = 2,
        .mapping = ES_MAPPING_NONE,
        .replicas = -1,
        .refresh = ES_REFRESH_NONE,
        .format = &row_choice,
        .http = {.connect_timeout_ms = 5000, .request_timeout_ms = 5000, .tls_verify = true},
    };
    fixture_index(fixture, "test");
}

void fixture_index(struct es_fixture *fixture, const char *template_)
{
    fixture->options.index = template_parse(fixture->test->arena, template_, fixture->test->error);
    assert_non_null(fixture->options.index);
}

enum sluice_status fixture_create(struct es_fixture *fixture)
{
    return es_sink.create(&fixture->test->host, &fixture->options, &fixture->sink,
                          fixture->test->error);
}

void fixture_serve(struct es_fixture *fixture, const struct scripted_answer *answers, size_t count)
{
    fixture->server = scripted_server_start(answers, count);
    snprintf(fixture->url, sizeof(fixture->url), "http://127.0.0.1:%d",
             scripted_server_port(fixture->server));
    assert_int_equal(fixture_create(fixture), SLUICE_OK);
}

/* ---- rows ---- */

struct sluice_batch *fixture_batch(struct es_fixture *fixture, const struct fixture_row *rows,
                                   size_t count)
{
    const struct sluice_host *host = &fixture->test->host;
    struct sluice_error *error = fixture->test->error;
    struct sluice_builder *builder;
    struct sluice_batch *batch = NULL;
    sluice_builder_create(host, fixture->test->input_schema, &builder, error);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].name) {
            sluice_builder_string(host, builder, 0, rows[i].name, strlen(rows[i].name));
        } else {
            sluice_builder_null(host, builder, 0);
        }
        sluice_builder_int64(host, builder, 1, rows[i].n);
        sluice_builder_int64(host, builder, 2, rows[i].n * 1000000);
        sluice_builder_end_row(host, builder, (int64_t)i);
    }
    assert_int_equal(sluice_builder_finish(host, builder, &batch, error), SLUICE_OK);
    sluice_builder_destroy(host, builder);
    return batch;
}

enum sluice_status fixture_write(struct es_fixture *fixture, const struct fixture_row *rows,
                                 size_t count)
{
    enum sluice_status status = SLUICE_RETRY;
    struct fixture_row left[FIXTURE_ROWS];
    memcpy(left, rows, count * sizeof(*rows));
    for (int attempt = 0; attempt < 5 && status == SLUICE_RETRY; attempt++) {
        struct sluice_batch *batch = fixture_batch(fixture, left, count ? count : 1);
        struct sluice_batch *shown = NULL;
        sluice_batch_slice(&fixture->test->host, batch, 0, (int64_t)count, &shown,
                           fixture->test->error);
        status =
            es_sink.write(fixture->sink, shown, test_host_verdicts(fixture->test, (int64_t)count),
                          fixture->test->error);
        sluice_batch_release(&fixture->test->host, shown);
        sluice_batch_release(&fixture->test->host, batch);
        size_t kept = 0;
        for (size_t i = 0; status == SLUICE_RETRY && i < count; i++) {
            if (fixture->test->verdicts[i] == SLUICE_VERDICT_NONE) {
                left[kept++] = left[i];
            }
        }
        count = status == SLUICE_RETRY ? kept : count;
    }
    return status;
}

enum sluice_status fixture_stage(struct es_fixture *fixture, uint64_t checkpoint)
{
    enum sluice_status status = SLUICE_RETRY;
    for (int attempt = 0; attempt < 5 && status == SLUICE_RETRY; attempt++) {
        status = es_sink.stage(fixture->sink, checkpoint, test_host_writer(fixture->test),
                               fixture->test->error);
    }
    return status;
}

enum sluice_status fixture_commit(struct es_fixture *fixture, uint64_t checkpoint)
{
    return es_sink.commit(fixture->sink, checkpoint, test_host_reader(fixture->test),
                          fixture->test->error);
}

void fixture_stop(struct es_fixture *fixture)
{
    if (fixture->sink) {
        es_sink.close(fixture->sink);
        es_sink.destroy(fixture->sink);
        fixture->sink = NULL;
    }
    if (fixture->server && !fixture->is_stopped) {
        scripted_server_stop(fixture->server);
        fixture->is_stopped = true;
    }
}

void fixture_end(struct es_fixture *fixture)
{
    fixture_stop(fixture);
    if (fixture->server) {
        scripted_server_free(fixture->server);
    }
    test_host_destroy(fixture->test);
}

/* ---- without memory ---- */

static enum sluice_status live_once(struct es_fixture *fixture, bool is_opened)
{
    static const struct fixture_row rows[] = {{"a", 1}, {"b", 2}};
    struct sluice_batch *batch = fixture_batch(fixture, rows, 2);
    enum sluice_status status = fixture_create(fixture);
    if (status == SLUICE_OK && is_opened) {
        status = es_sink.open(fixture->sink, fixture->test->error);
    }
    if (status == SLUICE_OK) {
        status = es_sink.write(fixture->sink, batch, test_host_verdicts(fixture->test, 2),
                               fixture->test->error);
    }
    if (status == SLUICE_OK) {
        status =
            es_sink.stage(fixture->sink, 1, test_host_writer(fixture->test), fixture->test->error);
    }
    if (status == SLUICE_OK) {
        status = fixture_commit(fixture, 1);
    }
    sluice_batch_release(&fixture->test->host, batch);
    return status;
}

enum sluice_status fixture_live_with(struct es_fixture *fixture, int64_t allocations,
                                     bool is_opened)
{
    fixture->test->allocations_left = allocations;
    enum sluice_status status = live_once(fixture, is_opened);
    if (status != SLUICE_OK) {
        assert_int_equal(status, SLUICE_FATAL);
        assert_int_equal(error_code(fixture->test->error), SLUICE_CODE_OVER_BUDGET);
    }
    return status;
}
