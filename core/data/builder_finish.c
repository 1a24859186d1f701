/* SPDX-License-Identifier: Apache-2.0 */
/* From a builder's rows to a batch: bitmaps are packed, buffers move over; and the origins that
 * come along. */
#include "data/builder.h"

#include <stdlib.h>
#include <string.h>

/* ---- origins ---- */

/* A name that came lately is not kept twice; an older one may be, which does no harm. */
static bool intern_name(struct sluice_builder *builder, const char *name, size_t *index)
{
    enum { NEAR = 16 };
    size_t end = builder->name_count > NEAR ? builder->name_count - NEAR : 0;
    for (size_t i = builder->name_count; i-- > end;) {
        if (strcmp(builder->names[i], name) == 0) {
            *index = i;
            return true;
        }
    }
    char **names = realloc(builder->names, (builder->name_count + 1) * sizeof(*names));
    if (!names) {
        return false;
    }
    builder->names = names;
    names[builder->name_count] = strdup(name);
    if (!names[builder->name_count]) {
        return false;
    }
    *index = builder->name_count++;
    return true;
}

static bool reserve_run(struct sluice_builder *builder)
{
    if (builder->run_count < builder->run_capacity) {
        return true;
    }
    size_t capacity = builder->run_capacity > 0 ? builder->run_capacity * 2 : 4;
    struct origin_run *runs = realloc(builder->runs, capacity * sizeof(*runs));
    if (!runs) {
        return false;
    }
    builder->runs = runs;
    builder->run_capacity = capacity;
    return true;
}

/* Room for the positions of `rows` rows. */
static bool reserve_positions(struct sluice_builder *builder, int64_t rows)
{
    if (rows <= builder->positions_capacity) {
        return true;
    }
    int64_t capacity = builder->positions_capacity * 2;
    capacity = capacity < 64 ? 64 : capacity;
    capacity = capacity < rows ? rows : capacity;
    int64_t *positions =
        account_resize(builder->account, builder->positions, (size_t)capacity * sizeof(*positions));
    if (!positions) {
        return false;
    }
    builder->positions = positions;
    builder->positions_capacity = capacity;
    return true;
}

enum sluice_status builder_origin(struct sluice_builder *builder, const char *name,
                                  int32_t partition)
{
    struct origin_run *last =
        builder->run_count > 0 ? &builder->runs[builder->run_count - 1] : NULL;
    if (last && last->partition == partition && strcmp(builder->names[last->name], name) == 0) {
        return SLUICE_OK;
    }
    size_t index;
    if (!intern_name(builder, name, &index) || !reserve_run(builder) ||
        !reserve_positions(builder, builder->rows)) {
        return builder_fail(builder, memory_code(builder->account, 64));
    }
    for (int64_t row = 0; !last && row < builder->rows; row++) {
        builder->positions[row] = -1; /* rows before the first origin */
    }
    last = builder->run_count > 0 ? &builder->runs[builder->run_count - 1] : NULL;
    if (!last || last->first_row < builder->rows) {
        last = &builder->runs[builder->run_count++];
    }
    *last = (struct origin_run){builder->rows, index, partition};
    return SLUICE_OK;
}

enum sluice_status builder_reserve_positions(struct sluice_builder *builder, int64_t rows)
{
    return reserve_positions(builder, rows)
               ? SLUICE_OK
               : builder_fail(builder, memory_code(builder->account, 64));
}

void builder_clear_origins(struct sluice_builder *builder, bool keep_last)
{
    size_t kept = SIZE_MAX;
    if (keep_last && builder->run_count > 0) {
        struct origin_run last = builder->runs[builder->run_count - 1];
        kept = last.name;
        builder->runs[0] = (struct origin_run){0, 0, last.partition};
        builder->run_count = 1;
    } else {
        builder->run_count = 0;
    }
    char *kept_name = NULL;
    for (size_t i = 0; i < builder->name_count; i++) {
        if (i == kept) {
            kept_name = builder->names[i];
        } else {
            free(builder->names[i]);
        }
    }
    builder->name_count = kept_name ? 1 : 0;
    if (kept_name) {
        builder->names[0] = kept_name;
    }
}

/* Copies the names into one block and makes runs that point into it. */
static struct storage *copy_names(const struct sluice_builder *builder, struct sluice_origin *runs)
{
    size_t size = 0;
    for (size_t i = 0; i < builder->name_count; i++) {
        size += strlen(builder->names[i]) + 1;
    }
    char *at = NULL;
    struct storage *names = names_create(size, &at);
    const char **placed = calloc(builder->name_count, sizeof(*placed));
    if (!names || !placed) {
        storage_release(names);
        free(placed);
        return NULL;
    }
    for (size_t i = 0; i < builder->name_count; i++) {
        size_t length = strlen(builder->names[i]) + 1;
        placed[i] = memcpy(at, builder->names[i], length);
        at += length;
    }
    for (size_t i = 0; i < builder->run_count; i++) {
        const struct origin_run *run = &builder->runs[i];
        runs[i] = (struct sluice_origin){run->first_row, placed[run->name], run->partition};
    }
    free(placed);
    return names;
}

