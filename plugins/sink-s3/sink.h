/* SPDX-License-Identifier: Apache-2.0 */
/* sink-s3 inside.
 *
 *   batch ─▶ row_groups ─▶ open object: encoder ─▶ compressor ─▶ filling ─▶ parts ─▶ upload
 *   (rows by their own partition)                  (bounded memory)                    │
 *   stage: end every object, send what is left, write down the uploads ◀───────────────┘
 *   commit, recover: complete what is written down; abort what nobody wrote down
 *
 * row_group, object_key and staged are pure; open_object turns rows into parts in memory; transfer,
 * commit and leftovers talk to the store. */
#ifndef SINK_S3_SINK_H
#define SINK_S3_SINK_H

#include <sluice/plugin.h>

#include "compression/compression.h"
#include "object_store/object_store.h"

enum sink_mode { SINK_APPEND = 0, SINK_REPLACE };
enum sink_condition { SINK_CONDITION_AUTO = 0, SINK_CONDITION_ALWAYS, SINK_CONDITION_NEVER };

struct sink_options {
    const char *url;
    const struct sluice_codec_choice *format;
    int compression; /* index into compression_write_names */
    int64_t level;
    const struct sluice_template *partition;
    int mode;
    const char *name;
    int64_t max_bytes;
    int64_t max_rows;
    int64_t max_age_ms;
    int64_t max_idle_ms;
    int64_t part_size;
    int64_t max_open;
    int if_none_match;
    struct object_store_options store;
};

enum sink_metric {
    SINK_METRIC_OBJECTS = 0,
    SINK_METRIC_BYTES,
    SINK_METRIC_PARTS,
    SINK_METRIC_PART_BYTES,
    SINK_METRIC_ABORTED
};

/* ---- row_group.c: which rows go where ---- */

struct row_group {
    size_t name; /* where the partition's text begins in row_groups.names; NUL-terminated */
    uint64_t hash;
    const int32_t *rows;
    int64_t count;
};

struct row_groups {
    const struct sluice_host *host;
    struct counted_text names;
    struct row_group *groups;
    size_t count;
    size_t capacity;
    int32_t *slots; /* open addressing: group + 1, or 0 */
    size_t slot_count;
    int32_t *group_of_row; /* -1: a column of the partition is null */
    int32_t *rows;         /* all rows, group by group */
    int64_t row_capacity;
};

void row_groups_init(struct row_groups *groups, const struct sluice_host *host);
void row_groups_free(struct row_groups *groups);
/* partition NULL: one group with all rows and an empty name. */
enum sluice_status row_groups_fill(struct row_groups *groups, const struct sluice_batch *batch,
                                   const struct sluice_template *partition,
                                   struct sluice_error *error);

/* ---- object_key.c: names ---- */

#define OWNER_SIZE 9

/* 8 hex digits of pipeline, flow, step and member: whose key it is. */
void object_owner(const struct sluice_run *run, const char *member, char owner[OWNER_SIZE]);
/* FLOW-MEMBER-CHECKPOINT-OWNERNONCE-SEQUENCE, without folder and ending. */
void object_name(struct counted_text *name, const struct sluice_run *run, uint64_t checkpoint,
                 uint64_t sequence);
/* Whether the key's last segment was made by object_name() for this member; its nonce. */
bool object_name_is_of(const struct sluice_run *run, const char *member, const char *key,
                       uint64_t *nonce);

/* ---- staged.c: what stage writes down ---- */

struct staged_object {
    char *key;
    char *upload_id; /* "": an empty object, which commit puts */
    char *token;
    char etag[OBJECT_ETAG_SIZE];
    int64_t rows;
    int64_t bytes;
    struct object_part *parts;
    size_t part_count;
};

struct staged_list {
    const struct sluice_host *host;
    struct staged_object *objects;
    size_t count;
};

void staged_begin(struct counted_text *state, size_t count);
void staged_add(struct counted_text *state, const struct staged_object *object);
/* FATAL state_corrupt or state_version for bytes that are not ours. */
enum sluice_status staged_parse(const struct sluice_host *host, const char *bytes, size_t size,
                                struct staged_list *list, struct sluice_error *error);
void staged_free(struct staged_list *list);
void staged_object_free(const struct sluice_host *host, struct staged_object *object);

#endif
