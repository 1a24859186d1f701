/* SPDX-License-Identifier: Apache-2.0 */
/* Exact distinct counts by a set of (group, value) pairs, and the choice between that and
 * clustered counting. */
#include "distinct.h"

#include <string.h>

enum { FIRST_PAIRS = 1024 };

static enum sluice_status fail_values(const struct distinct *distinct, struct sluice_error *error)
{
    return fail_over_budget(distinct->host, error, "the distinct values of its groups");
}

enum sluice_status distinct_create(const struct sluice_host *host,
                                   const struct sluice_field *argument, struct distinct **distinct,
                                   struct sluice_error *error)
{
    *distinct = NULL;
    struct distinct *made = sluice_alloc(host, sizeof(*made));
    if (!made)
        return fail_over_budget(host, error, "its tables");
    *made = (struct distinct){.host = host, .type = argument->type};
    made->is_clustered = sluice_input_has_property(host, SLUICE_CLUSTERED_BY, &argument->name, 1) &&
                         sluice_input_has_property(host, SLUICE_PARTITIONED_BY, &argument->name, 1);
    if (!made->is_clustered) {
        enum sluice_status status = value_ids_create(host, argument->type, &made->values, error);
        if (status != SLUICE_OK) {
            distinct_destroy(made);
            return status;
        }
    }
    *distinct = made;
    return SLUICE_OK;
}

void distinct_destroy(struct distinct *distinct)
{
    if (!distinct)
        return;
    clustered_reset(distinct);
    value_ids_destroy(distinct->values);
    sluice_free(distinct->host, distinct->ids);
    sluice_free(distinct->host, distinct->pairs.slots);
    sluice_free(distinct->host, distinct);
}

static uint64_t pair_place(uint64_t pair, uint64_t mask)
{
    uint64_t mixed = pair * UINT64_C(0x9E3779B97F4A7C15);
    return (mixed ^ mixed >> 29) & mask;
}

/* True where the pair is new. There must be a free slot. */
static bool add_pair(struct pair_set *pairs, uint64_t pair)
{
    uint64_t at = pair_place(pair, pairs->mask);
    while (pairs->slots[at]) {
        if (pairs->slots[at] == pair)
            return false;
        at = (at + 1) & pairs->mask;
    }
    pairs->slots[at] = pair;
    pairs->count++;
    return true;
}

static bool grow_pairs(const struct sluice_host *host, struct pair_set *pairs)
{
    struct pair_set grown = {.mask = pairs->slots ? 2 * pairs->mask + 1 : FIRST_PAIRS - 1};
    grown.slots = sluice_alloc(host, (grown.mask + 1) * sizeof(*grown.slots));
    if (!grown.slots)
        return false;
    memset(grown.slots, 0, (grown.mask + 1) * sizeof(*grown.slots));
    for (uint64_t old = 0; pairs->slots && old <= pairs->mask; old++) {
        if (pairs->slots[old])
            add_pair(&grown, pairs->slots[old]);
    }
    sluice_free(host, pairs->slots);
    *pairs = grown;
    return true;
}

static enum sluice_status map_values(struct distinct *distinct, const struct sluice_batch *batch,
                                     int input, struct sluice_error *error)
{
    size_t rows = (size_t)sluice_batch_rows(distinct->host, batch);
    if (rows > distinct->id_capacity) {
        sluice_free(distinct->host, distinct->ids);
        distinct->id_capacity = 0;
        distinct->ids = sluice_alloc(distinct->host, rows * sizeof(*distinct->ids));
        if (!distinct->ids)
            return fail_values(distinct, error);
        distinct->id_capacity = rows;
    }
    return value_ids_map(distinct->values, batch, input, distinct->ids, error);
}

enum sluice_status distinct_add(struct distinct *distinct, const struct aggregate *aggregate,
                                const struct agg_rows *rows, struct sluice_error *error)
{
    if (distinct->is_clustered)
        return clustered_add(distinct, aggregate, rows, error);
    enum sluice_status status = map_values(distinct, rows->batch, aggregate->input, error);
    if (status != SLUICE_OK)
        return status;
    int64_t count = sluice_batch_rows(distinct->host, rows->batch);
    struct pair_set *pairs = &distinct->pairs;
    for (int64_t row = 0; row < count; row++) {
        if (!distinct->ids[row])
            continue;
        bool is_full = !pairs->slots || pairs->count > pairs->mask / 8 * 5;
        if (is_full && !grow_pairs(distinct->host, pairs))
            return fail_values(distinct, error);
        char *record = rows->records[row];
        uint64_t pair = (uint64_t)record_number(record) << 32 | distinct->ids[row];
        if (add_pair(pairs, pair))
            ++*(int64_t *)(void *)(record + aggregate->offset);
    }
    return SLUICE_OK;
}
