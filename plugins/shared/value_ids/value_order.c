/* SPDX-License-Identifier: Apache-2.0 */
/* Ids back to values: reading, ordering and ranking them; and what else keyed steps share. */
#include "value_ids/value_ids_private.h"

#include <string.h>

int schema_index(const struct sluice_schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->field_count; i++) {
        if (!strcmp(sluice_schema_field(schema, i)->name, name))
            return (int)i;
    }
    return -1;
}

enum sluice_status fail_over_budget(const struct sluice_host *host, struct sluice_error *error,
                                    const char *what)
{
    const struct sluice_run *run = sluice_this_run(host);
    return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                       "step %s has no memory left for %s; raise settings.memory", run->step, what);
}

uint32_t value_ids_count(const struct value_ids *ids)
{
    return ids->entry_count;
}

struct sluice_string value_ids_get(const struct value_ids *ids, uint32_t id)
{
    const struct value_entry *entry = &ids->entries[id - 1];
    return (struct sluice_string){entry->bytes, entry->size};
}

int float64_compare(double one, double other)
{
    if (one != one || other != other)
        return (one != one) - (other != other);
    return (one > other) - (one < other);
}

static int compare_bytes(const struct value_entry *one, const struct value_entry *other)
{
    size_t shorter = one->size < other->size ? one->size : other->size;
    int order = shorter ? memcmp(one->bytes, other->bytes, shorter) : 0;
    return order ? order : (one->size > other->size) - (one->size < other->size);
}

static int compare_entries(enum sluice_type type, const struct value_entry *one,
                           const struct value_entry *other)
{
    if (type == SLUICE_TYPE_STRING || type == SLUICE_TYPE_BINARY)
        return compare_bytes(one, other);
    if (type == SLUICE_TYPE_FLOAT64) {
        double a, b;
        memcpy(&a, one->bytes, sizeof(a));
        memcpy(&b, other->bytes, sizeof(b));
        return float64_compare(a, b);
    }
    int64_t a, b;
    memcpy(&a, one->bytes, sizeof(a));
    memcpy(&b, other->bytes, sizeof(b));
    return (a > b) - (a < b);
}

int value_ids_compare(const struct value_ids *ids, uint32_t one, uint32_t other)
{
    if (one == other)
        return 0;
    if (!one || !other)
        return one ? 1 : -1;
    return compare_entries(ids->type, &ids->entries[one - 1], &ids->entries[other - 1]);
}

/* Merges neighbouring runs of `width` ids until all are one; the result ends in *sorted. */
static void merge_sort(const struct value_ids *ids, uint32_t **sorted, uint32_t *spare)
{
    uint32_t count = ids->entry_count;
    uint32_t *from = *sorted;
    uint32_t *into = spare;
    for (uint64_t width = 1; width < count; width *= 2) {
        for (uint64_t low = 0; low < count; low += 2 * width) {
            uint64_t middle = low + width < count ? low + width : count;
            uint64_t high = low + 2 * width < count ? low + 2 * width : count;
            uint64_t left = low, right = middle;
            for (uint64_t at = low; at < high; at++) {
                bool takes_left =
                    left < middle &&
                    (right == high || value_ids_compare(ids, from[left], from[right]) <= 0);
                into[at] = takes_left ? from[left++] : from[right++];
            }
        }
        uint32_t *other = from;
        from = into;
        into = other;
    }
    *sorted = from;
}

enum sluice_status value_ids_rank(const struct value_ids *ids, uint32_t *ranks,
                                  struct sluice_error *error)
{
    size_t count = ids->entry_count;
    uint32_t *memory = sluice_alloc(ids->host, (2 * count + 1) * sizeof(*memory));
    if (!memory)
        return fail_over_budget(ids->host, error, "sorting the different values of a column");
    uint32_t *sorted = memory;
    for (uint32_t i = 0; i < count; i++)
        sorted[i] = i + 1;
    merge_sort(ids, &sorted, memory + count);
    ranks[0] = 0;
    for (uint32_t i = 0; i < count; i++)
        ranks[sorted[i]] = i + 1;
    sluice_free(ids->host, memory);
    return SLUICE_OK;
}

enum sluice_status value_ids_append(const struct value_ids *ids, uint32_t id,
                                    struct sluice_builder *builder, int column)
{
    if (!id)
        return sluice_builder_null(ids->host, builder, column);
    struct sluice_string value = value_ids_get(ids, id);
    if (ids->type == SLUICE_TYPE_STRING || ids->type == SLUICE_TYPE_BINARY)
        return sluice_builder_string(ids->host, builder, column, value.bytes, value.size);
    int64_t word;
    memcpy(&word, value.bytes, sizeof(word));
    if (ids->type == SLUICE_TYPE_BOOL)
        return sluice_builder_bool(ids->host, builder, column, word != 0);
    if (ids->type != SLUICE_TYPE_FLOAT64)
        return sluice_builder_int64(ids->host, builder, column, word);
    double number;
    memcpy(&number, value.bytes, sizeof(number));
    return sluice_builder_float64(ids->host, builder, column, number);
}
