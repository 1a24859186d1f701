/* SPDX-License-Identifier: Apache-2.0 */
/* Aggregation by groups.
 *
 *   plan:     "distinct(user_id)" ─▶ struct aggregate                       (aggregate)
 *   process:  key columns ─▶ one record a group                             (group_table)
 *             argument column by column ─▶ states inside the records        (accumulate, extremes,
 *                                                                            distinct, exact_sum)
 *             rows of groups that memory has no room for ─▶ disk            (portion, overflow)
 *   finish:   records in the order of their keys ─▶ batches        (group_order, result_rows)
 *             rows from disk ─▶ again as above                              (portion)
 *
 * The answer is the same for any order of rows, number of lanes and cut of batches: sums are exact
 * until they are rounded once, at the end. */
#ifndef SLUICE_AGG_H
#define SLUICE_AGG_H

#include <sluice/plugin.h>

#include "exact_sum.h"
#include "group_table.h"
#include "spill/spill_file.h"
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

/* Rows to be added, with the records of their groups. */
struct agg_rows {
    const struct sluice_batch *batch;
    int sender;
    char *const *records;
    uint32_t group_count;
};

/* Adds rows to the states of one aggregate. */
enum sluice_status accumulate(const struct sluice_host *host, const struct aggregate *aggregate,
                              const struct agg_rows *rows, struct sluice_error *error);
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
                                const struct agg_rows *rows, struct sluice_error *error);

/* ---- portion: groups that are aggregated at one time ---- */

struct portion;

/* `level`: 0, or how often these rows have been on disk. */
enum sluice_status portion_create(const struct sluice_host *host, const struct agg_options *options,
                                  int level, struct portion **created, struct sluice_error *error);
void portion_destroy(struct portion *portion); /* NULL is allowed */
enum sluice_status portion_add(struct portion *portion, const struct sluice_batch *batch,
                               int sender, struct sluice_error *error);
/* Sends all groups, also those whose rows are on disk. */
enum sluice_status portion_finish(struct portion *portion, struct sluice_error *error);

/* ---- result ---- */

struct result_request {
    const struct group_table *groups;
    const struct sluice_strings *group_by;
    const struct aggregate *aggregates;
    size_t aggregate_count;
};

enum sluice_status result_rows_send(const struct sluice_host *host,
                                    const struct result_request *request,
                                    struct sluice_error *error);

#endif
