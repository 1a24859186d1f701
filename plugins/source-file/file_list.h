/* SPDX-License-Identifier: Apache-2.0 */
/* Which files there are to read: names and globs to paths, less those already read. */
#ifndef SLUICE_SOURCE_FILE_LIST_H
#define SLUICE_SOURCE_FILE_LIST_H

#include <sluice/options.h>
#include <sluice/service.h>

struct listed_file {
    char *path;         /* "-": standard input */
    int64_t size_bytes; /* -1 where there is no telling */
    bool is_done;
};

struct file_list {
    const struct sluice_host *host;
    struct listed_file *files;
    size_t count;
    size_t capacity;
};

void file_list_reset(struct file_list *list);

/* Appends a file that an earlier run read. FATAL without memory. */
enum sluice_status file_list_add_done(struct file_list *list, const char *path, size_t size,
                                      struct sluice_error *error);

/* Appends what the patterns match now and is not in the list yet. CONFIG, not_found, where a name
 * does not exist or a glob matches nothing. */
enum sluice_status file_list_expand(struct file_list *list, const struct sluice_strings *patterns,
                                    struct sluice_error *error);

struct listed_file *file_list_find(const struct file_list *list, const char *path);

/* Name without a `file:` or `file://` before it. */
const char *path_of_url(const char *path);

#endif
