/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of the cluster beside bulk requests: who are you, have this index, be searchable.
 */
#ifndef SLUICE_SINK_ES_SEARCH_SETUP_H
#define SLUICE_SINK_ES_SEARCH_SETUP_H

#include "cluster/search_client.h"
#include "index_name.h"

/* Reads and logs the version; CONFIG for a server that is too old. A server that keeps its version
 * to itself is taken as it is. */
enum sluice_status setup_check_server(struct search_client *client, struct sluice_error *error);

/* Makes the literal index with its mapping where it is absent, or, for a template of names, puts
 * an index template. */
enum sluice_status setup_mapping(struct search_client *client, const struct index_pattern *pattern,
                                 struct sluice_error *error);

/* Makes what was written to the indexes searchable. `names` are separated by line ends. */
enum sluice_status setup_refresh(struct search_client *client, const char *names, size_t size,
                                 struct sluice_error *error);

#endif
