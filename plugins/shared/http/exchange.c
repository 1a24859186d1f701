/* SPDX-License-Identifier: Apache-2.0 */
/* One request as an easy handle, and the collecting of its answer. */
#include "exchange.h"

#include <string.h>
#include <strings.h>

#define DEFAULT_RESPONSE_LIMIT ((size_t)64 << 20)
/* What is kept of the body of an answer that is an error: enough for the server's words. */
#define FAILURE_BODY_LIMIT ((size_t)256 << 10)
#define LARGE_UPLOAD ((size_t)256 << 10)
#define TRANSFER_BUFFER 262144L

static bool buffer_append(const struct sluice_host *host, struct sluice_buffer *buffer,
                          const char *bytes, size_t size)
{
    /* one more for the NUL that ends a body */
    if (buffer->capacity - buffer->size <= size) {
        size_t extra = size + 1 > buffer->size ? size + 1 : buffer->size;
        if (sluice_buffer_reserve(host, buffer, extra) != SLUICE_OK) {
            return false;
        }
    }
    memcpy(buffer->data + buffer->size, bytes, size);
    buffer->size += size;
    buffer->data[buffer->size] = '\0';
    return true;
}

/* ---- callbacks of curl ---- */

static int answer_status(const struct http_exchange *exchange)
{
    long status = 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
    return (int)status;
}

/* Hands a piece to on_body. A piece that was taken in part stays with curl, which offers it again
 * from its first byte after a pause: taken_ahead remembers how much of it is done. */
static size_t stream_body(struct http_exchange *exchange, const char *bytes, size_t size)
{
    if (exchange->taken_ahead >= size) {
        exchange->taken_ahead -= size;
        return size;
    }
    size_t rest = size - exchange->taken_ahead;
    size_t taken = exchange->on_body(exchange->user_data, bytes + exchange->taken_ahead, rest);
    if (taken >= rest) {
        exchange->taken_ahead = 0;
        return size;
    }
    exchange->taken_ahead += taken;
    exchange->is_paused = true;
    return CURL_WRITEFUNC_PAUSE;
}

static bool reserve_announced(struct http_exchange *exchange, size_t limit)
{
    curl_off_t announced = -1;
    curl_easy_getinfo(exchange->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
    if (announced <= 0 || (uint64_t)announced > limit) {
        return true;
    }
    return sluice_buffer_reserve(exchange->host, &exchange->body, (size_t)announced + 1) ==
           SLUICE_OK;
}

static size_t keep_body(struct http_exchange *exchange, const char *bytes, size_t size,
                        bool is_success)
{
    size_t limit = exchange->response_limit;
    if (!is_success && limit > FAILURE_BODY_LIMIT) {
        limit = FAILURE_BODY_LIMIT;
    }
    size_t kept = size < limit - exchange->body.size ? size : limit - exchange->body.size;
    if (kept < size && is_success) {
        exchange->end = EXCHANGE_TOO_LONG;
        return 0;
    }
    bool is_first = exchange->body.size == 0;
    if ((is_first && !reserve_announced(exchange, limit)) ||
        !buffer_append(exchange->host, &exchange->body, bytes, kept)) {
        exchange->end = EXCHANGE_NO_MEMORY;
        return 0;
    }
    return size;
}

static size_t receive_body(char *bytes, size_t unit, size_t count, void *user_data)
{
    struct http_exchange *exchange = user_data;
    int status = answer_status(exchange);
    bool is_success = status >= 200 && status < 300;
    if (is_success && exchange->on_body) {
        return stream_body(exchange, bytes, unit * count);
    }
    return keep_body(exchange, bytes, unit * count, is_success);
}

static size_t trimmed_end(const char *bytes, size_t size)
{
    while (size > 0 && strchr(" \t\r\n", bytes[size - 1])) {
        size--;
    }
    return size;
}

static size_t receive_header(char *bytes, size_t unit, size_t count, void *user_data)
{
    struct http_exchange *exchange = user_data;
    size_t size = unit * count;
    if (size >= 5 && strncasecmp(bytes, "HTTP/", 5) == 0) {
        exchange->answer_headers.size = 0; /* an interim answer's headers do not count */
        exchange->is_head_whole = false;
        return size;
    }
    const char *colon = memchr(bytes, ':', size);
    if (!colon) {
        exchange->is_head_whole = exchange->is_head_whole || trimmed_end(bytes, size) == 0;
        return size;
    }
    size_t name_size = trimmed_end(bytes, (size_t)(colon - bytes));
    const char *value = colon + 1;
    size_t value_size = trimmed_end(value, size - (size_t)(value - bytes));
    while (value_size > 0 && (*value == ' ' || *value == '\t')) {
        value++;
        value_size--;
    }
    if (memchr(bytes, '\0', size) == NULL &&
        (!buffer_append(exchange->host, &exchange->answer_headers, bytes, name_size) ||
         !buffer_append(exchange->host, &exchange->answer_headers, "", 1) ||
         !buffer_append(exchange->host, &exchange->answer_headers, value, value_size) ||
         !buffer_append(exchange->host, &exchange->answer_headers, "", 1))) {
        exchange->end = EXCHANGE_NO_MEMORY;
        return 0;
    }
    return size;
}

/* Called before each sending on a connection: the second one is curl's repetition. */
static int allow_sending(void *user_data, char *server_address, char *own_address, int server_port,
                         int own_port)
{
    (void)server_address, (void)own_address, (void)server_port, (void)own_port;
    struct http_exchange *exchange = user_data;
    bool is_first = !exchange->is_sent;
    exchange->is_sent = true;
    return is_first ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

/* ---- making the easy handle ---- */

static enum sluice_status fail_internal(const struct sluice_host *host, const char *what,
                                        struct sluice_error *error)
{
    return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_INTERNAL,
                       "a request cannot be made: %s", what);
}

static enum sluice_status fail_memory(const struct sluice_host *host, struct sluice_error *error)
{
    return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                       "no memory for an HTTP request");
}

