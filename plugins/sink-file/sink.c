/* SPDX-License-Identifier: Apache-2.0 */
/* The sink's life.
 *
 *   append    written in place; stage syncs and notes the length, recover cuts back to it
 *   replace   written beside the file; stage syncs, commit renames
 *   stdout    written; nothing can be taken back                                              */
#include "attempt.h"
#include "file_options.h"
#include "output_file.h"
#include "row_encoder.h"
#include "stage_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WRITE_BYTES = 256 * 1024 };

static const char member_scheme[] = "member:";

struct sink {
    const struct sluice_host *host;
    const struct file_options *options;
    const struct sluice_run *run;
    const char *path;
    char member_path[PATH_MAX]; /* of a member: path */
    bool is_replacing;
    char prefix[NAME_MAX + 1]; /* of the names of this step's temporary files */
    char temporary[PATH_MAX];  /* replace: the file that is written */
    const char *temporary_name;
    struct row_encoder rows;
    struct output_file file;
    bool has_attempt;       /* the note about this run's appending is written */
    bool is_finished;       /* replace: the file's end is encoded */
    int64_t committed_size; /* append: what is decided for good */
};

/* Appending rests on a note in the member's folder, which an object store has not. */
static enum sluice_status check_without_folder(const struct sluice_host *host,
                                               const struct file_options *options, bool is_batch,
                                               struct sluice_error *error)
{
    bool is_member_file = strncmp(options->path, member_scheme, strlen(member_scheme)) == 0;
    if (!is_member_file && is_batch && options->mode != FILE_MODE_APPEND) {
        return SLUICE_OK;
    }
    sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                is_member_file
                    ? "settings.state is an object store: there is no member's folder to write to"
                    : "settings.state is an object store, and a file that is appended to needs a "
                      "folder of state beside it: use sink-s3, or mode replace in a flow with "
                      "every or after");
    sluice_error_at(host, error, SLUICE_AT_OPTION, "path");
    return SLUICE_CONFIG;
}

static enum sluice_status sink_plan(const struct sluice_host *host, const void *instance_options,
                                    struct sluice_planning *planning, struct sluice_error *error)
{
    const struct file_options *options = instance_options;
    if (options->mode == FILE_MODE_REPLACE && !sluice_planning_is_batch(host, planning)) {
        sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                    "mode replace needs a flow with every or after: a continuous flow has no end "
                    "at which a file could be replaced");
        sluice_error_at(host, error, SLUICE_AT_OPTION, "mode");
        return SLUICE_CONFIG;
    }
    if (!sluice_planning_has_member_folder(host, planning) && strcmp(options->path, "-") != 0) {
        enum sluice_status status =
            check_without_folder(host, options, sluice_planning_is_batch(host, planning), error);
        if (status != SLUICE_OK) {
            return status;
        }
    }
    if (strcmp(options->path, "-") == 0) {
        sluice_planning_at_least_once(host, planning, "cannot take back what it has printed");
        sluice_planning_warn(host, planning, "path",
                             "standard output is at least once: what was printed cannot be taken "
                             "back when a run is done again");
    }
    return SLUICE_OK;
}

static void sink_destroy(void *instance)
{
    struct sink *sink = instance;
    if (!sink) {
        return;
    }
    row_encoder_reset(&sink->rows);
    output_file_close(&sink->file);
    sluice_free(sink->host, sink);
}

