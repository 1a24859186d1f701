/* SPDX-License-Identifier: Apache-2.0 */
/* What the group has committed, and what that says about checkpoints: the metadata of an offset
 * names the member and the checkpoint that was decided with it. */
#include "consumer.h"

#include <string.h>

#define GROUP_TIMEOUT_MS 5000

/* Adds all partitions of the topic to the list. */
static enum sluice_status add_topic(struct source_kafka *source, const char *name,
                                    rd_kafka_topic_partition_list_t *list,
                                    struct sluice_error *error)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t result = RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(source->client.rk, name, NULL);
    if (topic)
        result = rd_kafka_metadata(source->client.rk, 0, topic, &metadata, GROUP_TIMEOUT_MS);
    if (result == RD_KAFKA_RESP_ERR_NO_ERROR && metadata->topic_cnt > 0 &&
        metadata->topics[0].partition_cnt > 0)
        rd_kafka_topic_partition_list_add_range(list, name, 0,
                                                metadata->topics[0].partition_cnt - 1);
    if (metadata)
        rd_kafka_metadata_destroy(metadata);
    if (topic)
        rd_kafka_topic_destroy(topic);
    if (result == RD_KAFKA_RESP_ERR_NO_ERROR)
        return SLUICE_OK;
    return kafka_fail(source->host, error, result, "the partitions of a topic cannot be listed");
}

/* rd_kafka_committed() answers for each partition, too. */
static rd_kafka_resp_err_t first_error(const rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++) {
        if (list->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR)
            return list->elems[i].err;
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

enum sluice_status group_read(struct source_kafka *source,
                              const rd_kafka_topic_partition_list_t *pending,
                              rd_kafka_topic_partition_list_t **committed,
                              struct sluice_error *error)
{
    enum sluice_status status = SLUICE_OK;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(pending->cnt);
    *committed = NULL;
    for (int i = 0; status == SLUICE_OK && i < pending->cnt; i++) {
        const rd_kafka_topic_partition_t *partition = &pending->elems[i];
        if (!rd_kafka_topic_partition_list_find(list, partition->topic, 0))
            status = add_topic(source, partition->topic, list, error);
        if (status == SLUICE_OK &&
            !rd_kafka_topic_partition_list_find(list, partition->topic, partition->partition))
            rd_kafka_topic_partition_list_add(list, partition->topic, partition->partition);
    }
    if (status == SLUICE_OK && list->cnt > 0) {
        rd_kafka_resp_err_t result = rd_kafka_committed(source->client.rk, list, GROUP_TIMEOUT_MS);
        if (result == RD_KAFKA_RESP_ERR_NO_ERROR)
            result = first_error(list);
        if (result != RD_KAFKA_RESP_ERR_NO_ERROR)
            status = kafka_fail(source->host, error, result,
                                "the group's committed offsets cannot be read");
    }
    if (status != SLUICE_OK) {
        rd_kafka_topic_partition_list_destroy(list);
        return status;
    }
    *committed = list;
    return SLUICE_OK;
}

bool group_has_offsets(const rd_kafka_topic_partition_list_t *committed, const char *topic)
{
    for (int i = 0; i < committed->cnt; i++) {
        if (committed->elems[i].offset >= 0 &&
            (!topic || strcmp(committed->elems[i].topic, topic) == 0))
            return true;
    }
    return false;
}

enum sluice_status group_decision(struct source_kafka *source,
                                  const rd_kafka_topic_partition_t *committed,
                                  struct decision_record *decision, bool *has_decision,
                                  struct sluice_error *error)
{
    const struct sluice_host *host = source->host;
    const char *text = committed->metadata;
    /* A length may reach beyond what is there when somebody committed binary: stop at a NUL. */
    size_t size = text ? strnlen(text, committed->metadata_size) : 0;
    *has_decision = false;
    if (committed->offset < 0)
        return SLUICE_OK;
    switch (metadata_parse(text ? text : "", size, decision)) {
    case METADATA_NONE:
        return SLUICE_OK;
    case METADATA_NEWER:
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_STATE_VERSION,
                           "the offsets of group %s were committed by a newer release of sluice",
                           source->options->group);
    case METADATA_DECISION:
        break;
    }
    if (strcmp(decision->scope, source->own.scope) != 0)
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_CONFLICT,
                           "group %s is used by another flow (%s; this is %s): give each flow its "
                           "own `group`, or after a renaming reset the group's offsets to where "
                           "they are with Kafka's own tool",
                           source->options->group, decision->scope, source->own.scope);
    *has_decision = true;
    return SLUICE_OK;
}

