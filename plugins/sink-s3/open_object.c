/* SPDX-License-Identifier: Apache-2.0 */
/* An open object: rows are encoded, compressed and cut into parts, all in memory. */
#include "sink_instance.h"

#include <string.h>

/* Rows between two looks at the object's size. */
#define ROWS_A_STEP 4096
/* After this many parts they double, so that an object of any size stays below 10,000 parts. */
#define PARTS_A_SIZE 1000

static enum compression chosen_compression(const struct sink *sink)
{
    return (enum compression)(sink->options->compression + 1);
}

static enum sluice_status no_memory(const struct sink *sink, struct sluice_error *error)
{
    return sluice_fail(sink->host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                       "no memory for the parts of open objects: raise settings.memory, or lower "
                       "part_size or max_open");
}

static int64_t object_bytes(const struct sink_object *object)
{
    return object->cut_bytes + (int64_t)object->filling.size;
}

/* ---- making ---- */

static struct sluice_string without_slashes(const char *text)
{
    text += strspn(text, "/");
    size_t size = strlen(text);
    while (size > 0 && text[size - 1] == '/') {
        size--;
    }
    return (struct sluice_string){text, size};
}

static void add_ending(const struct sink *sink, struct counted_text *key)
{
    counted_print(key, ".%s%s", sluice_codec_name(sink->host, sink->options->format),
                  compression_extension(chosen_compression(sink)));
}

void open_object_fixed_key(const struct sink *sink, struct counted_text *key)
{
    counted_print(key, "%s%s", object_store_prefix(sink->store),
                  sink->options->name ? sink->options->name : sink->run->flow);
    add_ending(sink, key);
}

/* PREFIX PARTITION/ NAME .FORMAT .COMPRESSION */
static void make_key(const struct sink *sink, const char *partition, struct counted_text *key)
{
    if (sink->options->mode == SINK_REPLACE) {
        open_object_fixed_key(sink, key);
        return;
    }
    struct sluice_string folder = without_slashes(partition);
    counted_add(key, object_store_prefix(sink->store));
    counted_add_bytes(key, folder.bytes, folder.size);
    counted_add(key, folder.size > 0 ? "/" : "");
    object_name(key, sink->run, sink->checkpoint, sink->sequence);
    add_ending(sink, key);
}

/* The key's row is at fault, not the flow: a partition that makes no key rejects its rows. */
static enum sluice_status name_object(struct sink *sink, struct sink_object *object,
                                      const char *partition, struct sluice_error *error)
{
    struct counted_text key, token;
    char owner[OWNER_SIZE];
    counted_init(&key, sink->host);
    counted_init(&token, sink->host);
    make_key(sink, partition, &key);
    object_owner(sink->run, sink->run->member, owner);
    counted_print(&token, "%s%016llx-%llu", owner, (unsigned long long)sink->run->nonce,
                  (unsigned long long)sink->sequence);
    enum sluice_status status = counted_check(&key, error);
    status = status == SLUICE_OK ? counted_check(&token, error) : status;
    if (status == SLUICE_OK) {
        status = object_key_check(sink->host, counted_get(&key), error);
    }
    if (status == SLUICE_OK) {
        object->partition = counted_copy(sink->host, partition, strlen(partition));
        object->staged.key = counted_copy(sink->host, counted_get(&key), key.buffer.size);
        object->staged.token = counted_copy(sink->host, counted_get(&token), token.buffer.size);
        bool has_all = object->partition && object->staged.key && object->staged.token;
        status = has_all ? SLUICE_OK : no_memory(sink, error);
    }
    counted_free(&key);
    counted_free(&token);
    return status;
}

static enum sluice_status start_object(struct sink *sink, struct sink_object *object,
                                       struct sluice_error *error)
{
    enum sluice_status status =
        sluice_encoder_create(sink->host, sink->options->format, sluice_input_schema(sink->host),
                              &object->encoder, error);
    if (status == SLUICE_OK && chosen_compression(sink) != COMPRESSION_NONE) {
        status = compressor_create(sink->host, chosen_compression(sink), (int)sink->options->level,
                                   &object->compressor, error);
    }
    return status;
}

