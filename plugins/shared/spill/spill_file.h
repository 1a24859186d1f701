/* SPDX-License-Identifier: Apache-2.0 */
/* What a step moves to disk while the pipeline is short of memory: a file without a name in the
 * run's folder for it (settings.spill), so that nothing is left however the process ends. It is
 * written from its start to its end and read anywhere. */
#ifndef SLUICE_SHARED_SPILL_FILE_H
#define SLUICE_SHARED_SPILL_FILE_H

#include <sluice/plugin.h>

struct spill_file;

/* The file itself is made by the first append. NULL without memory. */
struct spill_file *spill_file_create(const struct sluice_host *host);
void spill_file_destroy(struct spill_file *file); /* NULL is allowed */

/* Small pieces are gathered. FATAL where the disk says no: what, where, what to do. */
enum sluice_status spill_file_append(struct spill_file *file, const void *bytes, size_t size,
                                     struct sluice_error *error);
/* Where the next append goes. */
int64_t spill_file_end(const struct spill_file *file);
enum sluice_status spill_file_read(struct spill_file *file, int64_t offset, void *bytes,
                                   size_t size, struct sluice_error *error);

/* Whether a step is to move `held` bytes out of memory: the pipeline has used up `eighths` of its
 * budget, and the bytes are worth the way. */
bool spill_is_due(const struct sluice_host *host, size_t held, int eighths);

/* How large a batch may become that such a step gives out: 8 MiB, less of a small budget. */
size_t spill_batch_bytes(const struct sluice_host *host);

#endif
