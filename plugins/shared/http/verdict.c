/* SPDX-License-Identifier: Apache-2.0 */
/* What the end of an exchange means: a status for the core and a sentence for the user. */
#include "exchange.h"

#include <string.h>

struct status_meaning {
    int status;
    enum sluice_status verdict;
    enum sluice_code code;
    const char *text;
};

/* Statuses that have a meaning of their own; the rest goes by its hundred. */
static const struct status_meaning meanings[] = {
    {401, SLUICE_CONFIG, SLUICE_CODE_AUTH_FAILED,
     "it did not accept the credentials; check user, password or key"},
    {403, SLUICE_CONFIG, SLUICE_CODE_PERMISSION_DENIED,
     "these credentials are not allowed to do this"},
    {404, SLUICE_OK, SLUICE_CODE_NONE, ""},
    {407, SLUICE_CONFIG, SLUICE_CODE_AUTH_FAILED,
     "the proxy wants credentials; put them into the proxy's URL"},
    {408, SLUICE_RETRY, SLUICE_CODE_TIMEOUT, "the request reached it too slowly"},
    {409, SLUICE_OK, SLUICE_CODE_NONE, ""},
    {412, SLUICE_OK, SLUICE_CODE_NONE, ""},
    {413, SLUICE_FATAL, SLUICE_CODE_HTTP_STATUS,
     "the request is larger than it accepts; send smaller ones"},
    {425, SLUICE_RETRY, SLUICE_CODE_UNAVAILABLE, "it wants the request again, later"},
    {429, SLUICE_RETRY, SLUICE_CODE_THROTTLED, "it asks to slow down"},
    {501, SLUICE_FATAL, SLUICE_CODE_HTTP_STATUS, "it does not know this kind of request"},
    {502, SLUICE_RETRY, SLUICE_CODE_UNAVAILABLE, "the gateway got no good answer behind it"},
    {503, SLUICE_RETRY, SLUICE_CODE_UNAVAILABLE, "it cannot serve requests now"},
    {504, SLUICE_RETRY, SLUICE_CODE_TIMEOUT, "the gateway got no answer behind it in time"},
    {505, SLUICE_FATAL, SLUICE_CODE_HTTP_STATUS, "it does not speak HTTP/1.1"},
};

static struct status_meaning find_meaning(int status)
{
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
        if (meanings[i].status == status) {
            return meanings[i];
        }
    }
    if (status >= 200 && status < 400) {
        return (struct status_meaning){status, SLUICE_OK, SLUICE_CODE_NONE, ""};
    }
    if (status >= 500) {
        return (struct status_meaning){status, SLUICE_RETRY, SLUICE_CODE_HTTP_STATUS,
                                       "it failed to serve the request"};
    }
    return (struct status_meaning){status, SLUICE_FATAL, SLUICE_CODE_HTTP_STATUS,
                                   "it does not accept the request as it is"};
}

static enum sluice_status judge_answer(const struct http_exchange *exchange,
                                       struct sluice_error *error)
{
    const struct sluice_host *host = exchange->host;
    struct status_meaning meaning = find_meaning(exchange->status);
    if (meaning.verdict == SLUICE_OK) {
        return SLUICE_OK;
    }
    sluice_fail(host, error, meaning.verdict, meaning.code, "%s answered HTTP %d: %s",
                exchange->label, exchange->status, meaning.text);
    sluice_error_at(host, error, SLUICE_AT_HTTP_STATUS, "%d", exchange->status);
    const char *retry_after = http_response_header(exchange, "Retry-After");
    if (meaning.verdict == SLUICE_RETRY && retry_after) {
        int64_t delay_ms = retry_after_parse(retry_after, sluice_now_ms(host));
        if (delay_ms >= 0) {
            sluice_error_retry_after(host, error, delay_ms);
        }
    }
    return meaning.verdict;
}

struct curl_meaning {
    CURLcode curl_code;
    enum sluice_status verdict;
    enum sluice_code code;
    const char *format; /* takes host:port */
};

