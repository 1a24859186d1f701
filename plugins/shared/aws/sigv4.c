/* SPDX-License-Identifier: Apache-2.0 */
/* Signature Version 4: canonical request, string to sign, signing key, signature. The path is
 * taken as it is sent, which is the rule for S3 (encoded once, not normalised). */
#include "aws/aws.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#define HASH_SIZE 32

void hex_print(const unsigned char *bytes, size_t size, char *hex)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    hex[2 * size] = '\0';
}

bool sha256_hex(const void *bytes, size_t size, char hex[65])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    hex[0] = '\0';
    if (EVP_Digest(bytes, size, hash, NULL, EVP_sha256(), NULL) != 1) {
        return false;
    }
    hex_print(hash, HASH_SIZE, hex);
    return true;
}

static bool hmac_text(const unsigned char *key, size_t key_size, const char *message,
                      unsigned char hash[HASH_SIZE])
{
    unsigned int size = 0;
    return HMAC(EVP_sha256(), key, (int)key_size, (const unsigned char *)message, strlen(message),
                hash, &size) &&
           size == HASH_SIZE;
}

void aws_date_print(int64_t now_ms, char date[17])
{
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm parts;
    memset(&parts, 0, sizeof parts);
    gmtime_r(&seconds, &parts);
    strftime(date, 17, "%Y%m%dT%H%M%SZ", &parts);
}

void aws_encode(struct counted_text *text, const char *bytes, size_t size, bool keep_slash)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        bool is_letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
        bool is_digit = byte >= '0' && byte <= '9';
        bool is_mark = byte == '-' || byte == '.' || byte == '_' || byte == '~';
        if (is_letter || is_digit || is_mark || (keep_slash && byte == '/')) {
            counted_add_bytes(text, bytes + i, 1);
        } else {
            char encoded[3] = {'%', digits[byte >> 4], digits[byte & 15]};
            counted_add_bytes(text, encoded, sizeof encoded);
        }
    }
}

static int compare_headers(const void *one, const void *other)
{
    const struct sigv4_header *left = one;
    const struct sigv4_header *right = other;
    return strcmp(left->name, right->name);
}

/* Spaces at the ends go, runs of spaces inside become one. */
static void add_trimmed(struct counted_text *text, const char *value)
{
    bool is_pending = false;
    bool has_begun = false;
    for (; *value; value++) {
        if (*value == ' ' || *value == '\t') {
            is_pending = has_begun;
            continue;
        }
        if (is_pending) {
            counted_add_bytes(text, " ", 1);
            is_pending = false;
        }
        counted_add_bytes(text, value, 1);
        has_begun = true;
    }
}

static void add_canonical(struct counted_text *canonical, struct counted_text *names,
                          const struct sigv4_request *request)
{
    struct sigv4_header headers[SIGV4_HEADERS_MAX];
    memcpy(headers, request->headers, request->header_count * sizeof headers[0]);
    qsort(headers, request->header_count, sizeof headers[0], compare_headers);

    counted_print(canonical, "%s\n%s\n%s\n", request->method, request->path, request->query);
    for (size_t i = 0; i < request->header_count; i++) {
        counted_print(canonical, "%s:", headers[i].name);
        add_trimmed(canonical, headers[i].value);
        counted_add(canonical, "\n");
        counted_print(names, "%s%s", i > 0 ? ";" : "", headers[i].name);
    }
    counted_print(canonical, "\n%s\n%s", counted_get(names), request->payload_hash);
}

static bool derive_signature(const struct sigv4_request *request, const char *secret_key,
                             const char *to_sign, struct counted_text *seed, char signature[65])
{
    unsigned char key[HASH_SIZE];
    unsigned char hash[HASH_SIZE];
    char day[9];
    memcpy(day, request->date, 8);
    day[8] = '\0';
    counted_print(seed, "AWS4%s", secret_key);
    bool is_done =
        !seed->has_failed &&
        hmac_text((const unsigned char *)counted_get(seed), seed->buffer.size, day, key) &&
        hmac_text(key, HASH_SIZE, request->region, hash) &&
        hmac_text(hash, HASH_SIZE, request->service, key) &&
        hmac_text(key, HASH_SIZE, "aws4_request", hash) && hmac_text(hash, HASH_SIZE, to_sign, key);
    if (is_done) {
        hex_print(key, HASH_SIZE, signature);
    }
    OPENSSL_cleanse(hash, sizeof hash);
    if (seed->buffer.data) {
        OPENSSL_cleanse(seed->buffer.data, seed->buffer.size);
    }
    return is_done;
}

enum sluice_status sigv4_sign(const struct sigv4_request *request,
                              const struct aws_credentials *credentials,
                              struct counted_text *authorization, struct sluice_error *error)
{
    const struct sluice_host *host = authorization->host;
    if (request->header_count > SIGV4_HEADERS_MAX || strlen(request->date) != 16) {
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_INTERNAL,
                           "a request to sign has %zu headers and the date \"%s\"",
                           request->header_count, request->date);
    }
    struct counted_text canonical, names, scope, to_sign, seed;
    counted_init(&canonical, host);
    counted_init(&names, host);
    counted_init(&scope, host);
    counted_init(&to_sign, host);
    counted_init(&seed, host);
    char hash[65] = "";
    char signature[65] = "";

    add_canonical(&canonical, &names, request);
    counted_print(&scope, "%.8s/%s/%s/aws4_request", request->date, request->region,
                  request->service);
    bool is_done = !canonical.has_failed && !names.has_failed &&
                   sha256_hex(counted_get(&canonical), canonical.buffer.size, hash);
    counted_print(&to_sign, "AWS4-HMAC-SHA256\n%s\n%s\n%s", request->date, counted_get(&scope),
                  hash);
    is_done =
        is_done && !to_sign.has_failed && !scope.has_failed &&
        derive_signature(request, credentials->secret_key, counted_get(&to_sign), &seed, signature);
    counted_print(authorization,
                  "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s",
                  credentials->access_key, counted_get(&scope), counted_get(&names), signature);

    counted_free(&canonical);
    counted_free(&names);
    counted_free(&scope);
    counted_free(&to_sign);
    counted_free(&seed);
    if (!is_done) {
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_INTERNAL,
                           "a request could not be signed: no memory, or no SHA-256");
    }
    return counted_check(authorization, error);
}
