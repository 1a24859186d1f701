/* SPDX-License-Identifier: Apache-2.0 */
/* sluice run: plan, start, watch, stop, sum up. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/common_flags.h"
#include "cli/display/ending.h"
#include "cli/display/live_display.h"
#include "cli/display/progress_log.h"
#include "cli/display/status_view.h"
#include "cli/display/summary.h"
#include "cli/operations.h"
#include "cli/planning.h"
#include "cli/stop_signals.h"
#include "data/data.h"
#include "telemetry/log.h"

enum { DRAW_EVERY_MS = 200, LOG_EVERY_MS = 10000 };

/* What is left to end within after settings.shutdown: a call that hears no cancel is cut off. */
enum { GRACE_MS = 5000 };

enum {
    FLAG_ONCE,
    FLAG_FLOW,
    FLAG_RESET_STATE,
    FLAG_PLUGIN_PATH,
    FLAG_LOG,
    FLAG_LOG_LEVEL,
    FLAG_NO_PROGRESS,
    FLAG_METRICS,
    FLAG_COUNT
};

static const struct flag flags[FLAG_COUNT] = {
    [FLAG_ONCE] = {.name = "once",
                   .text = "Take what is there, run the flows in their order, and end."},
    [FLAG_FLOW] = {.name = "flow", .value = "NAME", .text = "Run this flow alone."},
    [FLAG_RESET_STATE] = {.name = "reset-state",
                          .text = "Start the flows over: give up how far they have read and what "
                                  "they keep."},
    [FLAG_PLUGIN_PATH] = {.name = "plugin-path",
                          .value = "FOLDERS",
                          .text = "Look for plugins here first (colon-separated)."},
    [FLAG_LOG] = {.name = "log",
                  .value = "FORMAT",
                  .allowed = log_formats,
                  .text = "How the log is written (default: text)."},
    [FLAG_LOG_LEVEL] = {.name = "log-level",
                        .value = "LEVEL",
                        .allowed = log_levels,
                        .text = "Least level that is logged (default: info)."},
    [FLAG_NO_PROGRESS] = {.name = "no-progress",
                          .text = "No live display on a terminal, no progress in the log."},
    [FLAG_METRICS] = {.name = "metrics",
                      .value = "ADDR:PORT",
                      .text = "Serve /metrics, /healthz and /readyz there (\":9464\": on the "
                              "loopback)."},
};

/* One `sluice run`. */
struct run {
    struct planning planning;
    struct runtime *runtime;
    struct operations operations;
    struct status_view *view;
    struct live_display *display; /* NULL: not on a terminal */
    bool has_progress;
    bool is_json;
    bool has_ended; /* in order: the flows can be asked how */
    atomic_llong stopped_ms; /* when the first signal came, monotonic; 0: none yet */
    int64_t shutdown_ms;     /* the longest of all pipelines */
};

static bool is_live(const struct arguments *arguments)
{
    const char *terminal = getenv("TERM");
    bool is_json = arguments->values[FLAG_LOG] && strcmp(arguments->values[FLAG_LOG], "json") == 0;
    return isatty(STDERR_FILENO) && terminal && strcmp(terminal, "dumb") != 0 && !is_json &&
           !arguments->values[FLAG_NO_PROGRESS];
}

static void stop_gently(void *user)
{
    struct run *run = user;
    log_write(SLUICE_LOG_INFO, NULL, NULL, 0,
              "stopping: reading ends, what was read is finished; a second signal stops at once");
    atomic_store(&run->stopped_ms, clock_monotonic_ms());
    operations_stopping(&run->operations);
    runtime_stop(run->runtime);
}

/* The last line without the log, whose lock somebody may hold who writes to a full pipe. */
static _Noreturn void leave_at_once(struct run *run, const char *why)
{
    char time[40] = "";
    char line[320];
    live_display_abandon(run->display);
    format_timestamp(clock_wall_us(), time);
    int size = snprintf(line, sizeof line,
                        run->is_json ? "{\"time\":\"%s\",\"level\":\"warn\",\"message\":\"%s; the next "
                                       "start goes on from the last checkpoint\",\"result\":"
                                       "\"stopped\",\"exit_code\":\"75\"}\n"
                                     : "%.0ssluice: %s; the next start goes on from the last "
                                       "checkpoint\n",
                        time, why);
    ssize_t ignored = write(STDERR_FILENO, line, size > 0 ? (size_t)size : 0);
    (void)ignored;
    _exit(EXIT_UNCOMMITTED);
}

