/* SPDX-License-Identifier: Apache-2.0 */
/* The life of an aggregation: plan, take rows until the end, send the groups. */
#include "agg.h"

#include <string.h>

struct agg {
    const struct sluice_host *host;
    struct portion *portion;
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
    portion_destroy(agg->portion);
    sluice_free(agg->host, agg);
}

static enum sluice_status create_agg(const struct sluice_host *host, const void *options,
                                     void **instance, struct sluice_error *error)
{
    *instance = NULL;
    struct agg *agg = sluice_alloc(host, sizeof(*agg));
    if (!agg)
        return fail_over_budget(host, error, "its tables");
    *agg = (struct agg){.host = host};
    enum sluice_status status = portion_create(host, options, 0, &agg->portion, error);
    if (status != SLUICE_OK) {
        destroy_agg(agg);
        return status;
    }
    *instance = agg;
    return SLUICE_OK;
}

static enum sluice_status process_agg(void *instance, const struct sluice_batch *batch,
                                      struct sluice_error *error)
{
    struct agg *agg = instance;
    return portion_add(agg->portion, batch, sluice_batch_sender(agg->host, batch), error);
}

static enum sluice_status finish_agg(void *instance, struct sluice_error *error)
{
    struct agg *agg = instance;
    return portion_finish(agg->portion, error);
}

const struct sluice_transform agg_transform = {
    .struct_size = sizeof(struct sluice_transform),
    .plan = plan_agg,
    .create = create_agg,
    .process = process_agg,
    .finish = finish_agg,
    .destroy = destroy_agg,
};
