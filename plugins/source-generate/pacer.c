/* SPDX-License-Identifier: Apache-2.0 */
/* A rate in rows per second; see the header. */
#include "pacer.h"

#include <time.h>

/* Batches of a twentieth of a second; a debt of more than a second is forgiven. */
enum { BATCHES_PER_SECOND = 20, MAX_DEBT_MS = 1000 };

bool pacer_init(struct pacer *pacer, const struct sluice_host *host, int64_t rate)
{
    *pacer = (struct pacer){.host = host, .rate = rate};
    pthread_condattr_t attributes;
    if (pthread_mutex_init(&pacer->lock, NULL))
        return false;
    if (pthread_condattr_init(&attributes)) {
        pthread_mutex_destroy(&pacer->lock);
        return false;
    }
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    bool has_condition = !pthread_cond_init(&pacer->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    if (!has_condition)
        pthread_mutex_destroy(&pacer->lock);
    return has_condition;
}

void pacer_reset(struct pacer *pacer)
{
    pthread_cond_destroy(&pacer->wake);
    pthread_mutex_destroy(&pacer->lock);
}

/* Rows that are due by now and not given. */
static int64_t due_rows(struct pacer *pacer)
{
    int64_t now_ms = sluice_monotonic_ms(pacer->host);
    if (!pacer->has_begun) {
        pacer->has_begun = true;
        pacer->since_ms = now_ms;
    }
    int64_t due = (int64_t)((__int128)(now_ms - pacer->since_ms) * pacer->rate / 1000);
    if (due - pacer->given > pacer->rate * MAX_DEBT_MS / 1000) {
        pacer->since_ms = now_ms - MAX_DEBT_MS;
        pacer->given = 0;
        due = pacer->rate * MAX_DEBT_MS / 1000;
    }
    return due - pacer->given;
}

static void wait_ms(struct pacer *pacer, int64_t delay_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += delay_ms / 1000;
    until.tv_nsec += delay_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    pthread_mutex_lock(&pacer->lock);
    while (!pacer->is_cancelled && !pthread_cond_timedwait(&pacer->wake, &pacer->lock, &until))
        continue;
    pacer->is_cancelled = false;
    pthread_mutex_unlock(&pacer->lock);
}

int64_t pacer_take(struct pacer *pacer, int64_t most, int timeout_ms)
{
    int64_t wanted = pacer->rate / BATCHES_PER_SECOND;
    wanted = wanted < 1 ? 1 : wanted;
    wanted = wanted > most ? most : wanted;
    int64_t due = due_rows(pacer);
    if (due < wanted && timeout_ms > 0) {
        int64_t delay_ms = ((wanted - due) * 1000 + pacer->rate - 1) / pacer->rate;
        wait_ms(pacer, delay_ms < timeout_ms ? delay_ms : timeout_ms);
        due = due_rows(pacer);
    }
    int64_t taken = due < most ? due : most;
    pacer->given += taken;
    return taken;
}

void pacer_cancel(struct pacer *pacer)
{
    pthread_mutex_lock(&pacer->lock);
    pacer->is_cancelled = true;
    pthread_cond_signal(&pacer->wake);
    pthread_mutex_unlock(&pacer->lock);
}