static void stop_at_once(void *user)
{
    leave_at_once(user, "stopped at once");
}

/* settings.shutdown holds whatever a plugin does. */
static void keep_deadline(struct run *run)
{
    int64_t stopped_ms = atomic_load(&run->stopped_ms);
    if (stopped_ms > 0 && clock_monotonic_ms() - stopped_ms > run->shutdown_ms + GRACE_MS) {
        leave_at_once(run, "stopped: a step did not end within the time of settings.shutdown");
    }
}

static void watch(struct run *run)
{
    int64_t logged_ms = clock_monotonic_ms();
    status_view_update(run->view);
    do {
        keep_deadline(run);
        operations_tend(&run->operations);
        bool is_due = run->has_progress && clock_monotonic_ms() - logged_ms >= LOG_EVERY_MS;
        if (run->display) {
            status_view_update(run->view);
            live_display_draw(run->display, run->view);
        } else if (is_due) {
            status_view_update(run->view);
            progress_log_write(run->view);
            logged_ms = clock_monotonic_ms();
        }
    } while (!runtime_wait(run->runtime, DRAW_EVERY_MS));
    status_view_update(run->view);
}

static void sum_up(struct run *run)
{
    if (run->is_json) {
        progress_log_summary(run->view);
        return;
    }
    struct text text = {0};
    summary_append(run->view, &text);
    fputs(text_get(&text), stderr);
    text_reset(&text);
}

static enum exit_code result_code(enum runtime_result result)
{
    switch (result) {
    case RUNTIME_DONE:
        return EXIT_DONE;
    case RUNTIME_UNCOMMITTED:
        return EXIT_UNCOMMITTED;
    case RUNTIME_FAILED:
        return EXIT_FAILED;
    }
    return EXIT_FAILED;
}

/* The last line, whatever destroying the flows may log. */
static void print_ending(const struct run *run, enum runtime_result result, const struct text *text,
                         const struct text *flows)
{
    if (!run->is_json) {
        complain("%s", text_get(text));
        return;
    }
    char code[12];
    snprintf(code, sizeof code, "%d", (int)result_code(result));
    const struct sluice_log_field fields[] = {
        {"result", ending_name(result)}, {"exit_code", code}, {"uncommitted", flows->size ? text_get(flows) : NULL}};
    enum sluice_log_level level = result == RUNTIME_DONE          ? SLUICE_LOG_INFO
                                  : result == RUNTIME_UNCOMMITTED ? SLUICE_LOG_WARN
                                                                  : SLUICE_LOG_ERROR;
    log_write(level, NULL, fields, sizeof fields / sizeof *fields, "%s", text_get(text));
}

static void end_run(struct run *run)
{
    struct text text = {0};
    struct text flows = {0};
    enum runtime_result result = runtime_result(run->runtime);
    if (run->has_ended) {
        ending_append(run->view, result, &text);
        ending_append_flows(run->view, result, &flows);
    }
    status_view_destroy(run->view);
    operations_stop(&run->operations);
    runtime_destroy(run->runtime);
    if (run->has_ended) {
        print_ending(run, result, &text, &flows);
    }
    text_reset(&text);
    text_reset(&flows);
}

/* From a created runtime to its end. Signals are already blocked. */
static enum exit_code execute(struct run *run, struct stop_signals *signals,
                              struct sluice_error *error)
{
    enum sluice_status status = runtime_start(run->runtime, error);
    if (status != SLUICE_OK) {
        complain_error(error);
        return exit_code_of(status);
    }
    if (!stop_signals_start(signals, stop_gently, stop_at_once, run)) {
        complain("no thread for signals: the run is stopped");
        runtime_stop(run->runtime);
        while (!runtime_wait(run->runtime, LOG_EVERY_MS)) {
        }
        return EXIT_FAILED;
    }
    operations_ready(&run->operations);
    watch(run);
    stop_signals_end(signals);
    run->has_ended = true;
    return result_code(runtime_result(run->runtime));
}

