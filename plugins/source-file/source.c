/* SPDX-License-Identifier: Apache-2.0 */
/* The source's life: list the files of this lane, read one after the other, know the way back. */
#include "file_list.h"
#include "file_options.h"
#include "file_stream.h"
#include "position.h"
#include "record_reader.h"

#include <string.h>

enum { BYTES_A_CALL = 16 * 1024 * 1024 };

struct source {
    const struct sluice_host *host;
    const struct file_options *options;
    const struct sluice_run *run;
    struct file_list list;    /* all that match, of every lane */
    size_t next;              /* index of the next file to look at */
    struct listed_file *file; /* open now, or NULL */
    struct file_stream stream;
    struct record_reader reader;
    struct file_position position; /* of the file at hand */
    bool is_restored;              /* position says where to go on, nothing was opened yet */
    bool is_skipping; /* the rest of an over-long line, rejected before the checkpoint */
    int64_t done_bytes;
    int64_t total_bytes;
};

static enum sluice_status fail_option(const struct sluice_host *host, struct sluice_error *error,
                                      const char *option, const char *message)
{
    sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID, "%s", message);
    sluice_error_at(host, error, SLUICE_AT_OPTION, "%s", option);
    return SLUICE_CONFIG;
}

static enum sluice_status source_plan(const struct sluice_host *host, const void *instance_options,
                                      struct sluice_planning *planning, struct sluice_error *error)
{
    const struct file_options *options = instance_options;
    if (options->path.count == 0) {
        return fail_option(host, error, "path", "there is no file to read");
    }
    for (size_t i = 0; i < options->path.count; i++) {
        if (strcmp(options->path.items[i], "-") == 0 && !sluice_planning_is_batch(host, planning)) {
            sluice_planning_warn(host, planning, "path",
                                 "standard input cannot be read again: what is on its way when "
                                 "the process dies is lost");
        }
    }
    if (!options->format && !options->schema) {
        const struct sluice_field value = {
            .name = "value", .type = SLUICE_TYPE_BINARY, .is_required = true};
        return sluice_planning_output(host, planning, &value);
    }
    if (!options->schema) {
        return fail_option(host, error, "format",
                           "a format needs a schema; leave both out to read raw lines");
    }
    if (!options->format) {
        return fail_option(host, error, "schema", "a schema needs a format that fills it");
    }
    enum sluice_status status = SLUICE_OK;
    for (size_t i = 0; status == SLUICE_OK && i < options->schema->field_count; i++) {
        status = sluice_planning_output(host, planning, sluice_schema_field(options->schema, i));
    }
    return status;
}

static void source_destroy(void *instance)
{
    struct source *source = instance;
    if (!source) {
        return;
    }
    file_stream_reset(&source->stream);
    record_reader_reset(&source->reader);
    position_reset(source->host, &source->position);
    file_list_reset(&source->list);
    sluice_free(source->host, source);
}

static enum sluice_status source_create(const struct sluice_host *host,
                                        const void *instance_options, void **instance,
                                        struct sluice_error *error)
{
    *instance = NULL;
    struct source *source = sluice_alloc(host, sizeof *source);
    if (!source) {
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                           "no memory for source-file: raise settings.memory");
    }
    memset(source, 0, sizeof *source);
    source->host = host;
    source->options = instance_options;
    source->run = sluice_this_run(host);
    source->list.host = host;
    source->stream.host = host;
    source->stream.descriptor = -1;
    enum sluice_status status = record_reader_init(&source->reader, host, source->options, error);
    if (status != SLUICE_OK) {
        source_destroy(source);
        return status;
    }
    *instance = source;
    return SLUICE_OK;
}

static enum sluice_status source_restore(void *instance, struct sluice_state_reader *reader,
                                         struct sluice_error *error)
{
    struct source *source = instance;
    enum sluice_status status =
        position_read(source->host, source->run->lane, source->run->lane_count, &source->list,
                      &source->position, reader, error);
    source->is_restored = status == SLUICE_OK && source->position.path.size > 0;
    return status;
}

/* Deals the files to the lanes. A continuous flow deals by name: after a restart the list may have
 * grown, and every lane must come to the same answer as before. */
static bool is_mine(const struct source *source, size_t index)
{
    const char *path = source->list.files[index].path;
    uint64_t share =
        source->run->is_batch ? index : sluice_hash_bytes(source->host, path, strlen(path));
    return share % (uint64_t)source->run->lane_count == (uint64_t)source->run->lane;
}

