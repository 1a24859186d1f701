/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/search_setup.h"

#include "bulk/bulk_response.h"
#include "bulk/mapping.h"

#include <stdlib.h>
#include <string.h>

/* Longest path of one refresh request: servers take 4 KiB of request line. */
#define LONGEST_REFRESH_PATH 3000
#define OLDEST_ELASTICSEARCH 7

static enum sluice_status fail_budget(const struct sluice_host *host, struct sluice_error *error)
{
    return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                       "no memory for a request to the search server");
}

/* ---- version ---- */

static enum sluice_status judge_version(struct search_client *client, const json_t *root,
                                        struct sluice_error *error)
{
    const json_t *version = json_object_get(root, "version");
    const char *number = json_string_value(json_object_get(version, "number"));
    const char *distribution = json_string_value(json_object_get(version, "distribution"));
    if (!number) {
        return SLUICE_OK;
    }
    const char *name = distribution ? distribution : "elasticsearch";
    const struct sluice_log_field fields[] = {{"server", name}, {"version", number}};
    sluice_log(client->host, SLUICE_LOG_INFO, fields, 2, "connected to the search server");
    bool is_one_digit = number[0] >= '0' && number[0] <= '9' && number[1] == '.';
    if (!distribution && is_one_digit && number[0] - '0' < OLDEST_ELASTICSEARCH) {
        return sluice_fail(client->host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                           "the server is Elasticsearch %s; sink-es needs 7.0 or newer, or "
                           "OpenSearch",
                           number);
    }
    return SLUICE_OK;
}

enum sluice_status setup_check_server(struct search_client *client, struct sluice_error *error)
{
    struct search_request request = {.method = "GET", .path = "/", .response_limit = 65536};
    struct search_call call = {0};
    struct http_response response;
    enum sluice_status status = search_perform(client, &request, &call, &response, error);
    if (status == SLUICE_OK && response.status == 200) {
        json_error_t problem;
        json_t *root = json_loadb(response.body, response.body_size, 0, &problem);
        status = judge_version(client, root, error);
        json_decref(root);
    } else if (response.status == 403 || response.status == 404 || response.status == 405) {
        status = SLUICE_OK; /* credentials for writing alone, or no such page */
    }
    search_end(&call);
    return status;
}

/* ---- mapping ---- */

static enum sluice_status put_body(struct search_client *client, const char *path, char *body,
                                   struct sluice_error *error)
{
    if (!body) {
        return fail_budget(client->host, error);
    }
    struct search_request request = {.method = "PUT",
                                     .path = path,
                                     .content_type = "application/json",
                                     .body = body,
                                     .body_size = strlen(body),
                                     .response_limit = 1 << 20};
    struct search_call call = {0};
    struct http_response response;
    enum sluice_status status = search_perform(client, &request, &call, &response, error);
    bool has_answer = status == SLUICE_OK;
    if (response.status == 400 && strstr(response.body, "resource_already_exists_exception")) {
        status = SLUICE_OK; /* somebody else was first */
    } else if (has_answer && response.status != 200) {
        status =
            sluice_fail(client->host, error, SLUICE_CONFIG, SLUICE_CODE_HTTP_STATUS,
                        "the server answered HTTP %d when the mapping was made", response.status);
    } else if (status == SLUICE_FATAL || status == SLUICE_CONFIG) {
        sluice_error_because(client->host, error,
                             "the mapping could not be made; `mapping: none` leaves it to you");
    }
    search_end(&call);
    free(body);
    return status;
}

static enum sluice_status make_index(struct search_client *client, const struct sluice_buffer *path,
                                     struct sluice_error *error)
{
    struct search_request request = {.method = "HEAD", .path = path->data};
    struct search_call call = {0};
    struct http_response response;
    enum sluice_status status = search_perform(client, &request, &call, &response, error);
    search_end(&call);
    if (status != SLUICE_OK || response.status != 404) {
        return status;
    }
    return put_body(client, path->data,
                    mapping_index_body(sluice_input_schema(client->host), client->options->shards,
                                       client->options->replicas),
                    error);
}

