/* SPDX-License-Identifier: Apache-2.0 */
/* The groups that are aggregated at one time. Short of memory, no new ones are made: rows of
 * groups that are there go on being taken, the others go to disk and become portions of their own.
 * So all rows of a group are aggregated together and in their order, whatever the aggregate. */
#include "agg.h"
#include "overflow.h"

#include <string.h>

enum { DUE_EIGHTHS = 5, MAX_LEVEL = 4 };

struct portion {
    const struct sluice_host *host;
    const struct agg_options *options;
    int level; /* which bits of a group's hash choose its portion */
    struct group_table *groups;
    struct overflow *overflow; /* NULL: none */
    int32_t *known;            /* rows of the batch at hand whose groups are here */
    size_t known_capacity;
    size_t aggregate_count;
    struct aggregate aggregates[]; /* those that the output has */
};

static void free_groups(struct portion *portion)
{
    for (uint32_t i = 0; portion->groups && i < groups_count(portion->groups); i++) {
        for (size_t j = 0; j < portion->aggregate_count; j++)
            accumulate_release(portion->host, &portion->aggregates[j],
                               groups_record(portion->groups, i));
    }
    for (size_t j = 0; j < portion->aggregate_count; j++) {
        distinct_destroy(portion->aggregates[j].distinct);
        portion->aggregates[j].distinct = NULL;
    }
    groups_destroy(portion->groups);
    portion->groups = NULL;
    sluice_free(portion->host, portion->known);
    portion->known = NULL;
    portion->known_capacity = 0;
}

void portion_destroy(struct portion *portion)
{
    if (!portion)
        return;
    free_groups(portion);
    overflow_destroy(portion->overflow);
    sluice_free(portion->host, portion);
}

/* The aggregates that somebody reads, with room in a group's record. */
static enum sluice_status choose_aggregates(struct portion *portion, size_t *states_size,
                                            struct sluice_error *error)
{
    const struct sluice_host *host = portion->host;
    *states_size = 0;
    for (size_t i = 0; i < portion->options->aggregates.count; i++) {
        if (schema_index(sluice_output_schema(host), portion->options->aggregates.keys[i]) < 0)
            continue;
        struct aggregate *aggregate = &portion->aggregates[portion->aggregate_count];
        enum sluice_status status =
            aggregate_parse(host, portion->options, i, sluice_input_schema(host), aggregate, error);
        if (status != SLUICE_OK)
            return status;
        aggregate->offset = *states_size;
        *states_size += aggregate_state_size(aggregate);
        portion->aggregate_count++;
        if (aggregate->function == AGG_DISTINCT)
            status = distinct_create(host, aggregate->argument, &aggregate->distinct, error);
        if (status != SLUICE_OK)
            return status;
    }
    return SLUICE_OK;
}

enum sluice_status portion_create(const struct sluice_host *host, const struct agg_options *options,
                                  int level, struct portion **created, struct sluice_error *error)
{
    *created = NULL;
    size_t size = sizeof(struct portion) + options->aggregates.count * sizeof(struct aggregate);
    struct portion *portion = sluice_alloc(host, size);
    if (!portion)
        return fail_over_budget(host, error, "its tables");
    memset(portion, 0, size);
    portion->host = host;
    portion->options = options;
    portion->level = level;
    struct groups_wish wish = {
        .columns = &options->group_by, .may_close = level < MAX_LEVEL, .keeps_ids = level == 0};
    enum sluice_status status = choose_aggregates(portion, &wish.states_size, error);
    if (status == SLUICE_OK)
        status = groups_create(host, &wish, &portion->groups, error);
    if (status != SLUICE_OK) {
        portion_destroy(portion);
        return status;
    }
    for (size_t i = 0; i < portion->aggregate_count; i++)
        portion->aggregates[i].offset += groups_states_offset(portion->groups);
    *created = portion;
    return SLUICE_OK;
}

static enum sluice_status accumulate_all(struct portion *portion, struct agg_rows *rows,
                                         struct sluice_error *error)
{
    enum sluice_status status = SLUICE_OK;
    rows->group_count = groups_count(portion->groups);
    for (size_t i = 0; status == SLUICE_OK && i < portion->aggregate_count; i++)
        status = accumulate(portion->host, &portion->aggregates[i], rows, error);
    return status;
}

