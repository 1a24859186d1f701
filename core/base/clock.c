/* SPDX-License-Identifier: Apache-2.0 */
/* The system's clocks and its randomness. */
#include "base/base.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

static int64_t read_ns(clockid_t clock)
{
    struct timespec now = {0};
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t clock_wall_ms(void)
{
    return read_ns(CLOCK_REALTIME) / 1000000;
}

int64_t clock_wall_us(void)
{
    return read_ns(CLOCK_REALTIME) / 1000;
}

int64_t clock_monotonic_ms(void)
{
    return read_ns(CLOCK_MONOTONIC) / 1000000;
}

int64_t clock_monotonic_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

void condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

bool condition_wait(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t wait_ms)
{
    int64_t until_ns = clock_monotonic_ns() + (wait_ms > 0 ? wait_ms : 0) * 1000000;
    struct timespec until = {.tv_sec = until_ns / 1000000000, .tv_nsec = until_ns % 1000000000};
    return pthread_cond_timedwait(condition, lock, &until) != ETIMEDOUT;
}

uint64_t random_seed(void)
{
    uint64_t seed = 0;
    ssize_t got;
    do {
        got = getrandom(&seed, sizeof(seed), 0);
    } while (got < 0 && errno == EINTR);
    if (got != (ssize_t)sizeof(seed)) {
        /* A kernel without getrandom: two clocks differ enough between processes. */
        seed = (uint64_t)read_ns(CLOCK_REALTIME) * 0x9E3779B97F4A7C15u ^
               (uint64_t)read_ns(CLOCK_MONOTONIC);
    }
    return seed;
}
