/* SPDX-License-Identifier: Apache-2.0 */
#include "embedded/spool.h"

#include "bulk/json_text.h"
#include "embedded/folders.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILE_ENDING ".ndjson"
#define INDEX_BYTES ((size_t)256 << 10) /* held for one index before they go to its file */
#define HELD_BYTES ((size_t)8 << 20)    /* held for all */

void spool_init(struct spool *spool, const struct sluice_host *host, const char *folder)
{
    memset(spool, 0, sizeof(*spool));
    spool->host = host;
    spool->folder = folder;
}

void spool_clear(struct spool *spool)
{
    for (size_t i = 0; i < spool->count; i++) {
        sluice_free(spool->host, spool->indexes[i].file_name);
        sluice_buffer_free(spool->host, &spool->indexes[i].lines);
    }
    spool->count = 0;
    spool->last = 0;
    spool->held_bytes = 0;
}

void spool_reset(struct spool *spool)
{
    if (spool->host) {
        spool_clear(spool);
        sluice_free(spool->host, spool->indexes);
        memset(spool, 0, sizeof(*spool));
    }
}

static enum sluice_status fail_budget(struct spool *spool, struct sluice_error *error)
{
    return sluice_fail(spool->host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                       "the memory budget has no room for documents; raise settings.memory");
}

/* ---- files ---- */

static enum sluice_status write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, bytes, size);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return SLUICE_FATAL;
        }
        bytes += written;
        size -= (size_t)written;
    }
    return SLUICE_OK;
}

static enum sluice_status flush_index(struct spool *spool, struct spool_index *index,
                                      struct sluice_error *error)
{
    struct sluice_buffer path = {0};
    const char *const parts[] = {spool->folder, index->file_name, NULL};
    enum sluice_status status = path_join(spool->host, &path, parts, error);
    if (status == SLUICE_OK && index->lines.size > 0) {
        int fd = open(path.data, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
        if (fd < 0 || write_all(fd, index->lines.data, index->lines.size) != SLUICE_OK) {
            status = fail_path(spool->host, error, "cannot write the file", path.data);
        }
        if (fd >= 0) {
            close(fd);
        }
        spool->held_bytes -= index->lines.size;
        index->lines.size = 0;
    }
    sluice_buffer_free(spool->host, &path);
    return status;
}

enum sluice_status spool_flush(struct spool *spool, struct sluice_error *error)
{
    enum sluice_status status = SLUICE_OK;
    for (size_t i = 0; status == SLUICE_OK && i < spool->count; i++) {
        status = flush_index(spool, &spool->indexes[i], error);
    }
    return status;
}

/* ---- documents ---- */

static bool has_name(const struct spool_index *index, struct sluice_string name)
{
    return index->name_size == name.size && memcmp(index->file_name, name.bytes, name.size) == 0;
}

static struct spool_index *add_index(struct spool *spool, struct sluice_string name)
{
    if (spool->count == spool->capacity) {
        size_t capacity = spool->capacity ? spool->capacity * 2 : 8;
        struct spool_index *grown =
            sluice_resize(spool->host, spool->indexes, capacity * sizeof(*grown));
        if (!grown) {
            return NULL;
        }
        spool->indexes = grown;
        spool->capacity = capacity;
    }
    char *file_name = sluice_alloc(spool->host, name.size + sizeof(FILE_ENDING));
    if (!file_name) {
        return NULL;
    }
    memcpy(file_name, name.bytes, name.size);
    memcpy(file_name + name.size, FILE_ENDING, sizeof(FILE_ENDING));
    struct spool_index *index = &spool->indexes[spool->count++];
    *index = (struct spool_index){.file_name = file_name, .name_size = name.size};
    return index;
}

static struct spool_index *find_index(struct spool *spool, struct sluice_string name)
{
    if (spool->last < spool->count && has_name(&spool->indexes[spool->last], name)) {
        return &spool->indexes[spool->last];
    }
    for (size_t i = 0; i < spool->count; i++) {
        if (has_name(&spool->indexes[i], name)) {
            spool->last = i;
            return &spool->indexes[i];
        }
    }
    spool->last = spool->count;
    return add_index(spool, name);
}

static void put(struct sluice_buffer *lines, const char *bytes, size_t size)
{
    memcpy(lines->data + lines->size, bytes, size);
    lines->size += size;
}

/* {"_id":"ID", and then the document behind its brace */
static bool put_line(struct spool *spool, struct sluice_buffer *lines,
                     const struct document *document)
{
    size_t most = document->json.size + JSON_ESCAPED_SIZE * document->id.size + 16;
    size_t extra = most > lines->size ? most : lines->size;
    if (lines->capacity - lines->size < most &&
        sluice_buffer_reserve(spool->host, lines, extra) != SLUICE_OK) {
        return false;
    }
    bool is_empty = document->json.size == 2; /* {} */
    put(lines, "{\"_id\":\"", 8);
    json_put_escaped(lines, document->id);
    put(lines, is_empty ? "\"" : "\",", is_empty ? 1 : 2);
    put(lines, document->json.bytes + 1, document->json.size - 1);
    put(lines, "\n", 1);
    return true;
}

enum sluice_status spool_add(struct spool *spool, const struct document *document,
                             struct sluice_error *error)
{
    struct spool_index *index = find_index(spool, document->index);
    size_t before = index ? index->lines.size : 0;
    if (!index || !put_line(spool, &index->lines, document)) {
        return fail_budget(spool, error);
    }
    spool->held_bytes += index->lines.size - before;
    if (index->lines.size >= INDEX_BYTES) {
        return flush_index(spool, index, error);
    }
    return spool->held_bytes >= HELD_BYTES ? spool_flush(spool, error) : SLUICE_OK;
}
