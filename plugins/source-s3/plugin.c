/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptor of source-s3. */
#include "component.h"
#include "source.h"

static const struct sluice_source source = {
    .struct_size = sizeof(struct sluice_source),
    .plan = source_plan,
    .create = source_create,
    .open = source_open,
    .read = source_read,
    .cancel = source_cancel,
    .close = source_close,
    .destroy = source_destroy,
};

static const char *const read_names[] = {"all", NULL};

#define AT(member) offsetof(struct source_options, member)

static const struct sluice_option options[] = {
    {.name = "url",
     .kind = SLUICE_OPTION_STRING,
     .is_required = true,
     .offset = AT(url),
     .text = "Bucket and folder to read, or file: and a local folder. Names that begin with _ "
             "or . are left out.",
     .example = "s3://clicks/raw/"},
    {.name = "format",
     .kind = SLUICE_OPTION_CODEC,
     .is_required = true,
     .offset = AT(format),
     .text = "Codec that reads the objects.",
     .example = "json"},
    {.name = "schema",
     .kind = SLUICE_OPTION_SCHEMA,
     .is_required = true,
     .offset = AT(schema),
     .text = "Fields of the records.",
     .example = "click"},
    {.name = "read",
     .kind = SLUICE_OPTION_ENUM,
     .default_text = "all",
     .allowed = read_names,
     .offset = AT(read),
     .text = "all reads every object in each run.",
     .example = "all"},
    {.name = "suffix",
     .kind = SLUICE_OPTION_STRING,
     .offset = AT(suffix),
     .text = "Read only objects whose keys end so.",
     .example = ".json.gz"},
    {.name = "within",
     .kind = SLUICE_OPTION_DURATION,
     .default_text = "0s",
     .minimum = 0,
     .maximum = INT64_MAX,
     .offset = AT(within_ms),
     .text = "Read only partitions whose time ended less than this ago, or has not ended; 0 "
             "reads all. Needs `partition`.",
     .example = "2d"},
    {.name = "partition",
     .kind = SLUICE_OPTION_STRING,
     .offset = AT(partition),
     .text = "How the keys below the url tell their time, as in the sink that wrote them.",
     .example = "dt={timestamp:%Y-%m-%d}/hour={timestamp:%H}"},
    {.name = "compression",
     .kind = SLUICE_OPTION_ENUM,
     .default_text = "auto",
     .allowed = compression_read_names,
     .offset = AT(compression),
     .text = "Compression of the objects; auto looks at the first bytes, then at the name.",
     .example = "gzip"},
    {.name = "fetches",
     .kind = SLUICE_OPTION_INT,
     .default_text = "4",
     .minimum = 1,
     .maximum = 64,
     .unit = "objects",
     .offset = AT(fetches),
     .text = "Objects that each lane fetches at once; each takes up to 2 MiB of memory.",
     .example = "8"},
    OBJECT_STORE_OPTION_ROWS(struct source_options, store),
};

static const struct sluice_component component = {
    .struct_size = sizeof(struct sluice_component),
    .kind = SLUICE_KIND_SOURCE,
    .name = "source-s3",
    .summary = "Reads the objects of an S3 bucket or the files of a local folder.",
    .capabilities = SLUICE_PARALLEL | SLUICE_PROJECTS,
    .options_size = sizeof(struct source_options),
    .option_size = sizeof(struct sluice_option),
    .option_count = sizeof options / sizeof options[0],
    .options = options,
    .source = &source,
};

static const struct sluice_plugin plugin = {
    .abi_version = SLUICE_ABI_VERSION,
    .struct_size = sizeof(struct sluice_plugin),
    .name = "source-s3",
    .version = "0.1.0",
    .licence = "Apache-2.0",
    .summary = "Objects of S3 buckets and local folders.",
    .component_size = sizeof(struct sluice_component),
    .component_count = 1,
    .components = &component,
};

SLUICE_PLUGIN_EXPORT const struct sluice_plugin *sluice_plugin_describe(uint32_t host_abi)
{
    (void)host_abi;
    return &plugin;
}
