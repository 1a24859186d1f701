/* SPDX-License-Identifier: Apache-2.0 */
/* Groups in the order of their keys: null first, strings bytewise, NaN last. Seven bytes of a
 * string at a time are fetched for all groups that are equal so far and sorted as numbers, so that
 * long common beginnings cost one look each, not one a comparison. */
#include "agg.h"

#include <string.h>

enum { HEAD_BYTES = 7, FEW = 12, AHEAD = 12 };

/* A group with the value of the key that is being looked at. */
struct order_item {
    uint64_t head;
    const char *bytes; /* NULL: null */
    uint32_t size;
    uint32_t number;
};

struct order {
    const struct group_table *groups;
    struct order_item *items;
};

static void swap(struct order_item *one, struct order_item *other)
{
    struct order_item kept = *one;
    *one = *other;
    *other = kept;
}

static void sort_few(struct order_item *items, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct order_item item = items[i];
        size_t at = i;
        for (; at && items[at - 1].head > item.head; at--)
            items[at] = items[at - 1];
        items[at] = item;
    }
}

static uint64_t middle_of(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t low = a < b ? a : b;
    uint64_t high = a < b ? b : a;
    return c < low ? low : c > high ? high : c;
}

/* By heads, equal ones next to each other. */
static void sort_heads(struct order_item *items, size_t count)
{
    while (count > FEW) {
        uint64_t pivot = middle_of(items[count / 7].head, items[count / 2].head,
                                   items[count - 1 - count / 9].head);
        size_t below = 0;
        size_t above = count;
        for (size_t at = 0; at < above;) {
            if (items[at].head < pivot)
                swap(&items[at++], &items[below++]);
            else if (items[at].head > pivot)
                swap(&items[at], &items[--above]);
            else
                at++;
        }
        bool is_left_shorter = below < count - above;
        sort_heads(is_left_shorter ? items : items + above,
                   is_left_shorter ? below : count - above);
        items += is_left_shorter ? above : 0;
        count = is_left_shorter ? count - above : below;
    }
    sort_few(items, count);
}

/* Seven bytes from `depth` on; the last byte says how many there are, 8 where more follow. */
static uint64_t string_head(const struct order_item *item, size_t depth)
{
    size_t left = item->size > depth ? item->size - depth : 0;
    size_t taken = left < HEAD_BYTES ? left : HEAD_BYTES;
    unsigned char bytes[8] = {0};
    if (taken)
        memcpy(bytes, item->bytes + depth, taken);
    bytes[HEAD_BYTES] = (unsigned char)(left > HEAD_BYTES ? HEAD_BYTES + 1 : left);
    uint64_t head;
    memcpy(&head, bytes, sizeof(head));
    return __builtin_bswap64(head);
}

/* A number that is ordered as the value is. */
static uint64_t word_head(enum sluice_type type, const struct order_item *item)
{
    const uint64_t sign = UINT64_C(1) << 63;
    uint64_t word;
    memcpy(&word, item->bytes, sizeof(word));
    if (type == SLUICE_TYPE_FLOAT64)
        return word & sign ? ~word : word | sign;
    return word ^ sign;
}

/* Takes the heads at `depth`; false where the values have no bytes behind a head. */
static bool take_heads(const struct order *order, struct order_item *items, size_t count,
                       size_t key, size_t depth)
{
    enum sluice_type type = groups_key_type(order->groups, key);
    bool is_string = type == SLUICE_TYPE_STRING || type == SLUICE_TYPE_BINARY;
    for (size_t i = 0; i < count; i++)
        items[i].head = is_string ? string_head(&items[i], depth) : word_head(type, &items[i]);
    return is_string;
}

/* Takes the values of a key; the groups where it is null come to the front. Their number. */
static size_t take_values(const struct order *order, struct order_item *items, size_t count,
                          size_t key)
{
    size_t nulls = 0;
    for (size_t i = 0; i < count; i++) {
        if (i + AHEAD < count)
            __builtin_prefetch(groups_record(order->groups, items[i + AHEAD].number));
        struct sluice_string value = {NULL, 0};
        const char *record = groups_record(order->groups, items[i].number);
        bool is_null = !groups_key_value(order->groups, record, key, &value);
        items[i].bytes = is_null ? NULL : value.bytes;
        items[i].size = (uint32_t)value.size;
        if (is_null)
            swap(&items[i], &items[nulls++]);
    }
    return nulls;
}

/* Items that are equal in the keys before `key`, and in the first `depth` bytes of it. */
static void sort_range(const struct order *order, struct order_item *items, size_t count,
                       size_t key, size_t depth)
{
    while (count > 1 && key < groups_key_count(order->groups)) {
        size_t nulls = depth ? 0 : take_values(order, items, count, key);
        if (nulls)
            sort_range(order, items, nulls, key + 1, 0);
        items += nulls;
        count -= nulls;
        bool is_string = take_heads(order, items, count, key, depth);
        sort_heads(items, count);
        size_t first = 0;
        for (size_t i = 1; count && i <= count; i++) {
            if (i < count && items[i].head == items[first].head)
                continue;
            bool has_more = is_string && (items[first].head & 0xff) > HEAD_BYTES;
            if (i == count && !first) { /* all are equal: go on without a call */
                key += has_more ? 0 : 1;
                depth = has_more ? depth + HEAD_BYTES : 0;
                break;
            }
            sort_range(order, items + first, i - first, has_more ? key : key + 1,
                       has_more ? depth + HEAD_BYTES : 0);
            first = i;
        }
        if (first || !count)
            return;
    }
}

enum sluice_status groups_in_order(const struct sluice_host *host, const struct group_table *groups,
                                   uint32_t **numbers, struct sluice_error *error)
{
    uint32_t count = groups_count(groups);
    *numbers = sluice_alloc(host, (count + 1) * sizeof(**numbers));
    struct order order = {groups, sluice_alloc(host, (count + 1) * sizeof(*order.items))};
    if (!*numbers || !order.items) {
        sluice_free(host, order.items);
        sluice_free(host, *numbers);
        *numbers = NULL;
        return fail_over_budget(host, error, "sorting its groups");
    }
    for (uint32_t i = 0; i < count; i++)
        order.items[i].number = i;
    sort_range(&order, order.items, count, 0, 0);
    for (uint32_t i = 0; i < count; i++)
        (*numbers)[i] = order.items[i].number;
    sluice_free(host, order.items);
    return SLUICE_OK;
}
