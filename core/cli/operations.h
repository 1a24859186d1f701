/* SPDX-License-Identifier: Apache-2.0 */
/* What a running process offers to whoever operates it: metrics and health by HTTP, and word to its
 * supervisor. */
#ifndef SLUICE_CLI_OPERATIONS_H
#define SLUICE_CLI_OPERATIONS_H

#include "metrics/metrics.h"
#include "runtime/runtime.h"
#include "serve/serve.h"

struct operations {
    struct runtime *runtime;
    struct registry registry;
    struct http_server *server; /* NULL: nobody asked for one */
    struct notifier notifier;
    int64_t started_ms;
    int64_t tended_ms;
    atomic_llong alive_ms; /* when the main thread was last here, monotonic */
    struct http_route routes[8];
};

/* `listen`: of --metrics, instead of what the pipeline files say; NULL: that. The runtime must
 * outlive the operations. CONFIG where the files disagree or the address cannot be had. */
enum sluice_status operations_start(struct operations *operations, const struct plan *plan,
                                    const char *listen, struct runtime *runtime,
                                    struct sluice_error *error);
/* The flows have been started. */
void operations_ready(struct operations *operations);
/* To be called several times a second. */
void operations_tend(struct operations *operations);
void operations_stopping(struct operations *operations); /* any thread */
void operations_stop(struct operations *operations);

#endif
