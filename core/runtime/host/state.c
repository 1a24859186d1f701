/* SPDX-License-Identifier: Apache-2.0 */
/* Where a pipeline's state lies: a folder, or a plugin's store and the host that its instance sees.
 * That instance belongs to no flow: of the services it has those that are about no row. */
#include "runtime/host/state.h"

#include "runtime/host/host.h"

#include "telemetry/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A store that cannot be reached at the start: a supervisor that starts again is then better than
 * a process that waits. Once flows run, continuous ones wait for ever. */
enum { START_LIMIT_MS = 30000, RUN_LIMIT_MS = 120000 };

struct pipeline_state {
    struct sluice_host host; /* first: what the plugin sees */
    struct sluice_host_table table;
    struct sluice_run run;
    struct account *account;
    const struct sluice_state_store *calls;
    void *instance;
    struct state_store *store;
};

static struct pipeline_state *state_of(sluice_host_ref host)
{
    return (struct pipeline_state *)(uintptr_t)host;
}

static void log_message(sluice_host_ref host, enum sluice_log_level level,
                        const struct sluice_log_field *fields, size_t field_count,
                        const char *format, va_list arguments)
{
    struct log_scope scope = {.pipeline = state_of(host)->run.pipeline};
    log_write_list(level, &scope, fields, field_count, format, arguments);
}

static const struct sluice_run *get_run(sluice_host_ref host)
{
    return &state_of(host)->run;
}

static bool is_never_cancelled(sluice_host_ref host)
{
    (void)host; /* the store's cancel() tells */
    return false;
}

static void *allocate(sluice_host_ref host, size_t size)
{
    return account_alloc(state_of(host)->account, size);
}

static void *resize(sluice_host_ref host, void *memory, size_t size)
{
    return account_resize(state_of(host)->account, memory, size);
}

static bool charge(sluice_host_ref host, int64_t bytes)
{
    if (bytes >= 0)
        return account_charge(state_of(host)->account, bytes);
    account_discharge(state_of(host)->account, -bytes);
    return true;
}

static enum sluice_status reserve(sluice_host_ref host, struct sluice_buffer *buffer, size_t extra)
{
    return host_buffer_grow(state_of(host)->account, buffer, extra);
}

/* Everything that is about steps stays empty. */
static void fill_table(struct sluice_host_table *table, const struct sluice_host_table *full)
{
    *table = (struct sluice_host_table){
        .struct_size = sizeof *table,
        .error_set = full->error_set,
        .error_field = full->error_field,
        .error_cause = full->error_cause,
        .error_retry_after = full->error_retry_after,
        .log = log_message,
        .run = get_run,
        .is_cancelled = is_never_cancelled,
        .now_ms = full->now_ms,
        .monotonic_ms = full->monotonic_ms,
        .random = full->random,
        .alloc = allocate,
        .resize = resize,
        .free = full->free,
        .charge = charge,
        .buffer_reserve = reserve,
        .buffer_free = full->buffer_free,
        .format_float64 = full->format_float64,
        .format_timestamp = full->format_timestamp,
        .is_utf8 = full->is_utf8,
        .hash_bytes = full->hash_bytes,
    };
}

static enum sluice_status no_memory(struct sluice_error *error)
{
    return error_set(error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                     "no memory to set up the state");
}

static enum sluice_status create_shared(struct pipeline_run *pipeline,
                                        const struct sluice_host_table *table,
                                        struct sluice_error *error)
{
    const struct settings_plan *settings = &pipeline->plan->settings;
    struct pipeline_state *state = calloc(1, sizeof *state);
    if (!state)
        return no_memory(error);
    pipeline->shared = state;
    fill_table(&state->table, table);
    state->host.table = &state->table;
    state->account = &pipeline->account;
    state->calls = &settings->state_store->state_store;
    state->run = (struct sluice_run){.struct_size = sizeof state->run,
                                     .pipeline = pipeline->plan->name,
                                     .flow = "",
                                     .step = "",
                                     .member = pipeline->member.id,
                                     .member_path = "",
                                     .lane_count = 1};
    enum sluice_status status =
        state->calls->create(&state->host, settings->state_options, &state->instance, error);
    if (status != SLUICE_OK)
        return status;
    struct state_plugin plugin = {.calls = state->calls,
                                  .instance = state->instance,
                                  .host = &state->host,
                                  .place = settings->state,
                                  .pipeline = pipeline->plan->name,
                                  .retry_limit_ms = START_LIMIT_MS};
    state->store = pipeline->store = state_store_shared(&plugin);
    return state->store ? SLUICE_OK : no_memory(error);
}

