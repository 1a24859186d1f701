/* SPDX-License-Identifier: Apache-2.0 */
/* Calls one plan callback and keeps what it says. */
#ifndef SLUICE_PIPELINE_PLANNING_H
#define SLUICE_PIPELINE_PLANNING_H

#include "pipeline/draft.h"

/* What a plan callback knows and declares. */
struct sluice_planning {
    const struct sluice_schema *input; /* NULL for a source */
    const struct properties *input_properties;
    bool is_batch;
    bool has_member_folder;
    bool is_quiet; /* a later pass: warnings were given */
    const struct draft_step *step;
    struct arena *arena;
    struct diagnostics *diagnostics;

    struct sluice_field *fields;
    size_t field_count;
    size_t field_capacity;
    struct names keys;
    struct names reads;
    bool has_reads;
    struct properties properties;
    const char *at_least_once; /* why, or NULL */
    bool has_failed;           /* out of memory */
};

/* The step's plan callback, or OK without one. */
enum sluice_status planning_call(struct sluice_planning *planning, struct sluice_error *error);

bool properties_add(struct arena *arena, struct properties *properties,
                    const struct property_plan *property);
/* Whether the set of columns is known to have the property, in whatever order. */
bool properties_has(const struct properties *properties, enum sluice_property property,
                    const char *const *columns, size_t count);

#endif
