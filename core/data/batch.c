/* SPDX-License-Identifier: Apache-2.0 */
/* The batch itself: what it is made of, counting, and reading. */
#include "data/batch.h"

#include <stdlib.h>
#include <string.h>

/* ---- memory ---- */

enum sluice_code memory_code(const struct account *account, size_t size)
{
    for (; account; account = account->parent) {
        long long used = atomic_load_explicit(&account->used_bytes, memory_order_relaxed);
        if (account->limit_bytes > 0 && used + (long long)size > account->limit_bytes) {
            return SLUICE_CODE_OVER_BUDGET;
        }
    }
    return SLUICE_CODE_OUT_OF_MEMORY;
}

enum sluice_status fail_memory(const struct account *account, size_t size,
                               struct sluice_error *error)
{
    enum sluice_code code = memory_code(account, size);
    return error_set(error, SLUICE_FATAL, code,
                     code == SLUICE_CODE_OVER_BUDGET
                         ? "%zu more bytes for a batch do not fit the memory budget: raise "
                           "`memory` in the settings"
                         : "the system gave no memory for %zu bytes of a batch",
                     size);
}

static void destroy_column_storage(struct storage *storage)
{
    struct column_storage *column = (struct column_storage *)storage;
    for (size_t i = 0; i < COLUMN_BUFFERS; i++) {
        account_free(column->buffers[i]);
    }
    free(column);
}

struct column_storage *column_storage_create(void *const buffers[COLUMN_BUFFERS], int64_t bytes)
{
    struct column_storage *column = malloc(sizeof(*column));
    if (column) {
        storage_init(&column->storage, bytes, destroy_column_storage);
        memcpy(column->buffers, buffers, sizeof(column->buffers));
    }
    return column;
}

/* ---- origins ---- */

struct names {
    struct storage storage;
    char bytes[];
};

static void destroy_names(struct storage *storage)
{
    free(storage);
}

struct storage *names_create(size_t size, char **bytes)
{
    struct names *names = malloc(sizeof(*names) + size);
    if (!names) {
        *bytes = NULL;
        return NULL;
    }
    storage_init(&names->storage, (int64_t)size, destroy_names);
    *bytes = names->bytes;
    return &names->storage;
}

static void destroy_origins(struct storage *storage)
{
    struct origins *origins = (struct origins *)storage;
    storage_release(origins->names);
    account_free(origins->positions);
    free(origins);
}

struct origins *origins_create(struct storage *names, int64_t *positions, int64_t rows,
                               const struct sluice_origin *runs, size_t run_count)
{
    struct origins *origins = malloc(sizeof(*origins) + run_count * sizeof(*runs));
    if (!origins) {
        return NULL;
    }
    storage_init(&origins->storage, rows * (int64_t)sizeof(*positions), destroy_origins);
    origins->names = storage_retain(names);
    origins->positions = positions;
    origins->run_count = run_count;
    if (run_count > 0) {
        memcpy(origins->runs, runs, run_count * sizeof(*runs));
    }
    return origins;
}

/* ---- life ---- */

struct sluice_batch *batch_create(struct schema_object *schema, int64_t rows)
{
    size_t column_count = schema->schema.field_count;
    struct sluice_batch *batch =
        calloc(1, sizeof(*batch) + column_count * sizeof(struct batch_column));
    if (batch) {
        atomic_init(&batch->references, 1);
        batch->rows = rows;
        batch->schema = schema;
        batch->column_count = column_count;
        storage_retain(&schema->storage);
    }
    return batch;
}

void batch_share_column(struct sluice_batch *batch, size_t index, const struct batch_column *column)
{
    batch->columns[index] = *column;
    storage_retain(column->storage);
    storage_retain(column->dictionary);
}

