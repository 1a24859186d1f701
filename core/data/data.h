/* SPDX-License-Identifier: Apache-2.0 */
/* Room data: batches and everything that is done to their values.
 *
 *     builder ──finish──▶ batch ──slice / take / assemble──▶ batch ──export──▶ ArrowArray
 *        │                  ▲                                            adopt ◀── ArrowArray
 *        └── dictionary ────┘
 *
 * A batch is immutable and counted; its buffers are shared by slices, assembled batches and
 * exports, and are charged to the account of whoever made them until the last reference goes. The
 * semantics of each call are those of the public wrapper of the same name (sluice/batch.h,
 * sluice/builder.h); here stands what the core needs beside them.
 *
 * An account must outlive every batch, builder and dictionary that it is charged for.
 *
 * Codes: column.hashes is set for the flow's own dictionaries only. Batches whose views have equal
 * `hashes` pointers share their codes; codes of a foreign dictionary (hashes NULL) mean something
 * within their batch alone. The code of a null row is not specified.
 *
 * Threads: retain, release, reads and the dictionary are for any thread; a builder is for one. */
#ifndef SLUICE_DATA_DATA_H
#define SLUICE_DATA_DATA_H

#include "base/base.h"

#include <sluice/arrow_c_data.h>
#include <sluice/batch.h>
#include <sluice/builder.h>

/* ---- schema ---- */

const char *type_name(enum sluice_type type);    /* "int64", "string", "timestamp" … */
enum sluice_type type_by_name(const char *name); /* NONE where unknown */
int schema_find(const struct sluice_schema *schema, const char *name); /* -1 where absent */
/* Same names and types in the same order. */
bool schema_equal(const struct sluice_schema *one, const struct sluice_schema *other);

/* ---- batch ---- */

void batch_retain(const struct sluice_batch *batch);
void batch_release(const struct sluice_batch *batch);
int64_t batch_rows(const struct sluice_batch *batch);
int64_t batch_bytes(const struct sluice_batch *batch);
int batch_sender(const struct sluice_batch *batch);
/* When its oldest event happened; 0: not known. The first one to set it does. */
int64_t batch_event_time(const struct sluice_batch *batch);
void batch_set_event_time(struct sluice_batch *batch, int64_t oldest_us);
const struct sluice_schema *batch_schema(const struct sluice_batch *batch);
int batch_find(const struct sluice_batch *batch, const char *name);
void batch_column(const struct sluice_batch *batch, int index, struct sluice_column *column);
bool batch_origin(const struct sluice_batch *batch, int64_t row, struct sluice_origin *origin,
                  int64_t *position);
/* The schemas that batches refer to are copied into them or counted: a batch may outlive the plan.
 * `account` is charged for what is newly allocated; NULL: not accounted. */
enum sluice_status batch_slice(const struct sluice_batch *batch, int64_t first, int64_t count,
                               struct sluice_batch **slice, struct sluice_error *error);
enum sluice_status batch_take(struct account *account, const struct sluice_batch *batch,
                              const int32_t *rows, int64_t count, struct sluice_batch **taken,
                              struct sluice_error *error);
enum sluice_status batch_assemble(const struct sluice_schema *schema,
                                  const struct sluice_column_source *sources,
                                  struct sluice_batch **batch, struct sluice_error *error);
/* A new handle on the same rows that says another sender; used by the exchange. */
enum sluice_status batch_with_sender(const struct sluice_batch *batch, int sender,
                                     struct sluice_batch **sent, struct sluice_error *error);
enum sluice_status batch_export(const struct sluice_batch *batch, struct ArrowArray *array,
                                struct ArrowSchema *arrow_schema, struct sluice_error *error);
enum sluice_status batch_adopt(struct account *account, struct ArrowArray *array,
                               struct ArrowSchema *arrow_schema, const struct sluice_schema *schema,
                               struct sluice_batch **batch, struct sluice_error *error);
enum sluice_status batch_hash(const struct sluice_batch *batch, const int *columns,
                              size_t column_count, uint64_t *hashes, struct sluice_error *error);
int batch_compare(const struct sluice_batch *batch, int64_t row, const struct sluice_batch *other,
                  int64_t other_row, const int *columns, size_t column_count);

struct dictionary_set;

/* ---- builder ---- */

/* `dictionaries` (NULL: none) is where columns with is_dictionary find theirs. */
enum sluice_status builder_create(struct account *account, struct dictionary_set *dictionaries,
                                  const struct sluice_schema *schema,
                                  struct sluice_builder **builder, struct sluice_error *error);
void builder_destroy(struct sluice_builder *builder);
enum sluice_status builder_null(struct sluice_builder *builder, int column);
enum sluice_status builder_bool(struct sluice_builder *builder, int column, bool value);
enum sluice_status builder_int64(struct sluice_builder *builder, int column, int64_t value);
enum sluice_status builder_float64(struct sluice_builder *builder, int column, double value);
enum sluice_status builder_string(struct sluice_builder *builder, int column, const char *bytes,
                                  size_t size);
enum sluice_status builder_value(struct sluice_builder *builder, int column,
                                 const struct sluice_column *source, int64_t row);
enum sluice_status builder_strings(struct sluice_builder *builder, int column,
                                   const struct sluice_string *strings, int64_t count);
