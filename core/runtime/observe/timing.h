/* SPDX-License-Identifier: Apache-2.0 */
/* Times that an instance measures on its lane. */
#ifndef SLUICE_RUNTIME_TIMING_H
#define SLUICE_RUNTIME_TIMING_H

#include "data/data.h"

struct instance;

/* What a sink has taken and not made visible yet, as oldest event and rows of each batch; the first
 * `staged` are part of the checkpoint under way. */
enum { ARRIVALS_MAX = 128 };
struct arrivals {
    size_t count, staged;
    struct arrival {
        int64_t event_us;
        uint64_t rows;
    } items[ARRIVALS_MAX];
};

void timing_note_batch(struct instance *instance, int64_t working_ns_before);
void timing_note_watermark(struct instance *instance);
void arrivals_take(struct instance *instance, const struct sluice_batch *batch);
void arrivals_stage(struct instance *instance);
void arrivals_show(struct instance *instance); /* they are visible now */

#endif
