/* SPDX-License-Identifier: Apache-2.0 */
/* Reads one file of a folder. */
#include "object_store/local/local.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define READ_SIZE ((size_t)1 << 20)

struct local_reader {
    struct object_reader base;
    int fd;
    int64_t offset;
    int64_t size;
    enum object_outcome outcome;
    char *key;
};

enum sluice_status local_reader_open(struct object_store *store, const struct object_entry *entry,
                                     int64_t offset, struct object_reader **reader,
                                     struct sluice_error *error)
{
    struct local_reader *made = sluice_alloc(store->host, sizeof *made);
    if (!made) {
        return object_no_memory(store->host, error);
    }
    *made = (struct local_reader){.base = {store}, .fd = -1, .offset = offset};
    made->key = counted_copy(store->host, entry->key, strlen(entry->key));
    struct counted_text path;
    struct stat facts;
    local_path(store, &path, entry->key, NULL);
    enum sluice_status status = counted_check(&path, error);
    status = status == SLUICE_OK && !made->key ? object_no_memory(store->host, error) : status;
    if (status == SLUICE_OK) {
        made->fd = open(counted_get(&path), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    }
    if (status == SLUICE_OK && (made->fd < 0 || fstat(made->fd, &facts) != 0)) {
        made->outcome = errno == ENOENT ? OBJECT_ABSENT : OBJECT_DONE;
        status = errno == ENOENT ? SLUICE_OK : local_fail(store, "open", counted_get(&path), error);
    } else if (status == SLUICE_OK) {
        char etag[OBJECT_ETAG_SIZE];
        local_etag(&facts, etag);
        made->size = (int64_t)facts.st_size;
        made->outcome =
            entry->etag[0] && strcmp(entry->etag, etag) != 0 ? OBJECT_CHANGED : OBJECT_DONE;
    }
    counted_free(&path);
    if (status != SLUICE_OK) {
        local_reader_close(&made->base);
        return status;
    }
    *reader = &made->base;
    return SLUICE_OK;
}

enum sluice_status local_reader_read(struct object_reader *base, int timeout_ms,
                                     struct sluice_buffer *buffer, enum object_outcome *outcome,
                                     struct sluice_error *error)
{
    (void)timeout_ms;
    struct local_reader *reader = (struct local_reader *)base;
    const struct object_store *store = base->store;
    *outcome = reader->outcome;
    if (reader->outcome != OBJECT_DONE) {
        return SLUICE_OK;
    }
    if (reader->offset >= reader->size) {
        return SLUICE_END; /* what is appended later belongs to another version */
    }
    int64_t left = reader->size - reader->offset;
    size_t wanted = left < (int64_t)READ_SIZE ? (size_t)left : READ_SIZE;
    if (sluice_buffer_reserve(store->host, buffer, wanted) != SLUICE_OK) {
        return object_no_memory(store->host, error);
    }
    ssize_t size;
    do {
        size = pread(reader->fd, buffer->data + buffer->size, wanted, (off_t)reader->offset);
    } while (size < 0 && errno == EINTR);
    if (size < 0) {
        return local_fail(store, "read", reader->key, error);
    }
    if (size == 0) {
        *outcome = OBJECT_CHANGED; /* it was cut while we read it */
        return SLUICE_OK;
    }
    buffer->size += (size_t)size;
    reader->offset += size;
    return SLUICE_OK;
}

void local_reader_close(struct object_reader *base)
{
    struct local_reader *reader = (struct local_reader *)base;
    if (reader->fd >= 0) {
        close(reader->fd);
    }
    sluice_free(base->store->host, reader->key);
    sluice_free(base->store->host, reader);
}
