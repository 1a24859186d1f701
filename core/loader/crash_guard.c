/* SPDX-License-Identifier: Apache-2.0 */
#include "loader/crash_guard.h"

#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static const int crash_signals[CRASH_SIGNALS] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

/* A handler has no other way to know: set before a plugin is opened, NULL after it. */
static const char *volatile guarded_path;

/* Endless recursion is a crash, too, and leaves no stack to handle it on. */
static char handler_stack[64 * 1024];

static void write_string(const char *string)
{
    ssize_t ignored = write(STDERR_FILENO, string, strlen(string));
    (void)ignored;
}

static void report_crash(int number)
{
    (void)number;
    write_string("sluice: plugin ");
    write_string(guarded_path);
    write_string(" crashed while it was loaded: the file is damaged, or its start-up code is "
                 "wrong; copy or build it again\n");
    _exit(EX_CONFIG);
}

void crash_guard_begin(struct crash_guard *guard, const char *path)
{
    stack_t stack = {.ss_sp = handler_stack, .ss_size = sizeof handler_stack};
    struct sigaction action = {.sa_handler = report_crash, .sa_flags = SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    guarded_path = path;
    sigaltstack(&stack, &guard->earlier_stack);
    for (size_t i = 0; i < CRASH_SIGNALS; i++) {
        sigaction(crash_signals[i], &action, &guard->earlier[i]);
    }
}

void crash_guard_end(const struct crash_guard *guard)
{
    for (size_t i = 0; i < CRASH_SIGNALS; i++) {
        sigaction(crash_signals[i], &guard->earlier[i], NULL);
    }
    sigaltstack(&guard->earlier_stack, NULL);
    guarded_path = NULL;
}
