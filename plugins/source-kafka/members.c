/* SPDX-License-Identifier: Apache-2.0 */
/* What the group's coordinator tells about the group as a whole: who is in it (members are told
 * apart by their static id), all that was committed, and who has taken this member's place. */
#include "consumer.h"

#include <string.h>

#define ANSWER_TIMEOUT_MS 5000

/* The group's description, which belongs to *event; the caller destroys that, on failure also. */
static rd_kafka_resp_err_t describe(rd_kafka_t *rk, const char *group, rd_kafka_event_t **event,
                                    const rd_kafka_ConsumerGroupDescription_t **description)
{
    rd_kafka_queue_t *answers = rd_kafka_queue_new(rk);
    rd_kafka_DescribeConsumerGroups(rk, &group, 1, NULL, answers);
    *event = rd_kafka_queue_poll(answers, ANSWER_TIMEOUT_MS);
    rd_kafka_queue_destroy(answers);
    if (!*event)
        return RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (rd_kafka_event_error(*event) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return rd_kafka_event_error(*event);
    const rd_kafka_DescribeConsumerGroups_result_t *result =
        rd_kafka_event_DescribeConsumerGroups_result(*event);
    size_t count = 0;
    const rd_kafka_ConsumerGroupDescription_t **groups =
        result ? rd_kafka_DescribeConsumerGroups_result_groups(result, &count) : NULL;
    if (count == 0)
        return RD_KAFKA_RESP_ERR__TIMED_OUT;
    *description = groups[0];
    const rd_kafka_error_t *failure = rd_kafka_ConsumerGroupDescription_error(groups[0]);
    return failure ? rd_kafka_error_code(failure) : RD_KAFKA_RESP_ERR_NO_ERROR;
}

static bool is_in_group(const rd_kafka_ConsumerGroupDescription_t *group, const char *begin)
{
    size_t count = rd_kafka_ConsumerGroupDescription_member_count(group);
    for (size_t i = 0; i < count; i++) {
        const char *id = rd_kafka_MemberDescription_group_instance_id(
            rd_kafka_ConsumerGroupDescription_member(group, i));
        if (id && instance_id_is_of(id, begin))
            return true;
    }
    return false;
}

enum sluice_status members_find(struct source_kafka *source, const char *member, bool *is_alive,
                                struct sluice_error *error)
{
    char instance_id[INSTANCE_ID_SIZE];
    const rd_kafka_ConsumerGroupDescription_t *group = NULL;
    rd_kafka_event_t *event = NULL;
    *is_alive = false;
    if (source->embedded)
        return SLUICE_OK;
    instance_id_write(source->own.scope, member, instance_id);
    rd_kafka_resp_err_t result =
        describe(source->client.rk, source->options->group, &event, &group);
    if (result == RD_KAFKA_RESP_ERR_NO_ERROR)
        *is_alive = is_in_group(group, instance_id);
    if (event)
        rd_kafka_event_destroy(event);
    if (result == RD_KAFKA_RESP_ERR_NO_ERROR)
        return SLUICE_OK;
    return kafka_fail(source->host, error, result, "the members of the group cannot be listed");
}

/* ---- offsets ---- */

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

static rd_kafka_resp_err_t ask_offsets(rd_kafka_t *rk, const char *group,
                                       rd_kafka_topic_partition_list_t **committed)
{
    rd_kafka_ListConsumerGroupOffsets_t *request = rd_kafka_ListConsumerGroupOffsets_new(group, NULL);
    rd_kafka_queue_t *answers = rd_kafka_queue_new(rk);
    rd_kafka_ListConsumerGroupOffsets(rk, &request, 1, NULL, answers);
    rd_kafka_event_t *event = rd_kafka_queue_poll(answers, ANSWER_TIMEOUT_MS);
    rd_kafka_resp_err_t result = read_offsets(event, committed);
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(answers);
    rd_kafka_ListConsumerGroupOffsets_destroy(request);
    return result;
}

enum sluice_status members_offsets(struct source_kafka *source,
                                   rd_kafka_topic_partition_list_t **committed,
                                   struct sluice_error *error)
{
    *committed = NULL;
    rd_kafka_resp_err_t result =
        ask_offsets(source->client.rk, source->options->group, committed);
    if (result == RD_KAFKA_RESP_ERR_NO_ERROR)
        return SLUICE_OK;
    return kafka_fail(source->host, error, result, "the group's committed offsets cannot be read");
}

/* ---- fencing ---- */

bool members_are_shut_out(const struct source_kafka *source)
{
    return source->client.rk && !source->embedded &&
           rd_kafka_fatal_error(source->client.rk, NULL, 0) ==
               RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID;
}

static bool is_claimed_by_another(const struct source_kafka *source,
                                  const rd_kafka_topic_partition_list_t *committed)
{
    for (int i = 0; i < committed->cnt; i++) {
        const rd_kafka_topic_partition_t *entry = &committed->elems[i];
        struct decision_record decision;
        if (entry->offset >= 0 && entry->metadata &&
            metadata_parse(entry->metadata, strnlen(entry->metadata, entry->metadata_size),
                           &decision) == METADATA_DECISION &&
            strcmp(decision.member, source->own.member) == 0 &&
            strcmp(decision.process, source->own.process) != 0)
            return true;
    }
    return false;
}

enum sluice_status members_judge(struct source_kafka *source, struct sluice_error *error)
{
    const struct kafka_property none[] = {{0}};
    struct kafka_client asking = {.host = source->host}; /* the one that is shut out asks no more */
    rd_kafka_topic_partition_list_t *committed = NULL;
    rd_kafka_conf_t *conf = NULL;
    enum sluice_status status =
        kafka_conf_create(source->host, &source->options->client, none, &conf, error);
    if (status == SLUICE_OK)
        status = kafka_client_open(&asking, RD_KAFKA_PRODUCER, conf, error);
    if (status != SLUICE_OK)
        return status;
    rd_kafka_resp_err_t result = ask_offsets(asking.rk, source->options->group, &committed);
    kafka_client_close(&asking);
    if (result != RD_KAFKA_RESP_ERR_NO_ERROR)
        return sluice_fail(source->host, error, SLUICE_RETRY, SLUICE_CODE_UNAVAILABLE,
                           "the group has shut this member out, and for whom cannot be found out "
                           "yet: %s",
                           rd_kafka_err2str(result));
    bool is_claimed = is_claimed_by_another(source, committed);
    rd_kafka_topic_partition_list_destroy(committed);
    if (is_claimed)
        return kafka_fail(source->host, error, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID,
                          "the Kafka client was shut out");
    return sluice_fail(source->host, error, SLUICE_NOT_CONNECTED, SLUICE_CODE_REBALANCED,
                       "the group took this member for two and shut it out; it joins again");
}