enum sluice_status builder_end_row(struct sluice_builder *builder, int64_t position);
enum sluice_status builder_end_rows(struct sluice_builder *builder, const int64_t *positions,
                                    int64_t count);
void builder_drop_row(struct sluice_builder *builder);
enum sluice_status builder_origin(struct sluice_builder *builder, const char *name,
                                  int32_t partition);
int64_t builder_rows(const struct sluice_builder *builder);
int64_t builder_bytes(const struct sluice_builder *builder);
enum sluice_status builder_reserve(struct sluice_builder *builder, int column, int64_t rows,
                                   size_t bytes, struct sluice_raw_column *raw);
enum sluice_status builder_commit(struct sluice_builder *builder, int column, int64_t rows,
                                  size_t bytes, int64_t null_count);
enum sluice_status builder_finish(struct sluice_builder *builder, struct sluice_batch **batch,
                                  struct sluice_error *error);

/* ---- dictionary ---- */

struct dictionary_set;

/* The dictionaries of one run of a flow, by column name, made at first use. Each holds at most
 * cap_entries strings and cap_bytes bytes in reserved address space that never moves; the account
 * is charged as it fills. */
struct dictionary_set *dictionary_set_create(struct account *account, int64_t cap_entries,
                                             int64_t cap_bytes);
/* Batches may outlive the set: they hold references to its dictionaries. */
void dictionary_set_destroy(struct dictionary_set *set);
enum sluice_status dictionary_get(struct dictionary_set *set, const char *column,
                                  struct sluice_dictionary **dictionary,
                                  struct sluice_error *error);
int32_t dictionary_code(struct sluice_dictionary *dictionary, const char *bytes, size_t size,
                        uint64_t hash);
int32_t dictionary_find(const struct sluice_dictionary *dictionary, const char *bytes, size_t size,
                        uint64_t hash);
int32_t dictionary_length(const struct sluice_dictionary *dictionary);
/* Counts strings that a batch has got codes for. False from when on hardly any string repeats: then
 * the entries cost more than they save, and who builds batches goes on with plain strings. */
bool dictionary_is_worthwhile(struct sluice_dictionary *dictionary, int64_t strings);

/* ---- values ---- */

uint64_t hash_bytes(const void *bytes, size_t size);
bool is_utf8(const char *bytes, size_t size);
/* Lengths without the NUL that they write. */
size_t format_float64(double value, char text[32]);
size_t format_int64(int64_t value, char text[24]);
size_t format_timestamp(int64_t value_us, char text[40]);
/* Appends with text_append_bytes. */
void format_value(const struct sluice_column *column, int64_t row, struct text *text);

/* ---- time formats ---- */

/* format: NULL or "iso8601" (with offset or Z; without one the zone applies; date alone, a space
 * for the T, a comma in the fraction and left-out seconds are fine; a fraction has 1 to 9 digits,
 * those finer than a microsecond are cut off), "epoch_s", "epoch_ms", "epoch_us" (as text: decimal,
 * a fraction allowed, no exponent), or a strptime-like pattern of %Y %m %d %H %M %S %f %z %b %T %F
 * %% that gives year, month and day. zone: NULL or "UTC", "+02:00", or an IANA name read from the
 * system's zone files. A local time that does not exist is rejected, of an ambiguous one the
 * earlier is taken. NULL with a CONFIG error that names no option: the caller adds that. */
struct sluice_time_format *time_format_create(struct arena *arena, const char *format,
                                              const char *zone, struct sluice_error *error);
/* "iso8601" in UTC: what a timestamp column has that asks for nothing. Static. */
const struct sluice_time_format *time_format_default(void);
bool time_format_parse(const struct sluice_time_format *format, const char *bytes, size_t size,
                       int64_t *value_us);
/* Many texts, up to the first that does not fit; gives how many did. Without bytes: 0. */
int64_t time_format_parse_many(const struct sluice_time_format *format,
                               const struct sluice_string *texts, int64_t count,
                               int64_t *values_us);
/* strftime in UTC: %Y %m %d %H %M %S %j %F %T %s %%; false on another conversion. */
bool time_print(const char *pattern, int64_t value_us, struct text *text);

/* ---- templates ---- */

/* "dt={timestamp:%Y-%m-%d}/{country}"; "{{" and "}}" are braces. Errors name the character's place
 * in the text. Patterns hold what time_print knows. */
struct sluice_template *template_parse(struct arena *arena, const char *text,
                                       struct sluice_error *error);
size_t template_column_count(const struct sluice_template *template_);
const char *template_column(const struct sluice_template *template_, size_t index);
const char *template_column_pattern(const struct sluice_template *template_, size_t index);
/* Literal text before the first and behind the last column. True where there is no column: then the
 * prefix is everything. */
bool template_ends(const struct sluice_template *template_, struct sluice_string *prefix,
                   struct sluice_string *suffix);
enum sluice_status template_render(const struct sluice_template *template_,
                                   const struct sluice_batch *batch, int64_t row, bool is_path,
                                   struct text *text, struct sluice_error *error);

/* One row as a JSON object, for dead letters and samples; binary as base64, NaN and infinities as
 * strings. */
void format_row_json(const struct sluice_batch *batch, int64_t row, struct text *text);
/* The same without one column; -1: all. */
void format_columns_json(const struct sluice_batch *batch, int64_t row, int left_out,
                         struct text *text);

#endif
