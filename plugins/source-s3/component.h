/* SPDX-License-Identifier: Apache-2.0 */
/* The callbacks that the descriptor names; what each must do stands in <sluice/source.h>. */
#ifndef SOURCE_S3_COMPONENT_H
#define SOURCE_S3_COMPONENT_H

#include <sluice/plugin.h>

enum sluice_status source_plan(const struct sluice_host *host, const void *options,
                               struct sluice_planning *planning, struct sluice_error *error);
enum sluice_status source_create(const struct sluice_host *host, const void *options,
                                 void **instance, struct sluice_error *error);
enum sluice_status source_open(void *instance, struct sluice_error *error);
enum sluice_status source_read(void *instance, int timeout_ms, struct sluice_batch **batch,
                               struct sluice_error *error);
void source_cancel(void *instance);
void source_close(void *instance);
void source_destroy(void *instance);

#endif
