/* SPDX-License-Identifier: Apache-2.0 */
/* Builder and dictionary calls of the test host. */
#include "test_host/calls.h"

#include <assert.h>

/* Of the one flow that a test program plays at a time: every host made now belongs to it. */
static struct account dictionary_account;
static struct dictionary_set *dictionaries;

void test_dictionaries_create(int64_t cap_entries)
{
    account_init(&dictionary_account, 0, NULL);
    dictionaries = dictionary_set_create(&dictionary_account, cap_entries, 64 << 20);
    assert(dictionaries);
}

void test_dictionaries_destroy(void)
{
    dictionary_set_destroy(dictionaries);
    dictionaries = NULL;
}

static enum sluice_status host_builder_create(sluice_host_ref host,
                                              const struct sluice_schema *schema,
                                              struct sluice_builder **builder,
                                              struct sluice_error *error)
{
    return builder_create(&test_host_of(host)->account, dictionaries, schema, builder, error);
}

static void host_builder_destroy(sluice_host_ref host, struct sluice_builder *builder)
{
    (void)host;
    if (builder) {
        builder_destroy(builder);
    }
}

static enum sluice_status host_builder_null(sluice_host_ref host, struct sluice_builder *builder,
                                            int column)
{
    (void)host;
    return builder_null(builder, column);
}

static enum sluice_status host_builder_bool(sluice_host_ref host, struct sluice_builder *builder,
                                            int column, bool value)
{
    (void)host;
    return builder_bool(builder, column, value);
}

static enum sluice_status host_builder_int64(sluice_host_ref host, struct sluice_builder *builder,
                                             int column, int64_t value)
{
    (void)host;
    return builder_int64(builder, column, value);
}

static enum sluice_status host_builder_float64(sluice_host_ref host, struct sluice_builder *builder,
                                               int column, double value)
{
    (void)host;
    return builder_float64(builder, column, value);
}

static enum sluice_status host_builder_string(sluice_host_ref host, struct sluice_builder *builder,
                                              int column, const char *bytes, size_t size)
{
    (void)host;
    return builder_string(builder, column, bytes, size);
}

static enum sluice_status host_builder_strings(sluice_host_ref host, struct sluice_builder *builder,
                                               int column, const struct sluice_string *strings,
                                               int64_t count)
{
    (void)host;
    return builder_strings(builder, column, strings, count);
}

static enum sluice_status host_builder_value(sluice_host_ref host, struct sluice_builder *builder,
                                             int column, const struct sluice_column *source,
                                             int64_t row)
{
    (void)host;
    return builder_value(builder, column, source, row);
}

static enum sluice_status host_builder_end_row(sluice_host_ref host, struct sluice_builder *builder,
                                               int64_t position)
{
    (void)host;
    return builder_end_row(builder, position);
}

static enum sluice_status host_builder_end_rows(sluice_host_ref host,
                                                struct sluice_builder *builder,
                                                const int64_t *positions, int64_t count)
{
    (void)host;
    return builder_end_rows(builder, positions, count);
}

static void host_builder_drop_row(sluice_host_ref host, struct sluice_builder *builder)
{
    (void)host;
    builder_drop_row(builder);
}

static enum sluice_status host_builder_origin(sluice_host_ref host, struct sluice_builder *builder,
                                              const char *name, int32_t partition)
{
    (void)host;
    return builder_origin(builder, name, partition);
}

static int64_t host_builder_rows(sluice_host_ref host, const struct sluice_builder *builder)
{
    (void)host;
    return builder_rows(builder);
}

static int64_t host_builder_bytes(sluice_host_ref host, const struct sluice_builder *builder)
{
    (void)host;
    return builder_bytes(builder);
}

static enum sluice_status host_builder_reserve(sluice_host_ref host, struct sluice_builder *builder,
                                               int column, int64_t rows, size_t bytes,
                                               struct sluice_raw_column *raw)
{
    (void)host;
    return builder_reserve(builder, column, rows, bytes, raw);
}

static enum sluice_status host_builder_commit(sluice_host_ref host, struct sluice_builder *builder,
                                              int column, int64_t rows, size_t bytes,
                                              int64_t null_count)
{
    (void)host;
    return builder_commit(builder, column, rows, bytes, null_count);
}

static enum sluice_status host_builder_finish(sluice_host_ref host, struct sluice_builder *builder,
                                              struct sluice_batch **batch,
                                              struct sluice_error *error)
{
    (void)host;
    return builder_finish(builder, batch, error);
}

static enum sluice_status host_dictionary_get(sluice_host_ref host, const char *column,
                                              struct sluice_dictionary **dictionary,
                                              struct sluice_error *error)
{
    (void)host;
    assert(dictionaries);
    return dictionary_get(dictionaries, column, dictionary, error);
}

static int32_t host_dictionary_code(sluice_host_ref host, struct sluice_dictionary *dictionary,
                                    const char *bytes, size_t size, uint64_t hash)
{
    (void)host;
    return dictionary_code(dictionary, bytes, size, hash);
}

static int32_t host_dictionary_find(sluice_host_ref host,
                                    const struct sluice_dictionary *dictionary, const char *bytes,
                                    size_t size, uint64_t hash)
{
    (void)host;
    return dictionary_find(dictionary, bytes, size, hash);
}

void test_host_fill_builder(struct sluice_host_table *table)
{
    table->builder_create = host_builder_create;
    table->builder_destroy = host_builder_destroy;
    table->builder_null = host_builder_null;
    table->builder_bool = host_builder_bool;
    table->builder_int64 = host_builder_int64;
    table->builder_float64 = host_builder_float64;
    table->builder_string = host_builder_string;
    table->builder_strings = host_builder_strings;
    table->builder_value = host_builder_value;
    table->builder_end_row = host_builder_end_row;
    table->builder_end_rows = host_builder_end_rows;
    table->builder_drop_row = host_builder_drop_row;
    table->builder_origin = host_builder_origin;
    table->builder_rows = host_builder_rows;
    table->builder_bytes = host_builder_bytes;
    table->builder_reserve = host_builder_reserve;
    table->builder_commit = host_builder_commit;
    table->builder_finish = host_builder_finish;
    table->dictionary_get = host_dictionary_get;
    table->dictionary_code = host_dictionary_code;
    table->dictionary_find = host_dictionary_find;
}
