/* SPDX-License-Identifier: Apache-2.0 */
/* TZif files (RFC 8536), version 1 to 4. Every read is checked against the file's size. */
#include "data/values/time_zone.h"

#include <string.h>

enum { HEADER_SIZE = 44, TYPE_SIZE = 6 };

struct header {
    char version;
    uint32_t ut_count;
    uint32_t standard_count;
    uint32_t leap_count;
    uint32_t time_count;
    uint32_t type_count;
    uint32_t name_size;
};

static uint32_t read_u32(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static int64_t read_time(const unsigned char *bytes, size_t width)
{
    if (width == 4) {
        return (int32_t)read_u32(bytes);
    }
    return (int64_t)((uint64_t)read_u32(bytes) << 32 | read_u32(bytes + 4));
}

static bool read_header(const unsigned char *bytes, size_t size, struct header *header)
{
    if (size < HEADER_SIZE || memcmp(bytes, "TZif", 4) != 0) {
        return false;
    }
    header->version = (char)bytes[4];
    header->ut_count = read_u32(bytes + 20);
    header->standard_count = read_u32(bytes + 24);
    header->leap_count = read_u32(bytes + 28);
    header->time_count = read_u32(bytes + 32);
    header->type_count = read_u32(bytes + 36);
    header->name_size = read_u32(bytes + 40);
    return true;
}

/* Bytes of the block behind the header; SIZE_MAX where the counts are absurd. */
static size_t body_size(const struct header *header, size_t width)
{
    const uint32_t most = 1u << 20;
    if (header->ut_count > most || header->standard_count > most || header->leap_count > most ||
        header->time_count > most || header->type_count > 256 || header->name_size > most) {
        return SIZE_MAX;
    }
    return header->time_count * (width + 1) + (size_t)header->type_count * TYPE_SIZE +
           header->name_size + header->leap_count * (width + 4) + header->standard_count +
           header->ut_count;
}

static bool read_transitions(struct arena *arena, const unsigned char *body,
                             const struct header *header, size_t width, struct time_zone *zone)
{
    size_t count = header->time_count;
    const unsigned char *indexes = body + count * width;
    const unsigned char *types = indexes + count;
    int64_t *times = arena_alloc(arena, count * sizeof(*times));
    int32_t *offsets = arena_alloc(arena, count * sizeof(*offsets));
    if (!times || !offsets || header->type_count == 0) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        times[i] = read_time(body + i * width, width);
        if (indexes[i] >= header->type_count || (i > 0 && times[i] <= times[i - 1])) {
            return false;
        }
        offsets[i] = (int32_t)read_u32(types + indexes[i] * TYPE_SIZE);
    }
    zone->first_offset = (int32_t)read_u32(types);
    zone->transition_count = count;
    zone->times = times;
    zone->offsets = offsets;
    return true;
}

/* "\nRULE\n"; an empty rule says that the last transition's offset stays. */
static bool read_footer(const char *bytes, size_t size, struct time_zone *zone)
{
    if (size < 2 || bytes[0] != '\n') {
        return false;
    }
    const char *end = memchr(bytes + 1, '\n', size - 1);
    if (!end) {
        return false;
    }
    zone->has_rule = end > bytes + 1;
    return !zone->has_rule || zone_rule_parse(bytes + 1, (size_t)(end - bytes - 1), &zone->rule);
}

bool zone_file_read(struct arena *arena, const char *bytes, size_t size, struct time_zone *zone,
                    const char **reason)
{
    const unsigned char *at = (const unsigned char *)bytes;
    struct header header;
    size_t width = 4;
    *zone = (struct time_zone){0};
    *reason = "it is not a time zone file";
    if (!read_header(at, size, &header)) {
        return false;
    }
    size_t body = body_size(&header, width);
    if (header.version >= '2' && body < size - HEADER_SIZE) {
        /* The first block is for old readers; the one with 64-bit times follows. */
        at += HEADER_SIZE + body;
        size -= HEADER_SIZE + body;
        width = 8;
        if (!read_header(at, size, &header)) {
            return false;
        }
        body = body_size(&header, width);
    }
    *reason = "the file is damaged";
    if (body > size - HEADER_SIZE ||
        !read_transitions(arena, at + HEADER_SIZE, &header, width, zone)) {
        return false;
    }
    if (header.leap_count > 0) {
        *reason = "it counts leap seconds, which timestamps do not";
        return false;
    }
    return width == 4 ||
           read_footer((const char *)at + HEADER_SIZE + body, size - HEADER_SIZE - body, zone);
}
