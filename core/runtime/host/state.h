/* SPDX-License-Identifier: Apache-2.0 */
/* Where a pipeline's state lies: a folder, or a plugin's store. */
#ifndef SLUICE_RUNTIME_STATE_H
#define SLUICE_RUNTIME_STATE_H

#include "runtime/flow.h"

/* Takes the member's id, with `wanted` that one; in a folder also its lock. */
enum sluice_status pipeline_state_open(struct pipeline_run *pipeline, const char *wanted,
                                       const struct sluice_host_table *table,
                                       struct sluice_error *error);
/* From now on a store that cannot be reached is waited for as long as other servers are. */
void pipeline_state_begin_runs(const struct flow *flow);
void pipeline_state_close(struct pipeline_run *pipeline);
/* The folder of a flow and member; state_folder_reset() it. */
void pipeline_state_folder(const struct pipeline_run *pipeline, const char *flow,
                           const char *member, struct state_folder *folder);

#endif
