/* SPDX-License-Identifier: Apache-2.0 */
/* sluice deadletter purge and replay: what takes letters out. */
#include "cli/deadletter/places.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "cli/stop_signals.h"

static bool is_any(const struct letter_filter *filter)
{
    return !filter->step && !filter->code && !filter->number && filter->from_us == INT64_MIN &&
           filter->until_us == INT64_MAX;
}

/* ---- purge ---- */

enum exit_code purge_letters(const struct letters_request *request)
{
    if (is_any(&request->filter) && !request->is_all) {
        complain("purge removes letters for good: say which (--step, --code, --number, --from, "
                 "--until), or --all");
        return EXIT_USAGE;
    }
    struct sluice_error *error = error_create();
    struct text text = {0};
    enum sluice_status status = error ? SLUICE_OK : SLUICE_FATAL;
    for (size_t i = 0; i < request->places->count && status == SLUICE_OK; i++) {
        const struct place *place = &request->places->places[i];
        uint64_t count = 0;
        const struct flow_letters letters = {place->pipeline, place->flow, place->member,
                                             place->box};
        status = runtime_purge(&letters, &request->filter, &count, error);
        if (status == SLUICE_OK) {
            append_place_name(request->places, place, &text);
            text_printf(&text, "%" PRIu64 " letter%s purged\n", count, count == 1 ? "" : "s");
        }
    }
    if (status != SLUICE_OK && error) {
        complain_error(error);
    }
    bool is_printed = print_result(&text);
    text_reset(&text);
    error_destroy(error);
    return status == SLUICE_OK && is_printed ? EXIT_DONE : EXIT_FAILED;
}

/* ---- replay ---- */

/* "ingest: 12 letters replayed: 10 delivered, 2 rejected again; 1 left: …" */
static void append_report(const char *flow, const struct replay_report *report, bool is_dry,
                          struct text *text)
{
    text_printf(text, "%s: %" PRIu64 " letter%s %sreplayed", flow, report->replayed,
                report->replayed == 1 ? "" : "s", is_dry ? "would be " : "");
    if (!is_dry && report->replayed > 0) {
        uint64_t delivered =
            report->replayed > report->rejected ? report->replayed - report->rejected : 0;
        text_printf(text, ": %" PRIu64 " delivered, %" PRIu64 " rejected again", delivered,
                    report->rejected);
    }
    if (report->left > 0) {
        text_printf(text, "; %" PRIu64 " %s", report->left, is_dry ? "would be left" : "left");
    }
    text_append_char(text, '\n');
    for (size_t i = 0; i < REPLAY_REASONS && report->reasons[i].count > 0; i++) {
        text_printf(text, "  %" PRIu64 " left: %s\n", report->reasons[i].count,
                    report->reasons[i].text);
    }
}

/* What stands in the way of all of it. */
static enum exit_code check_places(const struct letters_request *request, const char **member)
{
    *member = request->member;
    if (request->plan->pipeline_count != 1) {
        complain("replay takes the file of one pipeline");
        return EXIT_USAGE;
    }
    size_t continuous = 0;
    for (size_t i = 0; i < request->places->count; i++) {
        const struct place *place = &request->places->places[i];
        if (place->flow->trigger != FLOW_CONTINUOUS) {
            complain("flow `%s` is left out: it has a trigger, so its letters are those of its last "
                     "run, and its next run reads everything again: correct the file or the data "
                     "and run it",
                     place->flow->name);
            continue;
        }
        if (*member && strcmp(*member, place->member) != 0) {
            complain("there are letters of several members (%s, %s): replay them one after the "
                     "other with --member",
                     *member, place->member);
            return EXIT_USAGE;
        }
        *member = place->member;
        continuous++;
    }
    return continuous > 0 || request->places->count == 0 ? EXIT_DONE : EXIT_USAGE;
}