static const struct curl_meaning curl_meanings[] = {
    {CURLE_COULDNT_RESOLVE_HOST, SLUICE_RETRY, SLUICE_CODE_CONNECT_FAILED,
     "cannot find the address of %s; check the host name"},
    {CURLE_COULDNT_RESOLVE_PROXY, SLUICE_RETRY, SLUICE_CODE_CONNECT_FAILED,
     "cannot find the address of the proxy for %s; check the proxy option"},
    {CURLE_COULDNT_CONNECT, SLUICE_RETRY, SLUICE_CODE_CONNECT_FAILED,
     "cannot connect to %s; check that the server runs and that host and port are right"},
    {CURLE_PROXY, SLUICE_RETRY, SLUICE_CODE_CONNECT_FAILED,
     "cannot connect to %s through the proxy; check the proxy option"},
    {CURLE_OPERATION_TIMEDOUT, SLUICE_RETRY, SLUICE_CODE_TIMEOUT,
     "no connection to %s within connect_timeout"},
    {CURLE_PEER_FAILED_VERIFICATION, SLUICE_CONFIG, SLUICE_CODE_TLS_FAILED,
     "the certificate of %s cannot be trusted; name the CA that signed it in tls_ca, and use the "
     "host name that it was made for"},
    {CURLE_SSL_CACERT_BADFILE, SLUICE_CONFIG, SLUICE_CODE_TLS_FAILED,
     "the CA certificates for %s cannot be read; check tls_ca"},
    {CURLE_SSL_ISSUER_ERROR, SLUICE_CONFIG, SLUICE_CODE_TLS_FAILED,
     "the issuer of the certificate of %s is not the expected one; check tls_ca"},
    {CURLE_SSL_CERTPROBLEM, SLUICE_CONFIG, SLUICE_CODE_TLS_FAILED,
     "the client certificate for %s cannot be used; check tls_cert and tls_key"},
    {CURLE_SSL_INVALIDCERTSTATUS, SLUICE_CONFIG, SLUICE_CODE_TLS_FAILED,
     "the certificate of %s is not valid any more"},
    {CURLE_SSL_CONNECT_ERROR, SLUICE_RETRY, SLUICE_CODE_TLS_FAILED,
     "the TLS handshake with %s failed"},
    {CURLE_URL_MALFORMAT, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID, "the URL of %s is malformed"},
    {CURLE_UNSUPPORTED_PROTOCOL, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
     "the URL of %s does not start with http:// or https://"},
    {CURLE_OUT_OF_MEMORY, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
     "no memory for the exchange with %s"},
    {CURLE_PARTIAL_FILE, SLUICE_RETRY, SLUICE_CODE_PROTOCOL_ERROR,
     "the answer of %s was cut off in the middle"},
    {CURLE_GOT_NOTHING, SLUICE_RETRY, SLUICE_CODE_UNAVAILABLE,
     "%s closed the connection without an answer"},
    {CURLE_SEND_ERROR, SLUICE_RETRY, SLUICE_CODE_UNAVAILABLE,
     "the connection to %s broke while sending"},
    {CURLE_RECV_ERROR, SLUICE_RETRY, SLUICE_CODE_UNAVAILABLE,
     "the connection to %s broke while waiting for the answer"},
};

/* Two failures that curl tells apart by its text only. */
static const struct curl_meaning plain_http_port = {
    CURLE_SSL_CONNECT_ERROR, SLUICE_CONFIG, SLUICE_CODE_TLS_FAILED,
    "%s does not speak TLS; use http:// in the URL, or the server's TLS port"};
static const struct curl_meaning not_http = {
    CURLE_UNSUPPORTED_PROTOCOL, SLUICE_RETRY, SLUICE_CODE_PROTOCOL_ERROR,
    "%s answered something that is not HTTP; check that the port is that of an HTTP server"};

static struct curl_meaning find_curl_meaning(const struct http_exchange *exchange)
{
    if (exchange->curl_code == CURLE_SSL_CONNECT_ERROR &&
        strstr(exchange->curl_text, "wrong version number")) {
        return plain_http_port;
    }
    if (exchange->curl_code == CURLE_WEIRD_SERVER_REPLY ||
        (exchange->curl_code == CURLE_UNSUPPORTED_PROTOCOL &&
         strstr(exchange->curl_text, "HTTP/0.9"))) {
        return not_http;
    }
    for (size_t i = 0; i < sizeof(curl_meanings) / sizeof(curl_meanings[0]); i++) {
        if (curl_meanings[i].curl_code == exchange->curl_code) {
            return curl_meanings[i];
        }
    }
    return (struct curl_meaning){exchange->curl_code, SLUICE_RETRY, SLUICE_CODE_UNAVAILABLE,
                                 "the exchange with %s failed"};
}

static enum sluice_status judge_curl_failure(const struct http_exchange *exchange,
                                             struct sluice_error *error)
{
    const struct sluice_host *host = exchange->host;
    struct curl_meaning meaning = find_curl_meaning(exchange);
    const char *at = strstr(meaning.format, "%s");
    sluice_fail(host, error, meaning.verdict, meaning.code, "%.*s%s%s", (int)(at - meaning.format),
                meaning.format, exchange->label, at + 2);
    sluice_error_because(host, error, "%s",
                         exchange->curl_text[0] ? exchange->curl_text
                                                : curl_easy_strerror(exchange->curl_code));
    return meaning.verdict;
}

static enum sluice_status judge_end(const struct http_exchange *exchange,
                                    struct sluice_error *error)
{
    const struct sluice_host *host = exchange->host;
    switch (exchange->end) {
    case EXCHANGE_FINISHED:
        return exchange->curl_code == CURLE_OK ? judge_answer(exchange, error)
                                               : judge_curl_failure(exchange, error);
    case EXCHANGE_IDLE:
        return sluice_fail(host, error, SLUICE_RETRY, SLUICE_CODE_TIMEOUT,
                           "no byte came from or went to %s for %lld ms (request_timeout)",
                           exchange->label, (long long)exchange->request_timeout_ms);
    case EXCHANGE_TOO_LONG: /* an error page of some gateway as a rule: it passes like the others */
        return sluice_fail(host, error, SLUICE_RETRY, SLUICE_CODE_PROTOCOL_ERROR,
                           "the answer of %s is longer than %zu bytes", exchange->label,
                           exchange->response_limit);
    case EXCHANGE_NO_MEMORY:
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                           "the memory budget has no room for the answer of %s; raise "
                           "settings.memory",
                           exchange->label);
    case EXCHANGE_CANCELLED:
    case EXCHANGE_RUNNING:
        break;
    }
    return sluice_fail(host, error, SLUICE_RETRY, SLUICE_CODE_CANCELLED,
                       "the exchange with %s was cancelled", exchange->label);
}

enum sluice_status http_judge(const struct http_exchange *exchange, struct sluice_error *error)
{
    enum sluice_status status = judge_end(exchange, error);
    if (status != SLUICE_OK && exchange->url) {
        sluice_error_at(exchange->host, error, SLUICE_AT_URL, "%s", exchange->url);
    }
    return status;
}
