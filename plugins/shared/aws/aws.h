/* SPDX-License-Identifier: Apache-2.0 */
/* What every AWS-compatible service needs: who we are, where it is, and a signature on each
 * request (Signature Version 4).
 *
 *   environment, profile files ──▶ aws_credentials ──┐
 *   options, environment ────────▶ region, endpoint ─┼─▶ sigv4_sign ──▶ Authorization header
 *   request (method, path, headers, payload hash) ───┘
 *
 * Credentials are read anew at each call of aws_credentials_load(): at open and after a refused
 * signature, so that a rotated key is found without a restart. Secrets never reach an error and
 * are wiped when freed. Nothing here does network I/O or keeps global state. */
#ifndef SHARED_AWS_AWS_H
#define SHARED_AWS_AWS_H

#include "aws/counted_text.h"

/* Counted strings; session_token is NULL where there is none. */
struct aws_credentials {
    char *access_key;
    char *secret_key;
    char *session_token;
    bool is_fixed; /* from the environment, which does not change while the process runs */
};

/* In this order: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (with AWS_SESSION_TOKEN), then the
 * profile AWS_PROFILE (or "default") of AWS_SHARED_CREDENTIALS_FILE (or ~/.aws/credentials), then
 * of AWS_CONFIG_FILE (or ~/.aws/config). CONFIG auth_failed, with the places that were searched,
 * where there are none. *credentials is zeroed on failure. */
enum sluice_status aws_credentials_load(const struct sluice_host *host,
                                        struct aws_credentials *credentials,
                                        struct sluice_error *error);
bool aws_credentials_equal(const struct aws_credentials *one, const struct aws_credentials *other);
/* Wipes and frees; zeroed credentials are allowed. */
void aws_credentials_reset(const struct sluice_host *host, struct aws_credentials *credentials);

/* The option, AWS_REGION, AWS_DEFAULT_REGION, or the profile's `region`; "" where none is set. */
enum sluice_status aws_region_find(const char *option, struct counted_text *region,
                                   struct sluice_error *error);
/* The option, AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL; NULL where none is set. */
const char *aws_endpoint_find(const char *option);

/* One key of one section of an INI file as the AWS tools write it. False where it is absent. */
bool aws_profile_value(const char *text, size_t size, const char *section, const char *key,
                       struct sluice_string *value);

struct sigv4_header {
    const char *name; /* lower case */
    const char *value;
};

struct sigv4_request {
    const char *method;
    const char *path;  /* encoded as it is sent */
    const char *query; /* encoded and sorted, without the question mark; "" where none */
    const struct sigv4_header *headers; /* all that are to be signed, host among them */
    size_t header_count;
    const char *payload_hash; /* hex SHA-256 of the body */
    const char *region;
    const char *service;
    const char *date; /* 20150830T123600Z, as in the x-amz-date header */
};

#define SIGV4_HEADERS_MAX 32

/* The value of the Authorization header, appended to `authorization`. */
enum sluice_status sigv4_sign(const struct sigv4_request *request,
                              const struct aws_credentials *credentials,
                              struct counted_text *authorization, struct sluice_error *error);
/* False where the crypto library refuses (FIPS set-ups without SHA-256 do not exist). */
bool sha256_hex(const void *bytes, size_t size, char hex[65]);
void hex_print(const unsigned char *bytes, size_t size, char *hex); /* 2 * size + 1 bytes */
void aws_date_print(int64_t now_ms, char date[17]);

/* Percent-encodes all but unreserved characters, with capital digits. */
void aws_encode(struct counted_text *text, const char *bytes, size_t size, bool keep_slash);

#endif
