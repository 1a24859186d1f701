/* SPDX-License-Identifier: Apache-2.0 */
/* transform-session: descriptor and options. */
#include "session.h"

static const struct sluice_option options[] = {
    {.name = "key",
     .kind = SLUICE_OPTION_COLUMN,
     .is_required = true,
     .offset = offsetof(struct session_options, key),
     .text = "Column that names the visitor. Rows without it are rejected.",
     .example = "user_id"},
    {.name = "time",
     .kind = SLUICE_OPTION_COLUMN,
     .is_required = true,
     .offset = offsetof(struct session_options, time),
     .text = "Timestamp column that orders a visitor's rows. Rows without it are rejected.",
     .example = "timestamp"},
    {.name = "order",
     .kind = SLUICE_OPTION_COLUMNS,
     .offset = offsetof(struct session_options, order),
     .text = "Columns that order a visitor's rows, strings bytewise: `time` first, then those that "
             "settle equal times. Remaining ties are settled by the other columns. Without it: "
             "`time` alone.",
     .example = "[timestamp, url, country]"},
    {.name = "gap",
     .kind = SLUICE_OPTION_DURATION,
     .default_text = "30m",
     .minimum = 0,
     .maximum = INT64_C(366) * 24 * 3600 * 1000,
     .offset = offsetof(struct session_options, gap_ms),
     .text = "Longest time between two rows of one visit; exactly this long still counts.",
     .example = "30m"},
    {.name = "column",
     .kind = SLUICE_OPTION_STRING,
     .default_text = "time_on_page",
     .offset = offsetof(struct session_options, column),
     .text = "Name of the added column: seconds until the visitor's next row, null for the last "
             "row of a visit.",
     .example = "time_on_page"},
};

static const struct sluice_component components[] = {{
    .struct_size = sizeof(struct sluice_component),
    .kind = SLUICE_KIND_TRANSFORM,
    .name = "transform-session",
    .summary = "Orders each visitor's rows and adds the time until the next one of the same visit.",
    .capabilities = SLUICE_PROJECTS | SLUICE_BATCH_ONLY,
    .options_size = sizeof(struct session_options),
    .option_size = sizeof(struct sluice_option),
    .option_count = sizeof(options) / sizeof(options[0]),
    .options = options,
    .metric_size = sizeof(struct sluice_metric),
    .transform = &session_transform,
}};

static const struct sluice_plugin plugin = {
    .abi_version = SLUICE_ABI_VERSION,
    .struct_size = sizeof(struct sluice_plugin),
    .name = "transform-session",
    .version = "0.1.0",
    .licence = "Apache-2.0",
    .summary = "Sessions and time on page.",
    .component_size = sizeof(struct sluice_component),
    .component_count = 1,
    .components = components,
};

SLUICE_PLUGIN_EXPORT const struct sluice_plugin *sluice_plugin_describe(uint32_t host_abi)
{
    (void)host_abi;
    return &plugin;
}
