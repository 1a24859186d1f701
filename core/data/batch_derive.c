/* SPDX-License-Identifier: Apache-2.0 */
/* Batches made of batches: slices and assembled ones share buffers, taken ones copy rows. */
#include "data/batch.h"

#include <stdlib.h>
#include <string.h>

/* ---- slice, sender, assemble ---- */

static void share_origins(struct sluice_batch *batch, const struct sluice_batch *source,
                          int64_t first)
{
    if (source->origins) {
        storage_retain(&source->origins->storage);
        batch->origins = source->origins;
        batch->origin_first_row = source->origin_first_row + first;
    }
}

/* Moves a view to start at row `first` and to be `count` rows long. */
static void narrow(struct sluice_column *view, int64_t first, int64_t count)
{
    view->length = count;
    view->bit_offset += first;
    if (view->codes) {
        view->codes += first;
    } else if (is_string_type(view->type)) {
        view->offsets += first;
    } else if (view->type != SLUICE_TYPE_BOOL) {
        view->values = (const int64_t *)view->values + first;
    }
    if (view->null_count > 0) {
        view->null_count = count - count_bits(view->validity, view->bit_offset, count);
    }
    if (view->null_count == 0) {
        view->validity = NULL;
    }
}

enum sluice_status batch_slice(const struct sluice_batch *batch, int64_t first, int64_t count,
                               struct sluice_batch **slice, struct sluice_error *error)
{
    *slice = NULL;
    if (first < 0 || count < 0 || first > batch->rows || count > batch->rows - first) {
        return error_set(error, SLUICE_FATAL, SLUICE_CODE_INTERNAL,
                         "a slice of %lld rows from row %lld does not fit a batch of %lld rows",
                         (long long)count, (long long)first, (long long)batch->rows);
    }
    struct sluice_batch *made = batch_create(batch->schema, count);
    if (!made) {
        return fail_memory(NULL, sizeof(*made), error);
    }
    made->sender = batch->sender;
    batch_set_event_time(made, batch_event_time(batch));
    for (size_t i = 0; i < batch->column_count; i++) {
        batch_share_column(made, i, &batch->columns[i]);
        narrow(&made->columns[i].view, first, count);
    }
    share_origins(made, batch, first);
    batch_count_bytes(made);
    *slice = made;
    return SLUICE_OK;
}

enum sluice_status batch_with_sender(const struct sluice_batch *batch, int sender,
                                     struct sluice_batch **sent, struct sluice_error *error)
{
    enum sluice_status status = batch_slice(batch, 0, batch->rows, sent, error);
    if (status == SLUICE_OK) {
        (*sent)->sender = sender;
    }
    return status;
}

enum sluice_status batch_assemble(const struct sluice_schema *schema,
                                  const struct sluice_column_source *sources,
                                  struct sluice_batch **batch, struct sluice_error *error)
{
    *batch = NULL;
    if (schema->field_count == 0) {
        return error_set(error, SLUICE_FATAL, SLUICE_CODE_INTERNAL,
                         "a batch is assembled of at least one column");
    }
    const struct sluice_batch *first = sources[0].batch;
    for (size_t i = 0; i < schema->field_count; i++) {
        const struct sluice_batch *source = sources[i].batch;
        const struct sluice_field *field = sluice_schema_field(schema, i);
        if (sources[i].column < 0 || (size_t)sources[i].column >= source->column_count ||
            source->rows != first->rows ||
            source->columns[sources[i].column].view.type != field->type) {
            return error_set(error, SLUICE_FATAL, SLUICE_CODE_INTERNAL,
                             "column `%s` (%s) cannot be assembled: the source column does not "
                             "exist, has another type or another number of rows",
                             field->name, type_name(field->type));
        }
    }
    struct schema_object *object = schema_object_create(schema);
    struct sluice_batch *made = object ? batch_create(object, first->rows) : NULL;
    if (object) {
        storage_release(&object->storage);
    }
    if (!made) {
        return fail_memory(NULL, sizeof(*made), error);
    }
    made->sender = first->sender;
    batch_set_event_time(made, batch_event_time(first));
    for (size_t i = 0; i < made->column_count; i++) {
        batch_share_column(made, i, &sources[i].batch->columns[sources[i].column]);
    }
    share_origins(made, first, 0);
    batch_count_bytes(made);
    *batch = made;
    return SLUICE_OK;
}

/* ---- take ---- */

struct taking {
    struct account *account;
    const int32_t *rows;
    int64_t count;
    size_t failed_size; /* bytes that could not be had */
    bool is_too_long;   /* strings over 2 GiB */
};

static void *take_room(struct taking *taking, size_t size)
{
    void *memory = account_alloc(taking->account, size);
    if (!memory) {
        taking->failed_size = size;
    }
    return memory;
}

