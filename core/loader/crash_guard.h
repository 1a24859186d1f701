/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin file with whole headers and a damaged inside (a copy with holes, say) crashes the
 * dynamic loader, and start-up code of a plugin can crash by itself. Nothing can go on after that,
 * but the user gets a sentence and the exit code of a configuration error instead of a bare signal.
 */
#ifndef SLUICE_LOADER_CRASH_GUARD_H
#define SLUICE_LOADER_CRASH_GUARD_H

#include <signal.h>

enum { CRASH_SIGNALS = 5 };

/* What was set before, to be put back. */
struct crash_guard {
    struct sigaction earlier[CRASH_SIGNALS];
    stack_t earlier_stack;
};

/* While it is on, a crash of this thread names `path` and ends the process with EX_CONFIG. One at a
 * time, main thread only. */
void crash_guard_begin(struct crash_guard *guard, const char *path);
void crash_guard_end(const struct crash_guard *guard);

#endif