/* ---- bytes ---- */

/* The first `size` bytes of filling become a part; what is behind them stays. */
static enum sluice_status cut_part(struct sink *sink, struct sink_object *object, size_t size,
                                   struct sluice_error *error)
{
    struct sink_part *part = sluice_alloc(sink->host, sizeof *part);
    struct sluice_buffer rest = {0};
    size_t rest_size = object->filling.size - size;
    if (!part ||
        (rest_size > 0 && sluice_buffer_reserve(sink->host, &rest, rest_size) != SLUICE_OK)) {
        sluice_free(sink->host, part);
        return no_memory(sink, error);
    }
    if (rest_size > 0) {
        memcpy(rest.data, object->filling.data + size, rest_size);
        rest.size = rest_size;
    }
    *part = (struct sink_part){.bytes = object->filling,
                               .size = size,
                               .number = ++object->part_number,
                               .offset = object->cut_bytes};
    object->filling = rest;
    object->cut_bytes += (int64_t)size;
    struct sink_part **last = &object->pending;
    while (*last) {
        last = &(*last)->next;
    }
    *last = part;
    return SLUICE_OK;
}

static size_t part_size(const struct sink *sink, const struct sink_object *object)
{
    int doublings = object->part_number / PARTS_A_SIZE;
    return (size_t)sink->options->part_size << (doublings < 10 ? doublings : 10);
}

static enum sluice_status cut_full_parts(struct sink *sink, struct sink_object *object,
                                         struct sluice_error *error)
{
    enum sluice_status status = SLUICE_OK;
    while (status == SLUICE_OK && object->filling.size > part_size(sink, object)) {
        status = cut_part(sink, object, part_size(sink, object), error);
    }
    return status;
}

/* Takes what was encoded into sink->plain. */
static enum sluice_status compress_plain(struct sink *sink, struct sink_object *object,
                                         struct sluice_error *error)
{
    enum sluice_status status = compressor_write(object->compressor, sink->plain.data,
                                                 sink->plain.size, &object->filling, error);
    sink->plain.size = 0;
    return status;
}

/* Where the encoder writes: without compression straight into the part. */
static struct sluice_buffer *encoded_into(struct sink *sink, struct sink_object *object)
{
    return object->compressor ? &sink->plain : &object->filling;
}

/* ---- calls ---- */

enum sluice_status open_object_find(struct sink *sink, const char *partition, uint64_t hash,
                                    struct sink_object **found, struct sluice_error *error)
{
    *found = NULL;
    for (struct sink_object *object = sink->objects; object; object = object->next) {
        if (!object->is_ended && object->hash == hash &&
            strcmp(object->partition, partition) == 0) {
            *found = object;
            return SLUICE_OK;
        }
    }
    struct sink_object *object = sluice_alloc(sink->host, sizeof *object);
    if (!object) {
        return no_memory(sink, error);
    }
    int64_t now_ms = sluice_monotonic_ms(sink->host);
    *object = (struct sink_object){.hash = hash, .opened_ms = now_ms, .written_ms = now_ms};
    sink->sequence++;
    enum sluice_status status = name_object(sink, object, partition, error);
    if (status == SLUICE_OK) {
        status = start_object(sink, object, error);
    }
    if (status == SLUICE_OK) {
        status =
            sluice_encoder_begin(sink->host, object->encoder, encoded_into(sink, object), error);
    }
    if (status == SLUICE_OK && object->compressor) {
        status = compress_plain(sink, object, error);
    }
    if (status != SLUICE_OK) {
        open_object_destroy(sink, object);
        return status;
    }
    object->next = sink->objects;
    sink->objects = object;
    sink->open_count++;
    *found = object;
    return SLUICE_OK;
}

static bool is_full(const struct sink *sink, const struct sink_object *object)
{
    return sink->options->mode == SINK_APPEND && object->staged.rows > 0 &&
           (object_bytes(object) >= sink->options->max_bytes ||
            (sink->options->max_rows > 0 && object->staged.rows >= sink->options->max_rows));
}

