/* SPDX-License-Identifier: Apache-2.0 */
/* The test host with what keyed steps need beside it: shared dictionaries, stream properties,
 * senders, raw columns; and short ways to build batches and read answers. */
#ifndef SLUICE_KEYED_HOST_H
#define SLUICE_KEYED_HOST_H

#include "test_host/test_host.h"

#include <sluice/plugin.h>

/* Hosts made until the next call share these dictionaries. */
void keyed_dictionaries_create(int64_t cap_entries);
void keyed_dictionaries_destroy(void);

struct test_host *keyed_host_create(void);

/* sluice_input_has_property() and planning_has_property() say yes for this one column. */
void keyed_host_cluster(const char *column);

/* A schema of "name:type" like test_schema, whose strings are dictionary encoded. */
const struct sluice_schema *keyed_schema(struct test_host *test, const struct sluice_schema *plain);

/* Plans, and takes what was declared as the output schema. The status is the plan's. */
enum sluice_status keyed_plan(struct test_host *test, const struct sluice_transform *transform,
                              const void *options, const struct sluice_schema *input);

/* Gives the instance a batch as of a sender, and releases it. */
enum sluice_status keyed_process(struct test_host *test, const struct sluice_transform *transform,
                                 void *instance, struct sluice_batch *batch, int sender);

struct sluice_batch *keyed_finish(struct test_host *test, struct sluice_builder *builder);

/* All emitted rows as text, one a line, sorted where asked. */
char *keyed_rows(struct test_host *test, bool is_sorted);

/* A copy of the text, to be freed, with its lines sorted; cuts the text up. */
char *keyed_sort_lines(char *text);

/* The same numbers in every run, from any seed. */
uint32_t keyed_random(uint64_t *state);

#endif
