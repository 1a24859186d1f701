/* SPDX-License-Identifier: Apache-2.0 */
#include "components.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>
#include <string.h>

static const struct sluice_field number_fields[] = {
    {.name = "id", .type = SLUICE_TYPE_INT64},
    {.name = "key", .type = SLUICE_TYPE_INT64},
    {.name = "value", .type = SLUICE_TYPE_INT64},
};
const struct sluice_schema number_schema = {sizeof(struct sluice_field), 3, number_fields};

struct instance_base {
    const struct sluice_host *host;
    struct world *world;
};

static enum sluice_status create(const struct sluice_host *host, const void *options, size_t size,
                                 void **instance)
{
    struct instance_base *base = calloc(1, size);
    base->host = host;
    base->world = ((const struct test_options *)options)->world;
    *instance = base;
    return SLUICE_OK;
}

static enum sluice_status append(const struct sluice_host *host, struct sluice_builder *builder,
                                 int64_t id, int64_t key, int64_t value)
{
    sluice_builder_int64(host, builder, 0, id);
    sluice_builder_int64(host, builder, 1, key);
    sluice_builder_int64(host, builder, 2, value);
    return sluice_builder_end_row(host, builder, id);
}

/* ---- source: every lane gives the ids that are its own ---- */

struct numbers {
    struct instance_base base;
    int64_t next;
};

static enum sluice_status create_numbers(const struct sluice_host *host, const void *options,
                                         void **instance, struct sluice_error *error)
{
    (void)error;
    create(host, options, sizeof(struct numbers), instance);
    ((struct numbers *)*instance)->next = sluice_this_run(host)->lane;
    return SLUICE_OK;
}

static enum sluice_status read_numbers(void *instance, int timeout_ms,
                                       struct sluice_batch **batch, struct sluice_error *error)
{
    struct numbers *numbers = instance;
    struct world *world = numbers->base.world;
    const struct sluice_host *host = numbers->base.host;
    struct sluice_builder *builder = NULL;
    (void)timeout_ms;
    if (numbers->next >= world->row_count)
        return world->is_endless ? SLUICE_AGAIN : SLUICE_END;
    pthread_mutex_lock(&world->lock);
    bool is_early = world->waits_for_commit && world->commits == 0;
    world->reads++;
    pthread_mutex_unlock(&world->lock);
    if (is_early && numbers->next >= world->row_count / 2)
        return SLUICE_AGAIN;
    if (sluice_builder_create(host, &number_schema, &builder, error) != SLUICE_OK)
        return SLUICE_FATAL;
    sluice_builder_origin(host, builder, "numbers", 0);
    for (int64_t i = 0; i < world->batch_rows && numbers->next < world->row_count; i++) {
        append(host, builder, numbers->next, numbers->next % world->keys, 1);
        numbers->next += sluice_this_run(host)->lane_count;
    }
    enum sluice_status status = sluice_builder_finish(host, builder, batch, error);
    sluice_builder_destroy(host, builder);
    return status;
}

static enum sluice_status snapshot_numbers(void *instance, struct sluice_state_writer *writer,
                                           struct sluice_error *error)
{
    struct numbers *numbers = instance;
    (void)error;
    return sluice_state_write(numbers->base.host, writer, &numbers->next, sizeof numbers->next);
}

static enum sluice_status restore_numbers(void *instance, struct sluice_state_reader *reader,
                                          struct sluice_error *error)
{
    struct numbers *numbers = instance;
    (void)error;
    sluice_state_read(numbers->base.host, reader, &numbers->next, sizeof numbers->next);
    return SLUICE_OK;
}

static enum sluice_status decide_numbers(void *instance, uint64_t checkpoint,
                                         struct sluice_error *error)
{
    struct numbers *numbers = instance;
    struct world *world = numbers->base.world;
    pthread_mutex_lock(&world->lock);
    bool is_refused = world->refuse_decision > 0 && world->refuse_decision--;
    pthread_mutex_unlock(&world->lock);
    return is_refused ? sluice_fail(numbers->base.host, error, SLUICE_REJECT,
                                    SLUICE_CODE_REBALANCED, "checkpoint %llu refused",
                                    (unsigned long long)checkpoint)
                      : SLUICE_OK;
}

/* Nothing of this test's sinks outlives the process, so nothing was ever decided before. */
static enum sluice_status open_deciding(void *instance, struct sluice_error *error)
{
    struct numbers *numbers = instance;
    const struct sluice_host *host = numbers->base.host;
    return sluice_settle(host, sluice_this_run(host)->member, 0, error);
}

