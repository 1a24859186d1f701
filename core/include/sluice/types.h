/* SPDX-License-Identifier: Apache-2.0 */
/* The plain types that every contract shares: status, error codes, schemas, columns, views.
 * Nothing here calls anything. */
#ifndef SLUICE_TYPES_H
#define SLUICE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sluice_host;
struct sluice_error;
struct sluice_batch;
struct sluice_builder;
struct sluice_dictionary;
struct sluice_template;
struct sluice_time_format;
struct sluice_codec_choice;
struct sluice_decoder;
struct sluice_encoder;
struct sluice_planning;
struct sluice_verdicts;
struct sluice_state_writer;
struct sluice_state_reader;

/* What a callback answers. The set is closed: a new meaning is a new error code, not a status. */
enum sluice_status {
    SLUICE_OK = 0,
    SLUICE_END,           /* source: nothing will ever come again */
    SLUICE_AGAIN,         /* source: nothing now, ask again */
    SLUICE_RETRY,         /* transient: the core makes the same call again after a backoff */
    SLUICE_REJECT,        /* these rows are bad; the flow goes on without them */
    SLUICE_NOT_CONNECTED, /* the core closes the instance and opens it again, then repeats the call */
    SLUICE_CONFIG,        /* the user's configuration cannot work: the flow stops */
    SLUICE_FATAL          /* anything else that stops the flow */
};

/* Stable error codes: code, name in logs, metrics and dead letters, what it means. The one list
 * that enum, names and the reference page are made from. Codes are added at the end. */
#define SLUICE_ERROR_CODES(X)                                                                      \
    X(NONE, "none", "no error")                                                                    \
    X(CONFIG_INVALID, "config_invalid", "an option or a combination of options cannot work")       \
    X(PLUGIN_LOAD, "plugin_load", "a plugin file could not be loaded")                             \
    X(OUT_OF_MEMORY, "out_of_memory", "the system gave no memory")                                 \
    X(OVER_BUDGET, "over_budget", "the pipeline's memory budget is used up")                       \
    X(IO_ERROR, "io_error", "reading or writing a file failed")                                    \
    X(NOT_FOUND, "not_found", "a file, object, bucket, topic or index does not exist")             \
    X(PERMISSION_DENIED, "permission_denied", "the credentials are known but not allowed to")      \
    X(AUTH_FAILED, "auth_failed", "the credentials were not accepted")                             \
    X(CONNECT_FAILED, "connect_failed", "the server could not be reached")                         \
    X(TIMEOUT, "timeout", "the server did not answer in time")                                     \
    X(TLS_FAILED, "tls_failed", "the TLS handshake or the certificate check failed")               \
    X(HTTP_STATUS, "http_status", "the server answered with an unexpected HTTP status")            \
    X(PROTOCOL_ERROR, "protocol_error", "the server's answer could not be understood")             \
    X(THROTTLED, "throttled", "the server asked to slow down")                                     \
    X(UNAVAILABLE, "unavailable", "the server cannot serve the request now")                       \
    X(CONFLICT, "conflict", "somebody else changed the same thing first")                          \
    X(CANCELLED, "cancelled", "the run is being stopped")                                          \
    X(STATE_CORRUPT, "state_corrupt", "a checkpoint or state file is damaged")                     \
    X(STATE_VERSION, "state_version", "a checkpoint was written by a newer or different plan")     \
    X(JSON_MALFORMED, "json_malformed", "the record is not one valid JSON value")                  \
    X(JSON_NOT_OBJECT, "json_not_object", "the record is JSON, but not an object")                 \
    X(CSV_MALFORMED, "csv_malformed", "the record breaks the CSV quoting rules")                   \
    X(CSV_COLUMNS, "csv_columns", "the record has too few or too many columns")                    \
    X(UTF8_INVALID, "utf8_invalid", "the record holds bytes that are not UTF-8")                   \
    X(FIELD_MISSING, "field_missing", "a required field is absent or null")                        \
    X(FIELD_DUPLICATE, "field_duplicate", "a declared field occurs twice in the record")           \
    X(TYPE_MISMATCH, "type_mismatch", "a field has another type than declared")                    \
    X(NUMBER_RANGE, "number_range", "a number does not fit its declared type")                     \
    X(TIMESTAMP_INVALID, "timestamp_invalid", "a timestamp does not fit its declared format")      \
    X(RECORD_TOO_LONG, "record_too_long", "a record is longer than the limit")                     \
    X(COMPRESSION_CORRUPT, "compression_corrupt", "compressed bytes are damaged or cut off")       \
    X(KEY_UNSAFE, "key_unsafe", "a templated name would leave its prefix")                         \
    X(DOCUMENT_REJECTED, "document_rejected", "the search server refused the document")            \
    X(VERSION_CONFLICT, "version_conflict", "the target holds a newer version of the document")    \
    X(MESSAGE_REJECTED, "message_rejected", "the broker refused the message")                      \
    X(OFFSET_OUT_OF_RANGE, "offset_out_of_range", "the broker no longer has the offset")           \
    X(FENCED, "fenced", "another process took over the same member id")                            \
    X(REBALANCED, "rebalanced", "the partitions were given to another member")                     \
    X(DELIVERY_FAILED, "delivery_failed", "the target did not confirm what was sent")              \
    X(INTERNAL, "internal", "a bug in sluice or in a plugin")                                      \
    X(SINK_UNAVAILABLE, "sink_unavailable", "a sink of best effort does not answer")

