/* SPDX-License-Identifier: Apache-2.0 */
/* A host for unit tests. */
#include "fake_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct fake_host *fake_of(sluice_host_ref host)
{
    return (struct fake_host *)(uintptr_t)host;
}

static enum sluice_status error_set(sluice_host_ref host, struct sluice_error *error,
                                    enum sluice_status status, enum sluice_code code,
                                    const char *format, va_list arguments)
{
    (void)host;
    error->status = status;
    error->code = code;
    vsnprintf(error->message, sizeof error->message, format, arguments);
    return status;
}

static void error_field(sluice_host_ref host, struct sluice_error *error,
                        enum sluice_error_field field, const char *format, va_list arguments)
{
    (void)host, (void)error, (void)field, (void)format, (void)arguments;
}

static void error_cause(sluice_host_ref host, struct sluice_error *error, const char *format,
                        va_list arguments)
{
    (void)host;
    size_t size = strlen(error->message);
    vsnprintf(error->message + size, sizeof error->message - size, format, arguments);
}

static void error_retry_after(sluice_host_ref host, struct sluice_error *error, int64_t delay_ms)
{
    (void)host, (void)error, (void)delay_ms;
}

static void host_log(sluice_host_ref host, enum sluice_log_level level,
                     const struct sluice_log_field *fields, size_t count, const char *format,
                     va_list arguments)
{
    (void)host, (void)level, (void)fields, (void)count, (void)format, (void)arguments;
}

static bool is_failing(struct fake_host *fake)
{
    return fake->fail_allocation > 0 && --fake->fail_allocation == 0;
}

static void *host_alloc(sluice_host_ref host, size_t size)
{
    struct fake_host *fake = fake_of(host);
    if (is_failing(fake)) {
        return NULL;
    }
    fake->held++;
    return calloc(1, size + SLUICE_PADDING);
}

static void host_free(sluice_host_ref host, void *memory)
{
    fake_of(host)->held -= memory != NULL;
    free(memory);
}

static void *host_resize(sluice_host_ref host, void *memory, size_t size)
{
    struct fake_host *fake = fake_of(host);
    if (is_failing(fake)) {
        return NULL;
    }
    fake->held += memory == NULL;
    return realloc(memory, size + SLUICE_PADDING);
}

static enum sluice_status buffer_reserve(sluice_host_ref host, struct sluice_buffer *buffer,
                                         size_t extra)
{
    if (buffer->size + extra <= buffer->capacity) {
        return SLUICE_OK;
    }
    size_t capacity = (buffer->size + extra) * 2;
    char *data = host_resize(host, buffer->data, capacity);
    if (!data) {
        return SLUICE_FATAL;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return SLUICE_OK;
}

static void buffer_free(sluice_host_ref host, struct sluice_buffer *buffer)
{
    host_free(host, buffer->data);
    *buffer = (struct sluice_buffer){0};
}

static int64_t now_ms(sluice_host_ref host)
{
    return fake_of(host)->now_ms;
}

static const struct sluice_run *host_run(sluice_host_ref host)
{
    return &fake_of(host)->run;
}

static bool charge(sluice_host_ref host, int64_t bytes)
{
    (void)host, (void)bytes;
    return true;
}

static bool is_cancelled(sluice_host_ref host)
{
    (void)host;
    return false;
}

static uint64_t host_random(sluice_host_ref host)
{
    return (uint64_t)fake_of(host)->now_ms;
}

static const struct sluice_host_table fake_table = {
    .struct_size = sizeof(struct sluice_host_table),
    .error_set = error_set,
    .error_field = error_field,
    .error_cause = error_cause,
    .error_retry_after = error_retry_after,
    .log = host_log,
    .run = host_run,
    .is_cancelled = is_cancelled,
    .now_ms = now_ms,
    .monotonic_ms = now_ms,
    .random = host_random,
    .alloc = host_alloc,
    .resize = host_resize,
    .free = host_free,
    .charge = charge,
    .buffer_reserve = buffer_reserve,
    .buffer_free = buffer_free,
};

void fake_host_init(struct fake_host *fake)
{
    *fake = (struct fake_host){
        .host = {&fake_table},
        .run = {.struct_size = sizeof(struct sluice_run),
                .pipeline = "shop",
                .flow = "ingest",
                .step = "sink",
                .member = "m1",
                .nonce = 0x0123456789abcdefU,
                .memory_bytes = 64 << 20},
        .now_ms = 1700000000000,
    };
}
