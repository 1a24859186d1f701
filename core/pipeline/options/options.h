/* SPDX-License-Identifier: Apache-2.0 */
/* Option rows and what a file gives become a component's typed struct.
 *
 *   options.c   which rows are given, unknown, missing; lists and maps
 *   scalars.c   one value of a simple kind
 *   choices.c   values that point elsewhere: columns, templates, schemas, codecs
 *   schemas.c   `schemas:` and inline schemas */
#ifndef SLUICE_PIPELINE_OPTIONS_OPTIONS_H
#define SLUICE_PIPELINE_OPTIONS_OPTIONS_H

#include "pipeline/file/tree.h"

/* Names in arena memory. */
struct names {
    const char **items;
    size_t count;
    size_t capacity;
};

bool names_add(struct arena *arena, struct names *names, const char *name); /* false: no memory */
bool names_has(const struct names *names, const char *name);

/* The `schemas:` of a file. */
struct schema_set;

/* Reads every schema, used or not; mistakes go to diagnostics. `node` may be NULL. */
struct schema_set *schemas_read(struct arena *arena, const struct node *node,
                                struct diagnostics *diagnostics);
/* The schema of that name. NULL, having said so at `node`, where there is none; also where the
 * schema has mistakes, which were said before. */
const struct sluice_schema *schemas_find(const struct schema_set *schemas, const struct node *node,
                                         struct diagnostics *diagnostics);
/* NULL where it has mistakes. `what` names it in messages: "schema `click`". */
const struct sluice_schema *schema_read(struct arena *arena, const char *what,
                                        const struct node *node, struct diagnostics *diagnostics);

/* Reads options for one step, `settings` or a codec inside a step. */
struct option_reader {
    struct arena *arena;
    struct diagnostics *diagnostics;
    struct loader *loader;
    const struct schema_set *schemas;
    const struct sluice_schema *input; /* columns are checked against it; NULL: not known */
    struct names columns;              /* out: columns of the input that options name */
    bool has_placeholder; /* out: a value is not known before the run (check mode only) */
    bool has_unknown;     /* out: and it is a column, template, schema or codec */
    bool has_mistake;     /* out */
};

/* What is read: rows, and how messages call their owner. */
struct option_table {
    const char *owner;
    const struct sluice_option *rows;
    size_t count;
    size_t struct_size;
};

/* The filled struct in arena memory, or NULL with has_mistake set and every mistake reported.
 * `given`: the mapping, or NULL where nothing is written. `span`: where missing options are
 * reported. */
const void *options_read(struct option_reader *reader, const struct option_table *table,
                         const struct node *given, const struct span *span);

/* One row at hand. */
struct option_place {
    const char *owner;
    const struct sluice_option *row;
    void *target; /* where its value goes */
};

/* Says what the option must be, and what was found. */
void option_complain(struct option_reader *reader, const struct option_place *place,
                     const struct node *node, const char *expected);
bool option_is_secret(const struct sluice_option *row);
/* A secret's place in the file is not shown. */
void option_hide(struct option_reader *reader, const struct sluice_option *row,
                 const struct node *node);

/* Writes a value of a simple kind (NONE, lists and choices excluded); false: was reported. */
bool scalar_read(struct option_reader *reader, const struct option_place *place,
                 const struct node *node);
bool scan_size(const char *text, int64_t *bytes);
bool scan_duration(const char *text, int64_t *milliseconds);
bool scan_bool(const char *text, bool *value);

bool column_read(struct option_reader *reader, const struct option_place *place,
                 const struct node *node, const char **column);
bool template_read(struct option_reader *reader, const struct option_place *place,
                   const struct node *node);
bool schema_choice_read(struct option_reader *reader, const struct option_place *place,
                        const struct node *node);
bool codec_read(struct option_reader *reader, const struct option_place *place,
                const struct node *node);

/* "; did you mean `x`?" or "". Arena memory. */
const char *did_you_mean(struct arena *arena, const char *wanted, const char *const *names,
                         size_t count);
/* "`a`, `b` or `c`"; the first `most` of them. */
const char *list_names(struct arena *arena, const char *const *names, size_t count, size_t most);

#endif
