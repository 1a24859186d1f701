/* SPDX-License-Identifier: Apache-2.0 */
/* Where reading stands, as it is kept in a checkpoint: the files that are done, and the place in
 * the one at hand with what is needed to know it again. */
#ifndef SLUICE_SOURCE_FILE_POSITION_H
#define SLUICE_SOURCE_FILE_POSITION_H

#include "file_list.h"
#include "file_stream.h"

struct file_position {
    struct sluice_buffer path; /* empty: between files */
    int64_t offset;            /* decoded bytes that are done */
    int64_t line_feeds;        /* in them */
    bool is_mid_line;          /* they end inside an over-long line, whose rest is to be skipped */
    int64_t size_bytes;        /* of the file at least; -1 unknown */
    int64_t head_size;         /* bytes under the fingerprint */
    uint64_t fingerprint;
};

enum sluice_status position_write(const struct sluice_host *host, int lane, int lane_count,
                                  const struct file_list *list,
                                  const struct file_position *position,
                                  struct sluice_state_writer *writer, struct sluice_error *error);

/* Adds the done files to `list` and fills `position`. FATAL state_corrupt, or state_version where
 * another number of lanes or a newer sluice wrote it. */
enum sluice_status position_read(const struct sluice_host *host, int lane, int lane_count,
                                 struct file_list *list, struct file_position *position,
                                 struct sluice_state_reader *reader, struct sluice_error *error);

/* Notes which file is open, so that a restored position finds it again. */
enum sluice_status position_note(struct file_position *position, struct file_stream *stream,
                                 struct sluice_error *error);
/* FATAL, state_corrupt, where the open file is not the one that the position was taken in. */
enum sluice_status position_check(const struct file_position *position, struct file_stream *stream,
                                  struct sluice_error *error);

void position_reset(const struct sluice_host *host, struct file_position *position);

#endif
