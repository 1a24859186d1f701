/* SPDX-License-Identifier: Apache-2.0 */
#include "shape.h"

static bool set_lead(struct json_lead *lead, const char *begin, const char *end)
{
    lead->size = (size_t)(end - begin);
    if (lead->size > sizeof lead->text) {
        return false;
    }
    lead->block_count = (lead->size + BLOCK - 1) / BLOCK;
    memset(lead->text, 0, sizeof lead->text);
    memset(lead->rest, 0xff, sizeof lead->rest);
    memcpy(lead->text, begin, lead->size);
    memset(lead->rest, 0, lead->size);
    return true;
}

void shape_learn(struct json_shape *shape, const char *bytes, size_t size)
{
    shape->member_count = 0;
    shape->learned++;
    if (shape->value_count == 0 || shape->value_count > SHAPE_MEMBERS) {
        return;
    }
    const char *from = bytes;
    for (size_t i = 0; i < shape->value_count; i++) {
        const struct json_value_place *value = &shape->values[i];
        struct json_lead *lead = &shape->leads[i];
        if (!set_lead(lead, from, value->begin)) {
            return;
        }
        lead->node = value->node;
        lead->is_string = value->is_string;
        from = value->end;
    }
    if (set_lead(&shape->leads[shape->value_count], from, bytes + size)) {
        shape->member_count = shape->value_count;
    }
}
