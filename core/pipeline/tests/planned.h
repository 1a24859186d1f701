/* SPDX-License-Identifier: Apache-2.0 */
/* Plans a text with the test components, as a file `t.yaml` in a folder of its own. */
#ifndef SLUICE_PIPELINE_TESTS_PLANNED_H
#define SLUICE_PIPELINE_TESTS_PLANNED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pipeline/draft.h"

struct planned {
    struct diagnostics *diagnostics;
    struct plan *plan;
    enum sluice_status status;
    struct text printed; /* the diagnostics */
};

/* cmocka group fixtures: one loader, one temporary folder. */
int planned_begin(void **state);
int planned_end(void **state);
struct loader *planned_loader(void);

void write_file(const char *path, const char *bytes, size_t size);
struct planned plan_text(const char *text);
struct planned plan_bytes(const char *bytes, size_t size, bool is_check, const char *only_flow);
struct planned plan_files(const char *const *files, size_t count);
void planned_reset(struct planned *planned);

#endif
