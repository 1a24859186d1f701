/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/replay/replay.h"

#include <stdio.h>
#include <string.h>

enum { BATCH_ROWS = 4096, BATCH_BYTES = 4 << 20 };

/* What a source's letters are until its codec has read them. */
static const struct sluice_field record_field = {.name = "original", .type = SLUICE_TYPE_BINARY};
static const struct sluice_schema record_schema = {sizeof(struct sluice_field), 1, &record_field};

/* The batch in the making: letters of one step, all with an origin or all without. */
struct batching {
    const struct feed *feed;
    size_t step; /* SIZE_MAX: none yet */
    bool has_origin;
    struct sluice_builder *builder;
};

/* ---- what cannot be replayed ---- */

static void leave(struct replay_report *report, const char *why)
{
    report->left++;
    for (size_t i = 0; i < REPLAY_REASONS; i++) {
        struct replay_reason *reason = &report->reasons[i];
        bool is_free = reason->count == 0;
        if (is_free)
            snprintf(reason->text, sizeof reason->text, "%s", why);
        if (is_free || strncmp(reason->text, why, sizeof reason->text - 1) == 0) {
            reason->count++;
            return;
        }
    }
}

static size_t find_step(const struct flow_plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->step_count; i++)
        if (!plan->steps[i].is_dead_letter && strcmp(plan->steps[i].name, name) == 0)
            return i;
    return SIZE_MAX;
}

static const void *option_at(const struct component *component, const void *options, size_t row)
{
    return *(const void *const *)((const char *)options + component->options[row].offset);
}

/* Rows of such a codec's messages are told apart by the header of their file. */
static bool needs_header(const struct sluice_codec_choice *codec)
{
    const struct component *component = codec->component;
    for (size_t i = 0; i < component->option_count; i++) {
        const struct sluice_option *row = &component->options[i];
        if (row->kind == SLUICE_OPTION_BOOL && strcmp(row->name, "header") == 0)
            return *(const bool *)((const char *)codec->options + row->offset);
    }
    return false;
}

bool feed_source_codec(const struct step_plan *step, const struct sluice_codec_choice **codec,
                       const struct sluice_schema **schema)
{
    const struct component *component = step->component;
    *codec = NULL;
    *schema = NULL;
    for (size_t i = 0; i < component->option_count; i++) {
        if (component->options[i].kind == SLUICE_OPTION_CODEC)
            *codec = option_at(component, step->options, i);
        if (component->options[i].kind == SLUICE_OPTION_SCHEMA)
            *schema = option_at(component, step->options, i);
    }
    return *codec && *schema && (*codec)->component->codec.decode_values && !needs_header(*codec);
}

/* The step of the letter, SIZE_MAX with the reason where it cannot go there. */
static size_t find_target(const struct flow_plan *plan, const struct letter *letter,
                          struct text *why)
{
    const struct sluice_codec_choice *codec;
    const struct sluice_schema *schema;
    size_t step = letter->step && !letter->is_damaged ? find_step(plan, letter->step) : SIZE_MAX;
    if (letter->is_damaged || !letter->step) {
        text_append(why, "the line is no letter");
    } else if (step == SIZE_MAX) {
        text_printf(why, "the flow has no step `%s` any more: give the one that took its place "
                         "that name",
                    letter->step);
    } else if (!letter_is_whole(letter)) {
        text_append(why, "it holds only the beginning of what was read: it was too long, or its "
                         "file is damaged");
        step = SIZE_MAX;
    } else if (plan->steps[step].component->kind == SLUICE_KIND_SOURCE &&
               !feed_source_codec(&plan->steps[step], &codec, &schema)) {
        text_printf(why, "records of `%s` cannot be read for themselves, without the file that "
                         "they stood in",
                    letter->step);
        step = SIZE_MAX;
    }
    return step;
}

/* ---- batches ---- */

