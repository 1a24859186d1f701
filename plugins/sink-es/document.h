/* SPDX-License-Identifier: Apache-2.0 */
/* One row on its way to an index. All text is borrowed. */
#ifndef SLUICE_SINK_ES_DOCUMENT_H
#define SLUICE_SINK_ES_DOCUMENT_H

#include <sluice/types.h>

struct document {
    const struct sluice_batch *batch;
    int64_t row;
    struct sluice_string index;
    struct sluice_string id; /* size 0: the server makes one */
    bool has_version;
    int64_t version;
    struct sluice_string json; /* without line end */
};

#endif