static enum sluice_status read_deciding(void *instance, int timeout_ms,
                                        struct sluice_batch **batch, struct sluice_error *error)
{
    const struct instance_base *base = instance;
    enum sluice_status status =
        base->world->takes_over
            ? sluice_settle_member(base->host, "other", 0, SLUICE_SETTLE_TAKE_OVER, error)
            : SLUICE_OK;
    return status == SLUICE_OK ? read_numbers(instance, timeout_ms, batch, error) : status;
}

const struct component source_numbers = {
    .kind = SLUICE_KIND_SOURCE,
    .name = "source-numbers",
    .source = {.create = create_numbers,
               .read = read_numbers,
               .snapshot = snapshot_numbers,
               .restore = restore_numbers,
               .destroy = free},
};

const struct component source_deciding = {
    .kind = SLUICE_KIND_SOURCE,
    .name = "source-deciding",
    .source = {.create = create_numbers,
               .open = open_deciding,
               .read = read_deciding,
               .snapshot = snapshot_numbers,
               .decide = decide_numbers,
               .destroy = free},
};

/* ---- transform pass: rejects some rows ---- */

static enum sluice_status create_plain(const struct sluice_host *host, const void *options,
                                       void **instance, struct sluice_error *error)
{
    (void)error;
    return create(host, options, sizeof(struct instance_base), instance);
}

static enum sluice_status reject_rows(struct instance_base *pass, const struct sluice_batch *batch,
                                      int32_t *kept, int64_t *count, struct sluice_error *error)
{
    struct sluice_column ids;
    sluice_batch_column(pass->host, batch, 0, &ids);
    for (int64_t row = 0; row < ids.length; row++) {
        int64_t id = sluice_column_int64(&ids, row);
        if (pass->world->reject_every && id % pass->world->reject_every == 0) {
            struct sluice_rejected rejected = {.batch = batch, .row = row};
            sluice_fail(pass->host, error, SLUICE_REJECT, SLUICE_CODE_NUMBER_RANGE, "bad number");
            if (sluice_reject(pass->host, &rejected, error) != SLUICE_OK)
                return SLUICE_FATAL;
        } else {
            kept[(*count)++] = (int32_t)row;
        }
    }
    return SLUICE_OK;
}

static enum sluice_status pass_rows(void *instance, const struct sluice_batch *batch,
                                    struct sluice_error *error)
{
    struct instance_base *pass = instance;
    struct sluice_batch *out = NULL;
    int64_t count = 0;
    int32_t *kept = malloc((size_t)sluice_batch_rows(pass->host, batch) * sizeof *kept);
    enum sluice_status status = reject_rows(pass, batch, kept, &count, error);
    if (status == SLUICE_OK && count)
        status = sluice_batch_take(pass->host, batch, kept, count, &out, error);
    free(kept);
    if (status == SLUICE_OK && out)
        status = sluice_emit(pass->host, out, error);
    return status;
}

const struct component transform_pass = {
    .kind = SLUICE_KIND_TRANSFORM,
    .name = "transform-pass",
    .transform = {.create = create_plain, .process = pass_rows, .destroy = free},
};

/* ---- transform sum: value by key, at the end ---- */

struct sum {
    struct instance_base base;
    int64_t sums[64];
};

static enum sluice_status create_sum(const struct sluice_host *host, const void *options,
                                     void **instance, struct sluice_error *error)
{
    (void)error;
    return create(host, options, sizeof(struct sum), instance);
}

static enum sluice_status add_rows(void *instance, const struct sluice_batch *batch,
                                   struct sluice_error *error)
{
    struct sum *sum = instance;
    struct sluice_column keys, values;
    (void)error;
    sluice_batch_column(sum->base.host, batch, 1, &keys);
    sluice_batch_column(sum->base.host, batch, 2, &values);
    for (int64_t row = 0; row < keys.length; row++)
        sum->sums[sluice_column_int64(&keys, row)] += sluice_column_int64(&values, row);
    return SLUICE_OK;
}

