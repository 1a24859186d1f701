/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/planning.h"

#include <stdio.h>
#include <unistd.h>

static void print_diagnostics(const struct diagnostics *diagnostics)
{
    struct text text = {0};
    diagnostics_print(diagnostics, is_coloured(STDERR_FILENO), &text);
    fputs(text_get(&text), stderr);
    text_reset(&text);
}

static enum exit_code make_plan(const struct plan_request *request, struct planning *planning)
{
    struct diagnostics *diagnostics = diagnostics_create();
    if (!diagnostics) {
        complain("no memory to read the pipeline files");
        return EXIT_FAILED;
    }
    enum sluice_status status =
        plan_create(request, planning->loader, diagnostics, &planning->plan);
    print_diagnostics(diagnostics);
    size_t errors = diagnostics_error_count(diagnostics);
    if (errors > 0) {
        complain("%zu mistake%s", errors, errors == 1 ? "" : "s");
    } else if (status != SLUICE_OK) {
        complain("no memory to read the pipeline files");
    }
    diagnostics_destroy(diagnostics);
    return exit_code_of(status);
}

enum exit_code planning_create(const struct plan_request *request, const char *plugin_path,
                               struct planning *planning)
{
    *planning = (struct planning){0};
    struct sluice_error *error = error_create();
    if (!error) {
        complain("no memory to load plugins");
        return EXIT_FAILED;
    }
    enum exit_code code = exit_code_of(loader_create(plugin_path, &planning->loader, error));
    if (code != EXIT_DONE) {
        complain_error(error);
    }
    error_destroy(error);
    return code == EXIT_DONE ? make_plan(request, planning) : code;
}

void planning_reset(struct planning *planning)
{
    plan_destroy(planning->plan);
    loader_destroy(planning->loader);
    *planning = (struct planning){0};
}
