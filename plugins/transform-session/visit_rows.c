/* SPDX-License-Identifier: Apache-2.0 */
/* Sorted rows to batches of the output schema, with the time on page; strings leave as codes of
 * the flow's dictionary where the output asks for it. */
#include "session.h"

#include <string.h>

enum { BATCH_ROWS = 16384, NO_CODE = -1 };

/* What fills one output column. */
struct output_column {
    enum { OUTPUT_ELAPSED = 1, OUTPUT_TIME, OUTPUT_KEY, OUTPUT_HELD } content;
    const struct held_column *held;
    struct value_ids *ids; /* strings, and the key */
    int32_t *codes;        /* dictionary code by id, where the output has codes; else NULL */
    bool is_plain;         /* strings leave as they are */
};

struct visit_rows {
    const struct sluice_host *host;
    const struct row_layout *layout;
    uint64_t gap_us;
    struct sluice_builder *builder;
    size_t batch_bytes;
    bool has_plain;       /* then batches are cut by bytes, too */
    const uint32_t *keys; /* of the runs at hand: place by number */
    size_t column_count;
    double elapsed[BATCH_ROWS]; /* seconds; negative: null */
    struct output_column columns[];
};

static bool is_string(enum sluice_type type)
{
    return type == SLUICE_TYPE_STRING || type == SLUICE_TYPE_BINARY;
}

/* Where the column's value of a row is. */
static uint32_t place_of(const struct visit_rows *visits, const struct output_column *column,
                         const char *row)
{
    return column->held ? row_id(row, column->held->offset) : visits->keys[row_id(row, KEY_OFFSET)];
}

/* The flow's code of every value with an id, so that no row needs a lookup. */
static enum sluice_status find_codes(const struct visit_rows *visits, const char *name,
                                     struct output_column *column, struct sluice_error *error)
{
    uint32_t count = value_ids_count(column->ids);
    column->codes = sluice_alloc(visits->host, (count + 1) * sizeof(*column->codes));
    if (!column->codes)
        return fail_over_budget(visits->host, error, "the codes of its values");
    struct sluice_dictionary *dictionary;
    enum sluice_status status = sluice_dictionary_get(visits->host, name, &dictionary, error);
    if (status != SLUICE_OK)
        return status;
    column->codes[0] = 0;
    for (uint32_t id = 1; id <= count; id++) {
        struct sluice_string value = value_ids_get(column->ids, id);
        uint64_t hash = sluice_hash_bytes(visits->host, value.bytes, value.size);
        column->codes[id] =
            sluice_dictionary_code(visits->host, dictionary, value.bytes, value.size, hash);
    }
    return SLUICE_OK;
}

/* Whether the builder takes codes is known by what it offers; a dictionary may give way later. */
static enum sluice_status find_encodings(struct visit_rows *visits)
{
    visits->has_plain = false;
    for (size_t i = 0; i < visits->column_count; i++) {
        struct output_column *column = &visits->columns[i];
        if (!column->ids || !is_string(value_ids_type(column->ids)))
            continue;
        struct sluice_raw_column raw;
        enum sluice_status status =
            sluice_builder_reserve(visits->host, visits->builder, (int)i, 0, 0, &raw);
        if (status != SLUICE_OK)
            return status;
        column->is_plain = !raw.codes;
        visits->has_plain |= column->is_plain;
    }
    return SLUICE_OK;
}

static void match_column(const struct visit_rows *visits, const struct session_options *options,
                         const struct sluice_field *field, struct output_column *column)
{
    const struct row_layout *layout = visits->layout;
    if (!strcmp(field->name, options->column)) {
        column->content = OUTPUT_ELAPSED;
    } else if (!strcmp(field->name, options->time)) {
        column->content = OUTPUT_TIME;
    } else if (!strcmp(field->name, options->key)) {
        column->content = OUTPUT_KEY;
        column->ids = layout->keys;
    } else {
        column->content = OUTPUT_HELD;
        for (size_t i = 0; i < layout->column_count; i++) {
            if (!strcmp(layout->columns[i].name, field->name))
                column->held = &layout->columns[i];
        }
        column->ids = column->held->ids;
    }
}

static enum sluice_status match_columns(struct visit_rows *visits,
                                        const struct session_options *options,
                                        const struct sluice_schema *schema,
                                        struct sluice_error *error)
{
    for (size_t i = 0; i < visits->column_count; i++)
        match_column(visits, options, sluice_schema_field(schema, i), &visits->columns[i]);
    enum sluice_status status = find_encodings(visits);
    if (status != SLUICE_OK)
        return fail_over_budget(visits->host, error, "its output");
    for (size_t i = 0; status == SLUICE_OK && i < visits->column_count; i++) {
        struct output_column *column = &visits->columns[i];
        if (column->ids && is_string(value_ids_type(column->ids)) && !column->is_plain)
            status = find_codes(visits, sluice_schema_field(schema, i)->name, column, error);
    }
    return status;
}

