/* SPDX-License-Identifier: Apache-2.0 */
/* Aggregation by groups.
 *
 *   plan:     "distinct(user_id)" ─▶ struct aggregate                       (aggregate)
 *   process:  key columns ─▶ ids ─▶ one record a group                      (group_table)
 *             argument column by column ─▶ states inside the records        (accumulate, extremes,
 *                                                                            distinct, exact_sum)
 *   finish:   records in the order of their keys ─▶ batches                 (result_rows)
 *
 * The answer is the same for any order of rows, number of lanes and cut of batches: sums are exact
 * until they are rounded once, at the end. */
#ifndef SLUICE_AGG_H
#define SLUICE_AGG_H

#include <sluice/plugin.h>

#include "exact_sum.h"
#include "value_ids/value_ids.h"

struct agg_options {
    struct sluice_strings group_by;
    struct sluice_pairs aggregates;
};

extern const struct sluice_transform agg_transform;

/* ---- aggregate: one expression of the options ---- */

enum agg_function {
    AGG_NONE = 0,
    AGG_COUNT_ROWS,
    AGG_COUNT,
    AGG_SUM,
    AGG_MIN,
    AGG_MAX,
    AGG_MEAN,
    AGG_DISTINCT
};

struct aggregate {
    const char *name; /* of the output column */
    enum agg_function function;
    const char *text;                    /* as the user wrote it */
    const struct sluice_field *argument; /* NULL: count */
    int input;                           /* index of the argument in the input schema, or -1 */
    enum sluice_type result;
    size_t offset;             /* of its state in a group's record */
    struct distinct *distinct; /* AGG_DISTINCT: what it holds beside the records */
};

/* Item `index` of options->aggregates. CONFIG with option and item where it cannot work. */
enum sluice_status aggregate_parse(const struct sluice_host *host,
                                   const struct agg_options *options, size_t index,
                                   const struct sluice_schema *input, struct aggregate *aggregate,
                                   struct sluice_error *error);
size_t aggregate_state_size(const struct aggregate *aggregate);

/* The candidate that `name` was probably meant to be; NULL where none is near. */
const char *nearest_name(const char *name, size_t size, const char *const *candidates,
                         size_t count);

/* ---- group table ---- */

struct group_table;

enum sluice_status groups_create(const struct sluice_host *host, const struct sluice_schema *input,
                                 const struct sluice_strings *columns, size_t states_size,
                                 struct group_table **groups, struct sluice_error *error);
void groups_destroy(struct group_table *groups); /* NULL is allowed */

/* records[row]: the record of the row's group, made (zeroed) where new. Records never move. The
 * array is the table's, good until the next call. */
enum sluice_status groups_find(struct group_table *groups, const struct sluice_batch *batch,
                               char ***records, struct sluice_error *error);

uint32_t groups_count(const struct group_table *groups);
char *groups_record(const struct group_table *groups, uint32_t number);
size_t groups_states_offset(const struct group_table *groups); /* of the states in a record */
size_t groups_key_count(const struct group_table *groups);
const struct value_ids *groups_key_values(const struct group_table *groups, size_t key);

/* A record starts with the group's number, then an id for each key. */
static inline uint32_t record_number(const char *record)
{
    return ((const uint32_t *)(const void *)record)[0];
}

static inline uint32_t record_key(const char *record, size_t key)
{
    return ((const uint32_t *)(const void *)record)[1 + key];
}

/* ---- states ---- */

struct sum_state {
    struct exact_sum sum;
    int64_t count;
};

struct extreme_word {
    int64_t word; /* or the double's bits */
    int64_t has_value;
};

struct extreme_bytes {
    char *bytes; /* NULL: no value yet */
    uint32_t size;
    uint32_t capacity;
};

/* Adds a batch to the states of one aggregate. */
enum sluice_status accumulate(const struct sluice_host *host, const struct aggregate *aggregate,
                              const struct sluice_batch *batch, char *const *records,
                              uint32_t group_count, struct sluice_error *error);
/* Frees what a state holds outside its record. */
void accumulate_release(const struct sluice_host *host, const struct aggregate *aggregate,
                        char *record);

enum sluice_status accumulate_extreme(const struct sluice_host *host,
                                      const struct aggregate *aggregate,
                                      const struct sluice_column *column, char *const *records,
                                      struct sluice_error *error);

/* ---- distinct ---- */

/* Counts in the records; clustered input needs one number a group and sender, other input a set
 * of (group, value). */
enum sluice_status distinct_create(const struct sluice_host *host,
                                   const struct sluice_field *argument, struct distinct **distinct,
                                   struct sluice_error *error);
void distinct_destroy(struct distinct *distinct); /* NULL is allowed */
enum sluice_status distinct_add(struct distinct *distinct, const struct aggregate *aggregate,
                                const struct sluice_batch *batch, char *const *records,
                                uint32_t group_count, struct sluice_error *error);

/* ---- result ---- */

enum sluice_status result_rows_send(const struct sluice_host *host,
                                    const struct group_table *groups,
                                    const struct sluice_strings *group_by,
                                    const struct aggregate *aggregates, size_t aggregate_count,
                                    struct sluice_error *error);

#endif
