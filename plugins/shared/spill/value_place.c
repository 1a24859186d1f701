/* SPDX-License-Identifier: Apache-2.0 */
#include "spill/value_place.h"

int place_compare(const struct value_ids *ids, const struct byte_heap *heap, uint32_t one,
                  uint32_t other)
{
    if (one == other)
        return 0;
    if (!one || !other)
        return one ? 1 : -1;
    return value_compare(value_ids_type(ids), place_value(ids, heap, one),
                         place_value(ids, heap, other));
}

enum sluice_status place_append(const struct value_ids *ids, const struct byte_heap *heap,
                                uint32_t place, struct sluice_builder *builder, int column)
{
    if (!place)
        return sluice_builder_null(heap->host, builder, column);
    return value_append(heap->host, value_ids_type(ids), place_value(ids, heap, place), builder,
                        column);
}