static enum sluice_status reserve_known(struct portion *portion, size_t rows,
                                        struct sluice_error *error)
{
    if (rows <= portion->known_capacity)
        return SLUICE_OK;
    sluice_free(portion->host, portion->known);
    portion->known_capacity = 0;
    portion->known = sluice_alloc(portion->host, rows * sizeof(*portion->known));
    if (portion->known && !portion->overflow)
        portion->overflow = overflow_create(portion->host);
    if (!portion->known || !portion->overflow)
        return fail_over_budget(portion->host, error, "moving groups to disk");
    portion->known_capacity = rows;
    return SLUICE_OK;
}

/* Rows without a record go to disk; those that stay, with their records moved up, are counted. */
static enum sluice_status divide_rows(struct portion *portion, const struct agg_rows *rows,
                                      const struct group_rows *found, int64_t *count,
                                      struct sluice_error *error)
{
    int64_t row_count = sluice_batch_rows(portion->host, rows->batch);
    enum sluice_status status = reserve_known(portion, (size_t)row_count, error);
    *count = 0;
    if (status == SLUICE_OK)
        overflow_begin(portion->overflow, rows->batch, rows->sender);
    for (int64_t row = 0; status == SLUICE_OK && row < row_count; row++) {
        size_t place = found->hashes[row] >> (portion->level * OVERFLOW_BITS);
        if (found->records[row]) {
            portion->known[*count] = (int32_t)row;
            found->records[(*count)++] = found->records[row];
        } else {
            status = overflow_add(portion->overflow, place & (OVERFLOW_PORTIONS - 1), row, error);
        }
    }
    return status;
}

static bool has_unknown(const struct group_rows *found, int64_t count)
{
    for (int64_t row = 0; row < count; row++) {
        if (!found->records[row])
            return true;
    }
    return false;
}

enum sluice_status portion_add(struct portion *portion, const struct sluice_batch *batch,
                               int sender, struct sluice_error *error)
{
    if (!groups_are_closed(portion->groups) &&
        spill_is_due(portion->host, groups_held_bytes(portion->groups), DUE_EIGHTHS))
        groups_close(portion->groups);
    struct group_rows found;
    enum sluice_status status = groups_find(portion->groups, batch, &found, error);
    if (status != SLUICE_OK)
        return status;
    struct agg_rows rows = {.batch = batch, .sender = sender, .records = found.records};
    if (!groups_are_closed(portion->groups) ||
        !has_unknown(&found, sluice_batch_rows(portion->host, batch)))
        return accumulate_all(portion, &rows, error);
    int64_t count;
    status = divide_rows(portion, &rows, &found, &count, error);
    if (status != SLUICE_OK || !count)
        return status;
    struct sluice_batch *known;
    status = sluice_batch_take(portion->host, batch, portion->known, count, &known, error);
    if (status != SLUICE_OK)
        return status;
    rows.batch = known;
    status = accumulate_all(portion, &rows, error);
    sluice_batch_release(portion->host, known);
    return status;
}

static enum sluice_status take_back(void *portion, const struct sluice_batch *batch, int sender,
                                    struct sluice_error *error)
{
    return portion_add(portion, batch, sender, error);
}

/* Aggregates the rows of one portion that went to disk. */
static enum sluice_status finish_overflow(struct portion *portion, size_t index,
                                          struct sluice_error *error)
{
    if (sluice_is_cancelled(portion->host))
        return sluice_fail(portion->host, error, SLUICE_FATAL, SLUICE_CODE_CANCELLED,
                           "the run was stopped while groups were brought back from disk");
    struct portion *part;
    enum sluice_status status =
        portion_create(portion->host, portion->options, portion->level + 1, &part, error);
    if (status != SLUICE_OK)
        return status;
    const struct overflow_reader reader = {.take = take_back, .user = part};
    status = overflow_read(portion->overflow, index, &reader, error);
    if (status == SLUICE_OK)
        status = portion_finish(part, error);
    portion_destroy(part);
    return status;
}

enum sluice_status portion_finish(struct portion *portion, struct sluice_error *error)
{
    const struct result_request request = {.groups = portion->groups,
                                           .group_by = &portion->options->group_by,
                                           .aggregates = portion->aggregates,
                                           .aggregate_count = portion->aggregate_count};
    enum sluice_status status = result_rows_send(portion->host, &request, error);
    free_groups(portion);
    for (size_t i = 0; status == SLUICE_OK && portion->overflow && i < OVERFLOW_PORTIONS; i++)
        status = finish_overflow(portion, i, error);
    return status;
}