static bool finish_origins(struct sluice_builder *builder, struct sluice_batch *batch)
{
    /* A run that was begun after the last row belongs to the next batch. */
    size_t run_count = builder->run_count;
    if (run_count > 0 && builder->runs[run_count - 1].first_row >= builder->rows) {
        run_count--;
    }
    if (run_count == 0) {
        return true;
    }
    struct sluice_origin *runs = calloc(builder->run_count, sizeof(*runs));
    struct storage *names = runs ? copy_names(builder, runs) : NULL;
    if (names) {
        batch->origins = origins_create(names, builder->positions, builder->rows, runs, run_count);
        storage_release(names);
    }
    free(runs);
    if (batch->origins) {
        builder->positions = NULL;
        builder->positions_capacity = 0;
    }
    return batch->origins != NULL;
}

/* ---- columns ---- */

/* One bit a byte (0 or 1) of `bytes`. */
static uint8_t *pack_bits(struct account *account, const uint8_t *bytes, int64_t count)
{
    uint8_t *bits = account_alloc(account, (size_t)(count + 7) / 8);
    int64_t row = 0;
    for (; bits && row + 8 <= count; row += 8) {
        uint64_t word;
        memcpy(&word, bytes + row, sizeof(word));
        /* The multiplication moves the lowest bit of byte i to bit 56 + i. */
        bits[row >> 3] =
            (uint8_t)((word & UINT64_C(0x0101010101010101)) * UINT64_C(0x0102040810204080) >> 56);
    }
    if (bits && row < count) {
        uint8_t last = 0;
        for (int64_t i = row; i < count; i++) {
            last |= (uint8_t)((bytes[i] & 1) << (i - row));
        }
        bits[row >> 3] = last;
    }
    return bits;
}

static struct sluice_string coded_string(const struct builder_column *column, int64_t row)
{
    int32_t code = column->codes[row];
    if (code < 0) {
        return column_waiting_string(column, code);
    }
    const struct sluice_dictionary *dictionary = column->dictionary;
    int32_t start = dictionary->offsets[code];
    return (struct sluice_string){dictionary->bytes + start,
                                  (size_t)(dictionary->offsets[code + 1] - start)};
}

enum sluice_status column_make_plain(struct sluice_builder *builder, struct builder_column *column)
{
    struct sluice_dictionary *dictionary = column->dictionary;
    struct builder_column plain = *column;
    plain.dictionary = NULL;
    plain.waiting = NULL;
    plain.recent = NULL;
    plain.values = NULL;
    plain.capacity = 0;
    plain.count = 0;
    plain.bytes_size = 0;
    size_t size = 0;
    for (int64_t row = 0; row < column->count; row++) {
        size += column->validity[row] ? coded_string(column, row).size : 0;
    }
    enum sluice_status status = column_reserve(builder, &plain, column->count + 1, size);
    column->validity = plain.validity; /* may have grown, and is kept either way */
    column->validity_capacity = plain.validity_capacity;
    if (status != SLUICE_OK) {
        account_free(plain.values);
        account_free(plain.bytes);
        return status;
    }
    for (int64_t row = 0; row < column->count; row++) {
        if (plain.validity[row]) {
            struct sluice_string string = coded_string(column, row);
            if (string.size > 0) {
                memcpy(plain.bytes + plain.bytes_size, string.bytes, string.size);
                plain.bytes_size += string.size;
            }
        }
        plain.offsets[row + 1] = (int32_t)plain.bytes_size;
    }
    plain.count = column->count;
    account_free(column->values);
    account_free(column->waiting);
    account_free(column->recent);
    *column = plain;
    storage_release(&dictionary->storage);
    return SLUICE_OK;
}

/* Buffers that a batch keeps; those left in the column stay the builder's. */
static bool move_buffers(struct sluice_builder *builder, struct builder_column *column,
                         void **buffers)
{
    if (column->null_count > 0) {
        buffers[0] = pack_bits(builder->account, column->validity, column->count);
        if (!buffers[0]) {
            return false;
        }
    }
    if (column->type == SLUICE_TYPE_BOOL) {
        buffers[1] = pack_bits(builder->account, column->bools, column->count);
        return buffers[1] != NULL;
    }
    bool is_plain = is_string_type(column->type) && !column->dictionary;
    size_t used = ((size_t)column->count + is_plain) * value_width(column);
    /* Readers may look at the padding behind the last value: it is zero. */
    memset((char *)column->values + used, 0, SLUICE_PADDING);
    buffers[1] = column->values;
    column->values = NULL;
    if (is_plain) {
        if (!column->bytes && column_reserve(builder, column, 0, 1) != SLUICE_OK) {
            return false;
        }
        memset(column->bytes + column->bytes_size, 0, SLUICE_PADDING);
        buffers[2] = column->bytes;
        column->bytes = NULL;
    }
    return true;
}

