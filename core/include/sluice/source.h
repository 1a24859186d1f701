/* SPDX-License-Identifier: Apache-2.0 */
/* A source reads rows from outside.
 *
 *   plan* → create → [restore] → open → read … read → close → destroy
 *                                 └ snapshot → decide → committed, again and again, between reads
 *
 * At a barrier the runtime calls snapshot: the position after the last row that read gave out.
 * When everything of that checkpoint is durable it is decided: by `decide` where the source has it
 * (a Kafka offset commit), else by being durable. Then sinks commit, then `committed` follows.
 * After a crash a new instance gets restore with the newest decided position before open.
 *
 * One thread at a time calls an instance; only cancel may come from another. Statuses other than
 * OK always come with a filled error, except END and AGAIN. */
#ifndef SLUICE_SOURCE_H
#define SLUICE_SOURCE_H

#include <sluice/planning.h>
#include <sluice/service.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sluice_source {
    size_t struct_size;

    /* Required. Declares the output columns (planning.h). */
    enum sluice_status (*plan)(const struct sluice_host *host, const void *options,
                               struct sluice_planning *planning, struct sluice_error *error);

    /* Required. Validates and allocates; no I/O beyond shared resources. On failure *instance is
     * NULL. `options` lives as long as the instance. */
    enum sluice_status (*create)(const struct sluice_host *host, const void *options,
                                 void **instance, struct sluice_error *error);

    /* Optional. Connects. RETRY is repeated by the core; it may come again after close. */
    enum sluice_status (*open)(void *instance, struct sluice_error *error);

    /* Required. Waits at most timeout_ms for rows.
     *   OK     *batch is a batch of the output schema, the caller's now (never empty)
     *   AGAIN  nothing within the time
     *   END    nothing will ever come; further calls answer END
     * Otherwise *batch is NULL. */
    enum sluice_status (*read)(void *instance, int timeout_ms, struct sluice_batch **batch,
                               struct sluice_error *error);

    /* Required where restore is: writes the position. Must be able to be written at any time. */
    enum sluice_status (*snapshot)(void *instance, struct sluice_state_writer *writer,
                                   struct sluice_error *error);

    /* Optional. The position to go on from; after create, before open. Without it the source
     * starts over (a batch flow's sources always do). */
    enum sluice_status (*restore)(void *instance, struct sluice_state_reader *reader,
                                  struct sluice_error *error);

    /* Optional: the source decides checkpoints. OK: decided. REJECT: refused for good, the flow
     * drops what is staged and starts over from the last decided checkpoint. RETRY: not known
     * yet; the core calls again and goes no further meanwhile. The number is that of the last
     * snapshot call. */
    enum sluice_status (*decide)(void *instance, uint64_t checkpoint, struct sluice_error *error);

    /* Optional. All sinks have made the checkpoint visible: clean up (delete what was read, say). */
    void (*committed)(void *instance, uint64_t checkpoint);

    /* Optional. From any thread: a blocking call returns soon, with AGAIN or what it has. */
    void (*cancel)(void *instance);

    /* Optional. Disconnects; from any state. */
    void (*close)(void *instance);

    /* Required. Frees; after close. */
    void (*destroy)(void *instance);
};

#ifdef __cplusplus
}
#endif

#endif
