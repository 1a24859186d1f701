/* SPDX-License-Identifier: Apache-2.0 */
/* Batches: an Arrow record batch (struct array) plus origins and positions of its rows.
 *
 * One ownership rule. A batch passed in is borrowed until the callback returns and never changes;
 * who needs it longer calls sluice_batch_retain() and later sluice_batch_release(). A batch given
 * out (read, emit, builder_finish) is moved. Batches are shared between threads: retain, release
 * and every read call here are for any thread. Retaining costs an atomic increment, slicing copies
 * nothing.
 *
 * Strings may come plain or as dictionary codes, batch by batch: read them with
 * sluice_column_string(), which takes both, or walk codes where column.codes is set. */
#ifndef SLUICE_BATCH_H
#define SLUICE_BATCH_H

#include <sluice/error.h>

#ifdef __cplusplus
extern "C" {
#endif

static inline void sluice_batch_retain(const struct sluice_host *host,
                                       const struct sluice_batch *batch)
{
    host->table->batch_retain(host, batch);
}

/* NULL is allowed. */
static inline void sluice_batch_release(const struct sluice_host *host,
                                        const struct sluice_batch *batch)
{
    host->table->batch_release(host, batch);
}

static inline int64_t sluice_batch_rows(const struct sluice_host *host,
                                        const struct sluice_batch *batch)
{
    return host->table->batch_rows(host, batch);
}

/* Bytes of memory that the batch holds, shared buffers counted once a batch. */
static inline int64_t sluice_batch_bytes(const struct sluice_host *host,
                                         const struct sluice_batch *batch)
{
    return host->table->batch_bytes(host, batch);
}

/* Source: when the oldest event of a new batch happened, where the source knows (µs since 1970). What
 * is made of the batch inherits it; sinks are measured against it. */
static inline void sluice_batch_set_event_time(const struct sluice_host *host,
                                               struct sluice_batch *batch, int64_t oldest_us)
{
    host->table->batch_set_event_time(host, batch, oldest_us);
}

/* Which of the upstream lanes sent it: 0 .. n - 1. Stream properties hold for each sender. */
static inline int sluice_batch_sender(const struct sluice_host *host,
                                      const struct sluice_batch *batch)
{
    return host->table->batch_sender(host, batch);
}

static inline const struct sluice_schema *sluice_batch_schema(const struct sluice_host *host,
                                                              const struct sluice_batch *batch)
{
    return host->table->batch_schema(host, batch);
}

/* Index of the column of that name, or -1. */
static inline int sluice_batch_find(const struct sluice_host *host,
                                    const struct sluice_batch *batch, const char *name)
{
    return host->table->batch_find(host, batch, name);
}

/* A view of column `index`, which must be in range. */
static inline void sluice_batch_column(const struct sluice_host *host,
                                       const struct sluice_batch *batch, int index,
                                       struct sluice_column *column)
{
    host->table->batch_column(host, batch, index, column);
}

/* Where a row came from. False where that is not known (an aggregate, say). */
static inline bool sluice_batch_origin(const struct sluice_host *host,
                                       const struct sluice_batch *batch, int64_t row,
                                       struct sluice_origin *origin, int64_t *position)
{
    return host->table->batch_origin(host, batch, row, origin, position);
}

/* Rows first .. first + count - 1 as a batch of its own that shares the buffers. */
static inline enum sluice_status sluice_batch_slice(const struct sluice_host *host,
                                                    const struct sluice_batch *batch,
                                                    int64_t first, int64_t count,
                                                    struct sluice_batch **slice,
                                                    struct sluice_error *error)
{
    return host->table->batch_slice(host, batch, first, count, slice, error);
}

/* The given rows, in the given order, copied. Origins and positions come along. */
static inline enum sluice_status sluice_batch_take(const struct sluice_host *host,
                                                   const struct sluice_batch *batch,
                                                   const int32_t *rows, int64_t count,
                                                   struct sluice_batch **taken,
                                                   struct sluice_error *error)
{
    return host->table->batch_take(host, batch, rows, count, taken, error);
}

/* Names one column of a batch as the next column of sluice_batch_assemble(). */
struct sluice_column_source {
    const struct sluice_batch *batch;
    int column;
};

/* A batch of `schema` whose column i is sources[i], without a copy: to select, reorder, rename or
 * join columns of batches of equal row counts. Origins are those of sources[0].batch. */
static inline enum sluice_status
sluice_batch_assemble(const struct sluice_host *host, const struct sluice_schema *schema,
                      const struct sluice_column_source *sources, struct sluice_batch **batch,
                      struct sluice_error *error)
{
    return host->table->batch_assemble(host, schema, sources, batch, error);
}

/* An owned ArrowArray and ArrowSchema for another Arrow library: both structs are filled and must
 * be released by their own release callbacks, from any thread. The batch stays the caller's. */
static inline enum sluice_status
sluice_batch_export(const struct sluice_host *host, const struct sluice_batch *batch,
                    struct ArrowArray *array, struct ArrowSchema *schema,
                    struct sluice_error *error)
{
    return host->table->batch_export(host, batch, array, schema, error);
}

/* Takes over a foreign array. Both structs are moved (marked released) whatever the answer; the
 * array's release is called once, from any thread, when the last reference goes. Format, lengths,
 * offsets and dictionary codes are checked first; null_count -1, offset != 0 and absent validity
 * are fine. `schema` is what the batch must have (NULL: whatever the array says). */
static inline enum sluice_status
sluice_batch_adopt(const struct sluice_host *host, struct ArrowArray *array,
                   struct ArrowSchema *arrow_schema, const struct sluice_schema *schema,
                   struct sluice_batch **batch, struct sluice_error *error)
{
    return host->table->batch_adopt(host, array, arrow_schema, schema, batch, error);
}

/* hashes[row] = a 64-bit hash of the row's values in `columns` (indexes). Equal values hash
 * equally whatever their encoding, in every process of the same release; null has its own hash. */
static inline enum sluice_status sluice_batch_hash(const struct sluice_host *host,
                                                   const struct sluice_batch *batch,
                                                   const int *columns, size_t column_count,
                                                   uint64_t *hashes, struct sluice_error *error)
{
    return host->table->batch_hash(host, batch, columns, column_count, hashes, error);
}

/* < 0, 0, > 0: order of two rows by `columns`: bytewise for strings, null first. */
static inline int sluice_batch_compare(const struct sluice_host *host,
                                       const struct sluice_batch *batch, int64_t row,
                                       const struct sluice_batch *other, int64_t other_row,
                                       const int *columns, size_t column_count)
{
    return host->table->batch_compare(host, batch, row, other, other_row, columns, column_count);
}

#ifdef __cplusplus
}
#endif

#endif
