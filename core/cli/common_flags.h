/* SPDX-License-Identifier: Apache-2.0 */
/* Flags that several verbs have, as rows for their tables. */
#ifndef SLUICE_CLI_COMMON_FLAGS_H
#define SLUICE_CLI_COMMON_FLAGS_H

#include "cli/arguments.h"

extern const char *const log_formats[]; /* in the order of enum log_format */
extern const char *const log_levels[];  /* in the order of enum sluice_log_level */

/* Flag values to the log's settings; NULL: text, and `least`. */
void configure_log(const char *format, const char *level, const char *default_level);

#endif
