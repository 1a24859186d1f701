/* SPDX-License-Identifier: Apache-2.0 */
/* Strings of a dictionary column on their way to codes. A look-up in a large dictionary is three
 * reads from far memory, one leading to the next. So strings wait, copied, until some dozens are
 * looked up together: then the reads of one overlap those of the others. */
#include "data/builder.h"

#include <string.h>

enum { WAITING = 64, WAITING_BYTES = 4096 };

struct waiting_strings {
    int count;
    size_t bytes_used;
    int64_t rows[WAITING];
    struct dictionary_query queries[WAITING];
    char bytes[WAITING_BYTES];
};

struct waiting_strings *waiting_create(struct account *account)
{
    struct waiting_strings *waiting = account_alloc(account, sizeof *waiting);
    if (waiting) {
        waiting->count = 0;
        waiting->bytes_used = 0;
    }
    return waiting;
}

struct sluice_string column_waiting_string(const struct builder_column *column, int32_t code)
{
    const struct dictionary_query *query = &column->waiting->queries[~code];
    return (struct sluice_string){query->bytes, query->size};
}

void column_drop_waiting(struct builder_column *column, int64_t rows)
{
    struct waiting_strings *waiting = column->waiting;
    while (waiting->count > 0 && waiting->rows[waiting->count - 1] >= rows) {
        const struct dictionary_query *last = &waiting->queries[--waiting->count];
        waiting->bytes_used = (size_t)(last->bytes - waiting->bytes);
    }
}

enum sluice_status column_settle_codes(struct sluice_builder *builder,
                                       struct builder_column *column)
{
    struct waiting_strings *waiting = column->waiting;
    int32_t codes[WAITING];
    int known = dictionary_codes(column->dictionary, waiting->queries, waiting->count, codes);
    for (int i = 0; i < known; i++) {
        column->codes[waiting->rows[i]] = codes[i];
    }
    if (known < waiting->count) {
        return column_make_plain(builder, column);
    }
    waiting->count = 0;
    waiting->bytes_used = 0;
    return SLUICE_OK;
}

/* One that is too long to wait. */
static enum sluice_status append_now(struct sluice_builder *builder, struct builder_column *column,
                                     struct sluice_string string, uint64_t hash)
{
    int32_t code = dictionary_code(column->dictionary, string.bytes, string.size, hash);
    if (code >= 0) {
        column->codes[column->count++] = code;
        return SLUICE_OK;
    }
    enum sluice_status status = column_make_plain(builder, column);
    return status == SLUICE_OK ? column_append_plain(builder, column, string.bytes, string.size)
                               : status;
}

enum sluice_status column_append_code(struct sluice_builder *builder, struct builder_column *column,
                                      struct sluice_string string, uint64_t hash)
{
    if (__builtin_expect(column->count == column->capacity, 0) &&
        column_reserve(builder, column, 1, 0) != SLUICE_OK) {
        return SLUICE_FATAL;
    }
    struct waiting_strings *waiting = column->waiting;
    if (waiting->count == WAITING || string.size > WAITING_BYTES - waiting->bytes_used) {
        enum sluice_status status = column_settle_codes(builder, column);
        if (status != SLUICE_OK) {
            return status;
        }
        if (!column->dictionary) {
            return column_append_plain(builder, column, string.bytes, string.size);
        }
        if (string.size > WAITING_BYTES) {
            return append_now(builder, column, string, hash);
        }
    }
    dictionary_expect(column->dictionary, hash);
    char *copy = waiting->bytes + waiting->bytes_used;
    if (string.size > 0) {
        memcpy(copy, string.bytes, string.size);
    }
    int index = waiting->count++;
    waiting->bytes_used += string.size;
    waiting->rows[index] = column->count;
    waiting->queries[index] = (struct dictionary_query){hash, copy, string.size};
    column->codes[column->count++] = ~index;
    return SLUICE_OK;
}
