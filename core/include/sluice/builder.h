/* SPDX-License-Identifier: Apache-2.0 */
/* Building batches, value by value, column by column, or through raw buffers. A row gets one value a
 * column, in any column order, then sluice_builder_end_row(); sluice_builder_drop_row() takes back a
 * row that turned out bad. Who has many rows at hand appends them a column at a time, with
 * sluice_builder_strings() or raw room, and closes them by sluice_builder_end_rows(). A builder belongs to one instance and is not for several threads.
 *
 * A string column whose field asks for it (is_dictionary) is encoded against the flow's shared
 * dictionary by the builder itself; past the dictionary's cap it falls back to plain strings from
 * the next batch on. Every append answers OK, or FATAL when memory is out (then the batch in the
 * making is lost and the error is "over_budget" or "out_of_memory"). */
#ifndef SLUICE_BUILDER_H
#define SLUICE_BUILDER_H

#include <sluice/batch.h>

#ifdef __cplusplus
extern "C" {
#endif

/* `schema` must outlive the builder. */
static inline enum sluice_status sluice_builder_create(const struct sluice_host *host,
                                                       const struct sluice_schema *schema,
                                                       struct sluice_builder **builder,
                                                       struct sluice_error *error)
{
    return host->table->builder_create(host, schema, builder, error);
}

/* NULL is allowed. */
static inline void sluice_builder_destroy(const struct sluice_host *host,
                                          struct sluice_builder *builder)
{
    host->table->builder_destroy(host, builder);
}

static inline enum sluice_status sluice_builder_null(const struct sluice_host *host,
                                                     struct sluice_builder *builder, int column)
{
    return host->table->builder_null(host, builder, column);
}

static inline enum sluice_status sluice_builder_bool(const struct sluice_host *host,
                                                     struct sluice_builder *builder, int column,
                                                     bool value)
{
    return host->table->builder_bool(host, builder, column, value);
}

/* INT64, and TIMESTAMP in microseconds since 1970 UTC. */
static inline enum sluice_status sluice_builder_int64(const struct sluice_host *host,
                                                      struct sluice_builder *builder, int column,
                                                      int64_t value)
{
    return host->table->builder_int64(host, builder, column, value);
}

static inline enum sluice_status sluice_builder_float64(const struct sluice_host *host,
                                                        struct sluice_builder *builder, int column,
                                                        double value)
{
    return host->table->builder_float64(host, builder, column, value);
}

/* STRING (must be valid UTF-8: the caller checks) and BINARY. The bytes are copied. */
static inline enum sluice_status sluice_builder_string(const struct sluice_host *host,
                                                       struct sluice_builder *builder, int column,
                                                       const char *bytes, size_t size)
{
    return host->table->builder_string(host, builder, column, bytes, size);
}

/* The same as `count` calls of sluice_builder_string(), and far cheaper. A string whose bytes are
 * NULL is null. */
static inline enum sluice_status sluice_builder_strings(const struct sluice_host *host,
                                                        struct sluice_builder *builder, int column,
                                                        const struct sluice_string *strings,
                                                        int64_t count)
{
    return host->table->builder_strings(host, builder, column, strings, count);
}

/* Copies one value, null included, from a column of the same type. */
static inline enum sluice_status sluice_builder_value(const struct sluice_host *host,
                                                      struct sluice_builder *builder, int column,
                                                      const struct sluice_column *source,
                                                      int64_t row)
{
    return host->table->builder_value(host, builder, column, source, row);
}

/* Closes the row. Every column must have got exactly one value since the last row. `position`
 * (offset or line) is kept where an origin was set, else ignored. */
static inline enum sluice_status sluice_builder_end_row(const struct sluice_host *host,
                                                        struct sluice_builder *builder,
                                                        int64_t position)
{
    return host->table->builder_end_row(host, builder, position);
}

/* Closes `count` rows, each of which has got its value in every column. positions[i] is that of the
 * i-th; NULL: -1 for all. */
static inline enum sluice_status sluice_builder_end_rows(const struct sluice_host *host,
                                                         struct sluice_builder *builder,
                                                         const int64_t *positions, int64_t count)
{
    return host->table->builder_end_rows(host, builder, positions, count);
}

/* Takes back the values appended since the last complete row. */
static inline void sluice_builder_drop_row(const struct sluice_host *host,
                                           struct sluice_builder *builder)
{
    host->table->builder_drop_row(host, builder);
}

/* The rows that follow come from here. `name` is copied. Kept over builder_finish. */
static inline enum sluice_status sluice_builder_origin(const struct sluice_host *host,
                                                       struct sluice_builder *builder,
                                                       const char *name, int32_t partition)
{
    return host->table->builder_origin(host, builder, name, partition);
}

/* Complete rows so far. */
static inline int64_t sluice_builder_rows(const struct sluice_host *host,
                                          const struct sluice_builder *builder)
{
    return host->table->builder_rows(host, builder);
}

/* Bytes of values so far: finish a batch at 1 to 8 MiB or 8k to 64k rows. */
static inline int64_t sluice_builder_bytes(const struct sluice_host *host,
                                           const struct sluice_builder *builder)
{
    return host->table->builder_bytes(host, builder);
}

/* Room to write into directly. */
struct sluice_raw_column {
    void *values;      /* INT64, TIMESTAMP, FLOAT64: next free value. BOOL: NULL, not offered */
    int32_t *codes;    /* dictionary strings: next free code; NULL where plain */
    int32_t *offsets;  /* plain strings: offsets[0] is set; write the end of value i at i + 1 */
    char *bytes;       /* plain strings: next free byte, to be counted from offsets[0] */
    uint8_t *validity; /* one byte a row, not yet a bitmap: 1 = value, 0 = null; all 1 on return */
};

/* Room for `rows` further values and `bytes` further bytes in a column. The pointers are good
 * until the next call on the builder. */
static inline enum sluice_status sluice_builder_reserve(const struct sluice_host *host,
                                                        struct sluice_builder *builder, int column,
                                                        int64_t rows, size_t bytes,
                                                        struct sluice_raw_column *raw)
{
    return host->table->builder_reserve(host, builder, column, rows, bytes, raw);
}

/* Makes what was written part of the column. Rows are closed as usual, by
 * sluice_builder_end_row() once a row or by sluice_builder_end_rows(). */
static inline enum sluice_status sluice_builder_commit(const struct sluice_host *host,
                                                       struct sluice_builder *builder, int column,
                                                       int64_t rows, size_t bytes,
                                                       int64_t null_count)
{
    return host->table->builder_commit(host, builder, column, rows, bytes, null_count);
}

/* Gives the complete rows as a batch (the caller's) and starts the next one. An incomplete row is
 * dropped. With no rows *batch is NULL and the answer OK. */
static inline enum sluice_status sluice_builder_finish(const struct sluice_host *host,
                                                       struct sluice_builder *builder,
                                                       struct sluice_batch **batch,
                                                       struct sluice_error *error)
{
    return host->table->builder_finish(host, builder, batch, error);
}

/* The flow's shared dictionary of a column: append-only, capped, shared by all lanes, alive for
 * the run. The host owns it. */
static inline enum sluice_status sluice_dictionary_get(const struct sluice_host *host,
                                                       const char *column,
                                                       struct sluice_dictionary **dictionary,
                                                       struct sluice_error *error)
{
    return host->table->dictionary_get(host, column, dictionary, error);
}

/* Code of a string, added where new; -1 past the cap. `hash` is sluice_hash_bytes() of it. Lookup
 * takes no lock; any thread. */
static inline int32_t sluice_dictionary_code(const struct sluice_host *host,
                                             struct sluice_dictionary *dictionary,
                                             const char *bytes, size_t size, uint64_t hash)
{
    return host->table->dictionary_code(host, dictionary, bytes, size, hash);
}

/* Code of a string, or -1 where it is not in. Never adds; takes no lock; any thread. */
static inline int32_t sluice_dictionary_find(const struct sluice_host *host,
                                             const struct sluice_dictionary *dictionary,
                                             const char *bytes, size_t size, uint64_t hash)
{
    return host->table->dictionary_find(host, dictionary, bytes, size, hash);
}

#ifdef __cplusplus
}
#endif

#endif
