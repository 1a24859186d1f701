/* SPDX-License-Identifier: Apache-2.0 */
/* The services that a running instance gets: errors, log, facts, memory, rows and control. */
#include "runtime/host/host.h"

#include "telemetry/log.h"

#include <stdio.h>
#include <string.h>

static enum sluice_status set_error(sluice_host_ref host, struct sluice_error *error,
                                    enum sluice_status status, enum sluice_code code,
                                    const char *format, va_list arguments)
{
    (void)host;
    return error_set_list(error, status, code, format, arguments);
}

static void set_error_field(sluice_host_ref host, struct sluice_error *error,
                            enum sluice_error_field field, const char *format, va_list arguments)
{
    (void)host;
    error_set_field_list(error, field, format, arguments);
}

static void add_error_cause(sluice_host_ref host, struct sluice_error *error, const char *format,
                            va_list arguments)
{
    (void)host;
    error_add_cause_list(error, format, arguments);
}

static void set_retry_after(sluice_host_ref host, struct sluice_error *error, int64_t delay_ms)
{
    (void)host;
    error_set_retry_after(error, delay_ms);
}

static void log_message(sluice_host_ref host, enum sluice_log_level level,
                        const struct sluice_log_field *fields, size_t field_count,
                        const char *format, va_list arguments)
{
    const struct sluice_run *run = &instance_of(host)->run;
    struct log_scope scope = {run->pipeline, run->flow, run->step};
    log_write_list(level, &scope, fields, field_count, format, arguments);
}

static void note_readiness(sluice_host_ref host, const char *waits_for)
{
    struct instance *instance = instance_of(host);
    pthread_mutex_lock(&instance->step->lock);
    snprintf(instance->waits_for, sizeof instance->waits_for, "%s", waits_for ? waits_for : "");
    pthread_mutex_unlock(&instance->step->lock);
}

static const struct sluice_run *get_run(sluice_host_ref host)
{
    return &instance_of(host)->run;
}

static const struct sluice_schema *get_input_schema(sluice_host_ref host)
{
    return instance_of(host)->step->plan->input_schema;
}

static const struct sluice_schema *get_output_schema(sluice_host_ref host)
{
    return instance_of(host)->step->plan->output_schema;
}

static bool has_column(const struct property_plan *property, const char *column)
{
    for (size_t i = 0; i < property->column_count; i++)
        if (strcmp(property->columns[i], column) == 0)
            return true;
    return false;
}

static bool has_property(sluice_host_ref host, enum sluice_property wanted,
                         const char *const *columns, size_t count)
{
    const struct step_plan *plan = instance_of(host)->step->plan;
    for (size_t p = 0; p < plan->input_property_count; p++) {
        const struct property_plan *property = &plan->input_properties[p];
        bool is_same = property->property == wanted && property->column_count == count;
        for (size_t i = 0; i < count && is_same; i++)
            is_same = has_column(property, columns[i]);
        if (is_same)
            return true;
    }
    return false;
}

static bool is_run_cancelled(sluice_host_ref host)
{
    return atomic_load_explicit(&instance_of(host)->execution->is_cancelled,
                                memory_order_acquire);
}

static int64_t now_ms(sluice_host_ref host)
{
    (void)host;
    return clock_wall_ms();
}

static int64_t monotonic_ms(sluice_host_ref host)
{
    (void)host;
    return clock_monotonic_ms();
}

static uint64_t draw_random(sluice_host_ref host)
{
    (void)host;
    return random_seed();
}

static void note_progress(sluice_host_ref host, int64_t done_bytes, int64_t total_bytes)
{
    struct step_counters *counters = &instance_of(host)->step->counters;
    atomic_store_explicit(&counters->progress_done, done_bytes, memory_order_relaxed);
    atomic_store_explicit(&counters->progress_total, total_bytes, memory_order_relaxed);
}

static void *allocate(sluice_host_ref host, size_t size)
{
    return account_alloc(&instance_of(host)->step->account, size);
}

