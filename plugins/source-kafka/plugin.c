/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptor of source-kafka. */
#include "options.h"
#include "source.h"

#include "kafka/client_rows.h"

static const char *const assignors[] = {"eager", "cooperative-sticky", NULL};
static const char *const isolations[] = {"read_committed", "read_uncommitted", NULL};

static const struct sluice_option options[] = {
    KAFKA_CLIENT_OPTIONS(struct source_kafka_options, client),
    {.name = "topics",
     .kind = SLUICE_OPTION_STRINGS,
     .is_required = true,
     .offset = offsetof(struct source_kafka_options, topics),
     .text = "Topics to read. A name that begins with ^ is a regular expression; topics that "
             "match later are taken up within a minute.",
     .example = "[clicks, ^orders-.*]"},
    {.name = "group",
     .kind = SLUICE_OPTION_STRING,
     .is_required = true,
     .offset = offsetof(struct source_kafka_options, group),
     .text = "Consumer group. Its committed offsets are where reading goes on.",
     .example = "dataco"},
    {.name = "start",
     .kind = SLUICE_OPTION_STRING,
     .default_text = "earliest",
     .offset = offsetof(struct source_kafka_options, start),
     .text = "Where to begin when neither the group nor the local state knows an offset: earliest, "
             "latest, or an ISO 8601 timestamp.",
     .example = "2026-01-31T00:00:00Z"},
    {.name = "assignor",
     .kind = SLUICE_OPTION_ENUM,
     .default_text = "eager",
     .allowed = assignors,
     .offset = offsetof(struct source_kafka_options, assignor),
     .text = "How partitions are shared out: eager (range, round robin), or cooperative-sticky, "
             "which needs librdkafka 2.10.0 or later. The same for all members of the group.",
     .example = "eager"},
    {.name = "isolation",
     .kind = SLUICE_OPTION_ENUM,
     .default_text = "read_committed",
     .allowed = isolations,
     .offset = offsetof(struct source_kafka_options, isolation),
     .text = "Whether records of open and aborted transactions are left out.",
     .example = "read_committed"},
    {.name = "session_timeout",
     .kind = SLUICE_OPTION_DURATION,
     .default_text = "10s",
     .minimum = 1000,
     .maximum = 1800000,
     .offset = offsetof(struct source_kafka_options, session_timeout_ms),
     .text = "After this time without a sign of life the group gives a member's partitions to "
             "others. The broker sets limits (6 s to 30 min by default).",
     .example = "10s"},
};

static const char *const partition_labels[] = {"topic", "partition", NULL};

static const struct sluice_metric metrics[] = {
    [METRIC_LAG] = {.name = "lag_messages",
                    .kind = SLUICE_METRIC_GAUGE,
                    .unit = "messages",
                    .text = "Messages of a partition of this member behind the group's committed "
                            "offset; absent where the group has committed none.",
                    .labels = partition_labels},
    [METRIC_LAG_SECONDS] = {.name = "lag_seconds",
                            .kind = SLUICE_METRIC_GAUGE,
                            .unit = "seconds",
                            .text = "Age of the oldest message of the partition that the group has "
                                    "not committed, by its timestamp; before it is read, how long "
                                    "it has been seen to wait.",
                            .labels = partition_labels},
    [METRIC_ASSIGNED] = {.name = "assigned_partitions",
                         .kind = SLUICE_METRIC_GAUGE,
                         .unit = "partitions",
                         .text = "Partitions that this member reads."},
    [METRIC_UNCOMMITTED] = {.name = "uncommitted_partitions",
                            .kind = SLUICE_METRIC_GAUGE,
                            .unit = "partitions",
                            .text = "Partitions of this member for which the group has committed "
                                    "nothing, and whose lag is not known."},
    [METRIC_MESSAGES] = {.name = "messages_total",
                         .kind = SLUICE_METRIC_COUNTER,
                         .unit = "messages",
                         .text = "Messages taken from Kafka."},
    [METRIC_BYTES] = {.name = "bytes_total",
                      .kind = SLUICE_METRIC_COUNTER,
                      .unit = "bytes",
                      .text = "Bytes of keys and values taken from Kafka."},
};

static const struct sluice_source source = {
    .struct_size = sizeof(struct sluice_source),
    .plan = source_kafka_plan,
    .create = source_kafka_create,
    .open = source_kafka_open,
    .read = source_kafka_read,
    .snapshot = source_kafka_snapshot,
    .restore = source_kafka_restore,
    .decide = source_kafka_decide,
    .cancel = source_kafka_cancel,
    .close = source_kafka_close,
    .destroy = source_kafka_destroy,
};

static const struct sluice_component components[] = {
    {.struct_size = sizeof(struct sluice_component),
     .kind = SLUICE_KIND_SOURCE,
     .name = "source-kafka",
     .summary = "Reads Kafka topics as a member of a consumer group.",
     .capabilities = SLUICE_PROJECTS | SLUICE_CONTINUOUS_ONLY,
     .options_size = sizeof(struct source_kafka_options),
     .option_size = sizeof(struct sluice_option),
     .option_count = sizeof options / sizeof options[0],
     .options = options,
     .metric_size = sizeof(struct sluice_metric),
     .metric_count = sizeof metrics / sizeof metrics[0],
     .metrics = metrics,
     .source = &source},
};

static const struct sluice_plugin plugin = {
    .abi_version = SLUICE_ABI_VERSION,
    .struct_size = sizeof(struct sluice_plugin),
    .name = "source-kafka",
    .version = "0.1.0",
    .licence = "Apache-2.0",
    .summary = "Kafka source.",
    .component_size = sizeof(struct sluice_component),
    .component_count = sizeof components / sizeof components[0],
    .components = components,
};

const struct sluice_plugin *sluice_plugin_describe(uint32_t host_abi)
{
    (void)host_abi;
    return &plugin;
}
