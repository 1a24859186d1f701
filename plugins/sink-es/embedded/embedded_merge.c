/* SPDX-License-Identifier: Apache-2.0 */
#include "embedded/embedded_merge.h"

#include "bulk/document_id.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define ID_START "{\"_id\":\""
#define ID_START_SIZE (sizeof(ID_START) - 1)

struct mapped_file {
    const char *bytes;
    size_t size;
};

struct merge_entry {
    struct document_key key;
    const char *line;
    size_t size;
};

/* Entries in the order of their ids' first lines, found by an open-addressing table of their
 * numbers + 1. */
struct merge {
    const struct sluice_host *host;
    struct merge_entry *entries;
    size_t count;
    size_t capacity;
    uint32_t *slots; /* 2 * capacity */
};

struct sluice_string embedded_line_id(const char *line, size_t size)
{
    struct sluice_string none = {NULL, 0};
    if (size < ID_START_SIZE || memcmp(line, ID_START, ID_START_SIZE) != 0) {
        return none;
    }
    const char *start = line + ID_START_SIZE;
    const char *end = line + size;
    const char *at = start;
    while (at < end && *at != '"') {
        at += *at == '\\' ? 2 : 1;
    }
    return at < end ? (struct sluice_string){start, (size_t)(at - start)} : none;
}

static enum sluice_status fail_file(const struct sluice_host *host, struct sluice_error *error,
                                    const char *what, const char *path)
{
    int number = errno;
    enum sluice_code code = number == EACCES || number == EPERM || number == EROFS
                                ? SLUICE_CODE_PERMISSION_DENIED
                                : SLUICE_CODE_IO_ERROR;
    sluice_fail(host, error, SLUICE_FATAL, code, "the index file %s cannot be %s: %s", path, what,
                strerror(number));
    sluice_error_at(host, error, SLUICE_AT_OBJECT, "%s", path);
    return SLUICE_FATAL;
}

static enum sluice_status map_file(const struct sluice_host *host, const char *path,
                                   struct mapped_file *file, struct sluice_error *error)
{
    struct stat facts;
    *file = (struct mapped_file){"", 0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? SLUICE_OK : fail_file(host, error, "read", path);
    }
    enum sluice_status status = SLUICE_OK;
    if (fstat(fd, &facts) != 0) {
        status = fail_file(host, error, "read", path);
    } else if (facts.st_size > 0) {
        void *mapped = mmap(NULL, (size_t)facts.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (mapped == MAP_FAILED) {
            status = fail_file(host, error, "read", path);
        } else {
            *file = (struct mapped_file){mapped, (size_t)facts.st_size};
        }
    }
    close(fd);
    return status;
}

static void unmap_file(struct mapped_file *file)
{
    if (file->size > 0) {
        munmap((void *)(uintptr_t)file->bytes, file->size);
    }
}

/* ---- the table ---- */

static uint32_t *find_slot(const struct merge *merge, struct document_key key)
{
    size_t mask = merge->capacity * 2 - 1;
    size_t at = (size_t)key.low & mask;
    while (merge->slots[at]) {
        const struct merge_entry *entry = &merge->entries[merge->slots[at] - 1];
        if (entry->key.low == key.low && entry->key.high == key.high) {
            break;
        }
        at = (at + 1) & mask;
    }
    return &merge->slots[at];
}

static bool grow(struct merge *merge)
{
    size_t capacity = merge->capacity ? merge->capacity * 2 : 1024;
    struct merge_entry *entries =
        sluice_resize(merge->host, merge->entries, capacity * sizeof(*entries));
    if (!entries || capacity > UINT32_MAX / 2) {
        return false;
    }
    merge->entries = entries;
    sluice_free(merge->host, merge->slots);
    merge->slots = sluice_alloc(merge->host, capacity * 2 * sizeof(uint32_t));
    merge->capacity = merge->slots ? capacity : 0;
    if (!merge->slots) {
        return false;
    }
    memset(merge->slots, 0, capacity * 2 * sizeof(uint32_t));
    for (size_t i = 0; i < merge->count; i++) {
        *find_slot(merge, merge->entries[i].key) = (uint32_t)(i + 1);
    }
    return true;
}

static bool add_line(struct merge *merge, const struct merge_entry *line, bool keeps_first)
{
    if (merge->count == merge->capacity && !grow(merge)) {
        return false;
    }
    uint32_t *slot = find_slot(merge, line->key);
    if (!*slot) {
        merge->entries[merge->count++] = *line;
        *slot = (uint32_t)merge->count;
    } else if (!keeps_first) {
        merge->entries[*slot - 1] = *line;
    }
    return true;
}

static enum sluice_status add_file(struct merge *merge, const struct mapped_file *file,
                                   const char *path, bool keeps_first, struct sluice_error *error)
{
    const char *at = file->bytes;
    const char *end = at + file->size;
    for (int64_t number = 1; at < end; number++) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        size_t size = (size_t)((line_end ? line_end : end) - at);
        struct sluice_string id = embedded_line_id(at, size);
        if (!id.bytes && size > 0) {
            sluice_fail(merge->host, error, SLUICE_FATAL, SLUICE_CODE_PROTOCOL_ERROR,
                        "line %lld of the index file %s does not begin with %s: it was not "
                        "written by sluice; move the file away or choose another folder",
                        (long long)number, path, ID_START);
            sluice_error_at(merge->host, error, SLUICE_AT_OBJECT, "%s", path);
            return SLUICE_FATAL;
        }
        struct merge_entry line = {document_key((struct sluice_string){NULL, 0}, id), at, size};
        if (size > 0 && !add_line(merge, &line, keeps_first)) {
            return sluice_fail(merge->host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                               "the memory budget has no room for the ids of the embedded index "
                               "(%zu so far); raise settings.memory, or use a search server",
                               merge->count);
        }
        at += size + 1;
    }
    return SLUICE_OK;
}

static enum sluice_status write_output(const struct merge *merge, const char *path,
                                       struct sluice_error *error)
{
    FILE *file = fopen(path, "we");
    if (!file) {
        return fail_file(merge->host, error, "written", path);
    }
    for (size_t i = 0; i < merge->count && !ferror(file); i++) {
        fwrite(merge->entries[i].line, 1, merge->entries[i].size, file);
        fputc('\n', file);
    }
    bool has_failed = fflush(file) != 0 || ferror(file) || fsync(fileno(file)) != 0;
    enum sluice_status status =
        has_failed ? fail_file(merge->host, error, "written", path) : SLUICE_OK;
    if (fclose(file) != 0 && status == SLUICE_OK) {
        status = fail_file(merge->host, error, "written", path);
    }
    return status;
}

enum sluice_status embedded_merge(const struct sluice_host *host, const struct merge_job *job,
                                  struct sluice_error *error)
{
    struct merge merge = {.host = host};
    struct mapped_file base = {"", 0};
    struct mapped_file added = {"", 0};
    enum sluice_status status = map_file(host, job->base, &base, error);
    if (status == SLUICE_OK) {
        status = map_file(host, job->added, &added, error);
    }
    if (status == SLUICE_OK) {
        status = add_file(&merge, &base, job->base, job->keeps_first, error);
    }
    if (status == SLUICE_OK) {
        status = add_file(&merge, &added, job->added, job->keeps_first, error);
    }
    if (status == SLUICE_OK) {
        status = write_output(&merge, job->output, error);
    }
    unmap_file(&base);
    unmap_file(&added);
    sluice_free(host, merge.entries);
    sluice_free(host, merge.slots);
    return status;
}