static void *resize(sluice_host_ref host, void *memory, size_t size)
{
    return account_resize(&instance_of(host)->step->account, memory, size);
}

static void release(sluice_host_ref host, void *memory)
{
    (void)host;
    account_free(memory);
}

static bool charge(sluice_host_ref host, int64_t bytes)
{
    struct account *account = &instance_of(host)->step->account;
    if (bytes >= 0)
        return account_charge(account, bytes);
    account_discharge(account, -bytes);
    return true;
}

static void tell_memory(sluice_host_ref host, struct sluice_memory *memory)
{
    const struct account *account = &instance_of(host)->execution->flow->pipeline->account;
    *memory = (struct sluice_memory){
        .limit_bytes = account->limit_bytes,
        .used_bytes = (int64_t)atomic_load_explicit(&account->used_bytes, memory_order_relaxed),
    };
}

static void count_spilled(sluice_host_ref host, int64_t bytes)
{
    atomic_fetch_add_explicit(&instance_of(host)->step->counters.spilled_bytes, (uint64_t)bytes,
                              memory_order_relaxed);
}

static enum sluice_status emit(sluice_host_ref host, struct sluice_batch *batch,
                               struct sluice_error *error)
{
    struct instance *instance = instance_of(host);
    if (!schema_equal(batch_schema(batch), instance->step->plan->output_schema)) {
        batch_release(batch);
        return error_set(error, SLUICE_FATAL, SLUICE_CODE_INTERNAL,
                         "the plugin emitted columns other than it had planned");
    }
    enum sluice_status status = output_batch(instance, batch);
    if (status != SLUICE_OK && error != instance->error)
        error_copy(error, instance->error);
    return status;
}

static enum sluice_status reject(sluice_host_ref host, const struct sluice_rejected *rejected,
                                 const struct sluice_error *why)
{
    return reject_row(instance_of(host), rejected, why);
}

static void set_verdict(sluice_host_ref host, struct sluice_verdicts *verdicts, int64_t row,
                        enum sluice_verdict verdict, const struct sluice_error *why)
{
    (void)host;
    verdict_set(verdicts, row, verdict, why);
}

static void request_checkpoint(sluice_host_ref host)
{
    struct execution *execution = instance_of(host)->execution;
    atomic_store(&execution->wants_checkpoint, true);
    pthread_mutex_lock(&execution->lock);
    pthread_cond_broadcast(&execution->changed);
    pthread_mutex_unlock(&execution->lock);
}

static enum sluice_status settle_own(sluice_host_ref host, const char *member,
                                     uint64_t checkpoint, struct sluice_error *error)
{
    return settle(instance_of(host), member, checkpoint, SLUICE_SETTLE_OWN, error);
}

static enum sluice_status settle_member(sluice_host_ref host, const char *member,
                                        uint64_t checkpoint, enum sluice_settlement settlement,
                                        struct sluice_error *error)
{
    return settle(instance_of(host), member, checkpoint, settlement, error);
}

static enum sluice_status write_state(sluice_host_ref host, struct sluice_state_writer *writer,
                                      const void *bytes, size_t size)
{
    (void)host;
    text_append_bytes(writer->text, bytes, size);
    return writer->text->has_failed ? SLUICE_FATAL : SLUICE_OK;
}

static size_t read_state(sluice_host_ref host, struct sluice_state_reader *reader, void *bytes,
                         size_t size)
{
    (void)host;
    size_t taken = size < reader->size ? size : reader->size;
    if (taken)
        memcpy(bytes, reader->bytes, taken);
    reader->bytes += taken;
    reader->size -= taken;
    return taken;
}

static enum sluice_status get_resource(sluice_host_ref host, const char *name,
                                       enum sluice_status (*create)(void *, void **,
                                                                    struct sluice_error *),
                                       void (*destroy)(void *), void *user, void **resource,
                                       struct sluice_error *error)
{
    return resource_get(instance_of(host)->execution->flow->runtime->resources, name, create,
                        destroy, user, resource, error);
}

