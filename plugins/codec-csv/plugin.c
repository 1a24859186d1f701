/* SPDX-License-Identifier: Apache-2.0 */
/* Codec "csv": RFC 4180. */
#include "csv_options.h"

#include <sluice/plugin.h>

#include <string.h>

static const char *const line_endings[] = {"lf", "crlf", NULL};

static const struct sluice_option option_rows[] = {
    {.name = "delimiter",
     .kind = SLUICE_OPTION_STRING,
     .offset = offsetof(struct csv_options, delimiter),
     .default_text = ",",
     .text = "The one byte between fields.",
     .example = ";"},
    {.name = "quote",
     .kind = SLUICE_OPTION_STRING,
     .offset = offsetof(struct csv_options, quote),
     .default_text = "\"",
     .text = "The one byte around fields that hold delimiters, quotes or line ends; doubled "
             "inside them.",
     .example = "'"},
    {.name = "header",
     .kind = SLUICE_OPTION_BOOL,
     .offset = offsetof(struct csv_options, header),
     .default_text = "true",
     .text = "Whether the first record of a file names its columns. Without it, and in messages, "
             "the fields come in the order of the schema.",
     .example = "false"},
    {.name = "line_ending",
     .kind = SLUICE_OPTION_ENUM,
     .offset = offsetof(struct csv_options, line_ending),
     .default_text = "lf",
     .allowed = line_endings,
     .text = "Written after each record. Both are read.",
     .example = "crlf"},
    {.name = "max_record_bytes",
     .kind = SLUICE_OPTION_SIZE,
     .offset = offsetof(struct csv_options, max_record_bytes),
     .default_text = "16MiB",
     .minimum = 1024,
     .maximum = INT64_C(1) << 30,
     .unit = "bytes",
     .text = "Longest record that is decoded. A longer one is rejected as record_too_long.",
     .example = "1MiB"},
};

static bool is_one_byte(const char *text)
{
    return text && strlen(text) == 1 && *text != '\n' && *text != '\r';
}

enum sluice_status csv_check_options(const struct sluice_host *host,
                                     const struct csv_options *options, struct sluice_error *error)
{
    bool has_delimiter = is_one_byte(options->delimiter);
    if (has_delimiter && is_one_byte(options->quote) && *options->delimiter != *options->quote) {
        return SLUICE_OK;
    }
    sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                "delimiter and quote of csv are one byte each, differ, and are no line ends");
    sluice_error_at(host, error, SLUICE_AT_OPTION, has_delimiter ? "quote" : "delimiter");
    return SLUICE_CONFIG;
}

static const struct sluice_component components[] = {
    {.struct_size = sizeof(struct sluice_component),
     .kind = SLUICE_KIND_CODEC,
     .name = "csv",
     .summary = "CSV by RFC 4180, with a header a file; null is an empty field without quotes.",
     .options_size = sizeof(struct csv_options),
     .option_size = sizeof(struct sluice_option),
     .option_count = sizeof option_rows / sizeof option_rows[0],
     .options = option_rows,
     .codec = &csv_codec},
};

static const struct sluice_plugin plugin = {
    .abi_version = SLUICE_ABI_VERSION,
    .struct_size = sizeof(struct sluice_plugin),
    .name = "codec-csv",
    .version = "0.1.0",
    .licence = "Apache-2.0",
    .summary = "Reads and writes CSV.",
    .component_size = sizeof(struct sluice_component),
    .component_count = sizeof components / sizeof components[0],
    .components = components,
};

SLUICE_PLUGIN_EXPORT const struct sluice_plugin *sluice_plugin_describe(uint32_t host_abi)
{
    (void)host_abi;
    return &plugin;
}
