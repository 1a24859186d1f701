/* SPDX-License-Identifier: Apache-2.0 */
/* The target that is a folder: the embedded index.
 *
 *   FOLDER/NAME.ndjson                    the index NAME: one document a line, each id once
 *   FOLDER/.staged/WRITER/spool/          rows since the last stage
 *   FOLDER/.staged/WRITER/CHECKPOINT/     whole new index files, to be moved at commit
 *
 * WRITER is flow, step and member. An index file has one writing flow: the last commit wins. */
#include "embedded/embedded_merge.h"
#include "embedded/folders.h"
#include "embedded/spool.h"
#include "embedded/staged.h"
#include "target.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GENERATED_ID_SIZE 32

struct embedded {
    struct target target; /* first */
    const struct sluice_host *host;
    const struct es_options *options;
    struct sluice_buffer folder;
    struct sluice_buffer staged; /* FOLDER/.staged */
    struct sluice_buffer writer; /* FOLDER/.staged/WRITER of this member */
    struct sluice_buffer spool_folder;
    struct spool spool;
    uint64_t generated; /* ids made so far */
};

static struct embedded *embedded_of(struct target *target)
{
    return (struct embedded *)target;
}

/* ---- life ---- */

static void embedded_destroy(struct target *target)
{
    struct embedded *embedded = embedded_of(target);
    const struct sluice_host *host = embedded->host;
    spool_reset(&embedded->spool);
    sluice_buffer_free(host, &embedded->folder);
    sluice_buffer_free(host, &embedded->staged);
    sluice_buffer_free(host, &embedded->writer);
    sluice_buffer_free(host, &embedded->spool_folder);
    sluice_free(host, embedded);
}

static enum sluice_status embedded_open(struct target *target, struct sluice_error *error)
{
    struct embedded *embedded = embedded_of(target);
    spool_clear(&embedded->spool);
    enum sluice_status status = remove_folder(embedded->host, embedded->spool_folder.data, error);
    return status == SLUICE_OK ? make_folder(embedded->host, embedded->spool_folder.data, error)
                               : status;
}

static void embedded_begin(struct target *target)
{
    (void)target;
}

static void embedded_cancel(struct target *target)
{
    (void)target;
}

/* Removes the working folders where nothing is staged in them; what cannot be removed is dropped
 * by the next run. */
static void embedded_close(struct target *target)
{
    struct embedded *embedded = embedded_of(target);
    spool_clear(&embedded->spool);
    if (empty_folder(embedded->spool_folder.data)) {
        (void)rmdir(embedded->spool_folder.data);
        (void)rmdir(embedded->writer.data);
        (void)rmdir(embedded->staged.data);
    }
}

/* ---- rows ---- */

static enum sluice_status embedded_add(struct target *target, const struct document *document,
                                       struct sluice_error *error)
{
    struct embedded *embedded = embedded_of(target);
    struct document named = *document;
    char id[GENERATED_ID_SIZE + 1];
    if (named.id.size == 0) {
        snprintf(id, sizeof(id), "%016" PRIx64 "%016" PRIx64, sluice_this_run(embedded->host)->nonce,
                 embedded->generated++);
        named.id = (struct sluice_string){id, GENERATED_ID_SIZE};
    }
    return spool_add(&embedded->spool, &named, error);
}

static enum sluice_status embedded_turn(struct target *target, bool is_tick,
                                        struct sluice_error *error)
{
    (void)target;
    (void)is_tick;
    (void)error;
    return SLUICE_OK;
}

/* ---- stage ---- */

struct base_search {
    struct embedded *embedded;
    const char *file_name;
    uint64_t newest;
    struct sluice_buffer path;
};

