/* SPDX-License-Identifier: Apache-2.0 */
/* Errors, log, facts of the run, the clock, memory and state streams of the test host. */
#include "test_host/calls.h"

#include <stdio.h>
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
    putchar('\n');
}

static void host_readiness(sluice_host_ref host, const char *waits_for)
{
    (void)host;
    (void)waits_for;
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

static bool host_input_has_property(sluice_host_ref host, enum sluice_property property,
                                    const char *const *columns, size_t count)
{
    (void)property;
    return test_host_has_property(test_host_of(host), columns, count);
}

static bool host_is_cancelled(sluice_host_ref host)
{
    return test_host_of(host)->is_cancelled;
}

static int64_t host_now_ms(sluice_host_ref host)
{
    return test_host_of(host)->now_ms;
}

/* Another number at each call, the same ones in every run. */
static uint64_t host_random(sluice_host_ref host)
{
    uint64_t *state = &test_host_of(host)->random;
    uint64_t high = test_random(state);
    return high << 32 | test_random(state);
}

static void host_progress(sluice_host_ref host, int64_t done_bytes, int64_t total_bytes)
{
    test_host_of(host)->progress_done = done_bytes;
    test_host_of(host)->progress_total = total_bytes;
}

static bool may_allocate(struct test_host *test)
{
    if (test->allocations_left == 0) {
        return false;
    }
    test->allocations_left--;
    return true;
}

static void *host_alloc(sluice_host_ref host, size_t size)
{
    struct test_host *test = test_host_of(host);
    return may_allocate(test) ? account_alloc(&test->account, size) : NULL;
}

static void *host_resize(sluice_host_ref host, void *memory, size_t size)
{
    struct test_host *test = test_host_of(host);
    return may_allocate(test) ? account_resize(&test->account, memory, size) : NULL;
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

static void host_memory(sluice_host_ref host, struct sluice_memory *memory)
{
    const struct test_host *test = test_host_of(host);
    *memory = (struct sluice_memory){
        .limit_bytes = test->memory_limit ? test->memory_limit : test->account.limit_bytes,
        .used_bytes = (int64_t)test->account.used_bytes,
    };
    for (size_t i = 0; test->memory_limit && i < test->emitted_count; i++) {
        memory->used_bytes -= batch_bytes(test->emitted[i]);
    }
}

static void host_spilled(sluice_host_ref host, int64_t bytes)
{
    test_host_of(host)->spilled_bytes += bytes;
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

void test_host_fill_services(struct sluice_host_table *table)
{
    table->error_set = host_error_set;
    table->error_field = host_error_field;
    table->error_cause = host_error_cause;
    table->error_retry_after = host_error_retry_after;
    table->log = host_log;
    table->metric_add = host_metric;
    table->metric_set = host_metric;
    table->metric_observe = host_metric;
    table->readiness = host_readiness;
    table->run = host_run;
    table->input_schema = host_input_schema;
    table->output_schema = host_output_schema;
    table->input_has_property = host_input_has_property;
    table->is_cancelled = host_is_cancelled;
    table->now_ms = host_now_ms;
    table->monotonic_ms = host_now_ms;
    table->random = host_random;
    table->progress = host_progress;
    table->alloc = host_alloc;
    table->resize = host_resize;
    table->free = host_free;
    table->charge = host_charge;
    table->memory = host_memory;
    table->spilled = host_spilled;
    table->buffer_reserve = host_buffer_reserve;
    table->buffer_free = host_buffer_free;
    table->state_write = host_state_write;
    table->state_read = host_state_read;
}