/* ".pages.csv.sluice-FLOW.STEP.MEMBER-" and a number that no other attempt has. */
static enum sluice_status name_temporary(struct sink *sink, struct sluice_error *error)
{
    char flow[64];
    char step[64];
    char member[65];
    safe_name(sink->run->flow, flow, sizeof flow);
    safe_name(sink->run->step, step, sizeof step);
    safe_name(sink->run->member, member, sizeof member);
    const char *slash = strrchr(sink->path, '/');
    const char *name = slash ? slash + 1 : sink->path;
    int folder_size = slash ? (int)(slash + 1 - sink->path) : 0;
    int size = snprintf(sink->prefix, sizeof sink->prefix, ".%s.sluice-%s.%s.%s-", name, flow, step,
                        member);
    int path_size =
        snprintf(sink->temporary, sizeof sink->temporary, "%.*s%s%016llx.tmp", folder_size,
                 sink->path, sink->prefix, (unsigned long long)sink->run->nonce);
    if (size < 0 || size >= (int)sizeof sink->prefix - 20 || path_size < 0 ||
        path_size >= (int)sizeof sink->temporary) {
        sluice_fail(sink->host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                    "the path is too long to put a temporary file beside it");
        sluice_error_at(sink->host, error, SLUICE_AT_OPTION, "path");
        return SLUICE_CONFIG;
    }
    sink->temporary_name = sink->temporary + folder_size;
    return SLUICE_OK;
}

/* "member:NAME" is a file in the folder that only this member writes: the default dead letter. */
static enum sluice_status find_path(struct sink *sink, struct sluice_error *error)
{
    size_t skipped = strlen(member_scheme);
    sink->path = path_of_url(sink->options->path);
    if (strncmp(sink->path, member_scheme, skipped) != 0) {
        return SLUICE_OK;
    }
    int size = snprintf(sink->member_path, sizeof sink->member_path, "%s/%s",
                        sink->run->member_path, sink->path + skipped);
    sink->path = sink->member_path;
    return size < (int)sizeof sink->member_path
               ? SLUICE_OK
               : sluice_fail(sink->host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                             "the path of the state folder is too long");
}

static enum sluice_status sink_create(const struct sluice_host *host, const void *instance_options,
                                      void **instance, struct sluice_error *error)
{
    *instance = NULL;
    struct sink *sink = sluice_alloc(host, sizeof *sink);
    if (!sink) {
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                           "no memory for sink-file: raise settings.memory");
    }
    memset(sink, 0, sizeof *sink);
    sink->host = host;
    sink->options = instance_options;
    sink->run = sluice_this_run(host);
    sink->file.descriptor = -1;
    enum sluice_status status = find_path(sink, error);
    sink->is_replacing = sink->options->mode != FILE_MODE_APPEND && sink->run->is_batch &&
                         strcmp(sink->path, "-") != 0;
    if (status == SLUICE_OK) {
        status = name_temporary(sink, error);
    }
    if (status == SLUICE_OK) {
        status = row_encoder_init(&sink->rows, host, sink->options, sink->path, error);
    }
    if (status != SLUICE_OK) {
        sink_destroy(sink);
        return status;
    }
    *instance = sink;
    return SLUICE_OK;
}

static enum sluice_status sink_open(void *instance, struct sluice_error *error)
{
    struct sink *sink = instance;
    return output_folder_create(sink->host, sink->path, error);
}

/* From now on bytes behind `size` are those of an attempt. Who reads the note may have been started
 * in another folder. */
static enum sluice_status note_size(struct sink *sink, int64_t size, struct sluice_error *error)
{
    char absolute[PATH_MAX];
    char *path = realpath(sink->path, absolute);
    const struct attempt attempt = {.nonce = sink->run->nonce,
                                    .base_size = size,
                                    .path = path ? path : (char *)(uintptr_t)sink->path};
    enum sluice_status status = attempt_write(sink->host, &attempt, error);
    sink->has_attempt = sink->has_attempt || status == SLUICE_OK;
    return status;
}

/* Before the first byte of this run: opens the file, and notes how long it is. */
static enum sluice_status begin_file(struct sink *sink, struct sluice_error *error)
{
    if (sink->file.descriptor >= 0) {
        return SLUICE_OK;
    }
    const char *path = sink->is_replacing ? sink->temporary : sink->path;
    enum sluice_status status =
        output_file_open(&sink->file, sink->host, path, sink->is_replacing, error);
    bool is_appending = !sink->is_replacing && sink->file.is_regular;
    if (status == SLUICE_OK && is_appending && !sink->has_attempt) {
        status = note_size(sink, sink->file.size, error);
    }
    if (status == SLUICE_OK) {
        status = row_encoder_begin(&sink->rows, sink->file.size > 0, error);
    }
    if (status != SLUICE_OK) {
        output_file_close(&sink->file);
    }
    return status;
}

