/* SPDX-License-Identifier: Apache-2.0 */
/* Rebalances. What librdkafka says is noted by its callback and acted on between reads:
 *
 *   assigned   read what the group committed, settle, find where to begin, then read
 *   revoked    read nothing more, have a checkpoint decided about what was read, then let go
 *   lost       let go; what was read undecided belongs to others now, so refuse the decision */
#include "consumer.h"

#include <stdio.h>
#include <string.h>

#define CLOSE_LIMIT_MS 5000
#define CLOSE_SLICE_MS 100
#define CLOSE_RECORDS 256

bool assignment_is_cooperative(const struct source_kafka *source)
{
    const char *protocol = rd_kafka_rebalance_protocol(source->client.rk);
    return protocol && strcmp(protocol, "COOPERATIVE") == 0;
}

static void drop_pending(struct source_kafka *source)
{
    if (source->pending)
        rd_kafka_topic_partition_list_destroy(source->pending);
    source->pending = NULL;
}

void assignment_note(rd_kafka_t *rk, rd_kafka_resp_err_t kind,
                     rd_kafka_topic_partition_list_t *partitions, void *opaque)
{
    struct source_kafka *source = ((struct kafka_client *)opaque)->owner;
    drop_pending(source);
    if (kind != RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS &&
        kind != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS) {
        rd_kafka_assign(rk, NULL);
        return;
    }
    source->pending = rd_kafka_topic_partition_list_copy(partitions);
    source->is_warned = false;
    if (source->phase == PHASE_LOST)
        return; /* nothing more happens before the refusal */
    bool is_assigned = kind == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
    source->phase = is_assigned ? PHASE_ASSIGNING : PHASE_REVOKING;
    if (!is_assigned && positions_have_undecided(&source->positions))
        sluice_request_checkpoint(source->host);
}

static void log_assignment(const struct source_kafka *source, const char *what, int count)
{
    char number[16];
    snprintf(number, sizeof number, "%d", count);
    const struct sluice_log_field fields[] = {{"group", source->options->group},
                                              {"partitions", number}};
    sluice_log(source->host, SLUICE_LOG_INFO, fields, 2, "%s", what);
}

/* The group metadata holds generation and member id; librdkafka shows it as bytes only. */
static bool read_generation(const struct source_kafka *source, char **bytes, size_t *size)
{
    void *written = NULL;
    *bytes = NULL;
    *size = 0;
    rd_kafka_consumer_group_metadata_t *metadata =
        rd_kafka_consumer_group_metadata(source->client.rk);
    if (!metadata)
        return false;
    rd_kafka_error_t *failure = rd_kafka_consumer_group_metadata_write(metadata, &written, size);
    rd_kafka_consumer_group_metadata_destroy(metadata);
    if (failure) {
        rd_kafka_error_destroy(failure);
        return false;
    }
    *bytes = written;
    return true;
}

static void note_generation(struct source_kafka *source)
{
    rd_kafka_mem_free(source->client.rk, source->generation);
    if (!read_generation(source, &source->generation, &source->generation_size))
        source->generation = NULL;
}

static bool is_generation_gone(const struct source_kafka *source)
{
    char *bytes = NULL;
    size_t size = 0;
    if (!source->generation || !read_generation(source, &bytes, &size))
        return true;
    bool is_same = size == source->generation_size && memcmp(bytes, source->generation, size) == 0;
    rd_kafka_mem_free(source->client.rk, bytes);
    return !is_same;
}

bool assignment_is_stale(const struct source_kafka *source)
{
    if (source->phase == PHASE_LOST || source->snapshot_epoch != source->epoch ||
        rd_kafka_assignment_lost(source->client.rk))
        return true;
    /* Cooperative members keep partitions over generations. */
    return !source->embedded && source->positions.count > 0 && !assignment_is_cooperative(source) &&
           is_generation_gone(source);
}

