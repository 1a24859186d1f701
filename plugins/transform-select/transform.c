/* SPDX-License-Identifier: Apache-2.0 */
/* plan → create → process: columns are shared with the input, rows copied only where some are left
 * out. */
#include "condition.h"
#include "select_options.h"

#include <string.h>

struct select {
    const struct sluice_host *host;
    const struct sluice_schema *output;
    struct sluice_column_source *sources; /* by output column */
    struct condition *condition;          /* NULL: every row goes on */
    int32_t *rows;
    int64_t rows_capacity;
};

static enum sluice_status fail_memory(const struct sluice_host *host, struct sluice_error *error)
{
    return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                       "no memory for selecting rows: raise settings.memory");
}

static const struct sluice_field *find_field(const struct sluice_schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->field_count; i++) {
        const struct sluice_field *field = sluice_schema_field(schema, i);
        if (strcmp(field->name, name) == 0) {
            return field;
        }
    }
    return NULL;
}

static enum sluice_status plan_columns(const struct sluice_host *host,
                                       const struct select_options *options,
                                       struct sluice_planning *planning, struct sluice_error *error)
{
    const struct sluice_schema *input = sluice_planning_input(host, planning);
    enum sluice_status status = SLUICE_OK;
    if (options->columns.count == 0) {
        for (size_t i = 0; status == SLUICE_OK && i < input->field_count; i++) {
            status = sluice_planning_output(host, planning, sluice_schema_field(input, i));
        }
        return status;
    }
    for (size_t i = 0; status == SLUICE_OK && i < options->columns.count; i++) {
        const char *name = options->columns.items[i];
        const struct sluice_field *field = find_field(input, name);
        if (!field) {
            sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                        "the input has no column `%s`", name);
            sluice_error_at(host, error, SLUICE_AT_OPTION, "columns");
            return SLUICE_CONFIG;
        }
        sluice_planning_reads(host, planning, name);
        status = sluice_planning_output(host, planning, field);
    }
    return status;
}

static enum sluice_status plan_condition(const struct sluice_host *host,
                                         const struct select_options *options,
                                         struct sluice_planning *planning,
                                         struct sluice_error *error)
{
    struct condition *condition;
    enum sluice_status status = condition_create(
        host, options->where, sluice_planning_input(host, planning), &condition, error);
    for (int i = 0; status == SLUICE_OK && i < condition->node_count; i++) {
        if (condition->nodes[i].column) {
            sluice_planning_reads(host, planning, condition->nodes[i].column);
        }
    }
    condition_destroy(condition);
    return status;
}

static enum sluice_status select_plan(const struct sluice_host *host, const void *instance_options,
                                      struct sluice_planning *planning, struct sluice_error *error)
{
    const struct select_options *options = instance_options;
    if (options->columns.count == 0 && !options->where) {
        return sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                           "transform-select needs `columns`, `where` or both: without them "
                           "everything would go on as it is");
    }
    enum sluice_status status = plan_columns(host, options, planning, error);
    return status == SLUICE_OK && options->where ? plan_condition(host, options, planning, error)
                                                 : status;
}

static void select_destroy(void *instance)
{
    struct select *select = instance;
    if (!select) {
        return;
    }
    condition_destroy(select->condition);
    sluice_free(select->host, select->sources);
    sluice_free(select->host, select->rows);
    sluice_free(select->host, select);
}

static enum sluice_status select_create(const struct sluice_host *host,
                                        const void *instance_options, void **instance,
                                        struct sluice_error *error)
{
    const struct select_options *options = instance_options;
    *instance = NULL;
    struct select *select = sluice_alloc(host, sizeof *select);
    if (!select) {
        return fail_memory(host, error);
    }
    memset(select, 0, sizeof *select);
    select->host = host;
    select->output = sluice_output_schema(host);
    select->sources =
        sluice_alloc(host, (select->output->field_count + 1) * sizeof *select->sources);
    enum sluice_status status = select->sources ? SLUICE_OK : fail_memory(host, error);
    if (status == SLUICE_OK && options->where) {
        status = condition_create(host, options->where, sluice_input_schema(host),
                                  &select->condition, error);
    }
    if (status != SLUICE_OK) {
        select_destroy(select);
        return status;
    }
    *instance = select;
    return SLUICE_OK;
}

/* Finds the rows that go on; *count is all of them without a condition. */
static enum sluice_status choose_rows(struct select *select, const struct sluice_batch *batch,
                                      int64_t *count, struct sluice_error *error)
{
    *count = sluice_batch_rows(select->host, batch);
    if (!select->condition) {
        return SLUICE_OK;
    }
    if (*count > select->rows_capacity) {
        int32_t *grown =
            sluice_resize(select->host, select->rows, (size_t)*count * sizeof *select->rows);
        if (!grown) {
            return fail_memory(select->host, error);
        }
        select->rows = grown;
        select->rows_capacity = *count;
    }
    return condition_rows(select->condition, batch, select->rows, count, error);
}

static enum sluice_status share_columns(struct select *select, const struct sluice_batch *batch,
                                        struct sluice_batch **shared, struct sluice_error *error)
{
    for (size_t i = 0; i < select->output->field_count; i++) {
        const char *name = sluice_schema_field(select->output, i)->name;
        select->sources[i] = (struct sluice_column_source){
            .batch = batch, .column = sluice_batch_find(select->host, batch, name)};
    }
    return sluice_batch_assemble(select->host, select->output, select->sources, shared, error);
}

static enum sluice_status select_process(void *instance, const struct sluice_batch *batch,
                                         struct sluice_error *error)
{
    struct select *select = instance;
    const struct sluice_host *host = select->host;
    int64_t count;
    struct sluice_batch *shared = NULL;
    enum sluice_status status = choose_rows(select, batch, &count, error);
    if (status != SLUICE_OK || count == 0) {
        return status;
    }
    status = share_columns(select, batch, &shared, error);
    if (status != SLUICE_OK || count == sluice_batch_rows(host, batch)) {
        return status == SLUICE_OK ? sluice_emit(host, shared, error) : status;
    }
    struct sluice_batch *taken = NULL;
    status = sluice_batch_take(host, shared, select->rows, count, &taken, error);
    sluice_batch_release(host, shared);
    return status == SLUICE_OK ? sluice_emit(host, taken, error) : status;
}

const struct sluice_transform select_transform = {
    .struct_size = sizeof(struct sluice_transform),
    .plan = select_plan,
    .create = select_create,
    .process = select_process,
    .destroy = select_destroy,
};
