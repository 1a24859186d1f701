/* SPDX-License-Identifier: Apache-2.0 */
/* Room cli: the command line. It asks the loader what exists, the pipeline room what is wanted, and
 * the runtime to do it, and shows people what happens.
 *
 *     main ─ verb table ─▶ verb_run ─▶ live_display (terminal) or progress_log (elsewhere)
 *                     ├──▶ verb_check        └──▶ summary
 *                     ├──▶ deadletter/
 *                     ├──▶ verb_plugins
 *                     └──▶ verb_version
 *
 * Results go to standard output, everything about the run to standard error. Messages of verbs are
 * plain lines that begin with "sluice: "; log lines come from room telemetry. */
#ifndef SLUICE_CLI_CLI_H
#define SLUICE_CLI_CLI_H

#include "base/base.h"
#include "cli/arguments.h"

/* The exit codes of every verb. `sluice --help` prints this list; scripts may rely on it. */
enum exit_code {
    EXIT_DONE = 0,         /* everything that was asked for is done; a run has committed all */
    EXIT_FAILED = 1,       /* a flow failed, or the system refused something */
    EXIT_USAGE = 2,        /* the command line is wrong */
    EXIT_UNCOMMITTED = 75, /* stopped by a signal with something left; start again to finish it */
    EXIT_CONFIG = 78       /* a pipeline file is wrong, or a plugin cannot be loaded */
};

struct verb {
    const char *name;
    const char *operands; /* "FILE...", or "" */
    const char *summary;  /* one line in `sluice --help` */
    const char *text;     /* paragraphs in `sluice VERB --help`; NULL: none */
    const struct flag *flags;
    size_t flag_count;
    size_t least_operands;
    size_t most_operands;
    enum exit_code (*act)(const struct arguments *arguments);
};

extern const struct verb verb_run;
extern const struct verb verb_check;
extern const struct verb verb_deadletter;
extern const struct verb verb_plugins;
extern const struct verb verb_version;

/* "sluice: ", the message and a newline on standard error. */
void complain(const char *format, ...) PRINTF_LIKE(1, 2);
/* The same with all of an error: message, places, causes. */
void complain_error(const struct sluice_error *error);
/* Prints on standard output; false (and complained about) where that failed, a full disk say. */
bool print_result(const struct text *text);
/* Terminal without NO_COLOR. */
bool is_coloured(int descriptor);
enum exit_code exit_code_of(enum sluice_status status);

#endif
