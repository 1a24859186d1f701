/* SPDX-License-Identifier: Apache-2.0 */
/* Talking to the servers of one cluster: which host, with which credentials, and what an answer
 * means for that host. */
#ifndef SLUICE_SINK_ES_SEARCH_CLIENT_H
#define SLUICE_SINK_ES_SEARCH_CLIENT_H

#include "cluster/hosts.h"
#include "config.h"

struct search_client {
    const struct sluice_host *host;
    const struct es_options *options;
    struct http_client *http;
    struct hosts hosts;
    struct sluice_buffer authorization; /* value of the header, NUL-terminated; empty: none */
};

struct search_request {
    const char *method;
    const char *path; /* with its slash, percent-encoded */
    const char *content_type;
    const char *body;
    size_t body_size;
    bool is_gzip;
    size_t response_limit;
};

/* A request under way. Zeroed is none. */
struct search_call {
    struct http_exchange *exchange;
    size_t server;
};

enum sluice_status search_client_init(struct search_client *client, const struct sluice_host *host,
                                      const struct es_options *options, struct sluice_error *error);
void search_client_reset(struct search_client *client);

enum sluice_status search_start(struct search_client *client, const struct search_request *request,
                                struct search_call *call, struct sluice_error *error);
/* Result of a call that is done. As http_result(), with the server's own words in the error. The
 * response lives until search_end(). */
enum sluice_status search_result(struct search_client *client, struct search_call *call,
                                 struct http_response *response, struct sluice_error *error);
void search_end(struct search_call *call);

/* Start, wait, result; search_end() is the caller's. */
enum sluice_status search_perform(struct search_client *client,
                                  const struct search_request *request, struct search_call *call,
                                  struct http_response *response, struct sluice_error *error);

/* Appends text as one segment of a path, percent-encoded. */
enum sluice_status search_append_segment(const struct sluice_host *host, struct sluice_buffer *path,
                                         const char *text, size_t size);
/* Appends text as it is, and a NUL that is not counted. */
enum sluice_status search_append_text(const struct sluice_host *host, struct sluice_buffer *path,
                                      const char *text);

#endif
