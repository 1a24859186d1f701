/* SPDX-License-Identifier: Apache-2.0 */
/* The callbacks that the descriptor names; what each must do stands in <sluice/sink.h>. */
#ifndef SINK_S3_COMPONENT_H
#define SINK_S3_COMPONENT_H

#include <sluice/plugin.h>

enum sluice_status sink_plan(const struct sluice_host *host, const void *options,
                             struct sluice_planning *planning, struct sluice_error *error);
enum sluice_status sink_create(const struct sluice_host *host, const void *options, void **instance,
                               struct sluice_error *error);
enum sluice_status sink_open(void *instance, struct sluice_error *error);
enum sluice_status sink_write(void *instance, const struct sluice_batch *batch,
                              struct sluice_verdicts *verdicts, struct sluice_error *error);
enum sluice_status sink_tick(void *instance, struct sluice_error *error);
enum sluice_status sink_stage(void *instance, uint64_t checkpoint,
                              struct sluice_state_writer *writer, struct sluice_error *error);
enum sluice_status sink_commit(void *instance, uint64_t checkpoint,
                               struct sluice_state_reader *reader, struct sluice_error *error);
enum sluice_status sink_recover(void *instance, const struct sluice_recovery *recovery,
                                struct sluice_state_reader *reader, struct sluice_error *error);
void sink_cancel(void *instance);
void sink_close(void *instance);
void sink_destroy(void *instance);

#endif
