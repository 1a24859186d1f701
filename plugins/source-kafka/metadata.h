/* SPDX-License-Identifier: Apache-2.0 */
/* The text that a committed offset carries: which member decided which checkpoint with it.
 *
 *     sluice 1 SCOPE MEMBER CHECKPOINT
 *
 * SCOPE is pipeline and flow. ASCII without NUL, because brokers and clients garble anything else.
 * Pure. */
#ifndef SOURCE_KAFKA_METADATA_H
#define SOURCE_KAFKA_METADATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCOPE_SIZE 256
#define MEMBER_SIZE 65
#define METADATA_SIZE 512 /* brokers take 4,096 bytes by default */
#define INSTANCE_ID_SIZE 250

struct decision_record {
    char scope[SCOPE_SIZE];
    char member[MEMBER_SIZE];
    uint64_t checkpoint;
};

enum metadata_kind {
    METADATA_NONE = 0, /* empty, or of another tool: there is nothing to finish */
    METADATA_DECISION,
    METADATA_NEWER /* a later release of sluice wrote it */
};

/* Pipeline and flow in a form without spaces, short enough, and different for different names. */
void scope_write(const char *pipeline, const char *flow, char scope[SCOPE_SIZE]);
/* A group.instance.id: the characters and the length that brokers take. */
void instance_id_write(const char *scope, const char *member, char id[INSTANCE_ID_SIZE]);

/* Returns the length. */
size_t metadata_write(const struct decision_record *decision, char text[METADATA_SIZE]);
enum metadata_kind metadata_parse(const char *bytes, size_t size, struct decision_record *decision);
/* Same scope, member and checkpoint. */
bool decision_equal(const struct decision_record *one, const struct decision_record *other);

#endif
