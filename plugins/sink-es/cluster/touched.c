/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/touched.h"

#include <string.h>

enum sluice_status touched_init(struct touched *touched, const struct sluice_host *host)
{
    memset(touched, 0, sizeof(*touched));
    return id_set_init(host, &touched->seen, TOUCHED_LIMIT);
}

void touched_reset(struct touched *touched, const struct sluice_host *host)
{
    id_set_reset(host, &touched->seen);
    sluice_buffer_free(host, &touched->names);
    memset(touched, 0, sizeof(*touched));
}

void touched_clear(struct touched *touched)
{
    id_set_clear(&touched->seen);
    touched->last = 0;
    touched->names.size = 0;
    touched->is_overflown = false;
}

enum sluice_status touched_note(struct touched *touched, const struct sluice_host *host,
                                struct sluice_string name)
{
    uint64_t hash = sluice_hash_bytes(host, name.bytes, name.size) | 1; /* never 0 */
    if (hash == touched->last || touched->is_overflown || id_set_has(&touched->seen, hash)) {
        return SLUICE_OK;
    }
    if (touched->seen.count == TOUCHED_LIMIT) {
        touched->is_overflown = true;
        return SLUICE_OK;
    }
    if (sluice_buffer_reserve(host, &touched->names, name.size + 1) != SLUICE_OK) {
        return SLUICE_FATAL;
    }
    memcpy(touched->names.data + touched->names.size, name.bytes, name.size);
    touched->names.size += name.size;
    touched->names.data[touched->names.size++] = '\n';
    id_set_add(&touched->seen, hash);
    touched->last = hash;
    return SLUICE_OK;
}
