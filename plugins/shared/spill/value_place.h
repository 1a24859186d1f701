/* SPDX-License-Identifier: Apache-2.0 */
/* Where a value is: 0 is null, an id (value_ids) where it repeats, else a ref into a heap. Two
 * places of equal values may differ, so they are compared by what stands there. */
#ifndef SLUICE_SHARED_VALUE_PLACE_H
#define SLUICE_SHARED_VALUE_PLACE_H

#include "spill/byte_heap.h"
#include "value_ids/value_ids.h"

/* The place must not be 0. */
static inline struct sluice_string place_value(const struct value_ids *ids,
                                               const struct byte_heap *heap, uint32_t place)
{
    return place & HEAP_REF ? byte_heap_get(heap, place) : value_ids_get(ids, place);
}

static inline bool place_is_equal(struct sluice_string one, struct sluice_string other)
{
    return one.size == other.size &&
           (!one.size || !__builtin_memcmp(one.bytes, other.bytes, one.size));
}

/* < 0, 0, > 0: null first, strings bytewise, NaN last. */
int place_compare(const struct value_ids *ids, const struct byte_heap *heap, uint32_t one,
                  uint32_t other);
/* Appends the value, null included, to a builder's column of the same type. */
enum sluice_status place_append(const struct value_ids *ids, const struct byte_heap *heap,
                                uint32_t place, struct sluice_builder *builder, int column);

#endif
