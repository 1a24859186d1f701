/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SLUICE_SINK_ES_SINK_H
#define SLUICE_SINK_ES_SINK_H

#include <sluice/sink.h>

extern const struct sluice_sink es_sink;

#endif
