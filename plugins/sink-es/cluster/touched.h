/* SPDX-License-Identifier: Apache-2.0 */
/* The names of the indexes that were written to since the last stage. */
#ifndef SLUICE_SINK_ES_TOUCHED_H
#define SLUICE_SINK_ES_TOUCHED_H

#include "bulk/id_set.h"

/* More names than this are not kept one by one. */
#define TOUCHED_LIMIT 4096

struct touched {
    struct id_set seen;
    uint64_t last;              /* hash of the name that came last */
    struct sluice_buffer names; /* separated by line ends */
    bool is_overflown;          /* there were too many: the pattern of the names stands for all */
};

enum sluice_status touched_init(struct touched *touched, const struct sluice_host *host);
void touched_reset(struct touched *touched, const struct sluice_host *host);
void touched_clear(struct touched *touched);
enum sluice_status touched_note(struct touched *touched, const struct sluice_host *host,
                                struct sluice_string name);

#endif
