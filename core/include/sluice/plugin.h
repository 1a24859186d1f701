/* SPDX-License-Identifier: Apache-2.0 */
/* sluice plugin ABI: the one include of a plugin author.
 *
 * A plugin is a shared object that exports one function:
 *
 *     SLUICE_PLUGIN_EXPORT const struct sluice_plugin *sluice_plugin_describe(uint32_t host_abi)
 *
 * It returns a constant descriptor and does nothing else: no allocation, no thread, no global.
 * Build it with
 *
 *     cc -shared -fPIC -Wl,-z,now -o my.so my.c $(pkg-config --cflags sluice)
 *
 * Versions. abi_version and struct_size come first in the descriptor and protect the rest. The
 * host loads a plugin of its own major version whose minor version is not newer than its own.
 * Tables only grow at their end (minor + 1); a changed meaning gets a new name. `host_abi` is what
 * the host speaks: a newer plugin may return an older descriptor.
 *
 * Rules for every callback: return a status, describe failures in `error`, never exit, abort,
 * sleep, retry, write to stdout or stderr, or keep global state.
 *
 * API changes:
 *   1.0  first version */
#ifndef SLUICE_PLUGIN_H
#define SLUICE_PLUGIN_H

#include <sluice/batch.h>
#include <sluice/builder.h>
#include <sluice/codec.h>
#include <sluice/error.h>
#include <sluice/options.h>
#include <sluice/planning.h>
#include <sluice/service.h>
#include <sluice/sink.h>
#include <sluice/source.h>
#include <sluice/state_store.h>
#include <sluice/transform.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SLUICE_ABI_MAJOR 1
#define SLUICE_ABI_MINOR 0
#define SLUICE_ABI_VERSION (((uint32_t)SLUICE_ABI_MAJOR << 16) | (uint32_t)SLUICE_ABI_MINOR)

/* Name of the one exported function, and its type. */
#define SLUICE_PLUGIN_SYMBOL "sluice_plugin_describe"

#if defined(__GNUC__)
#define SLUICE_PLUGIN_EXPORT __attribute__((visibility("default")))
#else
#define SLUICE_PLUGIN_EXPORT
#endif

enum sluice_kind {
    SLUICE_KIND_NONE = 0,
    SLUICE_KIND_SOURCE,
    SLUICE_KIND_TRANSFORM,
    SLUICE_KIND_SINK,
    SLUICE_KIND_CODEC,
    SLUICE_KIND_STATE
};

/* Capabilities, or'ed. */
enum sluice_capability {
    SLUICE_STATELESS = 1 << 0,    /* transform: copies may run side by side */
    SLUICE_PARALLEL = 1 << 1,     /* source: instances may run in every lane; they share the work by
                                   * run->lane and run->lane_count, or by a shared resource */
    SLUICE_PROJECTS = 1 << 2,     /* source, transform: honours sluice_output_schema() when the plan
                                   * left out columns that nobody reads */
    SLUICE_BATCH_ONLY = 1 << 3,   /* transform: its state has no snapshot yet; refused in continuous
                                   * flows */
    SLUICE_EXACTLY_ONCE = 1 << 4, /* sink: commit and recover are idempotent, nothing is visible
                                   * twice. Without it the pair is at-least-once, and `check` and
                                   * `plugins` say so */
    SLUICE_CONTINUOUS_ONLY = 1 << 5, /* source: refused in flows with every/after */
    SLUICE_MULTI_LANE_SINK = 1 << 6  /* sink: instances may run in every lane */
};

enum sluice_metric_kind {
    SLUICE_METRIC_NONE = 0,
    SLUICE_METRIC_COUNTER,
    SLUICE_METRIC_GAUGE,
    SLUICE_METRIC_HISTOGRAM
};

/* A metric of a component's own; described here, used by row number (service.h). It is shown as
 * sluice_COMPONENT_NAME with the labels pipeline, flow and step before its own. */
struct sluice_metric {
    const char *name; /* "bulk_items_total": counters, and only they, end in _total */
    enum sluice_metric_kind kind;
    const char *unit;          /* "bytes", "seconds", "rows" … */
    const char *text;          /* one sentence */
    const char *const *labels; /* NULL-terminated label names of bounded value sets, or NULL */
    const double *bounds;      /* histogram: rising upper bounds, at most 24; NULL: for seconds */
    size_t bound_count;
};

struct sluice_component {
    size_t struct_size;
    enum sluice_kind kind;
    const char *name;     /* as in a pipeline file: "source-kafka"; codecs: "json"; state stores:
                           * "state-" and the scheme of settings.state */
    const char *summary;  /* one sentence */
    unsigned capabilities;

    size_t options_size; /* sizeof the options struct */
    size_t option_size;  /* sizeof(struct sluice_option) */
    size_t option_count;
    const struct sluice_option *options;

    size_t metric_size; /* sizeof(struct sluice_metric) */
    size_t metric_count;
    const struct sluice_metric *metrics;

    /* Callbacks of the kind; the others NULL. */
    const struct sluice_source *source;
    const struct sluice_transform *transform;
    const struct sluice_sink *sink;
    const struct sluice_codec *codec;
    const struct sluice_state_store *state_store;
};

struct sluice_plugin {
    uint32_t abi_version; /* SLUICE_ABI_VERSION */
    uint32_t struct_size; /* sizeof(struct sluice_plugin) */
    const char *name;     /* "kafka" */
    const char *version;  /* the plugin's own: "1.2.3" */
    const char *licence;  /* SPDX identifier */
    const char *summary;  /* one sentence */
    size_t component_size; /* sizeof(struct sluice_component) */
    size_t component_count;
    const struct sluice_component *components;
};

typedef const struct sluice_plugin *(*sluice_plugin_describe_function)(uint32_t host_abi);

SLUICE_PLUGIN_EXPORT const struct sluice_plugin *sluice_plugin_describe(uint32_t host_abi);

#ifdef __cplusplus
}
#endif

#endif
