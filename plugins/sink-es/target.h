/* SPDX-License-Identifier: Apache-2.0 */
/* Where documents go: a search cluster or a folder (the embedded index). Both keep the sink's
 * promises behind the same calls, which are those of sluice_sink for one document at a time. */
#ifndef SLUICE_SINK_ES_TARGET_H
#define SLUICE_SINK_ES_TARGET_H

#include "config.h"
#include "document.h"
#include "index_name.h"

#include <sluice/sink.h>

struct target;

struct target_calls {
    enum sluice_status (*open)(struct target *target, struct sluice_error *error);
    /* First in every callback. */
    void (*begin)(struct target *target);
    /* RETRY: the document was not taken. */
    enum sluice_status (*add)(struct target *target, const struct document *document,
                              struct sluice_error *error);
    /* Moves on what is under way; is_tick: nothing else is to be done at the moment. */
    enum sluice_status (*turn)(struct target *target, bool is_tick, struct sluice_error *error);
    enum sluice_status (*stage)(struct target *target, uint64_t checkpoint,
                                struct sluice_state_writer *writer, struct sluice_error *error);
    enum sluice_status (*commit)(struct target *target, uint64_t checkpoint,
                                 struct sluice_state_reader *reader, struct sluice_error *error);
    enum sluice_status (*recover)(struct target *target, const struct sluice_recovery *recovery,
                                  struct sluice_state_reader *reader, struct sluice_error *error);
    /* NULL: rows cannot be seen before commit. */
    enum sluice_status (*give_back)(struct target *target, const struct sluice_error *why);
    void (*cancel)(struct target *target); /* any thread */
    void (*close)(struct target *target);
    void (*destroy)(struct target *target);
};

/* First member of every target. */
struct target {
    const struct target_calls *calls;
};

/* `pattern` must outlive the target. */
enum sluice_status cluster_create(const struct sluice_host *host, const struct es_options *options,
                                  const struct index_pattern *pattern, struct target **target,
                                  struct sluice_error *error);
enum sluice_status embedded_create(const struct sluice_host *host, const struct es_options *options,
                                   struct target **target, struct sluice_error *error);

#endif
