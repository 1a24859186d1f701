/* SPDX-License-Identifier: Apache-2.0 */
/* What diagnostics.c collects and print.c shows. */
#ifndef SLUICE_PIPELINE_FILE_COLLECTED_H
#define SLUICE_PIPELINE_FILE_COLLECTED_H

#include "pipeline/file/diagnostics.h"

struct shown_file {
    const char *name;
    const char *bytes; /* NULL where the text is not known */
    size_t size;
    size_t number; /* in the order of their mention */
    struct shown_file *next;
};

struct remark {
    bool is_error;
    size_t number;
    const struct shown_file *file; /* NULL: about no file */
    struct span span;              /* line 0: the file as a whole */
    const char *message;
};

struct diagnostics {
    struct arena *arena;
    struct shown_file *files;
    size_t file_count;
    struct remark *remarks;
    size_t remark_count;
    size_t remark_capacity;
    size_t error_count;
    struct span *hidden;
    size_t hidden_count;
    size_t hidden_capacity;
    bool has_failed;
};

#endif
