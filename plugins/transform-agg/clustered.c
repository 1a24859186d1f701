/* SPDX-License-Identifier: Apache-2.0 */
/* Exact distinct counts of a column by which the input is clustered: no set, no hash. */
#include "distinct.h"

#include <string.h>

void clustered_reset(struct distinct *distinct)
{
    for (size_t i = 0; i < distinct->sender_count; i++) {
        sluice_free(distinct->host, distinct->senders[i].last);
        sluice_buffer_free(distinct->host, &distinct->senders[i].value);
    }
    sluice_free(distinct->host, distinct->senders);
    distinct->senders = NULL;
    distinct->sender_count = 0;
}

static enum sluice_status fail_senders(const struct distinct *distinct, struct sluice_error *error)
{
    return fail_over_budget(distinct->host, error, "the last values of its groups");
}

/* The sender with room for all groups so far; NULL without memory. */
static struct sender *find_sender(struct distinct *distinct, size_t index, uint32_t group_count)
{
    const struct sluice_host *host = distinct->host;
    if (index >= distinct->sender_count) {
        struct sender *senders =
            sluice_resize(host, distinct->senders, (index + 1) * sizeof(*senders));
        if (!senders)
            return NULL;
        for (size_t i = distinct->sender_count; i <= index; i++)
            senders[i] = (struct sender){0};
        distinct->senders = senders;
        distinct->sender_count = index + 1;
    }
    struct sender *sender = &distinct->senders[index];
    if (group_count > sender->last_count) {
        uint32_t count = group_count + group_count / 2 + 64;
        uint64_t *last = sluice_resize(host, sender->last, count * sizeof(*last));
        if (!last)
            return NULL;
        memset(last + sender->last_count, 0, (count - sender->last_count) * sizeof(*last));
        sender->last = last;
        sender->last_count = count;
    }
    return sender;
}

static bool is_same(struct sluice_string one, struct sluice_string other)
{
    return one.size == other.size && (!one.size || !memcmp(one.bytes, other.bytes, one.size));
}

/* Whether `row` has the value of `previous` (-1: of the batch before). */
static bool continues_visit(const struct sender *sender, const struct sluice_column *column,
                            int64_t previous, int64_t row)
{
    if (previous >= 0 && column->codes && column->codes[previous] == column->codes[row])
        return true;
    uint64_t word, previous_word;
    struct sluice_string value = column_value(column, row, &word);
    if (previous >= 0)
        return is_same(value, column_value(column, previous, &previous_word));
    struct sluice_string last = {sender->value.data, sender->value.size};
    return sender->visit && is_same(value, last);
}

static bool keep_value(const struct sluice_host *host, struct sender *sender,
                       const struct sluice_column *column, int64_t row)
{
    uint64_t word;
    struct sluice_string value = column_value(column, row, &word);
    sender->value.size = 0;
    if (sluice_buffer_reserve(host, &sender->value, value.size + 1) != SLUICE_OK)
        return false;
    if (value.size)
        memcpy(sender->value.data, value.bytes, value.size);
    sender->value.size = value.size;
    return true;
}

enum sluice_status clustered_add(struct distinct *distinct, const struct aggregate *aggregate,
                                 const struct agg_rows *rows, struct sluice_error *error)
{
    struct sluice_column column;
    sluice_batch_column(distinct->host, rows->batch, aggregate->input, &column);
    struct sender *sender = find_sender(distinct, (size_t)rows->sender, rows->group_count);
    if (!sender)
        return fail_senders(distinct, error);
    int64_t previous = -1;
    for (int64_t row = 0; row < column.length; row++) {
        if (column.null_count && sluice_column_is_null(&column, row))
            continue;
        if (!continues_visit(sender, &column, previous, row))
            sender->visit = ++distinct->visit_count;
        previous = row;
        uint64_t *last = &sender->last[record_number(rows->records[row])];
        if (*last != sender->visit) {
            *last = sender->visit;
            ++*(int64_t *)(void *)(rows->records[row] + aggregate->offset);
        }
    }
    if (previous >= 0 && !keep_value(distinct->host, sender, &column, previous))
        return fail_senders(distinct, error);
    return SLUICE_OK;
}
