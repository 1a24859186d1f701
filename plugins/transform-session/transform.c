/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a session step: plan, take rows until the end, sort and send them. */
#include "session.h"

#include <string.h>

struct session {
    const struct sluice_host *host;
    const struct session_options *options;
    struct row_layout *layout;
    struct row_store *store;
};

static enum sluice_status refuse(const struct sluice_host *host, struct sluice_error *error,
                                 const char *option, const char *column, const char *why)
{
    sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID, "column %s %s", column,
                why);
    sluice_error_at(host, error, SLUICE_AT_OPTION, "%s", option);
    return SLUICE_CONFIG;
}

static enum sluice_status check_columns(const struct sluice_host *host,
                                        const struct session_options *options,
                                        const struct sluice_schema *input,
                                        struct sluice_error *error)
{
    int key = schema_index(input, options->key);
    int time = schema_index(input, options->time);
    if (key < 0)
        return refuse(host, error, "key", options->key, "is not in the step's input");
    if (time < 0)
        return refuse(host, error, "time", options->time, "is not in the step's input");
    if (sluice_schema_field(input, (size_t)key)->type == SLUICE_TYPE_FLOAT64)
        return refuse(host, error, "key", options->key, "is a float64, which cannot be a key");
    if (sluice_schema_field(input, (size_t)time)->type != SLUICE_TYPE_TIMESTAMP)
        return refuse(host, error, "time", options->time, "is not a timestamp");
    if (options->order.count && strcmp(options->order.items[0], options->time))
        return refuse(host, error, "order", options->order.items[0],
                      "comes first, but visits are ordered by time: put the `time` column first");
    if (schema_index(input, options->column) >= 0)
        return refuse(host, error, "column", options->column,
                      "exists already; choose another name for the added one");
    return SLUICE_OK;
}

static enum sluice_status plan_session(const struct sluice_host *host, const void *options_,
                                       struct sluice_planning *planning, struct sluice_error *error)
{
    const struct session_options *options = options_;
    const struct sluice_schema *input = sluice_planning_input(host, planning);
    enum sluice_status status = check_columns(host, options, input, error);
    for (size_t i = 0; status == SLUICE_OK && i < input->field_count; i++)
        status = sluice_planning_output(host, planning, sluice_schema_field(input, i));
    if (status != SLUICE_OK)
        return status;

    const struct sluice_field added = {.name = options->column, .type = SLUICE_TYPE_FLOAT64};
    status = sluice_planning_output(host, planning, &added);
    if (status != SLUICE_OK)
        return status;
    sluice_planning_key(host, planning, options->key);
    sluice_planning_reads(host, planning, options->key);
    sluice_planning_reads(host, planning, options->time);
    for (size_t i = 0; i < options->order.count; i++)
        sluice_planning_reads(host, planning, options->order.items[i]);
    sluice_planning_property(host, planning, SLUICE_PARTITIONED_BY, &options->key, 1);
    sluice_planning_property(host, planning, SLUICE_CLUSTERED_BY, &options->key, 1);
    return SLUICE_OK;
}

static void destroy_session(void *instance)
{
    struct session *session = instance;
    if (!session)
        return;
    store_destroy(session->store);
    layout_destroy(session->host, session->layout);
    sluice_free(session->host, session);
}

static enum sluice_status create_session(const struct sluice_host *host, const void *options,
                                         void **instance, struct sluice_error *error)
{
    *instance = NULL;
    struct session *session = sluice_alloc(host, sizeof(*session));
    if (!session)
        return fail_over_budget(host, error, "its tables");
    *session = (struct session){.host = host, .options = options};
    enum sluice_status status = layout_create(host, options, &session->layout, error);
    if (status == SLUICE_OK)
        status = store_create(host, session->layout, 0, &session->store, error);
    if (status != SLUICE_OK) {
        destroy_session(session);
        return status;
    }
    *instance = session;
    return SLUICE_OK;
}

static enum sluice_status process_session(void *instance, const struct sluice_batch *batch,
                                          struct sluice_error *error)
{
    struct session *session = instance;
    return store_add(session->store, batch, error);
}

static enum sluice_status send_partition(struct session *session, struct row_store *store,
                                         size_t partition, struct visit_rows *visits,
                                         struct sluice_error *error)
{
    const struct row_layout *layout = session->layout;
    struct key_runs runs;
    enum sluice_status status = store_take_partition(store, partition, &runs, error);
    if (status != SLUICE_OK)
        return status;
    uint32_t first = 0;
    for (size_t run = 0; run < runs.run_count; run++) {
        sort_user_rows(layout, runs.rows + first * layout->row_size, runs.spare,
                       runs.ends[run] - first);
        first = runs.ends[run];
    }
    return visit_rows_add(visits, &runs, error);
}

static enum sluice_status send_store(struct session *session, struct row_store *store,
                                     struct visit_rows *visits, struct sluice_error *error)
{
    enum sluice_status status = SLUICE_OK;
    for (size_t i = 0; status == SLUICE_OK && i < PARTITION_COUNT; i++) {
        if (sluice_is_cancelled(session->host))
            return sluice_fail(session->host, error, SLUICE_FATAL, SLUICE_CODE_CANCELLED,
                               "the run was stopped while sessions were being sorted");
        if (!store_is_too_large(store, i)) {
            status = send_partition(session, store, i, visits, error);
            continue;
        }
        struct row_store *divided;
        status = store_divide(store, i, &divided, error);
        if (status == SLUICE_OK)
            status = send_store(session, divided, visits, error);
        store_destroy(divided);
    }
    return status;
}

static enum sluice_status finish_session(void *instance, struct sluice_error *error)
{
    struct session *session = instance;
    struct visit_rows *visits;
    enum sluice_status status =
        visit_rows_create(session->host, session->layout, session->options, &visits, error);
    if (status != SLUICE_OK)
        return status;
    /* Where memory was short, later steps need what the rest would hold until its turn comes. */
    if (store_has_spilled(session->store))
        status = store_spill(session->store, error);
    if (status == SLUICE_OK)
        status = send_store(session, session->store, visits, error);
    if (status == SLUICE_OK)
        status = visit_rows_flush(visits, error);
    visit_rows_destroy(visits);
    return status;
}

const struct sluice_transform session_transform = {
    .struct_size = sizeof(struct sluice_transform),
    .plan = plan_session,
    .create = create_session,
    .process = process_session,
    .finish = finish_session,
    .destroy = destroy_session,
};
