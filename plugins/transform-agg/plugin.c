/* SPDX-License-Identifier: Apache-2.0 */
/* transform-agg: descriptor and options. */
#include "agg.h"

static const struct sluice_option options[] = {
    {.name = "group_by",
     .kind = SLUICE_OPTION_COLUMNS,
     .offset = offsetof(struct agg_options, group_by),
     .text = "Columns whose values make a group; null is a value of its own. Without it all rows "
             "are one group.",
     .example = "[url, country]"},
    {.name = "aggregates",
     .kind = SLUICE_OPTION_MAP,
     .is_required = true,
     .offset = offsetof(struct agg_options, aggregates),
     .text = "Output columns and what fills them: count, count(COLUMN), sum(COLUMN), min(COLUMN), "
             "max(COLUMN), mean(COLUMN), distinct(COLUMN). Nulls are ignored, as SQL does.",
     .example = "{clicks: count, unique_users: distinct(user_id)}"},
};

static const struct sluice_component components[] = {{
    .struct_size = sizeof(struct sluice_component),
    .kind = SLUICE_KIND_TRANSFORM,
    .name = "transform-agg",
    .summary = "Groups rows by columns and counts, sums, averages and counts distinct values.",
    .capabilities = SLUICE_PROJECTS | SLUICE_BATCH_ONLY,
    .options_size = sizeof(struct agg_options),
    .option_size = sizeof(struct sluice_option),
    .option_count = sizeof(options) / sizeof(options[0]),
    .options = options,
    .metric_size = sizeof(struct sluice_metric),
    .transform = &agg_transform,
}};

static const struct sluice_plugin plugin = {
    .abi_version = SLUICE_ABI_VERSION,
    .struct_size = sizeof(struct sluice_plugin),
    .name = "transform-agg",
    .version = "0.1.0",
    .licence = "Apache-2.0",
    .summary = "Aggregation by groups.",
    .component_size = sizeof(struct sluice_component),
    .component_count = 1,
    .components = components,
};

SLUICE_PLUGIN_EXPORT const struct sluice_plugin *sluice_plugin_describe(uint32_t host_abi)
{
    (void)host_abi;
    return &plugin;
}
