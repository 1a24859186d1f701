/* SPDX-License-Identifier: Apache-2.0 */
/* The target that is a search cluster: bulk requests, and a refresh at commit. */
#include "cluster/delivery.h"
#include "cluster/search_setup.h"
#include "cluster/touched.h"
#include "target.h"

#include <string.h>

#define BULK_QUERY                                                                                 \
    "/_bulk?filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason"
/* First byte of what stage writes: the version of the rest, which is names of indexes. */
#define STATE_VERSION '1'
#define STATE_LIMIT ((size_t)4 << 20)
#define TICK_WAIT_MS 5

struct cluster {
    struct target target; /* first */
    const struct sluice_host *host;
    const struct es_options *options;
    const struct index_pattern *pattern;
    struct search_client client;
    struct sluice_buffer path; /* of bulk requests */
    struct delivery *delivery;
    struct touched touched;
};

static struct cluster *cluster_of(struct target *target)
{
    return (struct cluster *)target;
}

static enum sluice_status fail_budget(const struct sluice_host *host, struct sluice_error *error)
{
    return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                       "the memory budget has no room for the sink; raise settings.memory");
}

/* ---- life ---- */

static void cluster_destroy(struct target *target)
{
    struct cluster *cluster = cluster_of(target);
    const struct sluice_host *host = cluster->host;
    delivery_destroy(cluster->delivery);
    search_client_reset(&cluster->client);
    touched_reset(&cluster->touched, host);
    sluice_buffer_free(host, &cluster->path);
    sluice_free(host, cluster);
}

static enum sluice_status make_bulk_path(struct cluster *cluster, struct sluice_error *error)
{
    const struct sluice_host *host = cluster->host;
    const struct index_pattern *pattern = cluster->pattern;
    const char *pipeline = cluster->options->pipeline;
    enum sluice_status status = SLUICE_OK;
    if (pattern->is_literal) {
        status = search_append_text(host, &cluster->path, "/");
        if (status == SLUICE_OK) {
            status = search_append_segment(host, &cluster->path, pattern->prefix.bytes,
                                           pattern->prefix.size);
        }
    }
    if (status == SLUICE_OK) {
        status = search_append_text(host, &cluster->path, BULK_QUERY);
    }
    if (status == SLUICE_OK && es_is_set(pipeline)) {
        status = search_append_text(host, &cluster->path, "&pipeline=");
        if (status == SLUICE_OK) {
            status = search_append_segment(host, &cluster->path, pipeline, strlen(pipeline));
        }
    }
    return status == SLUICE_OK ? SLUICE_OK : fail_budget(host, error);
}

static enum sluice_status cluster_open(struct target *target, struct sluice_error *error)
{
    struct cluster *cluster = cluster_of(target);
    enum sluice_status status = setup_check_server(&cluster->client, error);
    return status == SLUICE_OK ? setup_mapping(&cluster->client, cluster->pattern, error) : status;
}

static void cluster_cancel(struct target *target)
{
    http_cancel(cluster_of(target)->client.http);
}

static void cluster_close(struct target *target)
{
    struct cluster *cluster = cluster_of(target);
    delivery_drop(cluster->delivery);
    touched_clear(&cluster->touched);
}

static enum sluice_status cluster_give_back(struct target *target, const struct sluice_error *why)
{
    return delivery_give_back(cluster_of(target)->delivery, why);
}

/* ---- rows ---- */

static void cluster_begin(struct target *target)
{
    delivery_begin(cluster_of(target)->delivery);
}

static enum sluice_status cluster_add(struct target *target, const struct document *document,
                                      struct sluice_error *error)
{
    struct cluster *cluster = cluster_of(target);
    enum sluice_status status = delivery_add(cluster->delivery, document, error);
    if (status == SLUICE_OK &&
        touched_note(&cluster->touched, cluster->host, document->index) != SLUICE_OK) {
        status = fail_budget(cluster->host, error);
    }
    return status;
}

static enum sluice_status cluster_turn(struct target *target, bool is_tick,
                                       struct sluice_error *error)
{
    struct cluster *cluster = cluster_of(target);
    delivery_close_aged(cluster->delivery);
    return delivery_turn(cluster->delivery, is_tick ? TICK_WAIT_MS : 0, error);
}

/* ---- checkpoints ---- */

