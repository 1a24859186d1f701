/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptor of state-s3. */
#include "state_s3.h"

#include <sluice/plugin.h>

static const struct sluice_option options[] = {
    {.name = "url",
     .kind = SLUICE_OPTION_STRING,
     .is_required = true,
     .offset = offsetof(struct state_options, url),
     .text = "Bucket and prefix: the text of settings.state.",
     .example = "s3://dataco/state"},
    OBJECT_STORE_OPTION_ROWS(struct state_options, store),
};

static const struct sluice_component component = {
    .struct_size = sizeof(struct sluice_component),
    .kind = SLUICE_KIND_STATE,
    .name = "state-s3",
    .summary = "Keeps checkpoints and marks in an S3 bucket, for processes without a disk.",
    .options_size = sizeof(struct state_options),
    .option_size = sizeof(struct sluice_option),
    .option_count = sizeof options / sizeof options[0],
    .options = options,
    .metric_size = sizeof(struct sluice_metric),
    .state_store = &state_s3_calls,
};

static const struct sluice_plugin plugin = {
    .abi_version = SLUICE_ABI_VERSION,
    .struct_size = sizeof(struct sluice_plugin),
    .name = "state-s3",
    .version = "0.1.0",
    .licence = "Apache-2.0",
    .summary = "State in S3 buckets.",
    .component_size = sizeof(struct sluice_component),
    .component_count = 1,
    .components = &component,
};

SLUICE_PLUGIN_EXPORT const struct sluice_plugin *sluice_plugin_describe(uint32_t host_abi)
{
    (void)host_abi;
    return &plugin;
}
