/* SPDX-License-Identifier: Apache-2.0 */
/* Batches, builders and dictionaries for plugins: what they make is charged to their step. */
#include "runtime/host/host.h"

static struct account *account_of(sluice_host_ref host)
{
    return &instance_of(host)->step->account;
}

static void retain_batch(sluice_host_ref host, const struct sluice_batch *batch)
{
    (void)host;
    batch_retain(batch);
}

static void release_batch(sluice_host_ref host, const struct sluice_batch *batch)
{
    (void)host;
    batch_release(batch);
}

static int64_t get_rows(sluice_host_ref host, const struct sluice_batch *batch)
{
    (void)host;
    return batch_rows(batch);
}

static int64_t get_bytes(sluice_host_ref host, const struct sluice_batch *batch)
{
    (void)host;
    return batch_bytes(batch);
}

static int get_sender(sluice_host_ref host, const struct sluice_batch *batch)
{
    (void)host;
    return batch_sender(batch);
}

static void set_event_time(sluice_host_ref host, struct sluice_batch *batch, int64_t oldest_us)
{
    (void)host;
    batch_set_event_time(batch, oldest_us);
}

static const struct sluice_schema * get_schema(sluice_host_ref host, const struct sluice_batch *batch)
{
    (void)host;
    return batch_schema(batch);
}

static int find_column(sluice_host_ref host, const struct sluice_batch *batch, const char *name)
{
    (void)host;
    return batch_find(batch, name);
}

static void view_column(sluice_host_ref host, const struct sluice_batch *batch, int index,
                        struct sluice_column *column)
{
    (void)host;
    batch_column(batch, index, column);
}

static bool get_origin(sluice_host_ref host, const struct sluice_batch *batch, int64_t row,
                       struct sluice_origin *origin, int64_t *position)
{
    (void)host;
    return batch_origin(batch, row, origin, position);
}

static enum sluice_status slice_batch(sluice_host_ref host, const struct sluice_batch *batch, int64_t first,
                                      int64_t count, struct sluice_batch **slice,
                                      struct sluice_error *error)
{
    (void)host;
    return batch_slice(batch, first, count, slice, error);
}

static enum sluice_status take_rows(sluice_host_ref host, const struct sluice_batch *batch, const int32_t *rows,
                                    int64_t count, struct sluice_batch **taken,
                                    struct sluice_error *error)
{
    return batch_take(account_of(host), batch, rows, count, taken, error);
}

static enum sluice_status assemble_batch(sluice_host_ref host, const struct sluice_schema *schema,
                                         const struct sluice_column_source *sources,
                                         struct sluice_batch **batch, struct sluice_error *error)
{
    (void)host;
    return batch_assemble(schema, sources, batch, error);
}

static enum sluice_status export_batch(sluice_host_ref host, const struct sluice_batch *batch,
                                       struct ArrowArray *array, struct ArrowSchema *arrow_schema,
                                       struct sluice_error *error)
{
    (void)host;
    return batch_export(batch, array, arrow_schema, error);
}

static enum sluice_status adopt_batch(sluice_host_ref host, struct ArrowArray *array,
                                      struct ArrowSchema *arrow_schema,
                                      const struct sluice_schema *schema,
                                      struct sluice_batch **batch, struct sluice_error *error)
{
    return batch_adopt(account_of(host), array, arrow_schema, schema, batch, error);
}

static enum sluice_status hash_rows(sluice_host_ref host, const struct sluice_batch *batch, const int *columns,
                                    size_t column_count, uint64_t *hashes,
                                    struct sluice_error *error)
{
    (void)host;
    return batch_hash(batch, columns, column_count, hashes, error);
}

static int compare_rows(sluice_host_ref host, const struct sluice_batch *batch, int64_t row,
                        const struct sluice_batch *other, int64_t other_row, const int *columns,
                        size_t column_count)
{
    (void)host;
    return batch_compare(batch, row, other, other_row, columns, column_count);
}

static enum sluice_status create_builder(sluice_host_ref host, const struct sluice_schema *schema,
                                         struct sluice_builder **builder,
                                         struct sluice_error *error)
{
    return builder_create(account_of(host), instance_of(host)->execution->dictionaries, schema,
                          builder, error);
}

static void destroy_builder(sluice_host_ref host, struct sluice_builder *builder)
{
    (void)host;
    builder_destroy(builder);
}

static enum sluice_status append_null(sluice_host_ref host, struct sluice_builder *builder, int column)
{
    (void)host;
    return builder_null(builder, column);
}

static enum sluice_status append_bool(sluice_host_ref host, struct sluice_builder *builder, int column, bool value)
{
    (void)host;
    return builder_bool(builder, column, value);
}

static enum sluice_status append_int64(sluice_host_ref host, struct sluice_builder *builder, int column,
                                       int64_t value)
{
    (void)host;
    return builder_int64(builder, column, value);
}

static enum sluice_status append_float64(sluice_host_ref host, struct sluice_builder *builder, int column,
                                         double value)
{
    (void)host;
    return builder_float64(builder, column, value);
}

