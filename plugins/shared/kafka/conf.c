/* SPDX-License-Identifier: Apache-2.0 */
/* Options in, librdkafka configuration out. No I/O. */
#include "kafka/client.h"

#include <string.h>

const char *const kafka_sasl_names[] = {"none", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", NULL};

/* Properties that sluice sets itself, with what would break if a user set them. */
static const struct kafka_property refused[] = {
    {"bootstrap.servers", "use the option `brokers`"},
    {"metadata.broker.list", "use the option `brokers`"},
    {"security.protocol", "it follows from `tls` and `sasl_mechanism`"},
    {"sasl.mechanism", "use the option `sasl_mechanism`"},
    {"sasl.mechanisms", "use the option `sasl_mechanism`"},
    {"sasl.username", "use the option `username`"},
    {"sasl.password", "use the option `password`, which is kept out of logs"},
    {"ssl.ca.location", "use the option `tls_ca`"},
    {"ssl.certificate.location", "use the option `tls_cert`"},
    {"ssl.key.location", "use the option `tls_key`"},
    {"ssl.key.password", "use the option `tls_key_password`, which is kept out of logs"},
    {"enable.ssl.certificate.verification", "use the option `tls_verify`"},
    {"group.id", "use the option `group`"},
    {"group.instance.id", "it is made from pipeline, flow and member, so that a restart takes over "
                          "and fences what it replaces"},
    {"group.protocol", "the decision of a checkpoint needs the classic protocol"},
    {"session.timeout.ms", "use the option `session_timeout`"},
    {"partition.assignment.strategy", "use the option `assignor`"},
    {"isolation.level", "use the option `isolation`"},
    {"enable.auto.commit", "offsets are committed by checkpoints only, or rows would be lost"},
    {"auto.commit.enable", "offsets are committed by checkpoints only, or rows would be lost"},
    {"enable.auto.offset.store",
     "offsets are committed by checkpoints only, or rows would be lost"},
    {"auto.offset.reset", "a lost offset is an error with the missing range, never a silent jump; "
                          "for the first start use the option `start`"},
    {"enable.partition.eof", "the end of a `--once` run is found by it"},
    {"allow.auto.create.topics", "a source does not create topics"},
    {"queued.min.messages", "it follows from the memory budget"},
    {"queued.max.messages.kbytes", "it follows from settings.memory"},
    {"fetch.max.bytes", "it follows from settings.memory"},
    {"queue.buffering.max.kbytes", "it follows from settings.memory"},
    {"queue.buffering.max.messages", "it follows from settings.memory"},
    {"acks", "a record counts as written only when all in-sync replicas have it"},
    {"request.required.acks", "a record counts as written only when all in-sync replicas have it"},
    {"enable.idempotence", "without it retries would write records twice or out of order"},
    {"message.timeout.ms", "a record is never given up while the broker is away"},
    {"delivery.timeout.ms", "a record is never given up while the broker is away"},
    {"retries", "a record is never given up while the broker is away"},
    {"message.send.max.retries", "a record is never given up while the broker is away"},
    {"transactional.id", "sluice opens no transactions"},
    {"delivery.report.only.error", "delivered records are counted"},
    {"compression.codec", "use the option `compression`"},
    {"compression.type", "use the option `compression`"},
    {"linger.ms", "use the option `linger`"},
    {"queue.buffering.max.ms", "use the option `linger`"},
    {"test.mock.num.brokers", "use `brokers: embedded`"},
    {"plugin.library.paths", "it would load code that nobody checked"},
};

const char *kafka_property_refusal(const char *name)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        if (strcmp(refused[i].name, name) == 0)
            return refused[i].value;
    }
    return NULL;
}

static enum sluice_status refuse_option(const struct sluice_host *host, struct sluice_error *error,
                                        const char *option, const char *why)
{
    sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID, "%s", why);
    sluice_error_at(host, error, SLUICE_AT_OPTION, "%s", option);
    return SLUICE_CONFIG;
}

/* Values may be secrets: only the name is told, with librdkafka's words where it is safe. */
static enum sluice_status set_property(const struct sluice_host *host, rd_kafka_conf_t *conf,
                                       const char *name, const char *value, const char *option,
                                       struct sluice_error *error)
{
    char reason[512];
    rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, name, value, reason, sizeof reason);
    if (result == RD_KAFKA_CONF_OK)
        return SLUICE_OK;
    sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                result == RD_KAFKA_CONF_UNKNOWN
                    ? "librdkafka %s has no property `%s`"
                    : "librdkafka %s does not accept the value of its property `%s`",
                rd_kafka_version_str(), name);
    sluice_error_at(host, error, SLUICE_AT_OPTION, "%s", option);
    if (strcmp(option, "properties") == 0)
        sluice_error_at(host, error, SLUICE_AT_ITEM, "%s", name);
    return SLUICE_CONFIG;
}

