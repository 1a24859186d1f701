/* SPDX-License-Identifier: Apache-2.0 */
/* What one record looked like between its values, to read the next one by:
 *
 *     {"user":"u1","n":7}        lead: {"user":"   string   lead: ","n":   scalar   tail: }
 *
 * Where the leads are the same, byte by byte, the structure is known to be valid; only the values
 * are left to be looked at. */
#ifndef SLUICE_CODEC_JSON_SHAPE_H
#define SLUICE_CODEC_JSON_SHAPE_H

#include "record.h"

#include "records/byte_block.h"

enum { SHAPE_MEMBERS = 32, SHAPE_BLOCKS = 3 };

struct json_lead {
    int node;       /* of the value behind it, or JSON_NO_NODE */
    bool is_string; /* ends with the opening quote, and the next lead begins with the closing one */
    size_t size;
    size_t block_count;
    byte_block text[SHAPE_BLOCKS];
    byte_block rest[SHAPE_BLOCKS]; /* all ones behind the text */
};

struct json_shape {
    uint64_t learned;    /* how many shapes have been, this one included */
    size_t member_count; /* 0: nothing is known */
    struct json_lead leads[SHAPE_MEMBERS + 1];
    /* The values of the record at hand, for shape_learn(). */
    size_t value_count;
    struct json_value_place {
        int node;
        bool is_string;
        const char *begin;
        const char *end;
    } values[SHAPE_MEMBERS];
};

/* Notes a value while a record is read; those beyond SHAPE_MEMBERS are only counted. */
static inline void shape_note(struct json_shape *shape, int node, enum json_kind kind,
                              const char *begin, size_t size)
{
    if (shape->value_count < SHAPE_MEMBERS) {
        shape->values[shape->value_count] =
            (struct json_value_place){node, kind == JSON_STRING, begin, begin + size};
    }
    shape->value_count++;
}

/* Takes the shape of a valid record whose values were noted. */
void shape_learn(struct json_shape *shape, const char *bytes, size_t size);

/* Whether the lead stands at `at`, which SLUICE_PADDING readable bytes follow. */
static inline bool lead_stands_at(const struct json_lead *lead, const char *at)
{
    byte_block same = (byte_block)(block_load(at) == lead->text[0]) | lead->rest[0];
    for (size_t i = 1; i < lead->block_count; i++) {
        same &= (byte_block)(block_load(at + i * BLOCK) == lead->text[i]) | lead->rest[i];
    }
    return block_bits(same) == (UINT64_C(1) << BLOCK) - 1;
}

#endif
