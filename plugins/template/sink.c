/* SPDX-License-Identifier: Apache-2.0 */
/* sink-template: writes rows as lines of tab-separated text, one file a checkpoint. A row is in the
 * folder exactly once, whatever crashes: staged files become visible by a rename. Copy it, rename
 * it, and replace what is marked "Yours". */
#include <sluice/plugin.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Yours: one member a row of the option table below. */
struct options {
    const char *folder;
};

static const struct sluice_option option_rows[] = {
    {.name = "folder",
     .kind = SLUICE_OPTION_PATH,
     .offset = offsetof(struct options, folder),
     .is_required = true,
     .text = "Folder for the files; it must exist.",
     .example = "data/out"},
};

enum { NAME_SIZE = 255 };

struct sink {
    const struct sluice_host *host;
    const struct options *options;
    int folder; /* descriptor, or -1 */
    int file;   /* of what is being written, or -1 */
    struct sluice_buffer lines;
};

static enum sluice_status fail(const struct sink *sink, struct sluice_error *error,
                               const char *doing, const char *name)
{
    const char *why = strerror(errno);
    sluice_fail(sink->host, error, SLUICE_FATAL, SLUICE_CODE_IO_ERROR, "%s failed: %s", doing, why);
    sluice_error_at(sink->host, error, SLUICE_AT_OBJECT, "%s/%s", sink->options->folder, name);
    return SLUICE_FATAL;
}

/* ".staged-FLOW-STEP-MEMBER-": no two steps or members share a file, and nobody reads files with a
 * leading dot. */
static void name_prefix(const struct sink *sink, const char *state, const char *member,
                        char prefix[NAME_SIZE])
{
    const struct sluice_run *run = sluice_this_run(sink->host);
    snprintf(prefix, NAME_SIZE, "%s%s-%s-%s-", state, run->flow, run->step, member);
}

static void name_file(const struct sink *sink, const char *state, const char *member,
                      uint64_t checkpoint, char name[NAME_SIZE])
{
    name_prefix(sink, state, member, name);
    size_t size = strlen(name);
    snprintf(name + size, NAME_SIZE - size, "%llu.tsv", (unsigned long long)checkpoint);
}

static enum sluice_status create(const struct sluice_host *host, const void *options,
                                 void **instance, struct sluice_error *error)
{
    struct sink *sink = sluice_alloc(host, sizeof *sink);
    *instance = sink;
    if (!sink) {
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                           "no memory for the sink");
    }
    *sink = (struct sink){.host = host, .options = options, .folder = -1, .file = -1};
    return SLUICE_OK;
}