static bool uses_tls(const struct kafka_client_options *options)
{
    return options->tls || options->tls_ca || options->tls_cert || options->tls_key;
}

static enum sluice_status check_security(const struct sluice_host *host,
                                         const struct kafka_client_options *options,
                                         struct sluice_error *error)
{
    bool has_login = options->sasl_mechanism != KAFKA_SASL_NONE;
    if (has_login && (!options->username || !options->password))
        return refuse_option(host, error, "sasl_mechanism",
                             "a login needs both `username` and `password`");
    if (!has_login && (options->username || options->password))
        return refuse_option(host, error, options->username ? "username" : "password",
                             "user name and password need a `sasl_mechanism`: PLAIN, "
                             "SCRAM-SHA-256 or SCRAM-SHA-512");
    if (!options->tls_cert != !options->tls_key)
        return refuse_option(host, error, options->tls_cert ? "tls_cert" : "tls_key",
                             "`tls_cert` and `tls_key` belong together");
    return SLUICE_OK;
}

static enum sluice_status set_security(const struct sluice_host *host, rd_kafka_conf_t *conf,
                                       const struct kafka_client_options *options,
                                       struct sluice_error *error)
{
    static const char *const protocols[2][2] = {{"plaintext", "ssl"},
                                                {"sasl_plaintext", "sasl_ssl"}};
    bool has_login = options->sasl_mechanism != KAFKA_SASL_NONE;
    const struct {
        const char *name, *value, *option;
    } settings[] = {
        {"security.protocol", protocols[has_login][uses_tls(options)], "tls"},
        {"sasl.mechanism", has_login ? kafka_sasl_names[options->sasl_mechanism] : NULL,
         "sasl_mechanism"},
        {"sasl.username", options->username, "username"},
        {"sasl.password", options->password, "password"},
        {"ssl.ca.location", options->tls_ca, "tls_ca"},
        {"ssl.certificate.location", options->tls_cert, "tls_cert"},
        {"ssl.key.location", options->tls_key, "tls_key"},
        {"ssl.key.password", options->tls_key_password, "tls_key_password"},
        {"enable.ssl.certificate.verification", options->tls_verify ? NULL : "false", "tls_verify"},
        /* 2.0.2 checks the chain only unless told to check the name, too. */
        {"ssl.endpoint.identification.algorithm",
         uses_tls(options) ? (options->tls_verify ? "https" : "none") : NULL, "tls_verify"},
    };
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        if (!settings[i].value)
            continue;
        enum sluice_status status = set_property(host, conf, settings[i].name, settings[i].value,
                                                 settings[i].option, error);
        if (status != SLUICE_OK)
            return status;
    }
    return SLUICE_OK;
}

static enum sluice_status set_user_properties(const struct sluice_host *host, rd_kafka_conf_t *conf,
                                              const struct sluice_pairs *properties,
                                              struct sluice_error *error)
{
    for (size_t i = 0; i < properties->count; i++) {
        const char *name = properties->keys[i];
        const char *why = kafka_property_refusal(name);
        if (why) {
            sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                        "the property `%s` cannot be set: %s", name, why);
            sluice_error_at(host, error, SLUICE_AT_OPTION, "properties");
            sluice_error_at(host, error, SLUICE_AT_ITEM, "%s", name);
            return SLUICE_CONFIG;
        }
        enum sluice_status status =
            set_property(host, conf, name, properties->values[i], "properties", error);
        if (status != SLUICE_OK)
            return status;
    }
    return SLUICE_OK;
}

enum sluice_status kafka_conf_create(const struct sluice_host *host,
                                     const struct kafka_client_options *options,
                                     const struct kafka_property *own, rd_kafka_conf_t **conf,
                                     struct sluice_error *error)
{
    *conf = NULL;
    enum sluice_status status = check_security(host, options, error);
    if (status != SLUICE_OK)
        return status;
    if (options->brokers[0] == '\0')
        return refuse_option(host, error, "brokers",
                             "no broker is named: give one address or more, or `embedded`");
    rd_kafka_conf_t *made = rd_kafka_conf_new();
    if (!kafka_is_embedded(options)) {
        status = set_property(host, made, "bootstrap.servers", options->brokers, "brokers", error);
        /* A broker that is back is to be found soon: 10 s by default, a session's time. */
        if (status == SLUICE_OK)
            status = set_property(host, made, "reconnect.backoff.max.ms", "1000", "brokers", error);
        if (status == SLUICE_OK)
            status = set_security(host, made, options, error);
    }
    for (size_t i = 0; status == SLUICE_OK && own[i].name; i++)
        status = set_property(host, made, own[i].name, own[i].value, "properties", error);
    if (status == SLUICE_OK)
        status = set_user_properties(host, made, &options->properties, error);
    if (status != SLUICE_OK) {
        rd_kafka_conf_destroy(made);
        return status;
    }
    *conf = made;
    return SLUICE_OK;
}
