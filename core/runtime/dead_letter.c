/* SPDX-License-Identifier: Apache-2.0 */
/* Rejected rows on their way to the flow's dead letter. A row belongs to the checkpoint that its
 * instance works for: rows of an instance that the barrier has already passed wait in `later`
 * until the lane's barrier has gone to the dead letter. */
#include "runtime/execution.h"

#include "telemetry/log.h"

#include <stdlib.h>
#include <string.h>

enum { FLUSH_ROWS = 512, ORIGINAL_LIMIT = 1 << 20 };

/* Columns of plan_dead_letter_schema(), in its order. */
enum column {
    COLUMN_TIME = 0,
    COLUMN_PIPELINE,
    COLUMN_FLOW,
    COLUMN_STEP,
    COLUMN_CODE,
    COLUMN_REASON,
    COLUMN_ORIGIN,
    COLUMN_PARTITION,
    COLUMN_POSITION,
    COLUMN_ORIGINAL,
    COLUMN_ORIGINAL_BASE64,
    COLUMN_ORIGINAL_COLUMN,
    COLUMN_OTHER_COLUMNS
};

struct reject_buffer {
    struct sluice_builder *now;
    struct sluice_builder *later;
    struct sluice_error *error;
};

struct reject_buffer *reject_buffer_create(struct lane *lane, struct sluice_error *error)
{
    struct execution *execution = lane->execution;
    struct flow_step *step = &execution->flow->steps[execution->dead_letter_step];
    const struct sluice_schema *schema = step->plan->input_schema;
    struct reject_buffer *rejects = calloc(1, sizeof *rejects);
    enum sluice_status status = SLUICE_FATAL;
    if (rejects && (rejects->error = error_create()) != NULL)
        status = builder_create(&step->account, NULL, schema, &rejects->now, error);
    else
        error_set(error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY, "no memory for rejected rows");
    if (status == SLUICE_OK)
        status = builder_create(&step->account, NULL, schema, &rejects->later, error);
    if (status == SLUICE_OK)
        return rejects;
    reject_buffer_destroy(rejects);
    return NULL;
}

void reject_buffer_destroy(struct reject_buffer *rejects)
{
    if (!rejects)
        return;
    builder_destroy(rejects->now);
    builder_destroy(rejects->later);
    error_destroy(rejects->error);
    free(rejects);
}

static enum sluice_status append_text(struct sluice_builder *builder, int column,
                                      const char *string)
{
    if (!string)
        return builder_null(builder, column);
    /* Reasons may quote bytes of the input; what is not UTF-8 is left out here, it stands whole in
     * the original. */
    size_t size = strlen(string);
    if (is_utf8(string, size))
        return builder_string(builder, column, string, size);
    struct text clean = {0};
    for (size_t i = 0; i < size; i++)
        text_append_char(&clean, (unsigned char)string[i] < 0x80 ? string[i] : '?');
    enum sluice_status status =
        builder_string(builder, column, text_get(&clean), clean.size);
    text_reset(&clean);
    return status;
}

static enum sluice_status append_original(struct sluice_builder *builder, const char *bytes,
                                          size_t size)
{
    /* A record that broke the size limit is kept up to a bound of its own. */
    if (size > ORIGINAL_LIMIT)
        size = ORIGINAL_LIMIT;
    bool is_text = is_utf8(bytes, size);
    enum sluice_status status =
        is_text ? builder_string(builder, COLUMN_ORIGINAL, bytes, size)
                : builder_null(builder, COLUMN_ORIGINAL);
    if (status == SLUICE_OK)
        status = is_text ? builder_null(builder, COLUMN_ORIGINAL_BASE64)
                         : builder_string(builder, COLUMN_ORIGINAL_BASE64, bytes, size);
    return status;
}

static enum sluice_status append_place(struct sluice_builder *builder,
                                       const struct sluice_rejected *rejected)
{
    struct sluice_origin origin = {0, rejected->origin_name, -1};
    int64_t position = rejected->position;
    if (rejected->batch &&
        !batch_origin(rejected->batch, rejected->row, &origin, &position))
        position = -1;
    enum sluice_status status = append_text(builder, COLUMN_ORIGIN, origin.name);
    if (status == SLUICE_OK)
        status = origin.partition >= 0
                     ? builder_int64(builder, COLUMN_PARTITION, origin.partition)
                     : builder_null(builder, COLUMN_PARTITION);
    if (status == SLUICE_OK)
        status = position >= 0 ? builder_int64(builder, COLUMN_POSITION, position)
                               : builder_null(builder, COLUMN_POSITION);
    return status;
}

/* The string column of the row that holds these bytes, -1 where none does. */
static int find_original(const struct sluice_rejected *rejected)
{
    const struct sluice_schema *schema = batch_schema(rejected->batch);
    for (size_t i = 0; i < schema->field_count; i++) {
        struct sluice_column column;
        batch_column(rejected->batch, (int)i, &column);
        bool has_bytes =
            column.type == SLUICE_TYPE_STRING || column.type == SLUICE_TYPE_BINARY;
        if (!has_bytes || sluice_column_is_null(&column, rejected->row))
            continue;
        struct sluice_string value = sluice_column_string(&column, rejected->row);
        if (value.size == rejected->original_size &&
            (value.size == 0 || memcmp(value.bytes, rejected->original, value.size) == 0))
            return (int)i;
    }
    return -1;
}

