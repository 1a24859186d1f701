/* SPDX-License-Identifier: Apache-2.0 */
/* plan → create → process: the codec decodes and rejects, this step joins what it made with the
 * columns that are kept. */
#include "parse_options.h"

#include <sluice/codec.h>

#include <string.h>

struct parse {
    const struct sluice_host *host;
    const struct parse_options *options;
    const struct sluice_schema *output;   /* as planned: a subset of schema, then of kept columns */
    struct sluice_field *fields;          /* of `produced` */
    struct sluice_schema produced;        /* what the decoder makes: the output without kept ones */
    struct sluice_column_source *sources; /* by output column */
    struct sluice_decoder *decoder;
    int32_t *rows; /* good rows of the batch at hand */
    int64_t rows_capacity;
};

static enum sluice_status fail_memory(const struct sluice_host *host, struct sluice_error *error)
{
    return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                       "no memory for parsing: raise settings.memory");
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

static enum sluice_status check_column(const struct sluice_host *host,
                                       const struct parse_options *options,
                                       const struct sluice_schema *input,
                                       struct sluice_error *error)
{
    const struct sluice_field *field = find_field(input, options->column);
    if (field && (field->type == SLUICE_TYPE_BINARY || field->type == SLUICE_TYPE_STRING)) {
        return SLUICE_OK;
    }
    sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                field ? "column `%s` is neither binary nor string, so it holds no messages"
                      : "the input has no column `%s`",
                options->column);
    sluice_error_at(host, error, SLUICE_AT_OPTION, "column");
    return SLUICE_CONFIG;
}

static enum sluice_status parse_plan(const struct sluice_host *host, const void *instance_options,
                                     struct sluice_planning *planning, struct sluice_error *error)
{
    const struct parse_options *options = instance_options;
    const struct sluice_schema *input = sluice_planning_input(host, planning);
    enum sluice_status status = check_column(host, options, input, error);
    sluice_planning_reads(host, planning, options->column);
    for (size_t i = 0; status == SLUICE_OK && i < options->schema->field_count; i++) {
        status = sluice_planning_output(host, planning, sluice_schema_field(options->schema, i));
    }
    for (size_t i = 0; status == SLUICE_OK && i < options->keep.count; i++) {
        const char *name = options->keep.items[i];
        const struct sluice_field *field = find_field(input, name);
        if (!field || find_field(options->schema, name)) {
            sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                        field ? "the schema has a column `%s`, too: it cannot be kept beside it"
                              : "the input has no column `%s`",
                        name);
            sluice_error_at(host, error, SLUICE_AT_OPTION, "keep");
            sluice_error_at(host, error, SLUICE_AT_ITEM, "%zu", i);
            return SLUICE_CONFIG;
        }
        sluice_planning_reads(host, planning, name);
        status = sluice_planning_output(host, planning, field);
    }
    return status;
}

static void parse_destroy(void *instance)
{
    struct parse *parse = instance;
    if (!parse) {
        return;
    }
    sluice_decoder_destroy(parse->host, parse->decoder);
    sluice_free(parse->host, parse->fields);
    sluice_free(parse->host, parse->sources);
    sluice_free(parse->host, parse->rows);
    sluice_free(parse->host, parse);
}

/* Splits the planned output into what the decoder makes and what is kept. */
static enum sluice_status divide_output(struct parse *parse, struct sluice_error *error)
{
    size_t count = parse->output->field_count;
    parse->fields = sluice_alloc(parse->host, (count + 1) * sizeof *parse->fields);
    parse->sources = sluice_alloc(parse->host, (count + 1) * sizeof *parse->sources);
    if (!parse->fields || !parse->sources) {
        return fail_memory(parse->host, error);
    }
    parse->produced =
        (struct sluice_schema){.field_size = sizeof *parse->fields, .fields = parse->fields};
    for (size_t i = 0; i < count; i++) {
        const struct sluice_field *field = sluice_schema_field(parse->output, i);
        if (find_field(parse->options->schema, field->name)) {
            parse->fields[parse->produced.field_count++] = *field;
        }
    }
    return SLUICE_OK;
}

