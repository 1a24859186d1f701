/* SPDX-License-Identifier: Apache-2.0 */
/* source-template: gives numbered rows, some of them with nulls. Copy it, rename it, and replace
 * what is marked "Yours". It goes on after a crash where its last checkpoint was. */
#include <sluice/plugin.h>

/* Yours: one member a row of the option table below. */
struct options {
    int64_t rows;
    int64_t null_every;
};

static const struct sluice_option option_rows[] = {
    {.name = "rows",
     .kind = SLUICE_OPTION_INT,
     .offset = offsetof(struct options, rows),
     .default_text = "10",
     .maximum = INT64_MAX,
     .unit = "rows",
     .text = "How many rows to give.",
     .example = "1000"},
    {.name = "null_every",
     .kind = SLUICE_OPTION_INT,
     .offset = offsetof(struct options, null_every),
     .default_text = "3",
     .maximum = INT64_MAX,
     .unit = "rows",
     .text = "Every such row has no word; 0 gives all rows a word.",
     .example = "5"},
};

/* Yours: the columns that come out. */
enum { COLUMN_NUMBER, COLUMN_WORD, COLUMN_COUNT };
static const struct sluice_field fields[COLUMN_COUNT] = {
    [COLUMN_NUMBER] = {.name = "number", .type = SLUICE_TYPE_INT64},
    [COLUMN_WORD] = {.name = "word", .type = SLUICE_TYPE_STRING},
};

struct source {
    const struct sluice_host *host;
    const struct options *options;
    struct sluice_builder *builder;
    int64_t next; /* the position: number of the next row */
};

enum { BATCH_ROWS = 8192 };

static enum sluice_status plan(const struct sluice_host *host, const void *options,
                               struct sluice_planning *planning, struct sluice_error *error)
{
    (void)options, (void)error;
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        enum sluice_status status = sluice_planning_output(host, planning, &fields[i]);
        if (status != SLUICE_OK) {
            return status;
        }
    }
    return SLUICE_OK;
}

static void destroy(void *instance)
{
    struct source *source = instance;
    sluice_builder_destroy(source->host, source->builder);
    sluice_free(source->host, source);
}

static enum sluice_status create(const struct sluice_host *host, const void *options,
                                 void **instance, struct sluice_error *error)
{
    *instance = NULL;
    struct source *source = sluice_alloc(host, sizeof *source);
    if (!source) {
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                           "no memory for the source");
    }
    *source = (struct source){.host = host, .options = options};
    enum sluice_status status =
        sluice_builder_create(host, sluice_output_schema(host), &source->builder, error);
    if (status != SLUICE_OK) {
        destroy(source);
        return status;
    }
    *instance = source;
    return SLUICE_OK;
}

/* Yours: one row. */
static enum sluice_status add_row(struct source *source, struct sluice_error *error)
{
    static const char word[] = "word";
    int64_t number = source->next;
    bool is_null = source->options->null_every > 0 && number % source->options->null_every == 0;
    enum sluice_status status =
        sluice_builder_int64(source->host, source->builder, COLUMN_NUMBER, number);
    if (status == SLUICE_OK) {
        status = is_null ? sluice_builder_null(source->host, source->builder, COLUMN_WORD)
                         : sluice_builder_string(source->host, source->builder, COLUMN_WORD, word,
                                                 sizeof word - 1);
    }
    if (status == SLUICE_OK) {
        status = sluice_builder_end_row(source->host, source->builder, number);
    }
    if (status != SLUICE_OK) {
        return sluice_fail(source->host, error, status, SLUICE_CODE_OVER_BUDGET,
                           "no memory for a batch");
    }
    source->next++;
    return SLUICE_OK;
}

static enum sluice_status read_rows(void *instance, int timeout_ms, struct sluice_batch **batch,
                                    struct sluice_error *error)
{
    (void)timeout_ms; /* nothing here ever waits */
    struct source *source = instance;
    *batch = NULL;
    if (source->next >= source->options->rows) {
        return SLUICE_END;
    }
    for (int i = 0; i < BATCH_ROWS && source->next < source->options->rows; i++) {
        enum sluice_status status = add_row(source, error);
        if (status != SLUICE_OK) {
            return status;
        }
    }
    return sluice_builder_finish(source->host, source->builder, batch, error);
}

/* The state of a checkpoint: enough to go on with the row after the last that was given. */
static enum sluice_status snapshot(void *instance, struct sluice_state_writer *writer,
                                   struct sluice_error *error)
{
    (void)error;
    struct source *source = instance;
    return sluice_state_write(source->host, writer, &source->next, sizeof source->next);
}

static enum sluice_status restore(void *instance, struct sluice_state_reader *reader,
                                  struct sluice_error *error)
{
    struct source *source = instance;
    size_t size = sluice_state_read(source->host, reader, &source->next, sizeof source->next);
    if (size != sizeof source->next) {
        return sluice_fail(source->host, error, SLUICE_FATAL, SLUICE_CODE_STATE_CORRUPT,
                           "the position of source-template has %zu bytes instead of %zu", size,
                           sizeof source->next);
    }
    return SLUICE_OK;
}

static const struct sluice_source source_callbacks = {
    .struct_size = sizeof source_callbacks,
    .plan = plan,
    .create = create,
    .read = read_rows,
    .snapshot = snapshot,
    .restore = restore,
    .destroy = destroy,
};

static const struct sluice_component component = {
    .struct_size = sizeof component,
    .kind = SLUICE_KIND_SOURCE,
    .name = "source-template",
    .summary = "Gives numbered rows; a source to start from.",
    .options_size = sizeof(struct options),
    .option_size = sizeof *option_rows,
    .option_count = sizeof option_rows / sizeof *option_rows,
    .options = option_rows,
    .source = &source_callbacks,
};

static const struct sluice_plugin plugin = {
    .abi_version = SLUICE_ABI_VERSION,
    .struct_size = sizeof plugin,
    .name = "source-template",
    .version = "1.0.0",
    .licence = "Apache-2.0",
    .summary = "A source to start from.",
    .component_size = sizeof component,
    .component_count = 1,
    .components = &component,
};

SLUICE_PLUGIN_EXPORT const struct sluice_plugin *sluice_plugin_describe(uint32_t host_abi)
{
    (void)host_abi;
    return &plugin;
}
