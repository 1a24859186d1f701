/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SLUICE_SINK_ES_PLAN_H
#define SLUICE_SINK_ES_PLAN_H

#include "config.h"

#include <sluice/planning.h>

enum sluice_status es_check_options(const struct sluice_host *host,
                                    const struct es_options *options,
                                    const struct sluice_schema *input, struct sluice_error *error);

/* The sink's plan callback. */
enum sluice_status es_plan(const struct sluice_host *host, const void *options,
                           struct sluice_planning *planning, struct sluice_error *error);

#endif
