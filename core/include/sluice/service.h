/* SPDX-License-Identifier: Apache-2.0 */
/* What an instance may ask of the core: log, metrics, facts of the run, memory, emit and reject,
 * state streams, shared resources, formatting, templates and codecs. */
#ifndef SLUICE_SERVICE_H
#define SLUICE_SERVICE_H

#include <sluice/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Logs a message with typed fields; the core adds pipeline, flow and step. Any thread. */
SLUICE_PRINTF(5, 6)
static inline void sluice_log(const struct sluice_host *host, enum sluice_log_level level,
                              const struct sluice_log_field *fields, size_t field_count,
                              const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    host->table->log(host, level, fields, field_count, format, arguments);
    va_end(arguments);
}

/* Metrics of the component's own (rows in its descriptor; the core counts rows, bytes, rejects,
 * retries and time for every step by itself). add is for counters and gauges, set for gauges, observe
 * for histograms. A gauge that is set to NAN is absent until it is set again; gauges end with the
 * instance. `labels`: one value per label of the row, or NULL. Lock-free; any thread. */
static inline void sluice_metric_add(const struct sluice_host *host, size_t row,
                                     const char *const *labels, double value)
{
    host->table->metric_add(host, row, labels, value);
}
static inline void sluice_metric_set(const struct sluice_host *host, size_t row,
                                     const char *const *labels, double value)
{
    host->table->metric_set(host, row, labels, value);
}
static inline void sluice_metric_observe(const struct sluice_host *host, size_t row,
                                         const char *const *labels, double value)
{
    host->table->metric_observe(host, row, labels, value);
}

/* What an open instance waits for before it can work ("the group to assign partitions"), for whoever
 * asks whether the process is ready. NULL: nothing any more. At most 100 bytes are kept. Any
 * thread. */
static inline void sluice_readiness(const struct sluice_host *host, const char *waits_for)
{
    host->table->readiness(host, waits_for);
}

static inline const struct sluice_run *sluice_this_run(const struct sluice_host *host)
{
    return host->table->run(host);
}

/* Schemas of the step as planned, after projection. NULL where the kind has none. */
static inline const struct sluice_schema *sluice_input_schema(const struct sluice_host *host)
{
    return host->table->input_schema(host);
}
static inline const struct sluice_schema *sluice_output_schema(const struct sluice_host *host)
{
    return host->table->output_schema(host);
}

/* Whether the plan found the step's input to have the property (enum sluice_property). */
static inline bool sluice_input_has_property(const struct sluice_host *host,
                                             enum sluice_property property,
                                             const char *const *columns, size_t count)
{
    return host->table->input_has_property(host, property, columns, count);
}

/* True once the run is being stopped without draining. Any thread. */
static inline bool sluice_is_cancelled(const struct sluice_host *host)
{
    return host->table->is_cancelled(host);
}

/* The injected clock: wall time, and time that never goes back. Any thread. */
static inline int64_t sluice_now_ms(const struct sluice_host *host)
{
    return host->table->now_ms(host);
}
static inline int64_t sluice_monotonic_ms(const struct sluice_host *host)
{
    return host->table->monotonic_ms(host);
}

static inline uint64_t sluice_random(const struct sluice_host *host)
{
    return host->table->random(host);
}

/* Source: input bytes read so far and in all; total < 0 where unknown. For the progress bar. */
static inline void sluice_progress(const struct sluice_host *host, int64_t done_bytes,
                                   int64_t total_bytes)
{
    host->table->progress(host, done_bytes, total_bytes);
}

/* Memory counted against the pipeline's budget. NULL when the budget or the system says no; the
 * caller then fails with SLUICE_CODE_OVER_BUDGET. Any thread. */
static inline void *sluice_alloc(const struct sluice_host *host, size_t size)
{
    return host->table->alloc(host, size);
}
static inline void *sluice_resize(const struct sluice_host *host, void *memory, size_t size)
{
    return host->table->resize(host, memory, size);
}
static inline void sluice_free(const struct sluice_host *host, void *memory)
{
    host->table->free(host, memory);
}

