/* SPDX-License-Identifier: Apache-2.0 */
/* The sink's lifecycle, in the order of its calls. */
#include "component.h"
#include "sink_instance.h"

#include <string.h>

#include "aws/aws.h"

#define LEAST_PART_SIZE (5 << 20)
#define PENDING_AFTER_WRITE 4

static enum sluice_status refuse(const struct sluice_host *host, const char *option,
                                 const char *why, struct sluice_error *error)
{
    sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID, "%s: %s", option, why);
    sluice_error_at(host, error, SLUICE_AT_OPTION, "%s", option);
    return SLUICE_CONFIG;
}

static enum sluice_status check_mode(const struct sluice_host *host,
                                     const struct sink_options *options, bool is_batch,
                                     struct sluice_error *error)
{
    if (options->mode == SINK_REPLACE && !is_batch) {
        return refuse(host, "mode",
                      "replace writes the result of a whole run: give the flow `every` or `after`, "
                      "or use append",
                      error);
    }
    if (options->mode == SINK_REPLACE && options->partition) {
        return refuse(host, "partition",
                      "mode replace writes one object under a fixed key: leave out `partition`, "
                      "or use append",
                      error);
    }
    if (options->name && options->mode == SINK_APPEND) {
        return refuse(host, "name", "is for mode replace; append makes its own unique names",
                      error);
    }
    if (options->name && (strchr(options->name, '/') || !options->name[0])) {
        return refuse(host, "name", "must be a name without slashes", error);
    }
    return SLUICE_OK;
}

enum sluice_status sink_plan(const struct sluice_host *host, const void *options,
                             struct sluice_planning *planning, struct sluice_error *error)
{
    return check_mode(host, options, sluice_planning_is_batch(host, planning), error);
}

/* ---- create, open ---- */

static enum sluice_status check_part_size(const struct sink *sink, struct sluice_error *error)
{
    if (!object_store_is_local(sink->store) && sink->options->part_size < LEAST_PART_SIZE) {
        return refuse(sink->host, "part_size", "S3 takes parts of 5MiB or more", error);
    }
    return SLUICE_OK;
}

/* That format and columns fit is better known now than at the first row. */
static enum sluice_status check_format(const struct sink *sink, struct sluice_error *error)
{
    struct sluice_encoder *encoder = NULL;
    enum sluice_status status = sluice_encoder_create(
        sink->host, sink->options->format, sluice_input_schema(sink->host), &encoder, error);
    sluice_encoder_destroy(sink->host, encoder);
    return status;
}

enum sluice_status sink_create(const struct sluice_host *host, const void *options, void **instance,
                               struct sluice_error *error)
{
    *instance = NULL;
    struct sink *sink = sluice_alloc(host, sizeof *sink);
    if (!sink) {
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                           "no memory for sink-s3: raise settings.memory");
    }
    *sink = (struct sink){
        .host = host, .options = options, .run = sluice_this_run(host), .checkpoint = 1};
    sink->is_conditional = sink->options->if_none_match != SINK_CONDITION_NEVER;
    row_groups_init(&sink->groups, host);
    counted_init(&sink->leftovers, host);
    enum sluice_status status = check_mode(host, options, sink->run->is_batch, error);
    if (status == SLUICE_OK) {
        status = object_store_create(host, &sink->options->store, sink->options->url, &sink->store,
                                     error);
    }
    if (status == SLUICE_OK) {
        status = check_part_size(sink, error);
    }
    if (status == SLUICE_OK) {
        status = check_format(sink, error);
    }
    if (status != SLUICE_OK) {
        sink_destroy(sink);
        return status;
    }
    *instance = sink;
    return SLUICE_OK;
}

enum sluice_status sink_open(void *instance, struct sluice_error *error)
{
    struct sink *sink = instance;
    return object_store_open(sink->store, true, error);
}

/* ---- write ---- */

/* Rows whose partition has a null, or gives no usable key, go to the dead letter. */
static void reject_rows(struct sink *sink, struct sluice_verdicts *verdicts, int32_t group,
                        int64_t count, const struct sluice_error *error)
{
    for (int64_t row = 0; row < count; row++) {
        if (sink->groups.group_of_row[row] == group) {
            sluice_verdict(sink->host, verdicts, row, SLUICE_VERDICT_REJECT, error);
        }
    }
}

static void reject_null_rows(struct sink *sink, struct sluice_verdicts *verdicts, int64_t count,
                             struct sluice_error *error)
{
    int64_t grouped = 0;
    for (size_t i = 0; i < sink->groups.count; i++) {
        grouped += sink->groups.groups[i].count;
    }
    if (grouped < count) {
        sluice_fail(sink->host, error, SLUICE_REJECT, SLUICE_CODE_FIELD_MISSING,
                    "a column of `partition` is null in this row");
        reject_rows(sink, verdicts, -1, count, error);
    }
}