enum sluice_status visit_rows_create(const struct sluice_host *host,
                                     const struct row_layout *layout,
                                     const struct session_options *options,
                                     struct visit_rows **visits, struct sluice_error *error)
{
    *visits = NULL;
    const struct sluice_schema *schema = sluice_output_schema(host);
    size_t size = sizeof(**visits) + schema->field_count * sizeof(struct output_column);
    struct visit_rows *made = sluice_alloc(host, size);
    if (!made)
        return fail_over_budget(host, error, "its output");
    memset(made, 0, size);
    made->host = host;
    made->layout = layout;
    made->gap_us = (uint64_t)options->gap_ms * 1000;
    made->batch_bytes = spill_batch_bytes(host);
    made->column_count = schema->field_count;
    enum sluice_status status = sluice_builder_create(host, schema, &made->builder, error);
    if (status == SLUICE_OK)
        status = match_columns(made, options, schema, error);
    if (status != SLUICE_OK) {
        visit_rows_destroy(made);
        return status;
    }
    *visits = made;
    return SLUICE_OK;
}

void visit_rows_destroy(struct visit_rows *visits)
{
    if (!visits)
        return;
    for (size_t i = 0; i < visits->column_count; i++)
        sluice_free(visits->host, visits->columns[i].codes);
    sluice_builder_destroy(visits->host, visits->builder);
    sluice_free(visits->host, visits);
}

/* Seconds from each row to the next one of the same visit, for rows first .. first + count - 1. */
static void measure_time(struct visit_rows *visits, const struct key_runs *runs, size_t first,
                         size_t count)
{
    size_t size = visits->layout->row_size;
    for (size_t i = 0; i < count; i++) {
        const char *row = runs->rows + (first + i) * size;
        visits->elapsed[i] = -1;
        if (first + i + 1 == runs->row_count ||
            row_id(row, KEY_OFFSET) != row_id(row + size, KEY_OFFSET))
            continue;
        uint64_t elapsed_us = (uint64_t)row_time(row + size) - (uint64_t)row_time(row);
        if (elapsed_us <= visits->gap_us)
            visits->elapsed[i] = (double)elapsed_us / 1e6;
    }
}

static int64_t write_elapsed(const struct visit_rows *visits, size_t count,
                             const struct sluice_raw_column *raw)
{
    int64_t null_count = 0;
    for (size_t i = 0; i < count; i++) {
        bool is_null = visits->elapsed[i] < 0;
        ((double *)raw->values)[i] = is_null ? 0 : visits->elapsed[i];
        raw->validity[i] = !is_null;
        null_count += is_null;
    }
    return null_count;
}

/* False where a value has no code. */
static bool write_codes(const struct visit_rows *visits, const struct output_column *column,
                        const char *rows, size_t count, const struct sluice_raw_column *raw,
                        int64_t *null_count)
{
    size_t size = visits->layout->row_size;
    for (size_t i = 0; i < count; i++) {
        uint32_t place = place_of(visits, column, rows + i * size);
        if (place & HEAP_REF || column->codes[place] == NO_CODE) {
            memset(raw->validity, 1, count);
            return false;
        }
        raw->codes[i] = column->codes[place];
        if (!place) {
            raw->validity[i] = 0;
            ++*null_count;
        }
    }
    return true;
}

static size_t string_size(const struct visit_rows *visits, const struct output_column *column,
                          const char *row)
{
    uint32_t place = place_of(visits, column, row);
    return place ? place_value(column->ids, visits->layout->heap, place).size : 0;
}

static enum sluice_status append_strings(struct visit_rows *visits, int index, const char *rows,
                                         size_t count)
{
    const struct output_column *column = &visits->columns[index];
    size_t size = visits->layout->row_size;
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += string_size(visits, column, rows + i * size);
    struct sluice_raw_column raw;
    enum sluice_status status =
        sluice_builder_reserve(visits->host, visits->builder, index, (int64_t)count, bytes, &raw);
    if (status != SLUICE_OK)
        return status;
    char *to = raw.bytes;
    int64_t null_count = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t place = place_of(visits, column, rows + i * size);
        raw.validity[i] = place != 0;
        null_count += !place;
        struct sluice_string value = {NULL, 0};
        if (place)
            value = place_value(column->ids, visits->layout->heap, place);
        if (value.size)
            memcpy(to, value.bytes, value.size);
        to += value.size;
        raw.offsets[i + 1] = raw.offsets[0] + (int32_t)(to - raw.bytes);
    }
    return sluice_builder_commit(visits->host, visits->builder, index, (int64_t)count, bytes,
                                 null_count);
}

static int64_t write_words(const struct visit_rows *visits, const struct output_column *column,
                           const char *rows, size_t count, const struct sluice_raw_column *raw)
{
    size_t size = visits->layout->row_size;
    size_t offset = column->held ? column->held->offset : TIME_OFFSET;
    int64_t null_count = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t word = row_word(rows + i * size, offset);
        memcpy((char *)raw->values + i * sizeof(word), &word, sizeof(word));
        if (column->held && row_is_null(visits->layout, column->held, rows + i * size)) {
            raw->validity[i] = 0;
            null_count++;
        }
    }
    return null_count;
}

