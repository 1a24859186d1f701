/* SPDX-License-Identifier: Apache-2.0 */
/* What a flow looked like when a checkpoint was taken, as far as its state depends on it: each step's
 * component, lanes and keys. State is found again by the step's name; where the step behind the name
 * is another one now, the start is refused rather than state given to who cannot read it, or left
 * lying about. */
#ifndef SLUICE_RUNTIME_SHAPE_H
#define SLUICE_RUNTIME_SHAPE_H

#include "runtime/flow.h"

/* Adds the flow's shape to a checkpoint. False without memory. */
bool shape_add(const struct flow *flow, struct checkpoint *checkpoint);
/* Whether all that the checkpoint holds has a place in the flow as it is now. CONFIG, state_version,
 * with what changed and what to do. has_staged: its commit may have to be finished. `checkpoint`
 * NULL is fine. */
enum sluice_status shape_check(const struct flow *flow, const struct checkpoint *checkpoint,
                               bool has_staged, struct sluice_error *error);

#endif
