/* SPDX-License-Identifier: Apache-2.0 */
#include "file_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PAGE = 4096,
    CHUNK = 1024 * 1024,
    PACKED_CHUNK = 256 * 1024,
    FIRST_HEAD_ROOM = 64 * 1024,
    MAGIC_BYTES = 4
};

static enum sluice_status fail_memory(const struct file_stream *stream, struct sluice_error *error)
{
    return sluice_fail(stream->host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                       "no memory to read `%s`: raise settings.memory", stream->path);
}

static enum sluice_status fail_io(const struct file_stream *stream, const char *what, int number,
                                  struct sluice_error *error)
{
    enum sluice_code code = number == ENOENT                      ? SLUICE_CODE_NOT_FOUND
                            : number == EACCES || number == EPERM ? SLUICE_CODE_PERMISSION_DENIED
                                                                  : SLUICE_CODE_IO_ERROR;
    sluice_fail(stream->host, error, SLUICE_FATAL, code, "cannot %s `%s`: %s", what, stream->path,
                strerror(number));
    sluice_error_at(stream->host, error, SLUICE_AT_OBJECT, "%s", stream->path);
    return SLUICE_FATAL;
}

void file_stream_close(struct file_stream *stream)
{
    if (stream->descriptor > STDIN_FILENO) {
        close(stream->descriptor);
    }
    stream->descriptor = -1;
    decompressor_destroy(stream->decompressor);
    stream->decompressor = NULL;
}

void file_stream_reset(struct file_stream *stream)
{
    if (!stream->host) {
        return;
    }
    file_stream_close(stream);
    sluice_buffer_free(stream->host, &stream->packed);
    sluice_free(stream->host, stream->block);
    *stream = (struct file_stream){.host = stream->host, .descriptor = -1};
}

