/* SPDX-License-Identifier: Apache-2.0 */
/* Codec "json": one JSON object a line, or a message. */
#include "json_options.h"

#include <sluice/plugin.h>

static const struct sluice_option option_rows[] = {
    {.name = "max_record_bytes",
     .kind = SLUICE_OPTION_SIZE,
     .offset = offsetof(struct json_options, max_record_bytes),
     .default_text = "16MiB",
     .minimum = 1024,
     .maximum = INT64_C(1) << 30,
     .unit = "bytes",
     .text = "Longest line or message that is decoded. A longer one is rejected as "
             "record_too_long without being held in memory.",
     .example = "1MiB"},
};

static const struct sluice_component components[] = {
    {.struct_size = sizeof(struct sluice_component),
     .kind = SLUICE_KIND_CODEC,
     .name = "json",
     .summary = "JSON lines: one object a line, keys in the order of the schema.",
     .options_size = sizeof(struct json_options),
     .option_size = sizeof(struct sluice_option),
     .option_count = sizeof option_rows / sizeof option_rows[0],
     .options = option_rows,
     .codec = &json_codec},
};

static const struct sluice_plugin plugin = {
    .abi_version = SLUICE_ABI_VERSION,
    .struct_size = sizeof(struct sluice_plugin),
    .name = "codec-json",
    .version = "0.1.0",
    .licence = "Apache-2.0",
    .summary = "Reads and writes JSON lines.",
    .component_size = sizeof(struct sluice_component),
    .component_count = sizeof components / sizeof components[0],
    .components = components,
};

SLUICE_PLUGIN_EXPORT const struct sluice_plugin *sluice_plugin_describe(uint32_t host_abi)
{
    (void)host_abi;
    return &plugin;
}
