/* SPDX-License-Identifier: Apache-2.0 */
/* SIGTERM, SIGINT and SIGHUP as calls on a thread of their own: no handler, no global, and nothing
 * that must be async-signal-safe. A signal that was ignored when the program started (nohup, a
 * shell's background job) stays ignored. Signals within half a second count as one: timeout(1), a
 * terminal with a wrapper script and some init programs send each twice. */
#ifndef SLUICE_CLI_STOP_SIGNALS_H
#define SLUICE_CLI_STOP_SIGNALS_H

#include <pthread.h>
#include <signal.h>

#include "base/base.h"

struct stop_signals {
    sigset_t set;
    pthread_t thread;
    atomic_bool is_over;
    void (*first)(void *user);  /* the first signal: begin to stop */
    void (*second)(void *user); /* any further one: must not return */
    void *user;
};

/* Before any other thread starts: those inherit that the signals are blocked. */
void stop_signals_block(struct stop_signals *signals);
/* They end the process again, those that have come already at once. */
void stop_signals_unblock(void);
/* False where no thread could be started. */
bool stop_signals_start(struct stop_signals *signals, void (*first)(void *user),
                        void (*second)(void *user), void *user);
void stop_signals_end(struct stop_signals *signals);

#endif
