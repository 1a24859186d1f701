/* SPDX-License-Identifier: Apache-2.0 */
/* The services that the core hands to a plugin. A plugin links no library of the core: all that it
 * calls comes through this table, by the wrappers in the headers beside it (error.h, batch.h,
 * service.h), which carry the documentation of each call.
 *
 * Each instance gets its own host pointer at create; it is valid until destroy returns. Calls are
 * for the thread that runs the instance at the moment, unless their text says "any thread".
 * The table only grows at its end; its size is in struct_size. */
#ifndef SLUICE_HOST_H
#define SLUICE_HOST_H

#include <stdarg.h>

#include <sluice/arrow_c_data.h>
#include <sluice/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sluice_column_source;
struct sluice_raw_column;
struct sluice_rejected;

typedef const struct sluice_host *sluice_host_ref;

struct sluice_host_table {
    size_t struct_size;

    /* error.h */
    enum sluice_status (*error_set)(sluice_host_ref, struct sluice_error *, enum sluice_status,
                                    enum sluice_code, const char *format, va_list);
    void (*error_field)(sluice_host_ref, struct sluice_error *, enum sluice_error_field,
                        const char *format, va_list);
    void (*error_cause)(sluice_host_ref, struct sluice_error *, const char *format, va_list);
    void (*error_retry_after)(sluice_host_ref, struct sluice_error *, int64_t delay_ms);

    /* service.h: log, metrics, run, time */
    void (*log)(sluice_host_ref, enum sluice_log_level, const struct sluice_log_field *, size_t,
                const char *format, va_list);
    void (*metric_add)(sluice_host_ref, size_t row, const char *const *labels, double value);
    void (*metric_set)(sluice_host_ref, size_t row, const char *const *labels, double value);
    void (*metric_observe)(sluice_host_ref, size_t row, const char *const *labels, double value);
    const struct sluice_run *(*run)(sluice_host_ref);
    const struct sluice_schema *(*input_schema)(sluice_host_ref);
    const struct sluice_schema *(*output_schema)(sluice_host_ref);
    bool (*input_has_property)(sluice_host_ref, enum sluice_property, const char *const *columns,
                               size_t count);
    bool (*is_cancelled)(sluice_host_ref);
    int64_t (*now_ms)(sluice_host_ref);
    int64_t (*monotonic_ms)(sluice_host_ref);
    uint64_t (*random)(sluice_host_ref);
    void (*progress)(sluice_host_ref, int64_t done_bytes, int64_t total_bytes);

    /* service.h: memory */
    void *(*alloc)(sluice_host_ref, size_t size);
    void *(*resize)(sluice_host_ref, void *memory, size_t size);
    void (*free)(sluice_host_ref, void *memory);
    bool (*charge)(sluice_host_ref, int64_t bytes);
    enum sluice_status (*buffer_reserve)(sluice_host_ref, struct sluice_buffer *, size_t extra);
    void (*buffer_free)(sluice_host_ref, struct sluice_buffer *);

    /* service.h: rows and control */
    enum sluice_status (*emit)(sluice_host_ref, struct sluice_batch *, struct sluice_error *);
    enum sluice_status (*reject)(sluice_host_ref, const struct sluice_rejected *,
                                 const struct sluice_error *why);
    void (*verdict)(sluice_host_ref, struct sluice_verdicts *, int64_t row, enum sluice_verdict,
                    const struct sluice_error *why);
    void (*request_checkpoint)(sluice_host_ref);
    enum sluice_status (*settle)(sluice_host_ref, const char *member, uint64_t checkpoint,
                                 struct sluice_error *);
    enum sluice_status (*state_write)(sluice_host_ref, struct sluice_state_writer *, const void *,
                                      size_t);
    size_t (*state_read)(sluice_host_ref, struct sluice_state_reader *, void *, size_t);
    enum sluice_status (*resource_get)(sluice_host_ref, const char *name,
                                       enum sluice_status (*create)(void *user, void **resource,
                                                                    struct sluice_error *),
                                       void (*destroy)(void *resource), void *user,
                                       void **resource, struct sluice_error *);
    void (*resource_release)(sluice_host_ref, const char *name);

