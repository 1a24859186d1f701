/* SPDX-License-Identifier: Apache-2.0 */
/* Documents of the embedded index that no checkpoint holds yet: one file per index, appended. */
#ifndef SLUICE_SINK_ES_SPOOL_H
#define SLUICE_SINK_ES_SPOOL_H

#include "document.h"

#include <sluice/service.h>

struct spool_index {
    char *file_name;            /* NAME.ndjson */
    size_t name_size;           /* of NAME */
    struct sluice_buffer lines; /* not yet in the file */
};

struct spool {
    const struct sluice_host *host;
    const char *folder;
    struct spool_index *indexes;
    size_t count;
    size_t capacity;
    size_t last; /* index that was written to last */
    size_t held_bytes;
};

void spool_init(struct spool *spool, const struct sluice_host *host, const char *folder);
/* Forgets the indexes; the files stay. */
void spool_clear(struct spool *spool);
void spool_reset(struct spool *spool);
enum sluice_status spool_add(struct spool *spool, const struct document *document,
                             struct sluice_error *error);
/* Everything into the files. */
enum sluice_status spool_flush(struct spool *spool, struct sluice_error *error);

#endif
