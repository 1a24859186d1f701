/* SPDX-License-Identifier: Apache-2.0 */
/* A note in the member's folder that somebody began to append to a file, and how long it was then.
 * While the note is there, bytes behind the last decided length are leftovers of an attempt that
 * died; without it the file is left as it is, whoever wrote to it since. */
#ifndef SLUICE_SINK_FILE_ATTEMPT_H
#define SLUICE_SINK_FILE_ATTEMPT_H

#include <sluice/service.h>

struct attempt {
    uint64_t nonce;    /* of the run that began it */
    int64_t base_size; /* of the file when it began */
    char *path;        /* the file */
};

/* *is_there false: no note. The member's folder must be beside this process's own. */
enum sluice_status attempt_read(const struct sluice_host *host, const char *member,
                                struct attempt *attempt, bool *is_there,
                                struct sluice_error *error);
void attempt_reset(const struct sluice_host *host, struct attempt *attempt);
/* Durable when it answers OK. */
enum sluice_status attempt_write(const struct sluice_host *host, const struct attempt *attempt,
                                 struct sluice_error *error);
/* error NULL: a note that stays is not worth an error. */
enum sluice_status attempt_remove(const struct sluice_host *host, struct sluice_error *error);

/* Letters, digits, dots, dashes and underscores of a name, others as '_'; NUL-terminated. */
size_t safe_name(const char *name, char *out, size_t room);

#endif
