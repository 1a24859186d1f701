/* SPDX-License-Identifier: Apache-2.0 */
/* The decision of a checkpoint: one offset commit of all partitions of the snapshot, made by the
 * generation that read the records, whose metadata names member and checkpoint.
 *
 * An error is not yet a refusal: the commit may have been taken and only its answer lost. So after
 * any error what the group has is read until it answers. If it names this checkpoint, that is
 * decided. If it does not, and this member may not commit any more, that is refused. Else the same
 * commit is sent again. */
#include "consumer.h"

#include <stdlib.h>
#include <string.h>

#define COMMIT_TIMEOUT_MS 5000
#define CLAIM_TIMEOUT_MS 2000
#define POLL_SLICE_MS 100

static enum sluice_status refuse(struct source_kafka *source, struct sluice_error *error)
{
    return sluice_fail(source->host, error, SLUICE_REJECT, SLUICE_CODE_REBALANCED,
                       "the partitions of this member were given to others before the checkpoint "
                       "was decided");
}

static bool attach_metadata(rd_kafka_topic_partition_t *partition, const char *text, size_t size)
{
    partition->metadata = malloc(size); /* librdkafka frees it */
    if (!partition->metadata)
        return false;
    memcpy(partition->metadata, text, size);
    partition->metadata_size = size;
    return true;
}

/* Partitions of the snapshot, with or without what is to be committed; NULL without memory. */
static rd_kafka_topic_partition_list_t *list_snapshot(const struct source_kafka *source,
                                                      uint64_t checkpoint)
{
    char text[METADATA_SIZE];
    struct decision_record decision = source->own;
    decision.checkpoint = checkpoint;
    size_t size = metadata_write(&decision, text);
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)source->positions.count);
    for (size_t i = 0; i < source->positions.count; i++) {
        const struct position *position = &source->positions.items[i];
        if (position->snapshot == NO_OFFSET)
            continue;
        rd_kafka_topic_partition_t *entry =
            rd_kafka_topic_partition_list_add(list, position->topic, position->partition);
        entry->offset = position->snapshot;
        if (checkpoint > 0 && !attach_metadata(entry, text, size)) {
            rd_kafka_topic_partition_list_destroy(list);
            return NULL;
        }
    }
    return list;
}

static enum sluice_status note_decided(struct source_kafka *source, uint64_t checkpoint)
{
    for (size_t i = 0; i < source->positions.count; i++) {
        struct position *position = &source->positions.items[i];
        if (position->snapshot == NO_OFFSET)
            continue;
        position->committed = position->snapshot;
        position->oldest_ms = position->newer_ms;
    }
    lag_note(source);
    source->decided = checkpoint;
    source->has_snapshot_rows = false;
    return SLUICE_OK;
}

static void send_list(struct source_kafka *source, rd_kafka_topic_partition_list_t *list,
                      uint64_t checkpoint)
{
    rd_kafka_resp_err_t result =
        rd_kafka_commit_queue(source->client.rk, list, source->replies, NULL, NULL);
    source->attempted = checkpoint;
    source->is_commit_pending = result == RD_KAFKA_RESP_ERR_NO_ERROR;
    source->commit_error = result;
}

static enum sluice_status send_commit(struct source_kafka *source, uint64_t checkpoint,
                                      struct sluice_error *error)
{
    rd_kafka_topic_partition_list_t *list = list_snapshot(source, checkpoint);
    if (!list)
        return sluice_fail(source->host, error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                           "no memory for an offset commit");
    send_list(source, list, checkpoint);
    rd_kafka_topic_partition_list_destroy(list);
    return SLUICE_OK;
}

static rd_kafka_resp_err_t commit_result(rd_kafka_event_t *event)
{
    rd_kafka_resp_err_t result = rd_kafka_event_error(event);
    const rd_kafka_topic_partition_list_t *list = rd_kafka_event_topic_partition_list(event);
    for (int i = 0; list && result == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; i++)
        result = list->elems[i].err;
    return result;
}