static enum sluice_status append_string(sluice_host_ref host, struct sluice_builder *builder, int column,
                                        const char *bytes, size_t size)
{
    (void)host;
    return builder_string(builder, column, bytes, size);
}

static enum sluice_status append_strings(sluice_host_ref host, struct sluice_builder *builder,
                                         int column, const struct sluice_string *strings,
                                         int64_t count)
{
    (void)host;
    return builder_strings(builder, column, strings, count);
}

static enum sluice_status append_value(sluice_host_ref host, struct sluice_builder *builder, int column,
                                       const struct sluice_column *source, int64_t row)
{
    (void)host;
    return builder_value(builder, column, source, row);
}

static enum sluice_status end_row(sluice_host_ref host, struct sluice_builder *builder, int64_t position)
{
    (void)host;
    return builder_end_row(builder, position);
}

static enum sluice_status end_rows(sluice_host_ref host, struct sluice_builder *builder,
                                   const int64_t *positions, int64_t count)
{
    (void)host;
    return builder_end_rows(builder, positions, count);
}

static void drop_row(sluice_host_ref host, struct sluice_builder *builder)
{
    (void)host;
    builder_drop_row(builder);
}

static enum sluice_status set_origin(sluice_host_ref host, struct sluice_builder *builder, const char *name,
                                     int32_t partition)
{
    (void)host;
    return builder_origin(builder, name, partition);
}

static int64_t count_rows(sluice_host_ref host, const struct sluice_builder *builder)
{
    (void)host;
    return builder_rows(builder);
}

static int64_t count_bytes(sluice_host_ref host, const struct sluice_builder *builder)
{
    (void)host;
    return builder_bytes(builder);
}

static enum sluice_status reserve_values(sluice_host_ref host, struct sluice_builder *builder, int column,
                                         int64_t rows, size_t bytes, struct sluice_raw_column *raw)
{
    (void)host;
    return builder_reserve(builder, column, rows, bytes, raw);
}

static enum sluice_status commit_values(sluice_host_ref host, struct sluice_builder *builder, int column,
                                        int64_t rows, size_t bytes, int64_t null_count)
{
    (void)host;
    return builder_commit(builder, column, rows, bytes, null_count);
}

static enum sluice_status finish_builder(sluice_host_ref host, struct sluice_builder *builder,
                                         struct sluice_batch **batch, struct sluice_error *error)
{
    (void)host;
    return builder_finish(builder, batch, error);
}

static enum sluice_status get_dictionary(sluice_host_ref host, const char *column,
                                         struct sluice_dictionary **dictionary,
                                         struct sluice_error *error)
{
    struct dictionary_set *set = instance_of(host)->execution->dictionaries;
    *dictionary = NULL;
    if (!set)
        return error_set(error, SLUICE_FATAL, SLUICE_CODE_INTERNAL,
                         "a continuous flow has no shared dictionaries");
    return dictionary_get(set, column, dictionary, error);
}

static int32_t code_string(sluice_host_ref host, struct sluice_dictionary *dictionary, const char *bytes,
                           size_t size, uint64_t hash)
{
    (void)host;
    return dictionary_code(dictionary, bytes, size, hash);
}

static int32_t find_string(sluice_host_ref host, const struct sluice_dictionary *dictionary,
                           const char *bytes, size_t size, uint64_t hash)
{
    (void)host;
    return dictionary_find(dictionary, bytes, size, hash);
}

void host_fill_batch(struct sluice_host_table *table)
{
    table->batch_retain = retain_batch;
    table->batch_release = release_batch;
    table->batch_rows = get_rows;
    table->batch_bytes = get_bytes;
    table->batch_sender = get_sender;
    table->batch_set_event_time = set_event_time;
    table->batch_schema = get_schema;
    table->batch_find = find_column;
    table->batch_column = view_column;
    table->batch_origin = get_origin;
    table->batch_slice = slice_batch;
    table->batch_take = take_rows;
    table->batch_assemble = assemble_batch;
    table->batch_export = export_batch;
    table->batch_adopt = adopt_batch;
    table->batch_hash = hash_rows;
    table->batch_compare = compare_rows;
    table->builder_create = create_builder;
    table->builder_destroy = destroy_builder;
    table->builder_null = append_null;
    table->builder_bool = append_bool;
    table->builder_int64 = append_int64;
    table->builder_float64 = append_float64;
    table->builder_string = append_string;
    table->builder_strings = append_strings;
    table->builder_value = append_value;
    table->builder_end_row = end_row;
    table->builder_end_rows = end_rows;
    table->builder_drop_row = drop_row;
    table->builder_origin = set_origin;
    table->builder_rows = count_rows;
    table->builder_bytes = count_bytes;
    table->builder_reserve = reserve_values;
    table->builder_commit = commit_values;
    table->builder_finish = finish_builder;
    table->dictionary_get = get_dictionary;
    table->dictionary_code = code_string;
    table->dictionary_find = find_string;
}
