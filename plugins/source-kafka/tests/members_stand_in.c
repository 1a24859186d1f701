/* SPDX-License-Identifier: Apache-2.0 */
#include "members_stand_in.h"

#include "consumer.h"
#include "kafka_test.h"

bool members_other_is_alive;

/* The mock cluster cannot list the members of a group. */
enum sluice_status members_find(struct source_kafka *source, const char *member, bool *is_alive,
                                struct sluice_error *error)
{
    (void)source;
    (void)member;
    (void)error;
    *is_alive = members_other_is_alive;
    return SLUICE_OK;
}

/* The mock cluster does not list all offsets of a group either. */
enum sluice_status members_offsets(struct source_kafka *source,
                                   rd_kafka_topic_partition_list_t **committed,
                                   struct sluice_error *error)
{
    (void)error;
    *committed = rd_kafka_topic_partition_list_new(PARTITIONS);
    rd_kafka_topic_partition_list_add_range(*committed, TOPIC, 0, PARTITIONS - 1);
    assert_int_equal(rd_kafka_committed(source->client.rk, *committed, 5000),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
    return SLUICE_OK;
}

/* Nor does it know static members. */
bool members_are_shut_out(const struct source_kafka *source)
{
    (void)source;
    return false;
}

enum sluice_status members_judge(struct source_kafka *source, struct sluice_error *error)
{
    (void)source;
    (void)error;
    return SLUICE_FATAL;
}
