/* SPDX-License-Identifier: Apache-2.0 */
#include "position.h"

#include <string.h>

enum { VERSION = 1, LONGEST_PATH = 1 << 16, FINGERPRINT_BYTES = 4096 };

/* Fixed part, in the machine's byte order: a state never leaves its machine's kind. */
struct state_head {
    uint32_t version;
    int32_t lane;
    int32_t lane_count;
    uint32_t is_mid_line;
    int64_t offset;
    int64_t line_feeds;
    int64_t size_bytes;
    int64_t head_size;
    uint64_t fingerprint;
    uint64_t path_size;
    uint64_t done_count;
};

static enum sluice_status write_path(const struct sluice_host *host,
                                     struct sluice_state_writer *writer, const char *path)
{
    uint64_t size = strlen(path);
    enum sluice_status status = sluice_state_write(host, writer, &size, sizeof size);
    return status == SLUICE_OK ? sluice_state_write(host, writer, path, size) : status;
}

/* Pipes are new each time: only of files it is noted that they are done. */
static bool is_kept(const struct listed_file *file)
{
    return file->is_done && file->size_bytes >= 0;
}

enum sluice_status position_write(const struct sluice_host *host, int lane, int lane_count,
                                  const struct file_list *list,
                                  const struct file_position *position,
                                  struct sluice_state_writer *writer, struct sluice_error *error)
{
    struct state_head head = {.version = VERSION,
                              .lane = lane,
                              .lane_count = lane_count,
                              .is_mid_line = position->is_mid_line,
                              .offset = position->offset,
                              .line_feeds = position->line_feeds,
                              .size_bytes = position->size_bytes,
                              .head_size = position->head_size,
                              .fingerprint = position->fingerprint,
                              .path_size = position->path.size};
    for (size_t i = 0; i < list->count; i++) {
        head.done_count += is_kept(&list->files[i]);
    }
    enum sluice_status status = sluice_state_write(host, writer, &head, sizeof head);
    if (status == SLUICE_OK && head.path_size > 0) {
        status = sluice_state_write(host, writer, position->path.data, position->path.size);
    }
    for (size_t i = 0; status == SLUICE_OK && i < list->count; i++) {
        if (is_kept(&list->files[i])) {
            status = write_path(host, writer, list->files[i].path);
        }
    }
    if (status != SLUICE_OK) {
        return sluice_fail(host, error, status, SLUICE_CODE_IO_ERROR,
                           "the position could not be written to the checkpoint");
    }
    return SLUICE_OK;
}

static enum sluice_status fail_corrupt(const struct sluice_host *host, struct sluice_error *error)
{
    return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_STATE_CORRUPT,
                       "the position in the checkpoint is damaged");
}

static enum sluice_status read_path(const struct sluice_host *host,
                                    struct sluice_state_reader *reader, uint64_t size,
                                    struct sluice_buffer *path, struct sluice_error *error)
{
    path->size = 0;
    if (size > LONGEST_PATH) {
        return fail_corrupt(host, error);
    }
    if (sluice_buffer_reserve(host, path, size + 1) != SLUICE_OK) {
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                           "no memory for a path of the checkpoint");
    }
    if (sluice_state_read(host, reader, path->data, size) != size) {
        return fail_corrupt(host, error);
    }
    path->data[size] = '\0';
    path->size = size;
    return SLUICE_OK;
}

static enum sluice_status read_done(const struct sluice_host *host, uint64_t count,
                                    struct file_list *list, struct sluice_state_reader *reader,
                                    struct sluice_error *error)
{
    struct sluice_buffer path = {0};
    enum sluice_status status = SLUICE_OK;
    for (uint64_t i = 0; status == SLUICE_OK && i < count; i++) {
        uint64_t size;
        if (sluice_state_read(host, reader, &size, sizeof size) != sizeof size) {
            status = fail_corrupt(host, error);
        } else {
            status = read_path(host, reader, size, &path, error);
        }
        if (status == SLUICE_OK) {
            status = file_list_add_done(list, path.data, path.size, error);
        }
    }
    sluice_buffer_free(host, &path);
    return status;
}

enum sluice_status position_read(const struct sluice_host *host, int lane, int lane_count,
                                 struct file_list *list, struct file_position *position,
                                 struct sluice_state_reader *reader, struct sluice_error *error)
{
    struct state_head head;
    if (sluice_state_read(host, reader, &head, sizeof head) != sizeof head) {
        return fail_corrupt(host, error);
    }
    if (head.version != VERSION) {
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_STATE_VERSION,
                           "the checkpoint holds a position of version %u, this source-file "
                           "reads version %d",
                           head.version, VERSION);
    }
    if (head.lane != lane || head.lane_count != lane_count) {
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_STATE_VERSION,
                           "the checkpoint was taken with %d lanes, now there are %d: start with "
                           "settings.lanes as it was",
                           head.lane_count, lane_count);
    }
    position->offset = head.offset;
    position->line_feeds = head.line_feeds;
    position->is_mid_line = head.is_mid_line != 0;
    position->size_bytes = head.size_bytes;
    position->head_size = head.head_size;
    position->fingerprint = head.fingerprint;
    enum sluice_status status = read_path(host, reader, head.path_size, &position->path, error);
    return status == SLUICE_OK ? read_done(host, head.done_count, list, reader, error) : status;
}

enum sluice_status position_note(struct file_position *position, struct file_stream *stream,
                                 struct sluice_error *error)
{
    size_t size = strlen(stream->path);
    position->path.size = 0;
    if (sluice_buffer_reserve(stream->host, &position->path, size + 1) != SLUICE_OK) {
        return sluice_fail(stream->host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                           "no memory for a path: raise settings.memory");
    }
    memcpy(position->path.data, stream->path, size + 1);
    position->path.size = size;
    position->size_bytes = file_stream_size(stream);
    position->head_size =
        position->size_bytes < FINGERPRINT_BYTES ? position->size_bytes : FINGERPRINT_BYTES;
    position->fingerprint = 0;
    if (!stream->is_regular) {
        return SLUICE_OK;
    }
    return file_stream_fingerprint(stream, (size_t)position->head_size, &position->fingerprint,
                                   error);
}

enum sluice_status position_check(const struct file_position *position, struct file_stream *stream,
                                  struct sluice_error *error)
{
    uint64_t fingerprint;
    enum sluice_status status =
        file_stream_fingerprint(stream, (size_t)position->head_size, &fingerprint, error);
    bool is_shorter = file_stream_size(stream) < position->size_bytes;
    if (status == SLUICE_OK && (fingerprint != position->fingerprint || is_shorter)) {
        sluice_fail(stream->host, error, SLUICE_FATAL, SLUICE_CODE_STATE_CORRUPT,
                    "`%s` %s since the last checkpoint, which was at line %lld of it: put the old "
                    "file back, or remove the flow's state to read everything again",
                    stream->path, is_shorter ? "has shrunk" : "was replaced",
                    (long long)position->line_feeds + 1);
        sluice_error_at(stream->host, error, SLUICE_AT_OBJECT, "%s", stream->path);
        return SLUICE_FATAL;
    }
    return status;
}

void position_reset(const struct sluice_host *host, struct file_position *position)
{
    sluice_buffer_free(host, &position->path);
    *position = (struct file_position){0};
}
