/* SPDX-License-Identifier: Apache-2.0 */
/* Folders of staged index files: FOLDER/.staged/WRITER/CHECKPOINT. */
#ifndef SLUICE_SINK_ES_STAGED_H
#define SLUICE_SINK_ES_STAGED_H

#include <sluice/service.h>

/* Beside the checkpoints of a writer: rows that no checkpoint holds yet. */
#define STAGED_SPOOL "spool"

/* Path of the writer: flow, step and member under the folder `staged`. */
enum sluice_status staged_writer(const struct sluice_host *host, const char *staged,
                                 const char *member, struct sluice_buffer *path,
                                 struct sluice_error *error);
enum sluice_status staged_checkpoint(const struct sluice_host *host, const char *writer,
                                     uint64_t checkpoint, struct sluice_buffer *path,
                                     struct sluice_error *error);
/* Moves the checkpoint's files into `folder`; where there are none, that was done before. */
enum sluice_status staged_publish(const struct sluice_host *host, const char *writer,
                                  uint64_t checkpoint, const char *folder,
                                  struct sluice_error *error);
/* Removes all checkpoints of the writer. */
enum sluice_status staged_drop(const struct sluice_host *host, const char *writer,
                               struct sluice_error *error);

#endif