/* A bitmap whose bit i is bit rows[i] of the source. */
static uint8_t *take_bits(struct taking *taking, const uint8_t *bitmap, int64_t bit_offset)
{
    size_t size = (size_t)(taking->count + 7) / 8;
    uint8_t *taken = take_room(taking, size);
    if (!taken) {
        return NULL;
    }
    memset(taken, 0, size);
    for (int64_t i = 0; i < taking->count; i++) {
        int64_t bit = bit_offset + taking->rows[i];
        taken[i >> 3] |= (uint8_t)(((bitmap[bit >> 3] >> (bit & 7)) & 1) << (i & 7));
    }
    return taken;
}

static int64_t *take_values(struct taking *taking, const int64_t *values)
{
    int64_t *taken = take_room(taking, (size_t)taking->count * sizeof(*taken));
    for (int64_t i = 0; taken && i < taking->count; i++) {
        taken[i] = values[taking->rows[i]];
    }
    return taken;
}

static int32_t *take_codes(struct taking *taking, const int32_t *codes)
{
    int32_t *taken = take_room(taking, (size_t)taking->count * sizeof(*taken));
    for (int64_t i = 0; taken && i < taking->count; i++) {
        taken[i] = codes[taking->rows[i]];
    }
    return taken;
}

/* Offsets into buffers[1], bytes into buffers[2]. */
static bool take_strings(struct taking *taking, const struct sluice_column *view, void **buffers)
{
    int32_t *offsets = take_room(taking, (size_t)(taking->count + 1) * sizeof(*offsets));
    buffers[1] = offsets;
    if (!offsets) {
        return false;
    }
    int64_t total = 0;
    for (int64_t i = 0; i < taking->count; i++) {
        int32_t row = taking->rows[i];
        offsets[i] = (int32_t)total;
        total += view->offsets[row + 1] - view->offsets[row];
        if (total > INT32_MAX) {
            taking->is_too_long = true;
            return false;
        }
    }
    offsets[taking->count] = (int32_t)total;
    char *bytes = take_room(taking, (size_t)total);
    buffers[2] = bytes;
    if (!bytes) {
        return false;
    }
    for (int64_t i = 0; i < taking->count; i++) {
        size_t size = (size_t)(offsets[i + 1] - offsets[i]);
        if (size > 0) {
            memcpy(bytes + offsets[i], view->bytes + view->offsets[taking->rows[i]], size);
        }
    }
    return true;
}

/* Copies the rows of a column into new buffers: validity, values or codes or offsets, bytes. */
static bool take_buffers(struct taking *taking, const struct sluice_column *view, void **buffers)
{
    if (view->null_count > 0) {
        buffers[0] = take_bits(taking, view->validity, view->bit_offset);
        if (!buffers[0]) {
            return false;
        }
    }
    if (view->codes) {
        buffers[1] = take_codes(taking, view->codes);
    } else if (is_string_type(view->type)) {
        return take_strings(taking, view, buffers);
    } else if (view->type == SLUICE_TYPE_BOOL) {
        buffers[1] = take_bits(taking, view->values, view->bit_offset);
    } else {
        buffers[1] = take_values(taking, view->values);
    }
    return buffers[1] != NULL;
}

static int64_t taken_bytes(const struct sluice_column *view, void *const *buffers, int64_t count)
{
    int64_t bytes = buffers[0] ? count / 8 : 0;
    if (view->type == SLUICE_TYPE_BOOL) {
        return bytes + count / 8;
    }
    if (view->codes) {
        return bytes + count * (int64_t)sizeof(int32_t);
    }
    if (is_string_type(view->type)) {
        return bytes + count * (int64_t)sizeof(int32_t) + ((const int32_t *)buffers[1])[count];
    }
    return bytes + count * (int64_t)sizeof(int64_t);
}

static bool take_column(struct taking *taking, const struct batch_column *source,
                        struct batch_column *column)
{
    void *buffers[COLUMN_BUFFERS] = {0};
    struct column_storage *storage = NULL;
    struct sluice_column view = source->view;
    if (take_buffers(taking, &source->view, buffers)) {
        storage = column_storage_create(buffers, taken_bytes(&view, buffers, taking->count));
    }
    if (!storage) {
        for (size_t i = 0; i < COLUMN_BUFFERS; i++) {
            account_free(buffers[i]);
        }
        return false;
    }
    view.length = taking->count;
    view.bit_offset = 0;
    view.validity = buffers[0];
    view.null_count =
        view.validity ? taking->count - count_bits(view.validity, 0, taking->count) : 0;
    if (view.codes) {
        view.codes = buffers[1];
    } else if (is_string_type(view.type)) {
        view.offsets = buffers[1];
        view.bytes = buffers[2];
        view.is_padded = true;
    } else {
        view.values = buffers[1];
    }
    column->view = view;
    column->storage = &storage->storage;
    column->dictionary = storage_retain(source->dictionary);
    return true;
}

