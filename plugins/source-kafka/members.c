/* SPDX-License-Identifier: Apache-2.0 */
/* What the group's coordinator tells about the group as a whole: who is in it (members are told
 * apart by their static id), and all that was committed. */
#include "consumer.h"

#include <string.h>

#define ANSWER_TIMEOUT_MS 5000

static bool is_in_group(const rd_kafka_ConsumerGroupDescription_t *group, const char *instance_id)
{
    size_t count = rd_kafka_ConsumerGroupDescription_member_count(group);
    for (size_t i = 0; i < count; i++) {
        const rd_kafka_MemberDescription_t *member =
            rd_kafka_ConsumerGroupDescription_member(group, i);
        const char *id = rd_kafka_MemberDescription_group_instance_id(member);
        if (id && strcmp(id, instance_id) == 0)
            return true;
    }
    return false;
}

static rd_kafka_resp_err_t read_description(rd_kafka_event_t *event, const char *instance_id,
                                            bool *is_alive)
{
    if (!event)
        return RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return rd_kafka_event_error(event);
    const rd_kafka_DescribeConsumerGroups_result_t *result =
        rd_kafka_event_DescribeConsumerGroups_result(event);
    size_t count = 0;
    const rd_kafka_ConsumerGroupDescription_t **groups =
        result ? rd_kafka_DescribeConsumerGroups_result_groups(result, &count) : NULL;
    if (count == 0)
        return RD_KAFKA_RESP_ERR__TIMED_OUT;
    const rd_kafka_error_t *failure = rd_kafka_ConsumerGroupDescription_error(groups[0]);
    if (failure)
        return rd_kafka_error_code(failure);
    *is_alive = is_in_group(groups[0], instance_id);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

enum sluice_status members_find(struct source_kafka *source, const char *member, bool *is_alive,
                                struct sluice_error *error)
{
    char instance_id[INSTANCE_ID_SIZE];
    const char *group = source->options->group;
    *is_alive = false;
    if (source->embedded)
        return SLUICE_OK;
    instance_id_write(source->own.scope, member, instance_id);
    rd_kafka_queue_t *answers = rd_kafka_queue_new(source->client.rk);
    rd_kafka_DescribeConsumerGroups(source->client.rk, &group, 1, NULL, answers);
    rd_kafka_event_t *event = rd_kafka_queue_poll(answers, ANSWER_TIMEOUT_MS);
    rd_kafka_resp_err_t result = read_description(event, instance_id, is_alive);
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(answers);
    if (result == RD_KAFKA_RESP_ERR_NO_ERROR)
        return SLUICE_OK;
    return kafka_fail(source->host, error, result, "the members of the group cannot be listed");
}

/* Takes a copy: the answer's own goes with the event. */
static rd_kafka_resp_err_t read_offsets(rd_kafka_event_t *event,
                                        rd_kafka_topic_partition_list_t **committed)
{
    if (!event)
        return RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return rd_kafka_event_error(event);
    const rd_kafka_ListConsumerGroupOffsets_result_t *result =
        rd_kafka_event_ListConsumerGroupOffsets_result(event);
    size_t count = 0;
    const rd_kafka_group_result_t **groups =
        result ? rd_kafka_ListConsumerGroupOffsets_result_groups(result, &count) : NULL;
    if (count == 0)
        return RD_KAFKA_RESP_ERR__TIMED_OUT;
    const rd_kafka_error_t *failure = rd_kafka_group_result_error(groups[0]);
    if (failure)
        return rd_kafka_error_code(failure);
    const rd_kafka_topic_partition_list_t *list = rd_kafka_group_result_partitions(groups[0]);
    for (int i = 0; list && i < list->cnt; i++) {
        if (list->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR)
            return list->elems[i].err;
    }
    *committed =
        list ? rd_kafka_topic_partition_list_copy(list) : rd_kafka_topic_partition_list_new(0);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

enum sluice_status members_offsets(struct source_kafka *source,
                                   rd_kafka_topic_partition_list_t **committed,
                                   struct sluice_error *error)
{
    *committed = NULL;
    rd_kafka_ListConsumerGroupOffsets_t *request =
        rd_kafka_ListConsumerGroupOffsets_new(source->options->group, NULL);
    rd_kafka_queue_t *answers = rd_kafka_queue_new(source->client.rk);
    rd_kafka_ListConsumerGroupOffsets(source->client.rk, &request, 1, NULL, answers);
    rd_kafka_event_t *event = rd_kafka_queue_poll(answers, ANSWER_TIMEOUT_MS);
    rd_kafka_resp_err_t result = read_offsets(event, committed);
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(answers);
    rd_kafka_ListConsumerGroupOffsets_destroy(request);
    if (result == RD_KAFKA_RESP_ERR_NO_ERROR)
        return SLUICE_OK;
    return kafka_fail(source->host, error, result, "the group's committed offsets cannot be read");
}
