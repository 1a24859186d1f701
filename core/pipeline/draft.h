/* SPDX-License-Identifier: Apache-2.0 */
/* The plan while it is being made, in the order of the work:
 *
 *   flows.c       the file's keys, settings, flows and their triggers
 *   state.c       settings.state, the member, the default dead letter
 *   steps.c       steps: which plugin, which name
 *   delivery.c    what a sink's outage means for its flow
 *   graph.c       who reads whom: names, order, circles, ends
 *   forward.c     options and schemas from step to step (planning.c: the plugins' plan callbacks)
 *   projection.c  what nobody reads is left out; which strings travel as codes
 *   placement.c   lanes
 *   plan.c        the immutable result
 *
 * A step or flow with a mistake is `is_broken`: what depends on it is not judged further, so that
 * one mistake makes one message. */
#ifndef SLUICE_PIPELINE_DRAFT_H
#define SLUICE_PIPELINE_DRAFT_H

#include "pipeline/options/options.h"

struct properties {
    struct property_plan *items;
    size_t count;
};

struct draft_step {
    const char *name;
    const struct node *key;       /* the plugin's name in the file: the step's place */
    const struct node *given;     /* its options; NULL: none */
    const struct node *name_node; /* NULL: named by sluice */
    const struct node *from;      /* NULL: reads the step before it */
    const struct node *delivery;  /* NULL: required */
    const struct node *patience;
    bool is_best_effort;
    int64_t patience_ms;
    const struct component *component;
    bool is_dead_letter;
    bool is_default; /* the dead letter that was not declared */
    bool is_broken;
    bool is_unknown; /* check mode: its output rests on a value that is not known yet */

    size_t input_count;
    size_t *inputs;
    size_t reader_count;

    const void *options;
    struct names option_columns;
    bool has_placeholder; /* check mode: an option is not known before the run */
    bool is_pruned;       /* `needed_names` is what it may give out */

    /* of the newest forward pass */
    const struct sluice_schema *input;
    const struct sluice_schema *output;
    struct sluice_field *output_fields; /* those of `output` */
    struct names keys;
    struct names reads;
    bool has_reads;
    struct properties input_properties;
    struct properties output_properties;
    bool *needed; /* a flag per column of the full output */
    struct names needed_names;

    enum edge_kind edge;
    bool is_parallel;
    const char *at_least_once; /* why the sink's options weaken its guarantee, or NULL */
};

struct draft_flow {
    const char *name;
    const struct node *key;
    const struct node *body;
    enum flow_trigger trigger;
    int64_t every_ms;
    const struct node *after;
    int64_t lanes; /* 0: as settings say */
    int lane_count;
    bool is_broken;
    bool has_gap; /* a step could not be read: who reads whom is not judged */
    struct draft_step *steps;
    size_t step_count;
};

struct draft {
    struct arena *arena;
    struct diagnostics *diagnostics;
    struct loader *loader;
    const char *file;
    const struct node *root;
    const struct node *name_node;
    const char *name;
    struct settings_plan settings;
    bool is_check; /* the environment is not asked */
    struct schema_set *schemas;
    struct draft_flow *flows;
    size_t flow_count;
};

static inline bool flow_is_batch(const struct draft_flow *flow)
{
    return flow->trigger != FLOW_CONTINUOUS;
}

/* The rows that describe `settings` and a flow's own keys; also for the reference. */
extern const struct sluice_option settings_rows[];
extern const size_t settings_row_count;
/* `patience` of a step. */
extern const struct sluice_option patience_row;

/* False without memory or where nothing further can be judged. */
bool draft_read(struct draft *draft);
bool is_good_name(const char *name); /* [A-Za-z0-9._-]{1,64}, not "." or ".." */

/* settings.state, into draft->settings. */
void state_read(struct draft *draft, struct node *node);
/* The id of settings or of the environment. */
void state_read_member(struct draft *draft, const struct node *state, const struct node *member);
/* Where rejected rows go that no `dead_letter` is declared for; NULL: no memory. */
const struct node *state_dead_letter(struct draft *draft, const struct draft_flow *flow);

void steps_read(struct draft *draft, struct draft_flow *flow, const struct node *steps,
                const struct node *dead_letter);

/* What stands beside a sink about its outages. */
void delivery_read(struct draft *draft, const struct draft_flow *flow, struct draft_step *step);

/* Resolves `from`, checks the shape and brings the steps into topological order. */
void graph_connect(struct draft *draft, struct draft_flow *flow);
/* `after` among the flows of the file. */
void graph_check_triggers(struct draft *draft);

/* Reads options and brings schemas from step to step. */
void forward_plan(struct draft *draft, struct draft_flow *flow);
/* The same with what `needed` leaves; false: a plugin does not bear it. */
bool forward_plan_pruned(struct draft *draft, struct draft_flow *flow);

void projection_apply(struct draft *draft, struct draft_flow *flow);
void placement_apply(const struct draft *draft, struct draft_flow *flow);

/* Where an option of the step, or an item of it, stands in the file. */
const struct span *option_span(const struct node *key, const struct node *given, const char *option,
                               const char *item);

#endif
