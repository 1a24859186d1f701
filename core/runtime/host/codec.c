/* SPDX-License-Identifier: Apache-2.0 */
/* Codecs on behalf of the step that uses them. */
#include "runtime/host/host.h"

#include <stdlib.h>

struct sluice_decoder {
    const struct sluice_codec *codec;
    void *object;
};

struct sluice_encoder {
    const struct sluice_codec *codec;
    void *object;
};

const char *host_codec_name(sluice_host_ref host, const struct sluice_codec_choice *choice)
{
    (void)host;
    return choice->component->name;
}

enum sluice_status host_decoder_create(sluice_host_ref host,
                                       const struct sluice_codec_choice *choice,
                                       const struct sluice_schema *declared,
                                       const struct sluice_schema *produced,
                                       struct sluice_decoder **created,
                                       struct sluice_error *error)
{
    *created = NULL;
    const struct sluice_codec *codec = &choice->component->codec;
    if (!codec->decoder_create)
        return error_set(error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                         "codec %s can only write, not read", choice->component->name);
    struct sluice_decoder *decoder = calloc(1, sizeof *decoder);
    if (!decoder)
        return error_set(error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                         "no memory for a decoder");
    decoder->codec = codec;
    enum sluice_status status = codec->decoder_create(host, choice->options, declared, produced,
                                                      &decoder->object, error);
    if (status == SLUICE_OK)
        *created = decoder;
    else
        free(decoder);
    return status;
}

enum sluice_status host_decoder_begin(sluice_host_ref host, struct sluice_decoder *decoder,
                                      const char *name, struct sluice_error *error)
{
    (void)host;
    return decoder->codec->decoder_begin
               ? decoder->codec->decoder_begin(decoder->object, name, error)
               : SLUICE_OK;
}

enum sluice_status host_decoder_decode(sluice_host_ref host, struct sluice_decoder *decoder,
                                       const char *bytes, size_t size, bool is_last,
                                       size_t *consumed, struct sluice_batch **batch,
                                       struct sluice_error *error)
{
    (void)host;
    return decoder->codec->decode(decoder->object, bytes, size, is_last, consumed, batch, error);
}

enum sluice_status host_decoder_values(sluice_host_ref host, struct sluice_decoder *decoder,
                                       const struct sluice_batch *input, int column,
                                       struct sluice_batch **batch, int32_t *rows,
                                       int64_t *row_count, struct sluice_error *error)
{
    (void)host;
    return decoder->codec->decode_values(decoder->object, input, column, batch, rows, row_count,
                                         error);
}

void host_decoder_destroy(sluice_host_ref host, struct sluice_decoder *decoder)
{
    (void)host;
    if (!decoder)
        return;
    decoder->codec->decoder_destroy(decoder->object);
    free(decoder);
}

enum sluice_status host_encoder_create(sluice_host_ref host,
                                       const struct sluice_codec_choice *choice,
                                       const struct sluice_schema *schema,
                                       struct sluice_encoder **created,
                                       struct sluice_error *error)
{
    *created = NULL;
    const struct sluice_codec *codec = &choice->component->codec;
    if (!codec->encoder_create)
        return error_set(error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                         "codec %s can only read, not write", choice->component->name);
    struct sluice_encoder *encoder = calloc(1, sizeof *encoder);
    if (!encoder)
        return error_set(error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                         "no memory for an encoder");
    encoder->codec = codec;
    enum sluice_status status =
        codec->encoder_create(host, choice->options, schema, &encoder->object, error);
    if (status == SLUICE_OK)
        *created = encoder;
    else
        free(encoder);
    return status;
}

enum sluice_status host_encoder_begin(sluice_host_ref host, struct sluice_encoder *encoder,
                                      struct sluice_buffer *buffer, struct sluice_error *error)
{
    (void)host;
    return encoder->codec->encoder_begin
               ? encoder->codec->encoder_begin(encoder->object, buffer, error)
               : SLUICE_OK;
}

enum sluice_status host_encoder_encode(sluice_host_ref host, struct sluice_encoder *encoder,
                                       const struct sluice_batch *batch, const int32_t *rows,
                                       int64_t count, struct sluice_buffer *buffer,
                                       struct sluice_error *error)
{
    (void)host;
    return encoder->codec->encode(encoder->object, batch, rows, count, buffer, error);
}

enum sluice_status host_encoder_finish(sluice_host_ref host, struct sluice_encoder *encoder,
                                       struct sluice_buffer *buffer, struct sluice_error *error)
{
    (void)host;
    return encoder->codec->encoder_finish
               ? encoder->codec->encoder_finish(encoder->object, buffer, error)
               : SLUICE_OK;
}

void host_encoder_destroy(sluice_host_ref host, struct sluice_encoder *encoder)
{
    (void)host;
    if (!encoder)
        return;
    encoder->codec->encoder_destroy(encoder->object);
    free(encoder);
}
