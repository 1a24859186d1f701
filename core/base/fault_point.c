/* SPDX-License-Identifier: Apache-2.0 */
/* Named instructions at which a test can kill the process. Only in builds with
 * SLUICE_FAULT_POINTS:
 *
 *   SLUICE_FAULT_POINT=NAME:N     kill -9 at the N-th time that NAME is reached
 *   SLUICE_FAULT_POINT_STOP=1     SIGSTOP instead
 *   SLUICE_FAULT_POINT_LOG=FILE   a line for each point that is reached, in order */
#include "base/base.h"

#ifdef SLUICE_FAULT_POINTS

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void log_point(const char *file, const char *name)
{
    char line[128];
    size_t size = strnlen(name, sizeof line - 1);
    memcpy(line, name, size);
    line[size++] = '\n';
    int fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0)
        return;
    ssize_t written = write(fd, line, size);
    (void)written;
    close(fd);
}

void fault_point(const char *name)
{
    static atomic_int hits;
    const char *file = getenv("SLUICE_FAULT_POINT_LOG");
    const char *wanted = getenv("SLUICE_FAULT_POINT");
    size_t size = strlen(name);
    if (file)
        log_point(file, name);
    if (!wanted || strncmp(wanted, name, size) != 0 || wanted[size] != ':')
        return;
    int64_t number = 0;
    const char *digits = wanted + size + 1;
    if (parse_int64(digits, strlen(digits), &number) && atomic_fetch_add(&hits, 1) + 1 == number)
        kill(getpid(), getenv("SLUICE_FAULT_POINT_STOP") ? SIGSTOP : SIGKILL);
}

#endif