/* Fills label and url: the parts of the address that may stand in an error. */
static enum sluice_status describe_target(struct http_exchange *exchange, const char *text,
                                          struct sluice_error *error)
{
    const struct sluice_host *host = exchange->host;
    char *name = NULL;
    char *port = NULL;
    char *user = NULL;
    char *bare = NULL;
    CURLU *url = curl_url();
    enum sluice_status status = SLUICE_OK;
    if (!url || curl_url_set(url, CURLUPART_URL, text, CURLU_PATH_AS_IS) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_HOST, &name, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK) {
        status = sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                             "a URL is malformed: it must look like http://host:port/path");
    } else if (curl_url_get(url, CURLUPART_USER, &user, 0) == CURLUE_OK) {
        status = sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                             "the URL of %s:%s holds credentials; give them by the options for "
                             "user and password",
                             name, port);
    } else {
        snprintf(exchange->label, sizeof(exchange->label), "%s:%s", name, port);
        curl_url_set(url, CURLUPART_QUERY, NULL, 0);
        curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0);
        if (curl_url_get(url, CURLUPART_URL, &bare, 0) == CURLUE_OK) {
            size_t size = strlen(bare) + 1;
            exchange->url = sluice_alloc(host, size);
            if (exchange->url) {
                memcpy(exchange->url, bare, size);
            }
        }
    }
    curl_free(name);
    curl_free(port);
    curl_free(user);
    curl_free(bare);
    curl_url_cleanup(url);
    return status;
}

static bool add_header_line(struct http_exchange *exchange, const char *line)
{
    struct curl_slist *grown = curl_slist_append(exchange->headers, line);
    if (grown) {
        exchange->headers = grown;
    }
    return grown != NULL;
}

static enum sluice_status add_header(struct http_exchange *exchange,
                                     const struct http_header *header, struct sluice_error *error)
{
    const struct sluice_host *host = exchange->host;
    if (strpbrk(header->name, "\r\n:") || strpbrk(header->value, "\r\n")) {
        return fail_internal(host, "a header holds a line break", error);
    }
    size_t size = strlen(header->name) + strlen(header->value) + 3;
    char *line = sluice_alloc(host, size);
    if (!line) {
        return fail_memory(host, error);
    }
    /* curl wants "Name;" to send a header that is empty */
    snprintf(line, size, header->value[0] ? "%s: %s" : "%s;%s", header->name, header->value);
    bool is_added = add_header_line(exchange, line);
    sluice_free(host, line);
    return is_added ? SLUICE_OK : fail_memory(host, error);
}

static enum sluice_status add_headers(struct http_exchange *exchange,
                                      const struct http_request *request,
                                      struct sluice_error *error)
{
    bool has_type = false;
    for (size_t i = 0; i < request->header_count; i++) {
        has_type = has_type || strcasecmp(request->headers[i].name, "Content-Type") == 0;
        enum sluice_status status = add_header(exchange, &request->headers[i], error);
        if (status != SLUICE_OK) {
            return status;
        }
    }
    /* no waiting for "100 Continue", and no form type of curl's own */
    if (!add_header_line(exchange, "Expect:") ||
        (!has_type && !add_header_line(exchange, "Content-Type:"))) {
        return fail_memory(exchange->host, error);
    }
    return SLUICE_OK;
}

