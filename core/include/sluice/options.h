/* SPDX-License-Identifier: Apache-2.0 */
/* An option of a component is one row of a table. It is the only place where the option is
 * described: parsing, validation, `sluice plugins NAME`, the reference pages and the JSON Schema
 * come from it. The core parses the pipeline file and fills the component's options struct; a
 * component never parses configuration.
 *
 *     struct my_options { const char *path; int64_t limit; };
 *
 *     static const struct sluice_option my_rows[] = {
 *         {.name = "path", .kind = SLUICE_OPTION_PATH, .is_required = true,
 *          .offset = offsetof(struct my_options, path),
 *          .text = "File to read.", .example = "data/clicks.json"},
 *         {.name = "limit", .kind = SLUICE_OPTION_INT, .default_text = "0", .minimum = 0,
 *          .maximum = 1000, .offset = offsetof(struct my_options, limit),
 *          .text = "Stop after this many rows; 0 reads all.", .example = "100"},
 *     };
 *
 * The options struct is zeroed, then every row is set. Pointers in it live as long as the plan. */
#ifndef SLUICE_OPTIONS_H
#define SLUICE_OPTIONS_H

#include <sluice/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Kind of value, and the C type that is written at the row's offset. Pointers are NULL, counts 0,
 * where the option is absent and has no default. */
enum sluice_option_kind {
    SLUICE_OPTION_NONE = 0,
    SLUICE_OPTION_STRING,    /* const char * */
    SLUICE_OPTION_SECRET,    /* const char *; never printed */
    SLUICE_OPTION_PATH,      /* const char *: file name or file: URL, relative to the working dir */
    SLUICE_OPTION_BOOL,      /* bool */
    SLUICE_OPTION_INT,       /* int64_t, minimum .. maximum (both 0: any) */
    SLUICE_OPTION_FLOAT,     /* double */
    SLUICE_OPTION_SIZE,      /* int64_t bytes: 64MiB, 1GB, 512 */
    SLUICE_OPTION_DURATION,  /* int64_t milliseconds: 500ms, 30s, 5m, 2h, 1d */
    SLUICE_OPTION_TIMESTAMP, /* int64_t microseconds since 1970 UTC, from ISO 8601 */
    SLUICE_OPTION_ENUM,      /* int: index into allowed */
    SLUICE_OPTION_STRINGS,   /* struct sluice_strings; a single scalar is a list of one */
    SLUICE_OPTION_MAP,       /* struct sluice_pairs: scalar values by key, in file order */
    SLUICE_OPTION_COLUMN,    /* const char *: a column of the step's input, checked */
    SLUICE_OPTION_COLUMNS,   /* struct sluice_strings: columns of the step's input, checked */
    SLUICE_OPTION_TEMPLATE,  /* const struct sluice_template *: text with {column},
                              * {column:strftime}, checked against the step's input */
    SLUICE_OPTION_SCHEMA,    /* const struct sluice_schema *: name under `schemas`, or inline */
    SLUICE_OPTION_CODEC      /* const struct sluice_codec_choice *: name, or {name: {options}} */
};

struct sluice_strings {
    size_t count;
    const char *const *items;
};

struct sluice_pairs {
    size_t count;
    const char *const *keys;
    const char *const *values;
};

/* One row. Rows are an array of the component; the descriptor carries the row's size, so rows may
 * grow at their end. Always use designated initialisers. */
struct sluice_option {
    const char *name; /* snake_case */
    enum sluice_option_kind kind;
    size_t offset;            /* where the typed value goes in the options struct */
    const char *default_text; /* as a user would write it; NULL: none */
    bool is_required;
    bool is_secret;             /* for MAP and STRINGS; SECRET implies it */
    int64_t minimum;            /* INT, SIZE, DURATION */
    int64_t maximum;            /* 0 with minimum 0: unbounded */
    const char *const *allowed; /* ENUM: NULL-terminated */
    const char *unit;           /* for the reference: "rows", "bytes"; NULL: none */
    const char *text;           /* one or two sentences, ending with a full stop */
    const char *example;        /* a value as a user would write it */
};

#ifdef __cplusplus
}
#endif

#endif