static void release_resource(sluice_host_ref host, const char *name)
{
    resource_release(instance_of(host)->execution->flow->runtime->resources, name);
}

static size_t print_float64(sluice_host_ref host, double value, char text[32])
{
    (void)host;
    return format_float64(value, text);
}

static size_t print_timestamp(sluice_host_ref host, int64_t value_us, char text[40])
{
    (void)host;
    return format_timestamp(value_us, text);
}

static bool parse_timestamp(sluice_host_ref host, const struct sluice_time_format *format,
                            const char *bytes, size_t size, int64_t *value_us)
{
    (void)host;
    return time_format_parse(format, bytes, size, value_us);
}

static int64_t parse_timestamps(sluice_host_ref host, const struct sluice_time_format *format,
                                const struct sluice_string *texts, int64_t count,
                                int64_t *values_us)
{
    (void)host;
    return time_format_parse_many(format, texts, count, values_us);
}

static bool check_utf8(sluice_host_ref host, const char *bytes, size_t size)
{
    (void)host;
    return is_utf8(bytes, size);
}

static uint64_t hash(sluice_host_ref host, const void *bytes, size_t size)
{
    (void)host;
    return hash_bytes(bytes, size);
}

static bool find_template_ends(sluice_host_ref host, const struct sluice_template *template_,
                               struct sluice_string *prefix, struct sluice_string *suffix)
{
    (void)host;
    return template_ends(template_, prefix, suffix);
}

static void fill_services(struct sluice_host_table *table)
{
    table->struct_size = sizeof *table;
    table->error_set = set_error;
    table->error_field = set_error_field;
    table->error_cause = add_error_cause;
    table->error_retry_after = set_retry_after;
    table->log = log_message;
    table->metric_add = host_metric_add;
    table->metric_set = host_metric_set;
    table->metric_observe = host_metric_observe;
    table->run = get_run;
    table->input_schema = get_input_schema;
    table->output_schema = get_output_schema;
    table->input_has_property = has_property;
    table->is_cancelled = is_run_cancelled;
    table->now_ms = now_ms;
    table->monotonic_ms = monotonic_ms;
    table->random = draw_random;
    table->progress = note_progress;
    table->alloc = allocate;
    table->resize = resize;
    table->free = release;
    table->charge = charge;
    table->memory = tell_memory;
    table->spilled = count_spilled;
    table->buffer_reserve = host_buffer_reserve;
    table->buffer_free = host_buffer_free;
    table->emit = emit;
    table->reject = reject;
    table->verdict = set_verdict;
    table->request_checkpoint = request_checkpoint;
    table->settle = settle_own;
    table->settle_member = settle_member;
    table->readiness = note_readiness;
    table->state_write = write_state;
    table->state_read = read_state;
    table->resource_get = get_resource;
    table->resource_release = release_resource;
}

void host_fill(struct sluice_host_table *table)
{
    *table = (struct sluice_host_table){0};
    fill_services(table);
    host_fill_batch(table);
    table->format_float64 = print_float64;
    table->format_timestamp = print_timestamp;
    table->format_value = host_format_value;
    table->parse_timestamp = parse_timestamp;
    table->parse_timestamps = parse_timestamps;
    table->is_utf8 = check_utf8;
    table->hash_bytes = hash;
    table->template_render = host_template_render;
    table->template_ends = find_template_ends;
    table->codec_name = host_codec_name;
    table->decoder_create = host_decoder_create;
    table->decoder_begin = host_decoder_begin;
    table->decoder_decode = host_decoder_decode;
    table->decoder_values = host_decoder_values;
    table->decoder_destroy = host_decoder_destroy;
    table->encoder_create = host_encoder_create;
    table->encoder_begin = host_encoder_begin;
    table->encoder_encode = host_encoder_encode;
    table->encoder_finish = host_encoder_finish;
    table->encoder_destroy = host_encoder_destroy;
}
