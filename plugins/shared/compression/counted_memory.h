/* SPDX-License-Identifier: Apache-2.0 */
/* Private to compression: what zlib and zstd hold is counted against the step's budget. */
#ifndef SLUICE_COMPRESSION_COUNTED_MEMORY_H
#define SLUICE_COMPRESSION_COUNTED_MEMORY_H

#include <sluice/service.h>

#include <zlib.h>

/* zlib takes its memory from the host. */
void count_zlib_memory(const struct sluice_host *host, z_stream *stream);

/* zstd offers no stable allocator hook: the growth of what it holds is charged afterwards.
 * FATAL over_budget when the budget is used up. */
enum sluice_status count_held_memory(const struct sluice_host *host, size_t held,
                                     int64_t *charged_bytes, struct sluice_error *error);

#endif