static enum sluice_status fail_assign(struct source_kafka *source, rd_kafka_error_t *failure,
                                      rd_kafka_resp_err_t result, struct sluice_error *error)
{
    if (failure) {
        result = rd_kafka_error_code(failure);
        rd_kafka_error_destroy(failure);
    }
    if (result == RD_KAFKA_RESP_ERR_NO_ERROR)
        return SLUICE_OK;
    return sluice_fail(source->host, error, SLUICE_FATAL, SLUICE_CODE_INTERNAL,
                       "librdkafka did not take the assignment of partitions: %s",
                       rd_kafka_err2str(result));
}

static enum sluice_status release(struct source_kafka *source, struct sluice_error *error)
{
    rd_kafka_error_t *failure = NULL;
    rd_kafka_resp_err_t result = RD_KAFKA_RESP_ERR_NO_ERROR;
    log_assignment(source, "partitions given back", source->pending ? source->pending->cnt : 0);
    if (assignment_is_cooperative(source)) {
        failure = rd_kafka_incremental_unassign(source->client.rk, source->pending);
        for (int i = 0; i < source->pending->cnt; i++)
            positions_remove(&source->positions, source->pending->elems[i].topic,
                             source->pending->elems[i].partition);
    } else {
        result = rd_kafka_assign(source->client.rk, NULL);
        positions_reset(&source->positions);
    }
    source->epoch++;
    source->phase = source->positions.count > 0 ? PHASE_READING : PHASE_WAITING;
    if (source->phase == PHASE_WAITING)
        sluice_readiness(source->host, "the group to assign partitions");
    lag_note(source);
    drop_pending(source);
    return fail_assign(source, failure, result, error);
}

/* The table of positions stays: a commit whose answer is out may have been taken. */
static enum sluice_status lose(struct source_kafka *source, struct sluice_error *error)
{
    sluice_log(source->host, SLUICE_LOG_WARN, NULL, 0,
               "the group gave this member's partitions to others before a checkpoint could be "
               "decided; the flow starts over from the last one");
    rd_kafka_error_t *failure = NULL;
    rd_kafka_resp_err_t result = RD_KAFKA_RESP_ERR_NO_ERROR;
    if (assignment_is_cooperative(source))
        failure = rd_kafka_incremental_unassign(source->client.rk, source->pending);
    else
        result = rd_kafka_assign(source->client.rk, NULL);
    source->phase = PHASE_LOST;
    source->epoch++;
    drop_pending(source);
    sluice_request_checkpoint(source->host);
    return fail_assign(source, failure, result, error);
}

static enum sluice_status serve_revoked(struct source_kafka *source, struct sluice_error *error)
{
    if (!positions_have_undecided(&source->positions))
        return release(source, error);
    if (rd_kafka_assignment_lost(source->client.rk))
        return lose(source, error);
    return SLUICE_OK;
}

static enum sluice_status start_reading(struct source_kafka *source, struct sluice_error *error)
{
    rd_kafka_error_t *failure = NULL;
    rd_kafka_resp_err_t result = RD_KAFKA_RESP_ERR_NO_ERROR;
    log_assignment(source, "partitions assigned", source->pending->cnt);
    if (assignment_is_cooperative(source))
        failure = rd_kafka_incremental_assign(source->client.rk, source->pending);
    else
        result = rd_kafka_assign(source->client.rk, source->pending);
    if (source->run->is_replay && !failure && result == RD_KAFKA_RESP_ERR_NO_ERROR)
        result = rd_kafka_pause_partitions(source->client.rk, source->pending);
    note_generation(source);
    drop_pending(source);
    source->phase = PHASE_READING;
    source->was_assigned = true;
    sluice_readiness(source->host, NULL);
    lag_note(source);
    return fail_assign(source, failure, result, error);
}

