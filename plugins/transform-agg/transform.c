/* SPDX-License-Identifier: Apache-2.0 */
/* The life of an aggregation: plan, take rows until the end, send the groups. */
#include "agg.h"

#include <string.h>

struct agg {
    const struct sluice_host *host;
    const struct agg_options *options;
    struct group_table *groups;
    size_t aggregate_count;
    struct aggregate aggregates[]; /* those that the output has */
};

static enum sluice_status refuse_key(const struct sluice_host *host, struct sluice_error *error,
                                     size_t index, const char *column, const char *why)
{
    sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID, "column %s %s", column,
                why);
    sluice_error_at(host, error, SLUICE_AT_OPTION, "group_by");
    sluice_error_at(host, error, SLUICE_AT_ITEM, "%zu", index);
    return SLUICE_CONFIG;
}

static enum sluice_status check_group_by(const struct sluice_host *host,
                                         const struct agg_options *options,
                                         struct sluice_error *error)
{
    if (!options->aggregates.count) {
        sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                    "there is nothing to compute: name an output column and what fills it, for "
                    "example {clicks: count}");
        sluice_error_at(host, error, SLUICE_AT_OPTION, "aggregates");
        return SLUICE_CONFIG;
    }
    for (size_t i = 1; i < options->group_by.count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (!strcmp(options->group_by.items[i], options->group_by.items[j]))
                return refuse_key(host, error, i, options->group_by.items[i], "is named twice");
        }
    }
    return SLUICE_OK;
}

/* Group columns keep their type and encoding. */
static enum sluice_status plan_keys(const struct sluice_host *host,
                                    const struct agg_options *options,
                                    struct sluice_planning *planning, struct sluice_error *error)
{
    const struct sluice_schema *input = sluice_planning_input(host, planning);
    for (size_t i = 0; i < options->group_by.count; i++) {
        const char *name = options->group_by.items[i];
        int index = schema_index(input, name);
        if (index < 0)
            return refuse_key(host, error, i, name, "is not in the step's input");
        enum sluice_status status =
            sluice_planning_output(host, planning, sluice_schema_field(input, (size_t)index));
        if (status != SLUICE_OK)
            return status;
        sluice_planning_key(host, planning, name);
        sluice_planning_reads(host, planning, name);
    }
    return SLUICE_OK;
}

static enum sluice_status plan_aggregate(const struct sluice_host *host,
                                         const struct agg_options *options, size_t index,
                                         struct sluice_planning *planning,
                                         struct sluice_error *error)
{
    struct aggregate aggregate;
    enum sluice_status status = aggregate_parse(
        host, options, index, sluice_planning_input(host, planning), &aggregate, error);
    if (status != SLUICE_OK)
        return status;
    if (aggregate.argument)
        sluice_planning_reads(host, planning, aggregate.argument->name);
    struct sluice_field field = {.name = aggregate.name, .type = aggregate.result};
    if (aggregate.result == SLUICE_TYPE_TIMESTAMP)
        field.time_format = aggregate.argument->time_format;
    return sluice_planning_output(host, planning, &field);
}

static enum sluice_status plan_agg(const struct sluice_host *host, const void *options_,
                                   struct sluice_planning *planning, struct sluice_error *error)
{
    const struct agg_options *options = options_;
    const struct sluice_strings *keys = &options->group_by;
    enum sluice_status status = check_group_by(host, options, error);
    if (status == SLUICE_OK)
        status = plan_keys(host, options, planning, error);
    for (size_t i = 0; status == SLUICE_OK && i < options->aggregates.count; i++)
        status = plan_aggregate(host, options, i, planning, error);
    if (status == SLUICE_OK && keys->count) {
        sluice_planning_property(host, planning, SLUICE_PARTITIONED_BY, keys->items, keys->count);
        sluice_planning_property(host, planning, SLUICE_CLUSTERED_BY, keys->items, keys->count);
    }
    return status;
}

static void destroy_agg(void *instance)
{
    struct agg *agg = instance;
    if (!agg)
        return;
    for (uint32_t i = 0; agg->groups && i < groups_count(agg->groups); i++) {
        for (size_t j = 0; j < agg->aggregate_count; j++)
            accumulate_release(agg->host, &agg->aggregates[j], groups_record(agg->groups, i));
    }
    for (size_t j = 0; j < agg->aggregate_count; j++)
        distinct_destroy(agg->aggregates[j].distinct);
    groups_destroy(agg->groups);
    sluice_free(agg->host, agg);
}

/* The aggregates that somebody reads, with room in a group's record. */
static enum sluice_status choose_aggregates(struct agg *agg, size_t *states_size,
                                            struct sluice_error *error)
{
    *states_size = 0;
    for (size_t i = 0; i < agg->options->aggregates.count; i++) {
        if (schema_index(sluice_output_schema(agg->host), agg->options->aggregates.keys[i]) < 0)
            continue;
        struct aggregate *aggregate = &agg->aggregates[agg->aggregate_count];
        enum sluice_status status = aggregate_parse(
            agg->host, agg->options, i, sluice_input_schema(agg->host), aggregate, error);
        if (status != SLUICE_OK)
            return status;
        aggregate->offset = *states_size;
        *states_size += aggregate_state_size(aggregate);
        agg->aggregate_count++;
        if (aggregate->function == AGG_DISTINCT)
            status = distinct_create(agg->host, aggregate->argument, &aggregate->distinct, error);
        if (status != SLUICE_OK)
            return status;
    }
    return SLUICE_OK;
}

static enum sluice_status create_agg(const struct sluice_host *host, const void *options_,
                                     void **instance, struct sluice_error *error)
{
    *instance = NULL;
    const struct agg_options *options = options_;
    struct agg *agg =
        sluice_alloc(host, sizeof(*agg) + options->aggregates.count * sizeof(agg->aggregates[0]));
    if (!agg)
        return fail_over_budget(host, error, "its tables");
    *agg = (struct agg){.host = host, .options = options};
    size_t states_size;
    enum sluice_status status = choose_aggregates(agg, &states_size, error);
    if (status == SLUICE_OK)
        status = groups_create(host, sluice_input_schema(host), &options->group_by, states_size,
                               &agg->groups, error);
    if (status != SLUICE_OK) {
        destroy_agg(agg);
        return status;
    }
    for (size_t i = 0; i < agg->aggregate_count; i++)
        agg->aggregates[i].offset += groups_states_offset(agg->groups);
    *instance = agg;
    return SLUICE_OK;
}

static enum sluice_status process_agg(void *instance, const struct sluice_batch *batch,
                                      struct sluice_error *error)
{
    struct agg *agg = instance;
    char **records;
    enum sluice_status status = groups_find(agg->groups, batch, &records, error);
    for (size_t i = 0; status == SLUICE_OK && i < agg->aggregate_count; i++)
        status = accumulate(agg->host, &agg->aggregates[i], batch, records,
                            groups_count(agg->groups), error);
    return status;
}

static enum sluice_status finish_agg(void *instance, struct sluice_error *error)
{
    struct agg *agg = instance;
    return result_rows_send(agg->host, agg->groups, &agg->options->group_by, agg->aggregates,
                            agg->aggregate_count, error);
}

const struct sluice_transform agg_transform = {
    .struct_size = sizeof(struct sluice_transform),
    .plan = plan_agg,
    .create = create_agg,
    .process = process_agg,
    .finish = finish_agg,
    .destroy = destroy_agg,
};
