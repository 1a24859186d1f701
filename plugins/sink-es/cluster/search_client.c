/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/search_client.h"

#include "bulk/bulk_response.h"
#include "records/base64.h"

#include <stdio.h>
#include <string.h>

enum sluice_status search_append_segment(const struct sluice_host *host, struct sluice_buffer *path,
                                         const char *text, size_t size)
{
    if (sluice_buffer_reserve(host, path, size * 3 + 1) != SLUICE_OK) {
        return SLUICE_FATAL;
    }
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text[i];
        bool is_plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                        (byte >= '0' && byte <= '9') || (byte && strchr("-_.~", byte));
        if (is_plain) {
            path->data[path->size++] = (char)byte;
        } else {
            snprintf(path->data + path->size, 4, "%%%02X", byte);
            path->size += 3;
        }
    }
    path->data[path->size] = '\0';
    return SLUICE_OK;
}

enum sluice_status search_append_text(const struct sluice_host *host, struct sluice_buffer *path,
                                      const char *text)
{
    size_t size = strlen(text);
    if (sluice_buffer_reserve(host, path, size + 1) != SLUICE_OK) {
        return SLUICE_FATAL;
    }
    memcpy(path->data + path->size, text, size + 1);
    path->size += size;
    return SLUICE_OK;
}

/* ---- credentials ---- */

/* An API key comes as the servers print it: `encoded`, or as id:key, which is encoded here. */
static enum sluice_status append_api_key(struct search_client *client, const char *key)
{
    struct sluice_buffer *value = &client->authorization;
    if (!strchr(key, ':')) {
        return search_append_text(client->host, value, key);
    }
    size_t size = strlen(key);
    if (sluice_buffer_reserve(client->host, value, base64_encoded_size(size) + 1) != SLUICE_OK) {
        return SLUICE_FATAL;
    }
    base64_encode(key, size, value->data + value->size);
    value->size += base64_encoded_size(size);
    value->data[value->size] = '\0';
    return SLUICE_OK;
}

static enum sluice_status make_authorization(struct search_client *client)
{
    const struct es_options *options = client->options;
    enum sluice_status status = SLUICE_OK;
    if (es_is_set(options->api_key)) {
        status = search_append_text(client->host, &client->authorization, "ApiKey ");
        return status == SLUICE_OK ? append_api_key(client, options->api_key) : status;
    }
    if (es_is_set(options->bearer)) {
        status = search_append_text(client->host, &client->authorization, "Bearer ");
        return status == SLUICE_OK
                   ? search_append_text(client->host, &client->authorization, options->bearer)
                   : status;
    }
    return SLUICE_OK;
}

enum sluice_status search_client_init(struct search_client *client, const struct sluice_host *host,
                                      const struct es_options *options, struct sluice_error *error)
{
    memset(client, 0, sizeof(*client));
    client->host = host;
    client->options = options;
    enum sluice_status status = hosts_init(&client->hosts, host, &options->url, error);
    if (status == SLUICE_OK) {
        status = http_client_create(host, &options->http, &client->http, error);
    }
    if (status == SLUICE_OK && make_authorization(client) != SLUICE_OK) {
        status = sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                             "no memory for a header");
    }
    if (status != SLUICE_OK) {
        search_client_reset(client);
    }
    return status;
}

void search_client_reset(struct search_client *client)
{
    if (!client->host) {
        return;
    }
    http_client_destroy(client->http);
    hosts_reset(&client->hosts, client->host);
    if (client->authorization.data) {
        explicit_bzero(client->authorization.data, client->authorization.size);
    }
    sluice_buffer_free(client->host, &client->authorization);
    memset(client, 0, sizeof(*client));
}

/* ---- calls ---- */

static size_t add_headers(const struct search_client *client, const struct search_request *request,
                          struct http_header headers[4])
{
    size_t count = 0;
    headers[count++] = (struct http_header){"Accept", "application/json"};
    if (request->content_type) {
        headers[count++] = (struct http_header){"Content-Type", request->content_type};
    }
    if (request->is_gzip) {
        headers[count++] = (struct http_header){"Content-Encoding", "gzip"};
    }
    if (client->authorization.size > 0) {
        headers[count++] = (struct http_header){"Authorization", client->authorization.data};
    }
    return count;
}

enum sluice_status search_start(struct search_client *client, const struct search_request *request,
                                struct search_call *call, struct sluice_error *error)
{
    const struct sluice_host *host = client->host;
    const struct es_options *options = client->options;
    struct sluice_buffer url = {0};
    struct http_header headers[4];
    call->exchange = NULL;
    call->server = hosts_pick(&client->hosts, sluice_monotonic_ms(host));
    if (search_append_text(host, &url, client->hosts.items[call->server].url) != SLUICE_OK ||
        search_append_text(host, &url, request->path) != SLUICE_OK) {
        sluice_buffer_free(host, &url);
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                           "no memory for a request");
    }
    struct http_request sent = {.method = request->method,
                                .url = url.data,
                                .header_count = add_headers(client, request, headers),
                                .headers = headers,
                                .body = request->body,
                                .body_size = request->body_size,
                                .user = es_is_set(options->user) ? options->user : NULL,
                                .password = es_is_set(options->user) ? options->password : NULL,
                                .response_limit = request->response_limit};
    enum sluice_status status = http_start(client->http, &sent, &call->exchange, error);
    sluice_buffer_free(host, &url);
    return status;
}

enum sluice_status search_result(struct search_client *client, struct search_call *call,
                                 struct http_response *response, struct sluice_error *error)
{
    enum sluice_status status = http_result(call->exchange, response, error);
    if (status == SLUICE_RETRY) {
        hosts_note_failure(&client->hosts, call->server, sluice_monotonic_ms(client->host));
    } else {
        hosts_note_success(&client->hosts, call->server);
    }
    if (status != SLUICE_OK && response->body_size > 0) {
        char reason[512];
        bulk_response_reason(response->body, response->body_size, reason, sizeof(reason));
        sluice_error_because(client->host, error, "%s", reason);
    }
    return status;
}

void search_end(struct search_call *call)
{
    http_exchange_destroy(call->exchange);
    call->exchange = NULL;
}

enum sluice_status search_perform(struct search_client *client,
                                  const struct search_request *request, struct search_call *call,
                                  struct http_response *response, struct sluice_error *error)
{
    *response = (struct http_response){.body = ""};
    enum sluice_status status = search_start(client, request, call, error);
    while (status == SLUICE_OK && !http_is_done(call->exchange)) {
        status = http_run(client->http, 1000, error);
    }
    return status == SLUICE_OK ? search_result(client, call, response, error) : status;
}
