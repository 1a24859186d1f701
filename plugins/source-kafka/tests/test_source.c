/* SPDX-License-Identifier: Apache-2.0 */
/* The source against librdkafka's mock cluster: assignment, decisions, what past ones left. */
#include "consumer.h"

#include "kafka_test.h"
#include "members_stand_in.h"

#include <stdio.h>
#include <string.h>

/* Kafka's numbers of requests. */
#define OFFSET_COMMIT 8
#define HEARTBEAT 12

static const char *const topics[] = {TOPIC};
static struct source_kafka_options options;

static int start(void **state)
{
    (void)state;
    kafka_test_start();
    members_other_is_alive = false;
    rd_kafka_mock_topic_create(kafka_test.cluster, TOPIC, PARTITIONS, 1);
    options =
        (struct source_kafka_options){.client = {.brokers = kafka_test.brokers, .tls_verify = true},
                                      .topics = {1, topics},
                                      .group = "g",
                                      .start = "earliest",
                                      .session_timeout_ms = 6000};
    kafka_test.test->run.pipeline = "p";
    kafka_test.test->run.flow = "f";
    kafka_test.test->output_schema =
        test_schema(kafka_test.test, "key:binary", "value:binary", "topic:string",
                    "partition:int64", "offset:int64", NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    kafka_test_stop();
    return 0;
}

static struct source_kafka *create_source(void)
{
    void *instance;
    assert_int_equal(
        source_kafka_create(&kafka_test.test->host, &options, &instance, kafka_test.test->error),
        SLUICE_OK);
    return instance;
}

static struct source_kafka *open_source(void)
{
    struct source_kafka *source = create_source();
    enum sluice_status status = source_kafka_open(source, kafka_test.test->error);
    if (status != SLUICE_OK)
        fail_msg("%s", error_message(kafka_test.test->error));
    return source;
}

/* Reads until `count` rows came or the time is over; the last status that was not AGAIN. */
static enum sluice_status read_rows(struct source_kafka *source, int64_t count, int64_t *rows)
{
    enum sluice_status status = SLUICE_AGAIN;
    *rows = 0;
    for (int i = 0; i < 300 && *rows < count; i++) {
        struct sluice_batch *batch = NULL;
        status = source_kafka_read(source, 100, &batch, kafka_test.test->error);
        if (status == SLUICE_OK) {
            *rows += sluice_batch_rows(&kafka_test.test->host, batch);
            sluice_batch_release(&kafka_test.test->host, batch);
        } else if (status != SLUICE_AGAIN) {
            break;
        }
    }
    return status;
}

/* One short read; how many rows came. */
static int64_t poll_once(struct source_kafka *source)
{
    struct sluice_batch *batch = NULL;
    int64_t rows = 0;
    enum sluice_status status = source_kafka_read(source, 20, &batch, kafka_test.test->error);
    assert_true(status == SLUICE_OK || status == SLUICE_AGAIN);
    if (batch)
        rows = sluice_batch_rows(&kafka_test.test->host, batch);
    sluice_batch_release(&kafka_test.test->host, batch);
    return rows;
}

static enum sluice_status decide(struct source_kafka *source, uint64_t checkpoint)
{
    return source_kafka_decide(source, checkpoint, kafka_test.test->error);
}

static void take_snapshot(struct source_kafka *source)
{
    assert_int_equal(
        source_kafka_snapshot(source, test_host_writer(kafka_test.test), kafka_test.test->error),
        SLUICE_OK);
}

/* By this process. */
static void assert_committed(int32_t partition, int64_t offset, const char *decision)
{
    char text[512], wanted[512], process[PROCESS_ID_SIZE];
    process_id_write(process);
    snprintf(wanted, sizeof wanted, "%s %s", decision, process);
    assert_int_equal(kafka_test_committed("g", TOPIC, partition, text), offset);
    assert_string_equal(text, wanted);
}

static void assert_settled(size_t index, const char *member, uint64_t checkpoint,
                           enum sluice_settlement settlement)
{
    assert_string_equal(kafka_test.settled[index].member, member);
    assert_int_equal(kafka_test.settled[index].checkpoint, checkpoint);
    assert_int_equal(kafka_test.settled[index].settlement, settlement);
}

static void source_decides_by_an_offset_commit_that_names_the_checkpoint(void **state)
{
    int64_t rows;
    (void)state;
    kafka_test_produce(TOPIC, PARTITIONS, 0, 1000);
    struct source_kafka *source = open_source();
    read_rows(source, 1000, &rows);
    assert_int_equal(rows, 1000);
    assert_int_equal(kafka_test.settled_count, 1);
    assert_string_equal(kafka_test.settled[0].member, "m1");
    assert_int_equal(kafka_test.settled[0].checkpoint, 0);
    take_snapshot(source);
    assert_int_equal(decide(source, 7), SLUICE_OK);
    assert_int_equal(decide(source, 7), SLUICE_OK);
    source_kafka_destroy(source);
    assert_committed(0, 500, "sluice 1 p.f m1 7");
    assert_committed(1, 500, "sluice 1 p.f m1 7");
}

static void source_goes_on_at_the_decision_and_settles_it(void **state)
{
    int64_t rows;
    (void)state;
    kafka_test_produce(TOPIC, PARTITIONS, 0, 100);
    kafka_test_commit("g", TOPIC, 0, 30, "sluice 1 p.f m1 4 earlier");
    kafka_test_commit("g", TOPIC, 1, 40, "sluice 1 p.f m2 9 earlier");
    struct source_kafka *source = open_source();
    read_rows(source, 30, &rows);
    assert_in_range(rows, 30, 30);
    assert_int_equal(kafka_test.settled_count, 3);
    assert_settled(0, "m1", 4, SLUICE_SETTLE_OWN);
    assert_settled(1, "m2", 0, SLUICE_SETTLE_NOTE);
    assert_settled(2, "m2", 9, SLUICE_SETTLE_TAKE_OVER);
    source_kafka_destroy(source);
    assert_committed(0, 30, "sluice 1 p.f m1 4");
    assert_committed(1, 40, "sluice 1 p.f m1 0");
}

static void source_finishes_the_checkpoint_of_a_living_member_and_leaves_it_the_rest(void **state)
{
    int64_t rows;
    (void)state;
    members_other_is_alive = true;
    kafka_test_produce(TOPIC, PARTITIONS, 0, 100);
    kafka_test_commit("g", TOPIC, 0, 30, "sluice 1 p.f m2 4 earlier");
    kafka_test_commit("g", TOPIC, 1, 30, "sluice 1 p.f m2 4 earlier");
    struct source_kafka *source = open_source();
    read_rows(source, 40, &rows);
    assert_int_equal(rows, 40);
    assert_int_equal(kafka_test.settled_count, 2);
    assert_settled(0, "m1", 0, SLUICE_SETTLE_OWN);
    assert_settled(1, "m2", 4, SLUICE_SETTLE_FINISH);
    source_kafka_destroy(source);
    assert_committed(0, 30, "sluice 1 p.f m1 0");
    assert_committed(1, 30, "sluice 1 p.f m1 0");
}

static void source_begins_where_a_tool_has_set_the_group(void **state)
{
    int64_t rows;
    (void)state;
    kafka_test_produce(TOPIC, PARTITIONS, 0, 100);
    kafka_test_commit("g", TOPIC, 0, 45, "");
    kafka_test_commit("g", TOPIC, 1, 45, "");
    struct source_kafka *source = open_source();
    read_rows(source, 10, &rows);
    assert_int_equal(rows, 10);
    assert_int_equal(kafka_test.settled_count, 1);
    assert_int_equal(kafka_test.settled[0].checkpoint, 0);
    source_kafka_destroy(source);
}

static void source_reads_a_partition_that_is_new_to_the_group_from_its_beginning(void **state)
{
    int64_t rows;
    (void)state;
    options.start = "latest";
    kafka_test_produce(TOPIC, PARTITIONS, 0, 100);
    kafka_test_commit("g", TOPIC, 0, 50, "");
    struct source_kafka *source = open_source();
    read_rows(source, 50, &rows);
    assert_int_equal(rows, 50);
    source_kafka_destroy(source);
}

static void source_notes_where_it_began_before_anything_is_decided(void **state)
{
    int64_t rows;
    (void)state;
    options.start = "latest";
    kafka_test_produce(TOPIC, PARTITIONS, 0, 100);
    struct source_kafka *source = open_source();
    for (int i = 0; i < 500 && source->phase != PHASE_READING; i++)
        poll_once(source);
    source_kafka_destroy(source);
    assert_committed(0, 50, "sluice 1 p.f m1 0");
    kafka_test_produce(TOPIC, PARTITIONS, 100, 10);
    source = open_source();
    read_rows(source, 10, &rows);
    assert_int_equal(rows, 10);
    source_kafka_destroy(source);
}

static void source_uses_the_restored_position_where_the_group_has_none(void **state)
{
    static const char positions[] = "source-kafka 1\nclicks 0 48\nclicks 1 49\n";
    int64_t rows;
    (void)state;
    kafka_test_produce(TOPIC, PARTITIONS, 0, 100);
    struct source_kafka *source = create_source();
    sluice_state_write(&kafka_test.test->host, test_host_writer(kafka_test.test), positions,
                       strlen(positions));
    assert_int_equal(
        source_kafka_restore(source, test_host_reader(kafka_test.test), kafka_test.test->error),
        SLUICE_OK);
    assert_int_equal(source_kafka_open(source, kafka_test.test->error), SLUICE_OK);
    read_rows(source, 3, &rows);
    assert_int_equal(rows, 3);
    assert_int_equal(kafka_test.settled[0].checkpoint, SLUICE_CHECKPOINT_RESTORED);
    source_kafka_destroy(source);
}

static void source_refuses_a_group_of_another_flow(void **state)
{
    int64_t rows;
    (void)state;
    kafka_test_produce(TOPIC, PARTITIONS, 0, 10);
    kafka_test_commit("g", TOPIC, 0, 1, "sluice 1 other.flow m1 4 earlier");
    struct source_kafka *source = open_source();
    assert_int_equal(read_rows(source, 1, &rows), SLUICE_FATAL);
    assert_int_equal(error_code(kafka_test.test->error), SLUICE_CODE_CONFLICT);
    source_kafka_destroy(source);
}

static void source_commits_again_when_the_group_is_in_a_rebalance(void **state)
{
    int64_t rows;
    (void)state;
    kafka_test_produce(TOPIC, PARTITIONS, 0, 10);
    struct source_kafka *source = open_source();
    read_rows(source, 10, &rows);
    take_snapshot(source);
    rd_kafka_mock_push_request_errors(kafka_test.cluster, OFFSET_COMMIT, 1,
                                      RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS);
    assert_int_equal(decide(source, 3), SLUICE_RETRY);
    assert_int_equal(decide(source, 3), SLUICE_OK);
    source_kafka_destroy(source);
    assert_committed(0, 5, "sluice 1 p.f m1 3");
}

/* With an error after which the client stays with its coordinator; test_takeovers.py has the others. */
static void source_takes_a_lost_answer_for_no_refusal(void **state)
{
    int64_t rows;
    (void)state;
    kafka_test_produce(TOPIC, PARTITIONS, 0, 10);
    struct source_kafka *source = open_source();
    read_rows(source, 10, &rows);
    take_snapshot(source);
    rd_kafka_mock_push_request_errors(kafka_test.cluster, OFFSET_COMMIT, 1,
                                      RD_KAFKA_RESP_ERR_UNKNOWN);
    assert_int_equal(decide(source, 3), SLUICE_RETRY);
    assert_int_equal(decide(source, 3), SLUICE_OK);
    source_kafka_destroy(source);
    assert_committed(1, 5, "sluice 1 p.f m1 3");
}

static void source_refuses_what_an_old_generation_read(void **state)
{
    int64_t rows;
    (void)state;
    kafka_test_produce(TOPIC, PARTITIONS, 0, 10);
    struct source_kafka *source = open_source();
    read_rows(source, 10, &rows);
    take_snapshot(source);
    rd_kafka_mock_push_request_errors(kafka_test.cluster, OFFSET_COMMIT, 1,
                                      RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID);
    assert_int_equal(decide(source, 3), SLUICE_REJECT);
    assert_int_equal(error_code(kafka_test.test->error), SLUICE_CODE_REBALANCED);
    source_kafka_destroy(source);
    assert_committed(0, 0, "sluice 1 p.f m1 0");
}

static void source_finds_its_commit_behind_a_refusal(void **state)
{
    int64_t rows;
    (void)state;
    kafka_test_produce(TOPIC, PARTITIONS, 0, 10);
    struct source_kafka *source = open_source();
    read_rows(source, 10, &rows);
    take_snapshot(source);
    assert_int_equal(decide(source, 3), SLUICE_OK);
    source->decided = 0; /* as if the answer had been lost */
    rd_kafka_mock_push_request_errors(kafka_test.cluster, OFFSET_COMMIT, 1,
                                      RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION);
    assert_int_equal(decide(source, 3), SLUICE_OK);
    source_kafka_destroy(source);
}

static void source_says_which_records_are_gone(void **state)
{
    int64_t rows;
    (void)state;
    kafka_test_produce(TOPIC, PARTITIONS, 0, 10);
    kafka_test_commit("g", TOPIC, 0, 4711, "");
    struct source_kafka *source = open_source();
    assert_int_equal(read_rows(source, 100, &rows), SLUICE_FATAL);
    assert_int_equal(error_code(kafka_test.test->error), SLUICE_CODE_OFFSET_OUT_OF_RANGE);
    assert_string_equal(error_field(kafka_test.test->error, SLUICE_AT_TOPIC), TOPIC);
    assert_string_equal(error_field(kafka_test.test->error, SLUICE_AT_PARTITION), "0");
    assert_string_equal(error_field(kafka_test.test->error, SLUICE_AT_OFFSET), "4711");
    source_kafka_destroy(source);
}

static void source_keeps_revoked_partitions_until_a_checkpoint_is_decided(void **state)
{
    int64_t rows;
    (void)state;
    kafka_test_produce(TOPIC, PARTITIONS, 0, 10);
    struct source_kafka *source = open_source();
    read_rows(source, 10, &rows);
    kafka_test.test->run.member = "m2";
    struct source_kafka *other = open_source();
    for (int i = 0; i < 500 && source->phase != PHASE_REVOKING; i++)
        assert_int_equal(poll_once(other) + poll_once(source), 0);
    assert_int_equal(source->phase, PHASE_REVOKING);
    assert_int_equal(kafka_test.checkpoint_count, 1);
    poll_once(source);
    assert_int_equal(source->phase, PHASE_REVOKING);
    assert_int_equal(source->positions.count, PARTITIONS);
    /* The mock cluster takes no commits in a rebalance; real brokers do: tests/pipelines. */
    take_snapshot(source);
    assert_int_equal(decide(source, 5), SLUICE_RETRY);
    source->positions.items[0].committed = source->positions.items[0].next;
    source->positions.items[1].committed = source->positions.items[1].next;
    poll_once(source);
    assert_int_equal(source->phase, PHASE_WAITING);
    assert_int_equal(source->positions.count, 0);
    source_kafka_destroy(source);
    source_kafka_destroy(other);
}

static void source_refuses_after_its_session_was_lost(void **state)
{
    int64_t rows;
    (void)state;
    kafka_test_produce(TOPIC, PARTITIONS, 0, 10);
    struct source_kafka *source = open_source();
    read_rows(source, 10, &rows);
    take_snapshot(source);
    rd_kafka_mock_push_request_errors(kafka_test.cluster, HEARTBEAT, 1,
                                      RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID);
    for (int i = 0; i < 500 && source->phase != PHASE_LOST; i++)
        poll_once(source);
    assert_int_equal(source->phase, PHASE_LOST);
    assert_int_equal(decide(source, 3), SLUICE_REJECT);
    assert_int_equal(error_code(kafka_test.test->error), SLUICE_CODE_REBALANCED);
    source_kafka_destroy(source);
}

static void source_ends_a_once_run_at_the_ends_seen_at_the_start(void **state)
{
    int64_t rows;
    (void)state;
    kafka_test.test->run.is_once = true;
    kafka_test_produce(TOPIC, PARTITIONS, 0, 100);
    struct source_kafka *source = open_source();
    assert_int_equal(read_rows(source, 1000, &rows), SLUICE_END);
    assert_int_equal(rows, 100);
    source_kafka_destroy(source);
}

static void source_ends_a_once_run_of_an_empty_topic(void **state)
{
    int64_t rows;
    (void)state;
    kafka_test.test->run.is_once = true;
    struct source_kafka *source = open_source();
    assert_int_equal(read_rows(source, 1, &rows), SLUICE_END);
    assert_int_equal(rows, 0);
    source_kafka_destroy(source);
}

static void source_retries_while_no_broker_is_there(void **state)
{
    (void)state;
    options.client.brokers = "127.0.0.1:1";
    struct source_kafka *source = create_source();
    assert_int_equal(source_kafka_open(source, kafka_test.test->error), SLUICE_RETRY);
    assert_int_equal(error_code(kafka_test.test->error), SLUICE_CODE_CONNECT_FAILED);
    source_kafka_destroy(source);
}

static void batches_have_the_asked_columns_and_origins(void **state)
{
    struct sluice_batch *batch = NULL;
    struct sluice_origin origin;
    int64_t position;
    (void)state;
    kafka_test.test->output_schema =
        test_schema(kafka_test.test, "offset:int64", "value:binary", NULL);
    kafka_test_produce(TOPIC, PARTITIONS, 0, 4);
    struct source_kafka *source = open_source();
    for (int i = 0; i < 300 && !batch; i++)
        source_kafka_read(source, 100, &batch, kafka_test.test->error);
    assert_non_null(batch);
    for (int64_t row = 0; row < sluice_batch_rows(&kafka_test.test->host, batch); row++) {
        char wanted[64];
        assert_true(sluice_batch_origin(&kafka_test.test->host, batch, row, &origin, &position));
        assert_string_equal(origin.name, TOPIC);
        snprintf(wanted, sizeof wanted, "%d|value-%d", (int)position,
                 (int)position * PARTITIONS + origin.partition);
        assert_string_equal(test_row(kafka_test.test, batch, row), wanted);
    }
    sluice_batch_release(&kafka_test.test->host, batch);
    source_kafka_destroy(source);
}

#define WITH_CLUSTER(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CLUSTER(source_decides_by_an_offset_commit_that_names_the_checkpoint),
        WITH_CLUSTER(source_goes_on_at_the_decision_and_settles_it),
        WITH_CLUSTER(source_finishes_the_checkpoint_of_a_living_member_and_leaves_it_the_rest),
        WITH_CLUSTER(source_begins_where_a_tool_has_set_the_group),
        WITH_CLUSTER(source_reads_a_partition_that_is_new_to_the_group_from_its_beginning),
        WITH_CLUSTER(source_notes_where_it_began_before_anything_is_decided),
        WITH_CLUSTER(source_uses_the_restored_position_where_the_group_has_none),
        WITH_CLUSTER(source_refuses_a_group_of_another_flow),
        WITH_CLUSTER(source_commits_again_when_the_group_is_in_a_rebalance),
        WITH_CLUSTER(source_takes_a_lost_answer_for_no_refusal),
        WITH_CLUSTER(source_refuses_what_an_old_generation_read),
        WITH_CLUSTER(source_finds_its_commit_behind_a_refusal),
        WITH_CLUSTER(source_says_which_records_are_gone),
        WITH_CLUSTER(source_keeps_revoked_partitions_until_a_checkpoint_is_decided),
        WITH_CLUSTER(source_refuses_after_its_session_was_lost),
        WITH_CLUSTER(source_ends_a_once_run_at_the_ends_seen_at_the_start),
        WITH_CLUSTER(source_ends_a_once_run_of_an_empty_topic),
        WITH_CLUSTER(source_retries_while_no_broker_is_there),
        WITH_CLUSTER(batches_have_the_asked_columns_and_origins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
