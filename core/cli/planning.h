/* SPDX-License-Identifier: Apache-2.0 */
/* From pipeline files to a plan, with everything complained about on the way: what `check` and
 * `run` begin with. */
#ifndef SLUICE_CLI_PLANNING_H
#define SLUICE_CLI_PLANNING_H

#include "cli/cli.h"
#include "pipeline/pipeline.h"

struct planning {
    struct loader *loader;
    struct plan *plan;
};

/* plugin_path: NULL: none. Warnings are printed too. Reset it whatever the answer. */
enum exit_code planning_create(const struct plan_request *request, const char *plugin_path,
                               struct planning *planning);
void planning_reset(struct planning *planning);

#endif
