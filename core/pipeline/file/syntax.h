/* SPDX-License-Identifier: Apache-2.0 */
/* What libyaml refuses, said in plain words. */
#ifndef SLUICE_PIPELINE_FILE_SYNTAX_H
#define SLUICE_PIPELINE_FILE_SYNTAX_H

#include "pipeline/file/diagnostics.h"

#include <yaml.h>

/* `parser` has just failed on these bytes, not for lack of memory. */
void report_syntax(const char *file, const yaml_parser_t *parser, const char *bytes, size_t size,
                   struct diagnostics *diagnostics);

#endif
