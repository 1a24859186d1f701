/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SINK_KAFKA_OPTIONS_H
#define SINK_KAFKA_OPTIONS_H

#include "kafka/client.h"

struct sink_kafka_options {
    struct kafka_client_options client;
    const struct sluice_template *topic;
    const char *key;
    const struct sluice_template *key_template;
    const struct sluice_codec_choice *format;
    const char *value;
    const char *timestamp;
    int compression; /* index into sink_kafka_compressions */
    int64_t linger_ms;
};

extern const char *const sink_kafka_compressions[];

/* Rows of the descriptor's metrics. */
enum sink_metric { METRIC_DELIVERED = 0, METRIC_BYTES };

#endif
