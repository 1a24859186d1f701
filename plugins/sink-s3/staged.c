/* SPDX-License-Identifier: Apache-2.0 */
/* What stage writes down for commit, as bytes: a mark, a version, a count, then each object.
 * Numbers are little-endian, strings have their length in front. */
#include "sink.h"

#include <string.h>

#define MARK "sluice-sink-s3"
#define VERSION 1
#define STRING_LIMIT 4096

static void add_number(struct counted_text *state, uint64_t value)
{
    char bytes[8];
    for (int i = 0; i < 8; i++) {
        bytes[i] = (char)(unsigned char)(value >> (8 * i));
    }
    counted_add_bytes(state, bytes, sizeof bytes);
}

static void add_string(struct counted_text *state, const char *string)
{
    size_t size = strlen(string);
    add_number(state, size);
    counted_add_bytes(state, string, size);
}

void staged_begin(struct counted_text *state, size_t count)
{
    add_string(state, MARK);
    add_number(state, VERSION);
    add_number(state, count);
}

void staged_add(struct counted_text *state, const struct staged_object *object)
{
    add_string(state, object->key);
    add_string(state, object->upload_id);
    add_string(state, object->token);
    add_string(state, object->etag);
    add_number(state, (uint64_t)object->rows);
    add_number(state, (uint64_t)object->bytes);
    add_number(state, object->part_count);
    for (size_t i = 0; i < object->part_count; i++) {
        add_number(state, (uint64_t)object->parts[i].number);
        add_number(state, (uint64_t)object->parts[i].size);
        add_string(state, object->parts[i].etag);
    }
}

struct reading {
    const struct sluice_host *host;
    const char *at;
    size_t left;
    bool is_bad;
    bool has_failed; /* no memory: no word about the bytes */
};

static uint64_t take_number(struct reading *reading, uint64_t limit)
{
    if (reading->left < 8) {
        reading->is_bad = true;
        return 0;
    }
    uint64_t value = 0;
    for (int i = 0; i < 8; i++) {
        value |= (uint64_t)(unsigned char)reading->at[i] << (8 * i);
    }
    reading->at += 8;
    reading->left -= 8;
    reading->is_bad = reading->is_bad || value > limit;
    return reading->is_bad ? 0 : value;
}

static struct sluice_string take_string(struct reading *reading, size_t limit)
{
    size_t size = (size_t)take_number(reading, limit);
    if (reading->is_bad || size > reading->left || memchr(reading->at, '\0', size)) {
        reading->is_bad = true;
        return (struct sluice_string){"", 0};
    }
    struct sluice_string string = {reading->at, size};
    reading->at += size;
    reading->left -= size;
    return string;
}

static char *take_copy(struct reading *reading)
{
    struct sluice_string string = take_string(reading, STRING_LIMIT);
    if (reading->is_bad) {
        return NULL;
    }
    char *copy = counted_copy(reading->host, string.bytes, string.size);
    reading->has_failed = reading->has_failed || !copy;
    return copy;
}

static void take_etag(struct reading *reading, char etag[OBJECT_ETAG_SIZE])
{
    struct sluice_string string = take_string(reading, OBJECT_ETAG_SIZE - 1);
    memcpy(etag, string.bytes, string.size);
    etag[string.size] = '\0';
}

static void take_object(struct reading *reading, struct staged_object *object)
{
    object->key = take_copy(reading);
    object->upload_id = take_copy(reading);
    object->token = take_copy(reading);
    take_etag(reading, object->etag);
    object->rows = (int64_t)take_number(reading, INT64_MAX);
    object->bytes = (int64_t)take_number(reading, INT64_MAX);
    size_t count = (size_t)take_number(reading, OBJECT_PARTS_LIMIT);
    if (reading->is_bad || count == 0) {
        return;
    }
    object->parts = sluice_alloc(reading->host, count * sizeof *object->parts);
    if (!object->parts) {
        reading->has_failed = true;
        return;
    }
    for (size_t i = 0; i < count && !reading->is_bad; i++) {
        object->parts[i].number = (int)take_number(reading, OBJECT_PARTS_LIMIT);
        object->parts[i].size = (int64_t)take_number(reading, INT64_MAX);
        take_etag(reading, object->parts[i].etag);
        object->part_count = i + 1;
    }
}

static enum sluice_status fail_corrupt(const struct sluice_host *host, struct sluice_error *error)
{
    return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_STATE_CORRUPT,
                       "the checkpoint's list of staged uploads is damaged");
}

enum sluice_status staged_parse(const struct sluice_host *host, const char *bytes, size_t size,
                                struct staged_list *list, struct sluice_error *error)
{
    *list = (struct staged_list){.host = host};
    struct reading reading = {.host = host, .at = bytes, .left = size};
    struct sluice_string mark = take_string(&reading, STRING_LIMIT);
    uint64_t version = take_number(&reading, UINT64_MAX);
    if (reading.is_bad || mark.size != strlen(MARK) || memcmp(mark.bytes, MARK, mark.size) != 0) {
        return fail_corrupt(host, error);
    }
    if (version != VERSION) {
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_STATE_VERSION,
                           "the checkpoint's list of staged uploads has version %llu, this "
                           "sink-s3 reads version %d",
                           (unsigned long long)version, VERSION);
    }
    /* each object takes more than one byte */
    size_t count = (size_t)take_number(&reading, reading.left);
    if (!reading.is_bad && count > 0) {
        list->objects = sluice_alloc(host, count * sizeof *list->objects);
        reading.has_failed = !list->objects;
    }
    for (size_t i = 0; i < count && !reading.is_bad && !reading.has_failed; i++) {
        list->objects[i] = (struct staged_object){0};
        list->count = i + 1;
        take_object(&reading, &list->objects[i]);
    }
    if (reading.is_bad || reading.has_failed || reading.left > 0) {
        staged_free(list);
        return reading.has_failed
                   ? sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                                 "no memory for the list of staged uploads: raise settings.memory")
                   : fail_corrupt(host, error);
    }
    return SLUICE_OK;
}

void staged_object_free(const struct sluice_host *host, struct staged_object *object)
{
    sluice_free(host, object->key);
    sluice_free(host, object->upload_id);
    sluice_free(host, object->token);
    sluice_free(host, object->parts);
    *object = (struct staged_object){0};
}

void staged_free(struct staged_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        staged_object_free(list->host, &list->objects[i]);
    }
    sluice_free(list->host, list->objects);
    list->objects = NULL;
    list->count = 0;
}
