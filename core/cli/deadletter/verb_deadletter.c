/* SPDX-License-Identifier: Apache-2.0 */
/* sluice deadletter: the rejected rows of flows, in what follows letters. */
#include "cli/deadletter/places.h"

#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include "cli/common_flags.h"
#include "cli/planning.h"

enum {
    FLAG_FLOW,
    FLAG_MEMBER,
    FLAG_STEP,
    FLAG_CODE,
    FLAG_NUMBER,
    FLAG_FROM,
    FLAG_UNTIL,
    FLAG_LIMIT,
    FLAG_JSON,
    FLAG_ALL,
    FLAG_DRY_RUN,
    FLAG_PLUGIN_PATH,
    FLAG_LOG,
    FLAG_LOG_LEVEL,
    FLAG_COUNT
};

enum { DEFAULT_LIMIT = 20 };

static const struct flag flags[FLAG_COUNT] = {
    [FLAG_FLOW] = {.name = "flow", .value = "NAME", .text = "Letters of this flow alone."},
    [FLAG_MEMBER] = {.name = "member", .value = "ID", .text = "Letters of this member alone."},
    [FLAG_STEP] = {.name = "step", .value = "NAME", .text = "Letters that this step rejected."},
    [FLAG_CODE] = {.name = "code", .value = "CODE", .text = "Letters with this code."},
    [FLAG_NUMBER] = {.name = "number", .value = "N", .text = "One letter, by the number of show."},
    [FLAG_FROM] = {.name = "from",
                   .value = "TIME",
                   .text = "Rejected at this time or later: 2026-01-31T12:00:00Z."},
    [FLAG_UNTIL] = {.name = "until", .value = "TIME", .text = "Rejected before this time."},
    [FLAG_LIMIT] = {.name = "limit",
                    .value = "N",
                    .text = "show: at most so many; 0 shows all (default: 20)."},
    [FLAG_JSON] = {.name = "json", .text = "show: the letters as they are stored, a line each."},
    [FLAG_ALL] = {.name = "all", .text = "purge: yes, all of them."},
    [FLAG_DRY_RUN] = {.name = "dry-run", .text = "replay: only say what it would do."},
    [FLAG_PLUGIN_PATH] = {.name = "plugin-path",
                          .value = "FOLDERS",
                          .text = "Look for plugins here first (colon-separated)."},
    [FLAG_LOG] = {.name = "log",
                  .value = "FORMAT",
                  .allowed = log_formats,
                  .text = "How the log of a replay is written (default: text)."},
    [FLAG_LOG_LEVEL] = {.name = "log-level",
                        .value = "LEVEL",
                        .allowed = log_levels,
                        .text = "Least level that is logged (default: warn)."},
};

static const struct {
    const char *name;
    enum exit_code (*act)(const struct letters_request *request);
} actions[] = {
    {"list", list_letters},
    {"show", show_letters},
    {"replay", replay_letters},
    {"purge", purge_letters},
};

static bool read_number(const struct arguments *arguments, int row, uint64_t *number)
{
    const char *text = arguments->values[row];
    int64_t value = 0;
    if (!text) {
        return true;
    }
    if (!parse_int64(text, strlen(text), &value) || value < 0) {
        complain("deadletter: --%s takes a number, not \"%s\"", flags[row].name, text);
        return false;
    }
    *number = (uint64_t)value;
    return true;
}

static bool read_time(const struct arguments *arguments, int row, int64_t *time_us)
{
    const char *text = arguments->values[row];
    if (!text || time_format_parse(time_format_default(), text, strlen(text), time_us)) {
        return true;
    }
    complain("deadletter: --%s takes a time such as 2026-01-31T12:00:00Z, not \"%s\"",
             flags[row].name, text);
    return false;
}

static bool read_request(const struct arguments *arguments, struct letters_request *request)
{
    *request = (struct letters_request){
        .filter = {.step = arguments->values[FLAG_STEP],
                   .code = arguments->values[FLAG_CODE],
                   .from_us = INT64_MIN,
                   .until_us = INT64_MAX},
        .member = arguments->values[FLAG_MEMBER],
        .is_json = arguments->values[FLAG_JSON] != NULL,
        .is_all = arguments->values[FLAG_ALL] != NULL,
        .is_dry = arguments->values[FLAG_DRY_RUN] != NULL,
        .limit = DEFAULT_LIMIT,
    };
    return read_number(arguments, FLAG_NUMBER, &request->filter.number) &&
           read_number(arguments, FLAG_LIMIT, &request->limit) &&
           read_time(arguments, FLAG_FROM, &request->filter.from_us) &&
           read_time(arguments, FLAG_UNTIL, &request->filter.until_us);
}

static enum exit_code act_on_plan(struct letters_request *request, size_t action)
{
    struct places places;
    struct sluice_error *error = error_create();
    enum exit_code code = EXIT_FAILED;
    if (!error) {
        complain("no memory to look for letters");
        return code;
    }
    enum sluice_status status = places_find(request->plan, request->member, &places, error);
    if (status == SLUICE_OK) {
        request->places = &places;
        code = actions[action].act(request);
    } else {
        complain_error(error);
        code = exit_code_of(status);
    }
    places_reset(&places);
    error_destroy(error);
    return code;
}

static enum exit_code deadletter(const struct arguments *arguments)
{
    size_t action = 0;
    size_t count = sizeof actions / sizeof *actions;
    while (action < count && strcmp(arguments->operands[0], actions[action].name) != 0) {
        action++;
    }
    struct letters_request request;
    if (action == count) {
        complain("deadletter: \"%s\" is none of list, show, replay, purge",
                 arguments->operands[0]);
        return EXIT_USAGE;
    }
    if (!read_request(arguments, &request)) {
        return EXIT_USAGE;
    }
    configure_log(arguments->values[FLAG_LOG], arguments->values[FLAG_LOG_LEVEL], "warn");
    const struct plan_request plan_request = {
        .files = arguments->operands + 1,
        .file_count = arguments->operand_count - 1,
        .only_flow = arguments->values[FLAG_FLOW],
    };
    struct planning planning;
    enum exit_code code =
        planning_create(&plan_request, arguments->values[FLAG_PLUGIN_PATH], &planning);
    if (code == EXIT_DONE) {
        request.plan = planning.plan;
        request.loader = planning.loader;
        code = act_on_plan(&request, action);
    }
    planning_reset(&planning);
    return code;
}

const struct verb verb_deadletter = {
    .name = "deadletter",
    .operands = "list|show|replay|purge FILE...",
    .summary = "Look at rejected rows, take them in again, remove them.",
    .text = "list counts letters by step and code. show prints them with reason and original.\n"
            "replay feeds them to the steps that rejected them, as the pipeline file is now, and\n"
            "removes them once their output is committed: each takes effect exactly once, or is a\n"
            "letter again. It needs a continuous flow that is not running. purge removes letters.\n"
            "All know the default dead letter, in the pipeline's state.",
    .flags = flags,
    .flag_count = FLAG_COUNT,
    .least_operands = 2,
    .most_operands = SIZE_MAX,
    .act = deadletter,
};
