/* SPDX-License-Identifier: Apache-2.0 */
/* The process as the operating system sees it, from /proc. What cannot be read is left out. */
#include "metrics/metrics.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum process_metric {
    PROCESS_CPU,
    PROCESS_RESIDENT,
    PROCESS_VIRTUAL,
    PROCESS_FDS,
    PROCESS_FDS_MAX,
    PROCESS_THREADS,
    PROCESS_START,
    PROCESS_METRICS
};

static const struct metric_family process_families[PROCESS_METRICS] = {
    [PROCESS_CPU] = {.name = "process_cpu_seconds_total",
                     .kind = SLUICE_METRIC_COUNTER,
                     .unit = "seconds",
                     .text = "CPU time of the process, user and system."},
    [PROCESS_RESIDENT] = {.name = "process_resident_memory_bytes",
                          .kind = SLUICE_METRIC_GAUGE,
                          .unit = "bytes",
                          .text = "Memory of the process that is in RAM."},
    [PROCESS_VIRTUAL] = {.name = "process_virtual_memory_bytes",
                         .kind = SLUICE_METRIC_GAUGE,
                         .unit = "bytes",
                         .text = "Address space of the process."},
    [PROCESS_FDS] = {.name = "process_open_fds",
                     .kind = SLUICE_METRIC_GAUGE,
                     .unit = "fds",
                     .text = "Open file descriptors."},
    [PROCESS_FDS_MAX] = {.name = "process_max_fds",
                         .kind = SLUICE_METRIC_GAUGE,
                         .unit = "fds",
                         .text = "File descriptors that the process may have open."},
    [PROCESS_THREADS] = {.name = "process_threads",
                         .kind = SLUICE_METRIC_GAUGE,
                         .unit = "threads",
                         .text = "Threads of the process."},
    [PROCESS_START] = {.name = "process_start_time_seconds",
                       .kind = SLUICE_METRIC_GAUGE,
                       .unit = "seconds",
                       .text = "When the process started, in seconds since 1970."},
};

/* Files of /proc have no size beforehand. */
static bool read_proc(const char *path, struct text *content)
{
    struct sluice_error *error = error_create();
    bool is_read = error && file_read_all(path, 1 << 20, content, error) == SLUICE_OK;
    error_destroy(error);
    return is_read;
}

/* The number in the field behind `spaces` spaces. */
static double number_at(const char *at, int spaces)
{
    int64_t number = 0;
    for (; spaces > 0 && at; spaces--) {
        at = strchr(at, ' ');
        at = at ? at + 1 : NULL;
    }
    size_t size = at ? strspn(at, "0123456789") : 0;
    return size > 0 && parse_int64(at, size, &number) ? (double)number : NAN;
}

static double count_fds(void)
{
    DIR *folder = opendir("/proc/self/fd");
    double count = 0;
    if (!folder) {
        return NAN;
    }
    while (readdir(folder)) {
        count++;
    }
    closedir(folder);
    return count - 3; /* ".", ".." and the folder itself */
}

static double cpu_seconds(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) {
        return NAN;
    }
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double most_fds(void)
{
    struct rlimit limit;
    bool is_known = getrlimit(RLIMIT_NOFILE, &limit) == 0;
    return !is_known ? NAN : limit.rlim_cur == RLIM_INFINITY ? INFINITY : (double)limit.rlim_cur;
}

static double boot_seconds(void)
{
    struct text content = {0};
    const char *line = read_proc("/proc/stat", &content) ? strstr(text_get(&content), "\nbtime ")
                                                         : NULL;
    double seconds = line ? number_at(line + 1, 1) : NAN;
    text_reset(&content);
    return seconds;
}

void process_collect(void *user, struct snapshot *snapshot)
{
    (void)user;
    double values[PROCESS_METRICS];
    struct text stat = {0};
    struct text memory = {0};
    double page = (double)sysconf(_SC_PAGESIZE);
    const char *fields = read_proc("/proc/self/stat", &stat) ? strrchr(text_get(&stat), ')') : NULL;
    const char *pages = read_proc("/proc/self/statm", &memory) ? text_get(&memory) : NULL;
    values[PROCESS_CPU] = cpu_seconds();
    values[PROCESS_VIRTUAL] = pages ? number_at(pages, 0) * page : NAN;
    values[PROCESS_RESIDENT] = pages ? number_at(pages, 1) * page : NAN;
    values[PROCESS_FDS] = count_fds();
    values[PROCESS_FDS_MAX] = most_fds();
    /* proc(5): fields 20 and 22; the name in parentheses is the second. */
    values[PROCESS_THREADS] = fields ? number_at(fields, 18) : NAN;
    values[PROCESS_START] =
        fields ? boot_seconds() + number_at(fields, 20) / (double)sysconf(_SC_CLK_TCK) : NAN;
    for (size_t i = 0; i < PROCESS_METRICS; i++) {
        snapshot_add(snapshot, &process_families[i], NULL, values[i]);
    }
    text_reset(&stat);
    text_reset(&memory);
}
