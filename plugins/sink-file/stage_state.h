/* SPDX-License-Identifier: Apache-2.0 */
/* What stage writes down for commit and recover. */
#ifndef SLUICE_SINK_FILE_STAGE_STATE_H
#define SLUICE_SINK_FILE_STAGE_STATE_H

#include "file_options.h"

#include <limits.h>

struct stage_state {
    enum file_mode mode;
    uint64_t nonce;           /* of the run that staged */
    int64_t size;             /* append: of the file, synced */
    char path[PATH_MAX];      /* where it is, or will be */
    char temporary[PATH_MAX]; /* replace: where it is until commit */
};

enum sluice_status stage_state_write(const struct sluice_host *host,
                                     const struct stage_state *state,
                                     struct sluice_state_writer *writer,
                                     struct sluice_error *error);
enum sluice_status stage_state_read(const struct sluice_host *host, struct stage_state *state,
                                    struct sluice_state_reader *reader, struct sluice_error *error);

#endif
