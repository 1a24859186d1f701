/* SPDX-License-Identifier: Apache-2.0 */
/* The librdkafka handle: its callbacks, the first contact, the end. */
#include "kafka/client.h"

#include <stdio.h>
#include <string.h>

/* From this version on SCRAM works with Kafka 4 brokers. */
#define SCRAM_FIXED_VERSION 0x020601ff

/* Runs on librdkafka's threads. Its own words repeat themselves: for debugging only. */
static void pass_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    struct kafka_client *client = rd_kafka_opaque(rk);
    (void)level;
    const struct sluice_log_field fields[] = {{"facility", facility}};
    sluice_log(client->host, SLUICE_LOG_DEBUG, fields, 1, "librdkafka: %s", text);
}

static bool is_outage(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || code == RD_KAFKA_RESP_ERR__TRANSPORT ||
           code == RD_KAFKA_RESP_ERR__RESOLVE || code == RD_KAFKA_RESP_ERR__TIMED_OUT;
}

static bool is_login_refusal(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__AUTHENTICATION ||
           code == RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED ||
           code == RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM;
}

static void note_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
    struct kafka_client *client = opaque;
    (void)rk;
    if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
        if (!client->is_down)
            sluice_log(client->host, SLUICE_LOG_WARN, NULL, 0,
                       "no Kafka broker can be reached, waiting for one: %s",
                       client->last_reason[0] ? client->last_reason : reason);
        client->is_down = true;
        if (client->last_error != RD_KAFKA_RESP_ERR_NO_ERROR)
            return; /* the reason before it says more */
    }
    /* What is definite is not overwritten by the outages that follow from it. */
    if (is_outage((rd_kafka_resp_err_t)code) &&
        (is_login_refusal(client->last_error) || client->last_error == RD_KAFKA_RESP_ERR__SSL))
        return;
    client->last_error = (rd_kafka_resp_err_t)code;
    snprintf(client->last_reason, sizeof client->last_reason, "%s", reason);
}

enum sluice_status kafka_client_open(struct kafka_client *client, rd_kafka_type_t type,
                                     rd_kafka_conf_t *conf, struct sluice_error *error)
{
    char reason[512] = "";
    client->rk = NULL;
    client->last_error = RD_KAFKA_RESP_ERR_NO_ERROR;
    client->last_reason[0] = '\0';
    rd_kafka_conf_set_opaque(conf, client);
    rd_kafka_conf_set_error_cb(conf, note_error);
    rd_kafka_conf_set_log_cb(conf, pass_log);
    client->rk = rd_kafka_new(type, conf, reason, sizeof reason);
    if (client->rk)
        return SLUICE_OK;
    rd_kafka_conf_destroy(conf);
    bool is_tls = strstr(reason, "ssl.") || strstr(reason, "SSL");
    return sluice_fail(client->host, error, SLUICE_CONFIG,
                       is_tls ? SLUICE_CODE_TLS_FAILED : SLUICE_CODE_CONFIG_INVALID,
                       "the Kafka client cannot be set up: %s", reason);
}

static enum sluice_status fail_login(const struct kafka_client *client, struct sluice_error *error)
{
    sluice_fail(client->host, error, SLUICE_FATAL, SLUICE_CODE_AUTH_FAILED,
                "the Kafka broker refused the login; check `sasl_mechanism`, `username` and "
                "`password`");
    sluice_error_because(client->host, error, "%s", client->last_reason);
    if (client->uses_scram && rd_kafka_version() < SCRAM_FIXED_VERSION)
        sluice_error_because(client->host, error,
                             "librdkafka %s cannot log in with SCRAM to brokers from 4.0 on: "
                             "use 2.6.1 or later, or PLAIN over TLS",
                             rd_kafka_version_str());
    return SLUICE_FATAL;
}

enum sluice_status kafka_client_check(struct kafka_client *client, struct sluice_error *error)
{
    if (is_login_refusal(client->last_error))
        return fail_login(client, error);
    char reason[512];
    rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(client->rk, reason, sizeof reason);
    if (fatal == RD_KAFKA_RESP_ERR_NO_ERROR)
        return SLUICE_OK;
    if (fatal == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID || fatal == RD_KAFKA_RESP_ERR__FENCED)
        return kafka_fail(client->host, error, fatal, "the Kafka client was shut out");
    return sluice_fail(client->host, error, SLUICE_FATAL, SLUICE_CODE_DELIVERY_FAILED,
                       "the Kafka client gave up: %s", reason);
}

