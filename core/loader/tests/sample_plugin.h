/* SPDX-License-Identifier: Apache-2.0 */
/* A correct plugin in writable memory, so that a test can spoil one thing of it. */
#ifndef SLUICE_LOADER_SAMPLE_PLUGIN_H
#define SLUICE_LOADER_SAMPLE_PLUGIN_H

#include "loader/negotiate.h"

struct sample_options {
    const char *path;
    int64_t limit;
    int mode;
};

/* A plugin with one source. */
struct sample {
    struct sluice_plugin plugin;
    struct sluice_component component[2];
    struct sluice_source source;
    struct sluice_transform transform;
    struct sluice_sink sink;
    struct sluice_codec codec;
    struct sluice_state_store state_store;
    struct sluice_option options[3];
    struct sluice_metric metrics[1];
};

/* One way to be wrong, and what the sentence about it must say. */
struct spoilt {
    void (*spoil)(struct sample *sample);
    const char *reason;
};

/* What one negotiation needs and gives. */
struct outcome {
    struct negotiation talk;
    struct component *components;
    size_t count;
    enum sluice_status status;
};

void make_sample(struct sample *sample);
/* Turns the sample's component into one of another kind. */
void become(struct sample *sample, enum sluice_kind kind, const char *name);
void negotiate_sample(const struct sluice_plugin *plugin, struct outcome *outcome);
void forget(struct outcome *outcome);
/* Each case must be refused, with its own sentence and nothing handed out. */
void assert_all_refused(const struct spoilt *cases, size_t count);

#endif