/* Dictionaries are not counted: they belong to the flow. */
void batch_count_bytes(struct sluice_batch *batch)
{
    batch->bytes = (int64_t)sizeof(*batch) +
                   (int64_t)(batch->column_count * sizeof(struct batch_column)) +
                   (batch->origins ? batch->origins->storage.bytes : 0);
    for (size_t i = 0; i < batch->column_count; i++) {
        const struct storage *storage = batch->columns[i].storage;
        bool is_known = false;
        for (size_t j = 0; j < i && !is_known; j++) {
            is_known = batch->columns[j].storage == storage;
        }
        if (storage && !is_known) {
            batch->bytes += storage->bytes;
        }
    }
}

void batch_retain(const struct sluice_batch *batch)
{
    atomic_fetch_add_explicit(&((struct sluice_batch *)batch)->references, 1, memory_order_relaxed);
}

void batch_release(const struct sluice_batch *constant)
{
    struct sluice_batch *batch = (struct sluice_batch *)constant;
    if (!batch || atomic_fetch_sub_explicit(&batch->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    for (size_t i = 0; i < batch->column_count; i++) {
        storage_release(batch->columns[i].storage);
        storage_release(batch->columns[i].dictionary);
    }
    if (batch->origins) {
        storage_release(&batch->origins->storage);
    }
    storage_release(&batch->schema->storage);
    free(batch);
}

/* ---- reading ---- */

int64_t batch_rows(const struct sluice_batch *batch)
{
    return batch->rows;
}

int64_t batch_bytes(const struct sluice_batch *batch)
{
    return batch->bytes;
}

int64_t batch_event_time(const struct sluice_batch *batch)
{
    return atomic_load_explicit(&batch->event_us, memory_order_relaxed);
}

void batch_set_event_time(struct sluice_batch *batch, int64_t oldest_us)
{
    long long unknown = 0;
    atomic_compare_exchange_strong_explicit(&batch->event_us, &unknown, oldest_us,
                                            memory_order_relaxed, memory_order_relaxed);
}

int batch_sender(const struct sluice_batch *batch)
{
    return batch->sender;
}

const struct sluice_schema *batch_schema(const struct sluice_batch *batch)
{
    return &batch->schema->schema;
}

int batch_find(const struct sluice_batch *batch, const char *name)
{
    return schema_find(&batch->schema->schema, name);
}

void batch_column(const struct sluice_batch *batch, int index, struct sluice_column *column)
{
    *column = batch->columns[index].view;
}

int64_t origins_find(const struct origins *origins, int64_t row)
{
    int64_t low = 0;
    int64_t high = (int64_t)origins->run_count;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (origins->runs[middle].first_row <= row) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low - 1;
}

bool batch_origin(const struct sluice_batch *batch, int64_t row, struct sluice_origin *origin,
                  int64_t *position)
{
    *origin = (struct sluice_origin){.first_row = 0, .name = NULL, .partition = -1};
    *position = -1;
    const struct origins *origins = batch->origins;
    if (!origins || row < 0 || row >= batch->rows) {
        return false;
    }
    int64_t shared_row = batch->origin_first_row + row;
    int64_t index = origins_find(origins, shared_row);
    if (index < 0 || !origins->runs[index].name) {
        return false;
    }
    const struct sluice_origin *run = &origins->runs[index];
    *origin = *run;
    origin->first_row =
        run->first_row > batch->origin_first_row ? run->first_row - batch->origin_first_row : 0;
    *position = origins->positions[shared_row];
    return true;
}

int64_t count_bits(const uint8_t *bitmap, int64_t first, int64_t count)
{
    int64_t bits = 0;
    int64_t end = first + count;
    for (; first < end && (first & 7) != 0; first++) {
        bits += (bitmap[first >> 3] >> (first & 7)) & 1;
    }
    for (; end - first >= 64; first += 64) {
        uint64_t word;
        memcpy(&word, bitmap + (first >> 3), sizeof(word));
        bits += __builtin_popcountll(word);
    }
    for (; first < end; first++) {
        bits += (bitmap[first >> 3] >> (first & 7)) & 1;
    }
    return bits;
}
