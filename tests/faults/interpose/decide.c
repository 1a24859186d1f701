/* SPDX-License-Identifier: Apache-2.0 */
/* Which call is to fail. */
#include "interpose.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const kind_names[] = {
    [KIND_NONE] = "",           [KIND_MALLOC] = "malloc", [KIND_WRITE] = "write",
    [KIND_FSYNC] = "fsync",     [KIND_RENAME] = "rename", [KIND_OPEN] = "open",
    [KIND_MKDIR] = "mkdir",     [KIND_UNLINK] = "unlink", [KIND_READ] = "read",
    [KIND_CONNECT] = "connect", [KIND_SOCKET] = "socket", [KIND_DLOPEN] = "dlopen",
    [KIND_THREAD] = "thread",   [KIND_DISK] = "disk",
};

static const struct {
    const char *name;
    int number;
} errors[] = {
    {"ENOMEM", ENOMEM}, {"EIO", EIO},       {"ENOSPC", ENOSPC},
    {"EMFILE", EMFILE}, {"EACCES", EACCES}, {"ECONNREFUSED", ECONNREFUSED},
    {"EROFS", EROFS},   {"EAGAIN", EAGAIN}, {"ENETUNREACH", ENETUNREACH},
};

/* Read from the environment once, before the program's main(). */
static struct {
    enum kind kind;
    long number;
    bool is_always;
    bool is_kill;
    int error;
    int log;
} wish = {.log = -1};

static atomic_long calls;
/* Calls that deciding makes itself do not count. Its memory is there with the thread: a model that
 * allocates it at the first use would call malloc. */
static _Thread_local bool is_inside __attribute__((tls_model("initial-exec")));
/* The call after the one that failed waits: other threads get the time to go on with what the
 * failure left behind before the thread has told of it. */
static _Thread_local bool is_to_wait __attribute__((tls_model("initial-exec")));
enum { WAIT_US = 20000 };

static void parse_wish(const char *text)
{
    char kind[16] = "";
    char mode[16] = "once";
    char error[16] = "EIO";
    if (sscanf(text, "%15[a-z]:%ld:%15[a-z]:%15[A-Z]", kind, &wish.number, mode, error) < 2)
        _exit(99);
    for (enum kind at = KIND_MALLOC; at <= KIND_DISK; at++)
        if (strcmp(kind, kind_names[at]) == 0)
            wish.kind = at;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (strcmp(error, errors[i].name) == 0)
            wish.error = errors[i].number;
    wish.is_always = strcmp(mode, "always") == 0;
    wish.is_kill = strcmp(mode, "kill") == 0;
    if (wish.kind == KIND_NONE || wish.error == 0)
        _exit(99); /* a mistake of the test must not pass as an undisturbed run */
    if (wish.kind == KIND_MALLOC)
        wish.error = ENOMEM;
}

__attribute__((constructor)) static void read_environment(void)
{
    const char *text = getenv("SLUICE_INTERPOSE");
    const char *log = getenv("SLUICE_INTERPOSE_LOG");
    is_inside = true;
    if (log)
        wish.log = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (text)
        parse_wish(text);
    is_inside = false;
}

/* The object that an address of code is in, if it is the program or one of its plugins. */
static const struct link_map *own_object(const void *address)
{
    struct dl_find_object found;
    if (_dl_find_object((void *)(uintptr_t)address, &found) != 0)
        return NULL;
    const char *name = found.dlfo_link_map->l_name;
    const char *slash = strrchr(name, '/');
    bool is_own = name[0] == '\0' || strncmp(slash ? slash + 1 : name, "sluice-", 7) == 0;
    return is_own ? found.dlfo_link_map : NULL;
}

static void note(const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (size < 0 || size >= (int)sizeof line)
        size = (int)sizeof line - 1;
    ssize_t written = write(wish.log, line, (size_t)size);
    (void)written;
}

__attribute__((destructor)) static void note_calls(void)
{
    is_inside = true;
    if (wish.log >= 0)
        note("calls %ld\n", atomic_load(&calls));
}

static bool decide(const void *caller)
{
    const struct link_map *object = own_object(caller);
    bool is_of_library =
        wish.kind == KIND_CONNECT || wish.kind == KIND_SOCKET || wish.kind == KIND_DLOPEN;
    if (!object && !is_of_library)
        return false;
    long number = atomic_fetch_add(&calls, 1) + 1;
    if (number == wish.number && wish.log >= 0)
        note("hit %s+%#lx\n", object ? object->l_name : "a library",
             object ? (uintptr_t)caller - object->l_addr : 0);
    if (number == wish.number && wish.is_kill)
        kill(getpid(), SIGKILL);
    return number == wish.number || (wish.is_always && number > wish.number);
}

static bool is_meant(enum kind kind)
{
    return !is_inside && (kind == wish.kind || (wish.kind == KIND_DISK && kind >= KIND_WRITE &&
                                                kind <= KIND_UNLINK));
}

bool must_fail(enum kind kind, const void *caller)
{
    if (!is_meant(kind))
        return false;
    int saved = errno;
    is_inside = true;
    if (is_to_wait)
        usleep(WAIT_US);
    is_to_wait = false;
    bool is_hit = decide(caller);
    is_to_wait = is_hit && !wish.is_always;
    is_inside = false;
    errno = is_hit ? wish.error : saved;
    return is_hit;
}

bool must_fail_on_file(enum kind kind, int fd, const void *caller)
{
    if (!is_meant(kind) || fd <= STDERR_FILENO)
        return false;
    struct stat facts;
    int saved = errno;
    bool is_file = fstat(fd, &facts) == 0 && (S_ISREG(facts.st_mode) || S_ISDIR(facts.st_mode));
    errno = saved;
    return is_file && must_fail(kind, caller);
}

void *find_next(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}
