/* SPDX-License-Identifier: Apache-2.0 */
/* A test host with a real clock, shared resources and a record of what a deciding source asked of
 * the core; and a mock cluster to talk to. */
#ifndef SLUICE_KAFKA_TEST_H
#define SLUICE_KAFKA_TEST_H

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "test_host/test_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct settled {
    char member[65];
    uint64_t checkpoint;
    enum sluice_settlement settlement;
};

/* What the newest tests asked; one at a time. */
struct kafka_test {
    struct test_host *test;
    struct settled settled[16];
    size_t settled_count;
    int checkpoint_count; /* requested */
    int verdict_count;    /* rows rejected by verdict */
    rd_kafka_t *rk;       /* the mock cluster's own handle, also the independent client */
    rd_kafka_mock_cluster_t *cluster;
    const char *brokers;
};

extern struct kafka_test kafka_test;

void kafka_test_start(void);
void kafka_test_stop(void);

/* `count` records "value-N" with key "key-N", round robin over the partitions. */
void kafka_test_produce(const char *topic, int partitions, int first, int count);
/* Records that the topic holds. */
int64_t kafka_test_count(const char *topic, int partitions);
/* What the group committed; -1 where nothing. `metadata` gets its text. */
int64_t kafka_test_committed(const char *group, const char *topic, int32_t partition,
                             char metadata[512]);
/* Commits as a tool does, from outside the group. */
void kafka_test_commit(const char *group, const char *topic, int32_t partition, int64_t offset,
                       const char *metadata);

#endif
