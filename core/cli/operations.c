/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/operations.h"

#include "telemetry/log.h"

#include <stdio.h>
#include <string.h>

enum { TEND_EVERY_MS = 1000, DEAF_MS = 30000, UNAVAILABLE = 503 };

/* ---- settings ---- */

static bool is_same(const char *one, const char *other)
{
    return one == other || (one && other && strcmp(one, other) == 0);
}

static bool has_any(const struct settings_plan *settings)
{
    return settings->metrics || settings->metrics_certificate || settings->metrics_key ||
           settings->metrics_token || settings->metrics_user || settings->metrics_password;
}

static bool do_agree(const struct settings_plan *one, const struct settings_plan *other)
{
    return is_same(one->metrics, other->metrics) &&
           is_same(one->metrics_certificate, other->metrics_certificate) &&
           is_same(one->metrics_key, other->metrics_key) &&
           is_same(one->metrics_token, other->metrics_token) &&
           is_same(one->metrics_user, other->metrics_user) &&
           is_same(one->metrics_password, other->metrics_password);
}

static enum sluice_status check_pairs(const struct pipeline_plan *pipeline,
                                      struct sluice_error *error)
{
    const struct settings_plan *settings = &pipeline->settings;
    if (!settings->metrics_user == !settings->metrics_password) {
        return SLUICE_OK;
    }
    return error_set(error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                     "%s: metrics_user and metrics_password go together", pipeline->file);
}

/* A process has one server, so what its files say of it must be the same; most say nothing. */
static enum sluice_status find_settings(const struct plan *plan, const char *listen,
                                        struct http_settings *found, struct sluice_error *error)
{
    const struct pipeline_plan *speaker = NULL;
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        const struct pipeline_plan *pipeline = &plan->pipelines[i];
        if (!has_any(&pipeline->settings)) {
            continue;
        }
        if (speaker && !do_agree(&speaker->settings, &pipeline->settings)) {
            return error_set(error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                             "%s and %s say different things of the metrics of one process: make "
                             "their settings the same, or leave them out of one",
                             speaker->file, pipeline->file);
        }
        speaker = pipeline;
    }
    *found = (struct http_settings){.listen = listen};
    if (!speaker) {
        return SLUICE_OK;
    }
    found->listen = listen ? listen : speaker->settings.metrics;
    found->certificate = speaker->settings.metrics_certificate;
    found->key = speaker->settings.metrics_key;
    found->token = speaker->settings.metrics_token;
    found->user = speaker->settings.metrics_user;
    found->password = speaker->settings.metrics_password;
    return check_pairs(speaker, error);
}

/* ---- what is served ---- */

static void serve_metrics(void *user, const struct http_request *request,
                          struct http_answer *answer)
{
    struct operations *operations = user;
    enum exposition_format format = exposition_choose(request->accept);
    struct snapshot *snapshot = registry_collect(&operations->registry);
    answer->content_type = exposition_content_type(format);
    if (snapshot) {
        exposition_append(snapshot, format, &answer->body);
    } else {
        answer->body.has_failed = true;
    }
    snapshot_destroy(snapshot);
}

static void serve_health(void *user, const struct http_request *request, struct http_answer *answer)
{
    (void)request;
    const struct operations *operations = user;
    int64_t now_ms = clock_monotonic_ms();
    int64_t silent_ms = now_ms - (int64_t)atomic_load(&operations->alive_ms);
    bool is_alive = silent_ms < DEAF_MS;
    answer->content_type = "application/json";
    answer->status = is_alive ? answer->status : UNAVAILABLE;
    text_printf(&answer->body, "{\"alive\":%s,\"uptime_seconds\":%lld",
                is_alive ? "true" : "false", (long long)((now_ms - operations->started_ms) / 1000));
    if (!is_alive) {
        text_printf(&answer->body, ",\"reason\":\"the main thread has not been heard of for %lld s\"",
                    (long long)(silent_ms / 1000));
    }
    text_append(&answer->body, "}\n");
}

/* Reasons quote errors of servers: they are for those who may see the metrics. */
static void serve_readiness(void *user, const struct http_request *request,
                            struct http_answer *answer)
{
    const struct operations *operations = user;
    struct text json = {0};
    bool is_ready = runtime_readiness(operations->runtime, &json);
    answer->content_type = "application/json";
    answer->status = is_ready ? answer->status : UNAVAILABLE;
    if (request->is_authorized) {
        text_append_bytes(&answer->body, text_get(&json), json.size);
    } else {
        text_printf(&answer->body, "{\"ready\":%s}\n", is_ready ? "true" : "false");
    }
    answer->body.has_failed = answer->body.has_failed || json.has_failed;
    text_reset(&json);
}

static const struct http_route operations_routes[] = {
    {.path = "/metrics",
     .text = "Metrics for Prometheus (text or OpenMetrics).",
     .handle = serve_metrics},
    {.path = "/healthz",
     .text = "Whether the process is alive.",
     .is_open = true,
     .handle = serve_health},
    {.path = "/readyz",
     .text = "Whether the flows can do their work, and why not.",
     .is_open = true,
     .handle = serve_readiness},
};
enum { ROUTE_COUNT = sizeof(operations_routes) / sizeof(*operations_routes) };

