/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "sink.h"

#include <sluice/plugin.h>

static const char *const outcome_label[] = {"outcome", NULL};
static const char *const result_label[] = {"result", NULL};

static const struct sluice_metric metrics[] = {
    [ES_METRIC_REQUESTS] = {.name = "bulk_requests_total",
                            .kind = SLUICE_METRIC_COUNTER,
                            .unit = "requests",
                            .labels = outcome_label,
                            .text = "Bulk requests by outcome: ok, retry or failed."},
    [ES_METRIC_ITEMS] = {.name = "bulk_items_total",
                         .kind = SLUICE_METRIC_COUNTER,
                         .unit = "items",
                         .labels = result_label,
                         .text = "Documents in answered bulk requests by result: done, duplicate "
                                 "(created before), overtaken (the index holds a newer version by "
                                 "the version column), retry, rejected, conflict, refused."},
};

static const struct sluice_component components[] = {{
    .struct_size = sizeof(struct sluice_component),
    .kind = SLUICE_KIND_SINK,
    .name = "sink-es",
    .summary = "Writes documents to Elasticsearch or OpenSearch, once each by their id.",
    .capabilities = SLUICE_EXACTLY_ONCE,
    .options_size = sizeof(struct es_options),
    .option_size = sizeof(struct sluice_option),
    .option_count = ES_OPTION_COUNT,
    .options = es_option_rows,
    .metric_size = sizeof(struct sluice_metric),
    .metric_count = sizeof(metrics) / sizeof(metrics[0]),
    .metrics = metrics,
    .sink = &es_sink,
}};

static const struct sluice_plugin plugin = {
    .abi_version = SLUICE_ABI_VERSION,
    .struct_size = sizeof(struct sluice_plugin),
    .name = "sink-es",
    .version = "0.1.0",
    .licence = "Apache-2.0",
    .summary = "Elasticsearch and OpenSearch.",
    .component_size = sizeof(struct sluice_component),
    .component_count = 1,
    .components = components,
};

SLUICE_PLUGIN_EXPORT const struct sluice_plugin *sluice_plugin_describe(uint32_t host_abi)
{
    (void)host_abi;
    return &plugin;
}
