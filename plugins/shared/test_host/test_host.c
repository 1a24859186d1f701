/* SPDX-License-Identifier: Apache-2.0 */
/* Errors, facts of the run, memory, rejects, state and planning of the test host. */
#include "test_host/test_host.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum sluice_status host_error_set(sluice_host_ref host, struct sluice_error *error,
                                         enum sluice_status status, enum sluice_code code,
                                         const char *format, va_list arguments)
{
    (void)host;
    return error_set_list(error, status, code, format, arguments);
}

static void host_error_field(sluice_host_ref host, struct sluice_error *error,
                             enum sluice_error_field field, const char *format, va_list arguments)
{
    (void)host;
    error_set_field_list(error, field, format, arguments);
}

static void host_error_cause(sluice_host_ref host, struct sluice_error *error, const char *format,
                             va_list arguments)
{
    (void)host;
    error_add_cause_list(error, format, arguments);
}

static void host_error_retry_after(sluice_host_ref host, struct sluice_error *error,
                                   int64_t delay_ms)
{
    (void)host;
    error_set_retry_after(error, delay_ms);
}

static void host_log(sluice_host_ref host, enum sluice_log_level level,
                     const struct sluice_log_field *fields, size_t count, const char *format,
                     va_list arguments)
{
    (void)host;
    (void)level;
    (void)fields;
    (void)count;
    vprintf(format, arguments);
    printf("\n");
}

static void host_metric(sluice_host_ref host, size_t row, const char *const *labels, double value)
{
    (void)host;
    (void)row;
    (void)labels;
    (void)value;
}

static const struct sluice_run *host_run(sluice_host_ref host)
{
    return &test_host_of(host)->run;
}

static const struct sluice_schema *host_input_schema(sluice_host_ref host)
{
    return test_host_of(host)->input_schema;
}

static const struct sluice_schema *host_output_schema(sluice_host_ref host)
{
    return test_host_of(host)->output_schema;
}

static bool host_is_cancelled(sluice_host_ref host)
{
    return test_host_of(host)->is_cancelled;
}

static int64_t host_now_ms(sluice_host_ref host)
{
    return test_host_of(host)->now_ms;
}

static uint64_t host_random(sluice_host_ref host)
{
    (void)host;
    return 4;
}

static void host_progress(sluice_host_ref host, int64_t done_bytes, int64_t total_bytes)
{
    test_host_of(host)->progress_done = done_bytes;
    test_host_of(host)->progress_total = total_bytes;
}

static void *host_alloc(sluice_host_ref host, size_t size)
{
    return account_alloc(&test_host_of(host)->account, size);
}

static void *host_resize(sluice_host_ref host, void *memory, size_t size)
{
    return account_resize(&test_host_of(host)->account, memory, size);
}

static void host_free(sluice_host_ref host, void *memory)
{
    (void)host;
    account_free(memory);
}

static bool host_charge(sluice_host_ref host, int64_t bytes)
{
    struct account *account = &test_host_of(host)->account;
    if (bytes < 0) {
        account_discharge(account, -bytes);
        return true;
    }
    return account_charge(account, bytes);
}

static enum sluice_status host_buffer_reserve(sluice_host_ref host, struct sluice_buffer *buffer,
                                              size_t extra)
{
    if (buffer->capacity - buffer->size >= extra && buffer->data) {
        return SLUICE_OK;
    }
    size_t capacity =
        buffer->capacity * 2 > buffer->size + extra ? buffer->capacity * 2 : buffer->size + extra;
    char *grown = host_resize(host, buffer->data, capacity);
    if (!grown) {
        return SLUICE_FATAL;
    }
    buffer->data = grown;
    buffer->capacity = capacity;
    return SLUICE_OK;
}

static void host_buffer_free(sluice_host_ref host, struct sluice_buffer *buffer)
{
    host_free(host, buffer->data);
    *buffer = (struct sluice_buffer){0};
}

static enum sluice_status host_emit(sluice_host_ref host, struct sluice_batch *batch,
                                    struct sluice_error *error)
{
    (void)error;
    struct test_host *test = test_host_of(host);
    test->emitted =
        realloc(test->emitted, (test->emitted_count + 1) * sizeof(struct sluice_batch *));
    test->emitted[test->emitted_count++] = batch;
    return SLUICE_OK;
}

static enum sluice_status host_reject(sluice_host_ref host, const struct sluice_rejected *rejected,
                                      const struct sluice_error *why)
{
    struct test_host *test = test_host_of(host);
    test->rejects = realloc(test->rejects, (test->reject_count + 1) * sizeof *test->rejects);
    struct test_reject *kept = &test->rejects[test->reject_count++];
    struct sluice_origin origin = {.name = rejected->origin_name, .partition = -1};
    int64_t position = rejected->position;
    if (rejected->batch) {
        batch_origin(rejected->batch, rejected->row, &origin, &position);
    }
    *kept = (struct test_reject){
        .code = error_code(why),
        .message = arena_copy(test->arena, error_message(why), strlen(error_message(why))),
        .original = arena_copy(test->arena, rejected->original ? rejected->original : "",
                               rejected->original_size),
        .original_size = rejected->original_size,
        .origin_name =
            origin.name ? arena_copy(test->arena, origin.name, strlen(origin.name)) : NULL,
        .partition = origin.partition,
        .position = position};
    return SLUICE_OK;
}

