/* SPDX-License-Identifier: Apache-2.0 */
/* A set of 64-bit hashes of fixed room, by open addressing. */
#ifndef SLUICE_SINK_ES_ID_SET_H
#define SLUICE_SINK_ES_ID_SET_H

#include <sluice/service.h>

struct id_set {
    uint64_t *slots;
    size_t mask;
    size_t count;
};

/* Room for `limit` hashes. */
enum sluice_status id_set_init(const struct sluice_host *host, struct id_set *set, size_t limit);
void id_set_reset(const struct sluice_host *host, struct id_set *set);
void id_set_clear(struct id_set *set);
bool id_set_has(const struct id_set *set, uint64_t hash);
/* False where it was there already. */
bool id_set_add(struct id_set *set, uint64_t hash);

#endif
