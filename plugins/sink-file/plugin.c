/* SPDX-License-Identifier: Apache-2.0 */
/* sink-file: rows to a file or standard output. */
#include "file_options.h"

#include "compression/compression.h"

#include <sluice/plugin.h>

static const char *const modes[] = {"auto", "append", "replace", NULL};

static const struct sluice_option option_rows[] = {
    {.name = "path",
     .kind = SLUICE_OPTION_PATH,
     .is_required = true,
     .offset = offsetof(struct file_options, path),
     .text = "File to write; missing folders are made. - is standard output, which is "
             "at-least-once: what was printed cannot be taken back. member:NAME is a file in the "
             "member's folder under settings.state.",
     .example = "out/pages.csv"},
    {.name = "format",
     .kind = SLUICE_OPTION_CODEC,
     .is_required = true,
     .offset = offsetof(struct file_options, format),
     .text = "Codec that writes the rows.",
     .example = "json"},
    {.name = "mode",
     .kind = SLUICE_OPTION_ENUM,
     .offset = offsetof(struct file_options, mode),
     .default_text = "auto",
     .allowed = modes,
     .text = "append writes behind what is there. replace, for flows with every or after, puts "
             "each run's rows in the place of the file, all at once when the run commits. auto is "
             "replace where that is possible.",
     .example = "append"},
    {.name = "compression",
     .kind = SLUICE_OPTION_ENUM,
     .offset = offsetof(struct file_options, compression),
     .default_text = "auto",
     .allowed = compression_read_names,
     .text = "Compression of the file; auto looks at the ending of its name (.gz, .zst).",
     .example = "zstd"},
    {.name = "level",
     .kind = SLUICE_OPTION_INT,
     .offset = offsetof(struct file_options, level),
     .default_text = "0",
     .minimum = 0,
     .maximum = 22,
     .text = "Compression level: gzip 1 to 9, zstd 1 to 22; 0 is the library's usual one.",
     .example = "1"},
};

static const struct sluice_component components[] = {
    {.struct_size = sizeof(struct sluice_component),
     .kind = SLUICE_KIND_SINK,
     .name = "sink-file",
     .summary = "Writes a file, exactly once, or standard output: JSON lines, CSV, compressed.",
     .capabilities = SLUICE_EXACTLY_ONCE,
     .options_size = sizeof(struct file_options),
     .option_size = sizeof(struct sluice_option),
     .option_count = sizeof option_rows / sizeof option_rows[0],
     .options = option_rows,
     .sink = &file_sink},
};

static const struct sluice_plugin plugin = {
    .abi_version = SLUICE_ABI_VERSION,
    .struct_size = sizeof(struct sluice_plugin),
    .name = "sink-file",
    .version = "0.1.0",
    .licence = "Apache-2.0",
    .summary = "Writes files.",
    .component_size = sizeof(struct sluice_component),
    .component_count = sizeof components / sizeof components[0],
    .components = components,
};

SLUICE_PLUGIN_EXPORT const struct sluice_plugin *sluice_plugin_describe(uint32_t host_abi)
{
    (void)host_abi;
    return &plugin;
}
