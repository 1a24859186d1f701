/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/display/ending.h"

const char *ending_name(enum runtime_result result)
{
    switch (result) {
    case RUNTIME_DONE:
        return "done";
    case RUNTIME_UNCOMMITTED:
        return "stopped";
    case RUNTIME_FAILED:
        return "failed";
    }
    return "failed";
}

static bool is_named(const struct flow_status *status, enum runtime_result result)
{
    return result == RUNTIME_FAILED ? status->state == FLOW_FAILED || status->is_uncommitted
                                    : status->is_uncommitted;
}

void ending_append_flows(const struct status_view *view, enum runtime_result result,
                         struct text *text)
{
    const char *separator = "";
    for (size_t i = 0; i < view->flow_count; i++) {
        const struct flow_status *status = &view->flows[i].status;
        if (is_named(status, result)) {
            text_printf(text, "%s%s", separator, status->plan->name);
            separator = ", ";
        }
    }
}

static void append_next(const struct flow_status *status, struct text *text)
{
    if (status->plan->trigger != FLOW_CONTINUOUS) {
        text_append(text, "the next start runs it again");
    } else if (status->checkpoint_number > 0) {
        text_printf(text, "the next start goes on from checkpoint %llu",
                    (unsigned long long)status->checkpoint_number);
    } else {
        text_append(text, "the next start begins at its beginning");
    }
}

void ending_append(const struct status_view *view, enum runtime_result result, struct text *text)
{
    text_printf(text, "%s: ", ending_name(result));
    if (result == RUNTIME_DONE) {
        text_append(text, "everything was committed");
        return;
    }
    const char *separator = "";
    for (size_t i = 0; i < view->flow_count; i++) {
        const struct flow_status *status = &view->flows[i].status;
        if (!is_named(status, result)) {
            continue;
        }
        text_printf(text, "%sflow %s %s: ", separator, status->plan->name,
                    status->state == FLOW_FAILED ? "failed" : "left something uncommitted");
        append_next(status, text);
        separator = "; ";
    }
    if (!*separator) {
        text_append(text, "see above");
    }
}
