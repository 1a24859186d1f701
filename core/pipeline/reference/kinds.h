/* SPDX-License-Identifier: Apache-2.0 */
/* How the reference pages speak of option kinds. */
#ifndef SLUICE_PIPELINE_REFERENCE_KINDS_H
#define SLUICE_PIPELINE_REFERENCE_KINDS_H

#include "pipeline/draft.h"

/* "duration", "list of texts" … */
const char *option_kind_name(enum sluice_option_kind kind);

#endif
