/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the source and of its lines have in common: a source on a test host. */
#ifndef SLUICE_GENERATE_FIXTURE_H
#define SLUICE_GENERATE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "generate.h"
#include "test_host/test_host.h"

struct source {
    struct test_host *test;
    void *instance;
};

/* 30000 events of a small world, a few of them late, twice or malformed. */
struct generate_options default_options(void);

void begin_source(struct source *source, const struct generate_options *options);
void end_source(struct source *source);

/* The next batch, or NULL at the end. */
struct sluice_batch *read_batch(struct source *source);
/* One line a row. */
void append_lines(struct text *text, const struct sluice_batch *batch);
void read_all(struct source *source, struct text *text);

#endif