static enum sluice_status finish_batch(struct batching *batching, struct sluice_error *error)
{
    struct sluice_batch *batch = NULL;
    enum sluice_status status = SLUICE_OK;
    if (batching->builder)
        status = builder_finish(batching->builder, &batch, error);
    if (status == SLUICE_OK && batch)
        status = batching->feed->send(batching->feed->user, batching->step, batch, error);
    builder_destroy(batching->builder);
    batching->builder = NULL;
    batching->step = SIZE_MAX;
    return status;
}

static const struct sluice_schema *schema_of(const struct flow_plan *plan, size_t step)
{
    const struct step_plan *target = &plan->steps[step];
    return target->component->kind == SLUICE_KIND_SOURCE ? &record_schema : target->input_schema;
}

static enum sluice_status begin_batch(struct batching *batching, size_t step, bool has_origin,
                                      struct sluice_error *error)
{
    bool fits = batching->builder && batching->step == step && batching->has_origin == has_origin &&
                builder_rows(batching->builder) < BATCH_ROWS &&
                builder_bytes(batching->builder) < BATCH_BYTES;
    if (fits)
        return SLUICE_OK;
    enum sluice_status status = finish_batch(batching, error);
    batching->step = step;
    batching->has_origin = has_origin;
    if (status == SLUICE_OK)
        status = builder_create(batching->feed->account, NULL, schema_of(batching->feed->plan, step),
                                &batching->builder, error);
    return status;
}

static enum sluice_status take_letter(struct batching *batching, const struct letter *letter,
                                      struct sluice_error *error)
{
    const struct feed *feed = batching->feed;
    struct text why = {0};
    size_t step = find_target(feed->plan, letter, &why);
    enum sluice_status status = SLUICE_OK;
    bool is_taken = step != SIZE_MAX;
    if (is_taken)
        status = begin_batch(batching, step, letter->origin != NULL, error);
    if (status == SLUICE_OK && is_taken) {
        struct letter record = *letter;
        bool is_source = feed->plan->steps[step].component->kind == SLUICE_KIND_SOURCE;
        if (is_source)
            record.original_column = record_field.name;
        is_taken = letter_append_row(&record, schema_of(feed->plan, step), batching->builder, &why);
    }
    if (status == SLUICE_OK && is_taken && !letter_ranges_add(feed->taken, letter))
        status = error_set(error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                           "no memory to note which letters were replayed");
    if (is_taken)
        feed->report->replayed++;
    else
        leave(feed->report, text_get(&why));
    text_reset(&why);
    return status;
}

enum sluice_status feed_letters(const struct feed *feed, const char *path,
                                struct sluice_error *error)
{
    struct batching batching = {.feed = feed, .step = SIZE_MAX};
    struct letter_reader *reader = NULL;
    struct letter letter;
    enum sluice_status status = letter_reader_open(path, &reader, error);
    while (status == SLUICE_OK) {
        status = letter_reader_next(reader, &letter, error);
        if (status == SLUICE_OK && letter_matches(&letter, feed->filter))
            status = take_letter(&batching, &letter, error);
    }
    letter_reader_close(reader);
    if (status == SLUICE_END)
        return finish_batch(&batching, error);
    builder_destroy(batching.builder);
    return status;
}

/* ---- without a run ---- */

static enum sluice_status drop_batch(void *user, size_t step, struct sluice_batch *batch,
                                     struct sluice_error *error)
{
    (void)user;
    (void)step;
    (void)error;
    batch_release(batch);
    return SLUICE_OK;
}

enum sluice_status runtime_preview_replay(const struct flow_plan *plan, const char *path,
                                          const struct letter_filter *filter,
                                          struct replay_report *report, struct sluice_error *error)
{
    struct letter_ranges taken = {0};
    *report = (struct replay_report){0};
    const struct feed feed = {.plan = plan,
                              .filter = filter,
                              .taken = &taken,
                              .report = report,
                              .send = drop_batch};
    enum sluice_status status = feed_letters(&feed, path, error);
    letter_ranges_reset(&taken);
    return status;
}
