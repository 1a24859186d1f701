/* SPDX-License-Identifier: Apache-2.0 */
/* A codec turns bytes into rows (decoder) and rows into bytes (encoder). Sources, sinks and
 * transforms name one by an option of kind SLUICE_OPTION_CODEC and use it through the wrappers at
 * the end of this page; the codec's own rejects go to the dead letter of the step that uses it.
 *
 * Decoding rows: `declared` is the full list of fields, all of which every record is checked
 * against; `produced` is the subset of columns that the batch gets (the plan's projection; its
 * columns come in its own order). Which rows are rejected depends on `declared` alone. */
#ifndef SLUICE_CODEC_H
#define SLUICE_CODEC_H

#include <sluice/builder.h>
#include <sluice/service.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sluice_codec {
    size_t struct_size;

    /* Decoder; all or none. `host` is that of the step that uses the codec. */
    enum sluice_status (*decoder_create)(const struct sluice_host *host, const void *options,
                                         const struct sluice_schema *declared,
                                         const struct sluice_schema *produced, void **decoder,
                                         struct sluice_error *error);

    /* A new file or object starts: forget header and line count. `name` is its origin. */
    enum sluice_status (*decoder_begin)(void *decoder, const char *name,
                                        struct sluice_error *error);

    /* Stream mode. Decodes whole records from bytes[0 .. size), which are followed by
     * SLUICE_PADDING readable bytes. *consumed says how many bytes are done with: the caller
     * keeps the rest, puts more behind it and calls again. The decoder keeps no bytes. Returns
     * early with *batch (the caller's) when one is full; with is_last all input is used up by
     * repeated calls until *consumed reaches size and *batch comes back NULL. Rows carry the
     * origin `name` and their line. Bad records are rejected by sluice_reject(). */
    enum sluice_status (*decode)(void *decoder, const char *bytes, size_t size, bool is_last,
                                 size_t *consumed, struct sluice_batch **batch,
                                 struct sluice_error *error);

    /* Message mode. Each value of a STRING or BINARY column is one record (no header). The batch
     * has the rows that were good, in order; rows[i] is the input row of output row i (room for
     * all input rows is the caller's). *batch is NULL where no row was good. */
    enum sluice_status (*decode_values)(void *decoder, const struct sluice_batch *input,
                                        int column, struct sluice_batch **batch, int32_t *rows,
                                        int64_t *row_count, struct sluice_error *error);

    void (*decoder_destroy)(void *decoder);

    /* Encoder; all or none. Output is appended to buffer. */
    enum sluice_status (*encoder_create)(const struct sluice_host *host, const void *options,
                                         const struct sluice_schema *schema, void **encoder,
                                         struct sluice_error *error);

    /* Start of a file, object or message: a header, say. */
    enum sluice_status (*encoder_begin)(void *encoder, struct sluice_buffer *buffer,
                                        struct sluice_error *error);

    /* Appends rows[0 .. count) of the batch, or rows 0 .. count - 1 where rows is NULL. */
    enum sluice_status (*encode)(void *encoder, const struct sluice_batch *batch,
                                 const int32_t *rows, int64_t count, struct sluice_buffer *buffer,
                                 struct sluice_error *error);

    /* End of the file, object or message. */
    enum sluice_status (*encoder_finish)(void *encoder, struct sluice_buffer *buffer,
                                         struct sluice_error *error);

    void (*encoder_destroy)(void *encoder);

    /* Ending of file names without the dot: "json", "csv". */
    const char *file_extension;
};

/* Name of the chosen codec, for file names and messages. */
static inline const char *sluice_codec_name(const struct sluice_host *host,
                                            const struct sluice_codec_choice *choice)
{
    return host->table->codec_name(host, choice);
}

static inline enum sluice_status
sluice_decoder_create(const struct sluice_host *host, const struct sluice_codec_choice *choice,
                      const struct sluice_schema *declared, const struct sluice_schema *produced,
                      struct sluice_decoder **decoder, struct sluice_error *error)
{
    return host->table->decoder_create(host, choice, declared, produced, decoder, error);
}

static inline enum sluice_status sluice_decoder_begin(const struct sluice_host *host,
                                                      struct sluice_decoder *decoder,
                                                      const char *name,
                                                      struct sluice_error *error)
{
    return host->table->decoder_begin(host, decoder, name, error);
}

static inline enum sluice_status
sluice_decoder_decode(const struct sluice_host *host, struct sluice_decoder *decoder,
                      const char *bytes, size_t size, bool is_last, size_t *consumed,
                      struct sluice_batch **batch, struct sluice_error *error)
{
    return host->table->decoder_decode(host, decoder, bytes, size, is_last, consumed, batch,
                                       error);
}

static inline enum sluice_status
sluice_decoder_values(const struct sluice_host *host, struct sluice_decoder *decoder,
                      const struct sluice_batch *input, int column, struct sluice_batch **batch,
                      int32_t *rows, int64_t *row_count, struct sluice_error *error)
{
    return host->table->decoder_values(host, decoder, input, column, batch, rows, row_count,
                                       error);
}

/* NULL is allowed. */
static inline void sluice_decoder_destroy(const struct sluice_host *host,
                                          struct sluice_decoder *decoder)
{
    host->table->decoder_destroy(host, decoder);
}

static inline enum sluice_status
sluice_encoder_create(const struct sluice_host *host, const struct sluice_codec_choice *choice,
                      const struct sluice_schema *schema, struct sluice_encoder **encoder,
                      struct sluice_error *error)
{
    return host->table->encoder_create(host, choice, schema, encoder, error);
}

static inline enum sluice_status sluice_encoder_begin(const struct sluice_host *host,
                                                      struct sluice_encoder *encoder,
                                                      struct sluice_buffer *buffer,
                                                      struct sluice_error *error)
{
    return host->table->encoder_begin(host, encoder, buffer, error);
}

static inline enum sluice_status sluice_encoder_encode(const struct sluice_host *host,
                                                       struct sluice_encoder *encoder,
                                                       const struct sluice_batch *batch,
                                                       const int32_t *rows, int64_t count,
                                                       struct sluice_buffer *buffer,
                                                       struct sluice_error *error)
{
    return host->table->encoder_encode(host, encoder, batch, rows, count, buffer, error);
}

static inline enum sluice_status sluice_encoder_finish(const struct sluice_host *host,
                                                       struct sluice_encoder *encoder,
                                                       struct sluice_buffer *buffer,
                                                       struct sluice_error *error)
{
    return host->table->encoder_finish(host, encoder, buffer, error);
}

/* NULL is allowed. */
static inline void sluice_encoder_destroy(const struct sluice_host *host,
                                          struct sluice_encoder *encoder)
{
    host->table->encoder_destroy(host, encoder);
}

#ifdef __cplusplus
}
#endif

#endif