static enum sluice_status write_group(struct sink *sink, const struct sluice_batch *batch,
                                      const struct row_group *group, struct sluice_error *error)
{
    const char *partition = counted_get(&sink->groups.names) + group->name;
    enum sluice_status status = SLUICE_OK;
    for (int64_t done = 0; done < group->count && status == SLUICE_OK;) {
        struct sink_object *object;
        int64_t taken = 0;
        status = open_object_find(sink, partition, group->hash, &object, error);
        if (status == SLUICE_OK) {
            status = open_object_write(sink, object, batch, group->rows + done, group->count - done,
                                       &taken, error);
        }
        done += taken;
        if (status == SLUICE_OK) {
            status = open_object_limit(sink, (size_t)sink->options->max_open, error);
        }
    }
    return status;
}

static enum sluice_status take_rows(struct sink *sink, const struct sluice_batch *batch,
                                    struct sluice_verdicts *verdicts, struct sluice_error *error)
{
    int64_t count = sluice_batch_rows(sink->host, batch);
    enum sluice_status status =
        row_groups_fill(&sink->groups, batch, sink->options->partition, error);
    if (status != SLUICE_OK) {
        return status;
    }
    reject_null_rows(sink, verdicts, count, error);
    for (size_t i = 0; i < sink->groups.count && status == SLUICE_OK; i++) {
        status = write_group(sink, batch, &sink->groups.groups[i], error);
        if (status == SLUICE_REJECT) {
            reject_rows(sink, verdicts, (int32_t)i, count, error);
            sink->groups.groups[i].count = 0; /* not to be called done below */
            status = SLUICE_OK;
        }
    }
    return status;
}

/* Before a RETRY: the rows are held, only their upload has to be tried again. */
static void mark_taken(struct sink *sink, struct sluice_verdicts *verdicts)
{
    for (size_t i = 0; i < sink->groups.count; i++) {
        const struct row_group *group = &sink->groups.groups[i];
        for (int64_t k = 0; k < group->count; k++) {
            sluice_verdict(sink->host, verdicts, group->rows[k], SLUICE_VERDICT_DONE, NULL);
        }
    }
}

enum sluice_status sink_write(void *instance, const struct sluice_batch *batch,
                              struct sluice_verdicts *verdicts, struct sluice_error *error)
{
    struct sink *sink = instance;
    sink->groups.count = 0;
    enum sluice_status status = SLUICE_OK;
    if (sluice_batch_rows(sink->host, batch) > 0) {
        status = take_rows(sink, batch, verdicts, error);
    }
    if (status == SLUICE_OK) {
        status = transfer_parts(sink, PENDING_AFTER_WRITE, true, error);
        if (status == SLUICE_RETRY) {
            mark_taken(sink, verdicts);
        }
    }
    return status;
}

static bool is_over_age(const struct sink *sink, const struct sink_object *object, int64_t now_ms)
{
    const struct sink_options *options = sink->options;
    return (options->max_age_ms > 0 && now_ms - object->opened_ms >= options->max_age_ms) ||
           (options->max_idle_ms > 0 && now_ms - object->written_ms >= options->max_idle_ms);
}

enum sluice_status sink_tick(void *instance, struct sluice_error *error)
{
    struct sink *sink = instance;
    int64_t now_ms = sluice_monotonic_ms(sink->host);
    enum sluice_status status = SLUICE_OK;
    for (struct sink_object *object = sink->objects; object && status == SLUICE_OK;
         object = object->next) {
        if (!object->is_ended && sink->options->mode == SINK_APPEND &&
            is_over_age(sink, object, now_ms)) {
            status = open_object_end(sink, object, error);
        }
    }
    return status == SLUICE_OK ? transfer_parts(sink, 0, false, error) : status;
}

/* ---- stage ---- */

static enum sluice_status end_all(struct sink *sink, struct sluice_error *error)
{
    enum sluice_status status = SLUICE_OK;
    if (sink->options->mode == SINK_REPLACE && !sink->objects) {
        /* An empty run: readers are to see an empty result, not the last one. */
        struct sink_object *empty;
        status = open_object_find(sink, "", 0, &empty, error);
    }
    for (struct sink_object *object = sink->objects; object && status == SLUICE_OK;
         object = object->next) {
        if (!object->is_ended) {
            status = open_object_end(sink, object, error);
        }
    }
    return status;
}

static enum sluice_status seal_all(struct sink *sink, struct sluice_error *error)
{
    enum sluice_status status = SLUICE_OK;
    for (struct sink_object *object = sink->objects; object && status == SLUICE_OK;
         object = object->next) {
        struct staged_object *staged = &object->staged;
        if (object->is_sealed || !staged->upload_id) {
            continue;
        }
        const struct object_upload upload = {.key = staged->key, .id = staged->upload_id};
        status = object_upload_seal(sink->store, &upload, staged->parts, staged->part_count,
                                    staged->etag, error);
        object->is_sealed = status == SLUICE_OK;
    }
    return status;
}

