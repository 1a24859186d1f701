/* SPDX-License-Identifier: Apache-2.0 */
/* Codecs by pointer instead of by name. */
#include "test_host/calls.h"

#include <assert.h>
#include <stdlib.h>

struct sluice_decoder {
    const struct sluice_codec *codec;
    void *instance;
};

struct sluice_encoder {
    const struct sluice_codec *codec;
    void *instance;
};

static const char *host_codec_name(sluice_host_ref host, const struct sluice_codec_choice *choice)
{
    (void)host;
    return choice->name;
}

static enum sluice_status
host_decoder_create(sluice_host_ref host, const struct sluice_codec_choice *choice,
                    const struct sluice_schema *declared, const struct sluice_schema *produced,
                    struct sluice_decoder **decoder, struct sluice_error *error)
{
    *decoder = NULL;
    void *instance;
    enum sluice_status status =
        choice->codec->decoder_create(host, choice->options, declared, produced, &instance, error);
    if (status == SLUICE_OK) {
        *decoder = malloc(sizeof **decoder);
        assert(*decoder);
        **decoder = (struct sluice_decoder){choice->codec, instance};
    }
    return status;
}

static enum sluice_status host_decoder_begin(sluice_host_ref host, struct sluice_decoder *decoder,
                                             const char *name, struct sluice_error *error)
{
    (void)host;
    return decoder->codec->decoder_begin(decoder->instance, name, error);
}

static enum sluice_status host_decoder_decode(sluice_host_ref host, struct sluice_decoder *decoder,
                                              const char *bytes, size_t size, bool is_last,
                                              size_t *consumed, struct sluice_batch **batch,
                                              struct sluice_error *error)
{
    (void)host;
    return decoder->codec->decode(decoder->instance, bytes, size, is_last, consumed, batch, error);
}

static enum sluice_status host_decoder_values(sluice_host_ref host, struct sluice_decoder *decoder,
                                              const struct sluice_batch *input, int column,
                                              struct sluice_batch **batch, int32_t *rows,
                                              int64_t *row_count, struct sluice_error *error)
{
    (void)host;
    return decoder->codec->decode_values(decoder->instance, input, column, batch, rows, row_count,
                                         error);
}

static void host_decoder_destroy(sluice_host_ref host, struct sluice_decoder *decoder)
{
    (void)host;
    if (decoder) {
        decoder->codec->decoder_destroy(decoder->instance);
        free(decoder);
    }
}

static enum sluice_status host_encoder_create(sluice_host_ref host,
                                              const struct sluice_codec_choice *choice,
                                              const struct sluice_schema *schema,
                                              struct sluice_encoder **encoder,
                                              struct sluice_error *error)
{
    *encoder = NULL;
    void *instance;
    enum sluice_status status =
        choice->codec->encoder_create(host, choice->options, schema, &instance, error);
    if (status == SLUICE_OK) {
        *encoder = malloc(sizeof **encoder);
        assert(*encoder);
        **encoder = (struct sluice_encoder){choice->codec, instance};
    }
    return status;
}

static enum sluice_status host_encoder_begin(sluice_host_ref host, struct sluice_encoder *encoder,
                                             struct sluice_buffer *buffer,
                                             struct sluice_error *error)
{
    (void)host;
    return encoder->codec->encoder_begin(encoder->instance, buffer, error);
}

static enum sluice_status host_encoder_encode(sluice_host_ref host, struct sluice_encoder *encoder,
                                              const struct sluice_batch *batch, const int32_t *rows,
                                              int64_t count, struct sluice_buffer *buffer,
                                              struct sluice_error *error)
{
    (void)host;
    return encoder->codec->encode(encoder->instance, batch, rows, count, buffer, error);
}

static enum sluice_status host_encoder_finish(sluice_host_ref host, struct sluice_encoder *encoder,
                                              struct sluice_buffer *buffer,
                                              struct sluice_error *error)
{
    (void)host;
    return encoder->codec->encoder_finish(encoder->instance, buffer, error);
}

static void host_encoder_destroy(sluice_host_ref host, struct sluice_encoder *encoder)
{
    (void)host;
    if (encoder) {
        encoder->codec->encoder_destroy(encoder->instance);
        free(encoder);
    }
}

void test_host_fill_codecs(struct sluice_host_table *table)
{
    table->codec_name = host_codec_name;
    table->decoder_create = host_decoder_create;
    table->decoder_begin = host_decoder_begin;
    table->decoder_decode = host_decoder_decode;
    table->decoder_values = host_decoder_values;
    table->decoder_destroy = host_decoder_destroy;
    table->encoder_create = host_encoder_create;
    table->encoder_begin = host_encoder_begin;
    table->encoder_encode = host_encoder_encode;
    table->encoder_finish = host_encoder_finish;
    table->encoder_destroy = host_encoder_destroy;
}