/* One value at a time: strings without codes, keys of fixed width, bools. */
static enum sluice_status append_values(struct visit_rows *visits, int index, const char *rows,
                                        size_t count)
{
    const struct output_column *column = &visits->columns[index];
    enum sluice_status status = SLUICE_OK;
    for (size_t i = 0; status == SLUICE_OK && i < count; i++) {
        const char *row = rows + i * visits->layout->row_size;
        if (column->ids)
            status = place_append(column->ids, visits->layout->heap, place_of(visits, column, row),
                                  visits->builder, index);
        else if (row_is_null(visits->layout, column->held, row))
            status = sluice_builder_null(visits->host, visits->builder, index);
        else
            status = sluice_builder_bool(visits->host, visits->builder, index,
                                         row_word(row, column->held->offset) != 0);
    }
    return status;
}

static enum sluice_status append_column(struct visit_rows *visits, int index, const char *rows,
                                        size_t count)
{
    const struct output_column *column = &visits->columns[index];
    bool is_bool = column->held && column->held->type == SLUICE_TYPE_BOOL;
    if (column->is_plain)
        return append_strings(visits, index, rows, count);
    if (is_bool || (column->ids && !column->codes))
        return append_values(visits, index, rows, count);
    struct sluice_raw_column raw;
    enum sluice_status status =
        sluice_builder_reserve(visits->host, visits->builder, index, (int64_t)count, 0, &raw);
    if (status != SLUICE_OK)
        return status;
    int64_t null_count = 0;
    if (column->content == OUTPUT_ELAPSED)
        null_count = write_elapsed(visits, count, &raw);
    else if (!column->ids)
        null_count = write_words(visits, column, rows, count, &raw);
    else if (!raw.codes || !write_codes(visits, column, rows, count, &raw, &null_count))
        return append_values(visits, index, rows, count);
    return sluice_builder_commit(visits->host, visits->builder, index, (int64_t)count, 0,
                                 null_count);
}

static enum sluice_status append_rows(struct visit_rows *visits, const char *rows, size_t count,
                                      struct sluice_error *error)
{
    enum sluice_status status = SLUICE_OK;
    for (size_t i = 0; status == SLUICE_OK && i < visits->column_count; i++)
        status = append_column(visits, (int)i, rows, count);
    if (status == SLUICE_OK)
        status = sluice_builder_end_rows(visits->host, visits->builder, NULL, (int64_t)count);
    if (status != SLUICE_OK)
        return fail_over_budget(visits->host, error, "its output");
    return SLUICE_OK;
}

static size_t plain_bytes(const struct visit_rows *visits, const char *row)
{
    size_t size = 0;
    for (size_t i = 0; i < visits->column_count; i++) {
        if (visits->columns[i].is_plain)
            size += string_size(visits, &visits->columns[i], row);
    }
    return size;
}

/* How many of the next rows the batch in the making still takes: at least one where it is empty,
 * at most what makes it large. */
static size_t fitting_rows(const struct visit_rows *visits, const char *rows, size_t count)
{
    size_t room = BATCH_ROWS - (size_t)sluice_builder_rows(visits->host, visits->builder);
    size_t fitting = count < room ? count : room;
    if (!visits->has_plain)
        return fitting;
    size_t size = (size_t)sluice_builder_bytes(visits->host, visits->builder);
    for (size_t i = 0; i < fitting; i++) {
        size += plain_bytes(visits, rows + i * visits->layout->row_size);
        if (size > visits->batch_bytes)
            return i || room < BATCH_ROWS ? i : 1;
    }
    return fitting;
}

enum sluice_status visit_rows_add(struct visit_rows *visits, const struct key_runs *runs,
                                  struct sluice_error *error)
{
    visits->keys = runs->keys;
    if (find_encodings(visits) != SLUICE_OK)
        return fail_over_budget(visits->host, error, "its output");
    for (size_t first = 0; first < runs->row_count;) {
        const char *rows = runs->rows + first * visits->layout->row_size;
        size_t left = runs->row_count - first;
        size_t count = fitting_rows(visits, rows, left);
        measure_time(visits, runs, first, count);
        enum sluice_status status = append_rows(visits, rows, count, error);
        bool is_full =
            count < left || sluice_builder_rows(visits->host, visits->builder) == BATCH_ROWS;
        if (status == SLUICE_OK && is_full)
            status = visit_rows_flush(visits, error);
        if (status != SLUICE_OK)
            return status;
        first += count;
    }
    return SLUICE_OK;
}

enum sluice_status visit_rows_flush(struct visit_rows *visits, struct sluice_error *error)
{
    struct sluice_batch *batch;
    enum sluice_status status = sluice_builder_finish(visits->host, visits->builder, &batch, error);
    if (status != SLUICE_OK || !batch)
        return status;
    return sluice_emit(visits->host, batch, error);
}
