/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/client.h"
#include "kafka_test.h"

#include <string.h>

static const struct kafka_property own[] = {{"group.id", "g"}, {0}};

static struct kafka_client_options plain_options(void)
{
    return (struct kafka_client_options){.brokers = "127.0.0.1:9", .tls_verify = true};
}

static int start(void **state)
{
    (void)state;
    kafka_test_start();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    kafka_test_stop();
    return 0;
}

static enum sluice_status create(const struct kafka_client_options *options, rd_kafka_conf_t **conf)
{
    return kafka_conf_create(&kafka_test.test->host, options, own, conf, kafka_test.test->error);
}

static void assert_property(const rd_kafka_conf_t *conf, const char *name, const char *wanted)
{
    char value[256];
    size_t size = sizeof value;
    assert_int_equal(rd_kafka_conf_get(conf, name, value, &size), RD_KAFKA_CONF_OK);
    assert_string_equal(value, wanted);
}

static void conf_follows_from_login_and_tls(void **state)
{
    static const struct {
        bool tls;
        int mechanism;
        const char *protocol;
    } cases[] = {{false, KAFKA_SASL_NONE, "plaintext"},
                 {true, KAFKA_SASL_NONE, "ssl"},
                 {false, KAFKA_SASL_PLAIN, "sasl_plaintext"},
                 {true, KAFKA_SASL_SCRAM_512, "sasl_ssl"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct kafka_client_options options = plain_options();
        rd_kafka_conf_t *conf;
        options.tls = cases[i].tls;
        options.sasl_mechanism = cases[i].mechanism;
        options.username = options.password = cases[i].mechanism ? "x" : NULL;
        assert_int_equal(create(&options, &conf), SLUICE_OK);
        assert_property(conf, "security.protocol", cases[i].protocol);
        if (cases[i].tls)
            assert_property(conf, "ssl.endpoint.identification.algorithm", "https");
        rd_kafka_conf_destroy(conf);
    }
}

static void conf_refuses_properties_that_delivery_rests_on(void **state)
{
    static const char *const names[] = {"enable.auto.commit", "group.id", "acks",
                                        "auto.offset.reset", "sasl.password"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        static const char *const value = "v";
        struct kafka_client_options options = plain_options();
        rd_kafka_conf_t *conf;
        options.properties = (struct sluice_pairs){1, &names[i], &value};
        assert_int_equal(create(&options, &conf), SLUICE_CONFIG);
        assert_null(conf);
        assert_non_null(strstr(error_message(kafka_test.test->error), names[i]));
        assert_string_equal(error_field(kafka_test.test->error, SLUICE_AT_OPTION), "properties");
        assert_string_equal(error_field(kafka_test.test->error, SLUICE_AT_ITEM), names[i]);
    }
}

static void conf_names_unknown_properties_but_never_values(void **state)
{
    static const char *const names[] = {"no.such.property", "ssl.key.pem", "client.rack"};
    static const char *const values[] = {"s3cret", "s3cret", "eu"};
    struct kafka_client_options options = plain_options();
    rd_kafka_conf_t *conf;
    (void)state;
    options.properties = (struct sluice_pairs){1, names, values};
    assert_int_equal(create(&options, &conf), SLUICE_CONFIG);
    assert_null(strstr(error_message(kafka_test.test->error), "s3cret"));
    options.properties = (struct sluice_pairs){1, names + 2, values + 2};
    assert_int_equal(create(&options, &conf), SLUICE_OK);
    assert_property(conf, "client.rack", "eu");
    rd_kafka_conf_destroy(conf);
}

static void conf_refuses_half_a_login_and_half_a_certificate(void **state)
{
    struct kafka_client_options options = plain_options();
    rd_kafka_conf_t *conf;
    (void)state;
    options.sasl_mechanism = KAFKA_SASL_PLAIN;
    assert_int_equal(create(&options, &conf), SLUICE_CONFIG);
    options = plain_options();
    options.password = "s3cret";
    assert_int_equal(create(&options, &conf), SLUICE_CONFIG);
    assert_null(strstr(error_message(kafka_test.test->error), "s3cret"));
    options = plain_options();
    options.tls_cert = "c.pem";
    assert_int_equal(create(&options, &conf), SLUICE_CONFIG);
    assert_string_equal(error_field(kafka_test.test->error, SLUICE_AT_OPTION), "tls_cert");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(conf_follows_from_login_and_tls, start, stop),
        cmocka_unit_test_setup_teardown(conf_refuses_properties_that_delivery_rests_on, start,
                                        stop),
        cmocka_unit_test_setup_teardown(conf_names_unknown_properties_but_never_values, start,
                                        stop),
        cmocka_unit_test_setup_teardown(conf_refuses_half_a_login_and_half_a_certificate, start,
                                        stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
