/* SPDX-License-Identifier: Apache-2.0 */
/* transform-template: adds a column with the length of a string column, in bytes, and rejects rows
 * whose string is too long. Null stays null. Copy it, rename it, and replace what is marked
 * "Yours". */
#include <sluice/plugin.h>

#include <string.h>

/* Yours: one member a row of the option table below. */
struct options {
    const char *column;
    const char *as;
    int64_t most_bytes;
};

static const struct sluice_option option_rows[] = {
    {.name = "column",
     .kind = SLUICE_OPTION_COLUMN,
     .offset = offsetof(struct options, column),
     .is_required = true,
     .text = "String column to measure.",
     .example = "url"},
    {.name = "as",
     .kind = SLUICE_OPTION_STRING,
     .offset = offsetof(struct options, as),
     .default_text = "length",
     .text = "Name of the new column.",
     .example = "url_length"},
    {.name = "most_bytes",
     .kind = SLUICE_OPTION_SIZE,
     .offset = offsetof(struct options, most_bytes),
     .default_text = "64KiB",
     .maximum = INT64_MAX,
     .unit = "bytes",
     .text = "Rows with a longer string are rejected.",
     .example = "2KiB"},
};

struct transform {
    const struct sluice_host *host;
    const struct options *options;
    struct sluice_field field; /* of the new column */
    struct sluice_schema schema;
    struct sluice_builder *builder;
};

/* All columns of the input, and one more. Also called by `sluice check`. */
static enum sluice_status plan(const struct sluice_host *host, const void *options,
                               struct sluice_planning *planning, struct sluice_error *error)
{
    const struct options *chosen = options;
    const struct sluice_schema *input = sluice_planning_input(host, planning);
    enum sluice_status status = SLUICE_OK;
    for (size_t i = 0; status == SLUICE_OK && i < input->field_count; i++) {
        const struct sluice_field *field = sluice_schema_field(input, i);
        bool is_measured = strcmp(field->name, chosen->column) == 0;
        if (is_measured && field->type != SLUICE_TYPE_STRING) {
            status = sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                                 "column `%s` is not a string", chosen->column);
            sluice_error_at(host, error, SLUICE_AT_OPTION, "column");
            return status;
        }
        status = sluice_planning_output(host, planning, field);
    }
    if (status != SLUICE_OK) {
        return status;
    }
    struct sluice_field length = {.name = chosen->as, .type = SLUICE_TYPE_INT64};
    return sluice_planning_output(host, planning, &length);
}

static void destroy(void *instance)
{
    struct transform *transform = instance;
    sluice_builder_destroy(transform->host, transform->builder);
    sluice_free(transform->host, transform);
}

static enum sluice_status create(const struct sluice_host *host, const void *options,
                                 void **instance, struct sluice_error *error)
{
    *instance = NULL;
    struct transform *transform = sluice_alloc(host, sizeof *transform);
    if (!transform) {
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                           "no memory for the transform");
    }
    *transform = (struct transform){.host = host, .options = options};
    transform->field =
        (struct sluice_field){.name = transform->options->as, .type = SLUICE_TYPE_INT64};
    transform->schema = (struct sluice_schema){
        .field_size = sizeof transform->field, .field_count = 1, .fields = &transform->field};
    enum sluice_status status =
        sluice_builder_create(host, &transform->schema, &transform->builder, error);
    if (status != SLUICE_OK) {
        destroy(transform);
        return status;
    }
    *instance = transform;
    return SLUICE_OK;
}

