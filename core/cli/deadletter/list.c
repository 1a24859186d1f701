/* SPDX-License-Identifier: Apache-2.0 */
/* sluice deadletter list: how many letters there are, of which steps, why, how old, where. */
#include "cli/deadletter/places.h"
#include "cli/display/table.h"

#include <stdlib.h>
#include <string.h>

/* Letters of one step and code. */
struct kind_count {
    char *step;
    char *code;
    uint64_t count;
};

struct tally {
    uint64_t count;
    int64_t bytes; /* of their lines */
    char oldest[40];
    char newest[40];
    size_t kind_count, kind_capacity;
    struct kind_count *kinds;
};

static void tally_reset(struct tally *tally)
{
    for (size_t i = 0; i < tally->kind_count; i++) {
        free(tally->kinds[i].step);
        free(tally->kinds[i].code);
    }
    free(tally->kinds);
    *tally = (struct tally){0};
}

static bool count_kind(struct tally *tally, const char *step, const char *code)
{
    for (size_t i = 0; i < tally->kind_count; i++) {
        struct kind_count *kind = &tally->kinds[i];
        if (strcmp(kind->step, step) == 0 && strcmp(kind->code, code) == 0) {
            kind->count++;
            return true;
        }
    }
    if (tally->kind_count == tally->kind_capacity) {
        size_t capacity = tally->kind_capacity ? tally->kind_capacity * 2 : 16;
        struct kind_count *grown = realloc(tally->kinds, capacity * sizeof *grown);
        if (!grown) {
            return false;
        }
        tally->kinds = grown;
        tally->kind_capacity = capacity;
    }
    struct kind_count *kind = &tally->kinds[tally->kind_count++];
    *kind = (struct kind_count){strdup(step), strdup(code), 1};
    return kind->step && kind->code;
}

/* Times are ISO 8601 in UTC with equal digits, so they sort as text. */
static bool count_letter(struct tally *tally, const struct letter *letter)
{
    const char *time = letter->time ? letter->time : "";
    if (*time && (!*tally->oldest || strcmp(time, tally->oldest) < 0)) {
        strncpy(tally->oldest, time, sizeof tally->oldest - 1);
    }
    if (strcmp(time, tally->newest) > 0) {
        strncpy(tally->newest, time, sizeof tally->newest - 1);
    }
    tally->count++;
    tally->bytes += letter->end - letter->begin;
    return count_kind(tally, letter->step ? letter->step : "-",
                      letter->code ? letter->code : "(no letter)");
}

static enum sluice_status tally_place(const struct place *place, const struct letter_filter *filter,
                                      struct tally *tally, struct sluice_error *error)
{
    struct letter_reader *reader = NULL;
    struct letter letter;
    enum sluice_status status = place_read(place, &reader, error);
    while (status == SLUICE_OK) {
        status = letter_reader_next(reader, &letter, error);
        if (status == SLUICE_OK && letter_matches(&letter, filter) &&
            !count_letter(tally, &letter)) {
            status = error_set(error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                               "no memory to count letters");
        }
    }
    letter_reader_close(reader);
    return status == SLUICE_END ? SLUICE_OK : status;
}

static void append_kinds(const struct tally *tally, struct text *text)
{
    static const bool is_number[] = {true, false, false};
    struct table table = {.column_count = 3, .is_number = is_number};
    struct text count = {0};
    for (size_t i = 0; i < tally->kind_count; i++) {
        text_clear(&count);
        append_count(&count, tally->kinds[i].count);
        table_add(&table, text_get(&count));
        table_add(&table, tally->kinds[i].step);
        table_add(&table, tally->kinds[i].code);
    }
    table_render(&table, "  ", text);
    table_reset(&table);
    text_reset(&count);
}

static void append_tally(const struct letters_request *request, const struct place *place,
                         const struct tally *tally, struct text *text)
{
    append_place_name(request->places, place, text);
    append_count(text, tally->count);
    text_printf(text, " letter%s", tally->count == 1 ? "" : "s");
    if (tally->count > 0) {
        text_append(text, ", ");
        append_size(text, (double)tally->bytes);
        text_printf(text, ", %s to %s,", tally->oldest, tally->newest);
    }
    text_printf(text, " in %s\n", place->path);
    append_kinds(tally, text);
}

/* Flows whose rejected rows go elsewhere, and those that have none. */
static void append_others(const struct letters_request *request, struct text *text)
{
    for (size_t p = 0; p < request->plan->pipeline_count; p++) {
        const struct pipeline_plan *pipeline = &request->plan->pipelines[p];
        for (size_t f = 0; f < pipeline->flow_count; f++) {
            const struct flow_plan *flow = &pipeline->flows[f];
            const struct step_plan *declared = declared_dead_letter(flow);
            bool is_there = false;
            for (size_t i = 0; i < request->places->count; i++) {
                is_there = is_there || request->places->places[i].flow == flow;
            }
            if (declared) {
                text_printf(text,
                            "%s: rejected rows go to %s (%s:%d); these verbs know the default dead "
                            "letter alone\n",
                            flow->name, declared->name, declared->mark.file, declared->mark.line);
            } else if (!is_there) {
                text_printf(text, "%s: no letters\n", flow->name);
            }
        }
    }
}

enum exit_code list_letters(const struct letters_request *request)
{
    struct sluice_error *error = error_create();
    struct text text = {0};
    enum sluice_status status = error ? SLUICE_OK : SLUICE_FATAL;
    for (size_t i = 0; i < request->places->count && status == SLUICE_OK; i++) {
        struct tally tally = {0};
        status = tally_place(&request->places->places[i], &request->filter, &tally, error);
        append_tally(request, &request->places->places[i], &tally, &text);
        tally_reset(&tally);
    }
    append_others(request, &text);
    if (status != SLUICE_OK && error) {
        complain_error(error);
    }
    bool is_printed = status == SLUICE_OK && print_result(&text);
    text_reset(&text);
    error_destroy(error);
    return is_printed ? EXIT_DONE : EXIT_FAILED;
}