static enum sluice_status open_shared(struct pipeline_run *pipeline, const char *member,
                                      const struct sluice_host_table *table,
                                      struct sluice_error *error)
{
    if (!member)
        return error_set(error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                         "state in %s needs a member id: set `member` or SLUICE_MEMBER",
                         pipeline->plan->settings.state);
    enum sluice_status status = member_check(member, error);
    if (status == SLUICE_OK) {
        snprintf(pipeline->member.id, sizeof pipeline->member.id, "%s", member);
        status = create_shared(pipeline, table, error);
    }
    if (status == SLUICE_OK)
        status = state_store_begin(pipeline->store, text_get(&pipeline->folder), member, error);
    if (status != SLUICE_OK && error_code(error) != SLUICE_CODE_OUT_OF_MEMORY) {
        struct mark mark = pipeline->plan->settings.state_mark;
        error_add_cause(error, "it is the state of pipeline %s, %s:%d:%d", pipeline->plan->name,
                        mark.file, mark.line, mark.column);
    }
    return status;
}

enum sluice_status pipeline_state_open(struct pipeline_run *pipeline, const char *member,
                                       const struct sluice_host_table *table,
                                       struct sluice_error *error)
{
    const struct settings_plan *settings = &pipeline->plan->settings;
    if (settings->state_store)
        text_append(&pipeline->folder, pipeline->plan->name);
    else
        text_printf(&pipeline->folder, "%s/%s", settings->state, pipeline->plan->name);
    if (pipeline->folder.has_failed)
        return no_memory(error);
    pipeline->store = state_store_files();
    if (settings->state_store)
        return open_shared(pipeline, member, table, error);
    return member_take(text_get(&pipeline->folder), member, &pipeline->member, error);
}

void pipeline_state_begin_runs(const struct flow *flow)
{
    bool is_endless = flow->plan->trigger == FLOW_CONTINUOUS && !flow->runtime->options.is_once;
    state_store_limit(flow->pipeline->store, is_endless ? 0 : RUN_LIMIT_MS);
}

void pipeline_state_close(struct pipeline_run *pipeline)
{
    struct pipeline_state *state = pipeline->shared;
    if (!state)
        return;
    state_store_destroy(state->store);
    if (state->instance && state->calls->close)
        state->calls->close(state->instance);
    if (state->instance)
        state->calls->destroy(state->instance);
    free(state);
    pipeline->shared = NULL;
}

struct store_view {
    struct pipeline_run pipeline;
    struct sluice_host_table table;
};

enum sluice_status store_view_open(const struct pipeline_plan *plan, struct store_view **opened,
                                   struct sluice_error *error)
{
    struct store_view *view = calloc(1, sizeof *view);
    *opened = NULL;
    if (!view)
        return no_memory(error);
    view->pipeline.plan = plan;
    account_init(&view->pipeline.account, plan->settings.memory_bytes, NULL);
    host_fill(&view->table);
    enum sluice_status status = create_shared(&view->pipeline, &view->table, error);
    if (status == SLUICE_OK)
        status = state_store_open(view->pipeline.store, error);
    if (status == SLUICE_OK)
        *opened = view;
    else
        store_view_close(view);
    return status;
}

struct state_store *store_view_get(const struct store_view *view)
{
    return view->pipeline.store;
}

void store_view_close(struct store_view *view)
{
    if (!view)
        return;
    pipeline_state_close(&view->pipeline);
    free(view);
}

void pipeline_state_folder(const struct pipeline_run *pipeline, const char *flow,
                           const char *member, struct state_folder *folder)
{
    struct text path = {0};
    text_printf(&path, "%s/checkpoints/%s/%s", text_get(&pipeline->folder), flow, member);
    state_folder_init(folder, pipeline->store, text_get(&path), member);
    folder->path.has_failed = folder->path.has_failed || path.has_failed;
    text_reset(&path);
}
