/* SPDX-License-Identifier: Apache-2.0 */
/* Short ways for tests to make batches, to drive a transform with them and to read its answer. */
#ifndef SLUICE_TEST_ROWS_H
#define SLUICE_TEST_ROWS_H

#include "data/data.h"

#include <sluice/transform.h>

struct test_host;

/* ---- rows ---- */

/* "name:type", '!' behind the type: required; "=text": default; "@path"; "%format" for
 * timestamps; in arena memory. Ends with NULL. */
const struct sluice_schema *test_schema(struct test_host *test, ...);
/* The same with its strings dictionary encoded. */
const struct sluice_schema *test_coded_schema(struct test_host *test,
                                              const struct sluice_schema *plain);
/* Those of its columns that a projection keeps. */
const struct sluice_schema *test_kept_schema(struct test_host *test,
                                             const struct sluice_schema *all, const bool *keep);

struct sluice_batch *test_finish(struct test_host *test, struct sluice_builder *builder);

/* One row as text, fields separated by '|', null as "~". In arena memory. */
const char *test_row(struct test_host *test, const struct sluice_batch *batch, int64_t row);
/* All emitted rows, one a line, sorted where asked. In arena memory. */
char *test_rows(struct test_host *test, bool is_sorted);
/* A copy of the text, to be freed, with its lines sorted; cuts the text up. */
char *test_sort_lines(char *text);

/* ---- a transform ---- */

/* Plans, and takes what was declared as the output schema. The status is the plan's. */
enum sluice_status test_plan(struct test_host *test, const struct sluice_transform *transform,
                             const void *options, const struct sluice_schema *input);
/* Gives the instance a batch (NULL: none) as of a sender, and releases it. */
enum sluice_status test_process(struct test_host *test, const struct sluice_transform *transform,
                                void *instance, struct sluice_batch *batch, int sender);

/* The same numbers in every run, from any seed. */
uint32_t test_random(uint64_t *state);

#endif
