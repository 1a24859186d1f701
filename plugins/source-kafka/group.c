/* SPDX-License-Identifier: Apache-2.0 */
/* What the group has committed, and what that says about checkpoints: the metadata of an offset
 * names the member and the checkpoint that was decided with it. */
#include "consumer.h"

#include <string.h>

#define GROUP_TIMEOUT_MS 5000

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
    *committed = NULL;
    if (!source->embedded)
        return members_offsets(source, committed, error);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_copy(pending);
    rd_kafka_resp_err_t result = rd_kafka_committed(source->client.rk, list, GROUP_TIMEOUT_MS);
    if (result == RD_KAFKA_RESP_ERR_NO_ERROR)
        result = first_error(list);
    if (result != RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_topic_partition_list_destroy(list);
        return kafka_fail(source->host, error, result,
                          "the group's committed offsets cannot be read");
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

/* The newest checkpoint that these partitions say the member has decided; 0: none. */
static uint64_t newest_of(const rd_kafka_topic_partition_list_t *partitions, const char *member)
{
    uint64_t newest = 0;
    for (int i = 0; i < partitions->cnt; i++) {
        const rd_kafka_topic_partition_t *entry = &partitions->elems[i];
        struct decision_record decision;
        if (entry->offset >= 0 && entry->metadata &&
            metadata_parse(entry->metadata, strnlen(entry->metadata, entry->metadata_size),
                           &decision) == METADATA_DECISION &&
            strcmp(decision.member, member) == 0 && decision.checkpoint > newest)
            newest = decision.checkpoint;
    }
    return newest;
}

/* Nobody but this flow commits for the group. */
static enum sluice_status check_all(struct source_kafka *source,
                                    const rd_kafka_topic_partition_list_t *committed,
                                    struct sluice_error *error)
{
    enum sluice_status status = SLUICE_OK;
    for (int i = 0; status == SLUICE_OK && i < committed->cnt; i++) {
        struct decision_record decision;
        bool has_decision;
        status = group_decision(source, &committed->elems[i], &decision, &has_decision, error);
    }
    return status;
}

/* This member's own leftovers, once. A checkpoint that the group does not name was finished by
 * those who have the partitions now, or never decided: which of the two the core knows. */
static enum sluice_status settle_own(struct source_kafka *source,
                                     const rd_kafka_topic_partition_list_t *committed,
                                     struct sluice_error *error)
{
    if (source->is_settled)
        return SLUICE_OK;
    enum sluice_status status = check_all(source, committed, error);
    if (status != SLUICE_OK)
        return status;
    uint64_t newest = newest_of(committed, source->own.member);
    if (!group_has_offsets(committed, NULL) && source->has_restored)
        newest = SLUICE_CHECKPOINT_RESTORED;
    status = sluice_settle(source->host, source->own.member, newest, error);
    source->is_settled = status == SLUICE_OK;
    return status;
}

/* A member that has left. What it has staged is noted; then it must (still) not be in the group,
 * so that none of it can be decided any more; then the group tells what was decided last. A member
 * that comes back meanwhile stages anew: nothing of that was noted. */
static enum sluice_status take_over(struct source_kafka *source, const char *member,
                                    bool *has_come_back, struct sluice_error *error)
{
    const struct sluice_host *host = source->host;
    rd_kafka_topic_partition_list_t *committed = NULL;
    enum sluice_status status = sluice_settle_member(host, member, 0, SLUICE_SETTLE_NOTE, error);
    if (status == SLUICE_OK)
        status = members_find(source, member, has_come_back, error);
    if (status != SLUICE_OK || *has_come_back)
        return status;
    status = members_offsets(source, &committed, error);
    if (status != SLUICE_OK)
        return status;
    uint64_t newest = newest_of(committed, member);
    rd_kafka_topic_partition_list_destroy(committed);
    const struct sluice_log_field fields[] = {{"member", member}};
    sluice_log(host, SLUICE_LOG_INFO, fields, 1,
               "taking over partitions of a member that has left");
    return sluice_settle_member(host, member, newest, SLUICE_SETTLE_TAKE_OVER, error);
}

/* Before the new owner's name replaces that of the checkpoint, which nobody would find any more
 * then, the checkpoint is finished, whether its member lives or not. */
static enum sluice_status settle_other(struct source_kafka *source, const char *member,
                                       uint64_t checkpoint, struct sluice_error *error)
{
    bool is_alive = false;
    enum sluice_status status = members_find(source, member, &is_alive, error);
    if (status == SLUICE_OK && !is_alive)
        status = take_over(source, member, &is_alive, error);
    if (status != SLUICE_OK || !is_alive || checkpoint == 0)
        return status;
    return sluice_settle_member(source->host, member, checkpoint, SLUICE_SETTLE_FINISH, error);
}

const rd_kafka_topic_partition_t *group_find(const rd_kafka_topic_partition_list_t *committed,
                                             const rd_kafka_topic_partition_t *partition)
{
    return rd_kafka_topic_partition_list_find(
        (rd_kafka_topic_partition_list_t *)(uintptr_t)committed, partition->topic,
        partition->partition);
}

/* Whether one of the partitions before this one names the same member. */
static bool is_named_before(const rd_kafka_topic_partition_list_t *pending,
                            const rd_kafka_topic_partition_list_t *committed, int index,
                            const char *member)
{
    for (int i = 0; i < index; i++) {
        const rd_kafka_topic_partition_t *entry = group_find(committed, &pending->elems[i]);
        struct decision_record decision;
        if (entry && entry->metadata &&
            metadata_parse(entry->metadata, strnlen(entry->metadata, entry->metadata_size),
                           &decision) == METADATA_DECISION &&
            strcmp(decision.member, member) == 0)
            return true;
    }
    return false;
}

enum sluice_status group_settle(struct source_kafka *source,
                                const rd_kafka_topic_partition_list_t *pending,
                                const rd_kafka_topic_partition_list_t *committed,
                                struct sluice_error *error)
{
    enum sluice_status status = settle_own(source, committed, error);
    for (int i = 0; status == SLUICE_OK && i < pending->cnt; i++) {
        const rd_kafka_topic_partition_t *entry = group_find(committed, &pending->elems[i]);
        struct decision_record decision;
        bool has_decision = false;
        if (entry)
            status = group_decision(source, entry, &decision, &has_decision, error);
        if (status == SLUICE_OK && has_decision &&
            strcmp(decision.member, source->own.member) != 0 &&
            !is_named_before(pending, committed, i, decision.member))
            status = settle_other(source, decision.member, newest_of(committed, decision.member),
                                  error);
    }
    return status;
}
