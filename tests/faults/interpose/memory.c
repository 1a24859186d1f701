/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that give memory. */
#include "interpose.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *malloc(size_t size)
{
    static __typeof__(malloc) *next;
    if (!next)
        next = find_next("malloc");
    return must_fail(KIND_MALLOC, __builtin_return_address(0)) ? NULL : next(size);
}

void *calloc(size_t count, size_t size)
{
    static __typeof__(calloc) *next;
    if (!next)
        next = find_next("calloc");
    return must_fail(KIND_MALLOC, __builtin_return_address(0)) ? NULL : next(count, size);
}

void *realloc(void *old, size_t size)
{
    static __typeof__(realloc) *next;
    if (!next)
        next = find_next("realloc");
    return must_fail(KIND_MALLOC, __builtin_return_address(0)) ? NULL : next(old, size);
}

void *reallocarray(void *old, size_t count, size_t size)
{
    static __typeof__(reallocarray) *next;
    if (!next)
        next = find_next("reallocarray");
    return must_fail(KIND_MALLOC, __builtin_return_address(0)) ? NULL : next(old, count, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    static __typeof__(aligned_alloc) *next;
    if (!next)
        next = find_next("aligned_alloc");
    return must_fail(KIND_MALLOC, __builtin_return_address(0)) ? NULL : next(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    static __typeof__(posix_memalign) *next;
    if (!next)
        next = find_next("posix_memalign");
    return must_fail(KIND_MALLOC, __builtin_return_address(0)) ? ENOMEM
                                                               : next(memory, alignment, size);
}

char *strdup(const char *text)
{
    static __typeof__(strdup) *next;
    if (!next)
        next = find_next("strdup");
    return must_fail(KIND_MALLOC, __builtin_return_address(0)) ? NULL : next(text);
}

char *strndup(const char *text, size_t size)
{
    static __typeof__(strndup) *next;
    if (!next)
        next = find_next("strndup");
    return must_fail(KIND_MALLOC, __builtin_return_address(0)) ? NULL : next(text, size);
}

int vasprintf(char **text, const char *format, va_list arguments)
{
    static __typeof__(vasprintf) *next;
    if (!next)
        next = find_next("vasprintf");
    return must_fail(KIND_MALLOC, __builtin_return_address(0)) ? -1
                                                               : next(text, format, arguments);
}

FILE *open_memstream(char **bytes, size_t *size)
{
    static __typeof__(open_memstream) *next;
    if (!next)
        next = find_next("open_memstream");
    return must_fail(KIND_MALLOC, __builtin_return_address(0)) ? NULL : next(bytes, size);
}