static void set_method(CURL *easy, const struct http_request *request)
{
    bool has_body = request->body_size > 0 || strcmp(request->method, "PUT") == 0 ||
                    strcmp(request->method, "POST") == 0;
    if (strcmp(request->method, "HEAD") == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
        return;
    }
    if (has_body) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_size);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body_size ? request->body : "");
    }
    if (request->body_size > LARGE_UPLOAD) {
        curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, TRANSFER_BUFFER);
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

static void set_tls_and_proxy(CURL *easy, const struct http_options *options)
{
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, options->tls_verify ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, options->tls_verify ? 2L : 0L);
    if (options->tls_ca) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, options->tls_ca);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    if (options->tls_cert) {
        curl_easy_setopt(easy, CURLOPT_SSLCERT, options->tls_cert);
    }
    if (options->tls_key) {
        curl_easy_setopt(easy, CURLOPT_SSLKEY, options->tls_key);
    }
    if (options->proxy) {
        curl_easy_setopt(easy, CURLOPT_PROXY, options->proxy);
    }
}

static CURLcode set_transfer(struct http_exchange *exchange, const struct http_request *request)
{
    CURL *easy = exchange->easy;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, exchange);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->curl_text);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)exchange->connect_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, receive_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    if (request->on_body) {
        curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, TRANSFER_BUFFER);
    }
    if (request->is_sent_once) {
        curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, allow_sending);
        curl_easy_setopt(easy, CURLOPT_PREREQDATA, exchange);
    }
    set_method(easy, request);
    CURLcode code = curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange->headers);
    if (code == CURLE_OK) {
        code = curl_easy_setopt(easy, CURLOPT_USERAGENT, "sluice");
    }
    if (code == CURLE_OK && request->user) {
        curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        code = curl_easy_setopt(easy, CURLOPT_USERNAME, request->user);
    }
    if (code == CURLE_OK && request->password) {
        code = curl_easy_setopt(easy, CURLOPT_PASSWORD, request->password);
    }
    return code == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_URL, request->url) : code;
}

enum sluice_status exchange_create(struct http_client *client, const struct http_request *request,
                                   struct http_exchange **exchange, struct sluice_error *error)
{
    const struct sluice_host *host = client->host;
    *exchange = NULL;
    struct http_exchange *made = sluice_alloc(host, sizeof(*made));
    if (!made) {
        return fail_memory(host, error);
    }
    memset(made, 0, sizeof(*made));
    made->host = host;
    made->on_body = request->on_body;
    made->user_data = request->user_data;
    made->is_sent_once = request->is_sent_once;
    made->response_limit =
        request->response_limit ? request->response_limit : DEFAULT_RESPONSE_LIMIT;
    made->connect_timeout_ms = client->options.connect_timeout_ms;
    made->request_timeout_ms = client->options.request_timeout_ms;
    enum sluice_status status = describe_target(made, request->url, error);
    if (status == SLUICE_OK) {
        status = add_headers(made, request, error);
    }
    if (status == SLUICE_OK) {
        made->easy = curl_easy_init();
        if (!made->easy || set_transfer(made, request) != CURLE_OK) {
            status = fail_memory(host, error);
        }
    }
    if (status != SLUICE_OK) {
        exchange_free(made);
        return status;
    }
    set_tls_and_proxy(made->easy, &client->options);
    *exchange = made;
    return SLUICE_OK;
}

/* ---- the end ---- */

void exchange_finish(struct http_exchange *exchange, enum exchange_end end, CURLcode code)
{
    /* a callback may have noted a more exact reason before it made curl stop */
    if (exchange->end == EXCHANGE_RUNNING) {
        exchange->end = end;
    }
    /* curl takes a connection that ends among the headers for the end of a good answer */
    bool is_cut = code == CURLE_OK && !exchange->is_head_whole;
    exchange->curl_code = is_cut ? CURLE_PARTIAL_FILE : code;
    if (exchange->is_sent_once && code == CURLE_ABORTED_BY_CALLBACK) {
        exchange->curl_code = CURLE_GOT_NOTHING; /* why allow_sending() was asked again */
        exchange->curl_text[0] = '\0';
    }
    exchange->status = answer_status(exchange);
    curl_easy_cleanup(exchange->easy);
    exchange->easy = NULL;
    exchange->client = NULL;
}

void exchange_free(struct http_exchange *exchange)
{
    const struct sluice_host *host = exchange->host;
    if (exchange->easy) {
        curl_easy_cleanup(exchange->easy);
    }
    curl_slist_free_all(exchange->headers);
    sluice_buffer_free(host, &exchange->body);
    sluice_buffer_free(host, &exchange->answer_headers);
    sluice_free(host, exchange->url);
    sluice_free(host, exchange);
}
