/* SPDX-License-Identifier: Apache-2.0 */
/* The sink's life in call order. Rows become documents here; where they go is the target's. */
#include "sink.h"

#include "documents.h"
#include "plan.h"
#include "target.h"

#include <string.h>
#include <strings.h>

/* Rows between two looks at what is under way. */
#define ROWS_A_TURN 512

struct es_instance {
    const struct sluice_host *host;
    const struct es_options *options;
    struct index_pattern pattern;
    struct documents *documents;
    struct target *target;
};

static void destroy(void *instance)
{
    struct es_instance *sink = instance;
    const struct sluice_host *host = sink->host;
    documents_destroy(sink->documents);
    if (sink->target) {
        sink->target->calls->destroy(sink->target);
    }
    sluice_free(host, sink);
}

static enum sluice_status check_literal(const struct es_instance *sink, struct sluice_error *error)
{
    const struct sluice_string *name = &sink->pattern.prefix;
    const char *fault = sink->pattern.is_literal
                            ? index_name_fault(name->size ? name->bytes : "", name->size)
                            : NULL;
    if (!fault) {
        return SLUICE_OK;
    }
    sluice_fail(sink->host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                "index: the name \"%.*s\" is not allowed: %s", (int)name->size,
                name->size ? name->bytes : "", fault);
    sluice_error_at(sink->host, error, SLUICE_AT_OPTION, "index");
    return SLUICE_CONFIG;
}

static enum sluice_status create_target(struct es_instance *sink, struct sluice_error *error)
{
    const struct sluice_strings *url = &sink->options->url;
    bool is_embedded = url->count == 1 && strncasecmp(url->items[0], "file:", 5) == 0;
    return is_embedded
               ? embedded_create(sink->host, sink->options, &sink->target, error)
               : cluster_create(sink->host, sink->options, &sink->pattern, &sink->target, error);
}

static enum sluice_status create(const struct sluice_host *host, const void *options,
                                 void **instance, struct sluice_error *error)
{
    *instance = NULL;
    struct es_instance *sink = sluice_alloc(host, sizeof(*sink));
    if (!sink) {
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                           "the memory budget has no room for the sink; raise settings.memory");
    }
    memset(sink, 0, sizeof(*sink));
    sink->host = host;
    sink->options = options;
    const struct sluice_schema *input = sluice_input_schema(host);
    enum sluice_status status = es_check_options(host, sink->options, input, error);
    if (status == SLUICE_OK) {
        sink->pattern.is_literal = sluice_template_ends(
            host, sink->options->index, &sink->pattern.prefix, &sink->pattern.suffix);
        status = check_literal(sink, error);
    }
    if (status == SLUICE_OK) {
        status = documents_create(host, sink->options, &sink->pattern, &sink->documents, error);
    }
    if (status == SLUICE_OK) {
        status = create_target(sink, error);
    }
    if (status != SLUICE_OK) {
        destroy(sink);
        return status;
    }
    *instance = sink;
    return SLUICE_OK;
}

static enum sluice_status open_target(void *instance, struct sluice_error *error)
{
    struct es_instance *sink = instance;
    return sink->target->calls->open(sink->target, error);
}

/* ---- rows ---- */

/* One row into the target; its verdict is set where it is settled or held. */
static enum sluice_status write_row(struct es_instance *sink, int64_t row,
                                    struct sluice_verdicts *verdicts, struct sluice_error *error)
{
    struct document document;
    enum sluice_status status = documents_next(sink->documents, &document, error);
    if (status == SLUICE_REJECT) {
        sluice_verdict(sink->host, verdicts, row, SLUICE_VERDICT_REJECT, error);
        return SLUICE_OK;
    }
    if (status == SLUICE_OK) {
        status = sink->target->calls->add(sink->target, &document, error);
    }
    if (status == SLUICE_OK) {
        sluice_verdict(sink->host, verdicts, row, SLUICE_VERDICT_DONE, NULL);
    }
    return status;
}

static enum sluice_status write_rows(void *instance, const struct sluice_batch *batch,
                                     struct sluice_verdicts *verdicts, struct sluice_error *error)
{
    struct es_instance *sink = instance;
    const struct target_calls *calls = sink->target->calls;
    int64_t row_count = sluice_batch_rows(sink->host, batch);
    calls->begin(sink->target);
    enum sluice_status status = calls->turn(sink->target, false, error);
    if (status == SLUICE_OK) {
        status = documents_begin(sink->documents, batch, error);
    }
    for (int64_t row = 0; status == SLUICE_OK && row < row_count; row++) {
        status = write_row(sink, row, verdicts, error);
        if (status == SLUICE_OK && (row + 1) % ROWS_A_TURN == 0) {
            status = calls->turn(sink->target, false, error);
        }
    }
    return status == SLUICE_OK ? calls->turn(sink->target, false, error) : status;
}

static enum sluice_status tick(void *instance, struct sluice_error *error)
{
    struct es_instance *sink = instance;
    sink->target->calls->begin(sink->target);
    return sink->target->calls->turn(sink->target, true, error);
}

/* ---- checkpoints ---- */

static enum sluice_status stage(void *instance, uint64_t checkpoint,
                                struct sluice_state_writer *writer, struct sluice_error *error)
{
    struct es_instance *sink = instance;
    sink->target->calls->begin(sink->target);
    return sink->target->calls->stage(sink->target, checkpoint, writer, error);
}

static enum sluice_status commit(void *instance, uint64_t checkpoint,
                                 struct sluice_state_reader *reader, struct sluice_error *error)
{
    struct es_instance *sink = instance;
    return sink->target->calls->commit(sink->target, checkpoint, reader, error);
}

static enum sluice_status recover(void *instance, const struct sluice_recovery *recovery,
                                  struct sluice_state_reader *reader, struct sluice_error *error)
{
    struct es_instance *sink = instance;
    return sink->target->calls->recover(sink->target, recovery, reader, error);
}

static void cancel(void *instance)
{
    struct es_instance *sink = instance;
    sink->target->calls->cancel(sink->target);
}

static bool can_give_back(void *instance)
{
    const struct es_instance *sink = instance;
    return sink->target->calls->give_back != NULL;
}

static enum sluice_status give_back(void *instance, const struct sluice_error *why,
                                    struct sluice_error *error)
{
    (void)error;
    struct es_instance *sink = instance;
    return sink->target->calls->give_back(sink->target, why);
}

static void close_target(void *instance)
{
    struct es_instance *sink = instance;
    sink->target->calls->close(sink->target);
}

const struct sluice_sink es_sink = {
    .struct_size = sizeof(es_sink),
    .plan = es_plan,
    .create = create,
    .open = open_target,
    .write = write_rows,
    .tick = tick,
    .stage = stage,
    .commit = commit,
    .recover = recover,
    .cancel = cancel,
    .close = close_target,
    .destroy = destroy,
    .give_back = give_back,
    .can_give_back = can_give_back,
};