static enum sluice_status put_template(struct search_client *client,
                                       const struct index_pattern *pattern,
                                       const struct sluice_buffer *path, struct sluice_error *error)
{
    struct sluice_string prefix = pattern->prefix;
    struct sluice_string suffix = pattern->suffix;
    return put_body(client, path->data,
                    mapping_template_body(sluice_input_schema(client->host),
                                          client->options->shards, client->options->replicas,
                                          prefix, suffix),
                    error);
}

static enum sluice_status make_path(const struct sluice_host *host,
                                    const struct index_pattern *pattern, struct sluice_buffer *path)
{
    const char *base = pattern->is_literal ? "/" : "/_index_template/sluice-";
    enum sluice_status status = search_append_text(host, path, base);
    if (status == SLUICE_OK) {
        status = search_append_segment(host, path, pattern->prefix.bytes, pattern->prefix.size);
    }
    if (status == SLUICE_OK && !pattern->is_literal) {
        status = search_append_segment(host, path, pattern->suffix.bytes, pattern->suffix.size);
    }
    return status;
}

enum sluice_status setup_mapping(struct search_client *client, const struct index_pattern *pattern,
                                 struct sluice_error *error)
{
    if (client->options->mapping == ES_MAPPING_NONE) {
        return SLUICE_OK;
    }
    if (pattern->prefix.size == 0) {
        sluice_log(client->host, SLUICE_LOG_WARN, NULL, 0,
                   "no index template is made: the names of the indexes have no beginning in "
                   "common, and a template for all indexes would be wrong");
        return SLUICE_OK;
    }
    struct sluice_buffer path = {0};
    enum sluice_status status = make_path(client->host, pattern, &path);
    if (status != SLUICE_OK) {
        status = fail_budget(client->host, error);
    } else if (pattern->is_literal) {
        status = make_index(client, &path, error);
    } else {
        status = put_template(client, pattern, &path, error);
    }
    sluice_buffer_free(client->host, &path);
    return status;
}

/* ---- refresh ---- */

static enum sluice_status refresh_path(struct search_client *client, struct sluice_buffer *path,
                                       struct sluice_error *error)
{
    if (search_append_text(client->host, path,
                           "/_refresh?ignore_unavailable=true&filter_path=_shards.failed") !=
        SLUICE_OK) {
        return fail_budget(client->host, error);
    }
    struct search_request request = {.method = "POST", .path = path->data};
    struct search_call call = {0};
    struct http_response response;
    enum sluice_status status = search_perform(client, &request, &call, &response, error);
    if (status == SLUICE_CONFIG || status == SLUICE_FATAL) {
        sluice_error_because(client->host, error,
                             "all documents are in; `refresh: none` leaves the refresh to the "
                             "server");
    }
    search_end(&call);
    path->size = 0;
    return status;
}

static enum sluice_status append_name(struct search_client *client, struct sluice_buffer *path,
                                      const char *name, size_t size, struct sluice_error *error)
{
    enum sluice_status status = search_append_text(client->host, path, path->size == 0 ? "/" : ",");
    if (status == SLUICE_OK) {
        status = search_append_segment(client->host, path, name, size);
    }
    return status == SLUICE_OK ? SLUICE_OK : fail_budget(client->host, error);
}

enum sluice_status setup_refresh(struct search_client *client, const char *names, size_t size,
                                 struct sluice_error *error)
{
    struct sluice_buffer path = {0};
    const char *end = names + size;
    enum sluice_status status = SLUICE_OK;
    while (status == SLUICE_OK && names < end) {
        const char *line_end = memchr(names, '\n', (size_t)(end - names));
        size_t name_size = (size_t)((line_end ? line_end : end) - names);
        if (name_size > 0) {
            status = append_name(client, &path, names, name_size, error);
        }
        names += name_size + 1;
        if (status == SLUICE_OK && path.size > LONGEST_REFRESH_PATH) {
            status = refresh_path(client, &path, error);
        }
    }
    if (status == SLUICE_OK && path.size > 0) {
        status = refresh_path(client, &path, error);
    }
    sluice_buffer_free(client->host, &path);
    return status;
}
