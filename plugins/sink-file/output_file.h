/* SPDX-License-Identifier: Apache-2.0 */
/* A file being written, and the folder it is in: the system calls, each with its error. */
#ifndef SLUICE_SINK_FILE_OUTPUT_FILE_H
#define SLUICE_SINK_FILE_OUTPUT_FILE_H

#include <sluice/service.h>

struct output_file {
    const struct sluice_host *host;
    const char *path; /* borrowed */
    int descriptor;   /* -1: closed */
    bool is_regular;  /* else a pipe, a terminal: nothing can be taken back */
    int64_t size;     /* regular: bytes in it, which is where the next ones go */
};

/* Name without a `file:` or `file://` before it. */
const char *path_of_url(const char *path);

enum sluice_status output_folder_create(const struct sluice_host *host, const char *file_path,
                                        struct sluice_error *error);

/* "-" is standard output. is_new: must not exist yet. Takes a lock against a second writer; FATAL,
 * conflict, where there is one. */
enum sluice_status output_file_open(struct output_file *file, const struct sluice_host *host,
                                    const char *path, bool is_new, struct sluice_error *error);
void output_file_close(struct output_file *file);

/* Writes all, and takes from the buffer what was written, also on failure. RETRY where the disk is
 * full. */
enum sluice_status output_file_write(struct output_file *file, struct sluice_buffer *buffer,
                                     struct sluice_error *error);
/* File and folder are on disk when this answers OK. */
enum sluice_status output_file_sync(struct output_file *file, struct sluice_error *error);

/* Cuts the file back to `size`. FATAL, state_corrupt, where it is shorter. An absent file is OK:
 * somebody took it away, with what was in it. */
enum sluice_status output_file_cut(const struct sluice_host *host, const char *path, int64_t size,
                                   struct sluice_error *error);

/* Cuts the file of another process back, unless that is writing it: then it will do so itself. An
 * absent or shorter file is left. */
enum sluice_status output_file_cut_foreign(const struct sluice_host *host, const char *path,
                                           int64_t size, struct sluice_error *error);

/* Renames durably. *is_missing: there is no `from`; then the answer is OK. */
enum sluice_status output_file_rename(const struct sluice_host *host, const char *from,
                                      const char *to, bool *is_missing, struct sluice_error *error);

/* Removes files beside `path` whose names begin with `prefix`, but `kept`. */
enum sluice_status output_remove_leftovers(const struct sluice_host *host, const char *path,
                                           const char *prefix, const char *kept,
                                           struct sluice_error *error);

/* Status and code for errno, with path and reason. */
enum sluice_status fail_errno(const struct sluice_host *host, const char *what, const char *path,
                              int number, struct sluice_error *error);

#endif
