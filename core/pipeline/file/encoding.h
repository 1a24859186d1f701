/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a pipeline file before YAML: what must not be in them, and where. */
#ifndef SLUICE_PIPELINE_FILE_ENCODING_H
#define SLUICE_PIPELINE_FILE_ENCODING_H

#include "pipeline/file/diagnostics.h"

/* Line and column of the byte at `offset`, columns counted in characters. */
struct mark mark_at(const char *file, const char *bytes, size_t size, size_t offset);

/* False, with the mistake and its place in diagnostics, where the bytes are no UTF-8 text. */
bool check_encoding(const char *file, const char *bytes, size_t size,
                    struct diagnostics *diagnostics);

#endif