enum sluice_code {
#define SLUICE_CODE_ENTRY(name, text, meaning) SLUICE_CODE_##name,
    SLUICE_ERROR_CODES(SLUICE_CODE_ENTRY)
#undef SLUICE_CODE_ENTRY
    SLUICE_CODE_COUNT
};

/* What is to be done about the output that a member has staged. A member that may be alive stages
 * on while it is looked at: so what may be dropped is noted first, then it is found out whether the
 * member can still decide anything, then what was noted is dropped. */
enum sluice_settlement {
    SLUICE_SETTLE_OWN = 0,  /* this process's own member: finish the checkpoint, drop the rest */
    SLUICE_SETTLE_FINISH,   /* finish the checkpoint; the rest belongs to a member that lives */
    SLUICE_SETTLE_NOTE,     /* finish nothing, drop nothing, note what is there */
    SLUICE_SETTLE_TAKE_OVER /* finish the checkpoint, drop the rest of what was noted */
};

/* Where an error is. Values are text; several fields may be set on one error. */
enum sluice_error_field {
    SLUICE_AT_OPTION = 0, /* name of the option at fault: the core adds file:line:column */
    SLUICE_AT_ITEM,       /* key or index inside that option, where it is a list or a map */
    SLUICE_AT_TOPIC,
    SLUICE_AT_PARTITION,
    SLUICE_AT_OFFSET,
    SLUICE_AT_OBJECT, /* file path or object key */
    SLUICE_AT_LINE,
    SLUICE_AT_COLUMN, /* column (field) name of the record */
    SLUICE_AT_URL,    /* without credentials */
    SLUICE_AT_HTTP_STATUS,
    SLUICE_AT_FIELD_COUNT
};

/* Bytes that somebody else owns. Not NUL-terminated. */
struct sluice_string {
    const char *bytes;
    size_t size;
};

/* Growable bytes. Zero-initialised is empty. Grown and freed by host calls only (buffer.h part of
 * host.h). data has SLUICE_PADDING readable bytes behind capacity. */
struct sluice_buffer {
    char *data;
    size_t size;
    size_t capacity;
};

/* Readable bytes behind every buffer that the host allocates and behind every decode input, so
 * that SIMD code may read past an end (simdjson needs 64). */
#define SLUICE_PADDING 64

/* Column types and their Arrow formats: b, l, g, u, z, tsu:UTC (microseconds since 1970, UTC). */
enum sluice_type {
    SLUICE_TYPE_NONE = 0,
    SLUICE_TYPE_BOOL,
    SLUICE_TYPE_INT64,
    SLUICE_TYPE_FLOAT64,
    SLUICE_TYPE_STRING,
    SLUICE_TYPE_BINARY,
    SLUICE_TYPE_TIMESTAMP
};

/* One column of a schema. Grows at its end: walk fields with sluice_schema_field(). Strings live
 * as long as the schema. */
struct sluice_field {
    const char *name;
    enum sluice_type type;
    bool is_required;               /* null or absent is an error (reject) when decoding */
    bool is_dictionary;             /* the plan wants this string column as dictionary codes; a
                                     * builder made from the schema does that by itself */
    const char *path;               /* where a decoder finds it: dotted JSON path or CSV header;
                                     * NULL: the name */
    const char *default_text;       /* text of the value for an absent field; NULL: none */
    const struct sluice_time_format *time_format; /* timestamps only; never NULL there */
};

struct sluice_schema {
    size_t field_size; /* sizeof(struct sluice_field) of whoever made it */
    size_t field_count;
    const struct sluice_field *fields;
};

static inline const struct sluice_field *sluice_schema_field(const struct sluice_schema *schema,
                                                             size_t index)
{
    return (const struct sluice_field *)(const void *)((const char *)schema->fields +
                                                       index * schema->field_size);
}

/* A read-only view of one column of a batch: valid while the batch is. Pointers are already moved
 * to row 0 of the batch, except bitmaps, which start at bit_offset. */