static enum sluice_status open_descriptor(struct file_stream *stream, struct sluice_error *error)
{
    bool is_stdin = strcmp(stream->path, "-") == 0;
    stream->descriptor =
        is_stdin ? STDIN_FILENO : open(stream->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (stream->descriptor < 0) {
        return fail_io(stream, "open", errno, error);
    }
    struct stat facts;
    if (fstat(stream->descriptor, &facts) != 0) {
        return fail_io(stream, "look at", errno, error);
    }
    if (S_ISDIR(facts.st_mode)) {
        return fail_io(stream, "read", EISDIR, error);
    }
    stream->is_regular = S_ISREG(facts.st_mode) && !is_stdin;
    return SLUICE_OK;
}

enum sluice_status file_stream_open(struct file_stream *stream, const char *path,
                                    enum compression compression, struct sluice_error *error)
{
    stream->path = path;
    stream->compression = compression;
    stream->packed.size = 0;
    stream->packed_used = 0;
    stream->read_bytes = 0;
    stream->window_size = 0;
    stream->offset = 0;
    stream->is_end = false;
    enum sluice_status status = open_descriptor(stream, error);
    if (status == SLUICE_OK && stream->is_regular && compression == COMPRESSION_AUTO) {
        char magic[MAGIC_BYTES];
        ssize_t size = pread(stream->descriptor, magic, sizeof magic, 0);
        if (size < 0) {
            status = fail_io(stream, "read", errno, error);
        } else {
            stream->compression = compression_detect(path, magic, (size_t)size);
        }
    }
    stream->is_compressed = stream->compression != COMPRESSION_NONE;
    if (status != SLUICE_OK) {
        file_stream_close(stream);
    }
    return status;
}

/* Makes room for a chunk at a page boundary and moves what is left of the window before it. */
static enum sluice_status make_room(struct file_stream *stream, char **target,
                                    struct sluice_error *error)
{
    *target = NULL;
    size_t left = stream->window_size;
    if (!stream->block || left > stream->head_room) {
        size_t head_room = stream->head_room ? stream->head_room : FIRST_HEAD_ROOM;
        while (head_room < left) {
            head_room *= 2;
        }
        size_t block_size = head_room + CHUNK + PAGE + SLUICE_PADDING;
        char *block = sluice_alloc(stream->host, block_size);
        if (!block) {
            return fail_memory(stream, error);
        }
        char *aligned = block + (PAGE - (uintptr_t)block % PAGE) % PAGE;
        if (left > 0) {
            memcpy(aligned + head_room - left, stream->window, left);
        }
        sluice_free(stream->host, stream->block);
        stream->block = block;
        stream->block_size = block_size;
        stream->head_room = head_room;
        stream->window = aligned + head_room - left;
        *target = aligned + head_room;
        return SLUICE_OK;
    }
    char *aligned = stream->block + (PAGE - (uintptr_t)stream->block % PAGE) % PAGE;
    *target = aligned + stream->head_room;
    if (left > 0) {
        memmove(*target - left, stream->window, left);
    }
    stream->window = *target - left;
    return SLUICE_OK;
}

/* One read(2). AGAIN where nothing came in time; *size 0 at the end. */
static enum sluice_status read_some(struct file_stream *stream, int timeout_ms, char *target,
                                    size_t room, size_t *size, struct sluice_error *error)
{
    *size = 0;
    for (;;) {
        if (!stream->is_regular) {
            struct pollfd waited = {.fd = stream->descriptor, .events = POLLIN};
            int ready = poll(&waited, 1, timeout_ms);
            if (ready == 0 || (ready < 0 && errno == EINTR)) {
                return SLUICE_AGAIN;
            }
        }
        ssize_t got = read(stream->descriptor, target, room);
        if (got >= 0) {
            *size = (size_t)got;
            stream->read_bytes += got;
            return SLUICE_OK;
        }
        if (errno == EAGAIN) {
            return SLUICE_AGAIN;
        }
        if (errno != EINTR) {
            return fail_io(stream, "read", errno, error);
        }
    }
}

static enum sluice_status fill_plain(struct file_stream *stream, int timeout_ms,
                                     struct sluice_error *error)
{
    char *target;
    enum sluice_status status = make_room(stream, &target, error);
    if (status != SLUICE_OK) {
        return status;
    }
    /* Only the first read after a seek starts off a boundary: end it on one. */
    size_t room = CHUNK - (size_t)(stream->is_regular ? stream->read_bytes % PAGE : 0);
    size_t size;
    status = read_some(stream, timeout_ms, target, room, &size, error);
    stream->window_size += size;
    stream->is_end = status == SLUICE_OK && size == 0;
    return status;
}

static enum sluice_status fill_packed(struct file_stream *stream, int timeout_ms, bool *is_end,
                                      struct sluice_error *error)
{
    size_t left = stream->packed.size - stream->packed_used;
    if (left > 0) {
        memmove(stream->packed.data, stream->packed.data + stream->packed_used, left);
    }
    stream->packed.size = left;
    stream->packed_used = 0;
    if (sluice_buffer_reserve(stream->host, &stream->packed, PACKED_CHUNK) != SLUICE_OK) {
        return fail_memory(stream, error);
    }
    size_t size;
    enum sluice_status status =
        read_some(stream, timeout_ms, stream->packed.data + left, PACKED_CHUNK, &size, error);
    stream->packed.size += size;
    *is_end = status == SLUICE_OK && size == 0;
    return status;
}

/* Names the damaged file. */
static enum sluice_status explain(const struct file_stream *stream, enum sluice_status status,
                                  struct sluice_error *error)
{
    if (status != SLUICE_OK) {
        sluice_error_at(stream->host, error, SLUICE_AT_OBJECT, "%s", stream->path);
    }
    return status;
}

/* What comes through a pipe shows its compression by its first bytes only. */
static enum sluice_status start_decompressor(struct file_stream *stream, struct sluice_error *error)
{
    if (stream->compression == COMPRESSION_AUTO) {
        stream->compression =
            compression_detect(stream->path, stream->packed.data, stream->packed.size);
    }
    return decompressor_create(stream->host, stream->compression, &stream->decompressor, error);
}

static enum sluice_status unpack(struct file_stream *stream, bool is_end,
                                 struct sluice_error *error)
{
    char *target;
    enum sluice_status status = make_room(stream, &target, error);
    if (status != SLUICE_OK) {
        return status;
    }
    /* Its capacity is the room that is asked for, so that nothing is moved. */
    struct sluice_buffer unpacked = {.data = target, .capacity = CHUNK};
    size_t consumed;
    status = decompressor_read(stream->decompressor, stream->packed.data + stream->packed_used,
                               stream->packed.size - stream->packed_used, &consumed, CHUNK,
                               &unpacked, error);
    stream->packed_used += consumed;
    stream->window_size += unpacked.size;
    if (status == SLUICE_OK && is_end && unpacked.size < CHUNK) {
        stream->is_end = true;
        status = decompressor_end(stream->decompressor, error);
    }
    return explain(stream, status, error);
}

static enum sluice_status fill_unpacked(struct file_stream *stream, int timeout_ms,
                                        struct sluice_error *error)
{
    size_t before = stream->window_size;
    while (stream->window_size == before && !stream->is_end) {
        bool is_end = false;
        bool needs_magic = !stream->decompressor && stream->packed.size < MAGIC_BYTES;
        if (stream->packed_used == stream->packed.size || needs_magic) {
            enum sluice_status status = fill_packed(stream, timeout_ms, &is_end, error);
            if (status != SLUICE_OK) {
                return status;
            }
        }
        if (!stream->decompressor) {
            if (stream->packed.size < MAGIC_BYTES && !is_end) {
                continue;
            }
            enum sluice_status status = start_decompressor(stream, error);
            if (status != SLUICE_OK) {
                return status;
            }
        }
        enum sluice_status status = unpack(stream, is_end, error);
        if (status != SLUICE_OK) {
            return status;
        }
    }
    return SLUICE_OK;
}

enum sluice_status file_stream_fill(struct file_stream *stream, int timeout_ms,
                                    struct sluice_error *error)
{
    return stream->is_compressed ? fill_unpacked(stream, timeout_ms, error)
                                 : fill_plain(stream, timeout_ms, error);
}

static enum sluice_status fail_shorter(const struct file_stream *stream, int64_t offset,
                                       struct sluice_error *error)
{
    sluice_fail(stream->host, error, SLUICE_FATAL, SLUICE_CODE_STATE_CORRUPT,
                "`%s` is shorter than at the last checkpoint, which was at byte %lld of it: put "
                "the file back, or remove the flow's state to read everything again",
                stream->path, (long long)offset);
    sluice_error_at(stream->host, error, SLUICE_AT_OBJECT, "%s", stream->path);
    return SLUICE_FATAL;
}

enum sluice_status file_stream_seek(struct file_stream *stream, int64_t offset,
                                    struct sluice_error *error)
{
    if (!stream->is_compressed) {
        int64_t start = offset - offset % PAGE;
        if (lseek(stream->descriptor, start, SEEK_SET) < 0) {
            return fail_io(stream, "seek in", errno, error);
        }
        stream->read_bytes = start;
        stream->offset = start;
    }
    while (stream->offset < offset) {
        int64_t wanted = offset - stream->offset;
        if (stream->window_size == 0) {
            if (stream->is_end) {
                return fail_shorter(stream, offset, error);
            }
            enum sluice_status status = file_stream_fill(stream, 0, error);
            if (status != SLUICE_OK) {
                return status == SLUICE_REJECT ? SLUICE_FATAL : status;
            }
        }
        bool has_all = (int64_t)stream->window_size >= wanted;
        file_stream_consume(stream, has_all ? (size_t)wanted : stream->window_size);
    }
    return SLUICE_OK;
}

enum sluice_status file_stream_fingerprint(struct file_stream *stream, size_t size,
                                           uint64_t *fingerprint, struct sluice_error *error)
{
    char head[PAGE];
    size_t wanted = size < sizeof head ? size : sizeof head;
    ssize_t got = pread(stream->descriptor, head, wanted, 0);
    if (got < 0) {
        return fail_io(stream, "read", errno, error);
    }
    *fingerprint = sluice_hash_bytes(stream->host, head, (size_t)got);
    return SLUICE_OK;
}

int64_t file_stream_size(const struct file_stream *stream)
{
    struct stat facts;
    return stream->is_regular && fstat(stream->descriptor, &facts) == 0 ? facts.st_size : -1;
}