/* A staged file of an earlier checkpoint that is not committed yet is newer than the index. */
static enum sluice_status look_for_base(void *user_data, const char *name,
                                        struct sluice_error *error)
{
    struct base_search *search = user_data;
    char *end;
    errno = 0;
    uint64_t checkpoint = strtoull(name, &end, 10);
    if (*end || errno != 0 || checkpoint <= search->newest) {
        return SLUICE_OK;
    }
    struct sluice_buffer path = {0};
    const char *const parts[] = {search->embedded->writer.data, name, search->file_name, NULL};
    enum sluice_status status = path_join(search->embedded->host, &path, parts, error);
    if (status == SLUICE_OK && access(path.data, F_OK) == 0) {
        struct sluice_buffer older = search->path;
        search->path = path;
        search->newest = checkpoint;
        path = older;
    }
    sluice_buffer_free(search->embedded->host, &path);
    return status;
}

static enum sluice_status stage_index(struct embedded *embedded, const struct spool_index *index,
                                      const char *stage_folder, struct sluice_error *error)
{
    const struct sluice_host *host = embedded->host;
    struct base_search base = {.embedded = embedded, .file_name = index->file_name};
    struct sluice_buffer added = {0};
    struct sluice_buffer output = {0};
    const char *const base_parts[] = {embedded->folder.data, index->file_name, NULL};
    const char *const added_parts[] = {embedded->spool_folder.data, index->file_name, NULL};
    const char *const output_parts[] = {stage_folder, index->file_name, NULL};
    enum sluice_status status = path_join(host, &base.path, base_parts, error);
    if (status == SLUICE_OK) {
        status = walk_folder(host, embedded->writer.data, look_for_base, &base, error);
    }
    if (status == SLUICE_OK) {
        status = path_join(host, &added, added_parts, error);
    }
    if (status == SLUICE_OK) {
        status = path_join(host, &output, output_parts, error);
    }
    if (status == SLUICE_OK) {
        struct merge_job job = {.base = base.path.data,
                                .added = added.data,
                                .output = output.data,
                                .keeps_first = embedded->options->action == ES_CREATE};
        status = embedded_merge(host, &job, error);
    }
    sluice_buffer_free(host, &base.path);
    sluice_buffer_free(host, &added);
    sluice_buffer_free(host, &output);
    return status;
}

/* The staged folder gets its name when all its files are there: `part` first, then the number. */
static enum sluice_status stage_indexes(struct embedded *embedded, const char *part,
                                        const char *stage_folder, struct sluice_error *error)
{
    const struct sluice_host *host = embedded->host;
    enum sluice_status status = remove_folder(host, part, error);
    if (status == SLUICE_OK) {
        status = remove_folder(host, stage_folder, error);
    }
    if (status == SLUICE_OK) {
        status = make_folder(host, part, error);
    }
    for (size_t i = 0; status == SLUICE_OK && i < embedded->spool.count; i++) {
        status = stage_index(embedded, &embedded->spool.indexes[i], part, error);
    }
    if (status == SLUICE_OK) {
        status = sync_folder(host, part, error);
    }
    if (status == SLUICE_OK && rename(part, stage_folder) != 0) {
        status = fail_path(host, error, "cannot name the folder", stage_folder);
    }
    return status == SLUICE_OK ? sync_folder(host, embedded->writer.data, error) : status;
}

static enum sluice_status embedded_stage(struct target *target, uint64_t checkpoint,
                                         struct sluice_state_writer *writer,
                                         struct sluice_error *error)
{
    struct embedded *embedded = embedded_of(target);
    (void)writer; /* the folder's name says it all */
    if (embedded->spool.count == 0) {
        return SLUICE_OK;
    }
    struct sluice_buffer part = {0};
    struct sluice_buffer folder = {0};
    const char *const part_parts[] = {embedded->writer.data, "part", NULL};
    enum sluice_status status = spool_flush(&embedded->spool, error);
    if (status == SLUICE_OK) {
        status = path_join(embedded->host, &part, part_parts, error);
    }
    if (status == SLUICE_OK) {
        status =
            staged_checkpoint(embedded->host, embedded->writer.data, checkpoint, &folder, error);
    }
    if (status == SLUICE_OK) {
        status = stage_indexes(embedded, part.data, folder.data, error);
    }
    sluice_buffer_free(embedded->host, &part);
    sluice_buffer_free(embedded->host, &folder);
    return status == SLUICE_OK ? embedded_open(target, error) : status;
}

