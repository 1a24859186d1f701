/* SPDX-License-Identifier: Apache-2.0 */
/* The text that a committed offset carries: which member decided which checkpoint with it.
 *
 *     sluice 1 SCOPE MEMBER CHECKPOINT PROCESS
 *
 * SCOPE is pipeline and flow. PROCESS tells processes apart that are the same member, one after the
 * other or, by mistake, at the same time. ASCII without NUL, because brokers and clients garble anything else.
 * Pure, but for process_id_write(). */
#ifndef SOURCE_KAFKA_METADATA_H
#define SOURCE_KAFKA_METADATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCOPE_SIZE 256
#define MEMBER_SIZE 65
#define METADATA_SIZE 512 /* brokers take 4,096 bytes by default */
#define INSTANCE_ID_SIZE 250
#define PROCESS_ID_SIZE 17

struct decision_record {
    char scope[SCOPE_SIZE];
    char member[MEMBER_SIZE];
    uint64_t checkpoint;
    char process[PROCESS_ID_SIZE];
};

enum metadata_kind {
    METADATA_NONE = 0, /* empty, or of another tool: there is nothing to finish */
    METADATA_DECISION,
    METADATA_NEWER /* a later release of sluice wrote it */
};

/* Pipeline and flow in a form without spaces, short enough, and different for different names. */
void scope_write(const char *pipeline, const char *flow, char scope[SCOPE_SIZE]);
/* The beginning of a member's group.instance.id, in the characters and length that brokers take.
 * Behind it comes what the member reads: */
void instance_id_write(const char *scope, const char *member, char id[INSTANCE_ID_SIZE]);
/* A broker gives a static member that comes back the partitions that it had, whatever it subscribes
 * to now: with other topics it is to be another one. */
void instance_id_add_topics(char id[INSTANCE_ID_SIZE], const char *const *topics, size_t count);
/* Whether the group.instance.id is of the member that instance_id_write() wrote `begin` for. */
bool instance_id_is_of(const char *id, const char *begin);
/* 16 hex digits that are this process's alone, and the same each time. */
void process_id_write(char id[PROCESS_ID_SIZE]);

/* Returns the length. */
size_t metadata_write(const struct decision_record *decision, char text[METADATA_SIZE]);
enum metadata_kind metadata_parse(const char *bytes, size_t size, struct decision_record *decision);
/* Same scope, member, checkpoint and process. */
bool decision_equal(const struct decision_record *one, const struct decision_record *other);

#endif
