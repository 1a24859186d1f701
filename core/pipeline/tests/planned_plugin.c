/* SPDX-License-Identifier: Apache-2.0 */
/* Components that can be planned, one for each thing that a plan decides. They never run. */
#include <sluice/plugin.h>

#include <string.h>

/* ---- what every component needs ---- */

static enum sluice_status create_nothing(const struct sluice_host *host, const void *options,
                                         void **instance, struct sluice_error *error)
{
    (void)options;
    *instance = NULL;
    return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_INTERNAL, "made for planning only");
}

static enum sluice_status read_nothing(void *instance, int timeout_ms, struct sluice_batch **batch,
                                       struct sluice_error *error)
{
    (void)instance;
    (void)timeout_ms;
    (void)error;
    *batch = NULL;
    return SLUICE_END;
}

static enum sluice_status snapshot_nothing(void *instance, struct sluice_state_writer *writer,
                                           struct sluice_error *error)
{
    (void)instance;
    (void)writer;
    (void)error;
    return SLUICE_OK;
}

static enum sluice_status decide_nothing(void *instance, uint64_t checkpoint,
                                         struct sluice_error *error)
{
    (void)instance;
    (void)checkpoint;
    (void)error;
    return SLUICE_OK;
}

static enum sluice_status process_nothing(void *instance, const struct sluice_batch *batch,
                                          struct sluice_error *error)
{
    (void)instance;
    (void)batch;
    (void)error;
    return SLUICE_OK;
}

static enum sluice_status write_nothing(void *instance, const struct sluice_batch *batch,
                                        struct sluice_verdicts *verdicts,
                                        struct sluice_error *error)
{
    (void)instance;
    (void)batch;
    (void)verdicts;
    (void)error;
    return SLUICE_OK;
}

static enum sluice_status stage_nothing(void *instance, uint64_t checkpoint,
                                        struct sluice_state_writer *writer,
                                        struct sluice_error *error)
{
    (void)instance;
    (void)checkpoint;
    (void)writer;
    (void)error;
    return SLUICE_OK;
}

static enum sluice_status commit_nothing(void *instance, uint64_t checkpoint,
                                         struct sluice_state_reader *reader,
                                         struct sluice_error *error)
{
    (void)instance;
    (void)checkpoint;
    (void)reader;
    (void)error;
    return SLUICE_OK;
}

static void destroy_nothing(void *instance)
{
    (void)instance;
}

static enum sluice_status give_out(const struct sluice_host *host, struct sluice_planning *planning,
                                   const struct sluice_schema *schema)
{
    enum sluice_status status = SLUICE_OK;
    for (size_t i = 0; status == SLUICE_OK && schema && i < schema->field_count; i++)
        status = sluice_planning_output(host, planning, sluice_schema_field(schema, i));
    return status;
}

/* ---- source-rows: an option of every kind ---- */

struct rows_options {
    const struct sluice_schema *schema;
    const struct sluice_codec_choice *format;
    const char *text, *secret, *path;
    bool flag;
    int64_t limit, size, wait, since;
    double ratio;
    int mode;
    struct sluice_strings names;
    struct sluice_pairs headers, logins;
};

static const char *const modes[] = {"append", "replace", NULL};

#define ROWS(row_name, row_kind, ...)                                                              \
    {                                                                                              \
        .name = #row_name, .kind = SLUICE_OPTION_##row_kind,                                       \
        .offset = offsetof(struct rows_options, row_name), .text = "A " #row_kind " | value.",     \
        .example = "x", __VA_ARGS__                                                                \
    }

