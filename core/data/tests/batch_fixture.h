/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of builders, batches and their texts have in common: an account that must be empty
 * in the end, small dictionaries, and a schema with rows that are known by their number. */
#ifndef SLUICE_BATCH_FIXTURE_H
#define SLUICE_BATCH_FIXTURE_H

#include "data/data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

extern struct account account;
extern struct sluice_error *error;
extern struct dictionary_set *dictionaries; /* at most 10 entries each */
/* id:int64 name:string url:string (with dictionary) ok:bool score:float64 raw:binary
 * time:timestamp */
extern const struct sluice_schema schema;

#define FIXTURE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int fixture_set_up(void **state);
/* Fails where not everything that was charged was given back. */
int fixture_tear_down(void **state);

struct sluice_builder *create_builder(void);
struct sluice_batch *finish_batch(struct sluice_builder *builder);
/* Values of row i; `name` and `raw` are null every third row. */
void append_row(struct sluice_builder *builder, int64_t i);
/* Rows first .. first + count - 1. */
struct sluice_batch *build_batch(int64_t first, int64_t count);
/* Row `row` of the batch has the values of row i. */
void check_row(const struct sluice_batch *batch, int64_t row, int64_t i);

#endif