static int64_t step_rows(const struct sink *sink, const struct sink_object *object, int64_t count)
{
    int64_t step = count < ROWS_A_STEP ? count : ROWS_A_STEP;
    if (sink->options->mode == SINK_APPEND && sink->options->max_rows > 0 &&
        step > sink->options->max_rows - object->staged.rows) {
        step = sink->options->max_rows - object->staged.rows;
    }
    return step;
}

enum sluice_status open_object_write(struct sink *sink, struct sink_object *object,
                                     const struct sluice_batch *batch, const int32_t *rows,
                                     int64_t count, int64_t *taken, struct sluice_error *error)
{
    *taken = 0;
    enum sluice_status status = SLUICE_OK;
    while (status == SLUICE_OK && *taken < count && !is_full(sink, object)) {
        int64_t step = step_rows(sink, object, count - *taken);
        status = sluice_encoder_encode(sink->host, object->encoder, batch, rows + *taken, step,
                                       encoded_into(sink, object), error);
        if (status == SLUICE_OK && object->compressor) {
            status = compress_plain(sink, object, error);
        }
        if (status == SLUICE_OK) {
            status = cut_full_parts(sink, object, error);
        }
        *taken += step;
        object->staged.rows += step;
    }
    object->written_ms = sluice_monotonic_ms(sink->host);
    if (status == SLUICE_OK && is_full(sink, object)) {
        status = open_object_end(sink, object, error);
    }
    return status;
}

enum sluice_status open_object_end(struct sink *sink, struct sink_object *object,
                                   struct sluice_error *error)
{
    enum sluice_status status =
        sluice_encoder_finish(sink->host, object->encoder, encoded_into(sink, object), error);
    if (status == SLUICE_OK && object->compressor) {
        status = compress_plain(sink, object, error);
    }
    if (status == SLUICE_OK && object->compressor) {
        status = compressor_finish(object->compressor, &object->filling, error);
    }
    if (status == SLUICE_OK) {
        status = cut_full_parts(sink, object, error);
    }
    if (status == SLUICE_OK && object->filling.size > 0) {
        status = cut_part(sink, object, object->filling.size, error);
    }
    if (status != SLUICE_OK) {
        return status;
    }
    object->staged.bytes = object->cut_bytes;
    object->is_ended = true;
    sink->open_count--;
    sluice_encoder_destroy(sink->host, object->encoder);
    compressor_destroy(object->compressor);
    object->encoder = NULL;
    object->compressor = NULL;
    return SLUICE_OK;
}

static struct sink_object *largest_open(const struct sink *sink, size_t *held)
{
    struct sink_object *largest = NULL;
    *held = 0;
    for (struct sink_object *object = sink->objects; object; object = object->next) {
        if (object->is_ended) {
            continue;
        }
        *held += object->filling.capacity;
        if (!largest || object_bytes(object) > object_bytes(largest)) {
            largest = object;
        }
    }
    return largest;
}

enum sluice_status open_object_limit(struct sink *sink, size_t open_limit,
                                     struct sluice_error *error)
{
    size_t share = sink->run->memory_bytes > 0 ? (size_t)sink->run->memory_bytes / 2 : SIZE_MAX;
    size_t held;
    enum sluice_status status = SLUICE_OK;
    struct sink_object *largest = largest_open(sink, &held);
    while (status == SLUICE_OK && sink->options->mode == SINK_APPEND && largest &&
           (sink->open_count > open_limit || held > share)) {
        status = open_object_end(sink, largest, error);
        largest = largest_open(sink, &held);
    }
    return status;
}

void open_object_destroy(struct sink *sink, struct sink_object *object)
{
    while (object->pending) {
        struct sink_part *part = object->pending;
        object->pending = part->next;
        if (part->transfer) {
            sink->in_flight--;
        }
        object_transfer_destroy(part->transfer);
        sluice_buffer_free(sink->host, &part->bytes);
        sluice_free(sink->host, part);
    }
    sluice_encoder_destroy(sink->host, object->encoder);
    compressor_destroy(object->compressor);
    sluice_buffer_free(sink->host, &object->filling);
    staged_object_free(sink->host, &object->staged);
    sluice_free(sink->host, object->partition);
    sluice_free(sink->host, object);
}
