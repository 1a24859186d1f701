/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines in the style of getopt_long, from a table that is also the help: --name,
 * --name VALUE, --name=VALUE, -h, "--" ends the flags, flags and operands in any order. */
#ifndef SLUICE_CLI_ARGUMENTS_H
#define SLUICE_CLI_ARGUMENTS_H

#include "base/base.h"

enum { FLAGS_MAX = 16 };

struct flag {
    const char *name;           /* without hyphens */
    const char *value;          /* "NAME" in the help; NULL: takes none */
    const char *const *allowed; /* NULL-terminated values; NULL: any */
    const char *text;
};

struct arguments {
    const char *values[FLAGS_MAX]; /* by row of the table: NULL absent, "" given without a value */
    bool wants_help;
    size_t operand_count;
    const char **operands; /* the caller's argv, reordered */
};

/* False: *complaint says what is wrong, and what was meant perhaps. */
bool arguments_parse(const struct flag *flags, size_t flag_count, int count, char **words,
                     struct arguments *arguments, struct text *complaint);
void arguments_describe(const struct flag *flags, size_t flag_count, struct text *text);
/* Row of `value` in the allowed list of a flag; parse has checked that there is one. */
int arguments_choice(const struct flag *flag, const char *value);

#endif