static enum sluice_status source_open(void *instance, struct sluice_error *error)
{
    struct source *source = instance;
    if (source->next > 0 || source->file) {
        return SLUICE_OK; /* opened again after close: goes on where it was */
    }
    enum sluice_status status = file_list_expand(&source->list, &source->options->path, error);
    bool is_size_known = true;
    for (size_t i = 0; status == SLUICE_OK && i < source->list.count; i++) {
        const struct listed_file *file = &source->list.files[i];
        if (!file->is_done && is_mine(source, i)) {
            is_size_known = is_size_known && file->size_bytes >= 0;
            source->total_bytes += file->size_bytes;
        }
    }
    source->total_bytes = is_size_known ? source->total_bytes : -1;
    return status;
}

/* The file's beginning up to the end of its first record, which the decoder wants to see again. */
static enum sluice_status read_head(struct source *source, struct sluice_string *head,
                                    struct sluice_error *error)
{
    *head = (struct sluice_string){NULL, 0};
    if (!record_reader_needs_head(&source->reader) || source->position.line_feeds == 0) {
        return SLUICE_OK;
    }
    enum sluice_status status = file_stream_fill(&source->stream, 0, error);
    if (status != SLUICE_OK) {
        return status == SLUICE_REJECT ? SLUICE_FATAL : status;
    }
    const char *line_feed = memchr(source->stream.window, '\n', source->stream.window_size);
    if (line_feed) {
        head->bytes = source->stream.window;
        head->size = (size_t)(line_feed - source->stream.window) + 1;
    }
    return SLUICE_OK;
}

static enum sluice_status reopen(struct source *source, struct sluice_error *error)
{
    struct file_stream *stream = &source->stream;
    const char *path = source->file->path;
    enum compression compression = (enum compression)source->options->compression;
    file_stream_close(stream);
    return file_stream_open(stream, path, compression, error);
}

/* Goes on in the middle of a file. */
static enum sluice_status resume(struct source *source, struct sluice_error *error)
{
    struct sluice_string head;
    enum sluice_status status = position_check(&source->position, &source->stream, error);
    if (status == SLUICE_OK) {
        status = read_head(source, &head, error);
    }
    if (status == SLUICE_OK) {
        /* An over-long line that was told counts, though its end is still to come. */
        int64_t lines = source->position.line_feeds + source->position.is_mid_line;
        status = record_reader_resume(&source->reader, source->file->path, lines, head, error);
    }
    if (status == SLUICE_OK) {
        status = reopen(source, error);
    }
    if (status == SLUICE_OK) {
        status = file_stream_seek(&source->stream, source->position.offset, error);
    }
    source->is_skipping = source->position.is_mid_line;
    return status;
}

static enum sluice_status begin_file(struct source *source, struct listed_file *file,
                                     struct sluice_error *error)
{
    source->file = file;
    enum sluice_status status = reopen(source, error);
    if (status == SLUICE_OK && source->is_restored) {
        status = resume(source, error);
    } else if (status == SLUICE_OK) {
        struct file_position *position = &source->position;
        position->offset = 0;
        position->line_feeds = 0;
        position->is_mid_line = false;
        status = record_reader_begin(&source->reader, file->path, error);
    }
    if (status == SLUICE_OK && !source->run->is_batch) {
        status = position_note(&source->position, &source->stream, error);
    }
    if (status != SLUICE_OK) {
        source->file = NULL;
        file_stream_close(&source->stream);
        return status;
    }
    source->is_restored = false;
    return SLUICE_OK;
}

/* END where this lane has no further file. */
static enum sluice_status next_file(struct source *source, struct sluice_error *error)
{
    if (source->is_restored) {
        struct listed_file *file = file_list_find(&source->list, source->position.path.data);
        if (!file) {
            sluice_fail(source->host, error, SLUICE_FATAL, SLUICE_CODE_NOT_FOUND,
                        "`%s`, which was being read at the last checkpoint, is gone: put it back, "
                        "or remove the flow's state to read everything again",
                        source->position.path.data);
            sluice_error_at(source->host, error, SLUICE_AT_OBJECT, "%s",
                            source->position.path.data);
            return SLUICE_FATAL;
        }
        return begin_file(source, file, error);
    }
    while (source->next < source->list.count) {
        size_t index = source->next;
        struct listed_file *file = &source->list.files[index];
        if (!file->is_done && is_mine(source, index)) {
            return begin_file(source, file, error);
        }
        source->next++;
    }
    return SLUICE_END;
}