/* False: no answer within the time. A commit is never sent while another one is out: librdkafka
 * may send that one again behind it, and offsets would go back. */
static bool await_commit(struct source_kafka *source, int timeout_ms)
{
    int64_t deadline_ms = sluice_monotonic_ms(source->host) + timeout_ms;
    while (source->is_commit_pending) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(source->replies, POLL_SLICE_MS);
        if (event && rd_kafka_event_type(event) == RD_KAFKA_EVENT_OFFSET_COMMIT) {
            source->commit_error = commit_result(event);
            source->is_commit_pending = false;
        }
        if (event)
            rd_kafka_event_destroy(event);
        bool is_late = sluice_monotonic_ms(source->host) >= deadline_ms;
        if (is_late || sluice_is_cancelled(source->host))
            break;
    }
    return !source->is_commit_pending;
}

/* What the group has: OK: decided. REJECT: refused. RETRY: not known, or to be committed again. */
static enum sluice_status look_up(struct source_kafka *source, uint64_t checkpoint, bool may_commit,
                                  struct sluice_error *error)
{
    rd_kafka_topic_partition_list_t *list = list_snapshot(source, 0);
    rd_kafka_resp_err_t result = rd_kafka_committed(source->client.rk, list, COMMIT_TIMEOUT_MS);
    int named_count = 0;
    for (int i = 0; result == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *entry = &list->elems[i];
        struct decision_record decision, wanted = source->own;
        wanted.checkpoint = checkpoint;
        result = entry->err;
        if (entry->metadata &&
            metadata_parse(entry->metadata, strnlen(entry->metadata, entry->metadata_size),
                           &decision) == METADATA_DECISION)
            named_count += decision_equal(&decision, &wanted);
    }
    int count = list->cnt;
    rd_kafka_topic_partition_list_destroy(list);
    if (result != RD_KAFKA_RESP_ERR_NO_ERROR) {
        kafka_fail(source->host, error, result,
                   "whether the offset commit was taken cannot be found out");
        return sluice_fail(source->host, error, SLUICE_RETRY, SLUICE_CODE_UNAVAILABLE,
                           "whether the offset commit was taken is not known yet: %s",
                           rd_kafka_err2str(result));
    }
    /* One commit is one record in the group's log: named anywhere, it was taken everywhere, and
     * where another name stands now, its new owner has finished this checkpoint. */
    if (named_count == count || (named_count > 0 && !may_commit))
        return note_decided(source, checkpoint);
    if (!may_commit)
        return refuse(source, error);
    return sluice_fail(source->host, error, SLUICE_RETRY, SLUICE_CODE_UNAVAILABLE,
                       "the offset commit was not taken: %s",
                       rd_kafka_err2str(source->commit_error));
}

static enum sluice_status judge_commit(struct source_kafka *source, uint64_t checkpoint,
                                       struct sluice_error *error)
{
    rd_kafka_resp_err_t result = source->commit_error;
    if (result == RD_KAFKA_RESP_ERR_NO_ERROR)
        return note_decided(source, checkpoint);
    if (result == RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS)
        return kafka_fail(source->host, error, result, "the offset commit has to wait");
    if (result == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID)
        return members_judge(source, error);
    if (result == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED ||
        result == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
        result == RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE)
        return kafka_fail(source->host, error, result, "the offset commit was refused");
    /* A cooperative member keeps its partitions in the generation that began meanwhile. */
    bool is_next_generation = result == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION &&
                              assignment_is_cooperative(source) && !assignment_is_stale(source);
    bool may_commit = is_next_generation || (result != RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION &&
                                             result != RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID);
    return look_up(source, checkpoint, may_commit, error);
}

