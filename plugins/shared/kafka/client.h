/* SPDX-License-Identifier: Apache-2.0 */
/* What our Kafka source and sink share: the options that reach and secure a cluster, the librdkafka
 * handle made from them, and how its errors are told to the user.
 *
 *     options ─kafka_conf_create─▶ rd_kafka_conf_t ─kafka_client_open─▶ handle ─connect─▶ answers
 *
 * librdkafka reports what happens on its own (logins refused, brokers gone) through callbacks that
 * run inside poll and consume calls, so on the instance's thread: they are kept in the client and
 * asked for with kafka_client_check(). Nothing here retries or sleeps beyond the given timeouts. */
#ifndef SLUICE_SHARED_KAFKA_CLIENT_H
#define SLUICE_SHARED_KAFKA_CLIENT_H

#include <librdkafka/rdkafka.h>
#include <sluice/plugin.h>
#include <stdatomic.h>

enum kafka_sasl {
    KAFKA_SASL_NONE = 0,
    KAFKA_SASL_PLAIN,
    KAFKA_SASL_SCRAM_256,
    KAFKA_SASL_SCRAM_512
};

extern const char *const kafka_sasl_names[];

/* Value of `brokers` that means the in-process broker (embedded.h). */
#define KAFKA_EMBEDDED "embedded"

struct kafka_client_options {
    const char *brokers;
    bool tls;
    const char *tls_ca;
    const char *tls_cert;
    const char *tls_key;
    const char *tls_key_password;
    bool tls_verify;
    int sasl_mechanism; /* enum kafka_sasl */
    const char *username;
    const char *password;
    struct sluice_pairs properties;
};

/* A librdkafka property that a component sets itself. */
struct kafka_property {
    const char *name;
    const char *value;
};

static inline bool kafka_is_embedded(const struct kafka_client_options *options)
{
    return __builtin_strcmp(options->brokers, KAFKA_EMBEDDED) == 0;
}

/* Checks the options and makes a configuration from `own`, which ends with a NULL name, and from
 * them: the user's properties go last. Without brokers where those are embedded. CONFIG names the
 * option. */
enum sluice_status kafka_conf_create(const struct sluice_host *host,
                                     const struct kafka_client_options *options,
                                     const struct kafka_property *own, rd_kafka_conf_t **conf,
                                     struct sluice_error *error);
/* Why a user may not set the property; NULL: he may. */
const char *kafka_property_refusal(const char *name);

struct kafka_client {
    const struct sluice_host *host;
    void *owner; /* the component, for its own callbacks; librdkafka's opaque is the client */
    rd_kafka_t *rk;
    bool uses_scram;
    bool is_down;                   /* no broker could be reached lately */
    rd_kafka_resp_err_t last_error; /* newest error that librdkafka reported on its own */
    char last_reason[512];
};

/* Sets the callbacks on conf and makes the handle. Takes conf, also on failure. */
enum sluice_status kafka_client_open(struct kafka_client *client, rd_kafka_type_t type,
                                     rd_kafka_conf_t *conf, struct sluice_error *error);
/* Waits until a broker answers. RETRY connect_failed where none does; FATAL where the login or the
 * certificate is refused. */
enum sluice_status kafka_client_connect(struct kafka_client *client, int timeout_ms,
                                        const atomic_bool *is_cancelled,
                                        struct sluice_error *error);
/* FATAL where librdkafka has reported what no waiting will cure: a refused login, a fenced member,
 * a broken idempotent producer. */
enum sluice_status kafka_client_check(struct kafka_client *client, struct sluice_error *error);
/* Ends the connection without leaving the group: a static member stays one until its session
 * ends. Any state. */
void kafka_client_close(struct kafka_client *client);

/* Fills error for a librdkafka error: "WHAT: REASON". RETRY where waiting can help, else FATAL. */
enum sluice_status kafka_fail(const struct sluice_host *host, struct sluice_error *error,
                              rd_kafka_resp_err_t reason, const char *what);

#endif
