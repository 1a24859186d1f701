/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the consumer offer each other; source.h says which does what. */
#ifndef SOURCE_KAFKA_CONSUMER_H
#define SOURCE_KAFKA_CONSUMER_H

#include "source.h"

/* ---- consumer.c ---- */

/* Checks the options as far as that needs no broker; *conf may be NULL. */
enum sluice_status consumer_configure(const struct sluice_host *host,
                                      const struct source_kafka_options *options,
                                      const char *instance_id, int64_t queue_bytes,
                                      rd_kafka_conf_t **conf, struct sluice_error *error);
bool is_pattern(const char *topic);
bool has_pattern(const struct source_kafka_options *options);
/* Bytes of librdkafka's queue out of the instance's share of the budget. */
int64_t consumer_queue_bytes(int64_t memory_bytes);
/* Handle, first contact, topics, subscription. RETRY may be repeated after consumer_close. */
enum sluice_status consumer_open(struct source_kafka *source, struct sluice_error *error);
void consumer_close(struct source_kafka *source);

/* ---- assignment.c ---- */

void assignment_note(rd_kafka_t *rk, rd_kafka_resp_err_t kind,
                     rd_kafka_topic_partition_list_t *partitions, void *opaque);
/* Acts on what was noted. OK also while it waits. */
enum sluice_status assignment_serve(struct source_kafka *source, struct sluice_error *error);
/* The group was left behind or other members have the partitions now. */
bool assignment_is_stale(const struct source_kafka *source);
/* Partitions are kept over generations of the group. */
bool assignment_is_cooperative(const struct source_kafka *source);
/* For `brokers: embedded`. */
enum sluice_status assignment_make(struct source_kafka *source, struct sluice_error *error);
/* Takes leave of librdkafka's side of the group, before the client is closed; the static member stays
 * in the group. A rebalance that librdkafka has handed over is answered, whoever has seen it or not:
 * it never comes to an end of its own while one is not. */
void assignment_end(struct source_kafka *source);
void assignment_reset(struct source_kafka *source);

/* ---- group.c ---- */

/* All that the group has committed, with metadata: the caller's list. RETRY: no answer yet. */
enum sluice_status group_read(struct source_kafka *source,
                              const rd_kafka_topic_partition_list_t *pending,
                              rd_kafka_topic_partition_list_t **committed,
                              struct sluice_error *error);
/* The decision that a committed offset carries. FATAL where it is of another flow or release. */
enum sluice_status group_decision(struct source_kafka *source,
                                  const rd_kafka_topic_partition_t *committed,
                                  struct decision_record *decision, bool *has_decision,
                                  struct sluice_error *error);
/* What the group has for the partition; NULL: nothing. */
const rd_kafka_topic_partition_t *group_find(const rd_kafka_topic_partition_list_t *committed,
                                             const rd_kafka_topic_partition_t *partition);
/* Has the core finish what past decisions about the pending partitions left unfinished. */
enum sluice_status group_settle(struct source_kafka *source,
                                const rd_kafka_topic_partition_list_t *pending,
                                const rd_kafka_topic_partition_list_t *committed,
                                struct sluice_error *error);
bool group_has_offsets(const rd_kafka_topic_partition_list_t *committed, const char *topic);

/* ---- members.c ---- */

/* Whether that member of this flow is in the group at the moment. RETRY: no answer yet. */
enum sluice_status members_find(struct source_kafka *source, const char *member, bool *is_alive,
                                struct sluice_error *error);
/* The broker has told this client that another one with its static id is in the group. */
bool members_are_shut_out(const struct source_kafka *source);
/* Who that is: librdkafka joins anew when an answer to its JoinGroup does not come in time, and then
 * the broker takes the second for another consumer, which shuts the first out (librdkafka issue
 * 3437). Another process that is this member has claimed its partitions: FATAL fenced. Else
 * NOT_CONNECTED: the flow starts over with a new client. Of two processes that look before the
 * other has claimed anything, one shuts the other out again: whose claim is the last goes on.
 * RETRY: no answer yet. */
enum sluice_status members_judge(struct source_kafka *source, struct sluice_error *error);
/* All that the group has committed, whatever the topic, at one moment. RETRY: no answer yet. */
enum sluice_status members_offsets(struct source_kafka *source,
                                   rd_kafka_topic_partition_list_t **committed,
                                   struct sluice_error *error);

/* ---- begin.c ---- */

/* Puts the pending partitions into the table of positions, each with where to begin and, in a
 * --once run, where to end; the same offsets go into `pending`. RETRY: no answer yet. */
enum sluice_status begin_find(struct source_kafka *source, rd_kafka_topic_partition_list_t *pending,
                              const rd_kafka_topic_partition_list_t *committed,
                              struct sluice_error *error);
/* Fails with offset_out_of_range and the range that is missing. */
enum sluice_status begin_fail_range(struct source_kafka *source, const char *topic,
                                    int32_t partition, int64_t wanted, struct sluice_error *error);

/* ---- decision.c (source.h has decide) ---- */

/* Claims the pending partitions for this process: commits where each begins, naming this member,
 * with the checkpoint that it named already or none. So a crash before the first decision begins
 * there again; whoever gets the partition next knows whose leftovers to look for; and a checkpoint
 * of another member, which is finished by now, is named no longer. Best effort. */
void decision_claim(struct source_kafka *source, const rd_kafka_topic_partition_list_t *pending,
                    const rd_kafka_topic_partition_list_t *committed);

/* ---- keeper.c ---- */

enum sluice_status keeper_start(struct source_kafka *source, struct sluice_error *error);
void keeper_stop(struct source_kafka *source); /* any state */

/* ---- records.c ---- */

enum sluice_status records_init(struct source_kafka *source, struct sluice_error *error);
void records_reset(struct source_kafka *source);
/* Waits at most timeout_ms for records. *batch is NULL where there are none. */
enum sluice_status records_take(struct source_kafka *source, int timeout_ms,
                                struct sluice_batch **batch, struct sluice_error *error);

/* ---- ends.c ---- */

void lag_init(struct lag *lag);
void lag_reset(struct lag *lag);
/* What the lane knows of its partitions, for the keeper's thread to measure against. */
void lag_note(struct source_kafka *source);
/* Asks for the ends and sets the gauges, every few seconds. The keeper's thread. */
void lag_measure(struct source_kafka *source);
/* lag_note() now and then. */
void ends_report(struct source_kafka *source);
/* Wakes librdkafka's fetching threads where a full queue has run empty. */
void ends_wake(struct source_kafka *source);
/* A --once run has read everything. */
bool ends_are_reached(const struct source_kafka *source);

#endif
