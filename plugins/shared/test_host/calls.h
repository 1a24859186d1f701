/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the test host: who fills which part of the table. */
#ifndef SLUICE_TEST_HOST_CALLS_H
#define SLUICE_TEST_HOST_CALLS_H

#include "test_host/test_host.h"

void test_host_fill_services(struct sluice_host_table *table);
void test_host_fill_control(struct sluice_host_table *table);
void test_host_fill_values(struct sluice_host_table *table);
void test_host_fill_codecs(struct sluice_host_table *table);
void test_host_fill_batch(struct sluice_host_table *table);
void test_host_fill_builder(struct sluice_host_table *table);
void test_host_fill_planning(struct sluice_host_table *table);

/* Any property, of the one column that the test says the input is clustered by. */
bool test_host_has_property(const struct test_host *test, const char *const *columns, size_t count);

#endif
