/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin in order, with a sink and a codec in one file. */
#include <sluice/plugin.h>

struct good_options {
    int64_t limit;
};

static const struct sluice_option rows[] = {
    {.name = "limit",
     .kind = SLUICE_OPTION_INT,
     .offset = offsetof(struct good_options, limit),
     .default_text = "0",
     .maximum = 10,
     .text = "Stop after this many rows.",
     .example = "5"},
};

static enum sluice_status create(const struct sluice_host *host, const void *options,
                                 void **instance, struct sluice_error *error)
{
    (void)host, (void)options, (void)error;
    *instance = NULL;
    return SLUICE_OK;
}

static enum sluice_status write_rows(void *instance, const struct sluice_batch *batch,
                                     struct sluice_verdicts *verdicts, struct sluice_error *error)
{
    (void)instance, (void)batch, (void)verdicts, (void)error;
    return SLUICE_OK;
}

static enum sluice_status stage(void *instance, uint64_t checkpoint,
                                struct sluice_state_writer *writer, struct sluice_error *error)
{
    (void)instance, (void)checkpoint, (void)writer, (void)error;
    return SLUICE_OK;
}

static enum sluice_status commit(void *instance, uint64_t checkpoint,
                                 struct sluice_state_reader *reader, struct sluice_error *error)
{
    (void)instance, (void)checkpoint, (void)reader, (void)error;
    return SLUICE_OK;
}

static void destroy(void *instance)
{
    (void)instance;
}

static const struct sluice_sink sink = {
    .struct_size = sizeof sink,
    .create = create,
    .write = write_rows,
    .stage = stage,
    .commit = commit,
    .destroy = destroy,
};

static enum sluice_status encoder_create(const struct sluice_host *host, const void *options,
                                         const struct sluice_schema *schema, void **encoder,
                                         struct sluice_error *error)
{
    (void)host, (void)options, (void)schema, (void)error;
    *encoder = NULL;
    return SLUICE_OK;
}

static enum sluice_status encoder_mark(void *encoder, struct sluice_buffer *buffer,
                                       struct sluice_error *error)
{
    (void)encoder, (void)buffer, (void)error;
    return SLUICE_OK;
}

static enum sluice_status encode(void *encoder, const struct sluice_batch *batch,
                                 const int32_t *numbers, int64_t count,
                                 struct sluice_buffer *buffer, struct sluice_error *error)
{
    (void)encoder, (void)batch, (void)numbers, (void)count, (void)buffer, (void)error;
    return SLUICE_OK;
}

static const struct sluice_codec codec = {
    .struct_size = sizeof codec,
    .encoder_create = encoder_create,
    .encoder_begin = encoder_mark,
    .encode = encode,
    .encoder_finish = encoder_mark,
    .encoder_destroy = destroy,
    .file_extension = "good",
};

static const struct sluice_component components[] = {
    {.struct_size = sizeof *components,
     .kind = SLUICE_KIND_SINK,
     .name = "sink-good",
     .summary = "Takes everything.",
     .capabilities = SLUICE_EXACTLY_ONCE,
     .options_size = sizeof(struct good_options),
     .option_size = sizeof *rows,
     .option_count = sizeof rows / sizeof *rows,
     .options = rows,
     .sink = &sink},
    {.struct_size = sizeof *components,
     .kind = SLUICE_KIND_CODEC,
     .name = "good",
     .summary = "Writes nothing.",
     .codec = &codec},
};

static const struct sluice_plugin plugin = {
    .abi_version = SLUICE_ABI_VERSION,
    .struct_size = sizeof plugin,
    .name = "good",
    .version = "1.2.3",
    .licence = "Apache-2.0",
    .summary = "For tests.",
    .component_size = sizeof *components,
    .component_count = sizeof components / sizeof *components,
    .components = components,
};

SLUICE_PLUGIN_EXPORT const struct sluice_plugin *sluice_plugin_describe(uint32_t host_abi)
{
    (void)host_abi;
    return &plugin;
}