static enum sluice_status open_folder(void *instance, struct sluice_error *error)
{
    struct sink *sink = instance;
    sink->folder = open(sink->options->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return sink->folder < 0 ? fail(sink, error, "opening the folder", "") : SLUICE_OK;
}

/* Yours: one row as bytes. */
static enum sluice_status append_row(struct sink *sink, const struct sluice_batch *batch,
                                     int64_t row)
{
    const struct sluice_schema *schema = sluice_batch_schema(sink->host, batch);
    enum sluice_status status = SLUICE_OK;
    for (size_t i = 0; status == SLUICE_OK && i < schema->field_count; i++) {
        struct sluice_column column;
        sluice_batch_column(sink->host, batch, (int)i, &column);
        status = sluice_format_value(sink->host, &column, row, &sink->lines);
        if (status == SLUICE_OK) {
            status = sluice_buffer_reserve(sink->host, &sink->lines, 1);
        }
        if (status == SLUICE_OK) {
            sink->lines.data[sink->lines.size++] = i + 1 < schema->field_count ? '\t' : '\n';
        }
    }
    return status;
}

static enum sluice_status write_lines(struct sink *sink, struct sluice_error *error)
{
    size_t done = 0;
    while (done < sink->lines.size) {
        ssize_t size = write(sink->file, sink->lines.data + done, sink->lines.size - done);
        if (size < 0 && errno != EINTR) {
            return fail(sink, error, "writing", "");
        }
        done += size > 0 ? (size_t)size : 0;
    }
    sink->lines.size = 0;
    return SLUICE_OK;
}

static enum sluice_status write_rows(void *instance, const struct sluice_batch *batch,
                                     struct sluice_verdicts *verdicts, struct sluice_error *error)
{
    (void)verdicts; /* rows without a verdict are done */
    struct sink *sink = instance;
    if (sink->file < 0) {
        char name[NAME_SIZE];
        name_file(sink, ".writing-", sluice_this_run(sink->host)->member, 0, name);
        sink->file = openat(sink->folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (sink->file < 0) {
            return fail(sink, error, "making a file", name);
        }
    }
    int64_t rows = sluice_batch_rows(sink->host, batch);
    for (int64_t row = 0; row < rows; row++) {
        if (append_row(sink, batch, row) != SLUICE_OK) {
            return sluice_fail(sink->host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                               "no memory for a line");
        }
    }
    return write_lines(sink, error);
}

static enum sluice_status move_file(struct sink *sink, const char *from, const char *to,
                                    struct sluice_error *error)
{
    if (renameat(sink->folder, from, sink->folder, to) != 0) {
        /* Renamed by an earlier call: commit may come again. */
        bool is_done = errno == ENOENT && faccessat(sink->folder, to, F_OK, 0) == 0;
        return is_done ? SLUICE_OK : fail(sink, error, "renaming", from);
    }
    return fsync(sink->folder) == 0 ? SLUICE_OK : fail(sink, error, "syncing the folder", "");
}

/* All rows so far become durable under a name that only commit and recover look for. The state is
 * one byte: whether there is a file. */
static enum sluice_status stage(void *instance, uint64_t checkpoint,
                                struct sluice_state_writer *writer, struct sluice_error *error)
{
    struct sink *sink = instance;
    const char *member = sluice_this_run(sink->host)->member;
    uint8_t has_file = sink->file >= 0;
    if (has_file) {
        char writing[NAME_SIZE], staged[NAME_SIZE];
        name_file(sink, ".writing-", member, 0, writing);
        name_file(sink, ".staged-", member, checkpoint, staged);
        bool is_synced = fsync(sink->file) == 0;
        bool is_closed = close(sink->file) == 0;
        sink->file = -1;
        if (!is_synced || !is_closed) {
            return fail(sink, error, "syncing", writing);
        }
        enum sluice_status status = move_file(sink, writing, staged, error);
        if (status != SLUICE_OK) {
            return status;
        }
    }
    return sluice_state_write(sink->host, writer, &has_file, sizeof has_file);
}

static enum sluice_status publish(struct sink *sink, const char *member, uint64_t checkpoint,
                                  struct sluice_state_reader *reader, struct sluice_error *error)
{
    uint8_t has_file = 0;
    if (sluice_state_read(sink->host, reader, &has_file, 1) != 1 || !has_file) {
        return SLUICE_OK;
    }
    char staged[NAME_SIZE], visible[NAME_SIZE];
    name_file(sink, ".staged-", member, checkpoint, staged);
    name_file(sink, "", member, checkpoint, visible);
    return move_file(sink, staged, visible, error);
}

static enum sluice_status commit(void *instance, uint64_t checkpoint,
                                 struct sluice_state_reader *reader, struct sluice_error *error)
{
    struct sink *sink = instance;
    return publish(sink, sluice_this_run(sink->host)->member, checkpoint, reader, error);
}

/* What a past run staged is finished where its checkpoint was decided, and dropped otherwise. Of
 * other members only what is decided is finished; the rest they drop when they come back. A sink
 * that is to drop it for them notes it at SLUICE_SETTLE_NOTE, and drops at SLUICE_SETTLE_TAKE_OVER
 * what it has noted and nothing else. */
static enum sluice_status recover(void *instance, const struct sluice_recovery *recovery,
                                  struct sluice_state_reader *reader, struct sluice_error *error)
{
    struct sink *sink = instance;
    if (reader) {
        enum sluice_status status =
            publish(sink, recovery->member, recovery->checkpoint, reader, error);
        if (status != SLUICE_OK) {
            return status;
        }
    }
    char prefix[NAME_SIZE];
    name_prefix(sink, ".staged-", recovery->member, prefix);
    bool is_dropping = recovery->settlement == SLUICE_SETTLE_OWN && !recovery->is_running;
    DIR *folder = is_dropping ? opendir(sink->options->folder) : NULL;
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0) {
            unlinkat(sink->folder, entry->d_name, 0);
        }
    }
    if (folder) {
        closedir(folder);
    }
    return SLUICE_OK;
}

static void close_folder(void *instance)
{
    struct sink *sink = instance;
    if (sink->file >= 0) {
        close(sink->file);
    }
    if (sink->folder >= 0) {
        close(sink->folder);
    }
    sink->file = -1;
    sink->folder = -1;
}

static void destroy(void *instance)
{
    struct sink *sink = instance;
    sluice_buffer_free(sink->host, &sink->lines);
    sluice_free(sink->host, sink);
}

static const struct sluice_sink sink_callbacks = {
    .struct_size = sizeof sink_callbacks,
    .create = create,
    .open = open_folder,
    .write = write_rows,
    .stage = stage,
    .commit = commit,
    .recover = recover,
    .close = close_folder,
    .destroy = destroy,
};

static const struct sluice_component component = {
    .struct_size = sizeof component,
    .kind = SLUICE_KIND_SINK,
    .name = "sink-template",
    .summary = "Writes tab-separated text, a file a checkpoint; a sink to start from.",
    .capabilities = SLUICE_EXACTLY_ONCE,
    .options_size = sizeof(struct options),
    .option_size = sizeof *option_rows,
    .option_count = sizeof option_rows / sizeof *option_rows,
    .options = option_rows,
    .sink = &sink_callbacks,
};

static const struct sluice_plugin plugin = {
    .abi_version = SLUICE_ABI_VERSION,
    .struct_size = sizeof plugin,
    .name = "sink-template",
    .version = "1.0.0",
    .licence = "Apache-2.0",
    .summary = "A sink to start from.",
    .component_size = sizeof component,
    .component_count = 1,
    .components = &component,
};

SLUICE_PLUGIN_EXPORT const struct sluice_plugin *sluice_plugin_describe(uint32_t host_abi)
{
    (void)host_abi;
    return &plugin;
}