/* Yours: the new value of each row. rows[0 .. *kept) get the numbers of the rows that stay. */
static enum sluice_status measure_rows(struct transform *transform,
                                       const struct sluice_batch *batch, int32_t *rows,
                                       int64_t *kept, struct sluice_error *error)
{
    const struct sluice_host *host = transform->host;
    struct sluice_column column;
    int index = sluice_batch_find(host, batch, transform->options->column);
    sluice_batch_column(host, batch, index, &column);
    for (int64_t row = 0; row < column.length; row++) {
        bool is_null = sluice_column_is_null(&column, row);
        size_t size = is_null ? 0 : sluice_column_string(&column, row).size;
        enum sluice_status status = SLUICE_OK;
        if ((int64_t)size > transform->options->most_bytes) {
            struct sluice_rejected rejected = {.batch = batch, .row = row, .position = -1};
            sluice_fail(host, error, SLUICE_REJECT, SLUICE_CODE_RECORD_TOO_LONG,
                        "the string has %zu bytes, more than %lld", size,
                        (long long)transform->options->most_bytes);
            sluice_error_at(host, error, SLUICE_AT_COLUMN, "%s", transform->options->column);
            status = sluice_reject(host, &rejected, error);
        } else {
            rows[(*kept)++] = (int32_t)row;
            status = is_null ? sluice_builder_null(host, transform->builder, 0)
                             : sluice_builder_int64(host, transform->builder, 0, (int64_t)size);
            if (status == SLUICE_OK) {
                status = sluice_builder_end_row(host, transform->builder, 0);
            }
        }
        if (status != SLUICE_OK) {
            return status;
        }
    }
    return SLUICE_OK;
}

/* The columns of `kept` with the new one behind them, without copying a value. */
static enum sluice_status join(struct transform *transform, const struct sluice_batch *kept,
                               const struct sluice_batch *lengths, struct sluice_batch **joined,
                               struct sluice_error *error)
{
    const struct sluice_host *host = transform->host;
    const struct sluice_schema *output = sluice_output_schema(host);
    size_t count = output->field_count;
    *joined = NULL;
    struct sluice_column_source *sources = sluice_alloc(host, count * sizeof *sources);
    if (!sources) {
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                           "no memory for a batch");
    }
    for (size_t i = 0; i + 1 < count; i++) {
        sources[i] = (struct sluice_column_source){.batch = kept, .column = (int)i};
    }
    sources[count - 1] = (struct sluice_column_source){.batch = lengths, .column = 0};
    enum sluice_status status = sluice_batch_assemble(host, output, sources, joined, error);
    sluice_free(host, sources);
    return status;
}

static enum sluice_status process(void *instance, const struct sluice_batch *batch,
                                  struct sluice_error *error)
{
    struct transform *transform = instance;
    const struct sluice_host *host = transform->host;
    struct sluice_batch *lengths = NULL, *kept = NULL, *joined = NULL;
    int64_t kept_rows = 0;
    int32_t *rows = sluice_alloc(host, (size_t)sluice_batch_rows(host, batch) * sizeof *rows);
    if (!rows) {
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                           "no memory for a batch");
    }
    enum sluice_status status = measure_rows(transform, batch, rows, &kept_rows, error);
    if (status == SLUICE_OK) {
        status = sluice_builder_finish(host, transform->builder, &lengths, error);
    }
    if (status == SLUICE_OK && lengths) {
        status = sluice_batch_take(host, batch, rows, kept_rows, &kept, error);
    }
    if (status == SLUICE_OK && lengths) {
        status = join(transform, kept, lengths, &joined, error);
    }
    if (joined) {
        status = sluice_emit(host, joined, error);
    }
    sluice_batch_release(host, kept);
    sluice_batch_release(host, lengths);
    sluice_free(host, rows);
    return status;
}

static const struct sluice_transform transform_callbacks = {
    .struct_size = sizeof transform_callbacks,
    .plan = plan,
    .create = create,
    .process = process,
    .destroy = destroy,
};

static const struct sluice_component component = {
    .struct_size = sizeof component,
    .kind = SLUICE_KIND_TRANSFORM,
    .name = "transform-template",
    .summary = "Adds the length of a string column; a transform to start from.",
    .capabilities = SLUICE_STATELESS,
    .options_size = sizeof(struct options),
    .option_size = sizeof *option_rows,
    .option_count = sizeof option_rows / sizeof *option_rows,
    .options = option_rows,
    .transform = &transform_callbacks,
};

static const struct sluice_plugin plugin = {
    .abi_version = SLUICE_ABI_VERSION,
    .struct_size = sizeof plugin,
    .name = "transform-template",
    .version = "1.0.0",
    .licence = "Apache-2.0",
    .summary = "A transform to start from.",
    .component_size = sizeof component,
    .component_count = 1,
    .components = &component,
};

SLUICE_PLUGIN_EXPORT const struct sluice_plugin *sluice_plugin_describe(uint32_t host_abi)
{
    (void)host_abi;
    return &plugin;
}