static enum sluice_status emit_sums(void *instance, struct sluice_error *error)
{
    struct sum *sum = instance;
    const struct sluice_host *host = sum->base.host;
    struct sluice_builder *builder = NULL;
    struct sluice_batch *batch = NULL;
    if (sluice_builder_create(host, &number_schema, &builder, error) != SLUICE_OK)
        return SLUICE_FATAL;
    for (int64_t key = 0; key < 64; key++)
        if (sum->sums[key])
            append(host, builder, key, key, sum->sums[key]);
    enum sluice_status status = sluice_builder_finish(host, builder, &batch, error);
    sluice_builder_destroy(host, builder);
    if (status == SLUICE_OK && batch)
        status = sluice_emit(host, batch, error);
    return status;
}

const struct component transform_sum = {
    .kind = SLUICE_KIND_TRANSFORM,
    .name = "transform-sum",
    .transform = {.create = create_sum, .process = add_rows, .finish = emit_sums, .destroy = free},
};

/* ---- sink: rows are visible at commit only ---- */

struct collect {
    struct instance_base base;
    int64_t *written; /* id and value of rows since the last stage */
    size_t count;
    size_t capacity;
};

static enum sluice_status create_collect(const struct sluice_host *host, const void *options,
                                         void **instance, struct sluice_error *error)
{
    (void)error;
    return create(host, options, sizeof(struct collect), instance);
}

static void keep(struct collect *collect, int64_t id, int64_t value)
{
    if (collect->count + 2 > collect->capacity) {
        collect->capacity = collect->capacity ? collect->capacity * 2 : 1024;
        collect->written =
            realloc(collect->written, collect->capacity * sizeof *collect->written);
    }
    collect->written[collect->count++] = id;
    collect->written[collect->count++] = value;
}

static enum sluice_status write_rows(void *instance, const struct sluice_batch *batch,
                                     struct sluice_verdicts *verdicts, struct sluice_error *error)
{
    struct collect *collect = instance;
    struct world *world = collect->base.world;
    const struct sluice_host *host = collect->base.host;
    struct sluice_column ids, values;
    sluice_batch_column(host, batch, 0, &ids);
    sluice_batch_column(host, batch, 2, &values);
    pthread_mutex_lock(&world->lock);
    bool is_cut = world->retry_every && ++world->writes % world->retry_every == 0;
    pthread_mutex_unlock(&world->lock);
    int64_t count = is_cut ? ids.length / 2 : ids.length;
    for (int64_t row = 0; row < count; row++) {
        keep(collect, sluice_column_int64(&ids, row), sluice_column_int64(&values, row));
        if (is_cut)
            sluice_verdict(host, verdicts, row, SLUICE_VERDICT_DONE, NULL);
    }
    return is_cut ? sluice_fail(host, error, SLUICE_RETRY, SLUICE_CODE_THROTTLED, "slow down")
                  : SLUICE_OK;
}

static enum sluice_status stage_rows(void *instance, uint64_t checkpoint,
                                     struct sluice_state_writer *writer,
                                     struct sluice_error *error)
{
    struct collect *collect = instance;
    (void)checkpoint;
    (void)error;
    enum sluice_status status = sluice_state_write(collect->base.host, writer, collect->written,
                                                   collect->count * sizeof *collect->written);
    collect->count = 0;
    return status;
}

static enum sluice_status commit_rows(void *instance, uint64_t checkpoint,
                                      struct sluice_state_reader *reader,
                                      struct sluice_error *error)
{
    struct collect *collect = instance;
    struct world *world = collect->base.world;
    int64_t row[2];
    (void)checkpoint;
    (void)error;
    pthread_mutex_lock(&world->lock);
    world->commits++;
    while (sluice_state_read(collect->base.host, reader, row, sizeof row) == sizeof row) {
        world->visible[row[0]]++;
        world->visible_rows++;
        world->visible_sum += row[1];
    }
    pthread_mutex_unlock(&world->lock);
    return SLUICE_OK;
}

static void destroy_collect(void *instance)
{
    struct collect *collect = instance;
    free(collect->written);
    free(collect);
}

const struct component sink_collect = {
    .kind = SLUICE_KIND_SINK,
    .name = "sink-collect",
    .sink = {.create = create_collect,
             .write = write_rows,
             .stage = stage_rows,
             .commit = commit_rows,
             .destroy = destroy_collect},
};

/* ---- sink_breaking: the same with an outage; staged rows may be finished by recover ---- */

struct breaking {
    struct collect collect; /* first */
    atomic_bool is_cancelled;
};

static enum sluice_status create_breaking(const struct sluice_host *host, const void *options,
                                          void **instance, struct sluice_error *error)
{
    (void)error;
    return create(host, options, sizeof(struct breaking), instance);
}

