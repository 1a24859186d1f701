/* SPDX-License-Identifier: Apache-2.0 */
/* The option `start`. Pure. */
#ifndef SOURCE_KAFKA_START_H
#define SOURCE_KAFKA_START_H

#include <stdbool.h>
#include <stdint.h>

enum start_kind { START_EARLIEST = 0, START_LATEST, START_TIME };

struct start {
    enum start_kind kind;
    int64_t time_ms; /* since 1970 UTC */
};

/* earliest, latest, or ISO 8601: 2026-01-31, 2026-01-31T10:00:00Z, with fraction, with offset.
 * Without zone: UTC. */
bool start_parse(const char *text, struct start *start);

#endif