/* What a replay needs beside the original to make the step's input row again. A typed row is its
 * own original, and the record of a source is all that there is. */
static enum sluice_status append_input(struct sluice_builder *builder,
                                       const struct instance *instance,
                                       const struct sluice_rejected *rejected)
{
    bool is_source = instance->step->plan->component->kind == SLUICE_KIND_SOURCE;
    bool has_input = rejected->batch && rejected->original && !is_source;
    const struct sluice_schema *schema = has_input ? batch_schema(rejected->batch) : NULL;
    int column = has_input ? find_original(rejected) : -1;
    size_t others = has_input ? schema->field_count - (column >= 0) : 0;
    enum sluice_status status = append_text(
        builder, COLUMN_ORIGINAL_COLUMN,
        column >= 0 ? sluice_schema_field(schema, (size_t)column)->name : NULL);
    if (status != SLUICE_OK || others == 0)
        return status == SLUICE_OK ? builder_null(builder, COLUMN_OTHER_COLUMNS) : status;
    struct text row = {0};
    format_columns_json(rejected->batch, rejected->row, column, &row);
    status = row.has_failed ? SLUICE_FATAL
                            : builder_string(builder, COLUMN_OTHER_COLUMNS, row.data, row.size);
    text_reset(&row);
    return status;
}

static enum sluice_status append_row(struct sluice_builder *builder,
                                     const struct instance *instance,
                                     const struct sluice_rejected *rejected,
                                     const struct sluice_error *why)
{
    struct text reason = {0};
    struct text row = {0};
    const char *original = rejected->original;
    size_t original_size = rejected->original_size;
    error_format(why, &reason);
    if (!original && rejected->batch) {
        format_row_json(rejected->batch, rejected->row, &row);
        original = text_get(&row);
        original_size = row.size;
    }
    enum sluice_status status = builder_int64(builder, COLUMN_TIME, clock_wall_us());
    const struct {
        int column;
        const char *string;
    } texts[] = {
        {COLUMN_PIPELINE, instance->run.pipeline}, {COLUMN_FLOW, instance->run.flow},
        {COLUMN_STEP, instance->run.step},         {COLUMN_CODE, error_code_name(error_code(why))},
        {COLUMN_REASON, text_get(&reason)},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts && status == SLUICE_OK; i++)
        status = append_text(builder, texts[i].column, texts[i].string);
    if (status == SLUICE_OK)
        status = append_place(builder, rejected);
    if (status == SLUICE_OK)
        status = append_original(builder, original ? original : "", original_size);
    if (status == SLUICE_OK)
        status = append_input(builder, instance, rejected);
    if (status == SLUICE_OK)
        status = builder_end_row(builder, 0);
    text_reset(&reason);
    text_reset(&row);
    return status;
}

static enum sluice_status send_rows(struct lane *lane, struct instance *sender,
                                    struct sluice_builder *builder)
{
    struct sluice_batch *batch = NULL;
    enum sluice_status status = builder_finish(builder, &batch, sender->error);
    if (status == SLUICE_OK && batch)
        status = input_send_batch(sender, lane->dead_letter, batch);
    return status;
}

enum sluice_status reject_row(struct instance *instance, const struct sluice_rejected *rejected,
                              const struct sluice_error *why)
{
    struct lane *lane = instance->lane;
    struct execution *execution = instance->execution;
    enum sluice_code code = error_code(why);
    if (instance->step_index == execution->dead_letter_step) {
        struct text text = {0};
        error_format(why, &text);
        enum sluice_status status =
            error_set(instance->error, SLUICE_FATAL, SLUICE_CODE_DELIVERY_FAILED,
                      "the dead letter itself rejected a row: %s", text_get(&text));
        text_reset(&text);
        return status;
    }
    atomic_fetch_add_explicit(&instance->step->counters.rejected, 1, memory_order_relaxed);
    if (code >= 0 && code < SLUICE_CODE_COUNT)
        atomic_fetch_add_explicit(&instance->step->counters.rejected_by_code[code], 1,
                                  memory_order_relaxed);
    struct reject_buffer *rejects = lane->rejects;
    bool is_ahead = instance->passed_barrier > lane->dead_letter_sent;
    struct sluice_builder *builder = is_ahead ? rejects->later : rejects->now;
    if (append_row(builder, instance, rejected, why) != SLUICE_OK)
        return error_set(instance->error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                         "no memory to keep rejected rows until they are written");
    if (!is_ahead && builder_rows(builder) >= FLUSH_ROWS)
        return send_rows(lane, instance, builder);
    return SLUICE_OK;
}

enum sluice_status reject_flush(struct lane *lane)
{
    struct reject_buffer *rejects = lane->rejects;
    if (!rejects || builder_rows(rejects->now) == 0)
        return SLUICE_OK;
    return send_rows(lane, lane->instances[0], rejects->now);
}

void reject_next_checkpoint(struct lane *lane)
{
    struct reject_buffer *rejects = lane->rejects;
    struct sluice_builder *now = rejects->now;
    rejects->now = rejects->later;
    rejects->later = now;
}
