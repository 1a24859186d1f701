/* SPDX-License-Identifier: Apache-2.0 */
/* Calls on files and folders. */
#undef _FILE_OFFSET_BITS /* both names of a call are defined here, each under its own */
#include "interpose.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

ssize_t write(int fd, const void *bytes, size_t size)
{
    static __typeof__(write) *next;
    if (!next)
        next = find_next("write");
    return must_fail_on_file(KIND_WRITE, fd, __builtin_return_address(0)) ? -1
                                                                          : next(fd, bytes, size);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    static __typeof__(writev) *next;
    if (!next)
        next = find_next("writev");
    return must_fail_on_file(KIND_WRITE, fd, __builtin_return_address(0)) ? -1
                                                                          : next(fd, parts, count);
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t offset)
{
    static __typeof__(pwrite64) *next;
    if (!next)
        next = find_next("pwrite64");
    return must_fail_on_file(KIND_WRITE, fd, __builtin_return_address(0))
               ? -1
               : next(fd, bytes, size, offset);
}

int ftruncate64(int fd, off64_t size)
{
    static __typeof__(ftruncate64) *next;
    if (!next)
        next = find_next("ftruncate64");
    return must_fail_on_file(KIND_WRITE, fd, __builtin_return_address(0)) ? -1 : next(fd, size);
}

ssize_t read(int fd, void *bytes, size_t size)
{
    static __typeof__(read) *next;
    if (!next)
        next = find_next("read");
    return must_fail_on_file(KIND_READ, fd, __builtin_return_address(0)) ? -1
                                                                         : next(fd, bytes, size);
}

ssize_t pread64(int fd, void *bytes, size_t size, off64_t offset)
{
    static __typeof__(pread64) *next;
    if (!next)
        next = find_next("pread64");
    return must_fail_on_file(KIND_READ, fd, __builtin_return_address(0))
               ? -1
               : next(fd, bytes, size, offset);
}

int fsync(int fd)
{
    static __typeof__(fsync) *next;
    if (!next)
        next = find_next("fsync");
    return must_fail_on_file(KIND_FSYNC, fd, __builtin_return_address(0)) ? -1 : next(fd);
}

int fdatasync(int fd)
{
    static __typeof__(fdatasync) *next;
    if (!next)
        next = find_next("fdatasync");
    return must_fail_on_file(KIND_FSYNC, fd, __builtin_return_address(0)) ? -1 : next(fd);
}

static mode_t mode_of(int flags, va_list arguments)
{
    return (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
    static __typeof__(open) *next;
    if (!next)
        next = find_next("open");
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return must_fail(KIND_OPEN, __builtin_return_address(0)) ? -1 : next(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    static __typeof__(open64) *next;
    if (!next)
        next = find_next("open64");
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return must_fail(KIND_OPEN, __builtin_return_address(0)) ? -1 : next(path, flags, mode);
}

int openat64(int folder, const char *path, int flags, ...)
{
    static __typeof__(openat64) *next;
    if (!next)
        next = find_next("openat64");
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return must_fail(KIND_OPEN, __builtin_return_address(0)) ? -1
                                                             : next(folder, path, flags, mode);
}

FILE *fopen64(const char *path, const char *mode)
{
    static __typeof__(fopen64) *next;
    if (!next)
        next = find_next("fopen64");
    return must_fail(KIND_OPEN, __builtin_return_address(0)) ? NULL : next(path, mode);
}

DIR *opendir(const char *path)
{
    static __typeof__(opendir) *next;
    if (!next)
        next = find_next("opendir");
    return must_fail(KIND_OPEN, __builtin_return_address(0)) ? NULL : next(path);
}

int rename(const char *from, const char *to)
{
    static __typeof__(rename) *next;
    if (!next)
        next = find_next("rename");
    return must_fail(KIND_RENAME, __builtin_return_address(0)) ? -1 : next(from, to);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    static __typeof__(renameat) *next;
    if (!next)
        next = find_next("renameat");
    return must_fail(KIND_RENAME, __builtin_return_address(0))
               ? -1
               : next(from_folder, from, to_folder, to);
}

int link(const char *from, const char *to)
{
    static __typeof__(link) *next;
    if (!next)
        next = find_next("link");
    return must_fail(KIND_RENAME, __builtin_return_address(0)) ? -1 : next(from, to);
}

int mkdir(const char *path, mode_t mode)
{
    static __typeof__(mkdir) *next;
    if (!next)
        next = find_next("mkdir");
    return must_fail(KIND_MKDIR, __builtin_return_address(0)) ? -1 : next(path, mode);
}

int unlink(const char *path)
{
    static __typeof__(unlink) *next;
    if (!next)
        next = find_next("unlink");
    return must_fail(KIND_UNLINK, __builtin_return_address(0)) ? -1 : next(path);
}

int rmdir(const char *path)
{
    static __typeof__(rmdir) *next;
    if (!next)
        next = find_next("rmdir");
    return must_fail(KIND_UNLINK, __builtin_return_address(0)) ? -1 : next(path);
}
