/* SPDX-License-Identifier: Apache-2.0 */
/* Options of transform-select, and its callback table. */
#ifndef SLUICE_TRANSFORM_SELECT_OPTIONS_H
#define SLUICE_TRANSFORM_SELECT_OPTIONS_H

#include <sluice/options.h>
#include <sluice/transform.h>

struct select_options {
    struct sluice_strings columns;
    const char *where;
};

extern const struct sluice_transform select_transform;

#endif
