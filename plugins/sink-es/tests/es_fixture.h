/* SPDX-License-Identifier: Apache-2.0 */
/* What the sink's tests have in common: a host, options as the core
 * would fill them, batches from rows, and a whole sink on a scripted server or a folder. */
#ifndef SLUICE_ES_FIXTURE_H
#define SLUICE_ES_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "config.h"
#include "scripted_server.h"
#include "sink.h"
#include "test_host/test_host.h"

#define FIXTURE_ROWS 64

struct es_fixture {
    struct test_host *test;
    struct es_options options;
    const char *urls[4];
    const char *ids[4];
    void *sink;
    struct scripted_server *server;
    bool is_stopped; /* the server */
    char url[64];
};

/* Input columns: name:string, n:int64, at:timestamp. Action index, id [name], index "test". */
void fixture_init(struct es_fixture *fixture);
void fixture_index(struct es_fixture *fixture, const char *template_);
/* A server with these answers, and the sink on it, created but not opened. */
void fixture_serve(struct es_fixture *fixture, const struct scripted_answer *answers, size_t count);
enum sluice_status fixture_create(struct es_fixture *fixture);
/* Rows (name, n) for each pair; name NULL is null. Ends with a NULL pair marker: count is given. */
struct fixture_row {
    const char *name;
    int64_t n;
};
struct sluice_batch *fixture_batch(struct es_fixture *fixture, const struct fixture_row *rows,
                                   size_t count);
/* Writes the rows that have no verdict yet, as the core does. */
enum sluice_status fixture_write(struct es_fixture *fixture, const struct fixture_row *rows,
                                 size_t count);
enum sluice_status fixture_stage(struct es_fixture *fixture, uint64_t checkpoint);
enum sluice_status fixture_commit(struct es_fixture *fixture, uint64_t checkpoint);
/* create, open (where asked for), write of two rows, stage and commit while only so many
 * allocations succeed. The first status that is not OK, which must be FATAL for want of memory. */
enum sluice_status fixture_live_with(struct es_fixture *fixture, int64_t allocations,
                                     bool is_opened);
/* Closes and destroys the sink and ends the server, whose requests can be looked at afterwards. */
void fixture_stop(struct es_fixture *fixture);
void fixture_end(struct es_fixture *fixture);

#endif