/* The checkpoint with which the group names this member for the partition; 0: it does not. */
static uint64_t named_checkpoint(const struct source_kafka *source,
                                 const rd_kafka_topic_partition_t *entry)
{
    struct decision_record decision;
    bool is_named = entry && entry->offset >= 0 && entry->metadata &&
                    metadata_parse(entry->metadata,
                                   strnlen(entry->metadata, entry->metadata_size),
                                   &decision) == METADATA_DECISION &&
                    strcmp(decision.member, source->own.member) == 0;
    return is_named ? decision.checkpoint : 0;
}

static void note_claimed(struct source_kafka *source, const rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++) {
        struct position *position =
            positions_find(&source->positions, list->elems[i].topic, list->elems[i].partition);
        if (position && position->next == list->elems[i].offset)
            position->committed = position->next;
    }
}

void decision_claim(struct source_kafka *source, const rd_kafka_topic_partition_list_t *pending,
                    const rd_kafka_topic_partition_list_t *committed)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(pending->cnt);
    for (int i = 0; i < pending->cnt; i++) {
        const rd_kafka_topic_partition_t *partition = &pending->elems[i];
        char text[METADATA_SIZE];
        struct decision_record claim = source->own;
        claim.checkpoint = named_checkpoint(source, group_find(committed, partition));
        size_t size = metadata_write(&claim, text);
        rd_kafka_topic_partition_t *entry = rd_kafka_topic_partition_list_add(
            list, partition->topic, partition->partition);
        entry->offset = partition->offset;
        (void)attach_metadata(entry, text, size);
    }
    if (list->cnt > 0 && !source->is_commit_pending) {
        send_list(source, list, 0);
        if (await_commit(source, CLAIM_TIMEOUT_MS) &&
            source->commit_error == RD_KAFKA_RESP_ERR_NO_ERROR)
            note_claimed(source, list);
    }
    rd_kafka_topic_partition_list_destroy(list);
}

static bool goes_back(const struct source_kafka *source)
{
    for (size_t i = 0; i < source->positions.count; i++) {
        const struct position *position = &source->positions.items[i];
        if (position->snapshot != NO_OFFSET && position->snapshot < position->committed)
            return true;
    }
    return false;
}

enum sluice_status source_kafka_decide(void *instance, uint64_t checkpoint,
                                       struct sluice_error *error)
{
    struct source_kafka *source = instance;
    if (source->decided == checkpoint)
        return SLUICE_OK;
    if (members_are_shut_out(source))
        return members_judge(source, error);
    bool was_attempted = source->attempted == checkpoint;
    if (source->is_commit_pending) {
        if (!await_commit(source, COMMIT_TIMEOUT_MS))
            return sluice_fail(source->host, error, SLUICE_RETRY, SLUICE_CODE_TIMEOUT,
                               "the group has not answered the offset commit yet");
        if (was_attempted && source->commit_error == RD_KAFKA_RESP_ERR_NO_ERROR)
            return note_decided(source, checkpoint);
    }
    if (assignment_is_stale(source)) {
        if (was_attempted)
            return look_up(source, checkpoint, false, error);
        /* Without rows there is nothing to refuse. */
        bool has_rows = source->has_snapshot_rows || source->run->is_replay;
        return has_rows || source->phase == PHASE_LOST ? refuse(source, error) : SLUICE_OK;
    }
    if (source->positions.count == 0)
        return SLUICE_OK;
    if (goes_back(source))
        return sluice_fail(source->host, error, SLUICE_FATAL, SLUICE_CODE_INTERNAL,
                           "a Kafka position went back behind the group's offset");
    enum sluice_status status = send_commit(source, checkpoint, error);
    if (status != SLUICE_OK)
        return status;
    if (!await_commit(source, COMMIT_TIMEOUT_MS))
        return sluice_fail(source->host, error, SLUICE_RETRY, SLUICE_CODE_TIMEOUT,
                           "the group has not answered the offset commit yet");
    return judge_commit(source, checkpoint, error);
}
