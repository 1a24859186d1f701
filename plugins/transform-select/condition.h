/* SPDX-License-Identifier: Apache-2.0 */
/* A condition about a row, as `where` writes it:
 *
 *   condition = all {"or" all}             test = column comparison value
 *   all       = one {"and" one}                 | column ["not"] "in" "(" value {"," value} ")"
 *   one       = "not" one                       | column ["not"] "starts" "with" value
 *             | "(" condition ")"               | column ["not"] "contains" value
 *             | test                            | column "is" ["not"] "null"
 *                                               | column            (of type bool)
 *
 * condition_parse.c makes the tree and ties each test to the type of its column; condition_rows.c
 * finds the rows of a batch, a test at a time over all of them. As in SQL a test of null is neither
 * true nor false, and a row goes on only where the whole is true. */
#ifndef SLUICE_TRANSFORM_SELECT_CONDITION_H
#define SLUICE_TRANSFORM_SELECT_CONDITION_H

#include <sluice/batch.h>
#include <sluice/service.h>

enum {
    CONDITION_NODES = 256, /* tests, ands, ors and nots of a condition */
    CONDITION_DEPTH = 32
};

enum condition_kind {
    CONDITION_OR,
    CONDITION_AND,
    CONDITION_NOT,
    CONDITION_IS_NULL,
    CONDITION_EQUAL,
    CONDITION_LESS,
    CONDITION_MORE,
    CONDITION_IN,
    CONDITION_STARTS,
    CONDITION_CONTAINS
};

/* A value in the type of the column that it is compared with. */
struct condition_value {
    struct sluice_string text;
    int64_t integer; /* also timestamp and bool */
    double number;
};

struct condition_node {
    enum condition_kind kind;
    int left;           /* OR, AND, NOT: nodes */
    int right;          /* OR, AND */
    const char *column; /* NULL: OR, AND, NOT */
    size_t first_value; /* in condition.values */
    size_t value_count;
};

struct condition {
    const struct sluice_host *host;
    struct condition_node nodes[CONDITION_NODES];
    int node_count;
    int root;
    char *text; /* what columns and values point into: a copy that was cut up */
    struct condition_value *values;
    size_t value_count;
    size_t value_capacity;
    int depth;                                /* of truths that are needed at once, from 0 */
    uint8_t *truths[CONDITION_DEPTH * 2 + 1]; /* of the rows at hand, by depth */
    int64_t row_capacity;
};

/* CONFIG where the text is no condition about columns of `schema`. */
enum sluice_status condition_create(const struct sluice_host *host, const char *text,
                                    const struct sluice_schema *schema,
                                    struct condition **condition, struct sluice_error *error);
void condition_destroy(struct condition *condition); /* NULL is allowed */

/* The rows that fulfil it, in order. rows has room for all rows of the batch. */
enum sluice_status condition_rows(struct condition *condition, const struct sluice_batch *batch,
                                  int32_t *rows, int64_t *count, struct sluice_error *error);

#endif
