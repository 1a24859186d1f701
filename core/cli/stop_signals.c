/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/stop_signals.h"

enum { SAME_WITHIN_MS = 500 };

static const int stopping[] = {SIGTERM, SIGINT, SIGHUP};

void stop_signals_block(struct stop_signals *signals)
{
    sigemptyset(&signals->set);
    for (size_t i = 0; i < sizeof stopping / sizeof *stopping; i++) {
        struct sigaction action;
        bool is_ignored =
            sigaction(stopping[i], NULL, &action) == 0 && action.sa_handler == SIG_IGN;
        if (!is_ignored) {
            sigaddset(&signals->set, stopping[i]);
        }
    }
    /* Ends the waiting thread; nobody else has a use for it. */
    sigaddset(&signals->set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &signals->set, NULL);
}

void stop_signals_unblock(void)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof stopping / sizeof *stopping; i++) {
        sigaddset(&set, stopping[i]);
    }
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void *wait_for_signals(void *user)
{
    struct stop_signals *signals = user;
    int64_t first_ms = 0; /* monotonic; 0: none yet */
    for (;;) {
        int number = 0;
        if (sigwait(&signals->set, &number) != 0) {
            continue;
        }
        if (atomic_load(&signals->is_over)) {
            return NULL;
        }
        if (number == SIGUSR1) {
            continue;
        }
        int64_t now_ms = clock_monotonic_ms();
        if (first_ms == 0) {
            first_ms = now_ms;
            signals->first(signals->user);
        } else if (now_ms - first_ms > SAME_WITHIN_MS) {
            signals->second(signals->user);
        }
    }
}

bool stop_signals_start(struct stop_signals *signals, void (*first)(void *user),
                        void (*second)(void *user), void *user)
{
    atomic_init(&signals->is_over, false);
    signals->first = first;
    signals->second = second;
    signals->user = user;
    return pthread_create(&signals->thread, NULL, wait_for_signals, signals) == 0;
}

void stop_signals_end(struct stop_signals *signals)
{
    atomic_store(&signals->is_over, true);
    pthread_kill(signals->thread, SIGUSR1);
    pthread_join(signals->thread, NULL);
}