static const struct sluice_option rows_rows[] = {
    ROWS(schema, SCHEMA, .is_required = true),
    ROWS(format, CODEC, .default_text = "lines"),
    ROWS(text, STRING, .default_text = "hello"),
    ROWS(secret, SECRET, .default_text = NULL),
    ROWS(path, PATH, .default_text = NULL),
    ROWS(flag, BOOL, .default_text = "true"),
    ROWS(limit, INT, .minimum = 1, .maximum = 100, .default_text = "7", .unit = "rows"),
    ROWS(size, SIZE, .minimum = 1024, .maximum = 1048576, .default_text = "64KiB"),
    ROWS(wait, DURATION, .minimum = 1000, .maximum = 3600000, .default_text = "1m30s"),
    ROWS(since, TIMESTAMP, .default_text = NULL),
    ROWS(ratio, FLOAT, .default_text = "0.5"),
    ROWS(mode, ENUM, .allowed = modes, .default_text = "append"),
    ROWS(names, STRINGS, .default_text = "[a, b]"),
    ROWS(headers, MAP, .default_text = NULL),
    ROWS(logins, MAP, .is_secret = true),
};

static enum sluice_status plan_rows(const struct sluice_host *host, const void *given,
                                    struct sluice_planning *planning, struct sluice_error *error)
{
    const struct rows_options *options = given;
    if (options->limit == 13)
        sluice_planning_warn(host, planning, "limit", "%d brings bad luck", 13);
    if (options->headers.count && strcmp(options->headers.values[0], "bad") == 0) {
        sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID, "a bad header");
        sluice_error_at(host, error, SLUICE_AT_OPTION, "headers");
        sluice_error_at(host, error, SLUICE_AT_ITEM, "%s", options->headers.keys[0]);
        sluice_error_because(host, error, "it says so");
        return SLUICE_CONFIG;
    }
    if (options->names.count > 2)
        return sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                           "too many names for codec %s", sluice_codec_name(host, options->format));
    return give_out(host, planning, options->schema);
}

static const struct sluice_source rows_source = {.struct_size = sizeof(rows_source),
                                                 .plan = plan_rows,
                                                 .create = create_nothing,
                                                 .read = read_nothing,
                                                 .snapshot = snapshot_nothing,
                                                 .destroy = destroy_nothing};

/* ---- source-decides, source-endless: one column `line` ---- */

static enum sluice_status plan_line(const struct sluice_host *host, const void *options,
                                    struct sluice_planning *planning, struct sluice_error *error)
{
    (void)options;
    (void)error;
    struct sluice_field line = {.name = "line", .type = SLUICE_TYPE_STRING};
    return sluice_planning_output(host, planning, &line);
}

static const struct sluice_source decides_source = {.struct_size = sizeof(decides_source),
                                                    .plan = plan_line,
                                                    .create = create_nothing,
                                                    .read = read_nothing,
                                                    .snapshot = snapshot_nothing,
                                                    .decide = decide_nothing,
                                                    .destroy = destroy_nothing};

/* ---- transform-same: gives on what it gets ---- */

struct same_options {
    const char *look;
    bool clashes;
};

static const struct sluice_option same_rows[] = {
    {.name = "look",
     .kind = SLUICE_OPTION_COLUMN,
     .offset = offsetof(struct same_options, look),
     .text = "A column to look at.",
     .example = "url"},
    {.name = "clashes",
     .kind = SLUICE_OPTION_BOOL,
     .default_text = "false",
     .offset = offsetof(struct same_options, clashes),
     .text = "Gives a column twice.",
     .example = "true"},
};

static enum sluice_status plan_same(const struct sluice_host *host, const void *given,
                                    struct sluice_planning *planning, struct sluice_error *error)
{
    (void)error;
    const struct same_options *options = given;
    const struct sluice_schema *input = sluice_planning_input(host, planning);
    if (options->look)
        sluice_planning_reads(host, planning, options->look);
    enum sluice_status status = give_out(host, planning, input);
    if (status == SLUICE_OK && options->clashes)
        status = give_out(host, planning, input);
    return status;
}

static const struct sluice_transform same_transform = {.struct_size = sizeof(same_transform),
                                                       .plan = plan_same,
                                                       .create = create_nothing,
                                                       .process = process_nothing,
                                                       .destroy = destroy_nothing};

/* ---- transform-count: keyed, a count for each key; adds what it knows of the order ---- */

struct count_options {
    struct sluice_strings by;
    const char *distinct;
};

