/* SPDX-License-Identifier: Apache-2.0 */
/* A transform turns batches into batches.
 *
 *   plan* → create → [restore] → open → process … → watermark(SLUICE_TIME_MAX), finish → close → destroy
 *
 * Rows go out by sluice_emit(), bad rows by sluice_reject(); both inside a callback only.
 * A stateless transform may run in every lane; one that declares keys (sluice_planning_key) runs
 * in every lane too, and the runtime brings equal keys to one instance; any other runs once. */
#ifndef SLUICE_TRANSFORM_H
#define SLUICE_TRANSFORM_H

#include <sluice/planning.h>
#include <sluice/service.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Event time of the last watermark of a bounded run. */
#define SLUICE_TIME_MAX INT64_MAX

struct sluice_transform {
    size_t struct_size;

    /* Required. Declares output columns, keys and columns read (planning.h). */
    enum sluice_status (*plan)(const struct sluice_host *host, const void *options,
                               struct sluice_planning *planning, struct sluice_error *error);

    /* Required. As for a source. */
    enum sluice_status (*create)(const struct sluice_host *host, const void *options,
                                 void **instance, struct sluice_error *error);

    /* Optional. As for a source. */
    enum sluice_status (*open)(void *instance, struct sluice_error *error);

    /* Required. `batch` is borrowed. */
    enum sluice_status (*process)(void *instance, const struct sluice_batch *batch,
                                  struct sluice_error *error);

    /* Optional. No row older than time_us (event time) is expected any more. */
    enum sluice_status (*watermark)(void *instance, int64_t time_us, struct sluice_error *error);

    /* Optional. A bounded run has no further input: emit what is held. Called once, after the
     * last process and watermark. */
    enum sluice_status (*finish)(void *instance, struct sluice_error *error);

    /* Optional, both or none: the state at a barrier. A transform with state but without them is
     * declared SLUICE_BATCH_ONLY. */
    enum sluice_status (*snapshot)(void *instance, struct sluice_state_writer *writer,
                                   struct sluice_error *error);
    enum sluice_status (*restore)(void *instance, struct sluice_state_reader *reader,
                                  struct sluice_error *error);

    void (*cancel)(void *instance); /* optional, any thread */
    void (*close)(void *instance);  /* optional */
    void (*destroy)(void *instance);
};

#ifdef __cplusplus
}
#endif

#endif
