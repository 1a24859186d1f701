/* SPDX-License-Identifier: Apache-2.0 */
/* A checkpoint in memory and its bytes:
 *   "SLUICECP" u32 version  u64 number  i64 created_ms  u64 after_run  u32 entries
 *   entry: u32 kind, u32 size + step name, u32 lane, u64 size + state
 *   u64 hash of everything before it. Integers are little-endian. */
#include "checkpoint/checkpoint.h"

#include "data/data.h"

#include <stdlib.h>
#include <string.h>

static const char magic[8] = {'S', 'L', 'U', 'I', 'C', 'E', 'C', 'P'};
static const uint32_t format_version = 1;

struct checkpoint *checkpoint_create(uint64_t number)
{
    struct checkpoint *checkpoint = calloc(1, sizeof *checkpoint);
    if (checkpoint) {
        checkpoint->number = number;
        checkpoint->created_ms = clock_wall_ms();
    }
    return checkpoint;
}

void checkpoint_destroy(struct checkpoint *checkpoint)
{
    if (!checkpoint)
        return;
    for (size_t i = 0; i < checkpoint->entry_count; i++) {
        free(checkpoint->entries[i].step);
        text_reset(&checkpoint->entries[i].state);
    }
    free(checkpoint->entries);
    free(checkpoint);
}

bool checkpoint_add(struct checkpoint *checkpoint, enum checkpoint_kind kind, const char *step,
                    int lane, struct text *state)
{
    if (checkpoint->entry_count == checkpoint->entry_capacity) {
        size_t capacity = checkpoint->entry_capacity ? checkpoint->entry_capacity * 2 : 16;
        struct checkpoint_entry *grown =
            realloc(checkpoint->entries, capacity * sizeof *checkpoint->entries);
        if (!grown)
            return false;
        checkpoint->entries = grown;
        checkpoint->entry_capacity = capacity;
    }
    char *name = strdup(step);
    if (!name)
        return false;
    checkpoint->entries[checkpoint->entry_count++] =
        (struct checkpoint_entry){.kind = kind, .step = name, .lane = lane, .state = *state};
    *state = (struct text){0};
    return true;
}

const struct checkpoint_entry *checkpoint_find(const struct checkpoint *checkpoint,
                                               const char *step, int lane)
{
    for (size_t i = 0; i < checkpoint->entry_count; i++)
        if (checkpoint->entries[i].lane == lane && strcmp(checkpoint->entries[i].step, step) == 0)
            return &checkpoint->entries[i];
    return NULL;
}

const struct checkpoint_entry *checkpoint_find_kind(const struct checkpoint *checkpoint,
                                                    enum checkpoint_kind kind, const char *step,
                                                    int lane)
{
    for (size_t i = 0; i < checkpoint->entry_count; i++) {
        const struct checkpoint_entry *entry = &checkpoint->entries[i];
        if (entry->kind == kind && entry->lane == lane && strcmp(entry->step, step) == 0)
            return entry;
    }
    return NULL;
}

static void put_integer(struct text *bytes, uint64_t value, size_t size)
{
    char little[8];
    for (size_t i = 0; i < size; i++)
        little[i] = (char)(unsigned char)(value >> (8 * i));
    text_append_bytes(bytes, little, size);
}

enum sluice_status checkpoint_encode(const struct checkpoint *checkpoint, struct text *bytes,
                                     struct sluice_error *error)
{
    text_append_bytes(bytes, magic, sizeof magic);
    put_integer(bytes, format_version, 4);
    put_integer(bytes, checkpoint->number, 8);
    put_integer(bytes, (uint64_t)checkpoint->created_ms, 8);
    put_integer(bytes, checkpoint->after_run, 8);
    put_integer(bytes, checkpoint->entry_count, 4);
    for (size_t i = 0; i < checkpoint->entry_count; i++) {
        const struct checkpoint_entry *entry = &checkpoint->entries[i];
        put_integer(bytes, (uint64_t)entry->kind, 4);
        put_integer(bytes, strlen(entry->step), 4);
        text_append(bytes, entry->step);
        put_integer(bytes, (uint64_t)entry->lane, 4);
        put_integer(bytes, entry->state.size, 8);
        text_append_bytes(bytes, entry->state.data, entry->state.size);
    }
    if (!bytes->has_failed)
        put_integer(bytes, hash_bytes(bytes->data, bytes->size), 8);
    if (bytes->has_failed)
        return error_set(error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                         "no memory to write checkpoint %llu",
                         (unsigned long long)checkpoint->number);
    return SLUICE_OK;
}

