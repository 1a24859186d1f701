/* SPDX-License-Identifier: Apache-2.0 */
/* Two files of documents to one in which each id stands once.
 *
 * A line is {"_id":"…",…}. Documents keep the place of their id's first line. */
#ifndef SLUICE_SINK_ES_EMBEDDED_MERGE_H
#define SLUICE_SINK_ES_EMBEDDED_MERGE_H

#include <sluice/service.h>

struct merge_job {
    const char *base;  /* the index so far; may be absent */
    const char *added; /* what was written since, in order */
    const char *output;
    bool keeps_first; /* a document that is there is left alone; else the last one wins */
};

/* The output is written and synced. Memory: about 50 bytes a document. */
enum sluice_status embedded_merge(const struct sluice_host *host, const struct merge_job *job,
                                  struct sluice_error *error);

/* Id of a line as it stands between its quotes; size 0 and bytes NULL where the line has none. */
struct sluice_string embedded_line_id(const char *line, size_t size);

#endif
