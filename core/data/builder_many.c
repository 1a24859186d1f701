/* SPDX-License-Identifier: Apache-2.0 */
/* Many values of a column, many rows, at once: what a value costs beside itself is paid once a
 * call. The answer is that of so many single calls. */
#include "data/builder.h"

#include <string.h>

/* ---- plain strings ---- */

static enum sluice_status append_plain(struct sluice_builder *builder,
                                       struct builder_column *column,
                                       const struct sluice_string *strings, int64_t count)
{
    size_t size = 0;
    for (int64_t i = 0; i < count; i++) {
        size += strings[i].bytes ? strings[i].size : 0;
    }
    /* Also where all are empty the bytes are somewhere. */
    enum sluice_status status = column_reserve(builder, column, count, size + (size == 0));
    if (status != SLUICE_OK) {
        return status;
    }
    char *next = column->bytes + column->bytes_size;
    for (int64_t i = 0; i < count; i++) {
        if (strings[i].bytes) {
            memcpy(next, strings[i].bytes, strings[i].size);
            next += strings[i].size;
        } else {
            column->validity[column->count] = 0;
            column->null_count++;
        }
        column->offsets[++column->count] = (int32_t)(next - column->bytes);
    }
    column->bytes_size += size;
    return SLUICE_OK;
}

/* ---- codes ---- */

/* Where there are nulls: one after the other. */
static enum sluice_status append_each(struct sluice_builder *builder, int index,
                                      const struct sluice_string *strings, int64_t count)
{
    enum sluice_status status = SLUICE_OK;
    for (int64_t i = 0; i < count && status == SLUICE_OK; i++) {
        status = strings[i].bytes
                     ? builder_string(builder, index, strings[i].bytes, strings[i].size)
                     : builder_null(builder, index);
    }
    return status;
}

static bool has_null(const struct sluice_string *strings, int64_t count)
{
    bool found = false;
    for (int64_t i = 0; i < count; i++) {
        found |= strings[i].bytes == NULL;
    }
    return found;
}

/* Up to DICTIONARY_TOGETHER strings. *appended: how many; with the one behind them the dictionary
 * was full, and the column has become a plain one. */
static enum sluice_status append_codes(struct sluice_builder *builder,
                                       struct builder_column *column,
                                       const struct sluice_string *strings, int count,
                                       int *appended)
{
    *appended = 0;
    enum sluice_status status = column_reserve(builder, column, count, 0);
    if (status != SLUICE_OK) {
        return status;
    }
    *appended = column_find_codes(column, strings, count, column->codes + column->count);
    column->count += *appended;
    return *appended < count ? column_make_plain(builder, column) : SLUICE_OK;
}

enum sluice_status builder_strings(struct sluice_builder *builder, int index,
                                   const struct sluice_string *strings, int64_t count)
{
    struct builder_column *column =
        (size_t)index < builder->column_count ? &builder->columns[index] : NULL;
    if (!column || !is_string_type(column->type) || count < 0) {
        return builder_fail(builder, SLUICE_CODE_INTERNAL);
    }
    while (count > 0 && column->dictionary) {
        int together = count < DICTIONARY_TOGETHER ? (int)count : DICTIONARY_TOGETHER;
        int appended = together;
        enum sluice_status status =
            has_null(strings, together)
                ? append_each(builder, index, strings, together)
                : append_codes(builder, column, strings, together, &appended);
        if (status != SLUICE_OK) {
            return status;
        }
        strings += appended;
        count -= appended;
    }
    return count > 0 ? append_plain(builder, column, strings, count) : SLUICE_OK;
}

/* ---- rows ---- */

enum sluice_status builder_end_rows(struct sluice_builder *builder, const int64_t *positions,
                                    int64_t count)
{
    if (builder->failure != SLUICE_CODE_NONE) {
        return SLUICE_FATAL;
    }
    int64_t wanted = builder->rows + count;
    bool is_complete = count >= 0;
    for (size_t i = 0; i < builder->column_count; i++) {
        int64_t filled = builder->columns[i].count;
        is_complete = is_complete && (filled == wanted || (filled > wanted && builder->has_raw));
    }
    if (!is_complete) {
        return builder_fail(builder, SLUICE_CODE_INTERNAL);
    }
    if (builder->run_count > 0 && count > 0) {
        enum sluice_status status = builder_reserve_positions(builder, wanted);
        if (status != SLUICE_OK) {
            return status;
        }
        for (int64_t i = 0; i < count; i++) {
            builder->positions[builder->rows + i] = positions ? positions[i] : -1;
        }
    }
    builder->rows = wanted;
    return SLUICE_OK;
}
