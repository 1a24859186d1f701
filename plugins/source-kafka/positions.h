/* SPDX-License-Identifier: Apache-2.0 */
/* The table of assigned partitions and where each stands, and its text form in a checkpoint:
 *
 *     source-kafka 1
 *     TOPIC PARTITION NEXT-OFFSET
 *     …
 *
 * Pure: no Kafka, no I/O but the state streams. */
#ifndef SOURCE_KAFKA_POSITIONS_H
#define SOURCE_KAFKA_POSITIONS_H

#include <sluice/plugin.h>

#define NO_OFFSET INT64_C(-1)
#define TOPIC_SIZE 250

struct position {
    char topic[TOPIC_SIZE];
    int32_t partition;
    int64_t next;      /* offset of the next record to read */
    int64_t committed; /* the group's, as far as this member knows; NO_OFFSET: none */
    int64_t snapshot;  /* `next` at the last snapshot; NO_OFFSET: was not assigned then */
    int64_t oldest_ms; /* timestamp of the oldest record read and not committed; 0: none */
    int64_t newer_ms;  /* … and not in the last snapshot */
    int64_t end;       /* where a --once run ends; NO_OFFSET: not asked */
};

struct positions {
    const struct sluice_host *host;
    size_t count;
    size_t capacity;
    struct position *items;
};

void positions_init(struct positions *positions, const struct sluice_host *host);
void positions_reset(struct positions *positions); /* empties and frees */
/* NULL where it is not in. Pointers are good until the next add or remove. */
struct position *positions_find(const struct positions *positions, const char *topic,
                                int32_t partition);
/* A new entry, or the one that is there, with NO_OFFSET everywhere. NULL without memory, or where
 * the topic's name is longer than Kafka allows. */
struct position *positions_add(struct positions *positions, const char *topic, int32_t partition);
void positions_remove(struct positions *positions, const char *topic, int32_t partition);

/* Records were read that no decision covers yet. */
bool positions_have_undecided(const struct positions *positions);
/* All ends are reached (true for no partitions). */
bool positions_at_end(const struct positions *positions);

enum sluice_status positions_write(const struct positions *positions,
                                   struct sluice_state_writer *writer);
/* FATAL state_corrupt or state_version. Replaces what is in. */
enum sluice_status positions_parse(struct positions *positions, const char *text, size_t size,
                                   struct sluice_error *error);

#endif
