/* SPDX-License-Identifier: Apache-2.0 */
/* Where letters are: the flows of a plan, and the members in its state. */
#ifndef SLUICE_CLI_DEADLETTER_PLACES_H
#define SLUICE_CLI_DEADLETTER_PLACES_H

#include "cli/cli.h"
#include "letters/letters.h"
#include "pipeline/pipeline.h"
#include "runtime/runtime.h"

/* The default dead letter of one flow and member. */
struct place {
    const struct pipeline_plan *pipeline;
    const struct flow_plan *flow;
    char *member;
    char *path; /* for people */
    struct letter_box *box;
};

struct places {
    size_t count, capacity;
    struct place *places;
    size_t view_count;
    struct store_view **views; /* of pipelines whose letters are objects */
};

/* Those that exist, in the order of flows, then members; `member` NULL: of all. */
enum sluice_status places_find(const struct plan *plan, const char *member, struct places *places,
                               struct sluice_error *error);
/* A reader of what is there now. */
enum sluice_status place_read(const struct place *place, struct letter_reader **reader,
                              struct sluice_error *error);
void places_reset(struct places *places);

/* A row of the dead letter that the flow declares, instead of the default; NULL: the default. */
const struct step_plan *declared_dead_letter(const struct flow_plan *flow);

/* What the verbs below get. */
struct letters_request {
    const struct plan *plan;
    struct loader *loader;
    const struct places *places;
    struct letter_filter filter;
    const char *member; /* --member, or NULL */
    bool is_json;
    bool is_all;
    bool is_dry;
    uint64_t limit; /* 0: none */
};

enum exit_code list_letters(const struct letters_request *request);
enum exit_code show_letters(const struct letters_request *request);
enum exit_code purge_letters(const struct letters_request *request);
enum exit_code replay_letters(const struct letters_request *request);

/* "ingest: ", or "ingest (member m1): " where there are several members. */
void append_place_name(const struct places *places, const struct place *place, struct text *text);

#endif