static enum sluice_status flush(struct sink *sink, struct sluice_error *error)
{
    return sink->rows.out.size > 0 ? output_file_write(&sink->file, &sink->rows.out, error)
                                   : SLUICE_OK;
}

static enum sluice_status sink_write(void *instance, const struct sluice_batch *batch,
                                     struct sluice_verdicts *verdicts, struct sluice_error *error)
{
    struct sink *sink = instance;
    enum sluice_status status = begin_file(sink, error);
    if (status != SLUICE_OK) {
        return status;
    }
    status = row_encoder_write(&sink->rows, batch, error);
    if (status == SLUICE_OK && (sink->rows.out.size >= WRITE_BYTES || !sink->file.is_regular)) {
        status = flush(sink, error);
    }
    /* The disk is full, but the rows are encoded and held: they must not come again. */
    int64_t taken = status == SLUICE_RETRY ? sluice_batch_rows(sink->host, batch) : 0;
    for (int64_t row = 0; row < taken; row++) {
        sluice_verdict(sink->host, verdicts, row, SLUICE_VERDICT_DONE, NULL);
    }
    return status;
}

/* Who follows an appended file sees rows soon. */
static enum sluice_status sink_tick(void *instance, struct sluice_error *error)
{
    struct sink *sink = instance;
    return sink->is_replacing ? SLUICE_OK : flush(sink, error);
}

static enum sluice_status finish_bytes(struct sink *sink, struct sluice_error *error)
{
    enum sluice_status status = begin_file(sink, error);
    if (status != SLUICE_OK || sink->is_finished) {
        return status;
    }
    if (!sink->is_replacing) {
        return row_encoder_stage(&sink->rows, error);
    }
    status = row_encoder_finish(&sink->rows, error);
    sink->is_finished = status == SLUICE_OK;
    return status;
}

static enum sluice_status sink_stage(void *instance, uint64_t checkpoint,
                                     struct sluice_state_writer *writer, struct sluice_error *error)
{
    (void)checkpoint;
    struct sink *sink = instance;
    struct stage_state state = {.mode = sink->is_replacing ? FILE_MODE_REPLACE : FILE_MODE_APPEND,
                                .nonce = sink->run->nonce};
    memcpy(state.path, sink->path, strlen(sink->path) + 1);
    if (sink->is_replacing || sink->file.descriptor >= 0) {
        enum sluice_status status = finish_bytes(sink, error);
        if (status == SLUICE_OK) {
            status = flush(sink, error);
        }
        if (status == SLUICE_OK) {
            status = output_file_sync(&sink->file, error);
        }
        if (status != SLUICE_OK) {
            return status;
        }
        state.size = sink->file.size;
    }
    if (sink->is_replacing) {
        memcpy(state.temporary, sink->temporary, strlen(sink->temporary) + 1);
    }
    return stage_state_write(sink->host, &state, writer, error);
}

static enum sluice_status sink_commit(void *instance, uint64_t checkpoint,
                                      struct sluice_state_reader *reader,
                                      struct sluice_error *error)
{
    (void)checkpoint;
    struct sink *sink = instance;
    struct stage_state state;
    enum sluice_status status = stage_state_read(sink->host, &state, reader, error);
    if (status != SLUICE_OK) {
        return status;
    }
    if (state.mode == FILE_MODE_REPLACE) {
        bool is_missing; /* then an earlier call has renamed it */
        status = output_file_rename(sink->host, state.temporary, state.path, &is_missing, error);
        output_file_close(&sink->file);
    } else if (state.size > sink->committed_size) {
        /* A later checkpoint may have no part of this sink: recover must not cut this off then. */
        status = note_size(sink, state.size, error);
        sink->committed_size = status == SLUICE_OK ? state.size : sink->committed_size;
    }
    return status;
}