/* Names of the indexes to refresh at commit; past the limit the pattern of all of them. */
static enum sluice_status write_names(struct cluster *cluster, struct sluice_state_writer *writer)
{
    const struct sluice_host *host = cluster->host;
    const struct index_pattern *pattern = cluster->pattern;
    const char version = STATE_VERSION;
    enum sluice_status status = sluice_state_write(host, writer, &version, 1);
    if (status == SLUICE_OK && cluster->touched.is_overflown) {
        status = sluice_state_write(host, writer, pattern->prefix.bytes, pattern->prefix.size);
        if (status == SLUICE_OK) {
            status = sluice_state_write(host, writer, "*", 1);
        }
        return status == SLUICE_OK
                   ? sluice_state_write(host, writer, pattern->suffix.bytes, pattern->suffix.size)
                   : status;
    }
    return status == SLUICE_OK ? sluice_state_write(host, writer, cluster->touched.names.data,
                                                    cluster->touched.names.size)
                               : status;
}

static enum sluice_status cluster_stage(struct target *target, uint64_t checkpoint,
                                        struct sluice_state_writer *writer,
                                        struct sluice_error *error)
{
    (void)checkpoint;
    struct cluster *cluster = cluster_of(target);
    enum sluice_status status = delivery_flush(cluster->delivery, error);
    if (status != SLUICE_OK) {
        return status;
    }
    if (write_names(cluster, writer) != SLUICE_OK) {
        return sluice_fail(cluster->host, error, SLUICE_FATAL, SLUICE_CODE_IO_ERROR,
                           "the sink's state could not be written");
    }
    touched_clear(&cluster->touched);
    return SLUICE_OK;
}

static enum sluice_status read_names(struct cluster *cluster, struct sluice_state_reader *reader,
                                     struct sluice_buffer *names, struct sluice_error *error)
{
    const struct sluice_host *host = cluster->host;
    char version = STATE_VERSION;
    size_t got = sluice_state_read(host, reader, &version, 1);
    if (version != STATE_VERSION) {
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_STATE_VERSION,
                           "the checkpoint's state of sink-es was written by another version of "
                           "the plugin; run the version that wrote it, or start with a new state "
                           "folder");
    }
    while (got > 0 && names->size < STATE_LIMIT) {
        if (sluice_buffer_reserve(host, names, 65536) != SLUICE_OK) {
            return fail_budget(host, error);
        }
        got = sluice_state_read(host, reader, names->data + names->size, 65536);
        names->size += got;
    }
    return SLUICE_OK;
}

static enum sluice_status cluster_commit(struct target *target, uint64_t checkpoint,
                                         struct sluice_state_reader *reader,
                                         struct sluice_error *error)
{
    (void)checkpoint;
    struct cluster *cluster = cluster_of(target);
    struct sluice_buffer names = {0};
    if (cluster->options->refresh == ES_REFRESH_NONE || !reader) {
        return SLUICE_OK;
    }
    enum sluice_status status = read_names(cluster, reader, &names, error);
    if (status == SLUICE_OK && names.size > 0) {
        status = setup_refresh(&cluster->client, names.data, names.size, error);
    }
    sluice_buffer_free(cluster->host, &names);
    return status;
}

/* All that was staged is in the indexes already; only the refresh can be missing. */
static enum sluice_status cluster_recover(struct target *target,
                                          const struct sluice_recovery *recovery,
                                          struct sluice_state_reader *reader,
                                          struct sluice_error *error)
{
    return cluster_commit(target, recovery->checkpoint, reader, error);
}

static const struct target_calls cluster_calls = {
    .open = cluster_open,
    .begin = cluster_begin,
    .add = cluster_add,
    .turn = cluster_turn,
    .stage = cluster_stage,
    .commit = cluster_commit,
    .recover = cluster_recover,
    .give_back = cluster_give_back,
    .cancel = cluster_cancel,
    .close = cluster_close,
    .destroy = cluster_destroy,
};

enum sluice_status cluster_create(const struct sluice_host *host, const struct es_options *options,
                                  const struct index_pattern *pattern, struct target **target,
                                  struct sluice_error *error)
{
    *target = NULL;
    struct cluster *made = sluice_alloc(host, sizeof(*made));
    if (!made) {
        return fail_budget(host, error);
    }
    memset(made, 0, sizeof(*made));
    made->target.calls = &cluster_calls;
    made->host = host;
    made->options = options;
    made->pattern = pattern;
    enum sluice_status status = search_client_init(&made->client, host, options, error);
    if (status == SLUICE_OK) {
        status = make_bulk_path(made, error);
    }
    if (status == SLUICE_OK) {
        status = delivery_create(&made->client, made->path.data, !pattern->is_literal,
                                 &made->delivery, error);
    }
    if (status == SLUICE_OK && touched_init(&made->touched, host) != SLUICE_OK) {
        status = fail_budget(host, error);
    }
    if (status != SLUICE_OK) {
        cluster_destroy(&made->target);
        return status;
    }
    *target = &made->target;
    return SLUICE_OK;
}