    /* service.h: values, templates, codecs */
    size_t (*format_float64)(sluice_host_ref, double value, char text[32]);
    size_t (*format_timestamp)(sluice_host_ref, int64_t value_us, char text[40]);
    enum sluice_status (*format_value)(sluice_host_ref, const struct sluice_column *, int64_t row,
                                       struct sluice_buffer *);
    bool (*parse_timestamp)(sluice_host_ref, const struct sluice_time_format *, const char *,
                            size_t, int64_t *value_us);
    bool (*is_utf8)(sluice_host_ref, const char *, size_t);
    uint64_t (*hash_bytes)(sluice_host_ref, const void *, size_t);
    enum sluice_status (*template_render)(sluice_host_ref, const struct sluice_template *,
                                          const struct sluice_batch *, int64_t row, bool is_path,
                                          struct sluice_buffer *);
    bool (*template_ends)(sluice_host_ref, const struct sluice_template *, struct sluice_string *prefix,
                          struct sluice_string *suffix);
    const char *(*codec_name)(sluice_host_ref, const struct sluice_codec_choice *);
    enum sluice_status (*decoder_create)(sluice_host_ref, const struct sluice_codec_choice *,
                                         const struct sluice_schema *declared,
                                         const struct sluice_schema *produced,
                                         struct sluice_decoder **, struct sluice_error *);
    enum sluice_status (*decoder_begin)(sluice_host_ref, struct sluice_decoder *, const char *name,
                                        struct sluice_error *);
    enum sluice_status (*decoder_decode)(sluice_host_ref, struct sluice_decoder *, const char *,
                                         size_t, bool is_last, size_t *consumed,
                                         struct sluice_batch **, struct sluice_error *);
    enum sluice_status (*decoder_values)(sluice_host_ref, struct sluice_decoder *,
                                         const struct sluice_batch *, int column,
                                         struct sluice_batch **, int32_t *rows, int64_t *row_count,
                                         struct sluice_error *);
    void (*decoder_destroy)(sluice_host_ref, struct sluice_decoder *);
    enum sluice_status (*encoder_create)(sluice_host_ref, const struct sluice_codec_choice *,
                                         const struct sluice_schema *, struct sluice_encoder **,
                                         struct sluice_error *);
    enum sluice_status (*encoder_begin)(sluice_host_ref, struct sluice_encoder *,
                                        struct sluice_buffer *, struct sluice_error *);
    enum sluice_status (*encoder_encode)(sluice_host_ref, struct sluice_encoder *,
                                         const struct sluice_batch *, const int32_t *rows,
                                         int64_t count, struct sluice_buffer *,
                                         struct sluice_error *);
    enum sluice_status (*encoder_finish)(sluice_host_ref, struct sluice_encoder *,
                                         struct sluice_buffer *, struct sluice_error *);
    void (*encoder_destroy)(sluice_host_ref, struct sluice_encoder *);

    /* batch.h */
    void (*batch_retain)(sluice_host_ref, const struct sluice_batch *);
    void (*batch_release)(sluice_host_ref, const struct sluice_batch *);
    int64_t (*batch_rows)(sluice_host_ref, const struct sluice_batch *);
    int64_t (*batch_bytes)(sluice_host_ref, const struct sluice_batch *);
    int (*batch_sender)(sluice_host_ref, const struct sluice_batch *);
    const struct sluice_schema *(*batch_schema)(sluice_host_ref, const struct sluice_batch *);
    int (*batch_find)(sluice_host_ref, const struct sluice_batch *, const char *name);
    void (*batch_column)(sluice_host_ref, const struct sluice_batch *, int index,
                         struct sluice_column *);
    bool (*batch_origin)(sluice_host_ref, const struct sluice_batch *, int64_t row,
                         struct sluice_origin *, int64_t *position);
    enum sluice_status (*batch_slice)(sluice_host_ref, const struct sluice_batch *, int64_t first,
                                      int64_t count, struct sluice_batch **,
                                      struct sluice_error *);
    enum sluice_status (*batch_take)(sluice_host_ref, const struct sluice_batch *,
                                     const int32_t *rows, int64_t count, struct sluice_batch **,
                                     struct sluice_error *);
    enum sluice_status (*batch_assemble)(sluice_host_ref, const struct sluice_schema *,
                                         const struct sluice_column_source *,
                                         struct sluice_batch **, struct sluice_error *);
    enum sluice_status (*batch_export)(sluice_host_ref, const struct sluice_batch *,
                                       struct ArrowArray *, struct ArrowSchema *,
                                       struct sluice_error *);
    enum sluice_status (*batch_adopt)(sluice_host_ref, struct ArrowArray *, struct ArrowSchema *,
                                      const struct sluice_schema *, struct sluice_batch **,
                                      struct sluice_error *);
    enum sluice_status (*batch_hash)(sluice_host_ref, const struct sluice_batch *,
                                     const int *columns, size_t column_count, uint64_t *hashes,
                                     struct sluice_error *);
    int (*batch_compare)(sluice_host_ref, const struct sluice_batch *, int64_t row,
                         const struct sluice_batch *, int64_t other_row, const int *columns,
                         size_t column_count);

