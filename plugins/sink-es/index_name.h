/* SPDX-License-Identifier: Apache-2.0 */
/* Names of indexes: which are good, and what a template of names has in common. */
#ifndef SLUICE_SINK_ES_INDEX_NAME_H
#define SLUICE_SINK_ES_INDEX_NAME_H

#include <sluice/builder.h>

#define INDEX_NAME_LIMIT 255

/* NULL where a search server takes the name, else what is wrong with it. */
const char *index_name_fault(const char *bytes, size_t size);

/* What the names of a template have in common. */
struct index_pattern {
    bool is_literal; /* one name only: it is in prefix */
    struct sluice_buffer prefix;
    struct sluice_buffer suffix;
};

/* The common beginning and end of two names that were made from quite different rows. */
void index_pattern_split(const char *one, size_t one_size, const char *other, size_t other_size,
                         size_t *prefix_size, size_t *suffix_size);

/* Renders the template for two invented rows of the schema whose values have neither their first
 * nor their last character in common. */
enum sluice_status index_pattern_find(const struct sluice_host *host,
                                      const struct sluice_schema *schema,
                                      const struct sluice_template *template_,
                                      struct index_pattern *pattern, struct sluice_error *error);
void index_pattern_reset(const struct sluice_host *host, struct index_pattern *pattern);

#endif