/* ---- commit and recover ---- */

static enum sluice_status embedded_commit(struct target *target, uint64_t checkpoint,
                                          struct sluice_state_reader *reader,
                                          struct sluice_error *error)
{
    struct embedded *embedded = embedded_of(target);
    (void)reader;
    return staged_publish(embedded->host, embedded->writer.data, checkpoint, embedded->folder.data,
                          error);
}

static enum sluice_status embedded_recover(struct target *target,
                                           const struct sluice_recovery *recovery,
                                           struct sluice_state_reader *reader,
                                           struct sluice_error *error)
{
    struct embedded *embedded = embedded_of(target);
    struct sluice_buffer writer = {0};
    (void)reader;
    enum sluice_status status =
        staged_writer(embedded->host, embedded->staged.data, recovery->member, &writer, error);
    if (status == SLUICE_OK && recovery->checkpoint > 0) {
        status = staged_publish(embedded->host, writer.data, recovery->checkpoint,
                                embedded->folder.data, error);
    }
    bool is_own = recovery->settlement == SLUICE_SETTLE_OWN;
    bool is_dropping = is_own || recovery->settlement == SLUICE_SETTLE_TAKE_OVER;
    if (status == SLUICE_OK && is_dropping && !(is_own && recovery->is_running)) {
        status = staged_drop(embedded->host, writer.data, error);
    }
    sluice_buffer_free(embedded->host, &writer);
    return status;
}

static const struct target_calls embedded_calls = {
    .open = embedded_open,
    .begin = embedded_begin,
    .add = embedded_add,
    .turn = embedded_turn,
    .stage = embedded_stage,
    .commit = embedded_commit,
    .recover = embedded_recover,
    .cancel = embedded_cancel,
    .close = embedded_close,
    .destroy = embedded_destroy,
};

/* ---- create ---- */

static enum sluice_status name_folders(struct embedded *embedded, struct sluice_error *error)
{
    const char *path = embedded->options->url.items[0] + strlen("file:");
    if (strncmp(path, "//", 2) == 0) {
        path += 2;
    }
    const char *const folder_parts[] = {path[0] ? path : ".", NULL};
    enum sluice_status status = path_join(embedded->host, &embedded->folder, folder_parts, error);
    if (status == SLUICE_OK) {
        const char *const staged_parts[] = {embedded->folder.data, ".staged", NULL};
        status = path_join(embedded->host, &embedded->staged, staged_parts, error);
    }
    if (status == SLUICE_OK) {
        status = staged_writer(embedded->host, embedded->staged.data,
                               sluice_this_run(embedded->host)->member, &embedded->writer, error);
    }
    if (status == SLUICE_OK) {
        const char *const spool_parts[] = {embedded->writer.data, STAGED_SPOOL, NULL};
        status = path_join(embedded->host, &embedded->spool_folder, spool_parts, error);
    }
    return status;
}

enum sluice_status embedded_create(const struct sluice_host *host, const struct es_options *options,
                                   struct target **target, struct sluice_error *error)
{
    *target = NULL;
    if (options->action == ES_UPDATE) {
        sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                    "action: the embedded index (a file: URL) has no update; use index");
        sluice_error_at(host, error, SLUICE_AT_OPTION, "action");
        return SLUICE_CONFIG;
    }
    struct embedded *made = sluice_alloc(host, sizeof(*made));
    if (!made) {
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                           "the memory budget has no room for the sink; raise settings.memory");
    }
    memset(made, 0, sizeof(*made));
    made->target.calls = &embedded_calls;
    made->host = host;
    made->options = options;
    enum sluice_status status = name_folders(made, error);
    if (status != SLUICE_OK) {
        embedded_destroy(&made->target);
        return status;
    }
    spool_init(&made->spool, host, made->spool_folder.data);
    *target = &made->target;
    return SLUICE_OK;
}
