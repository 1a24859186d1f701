/* SPDX-License-Identifier: Apache-2.0 */
/* Batch calls of the test host. */
#include "test_host/calls.h"

static void host_retain(sluice_host_ref host, const struct sluice_batch *batch)
{
    (void)host;
    batch_retain(batch);
}

static void host_release(sluice_host_ref host, const struct sluice_batch *batch)
{
    (void)host;
    if (batch) {
        batch_release(batch);
    }
}

static int64_t host_rows(sluice_host_ref host, const struct sluice_batch *batch)
{
    (void)host;
    return batch_rows(batch);
}

static int64_t host_bytes(sluice_host_ref host, const struct sluice_batch *batch)
{
    (void)host;
    return batch_bytes(batch);
}

static int host_sender(sluice_host_ref host, const struct sluice_batch *batch)
{
    (void)host;
    return batch_sender(batch);
}

static void host_set_event_time(sluice_host_ref host, struct sluice_batch *batch, int64_t oldest_us)
{
    (void)host;
    batch_set_event_time(batch, oldest_us);
}

static const struct sluice_schema *host_schema(sluice_host_ref host,
                                               const struct sluice_batch *batch)
{
    (void)host;
    return batch_schema(batch);
}

static int host_find(sluice_host_ref host, const struct sluice_batch *batch, const char *name)
{
    (void)host;
    return batch_find(batch, name);
}

static void host_column(sluice_host_ref host, const struct sluice_batch *batch, int index,
                        struct sluice_column *column)
{
    (void)host;
    batch_column(batch, index, column);
}

static bool host_origin(sluice_host_ref host, const struct sluice_batch *batch, int64_t row,
                        struct sluice_origin *origin, int64_t *position)
{
    (void)host;
    return batch_origin(batch, row, origin, position);
}

static enum sluice_status host_slice(sluice_host_ref host, const struct sluice_batch *batch,
                                     int64_t first, int64_t count, struct sluice_batch **slice,
                                     struct sluice_error *error)
{
    (void)host;
    return batch_slice(batch, first, count, slice, error);
}

static enum sluice_status host_take(sluice_host_ref host, const struct sluice_batch *batch,
                                    const int32_t *rows, int64_t count, struct sluice_batch **taken,
                                    struct sluice_error *error)
{
    return batch_take(&test_host_of(host)->account, batch, rows, count, taken, error);
}

static enum sluice_status host_assemble(sluice_host_ref host, const struct sluice_schema *schema,
                                        const struct sluice_column_source *sources,
                                        struct sluice_batch **batch, struct sluice_error *error)
{
    (void)host;
    return batch_assemble(schema, sources, batch, error);
}

static enum sluice_status host_export(sluice_host_ref host, const struct sluice_batch *batch,
                                      struct ArrowArray *array, struct ArrowSchema *arrow_schema,
                                      struct sluice_error *error)
{
    (void)host;
    return batch_export(batch, array, arrow_schema, error);
}

static enum sluice_status host_adopt(sluice_host_ref host, struct ArrowArray *array,
                                     struct ArrowSchema *arrow_schema,
                                     const struct sluice_schema *schema,
                                     struct sluice_batch **batch, struct sluice_error *error)
{
    return batch_adopt(&test_host_of(host)->account, array, arrow_schema, schema, batch, error);
}

static enum sluice_status host_hash(sluice_host_ref host, const struct sluice_batch *batch,
                                    const int *columns, size_t column_count, uint64_t *hashes,
                                    struct sluice_error *error)
{
    (void)host;
    return batch_hash(batch, columns, column_count, hashes, error);
}

static int host_compare(sluice_host_ref host, const struct sluice_batch *batch, int64_t row,
                        const struct sluice_batch *other, int64_t other_row, const int *columns,
                        size_t column_count)
{
    (void)host;
    return batch_compare(batch, row, other, other_row, columns, column_count);
}

void test_host_fill_batch(struct sluice_host_table *table)
{
    table->batch_retain = host_retain;
    table->batch_release = host_release;
    table->batch_rows = host_rows;
    table->batch_bytes = host_bytes;
    table->batch_sender = host_sender;
    table->batch_set_event_time = host_set_event_time;
    table->batch_schema = host_schema;
    table->batch_find = host_find;
    table->batch_column = host_column;
    table->batch_origin = host_origin;
    table->batch_slice = host_slice;
    table->batch_take = host_take;
    table->batch_assemble = host_assemble;
    table->batch_export = host_export;
    table->batch_adopt = host_adopt;
    table->batch_hash = host_hash;
    table->batch_compare = host_compare;
}
