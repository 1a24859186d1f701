/* SPDX-License-Identifier: Apache-2.0 */
/* Ids back to values: reading and ordering them; and what else keyed steps share. */
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

enum sluice_type value_ids_type(const struct value_ids *ids)
{
    return ids->type;
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

static int compare_bytes(struct sluice_string one, struct sluice_string other)
{
    size_t shorter = one.size < other.size ? one.size : other.size;
    int order = shorter ? memcmp(one.bytes, other.bytes, shorter) : 0;
    return order ? order : (one.size > other.size) - (one.size < other.size);
}

int value_compare(enum sluice_type type, struct sluice_string one, struct sluice_string other)
{
    if (type == SLUICE_TYPE_STRING || type == SLUICE_TYPE_BINARY)
        return compare_bytes(one, other);
    if (type == SLUICE_TYPE_FLOAT64) {
        double a, b;
        memcpy(&a, one.bytes, sizeof(a));
        memcpy(&b, other.bytes, sizeof(b));
        return float64_compare(a, b);
    }
    int64_t a, b;
    memcpy(&a, one.bytes, sizeof(a));
    memcpy(&b, other.bytes, sizeof(b));
    return (a > b) - (a < b);
}

int value_ids_compare(const struct value_ids *ids, uint32_t one, uint32_t other)
{
    if (one == other)
        return 0;
    if (!one || !other)
        return one ? 1 : -1;
    return value_compare(ids->type, value_ids_get(ids, one), value_ids_get(ids, other));
}

enum sluice_status value_append(const struct sluice_host *host, enum sluice_type type,
                                struct sluice_string value, struct sluice_builder *builder,
                                int column)
{
    if (type == SLUICE_TYPE_STRING || type == SLUICE_TYPE_BINARY)
        return sluice_builder_string(host, builder, column, value.bytes, value.size);
    int64_t word;
    memcpy(&word, value.bytes, sizeof(word));
    if (type == SLUICE_TYPE_BOOL)
        return sluice_builder_bool(host, builder, column, word != 0);
    if (type != SLUICE_TYPE_FLOAT64)
        return sluice_builder_int64(host, builder, column, word);
    double number;
    memcpy(&number, value.bytes, sizeof(number));
    return sluice_builder_float64(host, builder, column, number);
}
