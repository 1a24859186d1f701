/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics that a component declares: each step has a table of their values. */
#include "runtime/host/host.h"

void host_metric_add(sluice_host_ref host, size_t row, const char *const *labels, double value)
{
    series_add(instance_of(host)->step->series, row, labels, value);
}

void host_metric_set(sluice_host_ref host, size_t row, const char *const *labels, double value)
{
    series_set(instance_of(host)->step->series, row, labels, value);
}

void host_metric_observe(sluice_host_ref host, size_t row, const char *const *labels,
                         double value)
{
    series_observe(instance_of(host)->step->series, row, labels, value);
}