/* This member's own leftovers, once: whatever partition names them, they are finished; what none
 * names has been overwritten by members that finished it, or was never decided. */
static enum sluice_status settle_own(struct source_kafka *source,
                                     const rd_kafka_topic_partition_list_t *committed,
                                     struct sluice_error *error)
{
    uint64_t newest = 0;
    if (source->is_settled)
        return SLUICE_OK;
    for (int i = 0; i < committed->cnt; i++) {
        struct decision_record decision;
        bool has_decision;
        enum sluice_status status =
            group_decision(source, &committed->elems[i], &decision, &has_decision, error);
        if (status != SLUICE_OK)
            return status;
        if (has_decision && strcmp(decision.member, source->own.member) == 0 &&
            decision.checkpoint > newest)
            newest = decision.checkpoint;
    }
    if (!group_has_offsets(committed, NULL) && source->has_restored)
        newest = SLUICE_CHECKPOINT_RESTORED;
    enum sluice_status status = sluice_settle(source->host, source->own.member, newest, error);
    source->is_settled = status == SLUICE_OK;
    return status;
}

/* The newest checkpoint of that member among the pending partitions, if this is its first mention
 * there; else 0. */
static uint64_t newest_of_member(struct source_kafka *source,
                                 const rd_kafka_topic_partition_list_t *pending,
                                 const rd_kafka_topic_partition_list_t *committed, int index,
                                 const char *member)
{
    uint64_t newest = 0;
    for (int i = 0; i < pending->cnt; i++) {
        const rd_kafka_topic_partition_t *entry = rd_kafka_topic_partition_list_find(
            (rd_kafka_topic_partition_list_t *)(uintptr_t)committed, pending->elems[i].topic,
            pending->elems[i].partition);
        struct decision_record decision;
        if (!entry || entry->offset < 0 || !entry->metadata ||
            metadata_parse(entry->metadata, strnlen(entry->metadata, entry->metadata_size),
                           &decision) != METADATA_DECISION ||
            strcmp(decision.member, member) != 0)
            continue;
        if (i < index)
            return 0;
        if (decision.checkpoint > newest)
            newest = decision.checkpoint;
    }
    (void)source;
    return newest;
}

/* A member that is in the group finishes its checkpoint itself; taking over from it would drop
 * what it has under way. */
static enum sluice_status settle_other(struct source_kafka *source, const char *member,
                                       uint64_t checkpoint, struct sluice_error *error)
{
    bool is_alive = false;
    enum sluice_status status = members_find(source, member, &is_alive, error);
    if (status != SLUICE_OK || is_alive)
        return status;
    const struct sluice_log_field fields[] = {{"member", member}};
    sluice_log(source->host, SLUICE_LOG_INFO, fields, 1,
               "taking over partitions of a member that has left");
    return sluice_settle(source->host, member, checkpoint, error);
}

enum sluice_status group_settle(struct source_kafka *source,
                                const rd_kafka_topic_partition_list_t *pending,
                                const rd_kafka_topic_partition_list_t *committed,
                                struct sluice_error *error)
{
    enum sluice_status status = settle_own(source, committed, error);
    for (int i = 0; status == SLUICE_OK && i < pending->cnt; i++) {
        const rd_kafka_topic_partition_t *entry = rd_kafka_topic_partition_list_find(
            (rd_kafka_topic_partition_list_t *)(uintptr_t)committed, pending->elems[i].topic,
            pending->elems[i].partition);
        struct decision_record decision;
        bool has_decision = false;
        if (entry)
            status = group_decision(source, entry, &decision, &has_decision, error);
        if (status != SLUICE_OK || !has_decision ||
            strcmp(decision.member, source->own.member) == 0)
            continue;
        uint64_t newest = newest_of_member(source, pending, committed, i, decision.member);
        if (newest > 0)
            status = settle_other(source, decision.member, newest, error);
    }
    return status;
}