static enum exit_code preview(const struct letters_request *request)
{
    struct sluice_error *error = error_create();
    struct text text = {0};
    enum sluice_status status = error ? SLUICE_OK : SLUICE_FATAL;
    for (size_t i = 0; i < request->places->count && status == SLUICE_OK; i++) {
        const struct place *place = &request->places->places[i];
        struct replay_report report = {0};
        if (place->flow->trigger != FLOW_CONTINUOUS) {
            continue;
        }
        status = letter_box_fetch(place->box, error);
        if (status == SLUICE_OK) {
            status = runtime_preview_replay(place->flow, letter_box_path(place->box),
                                            &request->filter, &report, error);
        }
        append_report(place->flow->name, &report, true, &text);
    }
    if (status != SLUICE_OK && error) {
        complain_error(error);
    }
    bool is_printed = status == SLUICE_OK && print_result(&text);
    text_reset(&text);
    error_destroy(error);
    return is_printed ? EXIT_DONE : EXIT_FAILED;
}

static void stop_gently(void *user)
{
    runtime_stop(user);
}

static void stop_at_once(void *user)
{
    static const char message[] = "sluice: stopped at once: the letters are there as long as no "
                                  "checkpoint holds them\n";
    (void)user;
    ssize_t ignored = write(STDERR_FILENO, message, sizeof message - 1);
    (void)ignored;
    _exit(EXIT_UNCOMMITTED);
}

static enum exit_code sum_up(struct runtime *runtime)
{
    struct text text = {0};
    enum runtime_result result = runtime_result(runtime);
    for (size_t i = 0; i < runtime_flow_count(runtime); i++) {
        struct flow_status status;
        struct replay_report report;
        runtime_flow_status(runtime, i, &status);
        runtime_replay_report(runtime, i, &report);
        if (status.state == FLOW_FAILED) {
            complain("%s: %s", status.plan->name, status.error);
        } else if (status.state == FLOW_ENDED && result != RUNTIME_UNCOMMITTED) {
            append_report(status.plan->name, &report, false, &text);
        }
    }
    bool is_printed = print_result(&text);
    text_reset(&text);
    if (result == RUNTIME_FAILED) {
        complain("failed: the letters that are not replayed are where they were");
        return EXIT_FAILED;
    }
    if (result == RUNTIME_UNCOMMITTED) {
        complain("stopped: nothing was replayed, the letters are where they were");
        return EXIT_UNCOMMITTED;
    }
    return is_printed ? EXIT_DONE : EXIT_FAILED;
}

static enum exit_code run_replay(const struct letters_request *request, const char *member,
                                 struct sluice_error *error)
{
    const struct runtime_options options = {
        .is_once = true, .member = member, .replay = &request->filter};
    struct stop_signals signals;
    struct runtime *runtime = NULL;
    stop_signals_block(&signals);
    enum sluice_status status =
        runtime_create(request->plan, request->loader, &options, &runtime, error);
    if (status != SLUICE_OK && error_code(error) == SLUICE_CODE_CONFLICT) {
        complain("a process is running as member '%s': stop it first", member);
        return EXIT_FAILED;
    }
    if (status == SLUICE_OK) {
        status = runtime_start(runtime, error);
    }
    if (status != SLUICE_OK) {
        complain_error(error);
        runtime_destroy(runtime);
        return exit_code_of(status);
    }
    bool has_signals = stop_signals_start(&signals, stop_gently, stop_at_once, runtime);
    if (!has_signals) {
        runtime_stop(runtime);
    }
    while (!runtime_wait(runtime, 1000)) {
    }
    if (has_signals) {
        stop_signals_end(&signals);
    }
    enum exit_code code = sum_up(runtime);
    runtime_destroy(runtime);
    return code;
}

enum exit_code replay_letters(const struct letters_request *request)
{
    const char *member = NULL;
    enum exit_code code = check_places(request, &member);
    if (code != EXIT_DONE) {
        return code;
    }
    if (!member || request->places->count == 0) {
        complain("there are no letters to replay");
        return EXIT_DONE;
    }
    if (request->is_dry) {
        return preview(request);
    }
    struct sluice_error *error = error_create();
    code = error ? run_replay(request, member, error) : EXIT_FAILED;
    error_destroy(error);
    return code;
}