static const struct sluice_option count_rows[] = {
    {.name = "by",
     .kind = SLUICE_OPTION_COLUMNS,
     .is_required = true,
     .offset = offsetof(struct count_options, by),
     .text = "Columns to key by.",
     .example = "[url, country]"},
    {.name = "distinct",
     .kind = SLUICE_OPTION_STRING,
     .offset = offsetof(struct count_options, distinct),
     .text = "A column whose values it counts.",
     .example = "user_id"},
};

static enum sluice_status plan_count(const struct sluice_host *host, const void *given,
                                     struct sluice_planning *planning, struct sluice_error *error)
{
    (void)error;
    const struct count_options *options = given;
    const struct sluice_schema *input = sluice_planning_input(host, planning);
    struct sluice_field total = {.name = "total", .type = SLUICE_TYPE_INT64};
    enum sluice_status status = SLUICE_OK;
    for (size_t i = 0; i < options->by.count; i++) {
        sluice_planning_key(host, planning, options->by.items[i]);
        sluice_planning_reads(host, planning, options->by.items[i]);
        for (size_t j = 0; j < input->field_count; j++) {
            const struct sluice_field *field = sluice_schema_field(input, j);
            if (status == SLUICE_OK && strcmp(field->name, options->by.items[i]) == 0)
                status = sluice_planning_output(host, planning, field);
        }
    }
    if (options->distinct)
        sluice_planning_reads(host, planning, options->distinct);
    sluice_planning_property(host, planning, SLUICE_PARTITIONED_BY, options->by.items,
                             options->by.count);
    return status == SLUICE_OK ? sluice_planning_output(host, planning, &total) : status;
}

static const struct sluice_transform count_transform = {.struct_size = sizeof(count_transform),
                                                        .plan = plan_count,
                                                        .create = create_nothing,
                                                        .process = process_nothing,
                                                        .destroy = destroy_nothing};

/* ---- sink-any ---- */

struct any_options {
    const struct sluice_template *name;
    struct sluice_strings id;
};

static const struct sluice_option any_rows[] = {
    {.name = "name",
     .kind = SLUICE_OPTION_TEMPLATE,
     .offset = offsetof(struct any_options, name),
     .text = "A template.",
     .example = "{url}"},
    {.name = "id",
     .kind = SLUICE_OPTION_COLUMNS,
     .offset = offsetof(struct any_options, id),
     .text = "Columns.",
     .example = "[url]"},
};

static const struct sluice_sink any_sink = {.struct_size = sizeof(any_sink),
                                            .create = create_nothing,
                                            .write = write_nothing,
                                            .stage = stage_nothing,
                                            .commit = commit_nothing,
                                            .destroy = destroy_nothing};

/* ---- sink-file: where rejected rows go by default ---- */

struct file_options {
    const char *path;
    const char *format;
};

static const struct sluice_option file_rows[] = {
    {.name = "path",
     .kind = SLUICE_OPTION_STRING,
     .offset = offsetof(struct file_options, path),
     .text = "File to write.",
     .example = "out"},
    {.name = "format",
     .kind = SLUICE_OPTION_STRING,
     .offset = offsetof(struct file_options, format),
     .text = "Its format.",
     .example = "json"},
};

/* ---- codec lines ---- */

struct lines_options {
    const char *separator;
};

static const struct sluice_option lines_rows[] = {
    {.name = "separator",
     .kind = SLUICE_OPTION_STRING,
     .default_text = "|",
     .offset = offsetof(struct lines_options, separator),
     .text = "What ends a line.",
     .example = ";"},
};

static enum sluice_status create_encoder(const struct sluice_host *host, const void *options,
                                         const struct sluice_schema *schema, void **encoder,
                                         struct sluice_error *error)
{
    (void)schema;
    return create_nothing(host, options, encoder, error);
}

static enum sluice_status begin_encoder(void *encoder, struct sluice_buffer *buffer,
                                        struct sluice_error *error)
{
    (void)encoder;
    (void)buffer;
    (void)error;
    return SLUICE_OK;
}

