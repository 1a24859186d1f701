/* SPDX-License-Identifier: Apache-2.0 */
/* sluice check: all mistakes of the files, or what each flow will do. Nothing is opened, and no
 * environment is needed. */
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/common_flags.h"
#include "cli/display/component_text.h"
#include "cli/planning.h"

enum { FLAG_FLOW, FLAG_PLUGIN_PATH, FLAG_LOG_LEVEL, FLAG_COUNT };

static const struct flag flags[FLAG_COUNT] = {
    [FLAG_FLOW] = {.name = "flow", .value = "NAME", .text = "Check this flow alone."},
    [FLAG_PLUGIN_PATH] = {.name = "plugin-path",
                          .value = "FOLDERS",
                          .text = "Look for plugins here first (colon-separated)."},
    [FLAG_LOG_LEVEL] = {.name = "log-level",
                        .value = "LEVEL",
                        .allowed = log_levels,
                        .text = "Least level that is logged (default: warn)."},
};

static void describe_pipeline(const struct pipeline_plan *pipeline, struct text *text)
{
    text_printf(text, "%s: pipeline %s is correct\n", pipeline->file, pipeline->name);
    for (size_t i = 0; i < pipeline->flow_count; i++) {
        const struct flow_plan *flow = &pipeline->flows[i];
        text_printf(text, "  %s (", flow->name);
        append_trigger(flow, text);
        text_printf(text, ", %d lane%s): ", flow->lane_count, flow->lane_count == 1 ? "" : "s");
        append_graph(flow, text);
        text_append(text, "; ");
        append_delivery(flow, text);
        text_append_char(text, '\n');
    }
}

static enum exit_code check(const struct arguments *arguments)
{
    configure_log(NULL, arguments->values[FLAG_LOG_LEVEL], "warn");
    struct plan_request request = {
        .files = arguments->operands,
        .file_count = arguments->operand_count,
        .only_flow = arguments->values[FLAG_FLOW],
        .is_check = true,
    };
    struct planning planning;
    enum exit_code code = planning_create(&request, arguments->values[FLAG_PLUGIN_PATH], &planning);
    if (code == EXIT_DONE) {
        struct text text = {0};
        for (size_t i = 0; i < planning.plan->pipeline_count; i++) {
            describe_pipeline(&planning.plan->pipelines[i], &text);
        }
        code = print_result(&text) ? EXIT_DONE : EXIT_FAILED;
        text_reset(&text);
    }
    planning_reset(&planning);
    return code;
}

const struct verb verb_check = {
    .name = "check",
    .operands = "FILE...",
    .summary = "Find all mistakes in pipeline files without running them.",
    .text =
        "Mistakes go to standard error with file, line and column. For correct files each flow\n"
        "is printed on one line: its trigger, lanes, steps and delivery guarantee. Variables\n"
        "that are not set stand for any value; no file, server or secret is touched. FILE \"-\"\n"
        "is standard input.",
    .flags = flags,
    .flag_count = FLAG_COUNT,
    .least_operands = 1,
    .most_operands = SIZE_MAX,
    .act = check,
};
