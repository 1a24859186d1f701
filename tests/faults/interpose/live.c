/* SPDX-License-Identifier: Apache-2.0 */
/* A library of its own for LD_PRELOAD: faults of this machine that a driver switches on and off while
 * the process runs. SLUICE_LIVE_FAULTS names a file of `struct live_faults`, which both map;
 * SLUICE_LIVE_FOLDER the folder whose files fail.
 *
 * The wall clock is shifted, the monotonic one is not, as when somebody sets the clock. Waits until
 * a wall-clock time follow each jump, as the kernel's do. */
#undef _FILE_OFFSET_BITS /* both names of a call are defined here, each under its own */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

enum { NS_PER_MS = 1000000, NS_PER_S = 1000000000, SLICE_NS = 50 * NS_PER_MS };

/* tests/faults/campaign/machine.py writes it. */
struct live_faults {
    _Atomic int64_t clock_shift_ms;
    _Atomic int32_t write_error; /* errno of writes behind their first half, 0: none */
    _Atomic int32_t sync_error;
    _Atomic int32_t rename_error;
    _Atomic int32_t hits; /* calls that were made to fail */
};

static struct live_faults *live;
static char folder[4096];

__attribute__((constructor)) static void map_switches(void)
{
    const char *path = getenv("SLUICE_LIVE_FAULTS");
    const char *place = getenv("SLUICE_LIVE_FOLDER");
    if (!path || !place)
        return;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    void *mapped = fd < 0 ? MAP_FAILED
                          : mmap(NULL, sizeof *live, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED)
        _exit(99); /* a mistake of the test must not pass as an undisturbed run */
    close(fd);
    snprintf(folder, sizeof folder, "%s/", place);
    live = mapped;
}

static void *find_next(const char *name)
{
    void *found = dlvsym(RTLD_NEXT, name, "GLIBC_2.3.2"); /* the newer of two pthread_cond_… */
    return found ? found : dlsym(RTLD_NEXT, name);
}

/* ---- files ---- */

static bool is_below(const char *path)
{
    return strncmp(path, folder, strlen(folder)) == 0;
}

static bool is_file_below(int fd)
{
    char link[64];
    char path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    path[size > 0 ? size : 0] = '\0';
    return is_below(path);
}

static bool fails(int error)
{
    if (error == 0)
        return false;
    atomic_fetch_add(&live->hits, 1);
    errno = error;
    return true;
}

static int write_error(int fd)
{
    int error = live ? atomic_load(&live->write_error) : 0;
    return error && is_file_below(fd) ? error : 0;
}

/* A disk that runs full takes some of the bytes first. */
static size_t size_taken(size_t size)
{
    return size / 2;
}

ssize_t write(int fd, const void *bytes, size_t size)
{
    static __typeof__(write) *next;
    if (!next)
        next = find_next("write");
    int error = write_error(fd);
    if (error && size_taken(size) > 0)
        return next(fd, bytes, size_taken(size));
    return fails(error) ? -1 : next(fd, bytes, size);
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t offset)
{
    static __typeof__(pwrite64) *next;
    if (!next)
        next = find_next("pwrite64");
    int error = write_error(fd);
    if (error && size_taken(size) > 0)
        return next(fd, bytes, size_taken(size), offset);
    return fails(error) ? -1 : next(fd, bytes, size, offset);
}

static int sync_error(int fd)
{
    int error = live ? atomic_load(&live->sync_error) : 0;
    return error && is_file_below(fd) ? error : 0;
}

int fsync(int fd)
{
    static __typeof__(fsync) *next;
    if (!next)
        next = find_next("fsync");
    return fails(sync_error(fd)) ? -1 : next(fd);
}

int fdatasync(int fd)
{
    static __typeof__(fdatasync) *next;
    if (!next)
        next = find_next("fdatasync");
    return fails(sync_error(fd)) ? -1 : next(fd);
}

int rename(const char *from, const char *to)
{
    static __typeof__(rename) *next;
    if (!next)
        next = find_next("rename");
    int error = live && is_below(from) ? atomic_load(&live->rename_error) : 0;
    return fails(error) ? -1 : next(from, to);
}

/* ---- the wall clock ---- */

static int64_t shift_ns(void)
{
    return live ? atomic_load(&live->clock_shift_ms) * NS_PER_MS : 0;
}

static bool is_wall(clockid_t clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
}

static int64_t in_ns(const struct timespec *time)
{
    return (int64_t)time->tv_sec * NS_PER_S + time->tv_nsec;
}

static struct timespec from_ns(int64_t ns)
{
    return (struct timespec){ns / NS_PER_S, ns % NS_PER_S};
}

static __typeof__(clock_gettime) *true_clock(void)
{
    static __typeof__(clock_gettime) *next;
    if (!next)
        next = find_next("clock_gettime");
    return next;
}

static int64_t true_wall_ns(void)
{
    struct timespec now;
    true_clock()(CLOCK_REALTIME, &now);
    return in_ns(&now);
}

static int64_t wall_ns(void)
{
    return true_wall_ns() + shift_ns();
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    int result = true_clock()(clock, time);
    if (result == 0 && is_wall(clock))
        *time = from_ns(in_ns(time) + shift_ns());
    return result;
}

int timespec_get(struct timespec *time, int base)
{
    if (base == TIME_UTC)
        *time = from_ns(wall_ns());
    return base == TIME_UTC ? base : 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone)
{
    int64_t now_ns = wall_ns();
    (void)zone;
    *time = (struct timeval){now_ns / NS_PER_S, now_ns % NS_PER_S / 1000};
    return 0;
}

time_t time(time_t *place)
{
    time_t now = (time_t)(wall_ns() / NS_PER_S);
    if (place)
        *place = now;
    return now;
}

/* Monotonic times are counted from the start of the machine: small beside wall-clock times. */
static bool is_wall_time(const struct timespec *time)
{
    return time->tv_sec > 1000000000;
}

/* Short waits, one after the other, with the mutex held in between: no signal is lost. */
int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict until)
{
    static __typeof__(pthread_cond_timedwait) *next;
    if (!next)
        next = find_next("pthread_cond_timedwait");
    if (!live || !is_wall_time(until))
        return next(condition, mutex, until);
    int64_t end_ns = in_ns(until);
    for (;;) {
        int64_t shifted_by_ns = shift_ns();
        int64_t now_ns = true_wall_ns();
        int64_t left_ns = end_ns - now_ns - shifted_by_ns;
        if (left_ns <= 0)
            return ETIMEDOUT;
        struct timespec slice = from_ns(now_ns + (left_ns < SLICE_NS ? left_ns : SLICE_NS));
        int result = next(condition, mutex, &slice);
        if (result != ETIMEDOUT)
            return result;
    }
}

int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex,
                  const struct timespec *restrict until)
{
    /* Both pairs of types are the same in glibc. */
    switch (pthread_cond_timedwait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex, until)) {
    case 0:
        return thrd_success;
    case ETIMEDOUT:
        return thrd_timedout;
    default:
        return thrd_error;
    }
}
