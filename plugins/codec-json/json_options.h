/* SPDX-License-Identifier: Apache-2.0 */
/* Options of codec json, and the two halves of its callback table. */
#ifndef SLUICE_CODEC_JSON_OPTIONS_H
#define SLUICE_CODEC_JSON_OPTIONS_H

#include <sluice/codec.h>

struct json_options {
    int64_t max_record_bytes;
};

extern const struct sluice_codec json_codec;

enum sluice_status json_encoder_create(const struct sluice_host *host, const void *options,
                                       const struct sluice_schema *schema, void **encoder,
                                       struct sluice_error *error);
enum sluice_status json_encoder_begin(void *encoder, struct sluice_buffer *buffer,
                                      struct sluice_error *error);
enum sluice_status json_encode(void *encoder, const struct sluice_batch *batch, const int32_t *rows,
                               int64_t count, struct sluice_buffer *buffer,
                               struct sluice_error *error);
enum sluice_status json_encoder_finish(void *encoder, struct sluice_buffer *buffer,
                                       struct sluice_error *error);
void json_encoder_destroy(void *encoder);

#endif
