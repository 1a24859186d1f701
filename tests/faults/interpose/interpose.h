/* SPDX-License-Identifier: Apache-2.0 */
/* A library for LD_PRELOAD that makes calls fail which otherwise never do. The environment says
 * which; without it every call passes.
 *
 *   SLUICE_INTERPOSE=KIND:N[:once|always|kill[:ERRNO]]
 *       the N-th call of this kind fails, alone or with all after it, or the process is killed just
 *       before it. Kinds: malloc write fsync rename open mkdir unlink read connect socket dlopen
 *       thread, and disk for all that changes files
 *   SLUICE_INTERPOSE_LOG=FILE
 *       at the first failed call, where it came from ("hit" and object+offset, for addr2line); at
 *       the end, how many calls of the kind there were ("calls N")
 *
 * Only calls made by the program and its plugins count, as other libraries have their own ideas
 * about a failed malloc. connect, socket and dlopen are made for sluice by libraries: all count.
 * Of files only regular ones are meant: a pipe does not run full, and messages must get out. */
#ifndef SLUICE_TESTS_INTERPOSE_H
#define SLUICE_TESTS_INTERPOSE_H

#include <stdbool.h>

enum kind {
    KIND_NONE = 0,
    KIND_MALLOC,
    KIND_WRITE,
    KIND_FSYNC,
    KIND_RENAME,
    KIND_OPEN,
    KIND_MKDIR,
    KIND_UNLINK,
    KIND_READ,
    KIND_CONNECT,
    KIND_SOCKET,
    KIND_DLOPEN,
    KIND_THREAD,
    KIND_DISK /* write, fsync, rename, open, mkdir, unlink */
};

/* Whether this call is to fail; then errno is set. `caller`: the return address. */
bool must_fail(enum kind kind, const void *caller);
/* As must_fail(), for calls on a file descriptor. */
bool must_fail_on_file(enum kind kind, int fd, const void *caller);
/* The function of this name behind this library. */
void *find_next(const char *name);

#endif