static enum sluice_status maybe_fail(struct breaking *breaking, bool is_commit,
                                     struct sluice_error *error)
{
    struct world *world = breaking->collect.base.world;
    if (world->is_commit_broken != is_commit)
        return SLUICE_OK;
    pthread_mutex_lock(&world->lock);
    int64_t call = ++world->calls;
    pthread_mutex_unlock(&world->lock);
    if (!world->outage_from || call < world->outage_from ||
        call >= world->outage_from + world->outage_calls)
        return SLUICE_OK;
    while (world->is_hanging && !atomic_load(&breaking->is_cancelled))
        usleep(1000);
    return sluice_fail(breaking->collect.base.host, error, SLUICE_RETRY,
                       SLUICE_CODE_CONNECT_FAILED, "nobody is there");
}

static enum sluice_status open_breaking(void *instance, struct sluice_error *error)
{
    struct breaking *breaking = instance;
    struct world *world = breaking->collect.base.world;
    return world->calls ? maybe_fail(breaking, world->is_commit_broken, error) : SLUICE_OK;
}

static enum sluice_status write_breaking(void *instance, const struct sluice_batch *batch,
                                         struct sluice_verdicts *verdicts,
                                         struct sluice_error *error)
{
    enum sluice_status status = maybe_fail(instance, false, error);
    return status == SLUICE_OK ? write_rows(instance, batch, verdicts, error) : status;
}

static enum sluice_status commit_breaking(void *instance, uint64_t checkpoint,
                                          struct sluice_state_reader *reader,
                                          struct sluice_error *error)
{
    enum sluice_status status = maybe_fail(instance, true, error);
    return status == SLUICE_OK ? commit_rows(instance, checkpoint, reader, error) : status;
}

static enum sluice_status recover_breaking(void *instance, const struct sluice_recovery *recovery,
                                           struct sluice_state_reader *reader,
                                           struct sluice_error *error)
{
    return reader && !recovery->is_committed
               ? commit_rows(instance, recovery->checkpoint, reader, error)
               : SLUICE_OK;
}

static void cancel_breaking(void *instance)
{
    struct breaking *breaking = instance;
    atomic_store(&breaking->is_cancelled, true);
}

const struct component sink_breaking = {
    .kind = SLUICE_KIND_SINK,
    .name = "sink-breaking",
    .sink = {.create = create_breaking,
             .open = open_breaking,
             .write = write_breaking,
             .stage = stage_rows,
             .commit = commit_breaking,
             .recover = recover_breaking,
             .cancel = cancel_breaking,
             .destroy = destroy_collect},
};

/* ---- dead letter: counts ---- */

struct rejects {
    struct instance_base base;
    int64_t written;
};

static enum sluice_status create_rejects(const struct sluice_host *host, const void *options,
                                         void **instance, struct sluice_error *error)
{
    (void)error;
    return create(host, options, sizeof(struct rejects), instance);
}

static enum sluice_status write_rejects(void *instance, const struct sluice_batch *batch,
                                        struct sluice_verdicts *verdicts,
                                        struct sluice_error *error)
{
    struct rejects *rejects = instance;
    (void)verdicts;
    (void)error;
    rejects->written += sluice_batch_rows(rejects->base.host, batch);
    return SLUICE_OK;
}

static enum sluice_status stage_rejects(void *instance, uint64_t checkpoint,
                                        struct sluice_state_writer *writer,
                                        struct sluice_error *error)
{
    struct rejects *rejects = instance;
    (void)checkpoint;
    (void)error;
    int64_t written = rejects->written;
    rejects->written = 0;
    return sluice_state_write(rejects->base.host, writer, &written, sizeof written);
}

static enum sluice_status commit_rejects(void *instance, uint64_t checkpoint,
                                         struct sluice_state_reader *reader,
                                         struct sluice_error *error)
{
    struct rejects *rejects = instance;
    int64_t written = 0;
    (void)checkpoint;
    (void)error;
    sluice_state_read(rejects->base.host, reader, &written, sizeof written);
    pthread_mutex_lock(&rejects->base.world->lock);
    rejects->base.world->rejected_rows += written;
    pthread_mutex_unlock(&rejects->base.world->lock);
    return SLUICE_OK;
}

const struct component sink_rejects = {
    .kind = SLUICE_KIND_SINK,
    .name = "sink-rejects",
    .sink = {.create = create_rejects,
             .write = write_rejects,
             .stage = stage_rejects,
             .commit = commit_rejects,
             .destroy = free},
};
