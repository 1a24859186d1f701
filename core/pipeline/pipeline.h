/* SPDX-License-Identifier: Apache-2.0 */
/* Room pipeline: pipeline files in, one immutable, typed plan out; no I/O beyond the files and
 * `${file:…}` secrets.
 *
 *   text ─libyaml events─▶ tree with marks ─substitute─▶ typed options ─plan callbacks─▶ graph
 *
 * All mistakes of a file come in one pass, each with file:line:column and the line shown. What is
 * handed out lives in the plan's arena until plan_destroy. */
#ifndef SLUICE_PIPELINE_PIPELINE_H
#define SLUICE_PIPELINE_PIPELINE_H

#include "base/base.h"
#include "data/data.h"
#include "loader/loader.h"

/* Where something stands in a pipeline file; lines and columns from 1. */
struct mark {
    const char *file;
    int line;
    int column;
};

enum flow_trigger { FLOW_CONTINUOUS = 0, FLOW_EVERY, FLOW_AFTER };

/* How batches get from one step to the next. */
enum edge_kind {
    EDGE_FORWARD = 0, /* same lane, by a direct call */
    EDGE_HASH,        /* to the lane that the hash of the key columns says */
    EDGE_GATHER       /* all lanes to the one lane where the step runs */
};

struct property_plan {
    enum sluice_property property;
    size_t column_count;
    const char *const *columns;
};

struct step_plan {
    const char *name; /* `name:` of the step, or the plugin's name (-2, -3 … where it repeats) */
    struct mark mark;
    const struct component *component;
    const void *options; /* the component's options struct */
    size_t input_count;
    const size_t *inputs;                      /* indexes of steps of the flow */
    const struct sluice_schema *input_schema;  /* NULL for sources; after projection */
    const struct sluice_schema *output_schema; /* NULL for sinks; after projection */
    size_t key_count;
    const char *const *keys;
    size_t input_property_count; /* properties of the input stream */
    const struct property_plan *input_properties;
    enum edge_kind edge;       /* kind of all its input edges */
    bool is_parallel;          /* an instance in every lane; else in one lane */
    const char *at_least_once; /* why the options weaken an exactly-once sink, or NULL */
    bool is_dead_letter; /* gets the rejected rows of all steps: a sink without inputs in the graph.
                          * Every flow has one, the last step; the default is a sink-file on
                          * member:deadletter/FLOW.ndjson */
    bool is_default;     /* stands in no file: the dead letter that was not declared */
    bool is_best_effort; /* sink: its outage does not stop the flow */
    int64_t patience_ms; /* best effort: how long it may fail until its rows are shed */
};

struct flow_plan {
    const char *name;
    struct mark mark;
    enum flow_trigger trigger;
    int64_t every_ms;  /* FLOW_EVERY */
    const char *after; /* FLOW_AFTER: name of the other flow */
    size_t step_count; /* in topological order; the dead letter is last */
    const struct step_plan *steps;
    int lane_count;
};

struct settings_plan {
    const char *state; /* folder, default "state"; or the URL of what `state_store` opens */
    const struct component *state_store; /* NULL for a folder */
    const void *state_options;
    struct mark state_mark;
    int64_t checkpoint_ms; /* default 30 s */
    int64_t memory_bytes;  /* default 1 GiB */
    const char *spill;     /* folder; NULL: chosen by the runtime */
    int64_t lanes;         /* 0: one a processor */
    int64_t channel_bytes; /* bound of one channel; default 4 MiB; tests set 1 for one batch */
    const char *member;    /* static member id; NULL: kept in the state folder */
    int64_t shutdown_ms;   /* time for SIGTERM's drain; default 30 s */
    const char *metrics;   /* address of the HTTP server; NULL: none. The rest may be NULL, too */
    const char *metrics_certificate, *metrics_key;
    const char *metrics_token, *metrics_user, *metrics_password;
};

struct pipeline_plan {
    const char *name;
    const char *file;
    struct settings_plan settings;
    size_t flow_count;
    const struct flow_plan *flows; /* in the order of the file */
};

struct plan {
    size_t pipeline_count;
    const struct pipeline_plan *pipelines;
    struct arena *arena;
};

struct diagnostics;

/* Collects mistakes; printing is the caller's. */
struct diagnostics *diagnostics_create(void);
void diagnostics_destroy(struct diagnostics *diagnostics);
size_t diagnostics_error_count(const struct diagnostics *diagnostics);
/* All of them in file order:
 *   dataco.yaml:12:9: error: unknown option `topc` of source-kafka; did you mean `topics`?
 *      12 |       - source-kafka: {topc: clicks}
 *         |                        ^~~~                                                      */
void diagnostics_print(const struct diagnostics *diagnostics, bool use_colour, struct text *text);

struct plan_request {
    const char *const *files; /* file names; "-" is standard input */
    size_t file_count;
    const char *only_flow; /* --flow, or NULL. Flows of other names are checked, but left out of the
                            * plan, and so are pipelines without a flow of that name */
    bool is_check; /* unset ${NAME} are typed placeholders instead of errors, and ${file:PATH} is
                    * not read. A step whose columns rest on such a value has schemas without
                    * columns: the plan is for showing, not for running */
};

/* OK with *plan, or CONFIG with *plan NULL and the mistakes in `diagnostics`. FATAL: no memory. */
enum sluice_status plan_create(const struct plan_request *request, struct loader *loader,
                               struct diagnostics *diagnostics, struct plan **plan);
void plan_destroy(struct plan *plan); /* NULL is allowed */

/* The file:line:column of a step's option, for errors that an instance reports at run time with
 * SLUICE_AT_OPTION; the step's own mark where there is none. */
struct mark plan_option_mark(const struct plan *plan, const struct step_plan *step,
                             const char *option, const char *item);

/* Columns of a dead letter: what its sink gets. Any may be null. In the arena; NULL: no memory.
 *
 *   time timestamp · pipeline, flow, step, code, reason string · origin string (topic, file,
 * object) partition, position int64 (offset or line) · original string, or original_base64 binary
 * where the bytes are not UTF-8 · original_column string (of the step's input, whose value the
 * original is) · other_columns string (the rest of that row as JSON) */
const struct sluice_schema *plan_dead_letter_schema(struct arena *arena);

/* Behind an option of kind SLUICE_OPTION_CODEC. */
struct sluice_codec_choice {
    const struct component *component;
    const void *options;
};

/* Help text, Markdown and JSON Schema from option tables. */
void reference_print_text(const struct component *component, struct text *text);
void reference_print_markdown(const struct component *component, struct text *text);
void reference_print_json_schema(struct loader *loader, struct text *text);

#endif
