/* SPDX-License-Identifier: Apache-2.0 */
/* transform-parse: messages in one column to typed columns. */
#include "parse_options.h"

#include <sluice/plugin.h>

static const struct sluice_option option_rows[] = {
    {.name = "format",
     .kind = SLUICE_OPTION_CODEC,
     .is_required = true,
     .offset = offsetof(struct parse_options, format),
     .text = "Codec that reads each message.",
     .example = "json"},
    {.name = "schema",
     .kind = SLUICE_OPTION_SCHEMA,
     .is_required = true,
     .offset = offsetof(struct parse_options, schema),
     .text = "Fields that every message has. What does not fit is rejected with its reason.",
     .example = "click"},
    {.name = "column",
     .kind = SLUICE_OPTION_COLUMN,
     .default_text = "value",
     .offset = offsetof(struct parse_options, column),
     .text = "Column of the input, binary or string, that holds the messages.",
     .example = "value"},
    {.name = "keep",
     .kind = SLUICE_OPTION_COLUMNS,
     .offset = offsetof(struct parse_options, keep),
     .text = "Columns of the input that go on beside the parsed ones.",
     .example = "[topic, offset]"},
};

static const struct sluice_component components[] = {
    {.struct_size = sizeof(struct sluice_component),
     .kind = SLUICE_KIND_TRANSFORM,
     .name = "transform-parse",
     .summary = "Turns messages (JSON, CSV …) into typed columns.",
     .capabilities = SLUICE_STATELESS | SLUICE_PROJECTS,
     .options_size = sizeof(struct parse_options),
     .option_size = sizeof(struct sluice_option),
     .option_count = sizeof option_rows / sizeof option_rows[0],
     .options = option_rows,
     .transform = &parse_transform},
};

static const struct sluice_plugin plugin = {
    .abi_version = SLUICE_ABI_VERSION,
    .struct_size = sizeof(struct sluice_plugin),
    .name = "transform-parse",
    .version = "0.1.0",
    .licence = "Apache-2.0",
    .summary = "Parses messages.",
    .component_size = sizeof(struct sluice_component),
    .component_count = sizeof components / sizeof components[0],
    .components = components,
};

SLUICE_PLUGIN_EXPORT const struct sluice_plugin *sluice_plugin_describe(uint32_t host_abi)
{
    (void)host_abi;
    return &plugin;
}
