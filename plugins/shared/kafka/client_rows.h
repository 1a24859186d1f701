/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SLUICE_SHARED_KAFKA_CLIENT_ROWS_H
#define SLUICE_SHARED_KAFKA_CLIENT_ROWS_H

#include "kafka/client.h"

/* The rows of these options, for the table of a component whose options struct `type` has them as
 * `member`. */
#define KAFKA_CLIENT_OPTIONS(type, member)                                                         \
    {.name = "brokers",                                                                            \
     .kind = SLUICE_OPTION_STRING,                                                                 \
     .is_required = true,                                                                          \
     .offset = offsetof(type, member.brokers),                                                     \
     .text = "Bootstrap addresses, separated by commas; `embedded` is a broker inside this "       \
             "process, for demos and tests.",                                                      \
     .example = "kafka-1:9092,kafka-2:9092"},                                                      \
        {.name = "tls",                                                                            \
         .kind = SLUICE_OPTION_BOOL,                                                               \
         .default_text = "false",                                                                  \
         .offset = offsetof(type, member.tls),                                                     \
         .text = "Talk TLS; any other tls_ option with a file turns it on, too.",                  \
         .example = "true"},                                                                       \
        {.name = "tls_ca",                                                                         \
         .kind = SLUICE_OPTION_PATH,                                                               \
         .offset = offsetof(type, member.tls_ca),                                                  \
         .text = "File with the CA certificates to trust instead of the system's.",                \
         .example = "/etc/sluice/ca.pem"},                                                         \
        {.name = "tls_cert",                                                                       \
         .kind = SLUICE_OPTION_PATH,                                                               \
         .offset = offsetof(type, member.tls_cert),                                                \
         .text = "Client certificate file (PEM).",                                                 \
         .example = "/etc/sluice/client.pem"},                                                     \
        {.name = "tls_key",                                                                        \
         .kind = SLUICE_OPTION_PATH,                                                               \
         .offset = offsetof(type, member.tls_key),                                                 \
         .text = "Private key file of the client certificate (PEM).",                              \
         .example = "/etc/sluice/client.key"},                                                     \
        {.name = "tls_key_password",                                                               \
         .kind = SLUICE_OPTION_SECRET,                                                             \
         .offset = offsetof(type, member.tls_key_password),                                        \
         .text = "Password of the private key file.",                                              \
         .example = "${file:/run/secrets/key}"},                                                   \
        {.name = "tls_verify",                                                                     \
         .kind = SLUICE_OPTION_BOOL,                                                               \
         .default_text = "true",                                                                   \
         .offset = offsetof(type, member.tls_verify),                                              \
         .text = "Check the broker's certificate and name. Turn off for tests only.",              \
         .example = "true"},                                                                       \
        {.name = "sasl_mechanism",                                                                 \
         .kind = SLUICE_OPTION_ENUM,                                                               \
         .default_text = "none",                                                                   \
         .allowed = kafka_sasl_names,                                                              \
         .offset = offsetof(type, member.sasl_mechanism),                                          \
         .text = "How to log in. SCRAM with brokers from 4.0 on needs librdkafka 2.6.1 or later.", \
         .example = "SCRAM-SHA-512"},                                                              \
        {.name = "username",                                                                       \
         .kind = SLUICE_OPTION_STRING,                                                             \
         .offset = offsetof(type, member.username),                                                \
         .text = "User name of the login.",                                                        \
         .example = "sluice"},                                                                     \
        {.name = "password",                                                                       \
         .kind = SLUICE_OPTION_SECRET,                                                             \
         .offset = offsetof(type, member.password),                                                \
         .text = "Password of the login.",                                                         \
         .example = "${KAFKA_PASSWORD}"},                                                          \
    {                                                                                              \
        .name = "properties", .kind = SLUICE_OPTION_MAP,                                           \
        .offset = offsetof(type, member.properties),                                               \
        .text =                                                                                    \
            "Further librdkafka properties. Those that delivery or the memory budget rests on "    \
            "are refused, with the reason.",                                                       \
        .example = "{client.rack: eu-1a}"                                                          \
    }

#endif
