/* SPDX-License-Identifier: Apache-2.0 */
/* Private to room data: hash_bytes() (data.h) in the loop that needs it. */
#ifndef SLUICE_DATA_HASH_H
#define SLUICE_DATA_HASH_H

#include <stddef.h>
#include <stdint.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

static inline uint64_t hash_here(const void *bytes, size_t size)
{
    return XXH3_64bits(bytes, size);
}

#endif
