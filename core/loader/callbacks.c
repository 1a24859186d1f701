/* SPDX-License-Identifier: Apache-2.0 */
/* Callback tables: which callbacks a kind must have, and which only come together. */
#include "loader/negotiate.h"

#include <string.h>

/* Marks of a group: all of its callbacks or none. */
enum group { GROUP_NONE = 0, GROUP_STATE, GROUP_DECODER, GROUP_ENCODER };

struct callback_row {
    const char *name;
    size_t offset;
    bool is_required;
    enum group group;
};

struct callback_table {
    struct grown_struct shape;
    size_t count;
    const struct callback_row *rows;
};

static const struct callback_row source_rows[] = {
    {"plan", offsetof(struct sluice_source, plan), true, GROUP_NONE},
    {"create", offsetof(struct sluice_source, create), true, GROUP_NONE},
    {"read", offsetof(struct sluice_source, read), true, GROUP_NONE},
    {"destroy", offsetof(struct sluice_source, destroy), true, GROUP_NONE},
};

static const struct callback_row transform_rows[] = {
    {"plan", offsetof(struct sluice_transform, plan), true, GROUP_NONE},
    {"create", offsetof(struct sluice_transform, create), true, GROUP_NONE},
    {"process", offsetof(struct sluice_transform, process), true, GROUP_NONE},
    {"destroy", offsetof(struct sluice_transform, destroy), true, GROUP_NONE},
    {"snapshot", offsetof(struct sluice_transform, snapshot), false, GROUP_STATE},
    {"restore", offsetof(struct sluice_transform, restore), false, GROUP_STATE},
};

static const struct callback_row sink_rows[] = {
    {"create", offsetof(struct sluice_sink, create), true, GROUP_NONE},
    {"write", offsetof(struct sluice_sink, write), true, GROUP_NONE},
    {"stage", offsetof(struct sluice_sink, stage), true, GROUP_NONE},
    {"commit", offsetof(struct sluice_sink, commit), true, GROUP_NONE},
    {"destroy", offsetof(struct sluice_sink, destroy), true, GROUP_NONE},
};

static const struct callback_row codec_rows[] = {
    {"decoder_create", offsetof(struct sluice_codec, decoder_create), false, GROUP_DECODER},
    {"decoder_begin", offsetof(struct sluice_codec, decoder_begin), false, GROUP_DECODER},
    {"decode", offsetof(struct sluice_codec, decode), false, GROUP_DECODER},
    {"decode_values", offsetof(struct sluice_codec, decode_values), false, GROUP_DECODER},
    {"decoder_destroy", offsetof(struct sluice_codec, decoder_destroy), false, GROUP_DECODER},
    {"encoder_create", offsetof(struct sluice_codec, encoder_create), false, GROUP_ENCODER},
    {"encoder_begin", offsetof(struct sluice_codec, encoder_begin), false, GROUP_ENCODER},
    {"encode", offsetof(struct sluice_codec, encode), false, GROUP_ENCODER},
    {"encoder_finish", offsetof(struct sluice_codec, encoder_finish), false, GROUP_ENCODER},
    {"encoder_destroy", offsetof(struct sluice_codec, encoder_destroy), false, GROUP_ENCODER},
};

static const struct callback_row state_store_rows[] = {
    {"create", offsetof(struct sluice_state_store, create), true, GROUP_NONE},
    {"get", offsetof(struct sluice_state_store, get), true, GROUP_NONE},
    {"put", offsetof(struct sluice_state_store, put), true, GROUP_NONE},
    {"list", offsetof(struct sluice_state_store, list), true, GROUP_NONE},
    {"remove", offsetof(struct sluice_state_store, remove), true, GROUP_NONE},
    {"destroy", offsetof(struct sluice_state_store, destroy), true, GROUP_NONE},
};

static const struct callback_table tables[] = {
    [SLUICE_KIND_SOURCE] = {{"source table",
                             offsetof(struct sluice_source, destroy) + sizeof(void *),
                             sizeof(struct sluice_source)},
                            sizeof source_rows / sizeof *source_rows,
                            source_rows},
    [SLUICE_KIND_TRANSFORM] = {{"transform table",
                                offsetof(struct sluice_transform, destroy) + sizeof(void *),
                                sizeof(struct sluice_transform)},
                               sizeof transform_rows / sizeof *transform_rows,
                               transform_rows},
    [SLUICE_KIND_SINK] = {{"sink table", offsetof(struct sluice_sink, destroy) + sizeof(void *),
                           sizeof(struct sluice_sink)},
                          sizeof sink_rows / sizeof *sink_rows,
                          sink_rows},
    [SLUICE_KIND_CODEC] = {{"codec table",
                            offsetof(struct sluice_codec, file_extension) + sizeof(void *),
                            sizeof(struct sluice_codec)},
                           sizeof codec_rows / sizeof *codec_rows,
                           codec_rows},
    [SLUICE_KIND_STATE] = {{"state store table",
                            offsetof(struct sluice_state_store, destroy) + sizeof(void *),
                            sizeof(struct sluice_state_store)},
                           sizeof state_store_rows / sizeof *state_store_rows,
                           state_store_rows},
};

