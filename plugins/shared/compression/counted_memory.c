/* SPDX-License-Identifier: Apache-2.0 */
/* Ties the libraries' memory to the host's account. */
#include "counted_memory.h"

static voidpf take_memory(voidpf host, uInt count, uInt size)
{
    return sluice_alloc(host, (size_t)count * size);
}

static void give_memory(voidpf host, voidpf memory)
{
    sluice_free(host, memory);
}

void count_zlib_memory(const struct sluice_host *host, z_stream *stream)
{
    stream->zalloc = take_memory;
    stream->zfree = give_memory;
    stream->opaque = (voidpf)(uintptr_t)host;
}

enum sluice_status count_held_memory(const struct sluice_host *host, size_t held,
                                     int64_t *charged_bytes, struct sluice_error *error)
{
    int64_t growth = (int64_t)held - *charged_bytes;
    if (growth == 0) {
        return SLUICE_OK;
    }
    if (!sluice_charge(host, growth)) {
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                           "zstd holds %zu bytes, more than is left of settings.memory", held);
    }
    *charged_bytes = (int64_t)held;
    return SLUICE_OK;
}
