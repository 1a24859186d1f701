/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints and marks as objects of a bucket. */
#ifndef SLUICE_STATE_S3_H
#define SLUICE_STATE_S3_H

#include "object_store/object_store.h"

#include <sluice/state_store.h>

struct state_options {
    const char *url;
    struct object_store_options store;
};

extern const struct sluice_state_store state_s3_calls;

#endif
