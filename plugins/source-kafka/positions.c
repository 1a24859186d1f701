/* SPDX-License-Identifier: Apache-2.0 */
#include "positions.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define HEADER "source-kafka 1\n"
#define HEADER_TAG "source-kafka "

void positions_init(struct positions *positions, const struct sluice_host *host)
{
    *positions = (struct positions){.host = host};
}

void positions_reset(struct positions *positions)
{
    sluice_free(positions->host, positions->items);
    positions_init(positions, positions->host);
}

struct position *positions_find(const struct positions *positions, const char *topic,
                                int32_t partition)
{
    for (size_t i = 0; i < positions->count; i++) {
        struct position *position = &positions->items[i];
        if (position->partition == partition && strcmp(position->topic, topic) == 0)
            return position;
    }
    return NULL;
}

struct position *positions_add(struct positions *positions, const char *topic, int32_t partition)
{
    struct position *position = positions_find(positions, topic, partition);
    size_t size = strlen(topic);
    if (size >= TOPIC_SIZE)
        return NULL;
    if (!position && positions->count == positions->capacity) {
        size_t capacity = positions->capacity ? positions->capacity * 2 : 16;
        struct position *items =
            sluice_resize(positions->host, positions->items, capacity * sizeof *items);
        if (!items)
            return NULL;
        positions->items = items;
        positions->capacity = capacity;
    }
    if (!position)
        position = &positions->items[positions->count++];
    *position = (struct position){.partition = partition,
                                  .next = NO_OFFSET,
                                  .committed = NO_OFFSET,
                                  .snapshot = NO_OFFSET,
                                  .end = NO_OFFSET};
    memcpy(position->topic, topic, size + 1);
    return position;
}

void positions_remove(struct positions *positions, const char *topic, int32_t partition)
{
    struct position *position = positions_find(positions, topic, partition);
    if (position)
        *position = positions->items[--positions->count];
}

bool positions_have_undecided(const struct positions *positions)
{
    for (size_t i = 0; i < positions->count; i++) {
        if (positions->items[i].next != positions->items[i].committed)
            return true;
    }
    return false;
}

bool positions_at_end(const struct positions *positions)
{
    for (size_t i = 0; i < positions->count; i++) {
        const struct position *position = &positions->items[i];
        if (position->end == NO_OFFSET || position->next < position->end)
            return false;
    }
    return true;
}

enum sluice_status positions_write(const struct positions *positions,
                                   struct sluice_state_writer *writer)
{
    const struct sluice_host *host = positions->host;
    enum sluice_status status = sluice_state_write(host, writer, HEADER, strlen(HEADER));
    for (size_t i = 0; status == SLUICE_OK && i < positions->count; i++) {
        const struct position *position = &positions->items[i];
        char line[TOPIC_SIZE + 64];
        int size = snprintf(line, sizeof line, "%s %" PRId32 " %" PRId64 "\n", position->topic,
                            position->partition, position->next);
        status = sluice_state_write(host, writer, line, (size_t)size);
    }
    return status;
}

static enum sluice_status fail_corrupt(const struct positions *positions,
                                       struct sluice_error *error)
{
    return sluice_fail(positions->host, error, SLUICE_FATAL, SLUICE_CODE_STATE_CORRUPT,
                       "the checkpoint's Kafka positions cannot be read");
}

static bool parse_offset(const char **at, const char *end, int64_t limit, int64_t *value)
{
    const char *start = *at;
    *value = 0;
    while (*at < end && **at >= '0' && **at <= '9') {
        int64_t digit = **at - '0';
        if (*value > (limit - digit) / 10)
            return false;
        *value = *value * 10 + digit;
        (*at)++;
    }
    return *at > start;
}

static bool parse_line(struct positions *positions, const char **at, const char *end)
{
    char topic[TOPIC_SIZE];
    const char *space = memchr(*at, ' ', (size_t)(end - *at));
    if (!space || space == *at || space - *at >= TOPIC_SIZE)
        return false;
    memcpy(topic, *at, (size_t)(space - *at));
    topic[space - *at] = '\0';
    *at = space + 1;
    int64_t partition, next;
    if (!parse_offset(at, end, INT32_MAX, &partition) || *at >= end || *(*at)++ != ' ')
        return false;
    if (!parse_offset(at, end, INT64_MAX, &next) || *at >= end || *(*at)++ != '\n')
        return false;
    struct position *position = positions_add(positions, topic, (int32_t)partition);
    if (position)
        position->next = next;
    return position != NULL;
}

enum sluice_status positions_parse(struct positions *positions, const char *text, size_t size,
                                   struct sluice_error *error)
{
    positions_reset(positions);
    const char *end = text + size;
    if (size < strlen(HEADER_TAG) || memcmp(text, HEADER_TAG, strlen(HEADER_TAG)) != 0)
        return fail_corrupt(positions, error);
    if (size < strlen(HEADER) || memcmp(text, HEADER, strlen(HEADER)) != 0)
        return sluice_fail(positions->host, error, SLUICE_FATAL, SLUICE_CODE_STATE_VERSION,
                           "the checkpoint's Kafka positions were written by a newer release of "
                           "source-kafka");
    for (const char *at = text + strlen(HEADER); at < end;) {
        if (!parse_line(positions, &at, end)) {
            positions_reset(positions);
            return fail_corrupt(positions, error);
        }
    }
    return SLUICE_OK;
}
