/* SPDX-License-Identifier: Apache-2.0 */
/* Rows to the bytes of a file: codec, then compressor. Bytes gather in `out` until somebody writes
 * them and sets its size to 0. */
#ifndef SLUICE_SINK_FILE_ROW_ENCODER_H
#define SLUICE_SINK_FILE_ROW_ENCODER_H

#include "file_options.h"

#include "compression/compression.h"

#include <sluice/codec.h>

struct row_encoder {
    const struct sluice_host *host;
    struct sluice_encoder *encoder;
    struct compressor *compressor; /* NULL: none */
    struct sluice_buffer plain;    /* on its way to the compressor */
    struct sluice_buffer out;
    bool has_open_member; /* the compressor took bytes since it was last finished */
};

enum sluice_status row_encoder_init(struct row_encoder *rows, const struct sluice_host *host,
                                    const struct file_options *options, const char *path,
                                    struct sluice_error *error);
void row_encoder_reset(struct row_encoder *rows);

/* A file begins; where it has rows already, the codec's header is left out. */
enum sluice_status row_encoder_begin(struct row_encoder *rows, bool has_rows,
                                     struct sluice_error *error);
enum sluice_status row_encoder_write(struct row_encoder *rows, const struct sluice_batch *batch,
                                     struct sluice_error *error);
/* The bytes so far can be read for themselves: ends the compressor's member or frame. */
enum sluice_status row_encoder_stage(struct row_encoder *rows, struct sluice_error *error);
/* The file ends. */
enum sluice_status row_encoder_finish(struct row_encoder *rows, struct sluice_error *error);

#endif
