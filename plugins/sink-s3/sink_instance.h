/* SPDX-License-Identifier: Apache-2.0 */
/* The running sink: its open objects and what moves them on. */
#ifndef SINK_S3_SINK_INSTANCE_H
#define SINK_S3_SINK_INSTANCE_H

#include "sink.h"

/* A full part on its way. */
struct sink_part {
    struct sink_part *next;
    struct sluice_buffer bytes;
    size_t size;
    int number;
    int64_t offset;
    struct object_transfer *transfer; /* NULL: not started */
};

struct sink_object {
    struct sink_object *next;
    char *partition;
    uint64_t hash;
    struct staged_object staged; /* key, upload, parts that are there */
    struct sluice_encoder *encoder;
    struct compressor *compressor; /* NULL: none */
    struct sluice_buffer filling;  /* the part in the making */
    struct sink_part *pending;     /* full parts, oldest first */
    int part_number;               /* of the last part that was cut */
    int64_t cut_bytes;             /* bytes in parts that were cut */
    int64_t opened_ms;
    int64_t written_ms;
    bool is_ended; /* no more rows: waits for stage */
    bool is_sealed;
};

struct sink {
    const struct sluice_host *host;
    const struct sink_options *options;
    const struct sluice_run *run;
    struct object_store *store;
    struct row_groups groups;
    struct sink_object *objects;
    struct sluice_buffer plain; /* encoded rows before compression */
    size_t open_count;
    int in_flight;
    uint64_t checkpoint; /* that will stage what is written now */
    uint64_t sequence;
    bool is_conditional;           /* completions carry If-None-Match */
    uint64_t completed;            /* newest checkpoint whose objects this instance has completed */
    struct counted_text leftovers; /* uploads noted by recover: key NUL id NUL, again and again */
    struct sink_doubt *doubts;     /* keys that may hold uploads that nobody knows of */
    bool is_watching;              /* requests of earlier attempts may still arrive */
    int64_t watched_since_ms;
};

/* ---- open_object.c: rows → parts, in memory ---- */

/* The key of mode replace. */
void open_object_fixed_key(const struct sink *sink, struct counted_text *key);
/* REJECT key_unsafe where the partition gives no usable key. */
enum sluice_status open_object_find(struct sink *sink, const char *partition, uint64_t hash,
                                    struct sink_object **object, struct sluice_error *error);
/* Takes as many of the rows as fit before the object must end; *taken says how many. */
enum sluice_status open_object_write(struct sink *sink, struct sink_object *object,
                                     const struct sluice_batch *batch, const int32_t *rows,
                                     int64_t count, int64_t *taken, struct sluice_error *error);
/* Ends it: no more rows. */
enum sluice_status open_object_end(struct sink *sink, struct sink_object *object,
                                   struct sluice_error *error);
/* Ends the largest objects until as many are open and as much is held as is allowed. */
enum sluice_status open_object_limit(struct sink *sink, size_t open_limit,
                                     struct sluice_error *error);
void open_object_destroy(struct sink *sink, struct sink_object *object);

/* ---- transfer.c: parts → uploads ---- */

/* Moves parts on until at most `allowed` are pending; with wait false it does not wait for any.
 * RETRY leaves all that is pending to be sent by the next call. */
enum sluice_status transfer_parts(struct sink *sink, size_t allowed, bool is_waiting,
                                  struct sluice_error *error);

/* ---- commit.c: uploads → objects ---- */

enum sluice_status commit_staged(struct sink *sink, const struct staged_list *list,
                                 struct sluice_error *error);

/* ---- leftovers.c: uploads that nobody will complete ---- */

/* Notes the member's uploads that are there now, in place of what was noted before. */
enum sluice_status leftovers_note(struct sink *sink, const char *member, bool is_running,
                                  struct sluice_error *error);
/* Aborts what was noted; what has been completed since is none any more. */
enum sluice_status leftovers_drop_noted(struct sink *sink, struct sluice_error *error);
/* From now on for a while, look_again looks for uploads of this member's earlier attempts too. */
void leftovers_watch(struct sink *sink);
/* The answer to a creation was lost: the key may hold uploads that nobody knows of, now or soon.
 * False: no memory; so for keep. */
bool leftovers_doubt(struct sink *sink, const char *key);
/* Of the key's uploads this one is in use. */
bool leftovers_keep(struct sink *sink, const char *key, const char *upload_id);
enum sluice_status leftovers_drop_before_creation(struct sink *sink, const char *key,
                                                  struct sluice_error *error);
/* After a commit: drops what has come of what is in doubt. Costs nothing where nothing is. */
enum sluice_status leftovers_look_again(struct sink *sink, struct sluice_error *error);
void leftovers_free(struct sink *sink);

#endif
