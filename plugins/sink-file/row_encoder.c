/* SPDX-License-Identifier: Apache-2.0 */
#include "row_encoder.h"

enum sluice_status row_encoder_init(struct row_encoder *rows, const struct sluice_host *host,
                                    const struct file_options *options, const char *path,
                                    struct sluice_error *error)
{
    *rows = (struct row_encoder){.host = host};
    enum compression compression = (enum compression)options->compression;
    if (compression == COMPRESSION_AUTO) {
        compression = compression_detect(path, NULL, 0);
    }
    enum sluice_status status = sluice_encoder_create(
        host, options->format, sluice_input_schema(host), &rows->encoder, error);
    if (status != SLUICE_OK || compression == COMPRESSION_NONE) {
        return status;
    }
    status = compressor_create(host, compression, (int)options->level, &rows->compressor, error);
    if (status == SLUICE_CONFIG) {
        sluice_error_at(host, error, SLUICE_AT_OPTION, "level");
    }
    return status;
}

void row_encoder_reset(struct row_encoder *rows)
{
    if (!rows->host) {
        return;
    }
    sluice_encoder_destroy(rows->host, rows->encoder);
    compressor_destroy(rows->compressor);
    sluice_buffer_free(rows->host, &rows->plain);
    sluice_buffer_free(rows->host, &rows->out);
    *rows = (struct row_encoder){0};
}

/* Where the codec writes to. */
static struct sluice_buffer *codec_output(struct row_encoder *rows)
{
    return rows->compressor ? &rows->plain : &rows->out;
}

static enum sluice_status compress(struct row_encoder *rows, struct sluice_error *error)
{
    if (!rows->compressor || rows->plain.size == 0) {
        return SLUICE_OK;
    }
    enum sluice_status status =
        compressor_write(rows->compressor, rows->plain.data, rows->plain.size, &rows->out, error);
    rows->plain.size = 0;
    rows->has_open_member = true;
    return status;
}

enum sluice_status row_encoder_begin(struct row_encoder *rows, bool has_rows,
                                     struct sluice_error *error)
{
    struct sluice_buffer *output = codec_output(rows);
    size_t before = output->size;
    enum sluice_status status = sluice_encoder_begin(rows->host, rows->encoder, output, error);
    if (has_rows) {
        output->size = before;
    }
    return status == SLUICE_OK ? compress(rows, error) : status;
}

enum sluice_status row_encoder_write(struct row_encoder *rows, const struct sluice_batch *batch,
                                     struct sluice_error *error)
{
    enum sluice_status status =
        sluice_encoder_encode(rows->host, rows->encoder, batch, NULL,
                              sluice_batch_rows(rows->host, batch), codec_output(rows), error);
    return status == SLUICE_OK ? compress(rows, error) : status;
}

enum sluice_status row_encoder_stage(struct row_encoder *rows, struct sluice_error *error)
{
    if (!rows->has_open_member) {
        return SLUICE_OK;
    }
    enum sluice_status status = compressor_finish(rows->compressor, &rows->out, error);
    rows->has_open_member = status != SLUICE_OK;
    return status;
}

enum sluice_status row_encoder_finish(struct row_encoder *rows, struct sluice_error *error)
{
    enum sluice_status status =
        sluice_encoder_finish(rows->host, rows->encoder, codec_output(rows), error);
    if (status == SLUICE_OK) {
        status = compress(rows, error);
    }
    if (status == SLUICE_OK && rows->compressor) {
        rows->has_open_member = true; /* a file without a row is one empty member, not no bytes */
    }
    return status == SLUICE_OK ? row_encoder_stage(rows, error) : status;
}
