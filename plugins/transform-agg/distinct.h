/* SPDX-License-Identifier: Apache-2.0 */
/* The two ways to count distinct values exactly. */
#ifndef SLUICE_AGG_DISTINCT_H
#define SLUICE_AGG_DISTINCT_H

#include "agg.h"

/* Any input: a set of (group, value id) pairs. */
struct pair_set {
    uint64_t *slots; /* group << 32 | id, open addressing; 0: free */
    uint64_t mask;
    uint64_t count;
};

/* Input in which equal values come from one sender, directly after each other: a group has seen a
 * value exactly if the visit it saw last from that sender is the value's. */
struct sender {
    uint64_t visit; /* number of the current run of equal values; 0: none yet */
    uint64_t *last; /* by group: the visit that it was last counted in */
    uint32_t last_count;
    struct sluice_buffer value; /* the current one, over the end of a batch */
};

struct distinct {
    const struct sluice_host *host;
    enum sluice_type type;
    bool is_clustered;

    struct value_ids *values;
    uint32_t *ids; /* of one batch */
    size_t id_capacity;
    struct pair_set pairs;

    struct sender *senders;
    size_t sender_count;
    uint64_t visit_count;
};

enum sluice_status clustered_add(struct distinct *distinct, const struct aggregate *aggregate,
                                 const struct agg_rows *rows, struct sluice_error *error);
void clustered_reset(struct distinct *distinct);

#endif