/* Counts bytes that the plugin holds by other means (a client library's queue); negative gives
 * back. False (and not counted) over the budget. Any thread. */
static inline bool sluice_charge(const struct sluice_host *host, int64_t bytes)
{
    return host->table->charge(host, bytes);
}

/* What the whole pipeline has left: a step that holds rows moves them to sluice_this_run()->spill_path
 * in time. Any thread. */
static inline void sluice_memory(const struct sluice_host *host, struct sluice_memory *memory)
{
    host->table->memory(host, memory);
}

/* Counts bytes that the step has moved to disk, for metrics and the summary of the run. */
static inline void sluice_spilled(const struct sluice_host *host, int64_t bytes)
{
    host->table->spilled(host, bytes);
}

/* Room for `extra` more bytes behind buffer->size. FATAL when memory is out. */
static inline enum sluice_status sluice_buffer_reserve(const struct sluice_host *host,
                                                       struct sluice_buffer *buffer, size_t extra)
{
    return host->table->buffer_reserve(host, buffer, extra);
}
static inline void sluice_buffer_free(const struct sluice_host *host, struct sluice_buffer *buffer)
{
    host->table->buffer_free(host, buffer);
}

/* Transform: sends a batch of the output schema downstream; moved whatever the answer. May block
 * for backpressure. Anything but OK must be returned at once. */
static inline enum sluice_status sluice_emit(const struct sluice_host *host,
                                             struct sluice_batch *batch,
                                             struct sluice_error *error)
{
    return host->table->emit(host, batch, error);
}

/* A row that goes to the dead letter instead of on. */
struct sluice_rejected {
    const struct sluice_batch *batch; /* the input batch it stands in, or NULL */
    int64_t row;
    const char *original; /* bytes as they came; NULL: the core writes the batch's row as JSON */
    size_t original_size;
    const char *origin_name; /* without batch: topic, file or object */
    int64_t position;        /* without batch: offset or line; -1: unknown */
};

/* Rejects a row with its reason (code, message and fields of `why`). The row is counted and goes
 * to the flow's dead letter. Anything but OK must be returned at once. */
static inline enum sluice_status sluice_reject(const struct sluice_host *host,
                                               const struct sluice_rejected *rejected,
                                               const struct sluice_error *why)
{
    return host->table->reject(host, rejected, why);
}

/* Sink, inside write: settles one row of the batch at hand. `why` is for REJECT, else NULL. */
static inline void sluice_verdict(const struct sluice_host *host, struct sluice_verdicts *verdicts,
                                  int64_t row, enum sluice_verdict verdict,
                                  const struct sluice_error *why)
{
    host->table->verdict(host, verdicts, row, verdict, why);
}

/* Source: take a checkpoint as soon as possible (before partitions are given away, say). */
static inline void sluice_request_checkpoint(const struct sluice_host *host)
{
    host->table->request_checkpoint(host);
}

/* For sluice_settle(): the checkpoint whose position `restore` gave. */
#define SLUICE_CHECKPOINT_RESTORED UINT64_MAX

/* Deciding source, inside open or read: `checkpoint` is the newest that this process's own member
 * is known to have decided; 0: none. The core finishes its staged output, drops what the member
 * staged later, and returns when that is done. */
static inline enum sluice_status sluice_settle(const struct sluice_host *host, const char *member,
                                               uint64_t checkpoint, struct sluice_error *error)
{
    return host->table->settle(host, member, checkpoint, error);
}

/* The same for another member, whose input this process takes over: in the steps that the
 * settlement names. FATAL where the checkpoint was decided, is not finished and cannot be found. */
static inline enum sluice_status sluice_settle_member(const struct sluice_host *host,
                                                      const char *member, uint64_t checkpoint,
                                                      enum sluice_settlement settlement,
                                                      struct sluice_error *error)
{
    return host->table->settle_member(host, member, checkpoint, settlement, error);
}

