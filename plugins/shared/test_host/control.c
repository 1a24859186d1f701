/* SPDX-License-Identifier: Apache-2.0 */
/* What a plugin hands to the test host or asks of it: rows, verdicts, checkpoints, resources. */
#include "test_host/calls.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct test_resource {
    struct test_resource *next;
    char *name;
    void *object;
    void (*destroy)(void *object);
    int references;
};

/* Room for one more behind `count` items. */
static void *grow(void *items, size_t count, size_t size)
{
    void *grown = realloc(items, (count + 1) * size);
    assert(grown);
    return grown;
}

static enum sluice_status host_emit(sluice_host_ref host, struct sluice_batch *batch,
                                    struct sluice_error *error)
{
    (void)error;
    struct test_host *test = test_host_of(host);
    test->emitted = grow(test->emitted, test->emitted_count, sizeof *test->emitted);
    test->emitted[test->emitted_count++] = batch;
    return SLUICE_OK;
}

static enum sluice_status host_reject(sluice_host_ref host, const struct sluice_rejected *rejected,
                                      const struct sluice_error *why)
{
    struct test_host *test = test_host_of(host);
    test->rejects = grow(test->rejects, test->reject_count, sizeof *test->rejects);
    struct test_reject *kept = &test->rejects[test->reject_count++];
    struct sluice_origin origin = {.name = rejected->origin_name, .partition = -1};
    int64_t position = rejected->position;
    if (rejected->batch) {
        batch_origin(rejected->batch, rejected->row, &origin, &position);
    }
    *kept = (struct test_reject){
        .code = error_code(why),
        .message = arena_copy(test->arena, error_message(why), strlen(error_message(why))),
        .original = arena_copy(test->arena, rejected->original ? rejected->original : "",
                               rejected->original_size),
        .original_size = rejected->original_size,
        .origin_name =
            origin.name ? arena_copy(test->arena, origin.name, strlen(origin.name)) : NULL,
        .partition = origin.partition,
        .position = position};
    return SLUICE_OK;
}

static void host_verdict(sluice_host_ref host, struct sluice_verdicts *verdicts, int64_t row,
                         enum sluice_verdict verdict, const struct sluice_error *why)
{
    (void)verdicts; /* without assertions */
    (void)why;
    struct test_host *test = test_host_of(host);
    assert((void *)verdicts == (void *)test->verdicts);
    assert(row >= 0 && row < test->verdict_count);
    assert((verdict == SLUICE_VERDICT_REJECT) == (why != NULL));
    test->verdicts[row] = verdict;
}

static void host_request_checkpoint(sluice_host_ref host)
{
    test_host_of(host)->checkpoint_requests++;
}

static enum sluice_status host_settle_member(sluice_host_ref host, const char *member,
                                             uint64_t checkpoint,
                                             enum sluice_settlement settlement,
                                             struct sluice_error *error)
{
    (void)error;
    struct test_host *test = test_host_of(host);
    test->settled = grow(test->settled, test->settled_count, sizeof *test->settled);
    test->settled[test->settled_count++] = (struct test_settled){
        arena_copy(test->arena, member, strlen(member)), checkpoint, settlement};
    return SLUICE_OK;
}

static enum sluice_status host_settle(sluice_host_ref host, const char *member, uint64_t checkpoint,
                                      struct sluice_error *error)
{
    return host_settle_member(host, member, checkpoint, SLUICE_SETTLE_OWN, error);
}

static struct test_resource **find_resource(struct test_host *test, const char *name)
{
    struct test_resource **place = &test->resources;
    while (*place && strcmp((*place)->name, name) != 0) {
        place = &(*place)->next;
    }
    return place;
}

static enum sluice_status
host_resource_get(sluice_host_ref host, const char *name,
                  enum sluice_status (*create)(void *user, void **resource, struct sluice_error *),
                  void (*destroy)(void *resource), void *user, void **resource,
                  struct sluice_error *error)
{
    struct test_host *test = test_host_of(host);
    struct test_resource **place = find_resource(test, name);
    *resource = NULL;
    if (!*place) {
        void *object = NULL;
        enum sluice_status status = create(user, &object, error);
        if (status != SLUICE_OK) {
            return status;
        }
        *place = arena_alloc(test->arena, sizeof **place);
        **place = (struct test_resource){.name = arena_copy(test->arena, name, strlen(name)),
                                         .object = object,
                                         .destroy = destroy};
    }
    (*place)->references++;
    *resource = (*place)->object;
    return SLUICE_OK;
}

static void host_resource_release(sluice_host_ref host, const char *name)
{
    struct test_resource **place = find_resource(test_host_of(host), name);
    struct test_resource *resource = *place;
    assert(resource);
    if (--resource->references == 0) {
        *place = resource->next;
        resource->destroy(resource->object);
    }
}

void test_host_fill_control(struct sluice_host_table *table)
{
    table->emit = host_emit;
    table->reject = host_reject;
    table->verdict = host_verdict;
    table->request_checkpoint = host_request_checkpoint;
    table->settle = host_settle;
    table->settle_member = host_settle_member;
    table->resource_get = host_resource_get;
    table->resource_release = host_resource_release;
}
