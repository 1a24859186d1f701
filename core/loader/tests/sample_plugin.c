/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sample_plugin.h"

static const char *const modes[] = {"fast", "safe", NULL};

static enum sluice_status plan(const struct sluice_host *host, const void *options,
                               struct sluice_planning *planning, struct sluice_error *error)
{
    (void)host, (void)options, (void)planning, (void)error;
    return SLUICE_OK;
}
static enum sluice_status create(const struct sluice_host *host, const void *options,
                                 void **instance, struct sluice_error *error)
{
    (void)host, (void)options, (void)error;
    *instance = NULL;
    return SLUICE_OK;
}
static enum sluice_status read_rows(void *instance, int timeout_ms, struct sluice_batch **batch,
                                    struct sluice_error *error)
{
    (void)instance, (void)timeout_ms, (void)error;
    *batch = NULL;
    return SLUICE_END;
}
static enum sluice_status process(void *instance, const struct sluice_batch *batch,
                                  struct sluice_error *error)
{
    (void)instance, (void)batch, (void)error;
    return SLUICE_OK;
}
static void destroy(void *instance)
{
    (void)instance;
}

void make_sample(struct sample *sample)
{
    *sample = (struct sample){
        .plugin = {.abi_version = SLUICE_ABI_VERSION,
                   .struct_size = sizeof(struct sluice_plugin),
                   .name = "sample",
                   .version = "1.0.0",
                   .licence = "MIT",
                   .summary = "For tests.",
                   .component_size = sizeof(struct sluice_component),
                   .component_count = 1},
        .source = {.struct_size = sizeof(struct sluice_source),
                   .plan = plan,
                   .create = create,
                   .read = read_rows,
                   .destroy = destroy},
        .transform = {.struct_size = sizeof(struct sluice_transform),
                      .plan = plan,
                      .create = create,
                      .process = process,
                      .destroy = destroy},
        .sink = {.struct_size = sizeof(struct sluice_sink), .create = create, .destroy = destroy},
        .codec = {.struct_size = sizeof(struct sluice_codec), .file_extension = "x"},
        .state_store = {.struct_size = sizeof(struct sluice_state_store),
                        .create = create,
                        .destroy = destroy},
        .options = {{.name = "path",
                     .kind = SLUICE_OPTION_PATH,
                     .is_required = true,
                     .offset = offsetof(struct sample_options, path),
                     .text = "File to read.",
                     .example = "a.json"},
                    {.name = "limit",
                     .kind = SLUICE_OPTION_INT,
                     .default_text = "0",
                     .offset = offsetof(struct sample_options, limit),
                     .text = "Rows to read.",
                     .example = "10"},
                    {.name = "mode",
                     .kind = SLUICE_OPTION_ENUM,
                     .allowed = modes,
                     .default_text = "fast",
                     .offset = offsetof(struct sample_options, mode),
                     .text = "How to read.",
                     .example = "safe"}},
        .metrics = {{.name = "files_total",
                     .kind = SLUICE_METRIC_COUNTER,
                     .unit = "files",
                     .text = "Files read."}},
    };
    sample->plugin.components = sample->component;
    sample->component[0] = (struct sluice_component){
        .struct_size = sizeof(struct sluice_component),
        .kind = SLUICE_KIND_SOURCE,
        .name = "source-sample",
        .summary = "Reads samples.",
        .options_size = sizeof(struct sample_options),
        .option_size = sizeof(struct sluice_option),
        .option_count = 3,
        .options = sample->options,
        .metric_size = sizeof(struct sluice_metric),
        .metric_count = 1,
        .metrics = sample->metrics,
        .source = &sample->source,
    };
}

void become(struct sample *sample, enum sluice_kind kind, const char *name)
{
    struct sluice_component *component = &sample->component[0];
    component->kind = kind;
    component->name = name;
    component->source = NULL;
    component->transform = kind == SLUICE_KIND_TRANSFORM ? &sample->transform : NULL;
    component->sink = kind == SLUICE_KIND_SINK ? &sample->sink : NULL;
    component->codec = kind == SLUICE_KIND_CODEC ? &sample->codec : NULL;
    component->state_store = kind == SLUICE_KIND_STATE ? &sample->state_store : NULL;
}

void negotiate_sample(const struct sluice_plugin *plugin, struct outcome *outcome)
{
    *outcome = (struct outcome){
        .talk = {.arena = arena_create(), .path = "/p/sluice-sample.so", .error = error_create()}};
    outcome->status = negotiate(&outcome->talk, plugin, &outcome->components, &outcome->count);
}

void forget(struct outcome *outcome)
{
    arena_destroy(outcome->talk.arena);
    error_destroy(outcome->talk.error);
}

void assert_all_refused(const struct spoilt *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct sample sample;
        struct outcome outcome;
        make_sample(&sample);
        cases[i].spoil(&sample);
        negotiate_sample(&sample.plugin, &outcome);
        const char *message = error_message(outcome.talk.error);
        if (outcome.status != SLUICE_CONFIG || !strstr(message, cases[i].reason)) {
            fail_msg("case %zu: \"%s\" does not say \"%s\"", i, message, cases[i].reason);
        }
        assert_int_equal(error_code(outcome.talk.error), SLUICE_CODE_PLUGIN_LOAD);
        assert_int_equal(outcome.count, 0);
        assert_null(outcome.components);
        forget(&outcome);
    }
}