/* Reading position in bytes that may be anything. */
struct cursor {
    const unsigned char *bytes;
    size_t size;
    bool is_short;
    bool has_failed; /* no memory: no word about the bytes */
};

static uint64_t take_integer(struct cursor *cursor, size_t size)
{
    uint64_t value = 0;
    if (cursor->size < size) {
        cursor->is_short = true;
        return 0;
    }
    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)cursor->bytes[i] << (8 * i);
    cursor->bytes += size;
    cursor->size -= size;
    return value;
}

static void take_bytes(struct cursor *cursor, uint64_t size, struct text *text)
{
    if (cursor->size < size) {
        cursor->is_short = true;
        return;
    }
    text_append_bytes(text, (const char *)cursor->bytes, (size_t)size);
    cursor->bytes += size;
    cursor->size -= (size_t)size;
}

static bool take_entry(struct cursor *cursor, struct checkpoint *checkpoint)
{
    struct text step = {0};
    struct text state = {0};
    uint64_t kind = take_integer(cursor, 4);
    take_bytes(cursor, take_integer(cursor, 4), &step);
    int lane = (int)(uint32_t)take_integer(cursor, 4);
    take_bytes(cursor, take_integer(cursor, 8), &state);
    bool is_good = !cursor->is_short && lane >= 0 && kind >= CHECKPOINT_POSITION &&
                   kind <= CHECKPOINT_COMMITTED;
    cursor->has_failed = step.has_failed || state.has_failed ||
                         (is_good && !checkpoint_add(checkpoint, (enum checkpoint_kind)kind,
                                                     text_get(&step), lane, &state));
    text_reset(&step);
    text_reset(&state);
    return is_good && !cursor->has_failed;
}

enum sluice_status checkpoint_decode(const char *bytes, size_t size,
                                     struct checkpoint **checkpoint, struct sluice_error *error)
{
    *checkpoint = NULL;
    if (size < sizeof magic + 8 || memcmp(bytes, magic, sizeof magic) != 0)
        return error_set(error, SLUICE_FATAL, SLUICE_CODE_STATE_CORRUPT,
                         "this is not a checkpoint file, or it is cut off");
    struct cursor tail = {.bytes = (const unsigned char *)bytes + size - 8, .size = 8};
    if (take_integer(&tail, 8) != hash_bytes(bytes, size - 8))
        return error_set(error, SLUICE_FATAL, SLUICE_CODE_STATE_CORRUPT,
                         "the checkpoint's content does not match its checksum: the file is "
                         "damaged");
    struct cursor cursor = {.bytes = (const unsigned char *)bytes + sizeof magic,
                            .size = size - sizeof magic - 8};
    uint64_t version = take_integer(&cursor, 4);
    if (version != format_version)
        return error_set(error, SLUICE_FATAL, SLUICE_CODE_STATE_VERSION,
                         "the checkpoint has format %llu, this sluice reads format %u: use the "
                         "release that wrote it",
                         (unsigned long long)version, format_version);
    struct checkpoint *read = checkpoint_create(take_integer(&cursor, 8));
    bool is_good = read != NULL;
    uint64_t entries = 0;
    cursor.has_failed = !read;
    if (is_good) {
        read->created_ms = (int64_t)take_integer(&cursor, 8);
        read->after_run = take_integer(&cursor, 8);
        entries = take_integer(&cursor, 4);
    }
    for (uint64_t i = 0; is_good && i < entries; i++)
        is_good = take_entry(&cursor, read);
    if (!is_good || cursor.is_short || cursor.size != 0) {
        checkpoint_destroy(read);
        return cursor.has_failed
                   ? error_set(error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                               "no memory to read a checkpoint")
                   : error_set(error, SLUICE_FATAL, SLUICE_CODE_STATE_CORRUPT,
                               "the checkpoint's parts do not add up: the file is damaged");
    }
    *checkpoint = read;
    return SLUICE_OK;
}