/* Where the rows end that are decided: a stage of that attempt was, or it got no further than its
 * beginning. */
static int64_t decided_size(const struct attempt *attempt, const struct stage_state *state)
{
    bool is_decided = state && state->mode == FILE_MODE_APPEND && state->nonce == attempt->nonce &&
                      state->size > attempt->base_size;
    return is_decided ? state->size : attempt->base_size;
}

/* Cuts off what an attempt wrote behind the last decided length. */
static enum sluice_status recover_append(struct sink *sink, const struct stage_state *state,
                                         struct sluice_error *error)
{
    struct attempt attempt;
    bool is_there;
    enum sluice_status status =
        attempt_read(sink->host, sink->run->member, &attempt, &is_there, error);
    if (status == SLUICE_OK && is_there) {
        status =
            output_file_cut(sink->host, attempt.path, decided_size(&attempt, state), error);
    }
    if (status == SLUICE_OK) {
        status = attempt_remove(sink->host, error);
    }
    attempt_reset(sink->host, &attempt);
    return status;
}

/* The file of a member that has left, where it can be reached by its name: its undecided rows come
 * again here. The note stays, as the member cuts back, too, should it return. */
static enum sluice_status take_over(struct sink *sink, const char *member,
                                    const struct stage_state *state, struct sluice_error *error)
{
    struct attempt attempt;
    bool is_there;
    enum sluice_status status = attempt_read(sink->host, member, &attempt, &is_there, error);
    if (status == SLUICE_OK && is_there && attempt.path[0] == '/') {
        status = output_file_cut_foreign(sink->host, attempt.path, decided_size(&attempt, state),
                                         error);
    }
    attempt_reset(sink->host, &attempt);
    return status;
}

static enum sluice_status sink_recover(void *instance, const struct sluice_recovery *recovery,
                                       struct sluice_state_reader *reader,
                                       struct sluice_error *error)
{
    struct sink *sink = instance;
    bool is_own = recovery->settlement == SLUICE_SETTLE_OWN;
    bool is_taken_over = recovery->settlement == SLUICE_SETTLE_TAKE_OVER;
    if (!is_taken_over && (recovery->is_running || !is_own)) {
        return SLUICE_OK;
    }
    struct stage_state state;
    enum sluice_status status = SLUICE_OK;
    if (reader) {
        status = stage_state_read(sink->host, &state, reader, error);
    }
    if (status == SLUICE_OK && is_taken_over) {
        return take_over(sink, recovery->member, reader ? &state : NULL, error);
    }
    if (status == SLUICE_OK && reader && state.mode == FILE_MODE_REPLACE) {
        bool is_missing; /* then it was renamed before */
        status = output_file_rename(sink->host, state.temporary, state.path, &is_missing, error);
    }
    if (status == SLUICE_OK) {
        status = recover_append(sink, reader ? &state : NULL, error);
    }
    if (status == SLUICE_OK) {
        status = output_remove_leftovers(sink->host, sink->path, sink->prefix, sink->temporary_name,
                                         error);
    }
    return status;
}

/* Held bytes are dropped now; what was written without being committed, by recover. Where nothing
 * was, the note goes: from here on the file may change without us. */
static void sink_close(void *instance)
{
    struct sink *sink = instance;
    bool is_whole = sink->file.size == sink->committed_size && sink->rows.out.size == 0 &&
                    !sink->rows.has_open_member;
    if (sink->has_attempt && is_whole) {
        attempt_remove(sink->host, NULL);
        sink->has_attempt = false;
    }
    output_file_close(&sink->file);
}

const struct sluice_sink file_sink = {
    .struct_size = sizeof(struct sluice_sink),
    .plan = sink_plan,
    .create = sink_create,
    .open = sink_open,
    .write = sink_write,
    .tick = sink_tick,
    .stage = sink_stage,
    .commit = sink_commit,
    .recover = sink_recover,
    .close = sink_close,
    .destroy = sink_destroy,
};
