/* SPDX-License-Identifier: Apache-2.0 */
/* Holds a rate: how many rows may go out now, and waiting until some may. Only pacer_cancel is for
 * any thread. */
#ifndef SLUICE_GENERATE_PACER_H
#define SLUICE_GENERATE_PACER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <sluice/plugin.h>

struct pacer {
    const struct sluice_host *host;
    int64_t rate; /* rows per second */
    int64_t since_ms;
    int64_t given; /* since then */
    bool has_begun;

    pthread_mutex_t lock; /* guards is_cancelled */
    pthread_cond_t wake;
    bool is_cancelled;
};

/* False where the system gives no lock. */
bool pacer_init(struct pacer *pacer, const struct sluice_host *host, int64_t rate);
void pacer_reset(struct pacer *pacer);
/* Rows that may go out, at most `most`; waits for a reasonable number of them, but no longer than
 * timeout_ms. 0: none yet. What is answered counts as given. */
int64_t pacer_take(struct pacer *pacer, int64_t most, int timeout_ms);
void pacer_cancel(struct pacer *pacer);

#endif
