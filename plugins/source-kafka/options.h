/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOURCE_KAFKA_OPTIONS_H
#define SOURCE_KAFKA_OPTIONS_H

#include "kafka/client.h"

enum source_assignor { ASSIGNOR_EAGER = 0, ASSIGNOR_COOPERATIVE };
enum source_isolation { ISOLATION_COMMITTED = 0, ISOLATION_UNCOMMITTED };

struct source_kafka_options {
    struct kafka_client_options client;
    struct sluice_strings topics;
    const char *group;
    const char *start; /* earliest, latest or a timestamp; see start.h */
    int assignor;      /* enum source_assignor */
    int isolation;     /* enum source_isolation */
    int64_t session_timeout_ms;
};

/* Rows of the descriptor's metrics. */
enum source_metric {
    METRIC_LAG = 0,
    METRIC_LAG_SECONDS,
    METRIC_ASSIGNED,
    METRIC_UNCOMMITTED,
    METRIC_MESSAGES,
    METRIC_BYTES
};

/* Output columns, in the order of the descriptor's documentation. */
enum source_column {
    COLUMN_KEY = 0,
    COLUMN_VALUE,
    COLUMN_TOPIC,
    COLUMN_PARTITION,
    COLUMN_OFFSET,
    COLUMN_TIMESTAMP,
    COLUMN_HEADERS,
    COLUMN_COUNT
};

#endif