static enum sluice_status encode_nothing(void *encoder, const struct sluice_batch *batch,
                                         const int32_t *rows, int64_t count,
                                         struct sluice_buffer *buffer, struct sluice_error *error)
{
    (void)encoder;
    (void)batch;
    (void)rows;
    (void)count;
    (void)buffer;
    (void)error;
    return SLUICE_OK;
}

static const struct sluice_codec lines_codec = {.struct_size = sizeof(lines_codec),
                                                .encoder_create = create_encoder,
                                                .encoder_begin = begin_encoder,
                                                .encode = encode_nothing,
                                                .encoder_finish = begin_encoder,
                                                .encoder_destroy = destroy_nothing,
                                                .file_extension = "txt"};

/* ---- the descriptor ---- */

#define OPTIONS(type, table)                                                                       \
    .options_size = sizeof(struct type), .option_size = sizeof(struct sluice_option),              \
    .option_count = sizeof(table) / sizeof((table)[0]), .options = (table)
#define NO_OPTIONS .option_size = sizeof(struct sluice_option)

static const struct sluice_component components[] = {
    {.struct_size = sizeof(struct sluice_component),
     .kind = SLUICE_KIND_SOURCE,
     .name = "source-rows",
     .summary = "Rows of a schema.",
     .capabilities = SLUICE_PARALLEL | SLUICE_PROJECTS,
     OPTIONS(rows_options, rows_rows),
     .source = &rows_source},
    {.struct_size = sizeof(struct sluice_component),
     .kind = SLUICE_KIND_SOURCE,
     .name = "source-decides",
     .summary = "Decides.",
     NO_OPTIONS,
     .source = &decides_source},
    {.struct_size = sizeof(struct sluice_component),
     .kind = SLUICE_KIND_SOURCE,
     .name = "source-endless",
     .summary = "Never ends.",
     .capabilities = SLUICE_CONTINUOUS_ONLY,
     NO_OPTIONS,
     .source = &decides_source},
    {.struct_size = sizeof(struct sluice_component),
     .kind = SLUICE_KIND_TRANSFORM,
     .name = "transform-same",
     .summary = "Changes nothing.",
     .capabilities = SLUICE_STATELESS,
     OPTIONS(same_options, same_rows),
     .transform = &same_transform},
    {.struct_size = sizeof(struct sluice_component),
     .kind = SLUICE_KIND_TRANSFORM,
     .name = "transform-count",
     .summary = "Counts.",
     .capabilities = SLUICE_BATCH_ONLY,
     OPTIONS(count_options, count_rows),
     .transform = &count_transform},
    {.struct_size = sizeof(struct sluice_component),
     .kind = SLUICE_KIND_SINK,
     .name = "sink-any",
     .summary = "Takes anything.",
     .capabilities = SLUICE_EXACTLY_ONCE,
     OPTIONS(any_options, any_rows),
     .sink = &any_sink},
    {.struct_size = sizeof(struct sluice_component),
     .kind = SLUICE_KIND_SINK,
     .name = "sink-file",
     .summary = "A file.",
     .capabilities = SLUICE_EXACTLY_ONCE,
     OPTIONS(file_options, file_rows),
     .sink = &any_sink},
    {.struct_size = sizeof(struct sluice_component),
     .kind = SLUICE_KIND_CODEC,
     .name = "lines",
     .summary = "Lines.",
     OPTIONS(lines_options, lines_rows),
     .codec = &lines_codec},
};

static const struct sluice_plugin plugin = {
    .abi_version = SLUICE_ABI_VERSION,
    .struct_size = sizeof(plugin),
    .name = "planned",
    .version = "1.0.0",
    .licence = "Apache-2.0",
    .summary = "For tests of the plan.",
    .component_size = sizeof(struct sluice_component),
    .component_count = sizeof(components) / sizeof(components[0]),
    .components = components,
};

const struct sluice_plugin *sluice_plugin_describe(uint32_t host_abi)
{
    (void)host_abi;
    return &plugin;
}
