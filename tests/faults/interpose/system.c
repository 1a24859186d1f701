/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets, libraries, threads. */
#include "interpose.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>

int socket(int domain, int type, int protocol)
{
    static __typeof__(socket) *next;
    if (!next)
        next = find_next("socket");
    return must_fail(KIND_SOCKET, __builtin_return_address(0)) ? -1 : next(domain, type, protocol);
}

int connect(int fd, const struct sockaddr *address, socklen_t size)
{
    static __typeof__(connect) *next;
    if (!next)
        next = find_next("connect");
    return must_fail(KIND_CONNECT, __builtin_return_address(0)) ? -1 : next(fd, address, size);
}

/* A failed one leaves a message for dlerror(): that of a file which is not there. */
void *dlopen(const char *file, int flags)
{
    static __typeof__(dlopen) *next;
    if (!next)
        next = find_next("dlopen");
    bool is_failing = file && must_fail(KIND_DLOPEN, __builtin_return_address(0));
    return next(is_failing ? "/nonexistent/interposed.so" : file, flags);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
                   void *argument)
{
    static __typeof__(pthread_create) *next;
    if (!next)
        next = find_next("pthread_create");
    return must_fail(KIND_THREAD, __builtin_return_address(0))
               ? EAGAIN
               : next(thread, attributes, start, argument);
}