/* Which run a row of the shared origins belongs to; -1: none. Rows mostly come in order, so the
 * run of the row before is tried first. */
static int64_t find_run_near(const struct origins *origins, int64_t row, int64_t near)
{
    int64_t count = (int64_t)origins->run_count;
    if (near >= 0 && origins->runs[near].first_row <= row &&
        (near + 1 == count || origins->runs[near + 1].first_row > row)) {
        return near;
    }
    return origins_find(origins, row);
}

/* Adds a run where `run` differs from the run before; false without memory. */
static bool add_run(struct sluice_origin **runs, size_t *count, size_t *capacity,
                    const struct sluice_origin *run, int64_t first_row)
{
    if (*count == *capacity) {
        size_t wanted = *capacity > 0 ? *capacity * 2 : 8;
        struct sluice_origin *grown = realloc(*runs, wanted * sizeof(*grown));
        if (!grown) {
            return false;
        }
        *runs = grown;
        *capacity = wanted;
    }
    (*runs)[*count] = run ? *run : (struct sluice_origin){.name = NULL, .partition = -1};
    (*runs)[(*count)++].first_row = first_row;
    return true;
}

/* The run that all rows of the batch belong to, as they mostly do; -1: there are several, or none. */
static int64_t find_only_run(const struct sluice_batch *source)
{
    const struct origins *origins = source->origins;
    int64_t run = origins_find(origins, source->origin_first_row);
    int64_t end = source->origin_first_row + source->rows;
    bool is_only = run >= 0 && (run + 1 == (int64_t)origins->run_count ||
                                origins->runs[run + 1].first_row >= end);
    return is_only ? run : -1;
}

static bool take_origins_of_run(struct taking *taking, const struct sluice_batch *source,
                                int64_t run, struct sluice_batch *batch)
{
    const struct origins *origins = source->origins;
    const int64_t *from = origins->positions + source->origin_first_row;
    int64_t *positions = take_values(taking, from);
    struct sluice_origin only = origins->runs[run];
    only.first_row = 0;
    if (positions) {
        batch->origins = origins_create(origins->names, positions, taking->count, &only, 1);
    }
    if (!batch->origins) {
        account_free(positions);
    }
    return batch->origins != NULL;
}

static bool take_origins(struct taking *taking, const struct sluice_batch *source,
                         struct sluice_batch *batch)
{
    const struct origins *origins = source->origins;
    int64_t only = find_only_run(source);
    if (only >= 0 && taking->count > 0) {
        return take_origins_of_run(taking, source, only, batch);
    }
    int64_t *positions = take_room(taking, (size_t)taking->count * sizeof(*positions));
    struct sluice_origin *runs = NULL;
    size_t run_count = 0;
    size_t capacity = 0;
    int64_t current = -2;
    bool is_good = positions != NULL;
    for (int64_t i = 0; is_good && i < taking->count; i++) {
        int64_t row = source->origin_first_row + taking->rows[i];
        int64_t run = find_run_near(origins, row, current);
        positions[i] = origins->positions[row];
        if (run != current) {
            current = run;
            is_good =
                add_run(&runs, &run_count, &capacity, run >= 0 ? &origins->runs[run] : NULL, i);
        }
    }
    if (is_good) {
        batch->origins = origins_create(origins->names, positions, taking->count, runs, run_count);
    }
    if (!batch->origins) {
        account_free(positions);
    }
    free(runs);
    return batch->origins != NULL;
}

enum sluice_status batch_take(struct account *account, const struct sluice_batch *batch,
                              const int32_t *rows, int64_t count, struct sluice_batch **taken,
                              struct sluice_error *error)
{
    *taken = NULL;
    for (int64_t i = 0; i < count; i++) {
        if (rows[i] < 0 || rows[i] >= batch->rows) {
            return error_set(error, SLUICE_FATAL, SLUICE_CODE_INTERNAL,
                             "row %d cannot be taken from a batch of %lld rows", (int)rows[i],
                             (long long)batch->rows);
        }
    }
    struct taking taking = {.account = account, .rows = rows, .count = count > 0 ? count : 0};
    struct sluice_batch *made = batch_create(batch->schema, taking.count);
    bool is_good = made != NULL;
    for (size_t i = 0; is_good && i < batch->column_count; i++) {
        is_good = take_column(&taking, &batch->columns[i], &made->columns[i]);
    }
    if (is_good && batch->origins) {
        is_good = take_origins(&taking, batch, made);
    }
    if (!is_good) {
        batch_release(made);
        if (taking.is_too_long) {
            return error_set(error, SLUICE_FATAL, SLUICE_CODE_RECORD_TOO_LONG,
                             "more than 2 GiB of one string column in one batch");
        }
        return fail_memory(account, taking.failed_size, error);
    }
    made->sender = batch->sender;
    batch_set_event_time(made, batch_event_time(batch));
    batch_count_bytes(made);
    *taken = made;
    return SLUICE_OK;
}
