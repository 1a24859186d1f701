/* SPDX-License-Identifier: Apache-2.0 */
/* One instance of sink-kafka, and which file does what to it:
 *
 *   sink.c        create, open, write, stage, close, destroy, in call order
 *   records.c     rows of a batch into keys, values, topics; no network
 *   producer.c    the librdkafka producer: topics, queue, delivery reports
 *
 * Nothing is copied for librdkafka: it points into the batch, which is retained, or into the
 * encoded bytes beside it, until the last record of the batch is delivered or refused.
 *
 * A broker that finds a batch of records too large does not say which record is to blame: the
 * records of such a batch are suspects, and each is sent once more, alone, at the next stage. */
#ifndef SINK_KAFKA_SINK_H
#define SINK_KAFKA_SINK_H

#include "options.h"

#include "kafka/embedded.h"

#define TOPIC_SIZE 250

struct target_topic {
    char name[TOPIC_SIZE];
    rd_kafka_topic_t *handle;
    struct kafka_embedded_topic *embedded;
    struct target_topic *following;
};

/* One row on its way. */
struct record {
    struct sent_batch *owner;
    int32_t row;
    bool is_rejected;         /* has its verdict */
    bool is_alone;            /* sent a second time, in a batch of its own */
    struct record *following; /* among the suspects */
    const char *key;          /* NULL: none */
    size_t key_size;
    const char *value; /* NULL: tombstone */
    size_t value_size;
    int64_t timestamp_ms; /* 0: now */
    struct target_topic *topic;
};

/* A batch of which records are under way. */
struct sent_batch {
    const struct sluice_batch *batch; /* retained */
    struct sluice_buffer bytes;
    int64_t outstanding;
    int64_t row_count;
    struct record *records;
    struct sent_batch *following;
    struct sent_batch *preceding;
};

struct sink_kafka {
    const struct sluice_host *host;
    const struct sink_kafka_options *options;
    atomic_bool is_cancelled;
    struct kafka_client client;
    struct kafka_embedded *embedded;
    bool is_writer; /* registered with the embedded broker */
    struct sluice_encoder *encoder;
    int key_column, value_column, timestamp_column;
    struct sluice_buffer name; /* the topic of the row at hand */
    struct target_topic *topics;
    struct target_topic *topic; /* of the last row */
    int32_t next_partition;     /* embedded: for records without key */
    int64_t charged_bytes;
    struct sent_batch *sent;
    int64_t outstanding; /* suspects included */
    struct record *suspects;
    int64_t suspect_count;
    struct sluice_error *error;  /* of the callback at hand, for what delivery reports tell */
    rd_kafka_resp_err_t failure; /* first record that was given up */
    char failed_topic[TOPIC_SIZE];
    enum sluice_status reject_status;
};

/* ---- callbacks of the component ---- */

enum sluice_status sink_kafka_plan(const struct sluice_host *host, const void *options,
                                   struct sluice_planning *planning, struct sluice_error *error);
enum sluice_status sink_kafka_create(const struct sluice_host *host, const void *options,
                                     void **instance, struct sluice_error *error);
enum sluice_status sink_kafka_open(void *instance, struct sluice_error *error);
enum sluice_status sink_kafka_write(void *instance, const struct sluice_batch *batch,
                                    struct sluice_verdicts *verdicts, struct sluice_error *error);
enum sluice_status sink_kafka_tick(void *instance, struct sluice_error *error);
enum sluice_status sink_kafka_stage(void *instance, uint64_t checkpoint,
                                    struct sluice_state_writer *writer, struct sluice_error *error);
enum sluice_status sink_kafka_commit(void *instance, uint64_t checkpoint,
                                     struct sluice_state_reader *reader,
                                     struct sluice_error *error);
void sink_kafka_cancel(void *instance);
void sink_kafka_close(void *instance);
void sink_kafka_destroy(void *instance);

/* ---- records.c ---- */

/* Retains the batch and makes a record of each row; rows that cannot be one get their verdict.
 * *sent is NULL on failure. */
enum sluice_status records_make(struct sink_kafka *sink, const struct sluice_batch *batch,
                                struct sluice_verdicts *verdicts, struct sent_batch **sent,
                                struct sluice_error *error);
void records_free(struct sink_kafka *sink, struct sent_batch *sent);

/* ---- producer.c ---- */

enum sluice_status producer_configure(const struct sluice_host *host,
                                      const struct sink_kafka_options *options,
                                      int64_t memory_bytes, rd_kafka_conf_t **conf,
                                      struct sluice_error *error);
enum sluice_status producer_open(struct sink_kafka *sink, struct sluice_error *error);
/* The topic of that name; NULL without memory. */
struct target_topic *producer_topic(struct sink_kafka *sink, const char *name, size_t size);
/* OK: librdkafka has it. AGAIN: no room now. REJECT: it never will. FATAL. */
enum sluice_status producer_send(struct sink_kafka *sink, struct record *record,
                                 struct sluice_error *error);
/* Hears delivery reports for at most timeout_ms. */
void producer_serve(struct sink_kafka *sink, int timeout_ms);
/* The same, and sends what lingers. Once all others are settled, suspects go one by one. */
void producer_flush(struct sink_kafka *sink, int timeout_ms);
/* The caller is done with the batch; it goes when its last record has. */
void producer_release(struct sink_kafka *sink, struct sent_batch *sent);
/* FATAL where a record was given up, or the handle is broken. */
enum sluice_status producer_check(struct sink_kafka *sink, struct sluice_error *error);
void producer_close(struct sink_kafka *sink);

#endif
