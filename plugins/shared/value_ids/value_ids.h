/* SPDX-License-Identifier: Apache-2.0 */
/* Dense numbers for the values of a column: 1, 2, 3 … in the order in which they first appear;
 * null is 0. Keyed steps hold and compare these instead of the values.
 *
 *     batch 1: dictionary codes ──remap by code──┐
 *     batch 2: plain strings ──hash, compare─────┼──▶ id ──▶ value (a copy of its own)
 *     batch 3: another dictionary, int64 …  ─────┘
 *
 * Equal values get equal ids whatever their encoding, so batches past a dictionary's cap need no
 * case of their own. A value is hashed once per dictionary entry, not once a row. Fixed-width
 * types are kept as their eight bytes (-0.0 as 0.0, one NaN).
 *
 * Memory comes from the host and is counted. For one thread at a time. */
#ifndef SLUICE_SHARED_VALUE_IDS_H
#define SLUICE_SHARED_VALUE_IDS_H

#include <sluice/plugin.h>

struct value_ids;

/* FATAL without memory; then *ids is NULL. */
enum sluice_status value_ids_create(const struct sluice_host *host, enum sluice_type type,
                                    struct value_ids **ids, struct sluice_error *error);
void value_ids_destroy(struct value_ids *ids); /* NULL is allowed */

/* Values that hardly repeat, or that would take more than `limit_bytes`, get no ids any more:
 * whoever calls this keeps those apart (spill/byte_heap.h). 0: no limit. */
void value_ids_limit(struct value_ids *ids, size_t limit_bytes);

/* The id of a value that came when no more ids were given. */
#define VALUE_WITHOUT_ID UINT32_MAX

/* ids_by_row[row] for every row of column `index` of the batch. */
enum sluice_status value_ids_map(struct value_ids *ids, const struct sluice_batch *batch, int index,
                                 uint32_t *ids_by_row, struct sluice_error *error);

enum sluice_type value_ids_type(const struct value_ids *ids);

/* The highest id so far. */
uint32_t value_ids_count(const struct value_ids *ids);

/* The value's bytes; good until destroy. id must not be 0. */
struct sluice_string value_ids_get(const struct value_ids *ids, uint32_t id);

/* Order of two values: null first, strings bytewise, NaN last. */
int value_ids_compare(const struct value_ids *ids, uint32_t one, uint32_t other);

/* The same of two values of a type, by their bytes. */
int value_compare(enum sluice_type type, struct sluice_string one, struct sluice_string other);

/* The bytes that two equal values of a column share: strings as they are, the rest as a word, for
 * which `word` is room. The row must not be null. */
struct sluice_string column_value(const struct sluice_column *column, int64_t row, uint64_t *word);

/* Appends a value to a builder's column of the type. */
enum sluice_status value_append(const struct sluice_host *host, enum sluice_type type,
                                struct sluice_string value, struct sluice_builder *builder,
                                int column);

/* < 0, 0, > 0 for two doubles, every NaN equal to itself and after all numbers. */
int float64_compare(double one, double other);

/* Index of the field of that name, or -1. */
int schema_index(const struct sluice_schema *schema, const char *name);

/* FATAL over_budget, naming the step, what it holds and what to do. */
enum sluice_status fail_over_budget(const struct sluice_host *host, struct sluice_error *error,
                                    const char *what);

#endif