/* State streams of any length, for snapshot/stage and restore/commit/recover. */
static inline enum sluice_status sluice_state_write(const struct sluice_host *host,
                                                    struct sluice_state_writer *writer,
                                                    const void *bytes, size_t size)
{
    return host->table->state_write(host, writer, bytes, size);
}
/* Bytes read: fewer than `size` only at the end of the state. */
static inline size_t sluice_state_read(const struct sluice_host *host,
                                       struct sluice_state_reader *reader, void *bytes,
                                       size_t size)
{
    return host->table->state_read(host, reader, bytes, size);
}

/* A named, counted object that instances of one process share: the first that asks makes it
 * (`create` runs under a lock, `user` is passed on), the last release destroys it. */
static inline enum sluice_status
sluice_resource_get(const struct sluice_host *host, const char *name,
                    enum sluice_status (*create)(void *user, void **resource,
                                                 struct sluice_error *error),
                    void (*destroy)(void *resource), void *user, void **resource,
                    struct sluice_error *error)
{
    return host->table->resource_get(host, name, create, destroy, user, resource, error);
}
static inline void sluice_resource_release(const struct sluice_host *host, const char *name)
{
    host->table->resource_release(host, name);
}

/* Shortest text that reads back as the same double; returns its length. NaN and infinities give
 * "NaN", "Infinity", "-Infinity". */
static inline size_t sluice_format_float64(const struct sluice_host *host, double value,
                                           char text[32])
{
    return host->table->format_float64(host, value, text);
}
/* ISO 8601 in UTC with Z; fraction of 3 or 6 digits only where needed; returns its length. */
static inline size_t sluice_format_timestamp(const struct sluice_host *host, int64_t value_us,
                                             char text[40])
{
    return host->table->format_timestamp(host, value_us, text);
}
/* Appends the value as plain text (strings as they are, nothing for null). */
static inline enum sluice_status sluice_format_value(const struct sluice_host *host,
                                                     const struct sluice_column *column,
                                                     int64_t row, struct sluice_buffer *buffer)
{
    return host->table->format_value(host, column, row, buffer);
}
/* Parses by a field's time format. False where the text does not fit it exactly. */
static inline bool sluice_parse_timestamp(const struct sluice_host *host,
                                          const struct sluice_time_format *format,
                                          const char *bytes, size_t size, int64_t *value_us)
{
    return host->table->parse_timestamp(host, format, bytes, size, value_us);
}
/* The same for many texts, up to the first that does not fit; gives how many did. A text whose bytes
 * are NULL gives 0. */
static inline int64_t sluice_parse_timestamps(const struct sluice_host *host,
                                              const struct sluice_time_format *format,
                                              const struct sluice_string *texts, int64_t count,
                                              int64_t *values_us)
{
    return host->table->parse_timestamps(host, format, texts, count, values_us);
}
static inline bool sluice_is_utf8(const struct sluice_host *host, const char *bytes, size_t size)
{
    return host->table->is_utf8(host, bytes, size);
}
/* The hash that dictionaries and exchanges use (XXH3, 64 bits). */
static inline uint64_t sluice_hash_bytes(const struct sluice_host *host, const void *bytes,
                                         size_t size)
{
    return host->table->hash_bytes(host, bytes, size);
}

/* Appends the template's text for one row. With is_path, bytes of column values that could leave
 * the folder that the template names (slash, percent, control bytes, a leading dot) are written as
 * %XX. REJECT where a value that it needs is null. */
static inline enum sluice_status sluice_template_render(const struct sluice_host *host,
                                                        const struct sluice_template *template_,
                                                        const struct sluice_batch *batch,
                                                        int64_t row, bool is_path,
                                                        struct sluice_buffer *buffer)
{
    return host->table->template_render(host, template_, batch, row, is_path, buffer);
}

/* The literal text before the first and behind the last column of the template. True where it names
 * no column: the prefix is the whole text then. The bytes live as long as the template. */
static inline bool sluice_template_ends(const struct sluice_host *host,
                                        const struct sluice_template *template_,
                                        struct sluice_string *prefix,
                                        struct sluice_string *suffix)
{
    return host->table->template_ends(host, template_, prefix, suffix);
}

#ifdef __cplusplus
}
#endif

#endif
