/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a batch, one after the other, as documents: JSON, index name, id and version. */
#ifndef SLUICE_SINK_ES_DOCUMENTS_H
#define SLUICE_SINK_ES_DOCUMENTS_H

#include "config.h"
#include "document.h"
#include "index_name.h"

#include <sluice/codec.h>

struct documents;

/* `pattern` must outlive it. */
enum sluice_status documents_create(const struct sluice_host *host,
                                    const struct es_options *options,
                                    const struct index_pattern *pattern,
                                    struct documents **documents, struct sluice_error *error);
void documents_destroy(struct documents *documents); /* NULL is allowed */

/* The rows of `batch` from its first one on; it is borrowed until the next begin. */
enum sluice_status documents_begin(struct documents *documents, const struct sluice_batch *batch,
                                   struct sluice_error *error);
/* The next row; good until the next call. REJECT: this row cannot become a document. */
enum sluice_status documents_next(struct documents *documents, struct document *document,
                                  struct sluice_error *error);

#endif