static bool has_callback(const void *table, const struct callback_row *row)
{
    void (*callback)(void) = NULL;
    memcpy(&callback, (const char *)table + row->offset, sizeof callback);
    return callback != NULL;
}

static size_t count_group(const struct callback_table *table, const void *callbacks,
                          enum group group)
{
    size_t count = 0;
    for (size_t i = 0; i < table->count; i++) {
        count += table->rows[i].group == group && has_callback(callbacks, &table->rows[i]);
    }
    return count;
}

/* Names every callback that is required, or half of a group that is not complete. */
static enum sluice_status check_complete(const struct negotiation *talk,
                                         const struct callback_table *table, const void *callbacks)
{
    struct text missing = {0};
    size_t count = 0;
    for (size_t i = 0; i < table->count; i++) {
        const struct callback_row *row = &table->rows[i];
        bool is_asked = row->is_required ||
                        (row->group != GROUP_NONE && count_group(table, callbacks, row->group) > 0);
        if (is_asked && !has_callback(callbacks, row)) {
            text_printf(&missing, "%s%s", count > 0 ? ", " : "", row->name);
            count++;
        }
    }
    enum sluice_status status = SLUICE_OK;
    if (count > 0) {
        status = negotiate_refuse(talk, "it lacks the callback%s %s", count > 1 ? "s" : "",
                                  text_get(&missing));
    }
    text_reset(&missing);
    return status;
}

static enum sluice_status check_source(const struct negotiation *talk,
                                       const struct sluice_source *source)
{
    if (!source->snapshot && (source->restore || source->decide)) {
        return negotiate_refuse(talk, "it has %s, but lacks the callback snapshot",
                                source->restore ? "restore" : "decide");
    }
    return SLUICE_OK;
}

static enum sluice_status check_codec(const struct negotiation *talk,
                                      const struct sluice_codec *codec)
{
    if (!codec->decoder_create && !codec->encoder_create) {
        return negotiate_refuse(talk, "it can neither decode nor encode");
    }
    if (!negotiate_is_text(codec->file_extension)) {
        return negotiate_refuse(talk, "it lacks the file_extension");
    }
    return SLUICE_OK;
}

static enum sluice_status check_only_kind(const struct negotiation *talk,
                                          const struct sluice_component *theirs)
{
    const void *given[] = {
        [SLUICE_KIND_SOURCE] = theirs->source,
        [SLUICE_KIND_TRANSFORM] = theirs->transform,
        [SLUICE_KIND_SINK] = theirs->sink,
        [SLUICE_KIND_CODEC] = theirs->codec,
        [SLUICE_KIND_STATE] = theirs->state_store,
    };
    if (!given[theirs->kind]) {
        return negotiate_refuse(talk, "it is a %s without a %s", kind_name(theirs->kind),
                                tables[theirs->kind].shape.what);
    }
    for (int kind = SLUICE_KIND_SOURCE; kind <= SLUICE_KIND_STATE; kind++) {
        if (kind != (int)theirs->kind && given[kind]) {
            return negotiate_refuse(talk, "it is a %s, but has a %s too: make it two components",
                                    kind_name(theirs->kind), tables[kind].shape.what);
        }
    }
    return SLUICE_OK;
}

/* The foreign table of the component's kind, and where ours goes. */
static void *pick_table(const struct sluice_component *theirs, struct component *component,
                        const void **foreign)
{
    switch (theirs->kind) {
    case SLUICE_KIND_SOURCE:
        *foreign = theirs->source;
        return &component->source;
    case SLUICE_KIND_TRANSFORM:
        *foreign = theirs->transform;
        return &component->transform;
    case SLUICE_KIND_SINK:
        *foreign = theirs->sink;
        return &component->sink;
    case SLUICE_KIND_CODEC:
        *foreign = theirs->codec;
        return &component->codec;
    case SLUICE_KIND_STATE:
        *foreign = theirs->state_store;
        return &component->state_store;
    case SLUICE_KIND_NONE:
        break;
    }
    *foreign = NULL;
    return NULL;
}

enum sluice_status negotiate_callbacks(const struct negotiation *talk,
                                       const struct sluice_component *theirs,
                                       struct component *component)
{
    enum sluice_status status = check_only_kind(talk, theirs);
    if (status != SLUICE_OK) {
        return status;
    }
    const struct callback_table *table = &tables[theirs->kind];
    const void *foreign = NULL;
    void *own = pick_table(theirs, component, &foreign);
    size_t their_size = 0;
    memcpy(&their_size, foreign, sizeof their_size); /* struct_size comes first in every table */
    status = negotiate_size(talk, &table->shape, their_size);
    if (status != SLUICE_OK) {
        return status;
    }
    memcpy(own, foreign, their_size);
    status = check_complete(talk, table, own);
    if (status == SLUICE_OK && theirs->kind == SLUICE_KIND_SOURCE) {
        status = check_source(talk, &component->source);
    }
    if (status == SLUICE_OK && theirs->kind == SLUICE_KIND_CODEC) {
        status = check_codec(talk, &component->codec);
    }
    return status;
}