static enum sluice_status write_state(struct sink *sink, struct sluice_state_writer *writer,
                                      struct sluice_error *error)
{
    struct counted_text state;
    size_t count = 0;
    for (const struct sink_object *object = sink->objects; object; object = object->next) {
        count++;
    }
    counted_init(&state, sink->host);
    staged_begin(&state, count);
    for (const struct sink_object *object = sink->objects; object; object = object->next) {
        struct staged_object staged = object->staged;
        char none[1] = "";
        staged.upload_id = staged.upload_id ? staged.upload_id : none;
        staged_add(&state, &staged);
    }
    enum sluice_status status = counted_check(&state, error);
    if (status == SLUICE_OK && sluice_state_write(sink->host, writer, counted_get(&state),
                                                  state.buffer.size) != SLUICE_OK) {
        status = sluice_fail(sink->host, error, SLUICE_FATAL, SLUICE_CODE_IO_ERROR,
                             "the list of staged uploads could not be written down");
    }
    counted_free(&state);
    return status;
}

static void forget_objects(struct sink *sink)
{
    while (sink->objects) {
        struct sink_object *object = sink->objects;
        sink->objects = object->next;
        open_object_destroy(sink, object);
    }
    sink->open_count = 0;
}

enum sluice_status sink_stage(void *instance, uint64_t checkpoint,
                              struct sluice_state_writer *writer, struct sluice_error *error)
{
    struct sink *sink = instance;
    enum sluice_status status = end_all(sink, error);
    if (status == SLUICE_OK) {
        status = transfer_parts(sink, 0, true, error);
    }
    if (status == SLUICE_OK) {
        status = seal_all(sink, error);
    }
    if (status == SLUICE_OK) {
        status = write_state(sink, writer, error);
    }
    if (status == SLUICE_OK) {
        forget_objects(sink);
        sink->checkpoint = checkpoint + 1;
    }
    return status;
}

/* ---- commit, recover ---- */

static enum sluice_status read_state(struct sink *sink, struct sluice_state_reader *reader,
                                     struct counted_text *state, struct sluice_error *error)
{
    char bytes[4096];
    size_t size;
    counted_init(state, sink->host);
    do {
        size = sluice_state_read(sink->host, reader, bytes, sizeof bytes);
        counted_add_bytes(state, bytes, size);
    } while (size == sizeof bytes && !state->has_failed);
    return counted_check(state, error);
}

/* Completes what the state lists. */
static enum sluice_status commit_state(struct sink *sink, struct sluice_state_reader *reader,
                                       struct sluice_error *error)
{
    struct counted_text state;
    struct staged_list list = {.host = sink->host};
    enum sluice_status status = read_state(sink, reader, &state, error);
    if (status == SLUICE_OK) {
        status = staged_parse(sink->host, counted_get(&state), state.buffer.size, &list, error);
    }
    if (status == SLUICE_OK) {
        status = commit_staged(sink, &list, error);
    }
    staged_free(&list);
    counted_free(&state);
    return status;
}

enum sluice_status sink_commit(void *instance, uint64_t checkpoint,
                               struct sluice_state_reader *reader, struct sluice_error *error)
{
    struct sink *sink = instance;
    enum sluice_status status = SLUICE_OK;
    /* Where only the look has to be repeated, the objects may have been moved by now. */
    if (sink->completed != checkpoint) {
        status = commit_state(sink, reader, error);
    }
    if (status != SLUICE_OK) {
        return status;
    }
    sink->completed = checkpoint;
    return leftovers_look_again(sink, error);
}

/* What is dropped was noted before: this process's own is noted now, that of a member that has left
 * by an earlier call with NOTE. */
enum sluice_status sink_recover(void *instance, const struct sluice_recovery *recovery,
                                struct sluice_state_reader *reader, struct sluice_error *error)
{
    struct sink *sink = instance;
    enum sluice_settlement settlement = recovery->settlement;
    bool is_own = settlement == SLUICE_SETTLE_OWN;
    enum sluice_status status = SLUICE_OK;
    if (settlement == SLUICE_SETTLE_NOTE) {
        return leftovers_note(sink, recovery->member, recovery->is_running, error);
    }
    /* Of what was committed the store is not asked again: its objects may be gone by now. */
    if (reader && !recovery->is_committed) {
        status = commit_state(sink, reader, error);
    }
    if (status == SLUICE_OK && is_own) {
        status = leftovers_note(sink, recovery->member, recovery->is_running, error);
        leftovers_watch(sink);
    }
    if (status == SLUICE_OK && settlement != SLUICE_SETTLE_FINISH) {
        status = leftovers_drop_noted(sink, error);
    }
    if (status == SLUICE_OK && is_own && !recovery->is_running && !sink->run->is_batch) {
        sink->checkpoint = recovery->checkpoint + 1;
    }
    return status;
}

/* ---- the end ---- */

void sink_cancel(void *instance)
{
    struct sink *sink = instance;
    object_store_cancel(sink->store);
}

/* Uploads that no stage wrote down stay invisible; the next recover aborts them. */
void sink_close(void *instance)
{
    forget_objects(instance);
}

void sink_destroy(void *instance)
{
    struct sink *sink = instance;
    forget_objects(sink);
    object_store_destroy(sink->store);
    row_groups_free(&sink->groups);
    leftovers_free(sink);
    sluice_buffer_free(sink->host, &sink->plain);
    sluice_free(sink->host, sink);
}
