/* SPDX-License-Identifier: Apache-2.0 */
/* Mistakes with their places. Texts, file names and source lines are copied: diagnostics outlive
 * the plan that they are about. Places that hold secrets are hidden in the lines shown. */
#ifndef SLUICE_PIPELINE_FILE_DIAGNOSTICS_H
#define SLUICE_PIPELINE_FILE_DIAGNOSTICS_H

#include "pipeline/pipeline.h"

/* From `mark` up to (not including) end_line:end_column. */
struct span {
    struct mark mark;
    int end_line;
    int end_column;
};

/* The text of a file, for showing lines. */
void diagnostics_add_file(struct diagnostics *diagnostics, const char *file, const char *bytes,
                          size_t size);
/* What stands there is a secret. */
void diagnostics_hide(struct diagnostics *diagnostics, const struct span *span);
/* span NULL: about no place in particular. span->mark.line 0: about the file as a whole. */
void diagnostics_error(struct diagnostics *diagnostics, const struct span *span, const char *format,
                       ...) PRINTF_LIKE(3, 4);
void diagnostics_warn(struct diagnostics *diagnostics, const struct span *span, const char *format,
                      ...) PRINTF_LIKE(3, 4);
/* An error's message and causes. */
void diagnostics_take(struct diagnostics *diagnostics, const struct span *span,
                      const struct sluice_error *error);
/* Memory ran out on the way: no answer can be trusted. */
void diagnostics_fail(struct diagnostics *diagnostics);
bool diagnostics_has_failed(const struct diagnostics *diagnostics);

/* Lines end as YAML says: LF, CR, CR LF, NEL, LS, PS. Bytes of the line break at `bytes`; 0: none.
 */
size_t line_break_size(const char *bytes, size_t size);

#endif