static enum exit_code run_plan(struct run *run, const struct arguments *arguments,
                               struct sluice_error *error)
{
    struct runtime_options options = {.is_once = arguments->values[FLAG_ONCE] != NULL,
                                      .is_reset = arguments->values[FLAG_RESET_STATE] != NULL};
    struct stop_signals signals;
    stop_signals_block(&signals);
    enum sluice_status status =
        runtime_create(run->planning.plan, run->planning.loader, &options, &run->runtime, error);
    if (status == SLUICE_OK) {
        status = operations_start(&run->operations, run->planning.plan,
                                  arguments->values[FLAG_METRICS], run->runtime, error);
    }
    if (status != SLUICE_OK) {
        complain_error(error);
        operations_stop(&run->operations);
        runtime_destroy(run->runtime);
        return exit_code_of(status);
    }
    for (size_t i = 0; i < run->planning.plan->pipeline_count; i++) {
        int64_t shutdown_ms = run->planning.plan->pipelines[i].settings.shutdown_ms;
        run->shutdown_ms = shutdown_ms > run->shutdown_ms ? shutdown_ms : run->shutdown_ms;
    }
    run->view = status_view_create(run->runtime);
    run->display = run->view && is_live(arguments) ? live_display_create() : NULL;
    run->has_progress = !arguments->values[FLAG_NO_PROGRESS];
    run->is_json = arguments->values[FLAG_LOG] &&
                   strcmp(arguments->values[FLAG_LOG], log_formats[LOG_FORMAT_JSON]) == 0;
    enum exit_code code = EXIT_FAILED;
    if (run->view) {
        code = execute(run, &signals, error);
    } else {
        complain("no memory to watch the run");
    }
    live_display_destroy(run->display);
    if (run->view) {
        sum_up(run);
    }
    end_run(run);
    return code;
}

static bool reads_input(const struct arguments *arguments)
{
    for (size_t i = 0; i < arguments->operand_count; i++) {
        if (strcmp(arguments->operands[i], "-") == 0) {
            return true;
        }
    }
    return false;
}

static enum exit_code run_files(const struct arguments *arguments)
{
    configure_log(arguments->values[FLAG_LOG], arguments->values[FLAG_LOG_LEVEL], "info");
    struct plan_request request = {
        .files = arguments->operands,
        .file_count = arguments->operand_count,
        .only_flow = arguments->values[FLAG_FLOW],
    };
    struct run run = {.operations = {.notifier = {.socket = -1}}};
    struct sluice_error *error = error_create();
    if (!error) {
        complain("no memory to run");
        return EXIT_FAILED;
    }
    if (reads_input(arguments)) {
        stop_signals_unblock(); /* it may never come to its end, and nothing has been begun */
    }
    enum exit_code code =
        planning_create(&request, arguments->values[FLAG_PLUGIN_PATH], &run.planning);
    if (code == EXIT_DONE) {
        code = run_plan(&run, arguments, error);
    }
    planning_reset(&run.planning);
    error_destroy(error);
    return code;
}

const struct verb verb_run = {
    .name = "run",
    .operands = "FILE...",
    .summary = "Run the flows of pipeline files.",
    .text = "Continuous flows run until SIGTERM or SIGINT: then reading ends, what was read is\n"
            "finished and a last checkpoint is taken. A second signal stops at once; the next\n"
            "start goes on from the last checkpoint. On a terminal a live line a step is shown,\n"
            "elsewhere progress is logged every 10 seconds; a table sums up the run at its end.\n"
            "Several files run in one process. FILE \"-\" is standard input.",
    .flags = flags,
    .flag_count = FLAG_COUNT,
    .least_operands = 1,
    .most_operands = SIZE_MAX,
    .act = run_files,
};
