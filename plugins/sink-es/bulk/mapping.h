/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies that tell a server the types of a schema's columns. */
#ifndef SLUICE_SINK_ES_MAPPING_H
#define SLUICE_SINK_ES_MAPPING_H

#include <sluice/types.h>

/* Body of PUT /INDEX. shards 0 and replicas -1 leave the server's default. NULL without memory;
 * else the caller's, by free(). */
char *mapping_index_body(const struct sluice_schema *schema, int64_t shards, int64_t replicas);

/* Body of PUT /_index_template/NAME for index names like prefix*suffix. */
char *mapping_template_body(const struct sluice_schema *schema, int64_t shards, int64_t replicas,
                            struct sluice_string prefix, struct sluice_string suffix);

/* Whether a document may hold a field of this name: not one of the servers' own. */
bool mapping_is_field_name(const char *name);

#endif