    enum sluice_status (*builder_create)(sluice_host_ref, const struct sluice_schema *,
                                         struct sluice_builder **, struct sluice_error *);
    void (*builder_destroy)(sluice_host_ref, struct sluice_builder *);
    enum sluice_status (*builder_null)(sluice_host_ref, struct sluice_builder *, int column);
    enum sluice_status (*builder_bool)(sluice_host_ref, struct sluice_builder *, int column, bool);
    enum sluice_status (*builder_int64)(sluice_host_ref, struct sluice_builder *, int column,
                                        int64_t);
    enum sluice_status (*builder_float64)(sluice_host_ref, struct sluice_builder *, int column,
                                          double);
    enum sluice_status (*builder_string)(sluice_host_ref, struct sluice_builder *, int column,
                                         const char *, size_t);
    enum sluice_status (*builder_value)(sluice_host_ref, struct sluice_builder *, int column,
                                        const struct sluice_column *, int64_t row);
    enum sluice_status (*builder_end_row)(sluice_host_ref, struct sluice_builder *,
                                          int64_t position);
    void (*builder_drop_row)(sluice_host_ref, struct sluice_builder *);
    enum sluice_status (*builder_origin)(sluice_host_ref, struct sluice_builder *, const char *name,
                                         int32_t partition);
    int64_t (*builder_rows)(sluice_host_ref, const struct sluice_builder *);
    int64_t (*builder_bytes)(sluice_host_ref, const struct sluice_builder *);
    enum sluice_status (*builder_reserve)(sluice_host_ref, struct sluice_builder *, int column,
                                          int64_t rows, size_t bytes, struct sluice_raw_column *);
    enum sluice_status (*builder_commit)(sluice_host_ref, struct sluice_builder *, int column,
                                         int64_t rows, size_t bytes, int64_t null_count);
    enum sluice_status (*builder_finish)(sluice_host_ref, struct sluice_builder *,
                                         struct sluice_batch **, struct sluice_error *);

    enum sluice_status (*dictionary_get)(sluice_host_ref, const char *column,
                                         struct sluice_dictionary **, struct sluice_error *);
    int32_t (*dictionary_code)(sluice_host_ref, struct sluice_dictionary *, const char *, size_t,
                               uint64_t hash);
    int32_t (*dictionary_find)(sluice_host_ref, const struct sluice_dictionary *, const char *,
                               size_t, uint64_t hash);

    /* planning.h */
    const struct sluice_schema *(*planning_input)(sluice_host_ref, struct sluice_planning *);
    bool (*planning_is_batch)(sluice_host_ref, struct sluice_planning *);
    enum sluice_status (*planning_output)(sluice_host_ref, struct sluice_planning *,
                                          const struct sluice_field *, size_t field_size);
    void (*planning_key)(sluice_host_ref, struct sluice_planning *, const char *column);
    void (*planning_reads)(sluice_host_ref, struct sluice_planning *, const char *column);
    void (*planning_property)(sluice_host_ref, struct sluice_planning *, enum sluice_property,
                              const char *const *columns, size_t count);
    bool (*planning_has_property)(sluice_host_ref, struct sluice_planning *, enum sluice_property,
                                  const char *const *columns, size_t count);
    void (*planning_warn)(sluice_host_ref, struct sluice_planning *, const char *option,
                          const char *format, va_list);
    void (*planning_at_least_once)(sluice_host_ref, struct sluice_planning *, const char *why);

    /* service.h: the staged output of members */
    enum sluice_status (*settle_member)(sluice_host_ref, const char *member, uint64_t checkpoint,
                                        enum sluice_settlement, struct sluice_error *);

    /* planning.h */
    bool (*planning_has_member_folder)(sluice_host_ref, struct sluice_planning *);

    /* service.h: memory */
    void (*memory)(sluice_host_ref, struct sluice_memory *);
    void (*spilled)(sluice_host_ref, int64_t bytes);

    /* batch.h and service.h: what the core's own metrics and /readyz are made from */
    void (*batch_set_event_time)(sluice_host_ref, struct sluice_batch *, int64_t oldest_us);
    void (*readiness)(sluice_host_ref, const char *waits_for);

    /* builder.h, service.h: many values at once */
    enum sluice_status (*builder_strings)(sluice_host_ref, struct sluice_builder *, int column,
                                          const struct sluice_string *, int64_t count);
    enum sluice_status (*builder_end_rows)(sluice_host_ref, struct sluice_builder *,
                                           const int64_t *positions, int64_t count);
    int64_t (*parse_timestamps)(sluice_host_ref, const struct sluice_time_format *,
                                const struct sluice_string *, int64_t count, int64_t *values_us);
};

/* What a plugin sees of the host. The core's own part stands behind it. */
struct sluice_host {
    const struct sluice_host_table *table;
};

#ifdef __cplusplus
}
#endif

#endif
