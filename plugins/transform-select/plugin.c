/* SPDX-License-Identifier: Apache-2.0 */
/* transform-select: some of the columns, some of the rows. */
#include "select_options.h"

#include <sluice/plugin.h>

static const struct sluice_option option_rows[] = {
    {.name = "columns",
     .kind = SLUICE_OPTION_COLUMNS,
     .offset = offsetof(struct select_options, columns),
     .text = "Columns that go on, in this order; without it all of them.",
     .example = "[user_id, timestamp, url]"},
    {.name = "where",
     .kind = SLUICE_OPTION_STRING,
     .offset = offsetof(struct select_options, where),
     .text =
         "What a row has to fulfil to go on; the others are left out. Columns are compared with "
         "values by =, !=, <, <=, >, >=, in (…), starts with, contains and is null, joined by "
         "and, or, not and parentheses.",
     .example = "country in ('Germany', 'France') and not url starts with '/admin'"},
};

static const struct sluice_component components[] = {
    {.struct_size = sizeof(struct sluice_component),
     .kind = SLUICE_KIND_TRANSFORM,
     .name = "transform-select",
     .summary = "Lets some columns and some rows go on.",
     .capabilities = SLUICE_STATELESS | SLUICE_PROJECTS,
     .options_size = sizeof(struct select_options),
     .option_size = sizeof(struct sluice_option),
     .option_count = sizeof option_rows / sizeof option_rows[0],
     .options = option_rows,
     .transform = &select_transform},
};

static const struct sluice_plugin plugin = {
    .abi_version = SLUICE_ABI_VERSION,
    .struct_size = sizeof(struct sluice_plugin),
    .name = "transform-select",
    .version = "0.1.0",
    .licence = "Apache-2.0",
    .summary = "Selects columns and filters rows.",
    .component_size = sizeof(struct sluice_component),
    .component_count = sizeof components / sizeof components[0],
    .components = components,
};

SLUICE_PLUGIN_EXPORT const struct sluice_plugin *sluice_plugin_describe(uint32_t host_abi)
{
    (void)host_abi;
    return &plugin;
}