/* ---- metrics of the process ---- */

static const char *const build_labels[] = {"version", "abi", NULL};
static const char *const class_labels[] = {"class", NULL};

enum { BUILD_INFO, HTTP_ANSWERS, PROCESS_FAMILIES };

static const struct metric_family program_families[PROCESS_FAMILIES] = {
    [BUILD_INFO] = {.name = "sluice_build_info",
                    .kind = SLUICE_METRIC_GAUGE,
                    .text = "Always 1; the labels say which sluice runs, and the plugin ABI that it "
                            "speaks.",
                    .labels = build_labels},
    [HTTP_ANSWERS] = {.name = "sluice_http_answers_total",
                      .kind = SLUICE_METRIC_COUNTER,
                      .unit = "answers",
                      .text = "Answers of the process's own HTTP server, by class of their status.",
                      .labels = class_labels},
};

static void collect_program(void *user, struct snapshot *snapshot)
{
    const struct operations *operations = user;
    char abi[24];
    snprintf(abi, sizeof(abi), "%d.%d", SLUICE_ABI_MAJOR, SLUICE_ABI_MINOR);
    snapshot_add(snapshot, &program_families[BUILD_INFO],
                 (const char *const[]){SLUICE_VERSION, abi}, 1);
    for (size_t i = 2; operations->server && i < STATUS_CLASSES; i++) {
        char name[] = {(char)('0' + i), 'x', 'x', '\0'};
        snapshot_add(snapshot, &program_families[HTTP_ANSWERS], (const char *const[]){name},
                     (double)http_server_answers(operations->server, i));
    }
}

/* ---- life ---- */

static void announce(const struct operations *operations)
{
    const char *url = http_server_url(operations->server);
    const struct sluice_log_field fields[] = {{"url", url}};
    log_write(SLUICE_LOG_INFO, NULL, fields, 1, "metrics and health are served");
    if (http_server_is_exposed(operations->server)) {
        log_write(SLUICE_LOG_WARN, NULL, fields, 1,
                  "other machines can read the metrics without credentials: set metrics_token, or "
                  "metrics_user and metrics_password, in the settings");
    }
}

enum sluice_status operations_start(struct operations *operations, const struct plan *plan,
                                    const char *listen, struct runtime *runtime,
                                    struct sluice_error *error)
{
    struct http_settings settings;
    operations->runtime = runtime;
    operations->started_ms = clock_monotonic_ms();
    atomic_store(&operations->alive_ms, operations->started_ms);
    registry_add(&operations->registry, process_collect, NULL);
    registry_add(&operations->registry, collect_program, operations);
    registry_add(&operations->registry, runtime_collect, runtime);
    notifier_init(&operations->notifier);
    enum sluice_status status = find_settings(plan, listen, &settings, error);
    if (status != SLUICE_OK || !settings.listen) {
        return status;
    }
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        operations->routes[i] = operations_routes[i];
        operations->routes[i].user = operations;
    }
    status = http_server_start(&settings, operations->routes, ROUTE_COUNT, &operations->server,
                               error);
    if (status == SLUICE_OK) {
        announce(operations);
    }
    return status;
}

static const char *state_text(enum flow_state state)
{
    switch (state) {
    case FLOW_WAITING:
        return "waiting";
    case FLOW_STARTING:
        return "starting";
    case FLOW_RUNNING:
        return "running";
    case FLOW_STOPPING:
        return "stopping";
    case FLOW_ENDED:
        return "done";
    case FLOW_FAILED:
        return "failed";
    }
    return "";
}

/* "ingest running, process waiting" */
static void tell_supervisor(struct operations *operations)
{
    struct text status = {0};
    for (size_t i = 0; i < runtime_flow_count(operations->runtime); i++) {
        struct flow_status flow;
        runtime_flow_status(operations->runtime, i, &flow);
        text_printf(&status, "%s%s %s", i ? ", " : "", flow.plan->name, state_text(flow.state));
    }
    notifier_tell(&operations->notifier, true, text_get(&status));
    text_reset(&status);
}

void operations_ready(struct operations *operations)
{
    tell_supervisor(operations);
}

void operations_tend(struct operations *operations)
{
    int64_t now_ms = clock_monotonic_ms();
    atomic_store(&operations->alive_ms, now_ms);
    notifier_alive(&operations->notifier);
    if (now_ms - operations->tended_ms < TEND_EVERY_MS) {
        return;
    }
    operations->tended_ms = now_ms;
    http_server_tend(operations->server);
    if (operations->notifier.socket >= 0) {
        tell_supervisor(operations);
    }
}

void operations_stopping(struct operations *operations)
{
    notifier_stopping(&operations->notifier);
}

void operations_stop(struct operations *operations)
{
    http_server_stop(operations->server);
    operations->server = NULL;
    notifier_reset(&operations->notifier);
}
