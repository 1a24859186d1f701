/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptor of sink-kafka. */
#include "options.h"
#include "sink.h"

#include "kafka/client_rows.h"

static const struct sluice_option options[] = {
    KAFKA_CLIENT_OPTIONS(struct sink_kafka_options, client),
    {.name = "topic",
     .kind = SLUICE_OPTION_TEMPLATE,
     .is_required = true,
     .offset = offsetof(struct sink_kafka_options, topic),
     .text = "Topic to write to; may be made of column values.",
     .example = "clicks"},
    {.name = "key",
     .kind = SLUICE_OPTION_COLUMN,
     .offset = offsetof(struct sink_kafka_options, key),
     .text = "Column that becomes the record's key; null gives a record without key.",
     .example = "user_id"},
    {.name = "key_template",
     .kind = SLUICE_OPTION_TEMPLATE,
     .offset = offsetof(struct sink_kafka_options, key_template),
     .text = "The key made of several column values, instead of `key`.",
     .example = "{country}/{user_id}"},
    {.name = "format",
     .kind = SLUICE_OPTION_CODEC,
     .offset = offsetof(struct sink_kafka_options, format),
     .text = "Codec that turns each row into a record's value. Either this or `value`.",
     .example = "json"},
    {.name = "value",
     .kind = SLUICE_OPTION_COLUMN,
     .offset = offsetof(struct sink_kafka_options, value),
     .text = "Column that becomes the record's value as it is; null gives a tombstone.",
     .example = "value"},
    {.name = "timestamp",
     .kind = SLUICE_OPTION_COLUMN,
     .offset = offsetof(struct sink_kafka_options, timestamp),
     .text = "Timestamp column for the record's time; without it, or null, the time of writing.",
     .example = "timestamp"},
    {.name = "compression",
     .kind = SLUICE_OPTION_ENUM,
     .default_text = "lz4",
     .allowed = sink_kafka_compressions,
     .offset = offsetof(struct sink_kafka_options, compression),
     .text = "Compression of record batches.",
     .example = "zstd"},
    {.name = "linger",
     .kind = SLUICE_OPTION_DURATION,
     .default_text = "5ms",
     .minimum = 0,
     .maximum = 60000,
     .offset = offsetof(struct sink_kafka_options, linger_ms),
     .text = "How long a record waits for others to share a batch with.",
     .example = "20ms"},
};

static const struct sluice_metric metrics[] = {
    [METRIC_DELIVERED] = {.name = "delivered_messages_total",
                          .kind = SLUICE_METRIC_COUNTER,
                          .unit = "messages",
                          .text = "Records that all in-sync replicas have confirmed."},
    [METRIC_BYTES] = {.name = "delivered_bytes_total",
                      .kind = SLUICE_METRIC_COUNTER,
                      .unit = "bytes",
                      .text = "Bytes of keys and values of delivered records."},
};

static const struct sluice_sink sink = {
    .struct_size = sizeof(struct sluice_sink),
    .plan = sink_kafka_plan,
    .create = sink_kafka_create,
    .open = sink_kafka_open,
    .write = sink_kafka_write,
    .tick = sink_kafka_tick,
    .stage = sink_kafka_stage,
    .commit = sink_kafka_commit,
    .cancel = sink_kafka_cancel,
    .close = sink_kafka_close,
    .destroy = sink_kafka_destroy,
};

static const struct sluice_component components[] = {
    {.struct_size = sizeof(struct sluice_component),
     .kind = SLUICE_KIND_SINK,
     .name = "sink-kafka",
     .summary = "Writes rows as records to Kafka topics, at least once across a crash.",
     .capabilities = SLUICE_MULTI_LANE_SINK,
     .options_size = sizeof(struct sink_kafka_options),
     .option_size = sizeof(struct sluice_option),
     .option_count = sizeof options / sizeof options[0],
     .options = options,
     .metric_size = sizeof(struct sluice_metric),
     .metric_count = sizeof metrics / sizeof metrics[0],
     .metrics = metrics,
     .sink = &sink},
};

static const struct sluice_plugin plugin = {
    .abi_version = SLUICE_ABI_VERSION,
    .struct_size = sizeof(struct sluice_plugin),
    .name = "sink-kafka",
    .version = "0.1.0",
    .licence = "Apache-2.0",
    .summary = "Kafka sink.",
    .component_size = sizeof(struct sluice_component),
    .component_count = sizeof components / sizeof components[0],
    .components = components,
};

const struct sluice_plugin *sluice_plugin_describe(uint32_t host_abi)
{
    (void)host_abi;
    return &plugin;
}