static enum sluice_status parse_create(const struct sluice_host *host, const void *instance_options,
                                       void **instance, struct sluice_error *error)
{
    *instance = NULL;
    struct parse *parse = sluice_alloc(host, sizeof *parse);
    if (!parse) {
        return fail_memory(host, error);
    }
    memset(parse, 0, sizeof *parse);
    parse->host = host;
    parse->options = instance_options;
    parse->output = sluice_output_schema(host);
    enum sluice_status status = divide_output(parse, error);
    if (status == SLUICE_OK) {
        status = sluice_decoder_create(host, parse->options->format, parse->options->schema,
                                       &parse->produced, &parse->decoder, error);
    }
    if (status != SLUICE_OK) {
        parse_destroy(parse);
        return status;
    }
    *instance = parse;
    return SLUICE_OK;
}

/* Joins decoded columns with those of the same rows of the input. */
static enum sluice_status join_kept(struct parse *parse, const struct sluice_batch *decoded,
                                    const struct sluice_batch *kept, struct sluice_batch **joined,
                                    struct sluice_error *error)
{
    int next_decoded = 0;
    for (size_t i = 0; i < parse->output->field_count; i++) {
        const char *name = sluice_schema_field(parse->output, i)->name;
        bool is_decoded = find_field(&parse->produced, name) != NULL;
        parse->sources[i] = (struct sluice_column_source){
            .batch = is_decoded ? decoded : kept,
            .column = is_decoded ? next_decoded++ : sluice_batch_find(parse->host, kept, name)};
    }
    return sluice_batch_assemble(parse->host, parse->output, parse->sources, joined, error);
}

/* Emits the decoded batch, which is taken over. */
static enum sluice_status emit_decoded(struct parse *parse, const struct sluice_batch *input,
                                       struct sluice_batch *decoded, int64_t count,
                                       struct sluice_error *error)
{
    const struct sluice_host *host = parse->host;
    if (parse->produced.field_count == parse->output->field_count) {
        return sluice_emit(host, decoded, error);
    }
    struct sluice_batch *taken = NULL;
    struct sluice_batch *joined = NULL;
    enum sluice_status status = SLUICE_OK;
    if (count < sluice_batch_rows(host, input)) {
        status = sluice_batch_take(host, input, parse->rows, count, &taken, error);
    }
    if (status == SLUICE_OK) {
        status = join_kept(parse, decoded, taken ? taken : input, &joined, error);
    }
    sluice_batch_release(host, taken);
    sluice_batch_release(host, decoded);
    return status == SLUICE_OK ? sluice_emit(host, joined, error) : status;
}

static enum sluice_status parse_process(void *instance, const struct sluice_batch *batch,
                                        struct sluice_error *error)
{
    struct parse *parse = instance;
    const struct sluice_host *host = parse->host;
    int64_t row_count = sluice_batch_rows(host, batch);
    if (row_count > parse->rows_capacity) {
        int32_t *grown = sluice_resize(host, parse->rows, (size_t)row_count * sizeof *parse->rows);
        if (!grown) {
            return fail_memory(host, error);
        }
        parse->rows = grown;
        parse->rows_capacity = row_count;
    }
    int column = sluice_batch_find(host, batch, parse->options->column);
    if (column < 0) {
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_INTERNAL,
                           "a batch came without column `%s`", parse->options->column);
    }
    struct sluice_batch *decoded = NULL;
    int64_t good = 0;
    enum sluice_status status = sluice_decoder_values(host, parse->decoder, batch, column, &decoded,
                                                      parse->rows, &good, error);
    if (status != SLUICE_OK || !decoded) {
        return status;
    }
    return emit_decoded(parse, batch, decoded, good, error);
}

const struct sluice_transform parse_transform = {
    .struct_size = sizeof(struct sluice_transform),
    .plan = parse_plan,
    .create = parse_create,
    .process = parse_process,
    .destroy = parse_destroy,
};