struct sluice_column {
    enum sluice_type type;
    int64_t length;
    int64_t null_count;      /* exact */
    const uint8_t *validity; /* bit (bit_offset + row), 1 = has a value; NULL: no nulls */
    int64_t bit_offset;
    const void *values;      /* INT64, TIMESTAMP: int64_t[]; FLOAT64: double[]; BOOL: bitmap */
    const int32_t *offsets;  /* STRING, BINARY: value i is bytes[offsets[i]] .. offsets[i + 1];
                              * i is the row, or the code where codes is set */
    const char *bytes;
    const int32_t *codes;    /* dictionary codes by row, or NULL where the column is plain */
    int64_t dictionary_length;
    const uint64_t *hashes;  /* hash of each dictionary entry by code, or NULL */
    bool is_padded;          /* SLUICE_PADDING bytes behind bytes may be read */
};

static inline bool sluice_column_is_null(const struct sluice_column *column, int64_t row)
{
    int64_t bit = column->bit_offset + row;
    return column->validity && !((column->validity[bit >> 3] >> (bit & 7)) & 1);
}

static inline bool sluice_column_bool(const struct sluice_column *column, int64_t row)
{
    int64_t bit = column->bit_offset + row;
    return (((const uint8_t *)column->values)[bit >> 3] >> (bit & 7)) & 1;
}

static inline int64_t sluice_column_int64(const struct sluice_column *column, int64_t row)
{
    return ((const int64_t *)column->values)[row];
}

static inline double sluice_column_float64(const struct sluice_column *column, int64_t row)
{
    return ((const double *)column->values)[row];
}

/* STRING and BINARY, plain or dictionary. The row must not be null. */
static inline struct sluice_string sluice_column_string(const struct sluice_column *column,
                                                        int64_t row)
{
    int64_t i = column->codes ? column->codes[row] : row;
    struct sluice_string string = {column->bytes + column->offsets[i],
                                   (size_t)(column->offsets[i + 1] - column->offsets[i])};
    return string;
}

/* Where rows came from. A batch has zero or more origins, sorted by first_row, and a position a
 * row: the Kafka offset, or the line (from 1) in the file or object. */
struct sluice_origin {
    int64_t first_row;
    const char *name;  /* topic, file path or object key */
    int32_t partition; /* Kafka partition, else -1 */
};

enum sluice_log_level {
    SLUICE_LOG_DEBUG = 0,
    SLUICE_LOG_INFO,
    SLUICE_LOG_WARN,
    SLUICE_LOG_ERROR
};

struct sluice_log_field {
    const char *key;
    const char *value;
};

/* A verdict about one row of a write. Rows without one, when write answers OK, are DONE. */
enum sluice_verdict {
    SLUICE_VERDICT_NONE = 0,
    SLUICE_VERDICT_DONE,      /* taken: the sink answers for it at the next stage */
    SLUICE_VERDICT_DUPLICATE, /* was there already: counted, otherwise DONE */
    SLUICE_VERDICT_REJECT     /* will never be taken: goes to the dead letter */
};

/* What is known of the order of a stream. Properties are about sets of columns. */
enum sluice_property {
    SLUICE_PARTITIONED_BY = 0, /* equal values of the columns come from one lane only */
    SLUICE_CLUSTERED_BY        /* from one lane, equal values come directly after each other */
};

/* Facts about the run that an instance may ask for. Lives as long as the instance. */
struct sluice_run {
    size_t struct_size;
    const char *pipeline;
    const char *flow;
    const char *step;        /* unique in its flow */
    const char *member;      /* static member id: [A-Za-z0-9._-]{1,64} */
    const char *member_path; /* folder that only this member writes; exists. "" where the state
                              * lies in an object store */
    uint64_t nonce;          /* random, drawn at the start of the flow: differs in each attempt */
    uint64_t run;            /* batch flow: number of this attempt, larger than every earlier one
                              * (milliseconds since 1970 or more); continuous flow: 0 */
    bool is_batch;           /* flow with every/after: one run, one checkpoint at its end */
    bool is_once;            /* take what is there, then END */
    int lane;                /* 0 .. lane_count - 1 */
    int lane_count;          /* instances of this step that run side by side */
    int64_t memory_bytes;    /* this instance's fair share of settings.memory */
    bool is_replay;          /* letters of the dead letter come in the place of the input: only a
                              * source with `decide` is read. It gives no rows, answers END once it
                              * can decide a checkpoint, and is read on to keep its place */
    const char *spill_path;  /* folder for what a step moves to disk while memory is short */
};

/* How much of a pipeline's budget is used. */
struct sluice_memory {
    int64_t limit_bytes; /* 0: none */
    int64_t used_bytes;
};

#ifdef __cplusplus
}
#endif

#endif