static enum sluice_status host_state_write(sluice_host_ref host, struct sluice_state_writer *writer,
                                           const void *bytes, size_t size)
{
    (void)writer;
    text_append_bytes(&test_host_of(host)->state, bytes, size);
    return SLUICE_OK;
}

static size_t host_state_read(sluice_host_ref host, struct sluice_state_reader *reader, void *bytes,
                              size_t size)
{
    (void)reader;
    struct test_host *test = test_host_of(host);
    size_t left = test->state.size - test->state_read;
    size_t taken = size < left ? size : left;
    if (taken > 0) {
        memcpy(bytes, test->state.data + test->state_read, taken);
    }
    test->state_read += taken;
    return taken;
}

static const struct sluice_schema *host_planning_input(sluice_host_ref host,
                                                       struct sluice_planning *planning)
{
    (void)planning;
    return test_host_of(host)->input_schema;
}

static bool host_planning_is_batch(sluice_host_ref host, struct sluice_planning *planning)
{
    (void)planning;
    return test_host_of(host)->run.is_batch;
}

static enum sluice_status host_planning_output(sluice_host_ref host,
                                               struct sluice_planning *planning,
                                               const struct sluice_field *field)
{
    (void)planning;
    struct test_host *test = test_host_of(host);
    size_t count = test->planned ? test->planned->field_count : 0;
    struct sluice_field *fields = arena_alloc(test->arena, (count + 1) * sizeof *fields);
    if (count > 0) {
        memcpy(fields, test->planned->fields, count * sizeof *fields);
    }
    fields[count] = *field;
    test->planned = arena_alloc(test->arena, sizeof *test->planned);
    *test->planned = (struct sluice_schema){sizeof *fields, count + 1, fields};
    return SLUICE_OK;
}

static void host_planning_name(sluice_host_ref host, struct sluice_planning *planning,
                               const char *name)
{
    (void)host;
    (void)planning;
    (void)name;
}

static void host_planning_warn(sluice_host_ref host, struct sluice_planning *planning,
                               const char *option, const char *format, va_list arguments)
{
    (void)planning;
    (void)option;
    host_log(host, SLUICE_LOG_WARN, NULL, 0, format, arguments);
}

static void fill_table(struct sluice_host_table *table)
{
    *table = (struct sluice_host_table){.struct_size = sizeof *table,
                                        .error_set = host_error_set,
                                        .error_field = host_error_field,
                                        .error_cause = host_error_cause,
                                        .error_retry_after = host_error_retry_after,
                                        .log = host_log,
                                        .metric_add = host_metric,
                                        .metric_set = host_metric,
                                        .metric_observe = host_metric,
                                        .run = host_run,
                                        .input_schema = host_input_schema,
                                        .output_schema = host_output_schema,
                                        .is_cancelled = host_is_cancelled,
                                        .now_ms = host_now_ms,
                                        .monotonic_ms = host_now_ms,
                                        .random = host_random,
                                        .progress = host_progress,
                                        .alloc = host_alloc,
                                        .resize = host_resize,
                                        .free = host_free,
                                        .charge = host_charge,
                                        .buffer_reserve = host_buffer_reserve,
                                        .buffer_free = host_buffer_free,
                                        .emit = host_emit,
                                        .reject = host_reject,
                                        .state_write = host_state_write,
                                        .state_read = host_state_read,
                                        .planning_input = host_planning_input,
                                        .planning_is_batch = host_planning_is_batch,
                                        .planning_output = host_planning_output,
                                        .planning_reads = host_planning_name,
                                        .planning_key = host_planning_name,
                                        .planning_warn = host_planning_warn};
    test_host_fill_batch_calls(table);
    test_host_fill_codec_calls(table);
}

struct test_host *test_host_create(void)
{
    struct test_host *test = calloc(1, sizeof *test);
    struct sluice_host_table *table = calloc(1, sizeof *table);
    assert(test && table);
    fill_table(table);
    test->host.table = table;
    account_init(&test->account, 0, NULL);
    test->arena = arena_create();
    test->error = error_create();
    test->run = (struct sluice_run){.struct_size = sizeof test->run,
                                    .pipeline = "test",
                                    .flow = "flow",
                                    .step = "step",
                                    .member = "m1",
                                    .member_path = ".",
                                    .nonce = 7,
                                    .lane_count = 1,
                                    .memory_bytes = 256 << 20};
    return test;
}

void test_host_destroy(struct test_host *test)
{
    for (size_t i = 0; i < test->emitted_count; i++) {
        batch_release(test->emitted[i]);
    }
    free(test->emitted);
    free(test->rejects);
    text_reset(&test->state);
    error_destroy(test->error);
    arena_destroy(test->arena);
    assert(test->account.used_bytes == 0);
    free((void *)(uintptr_t)test->host.table);
    free(test);
}

struct sluice_state_writer *test_host_writer(struct test_host *test)
{
    text_clear(&test->state);
    return (struct sluice_state_writer *)(void *)test;
}

struct sluice_state_reader *test_host_reader(struct test_host *test)
{
    test->state_read = 0;
    return (struct sluice_state_reader *)(void *)test;
}

struct sluice_planning *test_host_planning(struct test_host *test)
{
    test->planned = NULL;
    return (struct sluice_planning *)(void *)test;
}
