/* SPDX-License-Identifier: Apache-2.0 */
/* source-file: files and standard input to rows. */
#include "file_options.h"

#include "compression/compression.h"

#include <sluice/plugin.h>

static const struct sluice_option option_rows[] = {
    {.name = "path",
     .kind = SLUICE_OPTION_STRINGS,
     .is_required = true,
     .offset = offsetof(struct file_options, path),
     .text = "Files to read: names or globs, one or a list; - is standard input. Read in the "
             "order of the list, the matches of a glob sorted by name.",
     .example = "data/clicks-*.json.gz"},
    {.name = "format",
     .kind = SLUICE_OPTION_CODEC,
     .offset = offsetof(struct file_options, format),
     .text = "Codec that reads the files. Without it every line becomes a row with one binary "
             "column `value`.",
     .example = "json"},
    {.name = "schema",
     .kind = SLUICE_OPTION_SCHEMA,
     .offset = offsetof(struct file_options, schema),
     .text = "Fields of the records; goes with `format`.",
     .example = "click"},
    {.name = "compression",
     .kind = SLUICE_OPTION_ENUM,
     .offset = offsetof(struct file_options, compression),
     .default_text = "auto",
     .allowed = compression_read_names,
     .text = "Compression of the files; auto looks at the first bytes, then at the name.",
     .example = "gzip"},
    {.name = "max_record_bytes",
     .kind = SLUICE_OPTION_SIZE,
     .offset = offsetof(struct file_options, max_record_bytes),
     .default_text = "16MiB",
     .minimum = 1024,
     .maximum = INT64_C(1) << 30,
     .unit = "bytes",
     .text = "Longest line where there is no `format`; a longer one is rejected as "
             "record_too_long. With a format its own limit holds.",
     .example = "1MiB"},
};

static const struct sluice_component components[] = {
    {.struct_size = sizeof(struct sluice_component),
     .kind = SLUICE_KIND_SOURCE,
     .name = "source-file",
     .summary = "Reads files and standard input: JSON lines, CSV or raw lines, also compressed.",
     .capabilities = SLUICE_PARALLEL | SLUICE_PROJECTS,
     .options_size = sizeof(struct file_options),
     .option_size = sizeof(struct sluice_option),
     .option_count = sizeof option_rows / sizeof option_rows[0],
     .options = option_rows,
     .source = &file_source},
};

static const struct sluice_plugin plugin = {
    .abi_version = SLUICE_ABI_VERSION,
    .struct_size = sizeof(struct sluice_plugin),
    .name = "source-file",
    .version = "0.1.0",
    .licence = "Apache-2.0",
    .summary = "Reads files.",
    .component_size = sizeof(struct sluice_component),
    .component_count = sizeof components / sizeof components[0],
    .components = components,
};

SLUICE_PLUGIN_EXPORT const struct sluice_plugin *sluice_plugin_describe(uint32_t host_abi)
{
    (void)host_abi;
    return &plugin;
}