static void end_file(struct source *source)
{
    source->file->is_done = true;
    source->done_bytes += source->stream.read_bytes;
    source->file = NULL;
    file_stream_close(&source->stream);
}

/* Follows what the reader took, for the position; a batch flow has none. */
static void note_consumed(struct source *source, const char *bytes, size_t size)
{
    struct file_position *position = &source->position;
    if (size == 0 || source->run->is_batch) {
        return;
    }
    const char *end = bytes + size;
    for (const char *at = bytes; (at = memchr(at, '\n', (size_t)(end - at))); at++) {
        position->line_feeds++;
    }
    position->is_mid_line = end[-1] != '\n';
}

/* The rest of a damaged file is one reject; what was good before it stays. */
static enum sluice_status give_up_file(struct source *source, struct sluice_error *error)
{
    struct file_stream *stream = &source->stream;
    struct sluice_rejected rejected = {
        .original = stream->window_size ? stream->window : "",
        .original_size = stream->window_size,
        .origin_name = source->file->path,
        .position = source->run->is_batch ? -1 : source->position.line_feeds + 1};
    enum sluice_status status = sluice_reject(source->host, &rejected, error);
    end_file(source);
    return status;
}

static void skip_rest_of_line(struct source *source)
{
    struct file_stream *stream = &source->stream;
    if (stream->window_size == 0) {
        return;
    }
    const char *line_feed = memchr(stream->window, '\n', stream->window_size);
    size_t size = line_feed ? (size_t)(line_feed - stream->window) + 1 : stream->window_size;
    note_consumed(source, stream->window, size);
    file_stream_consume(stream, size);
    source->is_skipping = !line_feed;
}

/* One step on in the open file: decodes what is there; where that gives nothing, reads on. */
static enum sluice_status read_file(struct source *source, int timeout_ms,
                                    struct sluice_batch **batch, struct sluice_error *error)
{
    struct file_stream *stream = &source->stream;
    if (source->is_skipping) {
        skip_rest_of_line(source);
    }
    size_t consumed = 0;
    if (!source->is_skipping) {
        enum sluice_status status =
            record_reader_decode(&source->reader, stream->window, stream->window_size,
                                 stream->is_end, &consumed, batch, error);
        if (status != SLUICE_OK) {
            return status;
        }
        note_consumed(source, stream->window, consumed);
        file_stream_consume(stream, consumed);
    }
    if (*batch || (stream->is_end && consumed > 0)) {
        return SLUICE_OK; /* more may come out of what is there */
    }
    if (stream->is_end) {
        end_file(source);
        return SLUICE_OK;
    }
    return file_stream_fill(stream, timeout_ms, error);
}

static enum sluice_status source_read(void *instance, int timeout_ms, struct sluice_batch **batch,
                                      struct sluice_error *error)
{
    struct source *source = instance;
    *batch = NULL;
    int64_t limit = source->done_bytes + source->stream.read_bytes + BYTES_A_CALL;
    enum sluice_status status = SLUICE_OK;
    while (status == SLUICE_OK && !*batch) {
        if (source->file) {
            status = read_file(source, timeout_ms, batch, error);
            status = status == SLUICE_REJECT ? give_up_file(source, error) : status;
        } else {
            status = next_file(source, error);
        }
        int64_t read_bytes = source->done_bytes + (source->file ? source->stream.read_bytes : 0);
        bool is_enough = read_bytes > limit || sluice_is_cancelled(source->host);
        if (status == SLUICE_OK && !*batch && is_enough) {
            return SLUICE_AGAIN;
        }
        sluice_progress(source->host, read_bytes, source->total_bytes);
    }
    return status;
}

static enum sluice_status source_snapshot(void *instance, struct sluice_state_writer *writer,
                                          struct sluice_error *error)
{
    struct source *source = instance;
    struct file_position position = source->position;
    bool is_inside = source->is_restored || (source->file && source->stream.is_regular);
    if (source->file) {
        position.offset = source->stream.offset;
    }
    position.path.size = is_inside ? position.path.size : 0;
    return position_write(source->host, source->run->lane, source->run->lane_count, &source->list,
                          &position, writer, error);
}

const struct sluice_source file_source = {
    .struct_size = sizeof(struct sluice_source),
    .plan = source_plan,
    .create = source_create,
    .open = source_open,
    .read = source_read,
    .snapshot = source_snapshot,
    .restore = source_restore,
    .destroy = source_destroy,
};
