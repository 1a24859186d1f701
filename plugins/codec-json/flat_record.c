/* SPDX-License-Identifier: Apache-2.0 */
#include "flat_record.h"

#include "simdjson_shim.h"

#include "records/byte_block.h"

struct cursor {
    struct json_shape *shape;
    const char *at;
    const char *end;
    byte_block seen; /* all bytes of strings or'ed: a high bit says that there is non-ASCII */
};

static void skip_space(struct cursor *cursor)
{
    while (cursor->at < cursor->end && (*cursor->at == ' ' || *cursor->at == '\t' ||
                                        *cursor->at == '\r' || *cursor->at == '\n')) {
        cursor->at++;
    }
}

/* Takes one character and the white space around it. May look into the padding: whoever goes on
 * from here checks the end. */
static bool take(struct cursor *cursor, char character)
{
    if (*cursor->at != character) {
        skip_space(cursor);
        if (*cursor->at != character) {
            return false;
        }
    }
    cursor->at++;
    if ((unsigned char)*cursor->at <= ' ') {
        skip_space(cursor);
    }
    return true;
}

/* From behind the opening quote to the closing one, which is taken. False where an escape, a
 * control character or the end comes first. */
static bool take_string(struct cursor *cursor, const char **string, size_t *size)
{
    const char *begin = cursor->at;
    for (const char *at = begin; at < cursor->end; at += BLOCK) {
        byte_block block = block_load(at);
        uint64_t stops = block_bits((byte_block)((block == '"') | (block == '\\') | (block < ' ')));
        cursor->seen |= block;
        if (stops != 0) {
            at += __builtin_ctzll(stops);
            *string = begin;
            *size = (size_t)(at - begin);
            cursor->at = at + 1;
            return at < cursor->end && *at == '"';
        }
    }
    return false;
}

static bool take_key(struct cursor *cursor, const struct json_record *record, int guess, int *child)
{
    if (cursor->at >= cursor->end || *cursor->at != '"') {
        return false;
    }
    cursor->at++;
    if (guess != JSON_NO_NODE) {
        const struct json_node *node = &record->nodes[guess];
        size_t left = (size_t)(cursor->end - cursor->at);
        if (left > node->key_size && cursor->at[node->key_size] == '"' &&
            memcmp(cursor->at, node->key, node->key_size) == 0) {
            cursor->at += node->key_size + 1;
            *child = guess;
            return true;
        }
    }
    const char *key;
    size_t size;
    if (!take_string(cursor, &key, &size)) {
        return false;
    }
    *child = json_record_child(record, JSON_ROOT, guess, key, size);
    return true;
}

static bool take_value(struct cursor *cursor, struct json_record *record, int child)
{
    const char *bytes = cursor->at;
    size_t size;
    enum json_kind kind = JSON_STRING;
    if (*bytes == '"') {
        cursor->at++;
        if (!take_string(cursor, &bytes, &size)) {
            return false;
        }
    } else {
        kind = json_scan_scalar(bytes, cursor->end, &size);
        if (kind == JSON_INVALID) {
            return false;
        }
        cursor->at += size;
    }
    shape_note(cursor->shape, child, kind, bytes, size);
    if (child != JSON_NO_NODE) {
        json_record_put(record, child, kind, bytes, size);
    }
    return true;
}

static bool take_members(struct cursor *cursor, struct json_record *record)
{
    int guess = record->nodes[JSON_ROOT].first_child;
    do {
        int child;
        if (!take_key(cursor, record, guess, &child) || !take(cursor, ':') ||
            !take_value(cursor, record, child) || cursor->at >= cursor->end) {
            return false;
        }
        if (child != JSON_NO_NODE) {
            guess = record->nodes[child].next;
        }
    } while (take(cursor, ','));
    return true;
}

static bool take_any_shape(struct cursor *cursor, struct json_record *record)
{
    if (cursor->end - cursor->at < 2 || !take(cursor, '{') || cursor->at >= cursor->end) {
        return false;
    }
    if (*cursor->at != '}' && !take_members(cursor, record)) {
        return false;
    }
    if (cursor->at >= cursor->end || *cursor->at != '}') {
        return false;
    }
    cursor->at++;
    skip_space(cursor);
    return cursor->at >= cursor->end;
}

/* The lead is taken; the value behind it up to where the next lead begins. */
static bool take_led_value(struct cursor *cursor, const struct json_lead *lead,
                           struct json_record *record)
{
    const char *bytes = cursor->at;
    size_t size;
    enum json_kind kind = JSON_STRING;
    if (lead->is_string) {
        if (!take_string(cursor, &bytes, &size)) {
            return false;
        }
        cursor->at--;
    } else {
        kind = json_scan_scalar(bytes, cursor->end, &size);
        if (kind == JSON_INVALID) {
            return false;
        }
        cursor->at += size;
    }
    if (lead->node != JSON_NO_NODE) {
        json_record_put(record, lead->node, kind, bytes, size);
    }
    return true;
}

static bool take_known_shape(struct cursor *cursor, struct json_record *record)
{
    const struct json_shape *shape = cursor->shape;
    if (shape->member_count == 0) {
        return false;
    }
    const struct json_lead *lead = shape->leads;
    for (const struct json_lead *tail = lead + shape->member_count; lead < tail; lead++) {
        if (!lead_stands_at(lead, cursor->at)) {
            return false;
        }
        cursor->at += lead->size;
        if (cursor->at >= cursor->end || !take_led_value(cursor, lead, record)) {
            return false;
        }
    }
    return (size_t)(cursor->end - cursor->at) == lead->size && lead_stands_at(lead, cursor->at);
}

static bool is_text(const struct cursor *cursor, const char *bytes, size_t size)
{
    return block_is_ascii(cursor->seen) || json_is_utf8(bytes, size);
}

bool flat_record_read(struct json_record *record, struct json_shape *shape, const char *bytes,
                      size_t size)
{
    struct cursor cursor = {.shape = shape, .at = bytes, .end = bytes + size};
    json_record_begin(record);
    if (take_known_shape(&cursor, record)) {
        return is_text(&cursor, bytes, size);
    }
    cursor = (struct cursor){.shape = shape, .at = bytes, .end = bytes + size};
    json_record_begin(record);
    shape->value_count = 0;
    if (!take_any_shape(&cursor, record) || !is_text(&cursor, bytes, size)) {
        return false;
    }
    if (record->duplicate == JSON_NO_NODE) {
        shape_learn(shape, bytes, size);
    }
    return true;
}
