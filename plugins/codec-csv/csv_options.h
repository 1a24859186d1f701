/* SPDX-License-Identifier: Apache-2.0 */
/* Options of codec csv, and the two halves of its callback table. */
#ifndef SLUICE_CODEC_CSV_OPTIONS_H
#define SLUICE_CODEC_CSV_OPTIONS_H

#include <sluice/codec.h>

enum csv_line_ending { CSV_LF = 0, CSV_CRLF };

struct csv_options {
    const char *delimiter;
    const char *quote;
    bool header;
    int line_ending; /* enum csv_line_ending */
    int64_t max_record_bytes;
};

extern const struct sluice_codec csv_codec;

/* One byte each, different, and neither a line end. CONFIG otherwise. */
enum sluice_status csv_check_options(const struct sluice_host *host,
                                     const struct csv_options *options, struct sluice_error *error);

enum sluice_status csv_encoder_create(const struct sluice_host *host, const void *options,
                                      const struct sluice_schema *schema, void **encoder,
                                      struct sluice_error *error);
enum sluice_status csv_encoder_begin(void *encoder, struct sluice_buffer *buffer,
                                     struct sluice_error *error);
enum sluice_status csv_encode(void *encoder, const struct sluice_batch *batch, const int32_t *rows,
                              int64_t count, struct sluice_buffer *buffer,
                              struct sluice_error *error);
enum sluice_status csv_encoder_finish(void *encoder, struct sluice_buffer *buffer,
                                      struct sluice_error *error);
void csv_encoder_destroy(void *encoder);

#endif
