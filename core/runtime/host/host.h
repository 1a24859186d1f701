/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the host table, by file. host.c puts them together. */
#ifndef SLUICE_RUNTIME_HOST_H
#define SLUICE_RUNTIME_HOST_H

#include "runtime/execution.h"

#include <sluice/plugin.h>

static inline struct instance *instance_of(const struct sluice_host *host)
{
    /* The host is the first member of the instance that it was handed out for. */
    return (struct instance *)(uintptr_t)host;
}

/* ---- host_codec.c ---- */

const char *host_codec_name(sluice_host_ref host, const struct sluice_codec_choice *choice);
enum sluice_status host_decoder_create(sluice_host_ref host,
                                       const struct sluice_codec_choice *choice,
                                       const struct sluice_schema *declared,
                                       const struct sluice_schema *produced,
                                       struct sluice_decoder **decoder,
                                       struct sluice_error *error);
enum sluice_status host_decoder_begin(sluice_host_ref host, struct sluice_decoder *decoder,
                                      const char *name, struct sluice_error *error);
enum sluice_status host_decoder_decode(sluice_host_ref host, struct sluice_decoder *decoder,
                                       const char *bytes, size_t size, bool is_last,
                                       size_t *consumed, struct sluice_batch **batch,
                                       struct sluice_error *error);
enum sluice_status host_decoder_values(sluice_host_ref host, struct sluice_decoder *decoder,
                                       const struct sluice_batch *input, int column,
                                       struct sluice_batch **batch, int32_t *rows,
                                       int64_t *row_count, struct sluice_error *error);
void host_decoder_destroy(sluice_host_ref host, struct sluice_decoder *decoder);
enum sluice_status host_encoder_create(sluice_host_ref host,
                                       const struct sluice_codec_choice *choice,
                                       const struct sluice_schema *schema,
                                       struct sluice_encoder **encoder,
                                       struct sluice_error *error);
enum sluice_status host_encoder_begin(sluice_host_ref host, struct sluice_encoder *encoder,
                                      struct sluice_buffer *buffer, struct sluice_error *error);
enum sluice_status host_encoder_encode(sluice_host_ref host, struct sluice_encoder *encoder,
                                       const struct sluice_batch *batch, const int32_t *rows,
                                       int64_t count, struct sluice_buffer *buffer,
                                       struct sluice_error *error);
enum sluice_status host_encoder_finish(sluice_host_ref host, struct sluice_encoder *encoder,
                                       struct sluice_buffer *buffer, struct sluice_error *error);
void host_encoder_destroy(sluice_host_ref host, struct sluice_encoder *encoder);

/* ---- host_metric.c ---- */

void host_metric_add(sluice_host_ref host, size_t row, const char *const *labels, double value);
void host_metric_set(sluice_host_ref host, size_t row, const char *const *labels, double value);
void host_metric_observe(sluice_host_ref host, size_t row, const char *const *labels,
                         double value);

/* ---- host_value.c ---- */

enum sluice_status host_buffer_reserve(sluice_host_ref host, struct sluice_buffer *buffer,
                                       size_t extra);
enum sluice_status host_buffer_grow(struct account *account, struct sluice_buffer *buffer,
                                    size_t extra);
void host_buffer_free(sluice_host_ref host, struct sluice_buffer *buffer);
enum sluice_status host_format_value(sluice_host_ref host, const struct sluice_column *column,
                                     int64_t row, struct sluice_buffer *buffer);
enum sluice_status host_template_render(sluice_host_ref host,
                                        const struct sluice_template *template_,
                                        const struct sluice_batch *batch, int64_t row,
                                        bool is_path, struct sluice_buffer *buffer);

/* ---- host_batch.c ---- */

void host_fill_batch(struct sluice_host_table *table);

#endif
