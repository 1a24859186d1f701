/* SPDX-License-Identifier: Apache-2.0 */
/* The sink against librdkafka's mock cluster. */
#include "sink.h"

#include "kafka_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOPIC "clicks"
#define PARTITIONS 2

static struct sink_kafka_options options;

static int start(void **state)
{
    (void)state;
    kafka_test_start();
    rd_kafka_mock_topic_create(kafka_test.cluster, TOPIC, PARTITIONS, 1);
    options =
        (struct sink_kafka_options){.client = {.brokers = kafka_test.brokers, .tls_verify = true},
                                    .topic = (const struct sluice_template *)TOPIC,
                                    .key = "key",
                                    .value = "value",
                                    .compression = 3,
                                    .linger_ms = 5};
    kafka_test.test->input_schema =
        test_schema(kafka_test.test, "key:string", "value:binary", NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    kafka_test_stop();
    return 0;
}

static struct sink_kafka *open_sink(void)
{
    void *instance;
    assert_int_equal(
        sink_kafka_create(&kafka_test.test->host, &options, &instance, kafka_test.test->error),
        SLUICE_OK);
    assert_int_equal(sink_kafka_open(instance, kafka_test.test->error), SLUICE_OK);
    return instance;
}

static struct sluice_batch *make_batch(int rows, size_t value_size)
{
    const struct sluice_host *host = &kafka_test.test->host;
    struct sluice_builder *builder;
    struct sluice_batch *batch;
    char *value = calloc(1, value_size + 1);
    memset(value, 'v', value_size);
    assert_int_equal(sluice_builder_create(host, kafka_test.test->input_schema, &builder,
                                           kafka_test.test->error),
                     SLUICE_OK);
    for (int row = 0; row < rows; row++) {
        char key[16];
        int size = snprintf(key, sizeof key, "k%d", row);
        sluice_builder_string(host, builder, 0, key, (size_t)size);
        sluice_builder_string(host, builder, 1, value, value_size);
        sluice_builder_end_row(host, builder, row);
    }
    assert_int_equal(sluice_builder_finish(host, builder, &batch, kafka_test.test->error),
                     SLUICE_OK);
    sluice_builder_destroy(host, builder);
    free(value);
    return batch;
}

static enum sluice_status write_rows(struct sink_kafka *sink, int rows, size_t value_size)
{
    struct sluice_batch *batch = make_batch(rows, value_size);
    enum sluice_status status = sink_kafka_write(sink, batch, NULL, kafka_test.test->error);
    sluice_batch_release(&kafka_test.test->host, batch);
    return status;
}

static enum sluice_status stage(struct sink_kafka *sink)
{
    return sink_kafka_stage(sink, 1, test_host_writer(kafka_test.test), kafka_test.test->error);
}

static void sink_has_delivered_everything_when_stage_is_done(void **state)
{
    (void)state;
    struct sink_kafka *sink = open_sink();
    for (int i = 0; i < 10; i++)
        assert_int_equal(write_rows(sink, 100, 50), SLUICE_OK);
    assert_int_equal(stage(sink), SLUICE_OK);
    assert_null(sink->sent);
    assert_int_equal(kafka_test_count(TOPIC, PARTITIONS), 1000);
    sink_kafka_destroy(sink);
}

static void sink_rejects_only_the_record_that_is_too_large(void **state)
{
    (void)state;
    struct sink_kafka *sink = open_sink();
    assert_int_equal(write_rows(sink, 1, 2000000), SLUICE_OK);
    assert_int_equal(write_rows(sink, 3, 10), SLUICE_OK);
    assert_int_equal(kafka_test.verdict_count, 1);
    assert_int_equal(error_code(kafka_test.test->error), SLUICE_CODE_MESSAGE_REJECTED);
    assert_int_equal(stage(sink), SLUICE_OK);
    assert_int_equal(kafka_test_count(TOPIC, PARTITIONS), 3);
    sink_kafka_destroy(sink);
}

#define PRODUCE 0 /* Kafka's number of the request */

static void sink_sends_the_records_of_a_batch_that_is_too_large_alone(void **state)
{
    (void)state;
    struct sink_kafka *sink = open_sink();
    rd_kafka_mock_push_request_errors(kafka_test.cluster, PRODUCE, 1,
                                      RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    assert_int_equal(write_rows(sink, 10, 10), SLUICE_OK);
    assert_int_equal(stage(sink), SLUICE_OK);
    assert_int_equal(kafka_test.test->reject_count, 0);
    assert_int_equal(kafka_test_count(TOPIC, PARTITIONS), 10);
    sink_kafka_destroy(sink);
}

static void sink_puts_aside_what_the_broker_refuses_alone(void **state)
{
    (void)state;
    struct sink_kafka *sink = open_sink();
    rd_kafka_mock_push_request_errors(kafka_test.cluster, PRODUCE, 2,
                                      RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
                                      RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    assert_int_equal(write_rows(sink, 1, 10), SLUICE_OK);
    assert_int_equal(stage(sink), SLUICE_OK);
    assert_int_equal(kafka_test.test->reject_count, 1);
    assert_int_equal(kafka_test.test->rejects[0].code, SLUICE_CODE_MESSAGE_REJECTED);
    sink_kafka_destroy(sink);
}

static void sink_waits_for_a_broker_that_is_down(void **state)
{
    (void)state;
    struct sink_kafka *sink = open_sink();
    assert_int_equal(write_rows(sink, 10, 10), SLUICE_OK);
    assert_int_equal(stage(sink), SLUICE_OK);
    rd_kafka_mock_broker_set_down(kafka_test.cluster, -1);
    assert_int_equal(write_rows(sink, 10, 10), SLUICE_OK);
    assert_int_equal(stage(sink), SLUICE_RETRY);
    rd_kafka_mock_broker_set_up(kafka_test.cluster, -1);
    enum sluice_status status = SLUICE_RETRY;
    for (int i = 0; i < 24 && status == SLUICE_RETRY; i++)
        status = stage(sink);
    assert_int_equal(status, SLUICE_OK);
    assert_int_equal(kafka_test_count(TOPIC, PARTITIONS), 20);
    sink_kafka_destroy(sink);
}

static void sink_drops_what_is_under_way_when_it_is_closed(void **state)
{
    (void)state;
    struct sink_kafka *sink = open_sink();
    rd_kafka_mock_broker_set_down(kafka_test.cluster, -1);
    assert_int_equal(write_rows(sink, 1000, 10), SLUICE_OK);
    sink_kafka_close(sink);
    assert_null(sink->sent);
    sink_kafka_destroy(sink);
}

static void sink_refuses_the_embedded_broker_without_a_reader(void **state)
{
    (void)state;
    options.client.brokers = KAFKA_EMBEDDED;
    struct sink_kafka *sink = open_sink();
    assert_int_equal(write_rows(sink, 1, 10), SLUICE_CONFIG);
    assert_string_equal(error_field(kafka_test.test->error, SLUICE_AT_OPTION), "brokers");
    sink_kafka_destroy(sink);
}

static void sink_is_held_back_by_the_reader_of_the_embedded_broker(void **state)
{
    struct kafka_embedded *embedded;
    bool is_taken;
    (void)state;
    options.client.brokers = KAFKA_EMBEDDED;
    struct sink_kafka *sink = open_sink();
    assert_int_equal(kafka_embedded_get(&kafka_test.test->host, &embedded, kafka_test.test->error),
                     SLUICE_OK);
    struct kafka_embedded_reader *reader = kafka_embedded_join(embedded, TOPIC, "g", &is_taken);
    assert_non_null(reader);
    assert_null(kafka_embedded_join(embedded, TOPIC, "g", &is_taken));
    assert_true(is_taken);
    options.key = NULL;
    int64_t rows = 0;
    while (write_rows(sink, 100, 10000) == SLUICE_OK)
        rows += 100;
    assert_in_range(rows, 1000, KAFKA_EMBEDDED_PARTITIONS * KAFKA_EMBEDDED_AHEAD / 10000);
    assert_false(kafka_embedded_is_drained(embedded, reader));
    for (int32_t partition = 0; partition < KAFKA_EMBEDDED_PARTITIONS; partition++)
        kafka_embedded_read(embedded, reader, partition, 1000000);
    assert_int_equal(write_rows(sink, 100, 10000), SLUICE_OK);
    assert_int_equal(stage(sink), SLUICE_OK);
    sink_kafka_close(sink);
    assert_true(kafka_embedded_is_drained(embedded, reader));
    kafka_embedded_leave(embedded, reader);
    kafka_embedded_release(&kafka_test.test->host);
    sink_kafka_destroy(sink);
}

#define WITH_CLUSTER(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CLUSTER(sink_has_delivered_everything_when_stage_is_done),
        WITH_CLUSTER(sink_rejects_only_the_record_that_is_too_large),
        WITH_CLUSTER(sink_sends_the_records_of_a_batch_that_is_too_large_alone),
        WITH_CLUSTER(sink_puts_aside_what_the_broker_refuses_alone),
        WITH_CLUSTER(sink_waits_for_a_broker_that_is_down),
        WITH_CLUSTER(sink_drops_what_is_under_way_when_it_is_closed),
        WITH_CLUSTER(sink_refuses_the_embedded_broker_without_a_reader),
        WITH_CLUSTER(sink_is_held_back_by_the_reader_of_the_embedded_broker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