enum sluice_status kafka_client_connect(struct kafka_client *client, int timeout_ms,
                                        const atomic_bool *is_cancelled, struct sluice_error *error)
{
    const struct sluice_host *host = client->host;
    int64_t deadline_ms = sluice_monotonic_ms(host) + timeout_ms;
    do {
        const struct rd_kafka_metadata *metadata = NULL;
        rd_kafka_resp_err_t result = rd_kafka_metadata(client->rk, 0, NULL, &metadata, 200);
        if (result == RD_KAFKA_RESP_ERR_NO_ERROR) {
            rd_kafka_metadata_destroy(metadata);
            client->is_down = false;
            return SLUICE_OK;
        }
        rd_kafka_poll(client->rk, 50);
        enum sluice_status status = kafka_client_check(client, error);
        if (status != SLUICE_OK)
            return status;
        if (client->last_error == RD_KAFKA_RESP_ERR__SSL) {
            sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_TLS_FAILED,
                        "no trusted TLS connection to the Kafka broker; check `tls_ca` and that "
                        "the address is a TLS listener");
            sluice_error_because(host, error, "%s", client->last_reason);
            return SLUICE_FATAL;
        }
    } while (sluice_monotonic_ms(host) < deadline_ms && !atomic_load(is_cancelled));
    sluice_fail(host, error, SLUICE_RETRY, SLUICE_CODE_CONNECT_FAILED,
                "no Kafka broker can be reached");
    if (client->last_reason[0])
        sluice_error_because(host, error, "%s", client->last_reason);
    return SLUICE_RETRY;
}

void kafka_client_close(struct kafka_client *client)
{
    if (client->rk)
        rd_kafka_destroy_flags(client->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    client->rk = NULL;
}

static const struct {
    rd_kafka_resp_err_t reason;
    enum sluice_status status;
    enum sluice_code code;
} meanings[] = {
    {RD_KAFKA_RESP_ERR__TIMED_OUT, SLUICE_RETRY, SLUICE_CODE_TIMEOUT},
    {RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE, SLUICE_RETRY, SLUICE_CODE_TIMEOUT},
    {RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, SLUICE_RETRY, SLUICE_CODE_TIMEOUT},
    {RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, SLUICE_FATAL, SLUICE_CODE_DELIVERY_FAILED},
    {RD_KAFKA_RESP_ERR__TRANSPORT, SLUICE_RETRY, SLUICE_CODE_CONNECT_FAILED},
    {RD_KAFKA_RESP_ERR__RESOLVE, SLUICE_RETRY, SLUICE_CODE_CONNECT_FAILED},
    {RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, SLUICE_RETRY, SLUICE_CODE_CONNECT_FAILED},
    {RD_KAFKA_RESP_ERR__WAIT_COORD, SLUICE_RETRY, SLUICE_CODE_UNAVAILABLE},
    {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, SLUICE_FATAL, SLUICE_CODE_NOT_FOUND},
    {RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, SLUICE_FATAL, SLUICE_CODE_NOT_FOUND},
    {RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, SLUICE_FATAL, SLUICE_CODE_NOT_FOUND},
    {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, SLUICE_FATAL, SLUICE_CODE_PERMISSION_DENIED},
    {RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, SLUICE_FATAL, SLUICE_CODE_PERMISSION_DENIED},
    {RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, SLUICE_FATAL, SLUICE_CODE_PERMISSION_DENIED},
    {RD_KAFKA_RESP_ERR__AUTHENTICATION, SLUICE_FATAL, SLUICE_CODE_AUTH_FAILED},
    {RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, SLUICE_FATAL, SLUICE_CODE_AUTH_FAILED},
    {RD_KAFKA_RESP_ERR__SSL, SLUICE_FATAL, SLUICE_CODE_TLS_FAILED},
    {RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, SLUICE_FATAL, SLUICE_CODE_FENCED},
    {RD_KAFKA_RESP_ERR__FENCED, SLUICE_FATAL, SLUICE_CODE_FENCED},
    {RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE, SLUICE_FATAL, SLUICE_CODE_INTERNAL},
    {RD_KAFKA_RESP_ERR_INVALID_COMMIT_OFFSET_SIZE, SLUICE_FATAL, SLUICE_CODE_INTERNAL},
    {RD_KAFKA_RESP_ERR__BAD_MSG, SLUICE_FATAL, SLUICE_CODE_PROTOCOL_ERROR},
    {RD_KAFKA_RESP_ERR__BAD_COMPRESSION, SLUICE_FATAL, SLUICE_CODE_COMPRESSION_CORRUPT},
    {RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED, SLUICE_FATAL, SLUICE_CODE_PROTOCOL_ERROR},
};

enum sluice_status kafka_fail(const struct sluice_host *host, struct sluice_error *error,
                              rd_kafka_resp_err_t reason, const char *what)
{
    /* What is not listed is mostly a cluster in transition: leader elections, coordinator moves. */
    enum sluice_status status = SLUICE_RETRY;
    enum sluice_code code = SLUICE_CODE_UNAVAILABLE;
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
        if (meanings[i].reason == reason) {
            status = meanings[i].status;
            code = meanings[i].code;
        }
    }
    if (code == SLUICE_CODE_FENCED)
        return sluice_fail(host, error, status, code,
                           "%s: another process has taken over this member of the group; end one "
                           "of the two, or give each its own `settings.member`",
                           what);
    return sluice_fail(host, error, status, code, "%s: %s", what, rd_kafka_err2str(reason));
}