static bool finish_column(struct sluice_builder *builder, struct builder_column *column,
                          struct batch_column *made)
{
    void *buffers[COLUMN_BUFFERS] = {0};
    struct column_storage *storage = NULL;
    int64_t bytes =
        (column->null_count > 0 ? column->count / 8 : 0) +
        (column->type == SLUICE_TYPE_BOOL ? column->count / 8
                                          : column->capacity * (int64_t)value_width(column)) +
        (int64_t)column->bytes_capacity;
    if (move_buffers(builder, column, buffers)) {
        storage = column_storage_create(buffers, bytes);
    }
    if (!storage) {
        for (size_t i = 0; i < COLUMN_BUFFERS; i++) {
            account_free(buffers[i]);
        }
        builder_fail(builder, SLUICE_CODE_OUT_OF_MEMORY);
        return false;
    }
    made->storage = &storage->storage;
    made->view = (struct sluice_column){.type = column->type,
                                        .length = column->count,
                                        .null_count = column->null_count,
                                        .validity = buffers[0]};
    if (column->dictionary) {
        made->view.codes = buffers[1];
        made->view.offsets = column->dictionary->offsets;
        made->view.bytes = column->dictionary->bytes;
        made->view.hashes = column->dictionary->hashes;
        made->view.dictionary_length = dictionary_length(column->dictionary);
        made->dictionary = storage_retain(&column->dictionary->storage);
    } else if (is_string_type(column->type)) {
        made->view.offsets = buffers[1];
        made->view.bytes = buffers[2];
        made->view.is_padded = true;
    } else {
        made->view.values = buffers[1];
    }
    return true;
}

void builder_clear(struct sluice_builder *builder)
{
    builder->rows = 0;
    builder->has_raw = false;
    for (size_t i = 0; i < builder->column_count; i++) {
        struct builder_column *column = &builder->columns[i];
        if (column->waiting) {
            column_drop_waiting(column, 0);
        }
        if (column->null_count > 0) {
            memset(column->validity, 1, (size_t)column->count);
        }
        column->expected_rows = column->count + column->count / 8;
        column->expected_bytes = column->bytes_size + column->bytes_size / 8;
        int64_t strings = column->count;
        column->count = 0;
        column->null_count = 0;
        column->bytes_size = 0;
        column->capacity = column->values ? column->capacity : 0;
        column->bytes_capacity = column->bytes ? column->bytes_capacity : 0;
        if (column->dictionary && !dictionary_is_worthwhile(column->dictionary, strings)) {
            enum sluice_code failure = builder->failure;
            column_make_plain(builder, column); /* without memory: after the next batch */
            builder->failure = failure;
        }
    }
}

enum sluice_status builder_finish(struct sluice_builder *builder, struct sluice_batch **batch,
                                  struct sluice_error *error)
{
    static const char *const reasons[] = {
        [SLUICE_CODE_OVER_BUDGET] =
            "a batch does not fit the memory budget: raise `memory` in the settings",
        [SLUICE_CODE_OUT_OF_MEMORY] = "the system gave no memory for a batch",
        [SLUICE_CODE_RECORD_TOO_LONG] = "more than 2 GiB of one column in one batch",
        [SLUICE_CODE_INTERNAL] = "a row did not get exactly one value of the right type for each "
                                 "column: a bug in the plugin that built the batch",
    };
    *batch = NULL;
    builder_drop_row(builder);
    for (size_t i = 0; i < builder->column_count; i++) {
        if (builder->columns[i].waiting && builder->failure == SLUICE_CODE_NONE) {
            column_settle_codes(builder, &builder->columns[i]);
        }
    }
    struct sluice_batch *made = NULL;
    if (builder->failure == SLUICE_CODE_NONE && builder->rows > 0) {
        made = batch_create(builder->schema, builder->rows);
        bool is_good = made != NULL;
        for (size_t i = 0; is_good && i < builder->column_count; i++) {
            is_good = finish_column(builder, &builder->columns[i], &made->columns[i]);
        }
        if (!is_good || !finish_origins(builder, made)) {
            builder_fail(builder, SLUICE_CODE_OUT_OF_MEMORY);
            batch_release(made);
        }
    }
    builder_clear_origins(builder, true);
    builder_clear(builder);
    enum sluice_code failure = builder->failure;
    builder->failure = SLUICE_CODE_NONE;
    if (failure != SLUICE_CODE_NONE) {
        return error_set(error, SLUICE_FATAL, failure, "%s", reasons[failure]);
    }
    if (made) {
        batch_count_bytes(made);
    }
    *batch = made;
    return SLUICE_OK;
}
