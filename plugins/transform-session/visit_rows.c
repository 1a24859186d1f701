/* SPDX-License-Identifier: Apache-2.0 */
/* Sorted rows to batches of the output schema, with the time on page; strings leave as codes of
 * the flow's dictionary where the output asks for it. */
#include "session.h"

#include <string.h>

enum { BATCH_ROWS = 16384, BATCH_BYTES = 8 << 20, NO_CODE = -1 };

/* What fills one output column. */
struct output_column {
    enum { OUTPUT_ELAPSED = 1, OUTPUT_TIME, OUTPUT_KEY, OUTPUT_HELD } content;
    const struct held_column *held;
    struct value_ids *ids; /* strings */
    int32_t *codes;        /* dictionary code by id, where the output wants codes; else NULL */
    bool has_no_code;      /* some value is past the dictionary's cap */
};

struct visit_rows {
    const struct sluice_host *host;
    const struct row_layout *layout;
    uint64_t gap_us;
    struct sluice_builder *builder;
    bool has_plain; /* some strings leave as they are: batches are cut by bytes, too */
    size_t column_count;
    double elapsed[BATCH_ROWS]; /* seconds; negative: null */
    struct output_column columns[];
};

/* The flow's code of every value of the column, so that no row needs a lookup. */
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
        if (column->codes[id] == NO_CODE)
            column->has_no_code = true;
    }
    return SLUICE_OK;
}

static enum sluice_status match_column(struct visit_rows *visits,
                                       const struct session_options *options,
                                       const struct sluice_field *field,
                                       struct output_column *column, struct sluice_error *error)
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
    if (!column->ids)
        return SLUICE_OK;
    enum sluice_status status = SLUICE_OK;
    if (field->is_dictionary && field->type == SLUICE_TYPE_STRING)
        status = find_codes(visits, field->name, column, error);
    visits->has_plain |= !column->codes || column->has_no_code;
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
    made->column_count = schema->field_count;
    enum sluice_status status = sluice_builder_create(host, schema, &made->builder, error);
    for (size_t i = 0; status == SLUICE_OK && i < made->column_count; i++)
        status =
            match_column(made, options, sluice_schema_field(schema, i), &made->columns[i], error);
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

static int64_t write_codes(const struct visit_rows *visits, const struct output_column *column,
                           const char *rows, size_t count, const struct sluice_raw_column *raw)
{
    size_t size = visits->layout->row_size;
    size_t offset = column->held ? column->held->offset : KEY_OFFSET;
    int64_t null_count = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t id = row_id(rows + i * size, offset);
        raw->codes[i] = column->codes[id];
        if (!id) {
            raw->validity[i] = 0;
            null_count++;
        }
    }
    return null_count;
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

/* One value at a time: plain strings, keys of fixed width, bools. */
static enum sluice_status append_values(struct visit_rows *visits, int index, const char *rows,
                                        size_t count)
{
    const struct output_column *column = &visits->columns[index];
    size_t offset = column->held ? column->held->offset : KEY_OFFSET;
    enum sluice_status status = SLUICE_OK;
    for (size_t i = 0; status == SLUICE_OK && i < count; i++) {
        const char *row = rows + i * visits->layout->row_size;
        if (column->ids)
            status = value_ids_append(column->ids, row_id(row, offset), visits->builder, index);
        else if (row_is_null(visits->layout, column->held, row))
            status = sluice_builder_null(visits->host, visits->builder, index);
        else
            status = sluice_builder_bool(visits->host, visits->builder, index,
                                         row_word(row, offset) != 0);
    }
    return status;
}

static enum sluice_status append_column(struct visit_rows *visits, int index, const char *rows,
                                        size_t count)
{
    const struct output_column *column = &visits->columns[index];
    bool is_bool = column->held && column->held->type == SLUICE_TYPE_BOOL;
    if (is_bool || (column->ids && (!column->codes || column->has_no_code)))
        return append_values(visits, index, rows, count);
    struct sluice_raw_column raw;
    enum sluice_status status =
        sluice_builder_reserve(visits->host, visits->builder, index, (int64_t)count, 0, &raw);
    if (status != SLUICE_OK)
        return status;
    if (column->ids && !raw.codes)
        return append_values(visits, index, rows, count);
    int64_t null_count;
    if (column->content == OUTPUT_ELAPSED)
        null_count = write_elapsed(visits, count, &raw);
    else if (column->ids)
        null_count = write_codes(visits, column, rows, count, &raw);
    else
        null_count = write_words(visits, column, rows, count, &raw);
    return sluice_builder_commit(visits->host, visits->builder, index, (int64_t)count, 0,
                                 null_count);
}

static enum sluice_status append_rows(struct visit_rows *visits, const char *rows, size_t count,
                                      struct sluice_error *error)
{
    enum sluice_status status = SLUICE_OK;
    for (size_t i = 0; status == SLUICE_OK && i < visits->column_count; i++)
        status = append_column(visits, (int)i, rows, count);
    for (size_t i = 0; status == SLUICE_OK && i < count; i++)
        status = sluice_builder_end_row(visits->host, visits->builder, -1);
    if (status != SLUICE_OK)
        return fail_over_budget(visits->host, error, "its output");
    return SLUICE_OK;
}

static size_t plain_bytes(const struct visit_rows *visits, const char *row)
{
    size_t size = 0;
    for (size_t i = 0; i < visits->column_count; i++) {
        const struct output_column *column = &visits->columns[i];
        if (!column->ids || (column->codes && !column->has_no_code))
            continue;
        uint32_t id = row_id(row, column->held ? column->held->offset : KEY_OFFSET);
        size += id ? value_ids_get(column->ids, id).size : 0;
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
        if (size > BATCH_BYTES)
            return i || room < BATCH_ROWS ? i : 1;
    }
    return fitting;
}

enum sluice_status visit_rows_add(struct visit_rows *visits, const struct key_runs *runs,
                                  struct sluice_error *error)
{
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
