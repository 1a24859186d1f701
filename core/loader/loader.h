/* SPDX-License-Identifier: Apache-2.0 */
/* Room loader: finds and loads plugins, and knows their components.
 *
 *   search path → file → libltdl → descriptor → negotiation → component
 *
 * A component is looked for by kind and name. `source-kafka`, `sink-kafka` and codec `json` live
 * in files named after one of these, in this order, in each folder of the search path:
 * sluice-NAME.so with NAME = "source-kafka", then the name without its kind ("kafka"); for codecs
 * "codec-json". What counts is the descriptor, the file name only helps to find it. A component
 * that no file name leads to is looked for in all sluice-*.so files of the path.
 *
 * Folders, in order: --plugin-path (colon-separated), SLUICE_PLUGIN_PATH, the build tree (plugins/
 * beside the executable, when it is there), LIBDIR/sluice/plugins of the install that the
 * executable stands in. Relative folders are made absolute. Of two components with one kind and
 * name the one in a file named for it wins, then the first in path order.
 *
 * Refused: a file that everybody may write to; a folder on the way to it in which everybody may
 * replace files (sticky ones like /tmp are fine, as long as the file is root's or our own).
 * Loading happens on the main thread before any lane starts; plugins stay resident. No global but
 * libltdl's own. */
#ifndef SLUICE_LOADER_LOADER_H
#define SLUICE_LOADER_LOADER_H

#include "base/base.h"

#include <sluice/plugin.h>

struct loader;

/* The core's own complete copy of a component: every table is copied by the smaller of the two
 * sizes, optional callbacks that are absent are NULL, required ones are there. */
struct component {
    enum sluice_kind kind;
    const char *name;
    const char *summary;
    unsigned capabilities;
    size_t options_size;
    size_t option_count;
    const struct sluice_option *options; /* host-sized rows */
    size_t metric_count;
    const struct sluice_metric *metrics;
    struct sluice_source source;
    struct sluice_transform transform;
    struct sluice_sink sink;
    struct sluice_codec codec;
    struct sluice_state_store state_store;
    const char *plugin_name;
    const char *plugin_version;
    const char *plugin_licence;
    const char *path; /* absolute file name */
};

/* extra_path: value of --plugin-path or NULL. */
enum sluice_status loader_create(const char *extra_path, struct loader **loader,
                                 struct sluice_error *error);
void loader_destroy(struct loader *loader); /* NULL is allowed */

/* The component, loaded on first use. CONFIG with code not_found (with the folders tried and the
 * nearest name as cause) or plugin_load (with the true reason). */
enum sluice_status loader_find(struct loader *loader, enum sluice_kind kind, const char *name,
                               const struct component **component, struct sluice_error *error);

/* Loads every plugin on the path; each that cannot be loaded is reported by one error text. */
void loader_scan(struct loader *loader,
                 void (*broken)(void *user, const struct sluice_error *error), void *user);
/* After a scan: all components, sorted by kind and name. */
size_t loader_count(const struct loader *loader);
const struct component *loader_component(const struct loader *loader, size_t index);

/* The name nearest to `wanted` among `names` for a "did you mean"; NULL where none is near
 * (Damerau-Levenshtein distance at most a third of the longer name; case does not count). */
const char *nearest_name(const char *wanted, const char *const *names, size_t count);

const char *kind_name(enum sluice_kind kind); /* "source" … */
/* What a metric of the component is called outside: sluice_source_kafka_lag_messages. Appends. */
void component_metric_name(const struct component *component, size_t row, struct text *text);

#endif