static enum sluice_status serve_assigned(struct source_kafka *source, struct sluice_error *error)
{
    rd_kafka_topic_partition_list_t *committed = NULL;
    enum sluice_status status = group_read(source, source->pending, &committed, error);
    if (status == SLUICE_OK)
        status = group_settle(source, source->pending, committed, error);
    if (status == SLUICE_OK)
        status = begin_find(source, source->pending, committed, error);
    if (status == SLUICE_OK) {
        decision_claim(source, source->pending, committed);
        status = start_reading(source, error);
    } else if (status == SLUICE_RETRY) {
        /* The group is only kept by polling: wait for the answer between reads. */
        if (!source->is_warned)
            sluice_log(source->host, SLUICE_LOG_WARN, NULL, 0,
                       "the group's committed offsets cannot be read yet, trying again");
        source->is_warned = true;
        status = SLUICE_OK;
    }
    if (committed)
        rd_kafka_topic_partition_list_destroy(committed);
    return status;
}

enum sluice_status assignment_serve(struct source_kafka *source, struct sluice_error *error)
{
    switch (source->phase) {
    case PHASE_ASSIGNING:
        return serve_assigned(source, error);
    case PHASE_REVOKING:
        return serve_revoked(source, error);
    case PHASE_WAITING:
    case PHASE_READING:
    case PHASE_LOST:
        return SLUICE_OK;
    }
    return SLUICE_OK;
}

enum sluice_status assignment_make(struct source_kafka *source, struct sluice_error *error)
{
    const struct sluice_strings *topics = &source->options->topics;
    (void)error;
    drop_pending(source);
    source->pending =
        rd_kafka_topic_partition_list_new((int)topics->count * KAFKA_EMBEDDED_PARTITIONS);
    for (size_t i = 0; i < topics->count; i++)
        rd_kafka_topic_partition_list_add_range(source->pending, topics->items[i], 0,
                                                KAFKA_EMBEDDED_PARTITIONS - 1);
    source->phase = PHASE_ASSIGNING;
    return SLUICE_OK;
}

/* While its consumer is closed, librdkafka takes any answer for an assignment of nothing. */
static void answer_pending(struct source_kafka *source)
{
    if (source->pending)
        (void)rd_kafka_assign(source->client.rk, NULL);
    drop_pending(source);
}

/* Runs the rebalance callback. False: nothing was in the queue. */
static bool discard_records(struct source_kafka *source, int timeout_ms)
{
    rd_kafka_message_t *records[CLOSE_RECORDS];
    ssize_t count = rd_kafka_consume_batch_queue(source->queue, timeout_ms, records, CLOSE_RECORDS);
    for (ssize_t i = 0; i < count; i++)
        rd_kafka_message_destroy(records[i]);
    return count > 0;
}

void assignment_end(struct source_kafka *source)
{
    rd_kafka_t *rk = source->client.rk;
    if (!rk || !source->queue || source->embedded)
        return;
    /* Refused where the client was shut out: no more rebalances come then. */
    rd_kafka_error_t *refusal = rd_kafka_consumer_close_queue(rk, source->queue);
    bool is_refused = refusal != NULL;
    if (refusal)
        rd_kafka_error_destroy(refusal);
    int64_t deadline_ms = sluice_monotonic_ms(source->host) + CLOSE_LIMIT_MS;
    for (bool is_open = true; is_open;) {
        answer_pending(source);
        bool has_more = discard_records(source, is_refused ? 0 : CLOSE_SLICE_MS);
        bool is_closed = is_refused ? !has_more : rd_kafka_consumer_closed(rk) != 0;
        bool is_late = sluice_monotonic_ms(source->host) >= deadline_ms;
        is_open = source->pending || (!is_closed && !is_late);
    }
}

void assignment_reset(struct source_kafka *source)
{
    drop_pending(source);
    if (source->generation)
        rd_kafka_mem_free(source->client.rk, source->generation);
    source->generation = NULL;
    positions_reset(&source->positions);
    source->phase = PHASE_WAITING;
    source->epoch++;
    source->was_assigned = false;
    source->is_commit_pending = false;
}
