/* SPDX-License-Identifier: Apache-2.0 */
/* Names of indexes: which are good, and what those of a template have in common. */
#ifndef SLUICE_SINK_ES_INDEX_NAME_H
#define SLUICE_SINK_ES_INDEX_NAME_H

#include <sluice/types.h>

#define INDEX_NAME_LIMIT 255

/* NULL where a search server takes the name, else what is wrong with it. */
const char *index_name_fault(const char *bytes, size_t size);

/* What the names of a template have in common: its literal text before and behind its columns. */
struct index_pattern {
    bool is_literal; /* one name only: it is in prefix */
    struct sluice_string prefix;
    struct sluice_string suffix;
};

#endif
